"""The calls that nc-py-api makes for users, groups and apps: each must do what it says. Started by `cargo xtask clients`."""

import os
import re
import sys
import traceback
import urllib.parse
import urllib.request
import warnings

from nc_py_api import Nextcloud, NextcloudException

URL, PASSWORD = os.environ["CLIENT_URL"], os.environ["CLIENT_PASSWORD"]


# That these classes will go one day is its makers' business.
warnings.simplefilter("ignore", DeprecationWarning)


def sign_in(user, password):
    return Nextcloud(nextcloud_url=URL, nc_auth_user=user, nc_auth_pass=password)


admin = sign_in("admin", PASSWORD)
STEPS = []


def step(work):
    STEPS.append(work)
    return work


def refused(code, work):
    try:
        work()
    except NextcloudException as error:
        assert error.status_code == code, error
    else:
        raise AssertionError("it was not refused")


@step
def capabilities_and_version():
    assert admin.capabilities["password_policy"]["minLength"] == 10
    assert admin.srv_version["major"] >= 25
    assert admin.check_capabilities("provisioning_api") == []


@step
def create_a_group():
    admin.users_groups.create("staff", "The Staff")
    refused(102, lambda: admin.users_groups.create("staff"))


@step
def create_a_user():
    admin.users.create("frank", "Frank Smith", password=PASSWORD, email="frank@example.com", groups=["staff"],
                       subadmin=["staff"], quota="5 GB", language="de")


@step
def create_a_user_with_an_address_only():
    admin.users.create("anna@example.com", email="anna@example.com")


@step
def refuse_a_user_twice_and_a_weak_password():
    refused(102, lambda: admin.users.create("frank", password=PASSWORD))
    refused(107, lambda: admin.users.create("weak", password="abc"))


@step
def list_users():
    assert admin.users.get_list() == ["admin", "anna@example.com", "frank"]
    assert admin.users.get_list("FRA") == ["frank"]
    assert admin.users.get_list(limit=1, offset=1) == ["anna@example.com"]


@step
def get_a_user():
    frank = admin.users.get_user("frank")
    assert (frank.user_id, frank.display_name, frank.email) == ("frank", "Frank Smith", "frank@example.com")
    assert (frank.groups, frank.subadmin, frank.language, frank.enabled) == (["staff"], ["staff"], "de", True)
    assert frank.quota["quota"] == 5 * 2**30, frank.quota
    assert frank.backend_capabilities == {"setDisplayName": True, "setPassword": True}
    assert frank.last_login.timestamp() == 0
    assert (frank.phone, frank.additional_mail, frank.notify_email, frank.manager) == ("", [], "", "")
    assert (frank.storage_location.endswith("/frank"), frank.profile_enabled in (True, False)) == (True, True)
    repr(frank)


@step
def get_oneself():
    assert admin.users.get_user().user_id == "admin"
    assert "admin" in admin.users.get_user().groups


@step
def refuse_what_is_not_there():
    refused(404, lambda: admin.users.get_user("ghost"))


@step
def editable_fields():
    fields = admin.users.editable_fields()
    assert "displayname" in fields and "email" in fields and "phone" in fields, fields


@step
def edit_a_user():
    admin.users.edit("frank", displayname="Frank the Tank", phone="+4930123456", website="https://example.com", role="x")
    frank = admin.users.get_user("frank")
    assert (frank.display_name, frank.phone, frank.role) == ("Frank the Tank", "+4930123456", "x")
    assert frank.website == "https://example.com"
    refused(102, lambda: admin.users.edit("frank", email="no address"))


@step
def sign_in_as_the_user():
    frank = sign_in("frank", PASSWORD)
    assert frank.users.get_user().user_id == "frank"
    assert admin.users.get_user("frank").last_login.timestamp() > 0


@step
def disable_and_enable():
    admin.users.disable("frank")
    assert admin.users.get_user("frank").enabled is False
    refused(401, lambda: sign_in("frank", PASSWORD).users.get_user())
    admin.users.enable("frank")
    assert admin.users.get_user("frank").enabled is True
    assert sign_in("frank", PASSWORD).users.get_user().user_id == "frank"


@step
def add_to_a_group_and_remove():
    admin.users_groups.create("guests")
    admin.users.add_to_group("frank", "guests")
    assert admin.users_groups.get_members("guests") == ["frank"]
    admin.users.remove_from_group("frank", "guests")
    assert admin.users_groups.get_members("guests") == []
    refused(102, lambda: admin.users.add_to_group("frank", "nowhere"))


