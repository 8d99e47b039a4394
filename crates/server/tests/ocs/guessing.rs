//! Brute force (O17, T48): from one source, over proxies, over restarts, at one user.

use user_backend::Outcome;
use user_backend_server::auth::sign_in::{Accepts, SignIn};

use super::browser::TestBrowser;
use super::*;

/// Three failures, without pauses that a test would have to wait for.
const THREE: &str = "[resolver]\nthrottle = { first_delay = \"1ms\", longest_delay = \"2ms\", refuse_after = 3, per = \"30m\" }\n";

/// Three guesses at unknown users, so that no lockout of a user interferes.
async fn guess(server: &Server, from: Ipv4Addr, forwarded: Option<&str>) -> Vec<u16> {
    let mut codes = Vec::new();
    for number in 0..3 {
        let name = format!("ghost{number}{}", new_address());
        let mut ask = server.get("-", "/cloud/users").basic(&name, "guess").from(from);
        if let Some(address) = forwarded {
            ask = over(ask, address);
        }
        codes.push(ask.send().await.code());
    }
    codes
}

/// What became of a sign-in, in one word.
fn word(decided: &SignIn) -> &'static str {
    decided.as_ref().map_or_else(Outcome::as_str, |_| "accepted")
}

/// As a proxy says that it comes from there.
fn over<'a>(ask: Ask<'a>, address: &str) -> Ask<'a> {
    ask.header("X-Forwarded-For", address).header("X-Forwarded-Proto", "https")
}

