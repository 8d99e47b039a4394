//! Requests of PHP-system clients: status in both versions, code and message of each.

use super::*;

/// Asks in both versions.
///
/// `v2` is the status there; the code differs only where both are given.
async fn both(
    server: &Server,
    who: &str,
    method: Method,
    path: &str,
    form: &str,
    expected: (u16, &str, u16),
) {
    let (code, message, v2) = expected;
    for version in ["v1", "v2"] {
        let ask = server.ask(who, method.clone(), &format!("/ocs/{version}.php{path}")).form(form);
        let answer = ask.send().await;
        let status = match (version, code) {
            ("v1", 997) => 401,
            ("v1", _) => 200,
            _ => v2,
        };
        let code = if version == "v2" && code == 100 { 200 } else { code };
        assert_eq!(
            (answer.status, answer.code(), answer.message().as_str()),
            (status, code, message),
            "{who} {method} {path} {form} in {version}: {answer:?}"
        );
        assert!(answer.header("content-type").starts_with("application/xml; charset=utf-8"), "{answer:?}");
    }
}

const NO_USER: &str = "User does not exist";
const ADMIN: &str = "Logged in user must be an admin";
const SUBADMIN: &str = "Logged in user must be at least a sub admin";
const NO_GROUP: &str = "The requested group could not be found";

