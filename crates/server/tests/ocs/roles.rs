//! Who may do what to whom: every route, five callers, every target, each cell by the rules of one small model.

use user_backend_server::ocs::route::{Audience, Endpoint, ROUTES, Route};

use super::*;

const CALLERS: &[&str] = &["-", "jane", "sam", "tom", "admin"];
const TARGETS: &[&str] = &["self", "Frank", "outsider", "boss"];

/// What comes back when the caller may not; everything else is the endpoint's own matter.
#[derive(Debug, PartialEq, Eq)]
enum Cell {
    NotSignedIn,
    WrongRole,
    Hidden,
    MayGoOn,
}

/// `sam` administers `group1`, where `jane`, `Frank` and the administrator `boss` are; `tom` administers `group3`, where
/// `outsider` is.
fn model(route: &Route, caller: &str, target: &str) -> Cell {
    let admin = caller == "admin";
    let sub_admin = matches!(caller, "sam" | "tom");
    match route.audience {
        Audience::Anybody => return Cell::MayGoOn,
        _ if caller == "-" => return Cell::NotSignedIn,
        Audience::Admins if !admin => return Cell::WrongRole,
        // Its refusal has a text of its own.
        _ if route.endpoint == Endpoint::AppKeySet && !admin => return Cell::WrongRole,
        Audience::SubAdmins if !admin && !sub_admin => return Cell::WrongRole,
        _ => {}
    }
    if !route.path.contains("{user}") || admin {
        return Cell::MayGoOn;
    }
    let oneself = target == "self";
    let over = matches!((caller, target), ("sam", "Frank") | ("tom", "outsider"));
    let by_group = matches!(route.endpoint, Endpoint::UserGroupAdd | Endpoint::UserGroupRemove);
    let about_others = matches!(
        route.endpoint,
        Endpoint::UserDelete | Endpoint::UserEnable | Endpoint::UserDisable | Endpoint::UserWipe
    );
    if over
        || by_group
        || oneself && !matches!(route.endpoint, Endpoint::UserWelcome)
        || oneself && about_others
    {
        return Cell::MayGoOn;
    }
    // Somebody who administers a group that they are in is over themselves; tom is in none.
    if oneself && caller == "sam" { Cell::MayGoOn } else { Cell::Hidden }
}

fn cell(answer: &Answer) -> Cell {
    match (answer.code(), answer.message().as_str()) {
        (997, _) => Cell::NotSignedIn,
        (403, message) if message.starts_with("Logged in user must be") => Cell::WrongRole,
        (998, "") => Cell::Hidden,
        _ => Cell::MayGoOn,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_cell_of_the_matrix_is_as_the_model_says() {
    let server = Server::start().await;
    server.person("tom", &[], &["group3"]).await;
    server.person("boss", &["admin", "group1"], &[]).await;
    let mut cells = 0;
    for route in ROUTES {
        let targets = if route.path.contains("{user}") { TARGETS } else { &["self"] };
        for (caller, target) in
            CALLERS.iter().flat_map(|caller| targets.iter().map(move |target| (*caller, *target)))
        {
            // What would change the cast is asked for in a way that cannot.
            let user = match target {
                "self" if caller == "-" => "jane",
                "self" => caller,
                other => other,
            };
            let path = route
                .path
                .replace("{user}", user)
                .replace("{group*}", "group2")
                .replace("{app}", "nosuchapp")
                .replace("{key}", "key");
            let path = path.replace("{collection}", "nothing");
            let harmless = match route.endpoint {
                Endpoint::UserDelete => {
                    caller == "admin" && target != "self"
                        || matches!((caller, target), ("sam", "Frank") | ("tom", "outsider"))
                }
                Endpoint::UserDisable => {
                    caller == "admin" && target != "self"
                        || matches!((caller, target), ("sam", "Frank") | ("tom", "outsider"))
                }
                _ => false,
            };
            let expected = model(route, caller, target);
            cells += 1;
            if harmless {
                // Proved elsewhere; here they would leave the stage.
                assert_eq!(expected, Cell::MayGoOn);
                continue;
            }
            let answer = server.ask(caller, route.method.clone(), &path).send().await;
            assert_eq!(cell(&answer), expected, "{caller} {} {path}: {answer:?}", route.method);
        }
    }
    assert!(cells > 250, "{cells}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sub_admin_has_no_way_up() {
    let server = Server::start().await;
    server.person("boss", &["admin", "group1"], &[]).await;
    for (method, path, form, code) in [
        (Method::PUT, "/cloud/users/boss", "key=password&value=down+the+rabbit+hole", 998),
        (Method::PUT, "/cloud/users/boss", "key=email&value=s%40example.org", 998),
        (Method::PUT, "/cloud/users/boss/disable", "", 998),
        (Method::DELETE, "/cloud/users/boss", "", 998),
        (Method::POST, "/cloud/users/boss/wipe", "", 998),
        (Method::POST, "/cloud/users/boss/welcome", "", 998),
        (Method::POST, "/cloud/users/sam/groups", "groupid=admin", 104),
        (Method::POST, "/cloud/users/Frank/groups", "groupid=admin", 104),
        (Method::POST, "/cloud/users/sam/subadmins", "groupid=group2", 403),
        (Method::POST, "/cloud/groups", "groupid=x", 403),
        (Method::POST, "/cloud/apps/password_policy", "", 403),
        (Method::GET, "/cloud/users/boss", "", 998),
    ] {
        let answer = server.ask("sam", method.clone(), path).form(form).send().await;
        assert_eq!(answer.code(), code, "{method} {path}: {answer:?}");
    }
    let narrow = Server::with("sub_admins_may_add = \"accessible\"", "").await;
    narrow.post("sam", "/cloud/users/outsider/groups", "groupid=group1").send().await.fails(104, "");
    narrow.post("sam", "/cloud/users/Frank/groups", "groupid=group1").send().await.ok();
}
