//! The pages of the administration: who may see and do what with which proof, and what forms do.

use std::time::Duration;

use user_backend_server::auth::proof::Requirement;
use user_backend_server::provisioning::caller::RequiredRole;
use user_backend_server::provisioning::routes::{ROUTES, Route};
use user_backend_server::{ADMIN_PAGES, AdminPage};

use super::browser::TestBrowser;
use super::credentials::session;
use super::*;

/// Who looks: the user, and how long ago they typed their password.
const CALLERS: &[(&str, u64)] =
    &[("-", 0), ("jane", 0), ("sam", 0), ("sam", 16), ("admin", 0), ("admin", 16)];

/// The user whom the walk changes, in `group1`, and the group that it changes.
const TARGET: &str = "target";

/// The fields of each form. A page without a row here fails the walk.
#[rustfmt::skip]
const FORMS: &[(&str, &str)] = &[
    ("/admin", ""),
    ("/admin/users", ""),
    ("/admin/new-user", "userid=newcomer&email=n%40example.org&groups=group1"),
    ("/admin/users/{user}", ""),
    ("/admin/users/{user}/profile", "displayname=T&was:displayname=&email=t%40example.org&was:email="),
    ("/admin/users/{user}/password", "password=down+the+rabbit+hole"),
    ("/admin/users/{user}/join", "group=group1"),
    ("/admin/users/{user}/leave", "group=group1"),
    ("/admin/users/{user}/promote", "group=group1"),
    ("/admin/users/{user}/demote", "group=group1"),
    ("/admin/users/{user}/enable", ""),
    ("/admin/users/{user}/disable", ""),
    ("/admin/users/{user}/welcome", ""),
    ("/admin/users/{user}/reset-mail", ""),
    ("/admin/users/{user}/unlock", ""),
    ("/admin/users/{user}/sessions", "session=all"),
    ("/admin/users/{user}/app-passwords", "key=1"),
    ("/admin/users/{user}/wipe", ""),
    ("/admin/users/{user}/delete", ""),
    ("/admin/groups", "groupid=walked"),
    ("/admin/groups/{group}", ""),
    ("/admin/groups/{group}/rename", "displayname=Spare"),
    ("/admin/groups/{group}/add", "user=target"),
    ("/admin/groups/{group}/remove", "user=target"),
    ("/admin/groups/{group}/promote", "user=target"),
    ("/admin/groups/{group}/demote", "user=target"),
    ("/admin/groups/{group}/delete", ""),
    ("/admin/policy", "key=minLength&value=10"),
    ("/admin/backends", ""),
    ("/admin/backends/test", "name=jane&password=wrong+password"),
    ("/admin/brute-force", "source=203.0.113.7"),
    ("/admin/pins", "name=someone&backend="),
    ("/admin/audit", ""),
    ("/admin/mail", "address=n%40example.org"),
    ("/admin/config", ""),
];

/// What comes back.
#[derive(Debug, PartialEq, Eq)]
enum Cell {
    /// To the login page and back.
    SignIn,
    /// The form is no form of ours.
    Forged,
    Forbidden,
    /// The page asks for the password and keeps the form.
    AsksForPassword,
    /// The page, or the answer of the API about the values.
    MayGoOn,
}

fn route(id: &str) -> &'static Route {
    ROUTES.iter().find(|route| route.operation.id == id).unwrap_or_else(|| panic!("no operation {id}"))
}

/// A small model of the table of routes.
fn model(page: &AdminPage, who: &str, minutes: u64) -> Cell {
    let is_form = *page.method == Method::POST;
    let has_role = match page.role {
        RequiredRole::Admin => who == "admin",
        RequiredRole::SubAdmin => matches!(who, "admin" | "sam"),
        RequiredRole::Anyone | RequiredRole::SignedIn => true,
    };
    // The fields that change a mail address or a password need more than their route.
    let needs_recent = page.path.ends_with("/profile")
        || page.path.ends_with("/password")
        || page.calls.first().is_some_and(|id| route(id).requires == Requirement::RecentPassword);
    match () {
        () if who == "-" && is_form => Cell::Forged,
        () if who == "-" => Cell::SignIn,
        () if !has_role => Cell::Forbidden,
        () if is_form && needs_recent && minutes > 15 => Cell::AsksForPassword,
        () => Cell::MayGoOn,
    }
}