#[tokio::test(flavor = "multi_thread")]
async fn looking_is_answered_as_ever() {
    let server = Server::start().await;
    for (who, path, expected) in [
        ("admin", "/cloud/users", (100, "OK", 200)),
        ("sam", "/cloud/users", (100, "OK", 200)),
        ("jane", "/cloud/users", (403, SUBADMIN, 403)),
        ("admin", "/cloud/users/Frank", (100, "OK", 200)),
        ("admin", "/cloud/users/fRANK", (100, "OK", 200)),
        ("sam", "/cloud/users/Frank", (100, "OK", 200)),
        ("Frank", "/cloud/users/Frank", (100, "OK", 200)),
        ("jane", "/cloud/users/Frank", (998, "", 404)),
        ("sam", "/cloud/users/outsider", (998, "", 404)),
        ("admin", "/cloud/users/ghost", (404, NO_USER, 404)),
        ("admin", "/cloud/users/frank+k", (404, NO_USER, 404)),
        ("admin", "/cloud/users/details", (100, "OK", 200)),
        ("jane", "/cloud/users/details", (403, SUBADMIN, 403)),
        ("admin", "/cloud/users/disabled", (100, "OK", 200)),
        ("admin", "/cloud/users/recent", (100, "OK", 200)),
        ("sam", "/cloud/users/recent", (403, ADMIN, 403)),
        ("admin", "/cloud/user", (100, "OK", 200)),
        ("jane", "/cloud/user", (100, "OK", 200)),
        ("jane", "/cloud/user/fields", (100, "OK", 200)),
        ("jane", "/cloud/user/fields/Frank", (998, "", 404)),
        ("admin", "/cloud/user/fields/Frank", (100, "OK", 200)),
        ("sam", "/cloud/users/Frank/groups", (100, "OK", 200)),
        ("jane", "/cloud/users/Frank/groups", (998, "", 404)),
        ("admin", "/cloud/users/ghost/groups", (998, "", 404)),
        ("admin", "/cloud/users/sam/subadmins", (100, "OK", 200)),
        ("sam", "/cloud/users/sam/subadmins", (403, ADMIN, 403)),
        ("admin", "/cloud/users/ghost/subadmins", (404, NO_USER, 404)),
        ("admin", "/cloud/groups", (100, "OK", 200)),
        ("sam", "/cloud/groups", (100, "OK", 200)),
        ("jane", "/cloud/groups", (403, SUBADMIN, 403)),
        ("admin", "/cloud/groups/details", (100, "OK", 200)),
        (
            "sam",
            "/cloud/groups/details",
            (
                403,
                "Logged in user must be an admin, a sub admin or gotten special right to access this setting",
                403,
            ),
        ),
        ("admin", "/cloud/groups/group1", (100, "OK", 200)),
        ("sam", "/cloud/groups/group1/users", (100, "OK", 200)),
        ("sam", "/cloud/groups/group2", (403, "", 403)),
        ("admin", "/cloud/groups/nogroup", (404, NO_GROUP, 404)),
        ("admin", "/cloud/groups/nogroup/users/details", (998, NO_GROUP, 404)),
        ("sam", "/cloud/groups/group2/users/details", (998, NO_GROUP, 404)),
        ("admin", "/cloud/groups/group1/subadmins", (100, "OK", 200)),
        ("admin", "/cloud/groups/nogroup/subadmins", (101, "Group does not exist", 400)),
        ("sam", "/cloud/groups/group1/subadmins", (403, ADMIN, 403)),
        ("admin", "/cloud/apps", (100, "OK", 200)),
        ("admin", "/cloud/apps?filter=enabled", (100, "OK", 200)),
        ("admin", "/cloud/apps?filter=nonsense", (101, "", 400)),
        ("sam", "/cloud/apps", (403, ADMIN, 403)),
        ("admin", "/cloud/apps/password_policy", (100, "OK", 200)),
        ("admin", "/cloud/apps/nosuchapp", (998, "The request app was not found", 404)),
        ("-", "/cloud/users", (997, "Current user is not logged in", 401)),
        ("-", "/cloud/capabilities", (100, "OK", 200)),
        ("-", "/config", (100, "OK", 200)),
        ("admin", "//cloud/users", (100, "OK", 200)),
        ("admin", "/cloud/users?limit=0", (100, "OK", 200)),
        ("admin", "/cloud/users?limit=-1", (100, "OK", 200)),
        ("admin", "/cloud/users?limit=abc", (100, "OK", 200)),
        ("admin", "/cloud/users?offset=200", (100, "OK", 200)),
    ] {
        both(&server, who, Method::GET, path, "", expected).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn acting_on_users_is_answered_as_ever() {
    let server = Server::start().await;
    for (who, method, path, form, expected) in [
        ("admin", Method::PUT, "/cloud/users/Frank/disable", "", (100, "OK", 200)),
        ("admin", Method::PUT, "/cloud/users/Frank/enable", "", (100, "OK", 200)),
        ("admin", Method::PUT, "/cloud/users/Frank/enable", "key=enable&value=true", (100, "OK", 200)),
        ("admin", Method::PUT, "/cloud/users/ghost/disable", "foo=bar", (101, "", 400)),
        ("admin", Method::PUT, "/cloud/users/admin/disable", "foo=bar", (101, "", 400)),
        ("sam", Method::PUT, "/cloud/users/outsider/disable", "", (998, "", 404)),
        ("jane", Method::PUT, "/cloud/users/Frank/disable", "", (403, SUBADMIN, 403)),
        ("admin", Method::DELETE, "/cloud/users/ghost", "", (998, "", 404)),
        ("admin", Method::DELETE, "/cloud/users/admin", "", (101, "", 400)),
        ("jane", Method::DELETE, "/cloud/users/Frank", "", (403, SUBADMIN, 403)),
        ("sam", Method::DELETE, "/cloud/users/admin", "", (998, "", 404)),
        ("admin", Method::POST, "/cloud/users/jane/welcome", "", (101, "Email address not available", 400)),
        ("admin", Method::POST, "/cloud/users/ghost/welcome", "", (998, "", 404)),
        ("jane", Method::POST, "/cloud/users/Frank/welcome", "", (403, SUBADMIN, 403)),
        ("admin", Method::POST, "/cloud/users/admin/wipe", "", (101, "", 400)),
        ("admin", Method::POST, "/cloud/users/ghost/wipe", "", (998, "", 404)),
        ("admin", Method::POST, "/cloud/users/Frank/wipe", "", (100, "OK", 200)),
    ] {
        both(&server, who, method, path, form, expected).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn memberships_are_answered_as_ever() {
    // The default is narrower than what clients of the PHP system are used to.
    let server = Server::with("sub_admins_may_add = \"anybody\"", "").await;
    let yourself = "Cannot remove yourself from this group as you are a SubAdmin";
    let last = "Not viable to remove user from the last group you are SubAdmin of";
    for (who, method, path, form, expected) in [
        ("admin", Method::POST, "/cloud/users/jane/groups", "groupid=group2", (100, "OK", 200)),
        ("admin", Method::POST, "/cloud/users/jane/groups", "groupid=nogroup", (102, "", 400)),
        ("admin", Method::POST, "/cloud/users/ghost/groups", "groupid=group1", (103, "", 400)),
        ("admin", Method::POST, "/cloud/users/ghost/groups", "groupid=nogroup", (102, "", 400)),
        ("admin", Method::POST, "/cloud/users/jane/groups", "groupid=GROUP1", (102, "", 400)),
        ("admin", Method::POST, "/cloud/users/jane/groups", "groupid=", (101, "", 400)),
        ("admin", Method::POST, "/cloud/users/jane/groups", "", (101, "", 400)),
        ("sam", Method::POST, "/cloud/users/outsider/groups", "groupid=group2", (104, "", 400)),
        ("sam", Method::POST, "/cloud/users/outsider/groups", "groupid=admin", (104, "", 400)),
        ("sam", Method::POST, "/cloud/users/outsider/groups", "groupid=group1", (100, "OK", 200)),
        ("jane", Method::POST, "/cloud/users/jane/groups", "groupid=admin", (403, SUBADMIN, 403)),
        ("sam", Method::DELETE, "/cloud/users/sam/groups", "groupid=group1", (105, yourself, 400)),
        ("sam", Method::DELETE, "/cloud/users/Frank/groups", "groupid=group1", (105, last, 400)),
        ("sam", Method::DELETE, "/cloud/users/Frank/groups", "groupid=group2", (104, "", 400)),
        ("admin", Method::DELETE, "/cloud/users/jane/groups?groupid=group3", "", (100, "OK", 200)),
        ("admin", Method::DELETE, "/cloud/users/jane/groups", "groupid=group2", (100, "OK", 200)),
        ("admin", Method::DELETE, "/cloud/users/ghost/groups", "groupid=group1", (103, "", 400)),
        ("admin", Method::DELETE, "/cloud/users/jane/groups", "groupid=+", (101, "", 400)),
        (
            "admin",
            Method::DELETE,
            "/cloud/users/admin/groups",
            "groupid=admin",
            (105, "Cannot remove yourself from the admin group", 400),
        ),
        ("admin", Method::POST, "/cloud/users/jane/subadmins", "groupid=group2", (100, "OK", 200)),
        ("admin", Method::POST, "/cloud/users/ghost/subadmins", "groupid=group2", (101, NO_USER, 400)),
        (
            "admin",
            Method::POST,
            "/cloud/users/jane/subadmins",
            "groupid=nogroup",
            (102, "Group does not exist", 400),
        ),
        (
            "admin",
            Method::POST,
            "/cloud/users/jane/subadmins",
            "groupid=admin",
            (103, "Cannot create subadmins for admin group", 400),
        ),
        ("sam", Method::POST, "/cloud/users/jane/subadmins", "groupid=group1", (403, ADMIN, 403)),
        ("admin", Method::DELETE, "/cloud/users/ghost/subadmins", "groupid=group2", (101, NO_USER, 400)),
        (
            "admin",
            Method::DELETE,
            "/cloud/users/jane/subadmins",
            "groupid=nogroup",
            (101, "Group does not exist", 400),
        ),
        (
            "admin",
            Method::DELETE,
            "/cloud/users/jane/subadmins",
            "groupid=group3",
            (102, "User is not a subadmin of this group", 400),
        ),
        (
            "admin",
            Method::POST,
            "/cloud/users/jane/subadmins",
            "",
            (400, "The parameter groupid is missing", 400),
        ),
    ] {
        both(&server, who, method, path, form, expected).await;
    }
    server.delete("admin", "/cloud/users/jane/subadmins").form("groupid=group2").send().await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_are_answered_as_ever() {
    let server = Server::start().await;
    for (who, method, path, form, expected) in [
        ("admin", Method::POST, "/cloud/groups", "groupid=group1", (102, "group exists", 400)),
        ("admin", Method::POST, "/cloud/groups", "groupid=0", (101, "Invalid group name", 400)),
        ("admin", Method::POST, "/cloud/groups", "groupid=", (101, "Invalid group name", 400)),
        ("admin", Method::POST, "/cloud/groups", "", (101, "Invalid group name", 400)),
        ("sam", Method::POST, "/cloud/groups", "groupid=x", (403, ADMIN, 403)),
        ("jane", Method::POST, "/cloud/groups", "groupid=x", (403, ADMIN, 403)),
        ("admin", Method::PUT, "/cloud/groups/group1", "key=displayname&value=One", (100, "OK", 200)),
        ("admin", Method::PUT, "/cloud/groups/group1", "key=foo&value=x", (999, "", 500)),
        ("admin", Method::PUT, "/cloud/groups/nogroup", "key=displayname&value=x", (998, NO_GROUP, 404)),
        ("admin", Method::DELETE, "/cloud/groups/nogroup", "", (101, "", 400)),
        ("admin", Method::DELETE, "/cloud/groups/admin", "", (102, "", 400)),
        ("sam", Method::DELETE, "/cloud/groups/group1", "", (403, ADMIN, 403)),
        ("admin", Method::POST, "/cloud/apps/password_policy", "", (100, "OK", 200)),
        ("admin", Method::POST, "/cloud/apps/nosuchapp", "", (998, "The request app was not found", 404)),
        ("admin", Method::DELETE, "/cloud/apps/nosuchapp", "", (100, "OK", 200)),
        (
            "admin",
            Method::DELETE,
            "/cloud/apps/provisioning_api",
            "",
            (403, "This app is always enabled", 403),
        ),
        ("sam", Method::POST, "/cloud/apps/password_policy", "", (403, ADMIN, 403)),
    ] {
        both(&server, who, method, path, form, expected).await;
    }
    server.post("admin", "/cloud/groups", "groupid=ng").send().await.ok();
    server.post("admin", "/cloud/groups", "groupid=NG").send().await.ok();
    server.delete("admin", "/cloud/groups/ng").send().await.ok();
    server.get("admin", "/cloud/groups/NG").send().await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_of_groups_are_found_however_they_are_encoded() {
    let server = Server::start().await;
    for form in ["groupid=a%2Fb", "groupid=my+group", "groupid=c%2B%2B"] {
        server.post("admin", "/cloud/groups", form).send().await.ok();
    }
    for path in
        ["a/b", "a%2Fb", "a%252Fb", "my%20group", "my+group", "my%2520group", "c++", "c%2B%2B", "c%252B%252B"]
    {
        server.get("admin", &format!("/cloud/groups/{path}")).send().await.ok();
        server.get("admin", &format!("/cloud/groups/{path}/users/details")).send().await.ok();
        server.get("admin", &format!("/cloud/groups/{path}/subadmins")).send().await.ok();
    }
    server.delete("admin", "/cloud/groups/a%252Fb").send().await.ok();
    server.get("admin", "/cloud/groups/a/b").send().await.fails(404, NO_GROUP);
}
