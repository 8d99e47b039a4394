//! Forward-auth: a proxy asks about a request; and nginx, which really asks.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use accounts::{SourceNetworks, TokenScopes};

use super::browser::TestBrowser;
use super::operators::Program;
use super::*;

/// The address of the trusted proxy.
const PROXY: Ipv4Addr = Ipv4Addr::new(127, 200, 0, 1);

const TRUSTED: &str = "[resolver]\ntrusted_proxies = [\"127.200.0.1\"]\n";

const FORWARD: &str = "[frontends.forward_auth]\nname = \"wiki\"\n";

async fn server(more: &str) -> Server {
    Server::with("", &format!("{TRUSTED}{FORWARD}{more}")).await
}

/// What the proxy asks about a request for this host and path.
pub(super) fn forward<'a>(server: &'a Server, host: &str, uri: &str) -> Ask<'a> {
    forward_from(server, &new_address().to_string(), host, uri)
}

/// The same for this client.
fn forward_from<'a>(server: &'a Server, client: &str, host: &str, uri: &str) -> Ask<'a> {
    let ask = server.page(Method::GET, "/auth/forward").from(PROXY);
    let ask = ask.header("X-Forwarded-For", client).header("X-Forwarded-Proto", "https");
    ask.header("X-Forwarded-Host", host).header("X-Forwarded-Uri", uri)
}

async fn service_token(server: &Server, owner: &str, scopes: &[&str]) -> String {
    let (scopes, networks) = (TokenScopes::parse(scopes).unwrap(), SourceNetworks::default());
    let (tokens, owner) = (server.accounts.app_passwords(), UserId::parse(owner).unwrap());
    let made = tokens.create_service_token(&owner, "nightly job", scopes, networks, None).await;
    made.unwrap().0.expose().to_owned()
}

fn bearer<'a>(ask: Ask<'a>, token: &str) -> Ask<'a> {
    ask.header("Authorization", &format!("Bearer {token}"))
}

/// The four headers about the user.
fn identity(answer: &Answer) -> [String; 4] {
    let text = |name: &str| {
        let value = answer.headers.get(name).unwrap_or_else(|| panic!("{name}: {answer:?}"));
        String::from_utf8(value.as_bytes().to_vec()).unwrap()
    };
    ["remote-user", "remote-name", "remote-email", "remote-groups"].map(text)
}