fn cell(answer: &Answer) -> Cell {
    match answer.status {
        303 if answer.header("location").starts_with("/login?redirect_url=") => Cell::SignIn,
        403 if answer.body.contains("This page has expired") => Cell::Forged,
        403 if answer.body.contains("<h1>Not allowed</h1>") => Cell::Forbidden,
        403 if answer.body.contains("id=\"current\" name=\"current\"") => Cell::AsksForPassword,
        200 | 303 | 404 | 422 => Cell::MayGoOn,
        _ => panic!("{answer:?}"),
    }
}

/// The user and the groups that the walk changes are there, as at the beginning.
async fn restore(server: &Server) {
    let target = UserId::parse(TARGET).unwrap();
    let users = server.accounts.users();
    for group in ["spare", "walked"] {
        let _ = server.accounts.groups().delete(&GroupId::parse(group).unwrap()).await;
    }
    server.accounts.groups().create(&GroupId::parse("spare").unwrap(), None).await.unwrap();
    for id in [target.clone(), UserId::parse("newcomer").unwrap()] {
        let _ = users.delete(&id).await;
    }
    users.create(NewUser::new(target).group(GroupId::parse("group1").unwrap())).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_admin_page_takes_the_roles_and_proofs_of_its_routes() {
    let server = Server::start().await;
    let mut cells = 0;
    for page in ADMIN_PAGES {
        let row = FORMS.iter().find(|(path, _)| *path == page.path);
        let (_, form) = row.unwrap_or_else(|| panic!("no row for {} {}", page.method, page.path));
        let path = page.path.replace("{user}", TARGET).replace("{group}", "spare");
        for (who, minutes) in CALLERS {
            restore(&server).await;
            let before = server.accounts.audit().latest(1, None).await.unwrap()[0].seq;
            let mut ask = server.page(page.method.clone(), &path);
            let mut form = (*form).to_owned();
            form += "&more=1";
            if *who != "-" {
                let token = session(&server, who, Duration::from_secs(minutes * 60)).await;
                ask = ask.header("Cookie", &format!("session={token}"));
                form += &format!("&requesttoken={}", server.app.request_tokens().token(&token));
            }
            let answer = if *page.method == Method::POST { ask.form(&form) } else { ask }.send().await;
            let expected = model(page, who, *minutes);
            let at = format!("{who} after {minutes} min: {} {path}: {answer:?}", page.method);
            assert_eq!(cell(&answer), expected, "{at}");
            // After a change the browser goes to another page.
            assert!(*page.method == Method::GET || answer.status != 200, "{at}");
            if expected != Cell::MayGoOn || *page.method == Method::GET {
                let after = server.accounts.audit().latest(1, None).await.unwrap()[0].seq;
                assert_eq!(before, after, "nothing was changed: {at}");
            }
            // There is no app password of that number.
            if expected == Cell::MayGoOn && !path.ends_with("/app-passwords") {
                assert_ne!(answer.status, 404, "{at}");
            }
            cells += 1;
        }
    }
    assert_eq!(cells, ADMIN_PAGES.len() * CALLERS.len(), "no cell is left out");
    assert!(cells >= 250, "{cells}");
    let unused = FORMS.iter().find(|(path, _)| !ADMIN_PAGES.iter().any(|page| page.path == *path));
    assert_eq!(unused, None, "a row without a page");
}

/// The role of a page is the one that its operation needs; it names no operation that needs more.
#[test]
fn admin_page_needs_the_role_of_its_operations() {
    let rank = |role| match role {
        RequiredRole::Anyone => 0,
        RequiredRole::SignedIn => 1,
        RequiredRole::SubAdmin => 2,
        RequiredRole::Admin => 3,
    };
    for page in ADMIN_PAGES {
        let highest = page.calls.iter().map(|id| rank(route(id).role)).max().unwrap_or_default();
        let optional = page.calls.contains(&"BackendList") && page.path == "/admin/new-user";
        assert!(rank(page.role) >= 2, "{}", page.path);
        assert!(rank(page.role) >= highest || optional, "{} {}", page.method, page.path);
    }
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn admin_creates_changes_and_deletes_a_user() {
    let server = Server::start().await;
    let mut admin = TestBrowser::signed_in(&server, "admin", PASSWORD).await;
    assert_eq!(admin.get("/admin").await.header("location"), "/admin/users");
    let list = admin.get("/admin/users").await;
    for user in ["Frank", "jane", "outsider", "sam"] {
        assert!(list.body.contains(&format!("href=\"/admin/users/{user}\"")), "{user}: {}", list.body);
    }
    assert!(list.body.contains("5 users"), "{}", list.body);
    let found = admin.get("/admin/users?search=FRAN").await;
    assert!(found.body.contains("/admin/users/Frank") && !found.body.contains("/admin/users/jane"));
    admin.get("/admin/new-user").await;
    let fields = [
        ("userid", "mia.o'neil"),
        ("displayname", "Mia O'Neil"),
        ("email", "mia@example.org"),
        ("confirmed", "1"),
        ("password", "down the rabbit hole"),
        ("groups", "group1, group2"),
        ("quota", "5 GB"),
    ];
    let made = admin.post("/admin/new-user", &fields).await;
    let page = "/admin/users/mia%2Eo%27neil";
    assert_eq!((made.status, made.header("location")), (303, format!("{page}?done=created").as_str()));
    let shown = admin.get(&format!("{page}?done=created")).await;
    for text in ["<h1>Mia O&#39;Neil", "role=\"status\">Created.", "<dd>5 GB</dd>", "mia@example.org"] {
        assert!(shown.body.contains(text), "{text}: {}", shown.body);
    }
    let id = UserId::parse("mia.o'neil").unwrap();
    let details = || async { server.accounts.users().details(&id).await.unwrap() };
    assert_eq!(details().await.user.confirmed_email.as_deref(), Some("mia@example.org"));
    // Only what was changed in the form is changed.
    server.put("admin", "/cloud/users/mia.o'neil", "key=displayname&value=Other").send().await.ok();
    let fields = [
        ("was:displayname", "Mia O'Neil"),
        ("displayname", "Mia O'Neil"),
        ("was:email", "mia@example.org"),
        ("email", "mia@example.org"),
        ("quota", "1 GB"),
    ];
    let saved = admin.post(&format!("{page}/profile"), &fields).await;
    assert_eq!(saved.header("location"), format!("{page}?done=saved"));
    let now = details().await;
    assert_eq!(now.user.display_name.as_deref(), Some("Other"));
    assert_eq!(now.user.quota, "1 GB".parse().unwrap());
    for (form, fields, done) in [
        ("join", &[("group", "group3")][..], "joined"),
        ("leave", &[("group", "group2")], "left"),
        ("promote", &[("group", "group1")], "promoted"),
        ("demote", &[("group", "group1")], "demoted"),
        ("disable", &[], "disabled"),
        ("enable", &[], "enabled"),
        ("password", &[("password", "Looking glass 1871 !")], "password"),
    ] {
        let answer = admin.post(&format!("{page}/{form}"), fields).await;
        assert_eq!((answer.status, answer.header("location")), (303, format!("{page}?done={done}").as_str()));
    }
    let now = details().await;
    let groups: Vec<&str> = now.groups.iter().map(GroupId::as_str).collect();
    assert_eq!(groups, ["group1", "group3"]);
    server.get("-", "/cloud/user").basic("mia.o'neil", "Looking glass 1871 !").send().await.ok();
    let question = admin.get(&format!("{page}/delete")).await;
    assert!(question.body.contains("<h1>Delete the user mia.o&#39;neil?</h1>"), "{}", question.body);
    assert!(server.accounts.users().find(&id).await.unwrap().is_some(), "asking deletes nothing");
    let gone = admin.post(&format!("{page}/delete"), &[]).await;
    assert_eq!(gone.header("location"), "/admin/users?done=deleted");
    assert!(server.accounts.users().find(&id).await.unwrap().is_none());
    // Twice, as from a second tab: a page, and nothing else is deleted.
    assert_eq!(admin.post(&format!("{page}/delete"), &[]).await.status, 404);
    let log = server.accounts.audit().latest(30, Some("mia.o'neil")).await.unwrap();
    assert!(log.iter().all(|line| line.actor == "admin"), "{log:?}");
}

/// The API has lists at the paths of these users.
#[tokio::test(flavor = "multi_thread")]
async fn user_called_like_a_route_has_pages_and_is_not_created() {
    let server = Server::start().await;
    let mut admin = TestBrowser::signed_in(&server, "admin", PASSWORD).await;
    for word in ["details", "disabled", "recent"] {
        let page = format!("/admin/users/{word}");
        assert_eq!(admin.get(&page).await.status, 404, "{word}");
        let refused = server.post("admin", "/cloud/users", &format!("userid={word}&password=x")).send().await;
        assert!(refused.body.contains("are lists"), "{}", refused.body);
        // As a backend or an earlier version made it.
        let new = NewUser::new(UserId::parse(word).unwrap());
        server.accounts.users().create(new).await.unwrap();
        for below in ["", "/wipe", "/delete"] {
            let shown = admin.get(&format!("{page}{below}")).await;
            assert_eq!(shown.status, 200, "{page}{below}: {}", shown.body);
            assert!(shown.body.contains(word), "{}", shown.body);
        }
        let saved = [("was:displayname", ""), ("displayname", "Word")];
        assert_eq!(admin.post(&format!("{page}/profile"), &saved).await.status, 303, "{word}");
        assert_eq!(admin.post(&format!("{page}/delete"), &[]).await.status, 303, "{word}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn admin_list_of_users_has_pages() {
    let server = Server::start().await;
    for number in 0..60 {
        let id = UserId::parse(&format!("pupil{number:02}")).unwrap();
        let new = NewUser::new(id).group(GroupId::parse("group3").unwrap());
        server.accounts.users().create(new).await.unwrap();
    }
    let mut admin = TestBrowser::signed_in(&server, "admin", PASSWORD).await;
    let first = admin.get("/admin/users?search=pupil").await.body;
    assert!(first.contains("pupil00") && first.contains("pupil49") && !first.contains("pupil50"), "{first}");
    let next = "/admin/users?search=pupil&#38;offset=50";
    assert!(first.contains(next) && !first.contains("rel=\"prev\""), "{first}");
    let second = admin.get("/admin/users?search=pupil&offset=50").await.body;
    assert!(second.contains("pupil50") && second.contains("pupil59") && !second.contains("pupil49"));
    assert!(second.contains("rel=\"prev\"") && !second.contains("rel=\"next\""), "{second}");
    let members = admin.get("/admin/groups/group3").await.body;
    assert!(members.contains("61 users") && members.contains("/admin/groups/group3?offset=30"), "{members}");
    for odd in ["offset=-1", "offset=x", "offset=99999999999999999999", "offset=9223372036854775807"] {
        assert_eq!(admin.get(&format!("/admin/users?{odd}")).await.status, 200, "{odd}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sub_admin_sees_and_changes_users_of_own_groups_only() {
    let server = Server::start().await;
    server.person("boss", &["admin", "group1"], &[]).await;
    let mut sam = TestBrowser::signed_in(&server, "sam", PASSWORD).await;
    assert!(sam.get("/settings").await.body.contains("href=\"/admin\""), "the way there");
    let list = sam.get("/admin/users").await.body;
    assert!(list.contains("href=\"/admin/users/Frank\"") && list.contains("href=\"/admin/users/jane\""));
    assert!(!list.contains("outsider"), "{list}");
    // Of an administrator only the id.
    assert!(list.contains("boss") && !list.contains("/admin/users/boss"), "{list}");
    assert!(
        !list.contains("/admin/groups") && !list.contains("/admin/audit"),
        "no way to what is not theirs"
    );
    let hidden = sam.get("/admin/users/outsider").await;
    let missing = sam.get("/admin/users/ghost").await;
    assert_eq!(
        (hidden.status, &hidden.body),
        (404, &missing.body),
        "no difference between hidden and missing"
    );
    assert_eq!(sam.get("/admin/users/boss").await.status, 404);
    for (form, fields) in [
        ("disable", &[][..]),
        ("delete", &[]),
        ("password", &[("password", "down the rabbit hole")]),
        ("sessions", &[("session", "all")]),
        ("wipe", &[]),
        ("reset-mail", &[]),
        ("profile", &[("email", "sam@example.org"), ("was:email", "")]),
    ] {
        for user in ["outsider", "boss", "admin"] {
            let answer = sam.post(&format!("/admin/users/{user}/{form}"), fields).await;
            assert_eq!(answer.status, 404, "{user} {form}: {answer:?}");
        }
    }
    for user in ["outsider", "boss", "admin"] {
        server.get(user, "/cloud/user").send().await.ok();
    }
    let answer = sam.post("/admin/users/jane/join", &[("group", "admin")]).await;
    assert!(answer.status == 422 && answer.body.contains("You do not administer this group."), "{answer:?}");
    let answer = sam.post("/admin/users/jane/leave", &[("group", "group1")]).await;
    assert!(answer.status == 422 && answer.body.contains("You cannot remove yourself"), "{answer:?}");
    let answer = sam.post("/admin/new-user", &[("userid", "new"), ("email", "n@example.org")]).await;
    assert!(
        answer.body.contains("Name a group that you administer.") && answer.body.contains("value=\"new\"")
    );
    let fields = [("userid", "new"), ("email", "n@example.org"), ("groups", "group1"), ("confirmed", "1")];
    let made = sam.post("/admin/new-user", &fields).await;
    assert_eq!(made.header("location"), "/admin/users/new?done=created");
    let new = server.accounts.users().get(&UserId::parse("new").unwrap()).await.unwrap();
    assert_eq!(
        (new.email.as_deref(), new.confirmed_email),
        (Some("n@example.org"), None),
        "only admins confirm"
    );
    let done = sam.post("/admin/users/jane/disable", &[]).await;
    assert_eq!(done.header("location"), "/admin/users/jane?done=disabled");
    // What ends rights ends them at once.
    let group = GroupId::parse("group1").unwrap();
    server.accounts.groups().remove_subadmin(&group, &UserId::parse("sam").unwrap()).await.unwrap();
    assert_eq!(sam.get("/admin/users").await.status, 403);
    assert_eq!(sam.post("/admin/users/jane/enable", &[]).await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn old_session_is_asked_for_the_password_and_the_form_is_kept() {
    let server = Server::start().await;
    let mut admin = TestBrowser::new(&server);
    admin.cookie = Some(format!("session={}", session(&server, "admin", Duration::from_secs(16 * 60)).await));
    admin.get("/admin/users/jane").await;
    let old = admin.cookie.clone();
    let fields =
        [("was:email", ""), ("email", "jane@example.org"), ("was:displayname", ""), ("displayname", "<J>")];
    let page = admin.post("/admin/users/jane/profile", &fields).await;
    assert_eq!(page.status, 403);
    for text in [
        "<h1>Confirm your password</h1>",
        "action=\"/admin/users/jane/profile\"",
        "name=\"email\" value=\"jane@example.org\"",
        "name=\"displayname\" value=\"&#60;J&#62;\"",
    ] {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
    let jane = UserId::parse("jane").unwrap();
    assert_eq!(server.accounts.users().get(&jane).await.unwrap().email, None);
    let wrong: Vec<_> = fields.iter().copied().chain([("current", "wrong password 1")]).collect();
    let refused = admin.post("/admin/users/jane/profile", &wrong).await;
    assert_eq!(refused.status, 403);
    assert!(refused.body.contains("Wrong password.") && !refused.body.contains("wrong password 1"));
    assert!(refused.body.contains("name=\"email\" value=\"jane@example.org\""), "nothing is lost");
    assert_eq!(server.accounts.users().get(&jane).await.unwrap().email, None);
    let right: Vec<_> = fields.iter().copied().chain([("current", PASSWORD)]).collect();
    let done = admin.post("/admin/users/jane/profile", &right).await;
    assert_eq!((done.status, done.header("location")), (303, "/admin/users/jane?done=saved"), "{done:?}");
    assert_ne!(admin.cookie, old, "the session has a new cookie");
    assert_eq!(server.accounts.users().get(&jane).await.unwrap().email.as_deref(), Some("jane@example.org"));
    // From now on nothing is asked, and a new password is never repeated by a page.
    admin.get("/admin/users/jane").await;
    let done = admin.post("/admin/users/jane/disable", &[]).await;
    assert_eq!(done.status, 303);
    admin.cookie = Some(format!("session={}", session(&server, "admin", Duration::from_secs(16 * 60)).await));
    admin.get("/admin/users/jane").await;
    let fields = [("password", "down the rabbit hole"), ("user-name", "jane"), ("for", "admin")];
    let page = admin.post("/admin/users/jane/password", &fields).await;
    let (_, form) = page.body.split_once("action=\"/admin/users/jane/password\"").unwrap();
    for field in ["requesttoken", "for", "user-name", "current", "password"] {
        assert_eq!(form.matches(&format!(" name=\"{field}\"")).count(), 1, "{field}: {form}");
    }
    assert!(page.status == 403 && !page.body.contains("rabbit"), "{page:?}");
    assert!(page.body.contains("id=\"password\" name=\"password\" type=\"password\""), "it is typed again");
    let fields = [("current", PASSWORD), ("password", "down the rabbit hole")];
    let done = admin.post("/admin/users/jane/password", &fields).await;
    assert_eq!(done.header("location"), "/admin/users/jane?done=password");
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_fields_get_a_page_and_change_nothing() {
    let server = Server::start().await;
    let mut admin = TestBrowser::signed_in(&server, "admin", PASSWORD).await;
    let before = server.accounts.users().details(&UserId::parse("jane").unwrap()).await.unwrap();
    let long = "x".repeat(5000);
    for (path, fields, status) in [
        ("/admin/users/jane/profile", &[("displayname", long.as_str()), ("was:displayname", "")][..], 422),
        ("/admin/users/jane/profile", &[("displayname", "a\u{0}b"), ("was:displayname", "")], 422),
        ("/admin/users/jane/profile", &[("email", "<script>"), ("was:email", "")], 422),
        ("/admin/users/jane/profile", &[("email", "a@b.c\r\nBcc: x@y.z"), ("was:email", "")], 422),
        ("/admin/users/jane/profile", &[("quota", "-1"), ("was:quota", "")], 422),
        ("/admin/users/jane/profile", &[("language", "../../etc"), ("was:language", "")], 422),
        ("/admin/users/jane/password", &[("password", "")], 422),
        ("/admin/users/jane/password", &[], 422),
        ("/admin/users/jane/join", &[("group", long.as_str())], 422),
        ("/admin/users/jane/join", &[], 422),
        ("/admin/users/jane/app-passwords", &[("key", "' OR 1=1 --")], 404),
        ("/admin/users/jane/app-passwords", &[], 404),
        ("/admin/users/jane%2Fgroups/disable", &[], 404),
        ("/admin/users/..%2Fjane/disable", &[], 404),
        ("/admin/new-user", &[], 422),
        ("/admin/new-user", &[("userid", "../x"), ("email", "x@example.org")], 422),
        ("/admin/new-user", &[("userid", "x"), ("email", "x@example.org"), ("groups", "nogroup")], 422),
        ("/admin/new-user", &[("userid", "x"), ("email", "x@example.org"), ("backend", "nobackend")], 422),
        ("/admin/groups", &[("groupid", "0")], 422),
        ("/admin/groups", &[("groupid", long.as_str())], 422),
        ("/admin/groups/admin/delete", &[], 422),
        ("/admin/groups/nogroup/delete", &[], 404),
        ("/admin/groups/group1/add", &[("user", "ghost")], 422),
        ("/admin/groups/group1/add", &[], 404),
        ("/admin/groups/group1/remove", &[("user", "")], 404),
        ("/admin/groups/group1/add", &[("user", "jane/groups")], 422),
        ("/admin/policy", &[("key", "minLength"), ("value", "many")], 403),
        ("/admin/policy", &[("key", "installed_version"), ("value", "1")], 404),
        ("/admin/policy", &[], 404),
        ("/admin/brute-force", &[("source", "nowhere")], 422),
        ("/admin/brute-force", &[("source", "203.0.113.7"), ("user", "jane")], 422),
        ("/admin/brute-force", &[], 422),
        ("/admin/pins", &[("name", "x"), ("backend", "nobackend")], 422),
        ("/admin/pins", &[("name", "admin"), ("backend", "")], 422),
        ("/admin/pins", &[("name", ""), ("backend", "")], 422),
        ("/admin/mail", &[("address", "a@b.c, d@e.f")], 422),
        ("/admin/backends/test", &[("name", "jane"), ("password", "x"), ("backend", "nobackend")], 422),
    ] {
        let answer = admin.post(path, fields).await;
        assert_eq!(answer.status, status, "{path} {fields:?}: {answer:?}");
        assert!(answer.body.contains("<title>") && !answer.body.contains("<script>"), "{answer:?}");
        assert!(answer.body.len() < 60_000, "{path}");
    }
    // An id that is missing does not make the path of another operation.
    server.person("groups", &["group1"], &[]).await;
    for form in ["remove", "demote"] {
        let path = format!("/admin/groups/group1/{form}");
        assert_eq!(admin.post(&path, &[("user", "")]).await.status, 404);
    }
    server.get("groups", "/cloud/user").send().await.ok();
    // A field that is sent twice, or is part of an array, is refused as a whole.
    for form in ["group=group2&group=admin", "group[]=admin", "group=group2&gr%6Fup=admin", "group=%FF"] {
        let form = format!("{form}&requesttoken={}", admin.ticket);
        let ask = server.page(Method::POST, "/admin/users/jane/join").form(&form);
        assert_eq!(admin.send(ask).await.status, 400, "{form}");
    }
    let after = server.accounts.users().details(&UserId::parse("jane").unwrap()).await.unwrap();
    assert_eq!(before, after);
    for query in
        ["search=%3Cscript%3E", "search=%22onfocus%3Dx", "group=%3Cscript%3E&disabled=1", "done=%3Cscript%3E"]
    {
        let page = admin.get(&format!("/admin/users?{query}")).await;
        assert!(
            page.status == 200 && !page.body.contains("<script>") && !page.body.contains("\"onfocus"),
            "{page:?}"
        );
    }
    assert_eq!(admin.get("/admin/users?search=a&search=b").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_of_other_sites_and_users_change_nothing() {
    let server = Server::start().await;
    let mut admin = TestBrowser::signed_in(&server, "admin", PASSWORD).await;
    let before = server.accounts.audit().latest(1, None).await.unwrap()[0].seq;
    let foreign = TestBrowser::signed_in(&server, "sam", PASSWORD).await.ticket;
    let own = admin.ticket.clone();
    for page in ADMIN_PAGES.iter().filter(|page| *page.method == Method::POST) {
        let path = page.path.replace("{user}", "jane").replace("{group}", "group1");
        let (_, form) = FORMS.iter().find(|(path, _)| *path == page.path).unwrap();
        for (ticket, site) in
            [("", None), (&foreign, None), (&own, Some("cross-site")), (&own, Some("same-site"))]
        {
            let mut ask = server.page(Method::POST, &path).form(&format!("{form}&requesttoken={ticket}"));
            if let Some(site) = site {
                ask = ask.header("Sec-Fetch-Site", site);
            }
            let answer = admin.send(ask).await;
            assert_eq!(answer.status, 403, "{path} {site:?}: {answer:?}");
            assert!(answer.body.contains("This page has expired"), "{answer:?}");
        }
        // No form changes anything by a link.
        let get = admin.get(&path).await;
        assert!(matches!(get.status, 200 | 303 | 405), "{path}: {get:?}");
    }
    assert_eq!(server.accounts.audit().latest(1, None).await.unwrap()[0].seq, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn anonymous_comes_back_to_the_page_after_signing_in() {
    let server = Server::start().await;
    let mut browser = TestBrowser::new(&server);
    let sent = browser.get("/admin/users?search=a%20b&disabled=1").await;
    let login = sent.header("location").to_owned();
    assert!(login.starts_with("/login?redirect_url="), "{login}");
    let page = browser.get(&login).await;
    let (_, next) = page.body.split_once("name=\"redirect_url\" value=\"").unwrap();
    let next = next.split('"').next().unwrap().replace("&#38;", "&");
    let fields = [("user", "admin"), ("password", PASSWORD), ("redirect_url", next.as_str())];
    let back = browser.post("/login", &fields).await;
    assert_eq!(back.header("location"), "/admin/users?search=a%20b&disabled=1");
}

#[tokio::test(flavor = "multi_thread")]
async fn admin_ends_sessions_and_app_passwords_of_a_user() {
    let server = Server::start().await;
    let mut admin = TestBrowser::signed_in(&server, "admin", PASSWORD).await;
    let mut jane = TestBrowser::signed_in(&server, "jane", PASSWORD).await;
    let mut phone = TestBrowser::signed_in(&server, "jane", PASSWORD).await;
    let id = UserId::parse("jane").unwrap();
    let (token, made) = server.accounts.app_passwords().create(&id, "Jane's phone", None).await.unwrap();
    let page = admin.get("/admin/users/jane").await;
    assert!(page.body.contains("Jane&#39;s phone"), "{}", page.body);
    assert!(!page.body.contains(token.expose()) && !page.body.contains(jane.token()), "no secret is shown");
    let labels: Vec<&str> = page.body.split("name=\"session\" value=\"").skip(1).collect();
    let label = labels[0].split('"').next().unwrap().to_owned();
    assert_eq!(labels.len(), 3, "two sessions, and all");
    // A form that names no session ends none.
    admin.post("/admin/users/jane/sessions", &[]).await;
    admin.post("/admin/users/Frank/sessions", &[("session", &label)]).await;
    assert_eq!(server.accounts.sessions().count(&id).await.unwrap(), 2);
    admin.post("/admin/users/jane/sessions", &[("session", &label)]).await;
    assert_eq!(server.accounts.sessions().count(&id).await.unwrap(), 1);
    let done = admin.post("/admin/users/jane/sessions", &[("session", "all")]).await;
    assert_eq!(done.header("location"), "/admin/users/jane?done=ended");
    for browser in [&mut jane, &mut phone] {
        assert_eq!(browser.get("/settings").await.status, 303, "the session has ended");
    }
    let key = made.key.to_string();
    // Only of the user whom the page is about.
    assert_eq!(admin.post("/admin/users/Frank/app-passwords", &[("key", &key)]).await.status, 404);
    server.get("-", "/cloud/user").basic("jane", token.expose()).send().await.ok();
    let done = admin.post("/admin/users/jane/app-passwords", &[("key", &key)]).await;
    assert_eq!(done.header("location"), "/admin/users/jane?done=revoked");
    server.get("-", "/cloud/user").basic("jane", token.expose()).send().await.fails(997, "Unauthorised");
    let log = server.accounts.audit().latest(20, Some("jane")).await.unwrap();
    let actions: Vec<&str> = log.iter().rev().map(|line| line.action.as_str()).take(3).collect();
    assert_eq!(actions, ["app_password.revoked", "sessions.ended", "sessions.ended"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn admin_pages_speak_four_languages() {
    let server = Server::start().await;
    let mut admin = TestBrowser::signed_in(&server, "admin", PASSWORD).await;
    for (language, heading) in
        [("de", "Benutzer"), ("fr", "Utilisateurs"), ("es", "Usuarios"), ("en", "Users")]
    {
        let ask = server.page(Method::GET, "/admin/users").header("Accept-Language", language);
        let page = admin.send(ask).await.body;
        assert!(
            page.contains(&format!("<h1>{heading}</h1>")) && page.contains(&format!("lang=\"{language}\""))
        );
        assert!(!page.contains("admin-"), "a text is missing: {page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn admin_changes_groups() {
    let server = Server::start().await;
    let mut admin = TestBrowser::signed_in(&server, "admin", PASSWORD).await;
    admin.get("/admin/groups").await;
    let id = "team a/b <1>";
    let path = format!("/admin/groups/{}", encoded(id));
    let made = admin.post("/admin/groups", &[("groupid", id), ("displayname", "Team")]).await;
    assert_eq!(
        (made.status, made.header("location")),
        (303, format!("{path}?done=created").as_str()),
        "{made:?}"
    );
    let again = admin.post("/admin/groups", &[("groupid", id)]).await;
    assert!(
        again.status == 422 && again.body.contains("There is a group with this id already."),
        "{again:?}"
    );
    for (form, fields, done) in [
        ("add", &[("user", "jane")][..], "joined"),
        ("add", &[("user", "Frank")], "joined"),
        ("remove", &[("user", "Frank")], "left"),
        ("promote", &[("user", "sam")], "promoted"),
        ("rename", &[("displayname", "Team A")], "saved"),
    ] {
        let answer = admin.post(&format!("{path}/{form}"), fields).await;
        assert_eq!(answer.header("location"), format!("{path}?done={done}"), "{answer:?}");
    }
    let page = admin.get(&path).await.body;
    assert!(page.contains("<h1>Team A</h1>") && page.contains("1 user"), "{page}");
    assert!(
        page.contains("/admin/users/jane") && page.contains("/admin/users/sam") && !page.contains("Frank")
    );
    assert_eq!(admin.post(&format!("{path}/demote"), &[("user", "sam")]).await.status, 303);
    assert!(admin.get(&format!("{path}/delete")).await.body.contains("Delete the group Team A?"));
    let gone = admin.post(&format!("{path}/delete"), &[]).await;
    assert_eq!(gone.header("location"), "/admin/groups?done=deleted");
    assert!(!server.accounts.groups().exists(&GroupId::parse(id).unwrap()).await.unwrap());
    assert_eq!(admin.get(&path).await.status, 404);
    let own = admin.post("/admin/groups/admin/remove", &[("user", "admin")]).await;
    assert!(own.status == 422 && own.body.contains("You cannot remove yourself"), "{own:?}");
}
