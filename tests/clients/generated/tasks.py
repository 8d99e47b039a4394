"""What people on the forum want to do, with the client that openapi-python-client generates from
/openapi.json. Every call has the arguments of its task and no others.

Needs CLIENT_URL and CLIENT_PASSWORD; the package is in the folder that is the first argument.
"""

import base64
import importlib
import os
import sys

sys.path.insert(0, sys.argv[1])
package = "user_provisioning_api_client"
AuthenticatedClient = importlib.import_module(package).AuthenticatedClient
models = importlib.import_module(f"{package}.models")

secret = base64.b64encode(f"admin:{os.environ['CLIENT_PASSWORD']}".encode()).decode()
client = AuthenticatedClient(os.environ["CLIENT_URL"], secret, prefix="Basic", raise_on_unexpected_status=True)
calls = 0


def call(tag, name, *path, status=200, code=200, **arguments):
    """Makes a call and returns `data` of its answer, as the generated types have it."""
    global calls
    calls += 1
    function = importlib.import_module(f"{package}.api.{tag}.{name}").sync_detailed
    response = function(*path, client=client, **arguments)
    assert response.status_code == status, f"{name}{path}: {response}"
    assert response.parsed is not None, f"{name}{path} is not what the document says: {response.content}"
    meta = response.parsed.to_dict()["ocs"]["meta"]
    assert meta["statuscode"] == code, f"{name}{path}: {meta}"
    return response.parsed.to_dict()["ocs"]["data"]


call("groups", "group_create", body=models.GroupCreateJsonBody(groupid="staff", displayname="The Staff"))
call("groups", "group_create", body=models.GroupCreateJsonBody(groupid="staff"), status=400, code=102)
made = call(
    "users",
    "user_create",
    body=models.UserCreateJsonBody(
        userid="alice",
        password="down the rabbit hole",
        display_name="Alice",
        email="alice@example.com",
        groups=["staff"],
        quota="5 GB",
    ),
)
assert made == {"id": "alice"}, made
call("users", "user_create", body=models.UserCreateJsonBody(userid="bob", email="bob@example.com"))
weak = models.UserCreateJsonBody(userid="carol", password="password")
call("users", "user_create", body=weak, status=400, code=107)

alice = call("users", "user_get", "alice")
assert alice["email"] == "alice@example.com" and alice["groups"] == ["staff"], alice
assert alice["quota"]["quota"] == 5 * 1024**3, alice
for key, value in {"displayname": "Alice L.", "phone": "+49 711 123456", "quota": "1 GB"}.items():
    call("users", "user_edit", "alice", body=models.UserEditJsonBodyType0(key=key, value=value))
alice = call("users", "user_get", "alice")
assert alice["displayname"] == "Alice L." and alice["phone"] == "+49711123456", alice
call("users", "user_get", "unknown", status=404, code=404)

call("users", "user_group_add", "bob", body=models.UserGroupAddJsonBody(groupid="staff"))
call("users", "user_sub_admin_add", "alice", body=models.UserSubAdminAddJsonBody(groupid="staff"))
assert call("users", "user_sub_admins", "alice") == ["staff"]
assert call("users", "user_groups", "bob") == {"groups": ["staff"]}
assert call("groups", "group_users", "staff") == {"users": ["alice", "bob"]}
assert call("groups", "group_sub_admins", "staff") == ["alice"]
assert call("users", "user_list", search="ali", limit=10) == {"users": ["alice"]}
assert set(call("users", "user_list_details")["users"]) == {"admin", "alice", "bob"}
assert call("groups", "group_list", search="sta") == {"groups": ["staff"]}
assert call("groups", "group_details", search="sta")["groups"][0]["usercount"] == 2

call("users", "user_disable", "bob")
assert call("users", "user_get", "bob")["enabled"] is False
assert list(call("users", "user_list_disabled")["users"]) == ["bob"]
call("users", "user_enable", "bob")
call("users", "user_sub_admin_remove", "alice", groupid="staff")
call("users", "user_group_remove", "bob", groupid="staff")
call("users", "user_welcome", "bob")

assert "password_policy" in call("apps", "app_list")["apps"]
call("apps", "app_disable", "password_policy")
call("apps", "app_enable", "password_policy")
setting = ("password_policy", "minLength")
call("settings", "app_key_set", *setting, body=models.AppKeySetJsonBody(value="12"))
assert call("settings", "app_key_get", *setting) == {"data": "12"}
call("settings", "app_key_delete", *setting)
assert call("around", "capabilities")["version"]["major"] == 25

for user in ("alice", "bob"):
    call("users", "user_delete", user)
call("groups", "group_delete", "staff")
assert call("users", "user_list") == {"users": ["admin"]}
print(f"    {calls} calls, none with a header or a format")