#[tokio::test(flavor = "multi_thread")]
async fn forward_auth_without_settings_is_not_found() {
    let server = Server::with("", TRUSTED).await;
    for path in ["/auth/forward", "/auth/forward/", "/auth/forward/a"] {
        let known = server.page(Method::GET, path).basic("Frank", PASSWORD).send().await;
        let unknown = server.page(Method::GET, "/auth/other").basic("Frank", PASSWORD).send().await;
        assert_eq!((known.status, known.body), (404, unknown.body), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_decide_by_host_path_and_groups() {
    let server = server(
        "[[frontends.forward_auth.rule]]\nhost = \"wiki.test\"\npath = \"/public\"\n\
         [[frontends.forward_auth.rule]]\nhost = \"wiki.test\"\ngroups = [\"group1\"]\n\
         [[frontends.forward_auth.rule]]\npath = \"/admin\"\ngroups = [\"admin\"]\n\
         [[frontends.forward_auth.rule]]\nhost = \"other.test\"\n\
         [[frontends.forward_auth.rule]]\nhost = \"localhost\"\n",
    )
    .await;
    for (who, host, uri, expected) in [
        ("Frank", "wiki.test", "/", 200),
        ("Frank", "WIKI.test:8443", "/page?x=1", 200),
        ("outsider", "wiki.test", "/", 403),
        ("outsider", "wiki.test", "/public/a", 200),
        ("outsider", "wiki.test", "/publications", 403),
        ("outsider", "wiki.test", "/public/../page", 403),
        ("outsider", "other.test", "/", 200),
        ("outsider", "other.test", "/admin", 403),
        ("outsider", "other.test", "/%61dmin/users", 403),
        ("outsider", "other.test", "//admin", 403),
        ("admin", "other.test", "/admin", 200),
        ("admin", "wiki.test", "/", 403),
        ("admin", "made-up.test", "/", 403),
        ("-", "wiki.test", "/public", 401),
        ("ghost", "wiki.test", "/public", 401),
    ] {
        let ask = forward(&server, host, uri);
        let ask = if who == "-" { ask } else { ask.basic(who, PASSWORD) };
        let answer = ask.send().await;
        assert_eq!(answer.status, expected, "{who} {host} {uri}: {answer:?}");
        assert_eq!(answer.headers.contains_key("remote-user"), expected == 200, "{answer:?}");
        let challenge = if expected == 401 { "Basic realm=\"wiki\", charset=\"UTF-8\"" } else { "" };
        assert_eq!(answer.header("www-authenticate"), challenge);
    }
    // Without the word of the proxy, no rule can be applied.
    let silent = forward(&server, "", "").basic("Frank", PASSWORD).send().await;
    assert_eq!(silent.status, 403, "{silent:?}");
    let forged = forward(&server, "wiki.test", "/").header("X-Original-URL", "https://wiki.test/public");
    assert_eq!(forged.basic("outsider", PASSWORD).send().await.status, 403);
    // As Envoy asks: the path is appended, and the host is that of the application.
    for (path, expected) in [("/", 200), ("/page", 200), ("/admin?a=/public", 403), ("/page/../admin", 403)] {
        let ask = server.page(Method::POST, &format!("/auth/forward{path}")).from(PROXY);
        let ask = ask.header("X-Forwarded-For", "192.0.2.1").header("X-Forwarded-Proto", "https");
        let ask = ask.header("X-Forwarded-Host", "other.test").header("X-Forwarded-Uri", "/public");
        let answer = ask.basic("outsider", PASSWORD).send().await;
        assert_eq!(answer.status, expected, "{path} {answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn identity_comes_from_the_account_not_the_request() {
    let server = server("").await;
    server.accounts.groups().create(&GroupId::parse("a,admin").unwrap(), None).await.unwrap();
    server.person("zoe", &["a,admin", "group3"], &[]).await;
    server.put("admin", "/cloud/users/zoe", "key=displayname&value=Zo%C3%AB%2C+admin").send().await.ok();
    server.put("admin", "/cloud/users/zoe", "key=email&value=zoe%40example.org").send().await.ok();
    server.put("admin", "/cloud/users/Frank", "key=confirmedEmail&value=f%40example.org").send().await.ok();
    for (who, expected) in [
        // A comma in a group's id must not make two groups; an unconfirmed address may be another
        // person's.
        ("zoe", ["zoe", "Zoë, admin", "", "group3"]),
        ("frank", ["Frank", "Frank", "f@example.org", "group1,group2"]),
    ] {
        let ask = forward(&server, "wiki.test", "/").basic(who, PASSWORD);
        let ask = ask.header("Remote-User", "admin").header("Remote-Groups", "admin");
        let answer = ask.header("Remote-Email", "admin@example.org").header("Remote-Name", "x").send().await;
        assert_eq!((answer.status, identity(&answer)), (200, expected.map(str::to_owned)), "{answer:?}");
        assert_eq!(answer.headers.get_all("remote-user").iter().count(), 1);
        assert!(answer.body.is_empty() && answer.header("cache-control").contains("no-store"));
    }
    for method in [Method::HEAD, Method::POST, Method::PUT, Method::OPTIONS] {
        let mut ask = forward(&server, "wiki.test", "/").basic("Frank", PASSWORD);
        ask.method = method;
        let answer = ask.send().await;
        assert_eq!((answer.status, answer.header("remote-user")), (200, "Frank"), "{answer:?}");
    }
    let refused = forward(&server, "wiki.test", "/").header("Remote-User", "admin").send().await;
    assert_eq!((refused.status, refused.header("remote-user")), (401, ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_credential_opens_what_it_may() {
    let server = server("").await;
    let ask = || forward(&server, "wiki.test", "/");
    for (scopes, expected) in [
        (&["frontend:wiki"][..], 200),
        (&["frontend:blog", "frontend:wiki"], 200),
        (&["frontend:blog"], 403),
        (&["users:read"], 403),
    ] {
        let token = service_token(&server, "Frank", scopes).await;
        for answer in [bearer(ask(), &token).send().await, ask().basic("Frank", &token).send().await] {
            assert_eq!(answer.status, expected, "{scopes:?} {answer:?}");
            assert_eq!(answer.header("remote-user"), if expected == 200 { "Frank" } else { "" });
        }
        assert_eq!(ask().basic("jane", &token).send().await.status, 401);
    }
    let id = UserId::parse("Frank").unwrap();
    let (app, _) = server.accounts.app_passwords().create(&id, "phone", None).await.unwrap();
    assert_eq!(bearer(ask(), app.expose()).send().await.status, 200);
    assert_eq!(ask().basic("Frank", app.expose()).send().await.status, 200);
    assert_eq!(ask().basic("Frank", "wrong").send().await.status, 401);
    let browser = TestBrowser::signed_in(&server, "Frank", PASSWORD).await;
    // As a server with HTTPS calls the cookie.
    let secure = format!("__Host-{}", browser.cookie.as_deref().unwrap());
    assert_eq!(ask_cookie(ask(), &secure).await, 200);
    // What is the application's own in `Authorization` does not hide the session; a wrong password
    // does.
    assert_eq!(ask_cookie(ask().header("Authorization", "Bearer of.the.application"), &secure).await, 200);
    assert_eq!(ask_cookie(ask().basic("Frank", "wrong too"), &secure).await, 401);
    assert_eq!(bearer(ask(), &"a".repeat(43)).send().await.status, 401);
    let twice = ask().basic("Frank", PASSWORD);
    let mut twice = twice;
    twice.headers.push(("Authorization".to_owned(), "Basic eDp5".to_owned()));
    assert_eq!(twice.send().await.status, 401);
    // A user who is disabled is out with every credential.
    server.put("admin", "/cloud/users/Frank/disable", "").send().await.ok();
    assert_eq!(ask().basic("Frank", PASSWORD).send().await.status, 401);
    assert_eq!(bearer(ask(), app.expose()).send().await.status, 401);
    assert_eq!(ask_cookie(ask(), &secure).await, 401);
}

async fn ask_cookie(ask: Ask<'_>, cookie: &str) -> u16 {
    ask.header("Cookie", cookie).send().await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn only_trusted_proxies_and_this_machine_may_ask() {
    let server = server("").await;
    let direct = || server.page(Method::GET, "/auth/forward").basic("Frank", PASSWORD);
    assert_eq!(direct().send().await.status, 200, "a program on this machine");
    let in_the_clear = forward(&server, "wiki.test", "/").header("X-Forwarded-Proto", "http");
    let answer = in_the_clear.basic("Frank", PASSWORD).send().await;
    assert!(answer.status == 403 && answer.body.contains("plain HTTP"), "{answer:?}");
    // Where plain HTTP is taken, too.
    let server = Server::with("allow_plaintext = true", &format!("{TRUSTED}{FORWARD}")).await;
    let ask = |from| forward(&server, "wiki.test", "/").basic("Frank", PASSWORD).from(from).send();
    let unnamed = ask(new_address()).await;
    assert!(unnamed.status == 403 && unnamed.body.contains("trusted_proxies of"), "{unnamed:?}");
    assert_eq!(ask(PROXY).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn outage_is_503_and_throttled_is_429() {
    let closed = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let server = Server::with(
        "",
        &format!(
            "[resolver]\ntrusted_proxies = [\"127.200.0.1\"]\nthrottle = {{ first_delay = \"1ms\", longest_delay = \"2ms\", \
             refuse_after = 3, per = \"30m\" }}\n{FORWARD}[[user_backends]]\nclass = \"imap\"\nid = \"mail\"\nhost = \
             \"127.0.0.1\"\nport = {closed}\ntls = \"none\"\ndomain = \"mail.test\"\n"
        ),
    )
    .await;
    let away = forward(&server, "wiki.test", "/").basic("mia@mail.test", "x").send().await;
    assert_eq!(away.status, 503, "{away:?}");
    assert!(away.header("retry-after").parse::<u64>().unwrap() > 0 && away.header("remote-user").is_empty());
    let client = new_address().to_string();
    let guess = |name: String| forward(&server, "wiki.test", "/").basic(&name, "guess");
    let mut statuses = Vec::new();
    let mut last = None;
    for number in 0..4 {
        let answer =
            guess(format!("ghost{number}@other.test")).header("X-Forwarded-For", &client).send().await;
        statuses.push(answer.status);
        last = Some(answer);
    }
    assert_eq!(statuses, [401, 401, 401, 429]);
    assert!(last.unwrap().header("retry-after").parse::<u64>().unwrap() > 1000);
    assert_eq!(forward(&server, "wiki.test", "/").basic("Frank", PASSWORD).send().await.status, 200);
}

/// With the login page at `https://users.example.com`, and applications beside it.
fn redirecting(kind: &str) -> String {
    format!(
        "{TRUSTED}{FORWARD}login_redirect = \"{kind}\"\ncookie_domain = \"example.com\"\nallowed_hosts = [\"wiki.example.com\"]\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn browser_goes_to_the_login_page_and_comes_back() {
    let server = Server::with("public_url = \"https://users.example.com\"", &redirecting("redirect")).await;
    let back = "https://wiki.example.com/page?a=1&b=//c";
    let ask = || forward(&server, "wiki.example.com", "/page?a=1&b=//c").header("Accept", "text/html,*/*");
    let answer = ask().send().await;
    assert_eq!(answer.status, 303, "{answer:?}");
    let path = answer.header("location").strip_prefix("https://users.example.com").unwrap().to_owned();
    assert!(path.starts_with("/login?redirect_url=https%3A%2F%2Fwiki%2Eexample%2Ecom%2F"), "{path}");
    let mut browser = TestBrowser::new(&server);
    let page = browser.get(&path).await;
    let policy = page.header("content-security-policy");
    assert!(policy.contains("form-action 'self' https://wiki.example.com;"), "{policy}");
    assert!(
        page.body.contains("name=\"redirect_url\" value=\"https://wiki.example.com/page?a=1"),
        "{page:?}"
    );
    let wrong = [("user", "Frank"), ("password", "wrong"), ("redirect_url", back)];
    let refused = browser.post("/login", &wrong).await;
    assert!(refused.status == 401 && refused.body.contains("https://wiki.example.com/page"), "{refused:?}");
    let right = [("user", "Frank"), ("password", PASSWORD), ("redirect_url", back)];
    let gone = browser.post("/login", &right).await;
    assert_eq!((gone.status, gone.header("location")), (303, back), "{gone:?}");
    assert!(gone.header("set-cookie").contains("; Domain=example.com"), "{gone:?}");
    let cookie = browser.cookie.clone().unwrap();
    assert!(cookie.starts_with("__Secure-session="), "{cookie}");
    let answer = ask().header("Cookie", &cookie).send().await;
    assert_eq!((answer.status, answer.header("remote-user")), (200, "Frank"), "{answer:?}");
    // A user who is signed in already is redirected at once.
    let again = browser.get(&path).await;
    assert_eq!((again.status, again.header("location")), (303, back));
    // What cannot come back as it is comes back to the start.
    let odd = forward(&server, "wiki.example.com", "/a\"b").header("Accept", "text/html").send().await;
    assert!(odd.header("location").ends_with("wiki%2Eexample%2Ecom%2F"), "{odd:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_are_for_pages_and_allowed_hosts_only() {
    let server = Server::with("public_url = \"https://users.example.com\"", &redirecting("redirect")).await;
    let page = |host: &str| forward(&server, host, "/a").header("Accept", "text/html");
    for (about, ask) in [
        ("another host", page("evil.com")),
        ("a host that begins alike", page("wiki.example.com.evil.com")),
        ("a name before the host", page("wiki.example.com@evil.com")),
        ("a host below", page("x.wiki.example.com")),
        ("a backslash", page("evil.com\\.wiki.example.com")),
        ("a path as the host", page("evil.com/wiki.example.com")),
        ("no host", page("")),
        ("a program", page("wiki.example.com").header("Accept", "application/json")),
        ("a script", page("wiki.example.com").header("X-Requested-With", "XMLHttpRequest")),
        ("a form", page("wiki.example.com").header("X-Forwarded-Method", "POST")),
        ("a wrong password", page("wiki.example.com").basic("Frank", "wrong")),
    ] {
        let answer = ask.send().await;
        assert_eq!((answer.status, answer.header("location")), (401, ""), "{about}: {answer:?}");
        assert!(answer.header("www-authenticate").starts_with("Basic "), "{about}: {answer:?}");
    }
    for evil in ["//evil.com", "https://evil.com/", "https://wiki.example.com@evil.com/", "https:/evil.com"] {
        let mut browser = TestBrowser::new(&server);
        let encoded = percent_encoding::utf8_percent_encode(evil, percent_encoding::NON_ALPHANUMERIC);
        let page = browser.get(&format!("/login?redirect_url={encoded}")).await;
        assert!(!page.body.contains("evil.com") && !page.header("content-security-policy").contains("evil"));
        let fields = [("user", "Frank"), ("password", PASSWORD), ("redirect_url", evil)];
        let gone = browser.post("/login", &fields).await;
        assert_eq!((gone.status, gone.header("location")), (303, "/settings"), "{evil}");
    }
    let server = Server::with("public_url = \"https://users.example.com\"", &redirecting("location")).await;
    let answer = forward(&server, "wiki.example.com", "/a").header("Accept", "text/html").send().await;
    assert!(answer.status == 401 && answer.header("location").contains("/login?redirect_url="), "{answer:?}");
    assert_eq!(answer.header("www-authenticate"), "", "a browser would open a window of its own");
}

#[test]
fn wrong_settings_say_what_was_expected() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("server.toml");
    for (text, place, expected) in [
        ("name = \"a b\"", "name", "1 to 64 letters"),
        ("login_redirect = \"yes\"", "login_redirect", "\"never\", \"redirect\" or \"location\""),
        ("cookie_domain = \"other.com\"", "cookie_domain", "parent domain of the host of public_url"),
        ("cookie_domain = \"com\"", "cookie_domain", "parent domain of the host of public_url"),
        ("allowed_hosts = [\"wiki.example.com\"]", "allowed_hosts", "below cookie_domain"),
        ("allowed_hosts = [\"https://wiki\"]", "allowed_hosts", "a host name such as"),
        ("rule = [{ path = \"/a/../b\" }]", "rule", "a path such as"),
        ("rule = [{ hosts = \"a\" }]", "rule", "expected one of `host`, `path`, `groups`"),
        ("rules = []", "rules", "an unknown field"),
    ] {
        let text = format!(
            "[server]\npublic_url = \"https://users.example.com\"\n[frontends.forward_auth]\n{text}\n"
        );
        std::fs::write(&file, text).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        let errors = ServerSettings::load(&file, &ClassRegistry::standard()).unwrap_err().to_string();
        assert!(errors.contains(place) && errors.contains(expected), "{place}: {errors}");
        assert!(errors.contains("frontends") && errors.contains("server.toml"), "{errors}");
    }
}

#[test]
fn failed_sign_in_of_a_proxy_names_the_frontend() {
    let mut program = Program::start("[frontends.forward_auth]", &[]);
    for (credentials, expected) in [
        ("Basic YWRtaW46d3Jvbmc=".to_owned(), "user=\"admin\" source=127.0.0.1 frontend=\"forward_auth\" "),
        (format!("Bearer {}", "A".repeat(43)), "user=\"-\" source=127.0.0.1 frontend=\"forward_auth\" "),
    ] {
        let answer = program.call("/auth/forward", &format!("Authorization: {credentials}\r\n"));
        assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
        let line = program.failed();
        assert!(line.contains(expected), "{line}");
    }
}

/// Counts the statements that reach the database.
#[derive(Clone, Debug, Default)]
struct StatementCount(Arc<AtomicUsize>);

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for StatementCount {
    fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        if event.metadata().target() == "sqlx::query" {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// A remembered password costs one statement after a change of the store, and none otherwise.
///
/// The test starts itself again: in a process of its own, no other test uses a store.
#[test]
fn remembered_password_costs_one_read_after_a_change() {
    const ALONE: &str = "COUNT_STATEMENTS";
    if std::env::var_os(ALONE).is_none() {
        let name = "forward_auth::remembered_password_costs_one_read_after_a_change";
        let mut again = Command::new(std::env::current_exe().unwrap());
        let output = again.args(["--exact", name, "--nocapture"]).env(ALONE, "1").output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && text.contains("1 passed"), "{text}");
        return;
    }
    use tracing_subscriber::layer::SubscriberExt;
    let count = StatementCount::default();
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(count.clone())).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let server = server("").await;
        let ask = async || {
            let before = count.0.load(Ordering::SeqCst);
            // From one network: the first sign-in from each is written to the store.
            let ask = forward_from(&server, "198.51.100.7", "wiki.test", "/");
            let answer = ask.basic("Frank", PASSWORD).send().await;
            assert_eq!(answer.status, 200);
            count.0.load(Ordering::SeqCst) - before
        };
        let first = ask().await;
        // As another process writes: over connections of its own.
        let store = server.app.settings().store.clone().unwrap();
        let other = accounts::Accounts::open(&store).await.unwrap().as_system();
        let (mut reads, mut after_a_change) = (Vec::new(), Vec::new());
        for round in 0..20 {
            reads.push(ask().await);
            other.apps().set_enabled("notes", round % 2 == 0).await.unwrap();
            after_a_change.push(ask().await);
        }
        // What the server does by itself now and then only adds to some of them.
        let fewest = (reads.iter().min(), after_a_change.iter().min());
        assert_eq!(fewest, (Some(&0), Some(&1)), "first {first}, then {reads:?}, {after_a_change:?}");
    });
}

/// A running nginx, with the snippets of the documentation.
struct Nginx {
    child: Child,
    address: SocketAddr,
    _dir: TempDir,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Nginx {
    /// `None` without nginx.
    fn start(server: &Server) -> Option<Self> {
        use std::io::BufRead;
        let dir = TempDir::new().unwrap();
        let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/nginx");
        // Free a moment ago.
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let (path, user_backend) = (dir.path().display(), server.address);
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {path}/{kind};\n"))
            .concat();
        // The recipe, with the addresses of this test and without TLS.
        let site: String = recipes::snippet("nginx", "nginx", "/etc/nginx/conf.d/wiki.conf")
            .lines()
            .filter(|line| !line.trim_start().starts_with("ssl_"))
            .map(|line| format!("{line}\n"))
            .collect();
        let site = site.replace("127.0.0.1:8080", &user_backend.to_string());
        let site = site.replace("listen 443 ssl;", &format!("listen {address};"));
        let site = site.replace("server_name wiki.example.com;", "server_name localhost;");
        let site = site.replace("/etc/nginx/", &format!("{docs}/"));
        let site = site.replace("http://127.0.0.1:3000", &format!("http://unix:{path}/app:"));
        let text = format!(
            "daemon off;\nmaster_process off;\npid {path}/nginx.pid;\nerror_log stderr notice;\nevents {{}}\n\
             http {{\naccess_log off;\n{temporary}\
             {site}server {{ listen unix:{path}/app; default_type text/plain;\n\
             location /broken {{ return 500 \"of the application\"; }}\n\
             location / {{ return 200 \"$http_remote_user|$http_remote_email|$http_remote_groups|$http_authorization\"; }} }}\n}}\n"
        );
        let file = dir.path().join("nginx.conf");
        std::fs::write(&file, text).unwrap();
        let started = Command::new("/usr/sbin/nginx")
            .args(["-e", "stderr", "-p"])
            .arg(dir.path())
            .arg("-c")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = match started {
            Ok(child) => child,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
            Err(error) => panic!("{error}"),
        };
        // Its sockets are open when it says which version it is.
        let mut lines = std::io::BufReader::new(child.stderr.take().unwrap()).lines();
        let mut seen = Vec::new();
        loop {
            let Some(line) = lines.next() else { panic!("nginx ended: {seen:#?}") };
            let line = line.unwrap();
            let is_up = line.contains("nginx/");
            seen.push(line);
            if is_up {
                break;
            }
        }
        // The rest is not read.
        std::thread::spawn(move || lines.for_each(drop));
        Some(Self { child, address, _dir: dir })
    }
}

/// Sends a request to nginx instead of the server.
async fn through(nginx: &Nginx, ask: Ask<'_>) -> Answer {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((ask.from, 0).into()).unwrap();
    let stream = socket.connect(nginx.address).await.unwrap();
    ask.over(stream).await
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_protects_a_page_with_the_documented_snippets() {
    let closed = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let server = Server::with(
        "allow_plaintext = true",
        &format!(
            "[resolver]\ntrusted_proxies = [\"127.0.0.1\"]\nthrottle = {{ first_delay = \"1ms\", longest_delay = \"2ms\", \
             refuse_after = 3, per = \"30m\" }}\n[frontends.forward_auth]\nlogin_redirect = \"location\"\n\
             [[frontends.forward_auth.rule]]\nhost = \"localhost\"\npath = \"/admin\"\ngroups = [\"admin\"]\n\
             [[frontends.forward_auth.rule]]\nhost = \"localhost\"\n\
             [[user_backends]]\nclass = \"imap\"\nid = \"mail\"\nhost = \"127.0.0.1\"\nport = {closed}\ntls = \"none\"\n\
             domain = \"mail.test\"\n"
        ),
    )
    .await;
    let Some(nginx) = Nginx::start(&server) else {
        assert!(
            std::env::var_os("RIG_REQUIRED").is_none(),
            "no /usr/sbin/nginx (Debian package nginx-light)"
        );
        eprintln!("skipped: no /usr/sbin/nginx here (Debian package nginx-light)");
        return;
    };
    let ask = |path: &str| server.page(Method::GET, path);
    let page = ask("/page?a=1").basic("Frank", PASSWORD).header("Remote-User", "admin");
    let page = through(&nginx, page.header("Remote-Groups", "admin").header("Remote-Email", "a@b")).await;
    assert_eq!((page.status, page.body.as_str()), (200, "Frank||group1,group2|"), "{page:?}");
    let anonymous = through(&nginx, ask("/page")).await;
    assert_eq!(anonymous.status, 401, "{anonymous:?}");
    assert!(anonymous.header("www-authenticate").starts_with("Basic realm="), "{anonymous:?}");
    let wrong = through(&nginx, ask("/page").basic("Frank", "wrong")).await;
    assert!(wrong.status == 401 && wrong.header("www-authenticate").starts_with("Basic "), "{wrong:?}");
    for (who, path, expected) in [
        ("Frank", "/admin", 403),
        ("Frank", "/%61dmin", 403),
        ("Frank", "/x/../admin", 403),
        ("admin", "/admin/a", 200),
        ("Frank", "/broken", 500),
    ] {
        // A client cannot say which path it asks for.
        let ask = ask(path).basic(who, PASSWORD).header("X-Original-URL", "http://localhost/page");
        let answer = through(&nginx, ask.header("X-Forwarded-Uri", "/page")).await;
        assert_eq!(answer.status, expected, "{who} {path}: {answer:?}");
        assert_eq!(answer.body == "of the application", path == "/broken", "{answer:?}");
    }
    let away = through(&nginx, ask("/page").basic("mia@mail.test", "x")).await;
    assert!(away.status == 503 && !away.header("retry-after").is_empty(), "{away:?}");
    let from = new_address();
    let mut statuses = Vec::new();
    for number in 0..4 {
        let guess = ask("/page").basic(&format!("ghost{number}@other.test"), "guess").from(from);
        let answer = through(&nginx, guess).await;
        statuses.push((answer.status, answer.header("retry-after").is_empty()));
    }
    assert_eq!(statuses, [(401, true), (401, true), (401, true), (429, false)]);
}