#[tokio::test(flavor = "multi_thread")]
async fn o17_rate_limit_is_on_by_default_and_shared_by_all_frontends() {
    let server = Server::start().await;
    let from = new_address();
    let mut answers = Vec::new();
    // Ten failures by default, with pauses of which the short ones are waited for: this takes a few
    // seconds.
    for number in 0..14 {
        let name = format!("ghost{number}");
        let answer = match number % 3 {
            0 => server.get("-", "/cloud/users").basic(&name, "guess").from(from).send().await,
            1 => {
                server
                    .get("-", "/ocs/v2.php/cloud/user")
                    .basic(&name, &"a".repeat(43))
                    .from(from)
                    .send()
                    .await
            }
            _ => {
                let form = format!("login={name}&password=guess");
                server.ask("-", Method::POST, "/person/check").form(&form).from(from).send().await
            }
        };
        answers.push((answer.code(), answer.header("retry-after").to_owned()));
    }
    let refused = answers.iter().filter(|(code, _)| [997, 102].contains(code)).count();
    assert!((7..=10).contains(&refused), "{answers:?}");
    let (code, wait) = answers.last().unwrap();
    assert!(*code == 429 && wait.parse::<u64>().unwrap() > 0, "{answers:?}");
    // Another user, from another source.
    server.get("Frank", "/cloud/user").send().await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn t48_only_a_trusted_proxy_sets_the_client_address() {
    let proxy = "trusted_proxies = [\"127.200.0.1\"]\n";
    let server = Server::with("allow_plaintext = true", &format!("{THREE}{proxy}")).await;
    let proxy = Ipv4Addr::new(127, 200, 0, 1);
    assert_eq!(guess(&server, proxy, Some("192.0.2.1")).await, [997, 997, 997]);
    let ask =
        |address: &'static str, from| over(server.get("Frank", "/cloud/user").from(from), address).send();
    let refused = ask("192.0.2.1", proxy).await;
    assert_eq!((refused.status, refused.code()), (429, 429), "{refused:?}");
    assert!(refused.body.contains("too many sign-in attempts from this network address"), "{refused:?}");
    assert!(refused.header("retry-after").parse::<u64>().unwrap() > 1700, "{refused:?}");
    // Whatever stands in front of what our proxy wrote was made up.
    let refused = ask("198.51.100.9, 192.0.2.1", proxy).await;
    assert_eq!(refused.status, 429);
    ask("192.0.2.2", proxy).await.ok();
    // Forwarding headers of other clients are ignored.
    let liar = new_address();
    let lies = ["198.51.100.1", "198.51.100.2", "198.51.100.3"];
    for (number, lie) in lies.into_iter().enumerate() {
        let ask = server.get("-", "/cloud/users").basic(&format!("liar{number}"), "guess").from(liar);
        over(ask, lie).send().await.fails(997, "Unauthorised");
    }
    // An uncached user: a cached right password passes.
    let jane = server.get("jane", "/cloud/user").from(liar);
    assert_eq!(over(jane, "198.51.100.4").send().await.status, 429);
    ask("198.51.100.1", proxy).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn t48_failures_survive_a_restart_and_a_reset_is_global() {
    let server = Server::with("", THREE).await;
    let from = new_address();
    assert_eq!(guess(&server, from, None).await, [997, 997, 997]);
    server.app.sync_failed_logins(false).await.unwrap();
    // Another process on the same store.
    let (settings, config) =
        ServerSettings::load(&server.dir.path().join("server.toml"), &ClassRegistry::standard()).unwrap();
    let other = AppState::start(settings, &config).await.unwrap();
    let sign_in = async |app: &AppState| {
        let found = app.sign_in("Frank", PASSWORD, from.into(), Accepts::AppPassword).await.unwrap();
        word(&found)
    };
    assert_eq!((sign_in(&server.app).await, sign_in(&other).await), ("throttled", "throttled"));
    // As `occ security:bruteforce:reset` does; what the first has not written yet is forgiven too.
    let place = user_backend::brute_force::SourceNet::of(from.into());
    server.accounts.failed_logins().reset(place).await.unwrap();
    assert_eq!((sign_in(&server.app).await, sign_in(&other).await), ("accepted", "accepted"));
    for app in [&server.app, &other] {
        app.sync_failed_logins(true).await.unwrap();
    }
    assert_eq!((sign_in(&server.app).await, sign_in(&other).await), ("accepted", "accepted"));
}

#[tokio::test(flavor = "multi_thread")]
async fn owner_after_a_restart_passes_the_guesses_of_others() {
    let lock = "[resolver]\nlock = { failures = 2, per = \"24h\" }\n";
    let server = Server::with("", lock).await;
    let home = new_address().into();
    let right = server.app.sign_in("Frank", PASSWORD, home, Accepts::Password).await.unwrap();
    assert_eq!(word(&right), "accepted");
    let key = server.dir.path().join("proven.key");
    for (is_key_there, expected) in [(true, "accepted"), (false, "throttled")] {
        if !is_key_there {
            std::fs::remove_file(&key).unwrap();
        }
        let (settings, config) =
            ServerSettings::load(&server.dir.path().join("server.toml"), &ClassRegistry::standard()).unwrap();
        let restarted = AppState::start(settings, &config).await.unwrap();
        assert!(key.exists());
        let mut outcomes = Vec::new();
        for number in 0..5 {
            let (guess, from) = (format!("guess {number}"), new_address().into());
            outcomes.push(word(&restarted.sign_in("Frank", &guess, from, Accepts::Password).await.unwrap()));
        }
        assert_eq!(outcomes.last(), Some(&"throttled"), "{outcomes:?}");
        // From elsewhere the right password looks like a wrong one.
        for (from, expected) in [(new_address().into(), "throttled"), (home, expected)] {
            let right = restarted.sign_in("Frank", PASSWORD, from, Accepts::Password).await.unwrap();
            assert_eq!(word(&right), expected, "the key is there: {is_key_there}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t48_failures_of_one_process_count_in_another() {
    let server = Server::with("", THREE).await;
    let (settings, config) =
        ServerSettings::load(&server.dir.path().join("server.toml"), &ClassRegistry::standard()).unwrap();
    let other = AppState::start(settings, &config).await.unwrap();
    let from = new_address();
    guess(&server, from, None).await;
    server.app.sync_failed_logins(false).await.unwrap();
    other.sync_failed_logins(false).await.unwrap();
    // Counted once, however often servers exchange it.
    other.sync_failed_logins(false).await.unwrap();
    let found = other.sign_in("Frank", PASSWORD, from.into(), Accepts::AppPassword).await.unwrap();
    assert_eq!(word(&found), "throttled", "{found:?}");
    other.unregister().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn consecutive_wrong_passwords_lock_without_disabling() {
    let server = Server::with("", "[resolver]\nlock = \"off\"\n").await;
    let apps = server.accounts.apps();
    apps.set_value("password_policy", "maximumLoginAttempts", "3").await.unwrap();
    // The server looks every second.
    server.app.rules().await.unwrap();
    for number in 0..3 {
        let ask = server.get("-", "/cloud/user").basic("jane", &format!("guess {number}"));
        ask.send().await.fails(997, "Unauthorised");
    }
    let locked = server.get("jane", "/cloud/user").send().await.fails(997, "Unauthorised");
    let wrong = server.get("-", "/cloud/user").basic("jane", "guess 4").send().await;
    assert_eq!(
        (locked.body, locked.status),
        (wrong.body, wrong.status),
        "T50: nothing shows that it was right"
    );
    let jane = server.accounts.users().get(&UserId::parse("jane").unwrap()).await.unwrap();
    assert!(jane.enabled);
    // The only administrator cannot be locked out.
    for number in 0..6 {
        server.get("-", "/cloud/user").basic("admin", &format!("guess {number}")).send().await;
    }
    server.get("admin", "/cloud/user").send().await.ok();
    server.accounts.credential_epoch().forget(jane.id.name()).await.unwrap();
    server.get("jane", "/cloud/user").send().await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn t49_every_no_is_held_back_and_a_yes_is_not() {
    let server = Server::with("refusal_milliseconds = 400", "").await;
    let token = server.get("Frank", "/ocs/v2.php/core/getapppassword?format=json").send().await;
    let token = token.data()["apppassword"].as_str().unwrap().to_owned();
    server.put("admin", "/cloud/users/jane/disable", "").send().await.ok();
    let refused = [
        ("ghost", "guess"),
        ("ghost", "guess"),
        ("Frank", "guess"),
        ("jane", PASSWORD),
        ("jane", "guess"),
        (" ", "guess"),
        ("Frank", ""),
    ];
    for (name, password) in refused {
        let began = std::time::Instant::now();
        let answer =
            server.app.sign_in(name, password, new_address().into(), Accepts::AppPassword).await.unwrap();
        assert_eq!(word(&answer), "refused", "{name}: {answer:?}");
        assert!(began.elapsed() >= Duration::from_millis(400), "{name}: {:?}", began.elapsed());
    }
    let began = std::time::Instant::now();
    let answer = server.app.sign_in("Frank", &token, new_address().into(), Accepts::Password).await.unwrap();
    assert_eq!(word(&answer), "refused", "an app password opens no page: {answer:?}");
    assert!(began.elapsed() >= Duration::from_millis(400));
    // As long as no test waits.
    let server = Server::with("refusal_milliseconds = 86400000", "").await;
    server.get("Frank", "/cloud/user").send().await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn t35_mail_address_signs_in_its_owner_with_one_count() {
    let server = Server::with("", "[resolver]\nlock = { failures = 1, per = \"1d\" }\n").await;
    server.put("admin", "/cloud/users/Frank", "key=confirmedEmail&value=frank@example.org").send().await.ok();
    for user in ["jane", "outsider"] {
        server
            .put(user, &format!("/cloud/users/{user}"), "key=email&value=shared@example.org")
            .send()
            .await
            .ok();
    }
    let sign_in = |name: &'static str, password: &'static str| {
        server.get("-", "/cloud/user?format=json").basic(name, password).from(new_address()).send()
    };
    for spelling in ["frank@example.org", "FRANK@Example.org"] {
        assert_eq!(sign_in(spelling, PASSWORD).await.ok().data()["id"], "Frank");
    }
    sign_in("shared@example.org", PASSWORD).await.fails(997, "Unauthorised");
    sign_in("ghost@example.org", PASSWORD).await.fails(997, "Unauthorised");
    // A user id that equals another user's address is that user.
    server.person("sam@example.org", &[], &[]).await;
    server
        .put("admin", "/cloud/users/sam", "key=confirmedEmail&value=sam@example.org")
        .send()
        .await
        .fails(102, "");
    assert_eq!(sign_in("sam@example.org", PASSWORD).await.ok().data()["id"], "sam@example.org");
    // One by either name, and there have been two.
    sign_in("frank@example.org", "guess 1").await.fails(997, "Unauthorised");
    sign_in("Frank", "guess 2").await.fails(997, "Unauthorised");
    assert_eq!(sign_in("frank@example.org", "guess 3").await.code(), 429);
    assert_eq!(sign_in("Frank", "guess 4").await.code(), 429);
}

/// Another process on the same store, or the same after a restart.
async fn another(server: &Server) -> AppState {
    let (settings, config) =
        ServerSettings::load(&server.dir.path().join("server.toml"), &ClassRegistry::standard()).unwrap();
    AppState::start(settings, &config).await.unwrap()
}

/// What becomes of this many guesses at Frank, each from a network of its own.
async fn guesses_at_frank(app: &AppState, numbers: std::ops::Range<u32>) -> Vec<&'static str> {
    let mut outcomes = Vec::new();
    for number in numbers {
        outcomes.push(frank_from(new_address(), app, &format!("guess {number}")).await);
    }
    outcomes
}

async fn right_password_of_frank(app: &AppState) -> &'static str {
    frank_from(new_address(), app, PASSWORD).await
}

async fn frank_from(from: Ipv4Addr, app: &AppState, password: &str) -> &'static str {
    word(&app.sign_in("Frank", password, from.into(), Accepts::Password).await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_of_a_user_survive_a_restart_until_cleared() {
    let server = Server::with("", "[resolver]\nlock = { failures = 2, per = \"24h\" }\n").await;
    assert_eq!(guesses_at_frank(&server.app, 0..4).await, ["refused", "refused", "refused", "throttled"]);
    server.app.sync_failed_logins(false).await.unwrap();
    let restarted = another(&server).await;
    assert_eq!(right_password_of_frank(&restarted).await, "throttled");
    // As `occ cache:flush Frank` does, while one server runs and another is stopped.
    let frank = UserId::parse("Frank").unwrap();
    server.accounts.credential_epoch().forget(frank.name()).await.unwrap();
    assert_eq!(right_password_of_frank(&restarted).await, "accepted");
    assert_eq!(right_password_of_frank(&another(&server).await).await, "accepted");
    restarted.sync_failed_logins(true).await.unwrap();
    assert_eq!(kept_events_of_users(&server).await, 0);
}

const A_DAY: accounts::KeepFailures =
    accounts::KeepFailures { sources: Duration::ZERO, users: Duration::from_secs(86_400) };

/// How many events of users the store keeps.
async fn kept_events_of_users(server: &Server) -> usize {
    let kept = server.accounts.failed_logins().of_others("", 0, A_DAY).await.unwrap();
    kept.iter().filter(|row| !matches!(row.event, accounts::LoginEvent::SourceFailed(..))).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_and_sign_ins_of_a_user_count_in_every_server() {
    let server = Server::with("", "[resolver]\nlock = { failures = 2, per = \"24h\" }\n").await;
    let other = another(&server).await;
    let exchange = async || {
        for app in [&server.app, &other, &server.app, &other] {
            app.sync_failed_logins(false).await.unwrap();
        }
    };
    assert_eq!(guesses_at_frank(&server.app, 0..2).await, ["refused"; 2]);
    exchange().await;
    assert_eq!(guesses_at_frank(&other, 2..4).await, ["refused", "throttled"]);
    exchange().await;
    assert_eq!(right_password_of_frank(&server.app).await, "throttled");
    let frank = UserId::parse("Frank").unwrap();
    server.accounts.credential_epoch().forget(frank.name()).await.unwrap();
    // Frank signs in at one of them, which ends what both have counted from this network.
    let home = new_address();
    for guess in ["typo", "another"] {
        assert_eq!(frank_from(home, &server.app, guess).await, "refused");
    }
    exchange().await;
    assert_eq!(frank_from(home, &other, PASSWORD).await, "accepted");
    exchange().await;
    assert_eq!(guesses_at_frank(&server.app, 12..14).await, ["refused"; 2]);
    // Guesses from elsewhere count on.
    exchange().await;
    assert_eq!(frank_from(home, &server.app, PASSWORD).await, "accepted");
    exchange().await;
    assert_eq!(guesses_at_frank(&server.app, 14..16).await, ["refused", "throttled"]);
}

/// A password that was typed into the wrong field stays readable nowhere.
#[tokio::test(flavor = "multi_thread")]
async fn typed_names_are_not_readable_in_the_store() {
    let server = Server::start().await;
    let typed = "my-secret-in-the-wrong-field";
    let answer = server.app.sign_in(typed, "x", new_address().into(), Accepts::Password).await.unwrap();
    assert_eq!(word(&answer), "refused");
    server.app.sync_failed_logins(false).await.unwrap();
    assert!(kept_events_of_users(&server).await > 0);
    for entry in std::fs::read_dir(server.dir.path()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap_or_default();
        let is_in = bytes.windows(typed.len()).any(|window| window.eq_ignore_ascii_case(typed.as_bytes()));
        assert!(!is_in, "{}", path.display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn policy_lock_holds_on_all_servers_except_for_the_last_admin() {
    let server = Server::with("", "[resolver]\nlock = \"off\"\n").await;
    server.accounts.apps().set_value("password_policy", "maximumLoginAttempts", "3").await.unwrap();
    server.app.rules().await.unwrap();
    let guess = |app: &AppState, name: &'static str, number: u32| {
        let (app, guess, from) = (app.clone(), format!("guess {number}"), new_address().into());
        async move { app.sign_in(name, &guess, from, Accepts::Password).await.unwrap() }
    };
    // Local and unknown names alike.
    for name in ["jane", "nobody"] {
        for number in 0..5 {
            assert_eq!(word(&guess(&server.app, name, number).await), "refused", "{name}");
        }
    }
    for number in 0..5 {
        assert_eq!(word(&guess(&server.app, "admin", number).await), "refused");
    }
    server.app.sync_failed_logins(false).await.unwrap();
    let other = another(&server).await;
    for app in [&server.app, &other] {
        for (name, expected) in [("jane", "refused"), ("admin", "accepted"), ("outsider", "accepted")] {
            let answer = app.sign_in(name, PASSWORD, new_address().into(), Accepts::Password).await.unwrap();
            assert_eq!(word(&answer), expected, "{name}");
        }
    }
    // With another administrator there is someone who can end the lock.
    server.person("second", &["admin"], &[]).await;
    server.app.rules().await.unwrap();
    for number in 10..13 {
        assert_eq!(word(&guess(&server.app, "admin", number).await), "refused");
    }
    let from = new_address().into();
    let locked = server.app.sign_in("admin", PASSWORD, from, Accepts::Password).await.unwrap();
    assert_eq!(word(&locked), "refused");
}

/// M11: responses do not tell local, external and unknown names apart.
///
/// This includes the order of statuses, texts and `Retry-After`.
#[tokio::test(flavor = "multi_thread")]
async fn m11_statuses_hide_the_backend_of_a_name() {
    let port = external_backend::mail_server_counting(external_backend::MAIL, Default::default()).await;
    let mail = format!(
        "[[user_backends]]\nclass = \"imap\"\nid = \"mail\"\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\n"
    );
    let server = Server::with("", &format!("{mail}[resolver]\nlock = \"off\"\n")).await;
    server.get("-", "/cloud/user").basic("mia@mail.example", external_backend::MAIL).send().await.ok();
    let mut seen = Vec::new();
    for name in ["jane", "mia@mail.example", "nobody", "nobody@mail.example"] {
        let mut answers = Vec::new();
        for number in 0..8 {
            let ask = server.get("-", "/cloud/user").basic(name, &format!("guess {number}"));
            let answer = ask.from(new_address()).send().await;
            // A quarter of an hour after the first guess, which may have been a while ago.
            let wait = answer.header("retry-after").parse::<u64>().map(|seconds| seconds.div_ceil(100));
            answers.push((answer.status, answer.code(), wait.ok(), answer.body));
        }
        let mut browser = TestBrowser::new(&server);
        browser.get("/login").await;
        let page = browser.post("/login", &[("user", name), ("password", "guess 8")]).await;
        let (_, notice) = page.body.split_once("There were ").unwrap_or_else(|| panic!("{page:?}"));
        let notice = notice.split('<').next().unwrap().replace(char::is_numeric, "");
        assert!(
            notice.starts_with("too many sign-in attempts with this user name. Try again in"),
            "{notice}"
        );
        answers.push((page.status, page.status, None, notice));
        seen.push(answers);
    }
    assert!(seen.iter().all(|answers| *answers == seen[0]), "{seen:#?}");
    let statuses: Vec<_> = seen[0].iter().map(|(_, code, ..)| *code).collect();
    assert_eq!(statuses, [997, 997, 997, 997, 429, 429, 429, 429, 429]);
    let (_, _, wait, body) = &seen[0][4];
    assert!(*wait == Some(9) && body.contains("too many sign-in attempts with this user name"), "{body}");
}

/// A source at its limit gets no answer from memory, even for a password that is right.
#[tokio::test(flavor = "multi_thread")]
async fn limited_source_gets_no_remembered_password() {
    let server = Server::with("", THREE).await;
    let (home, attacker) = (new_address(), new_address());
    let sign_in = |from: Ipv4Addr, password: &'static str| {
        server.app.sign_in("Frank", password, from.into(), Accepts::Password)
    };
    assert_eq!(word(&sign_in(home, PASSWORD).await.unwrap()), "accepted");
    guess(&server, attacker, None).await;
    for password in ["wrong", PASSWORD] {
        assert_eq!(word(&sign_in(attacker, password).await.unwrap()), "throttled", "{password}");
    }
    assert_eq!(word(&sign_in(home, PASSWORD).await.unwrap()), "accepted");
}