@step
def promote_and_demote():
    admin.users.promote_to_subadmin("frank", "guests")
    assert admin.users_groups.get_subadmins("guests") == ["frank"]
    admin.users.demote_from_subadmin("frank", "guests")
    assert admin.users_groups.get_subadmins("guests") == []


@step
def list_groups():
    assert admin.users_groups.get_list() == ["admin", "guests", "staff"]
    assert admin.users_groups.get_list("sta") == ["staff"]
    assert admin.users_groups.get_list(limit=1) == ["admin"]


@step
def details_of_groups():
    staff = [group for group in admin.users_groups.get_details() if group.group_id == "staff"]
    assert [(group.display_name, group.user_count) for group in staff] == [("The Staff", 1)]
    assert (staff[0].can_add, staff[0].can_remove) == (True, True)


@step
def edit_a_group():
    admin.users_groups.edit("guests", "Our Guests")
    names = {group.group_id: group.display_name for group in admin.users_groups.get_details("guests")}
    assert names == {"guests": "Our Guests"}


@step
def delete_a_group():
    admin.users_groups.delete("guests")
    assert "guests" not in admin.users_groups.get_list()
    refused(101, lambda: admin.users_groups.delete("guests"))


@step
def welcome_mail():
    admin.users.resend_welcome_email("frank")


@step
def wipe():
    admin.users.wipe("frank")


class Browser:
    """As much of a browser as the pages need: a cookie, and the forms that it was shown."""

    def __init__(self):
        cookies = urllib.request.HTTPCookieProcessor()
        self.opener = urllib.request.build_opener(cookies)
        self.page = ""

    def get(self, url):
        self.page = self.opener.open(url).read().decode()

    def post(self, url, **fields):
        fields["requesttoken"] = re.search(r'name="requesttoken" value="([^"]+)"', self.page).group(1)
        self.page = self.opener.open(url, urllib.parse.urlencode(fields).encode()).read().decode()


@step
def sign_a_device_in():
    flow = admin.loginflow_v2.init(user_agent="device of nc_py_api")
    # As long as no one has agreed.
    refused(404, lambda: admin.loginflow_v2.poll(flow.token, 1, 1, overwrite_auth=False))
    browser = Browser()
    browser.get(flow.login)
    browser.post(URL + "/login", user="frank", password=PASSWORD, redirect_url=urllib.parse.urlparse(flow.login).path)
    assert "device of nc_py_api" in browser.page, browser.page
    browser.post(flow.login)
    credentials = admin.loginflow_v2.poll(flow.token, 10, 1, overwrite_auth=False)
    assert (credentials.server, credentials.login_name) == (URL, "frank"), credentials.login_name
    frank = sign_in(credentials.login_name, credentials.app_password)
    assert frank.users.get_user().user_id == "frank"
    refused(403, lambda: frank.users.edit("frank", password=PASSWORD))


@step
def list_apps():
    assert {"password_policy", "provisioning_api", "user_external"} <= set(admin.apps.get_list())
    assert admin.apps.is_installed("password_policy") and admin.apps.is_enabled("password_policy")


@step
def switch_apps():
    admin.apps.disable("password_policy")
    assert admin.apps.is_disabled("password_policy")
    admin.users.create("weak", password="abc")
    admin.users.delete("weak")
    admin.apps.enable("password_policy")
    assert admin.apps.is_enabled("password_policy")


@step
def refuse_an_app_that_is_not_there():
    refused(404, lambda: admin.apps.enable("nothing"))


@step
def delete_users():
    admin.users.delete("frank")
    admin.users.delete("anna@example.com")
    assert admin.users.get_list() == ["admin"]
    refused(404, lambda: admin.users.delete("frank"))


@step
def somebody_else_is_refused():
    refused(401, lambda: sign_in("admin", "wrong password").users.get_list())


def main():
    failed = 0
    for work in STEPS:
        try:
            work()
        except Exception:
            failed += 1
            print(f"FAILED {work.__name__}", file=sys.stderr)
            traceback.print_exc()
    print(f"nc-py-api: {len(STEPS) - failed} passed, {failed} failed")
    sys.exit(failed > 0)


main()
