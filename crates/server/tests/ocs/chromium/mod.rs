//! The pages in a real browser: Chromium without a window, driven by WebDriver.
//!
//! Skipped, by name, where `chromedriver` is missing; a failure with `BROWSER_REQUIRED=1`.
//! `AXE_CORE` names the file `axe.min.js`: without it, accessibility is not checked. With
//! `BROWSER_FULL=1` the walk is repeated in the dark and on a phone. `BROWSER_SCREENSHOTS` names a
//! folder for pictures of every page, and for contact sheets of them (`docs/images`).

mod admin;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::key::Key;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::lost_password::{deliver, mail_settings, path_of_link};
use super::*;

/// A browser, and its driver, which end together.
struct Chromium {
    client: Client,
    base: String,
    axe: Option<String>,
    /// The names of the pictures that were taken, in order.
    pictures: Mutex<Vec<String>>,
    _driver: Driver,
    _profile: TempDir,
}

/// The driver and the number of its browser, which end with the test.
struct Driver(Child, Option<u64>);

impl Drop for Driver {
    fn drop(&mut self) {
        if let Some(browser) = self.1 {
            Command::new("kill").arg(browser.to_string()).status().ok();
        }
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A command of Chromium's own protocol.
#[derive(Debug)]
struct Cdp(&'static str, Value);

impl WebDriverCompatibleCommand for Cdp {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (Method, Option<String>) {
        let body = json!({ "cmd": self.0, "params": self.1 });
        (Method::POST, Some(body.to_string()))
    }
}

impl Chromium {
    /// A browser for this server; `None` if it is not installed.
    async fn start(server: &Server) -> Option<Self> {
        let driver =
            Command::new("chromedriver").arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let Ok(mut driver) = driver else {
            assert!(std::env::var_os("BROWSER_REQUIRED").is_none(), "chromedriver is missing");
            eprintln!("skipped: no chromedriver (Debian package chromium-driver)");
            return None;
        };
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut driver = Driver(driver, None);
        let line = lines.find(|line| line.contains("started successfully on port "));
        let line = line.expect("chromedriver says its port");
        let port = line.rsplit(' ').next().unwrap().trim_end_matches('.').to_owned();
        std::thread::spawn(move || lines.for_each(drop));
        let profile = TempDir::new().unwrap();
        let folder = format!("--user-data-dir={}", profile.path().display());
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--no-first-run",
            "--disable-gpu",
            "--disable-quic",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--window-size=1000,900",
            "--lang=en",
            &folder,
        ];
        let capabilities = json!({
            "goog:chromeOptions": { "args": arguments, "prefs": { "intl.accept_languages": "en" } },
        });
        let mut connector = ClientBuilder::new(HttpConnector::new());
        connector.capabilities(capabilities.as_object().unwrap().clone());
        let client = connector.connect(&format!("http://127.0.0.1:{port}")).await.unwrap();
        driver.1 = client.capabilities().and_then(|found| found.get("goog:processID")?.as_u64());
        let axe = std::env::var_os("AXE_CORE").map(|path| std::fs::read_to_string(path).unwrap());
        if axe.is_none() {
            eprintln!("skipped: the accessibility checks (AXE_CORE is not set)");
        }
        let base = format!("http://{}", server.address);
        let pictures = Mutex::new(Vec::new());
        Some(Self { client, base, axe, pictures, _driver: driver, _profile: profile })
    }

    async fn cdp(&self, name: &'static str, parameters: Value) -> Value {
        self.client.issue_cmd(Cdp(name, parameters)).await.unwrap()
    }

    async fn look(&self, appearance: Appearance) {
        let scheme = if appearance.is_dark { "dark" } else { "light" };
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        self.cdp("Emulation.setEmulatedMedia", json!({ "features": features })).await;
        let (width, height) = appearance.size();
        let size = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": appearance.is_phone,
        });
        self.cdp("Emulation.setDeviceMetricsOverride", size).await;
    }

    async fn goto(&self, path: &str) {
        self.client.goto(&format!("{}{path}", self.base)).await.unwrap();
    }

    /// Where the browser is, below the server's address.
    async fn path(&self) -> String {
        let url = self.client.current_url().await.unwrap();
        url.as_str().strip_prefix(&self.base).unwrap_or_else(|| panic!("{url}")).to_owned()
    }

    async fn forget(&self) {
        self.client.delete_all_cookies().await.unwrap();
    }

    async fn find(&self, css: &str) -> fantoccini::elements::Element {
        self.client.find(Locator::Css(css)).await.unwrap_or_else(|error| panic!("{css}: {error}"))
    }

    async fn is_there(&self, css: &str) -> bool {
        !self.client.find_all(Locator::Css(css)).await.unwrap().is_empty()
    }

    async fn text(&self, css: &str) -> String {
        self.find(css).await.text().await.unwrap()
    }

    /// Types into fields and presses the button of their form.
    async fn submit(&self, form: &str, fields: &[(&str, &str)]) {
        for (field, text) in fields {
            let field = self.find(field).await;
            field.clear().await.unwrap();
            field.send_keys(text).await.unwrap();
        }
        self.follow(&format!("form[action$='{form}'] button[type=submit]")).await;
    }

    /// Presses a button or a link, and returns when the next page is there.
    async fn follow(&self, css: &str) {
        let before = self.find("html").await;
        self.find(css).await.click().await.unwrap();
        // An element of the previous page is stale.
        while before.tag_name().await.is_ok() {
            tokio::task::yield_now().await;
        }
    }

    async fn sign_in(&self, name: &str, password: &str) {
        self.forget().await;
        self.goto("/login").await;
        self.submit("/login", &[("#user", name), ("#password", password)]).await;
        assert_eq!(self.path().await, "/settings");
    }

    async fn run(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    /// Checks the current page: accessibility, width, unique ids; then takes a picture.
    async fn check(&self, name: &str, appearance: Appearance) {
        let at = format!("{name} ({appearance:?})");
        // A phone makes its window as wide as the page, so that says nothing.
        let width = self.run("return document.documentElement.scrollWidth").await.as_u64().unwrap();
        assert!(width <= appearance.size().0, "{at}: {width} wide");
        let pale = "const bad = document.querySelector('#notice.bad');\
                    return [...document.querySelectorAll('[aria-invalid=true]')].filter((one) => {\
                    const style = getComputedStyle(one); return style.borderTopWidth !== '2px' ||\
                    style.borderTopColor !== getComputedStyle(bad).color }).map((one) => one.outerHTML)";
        assert_eq!(self.run(pale).await, json!([]), "{at}: an error without a red border");
        let twice = "const ids = [...document.querySelectorAll('[id]')].map((one) => one.id);\
                     return ids.filter((id, at) => ids.indexOf(id) !== at)";
        assert_eq!(self.run(twice).await, json!([]), "{at}: ids twice");
        let small = "return [...document.querySelectorAll('button, select, input:not([type=hidden]):not([hidden])')]\
                     .filter((one) => one.type !== 'checkbox' && one.offsetHeight > 0 && one.offsetHeight < 36)\
                     .map((one) => one.outerHTML)";
        assert_eq!(self.run(small).await, json!([]), "{at}: too small for a finger");
        if let Some(axe) = &self.axe {
            self.run(axe).await;
            let script = "const done = arguments[arguments.length - 1];\
                          axe.run().then((found) => done(found.violations.map((one) => \
                          [one.id, one.nodes.map((node) => node.html + ': ' + node.failureSummary)])), \
                          (error) => done([String(error)]))";
            let found = self.client.execute_async(script, Vec::new()).await.unwrap();
            assert_eq!(found, json!([]), "{at}: {found:#}");
        }
        if let Some(folder) = std::env::var_os("BROWSER_SCREENSHOTS") {
            self.remember(name);
            let name = std::path::Path::new(&folder).join(format!("{name}-{}", appearance.name()));
            for (format, whole) in [("png", true), ("webp", false)] {
                let mut how = json!({ "format": format, "captureBeyondViewport": whole });
                if !whole {
                    how["quality"] = 70.into();
                }
                let picture = self.cdp("Page.captureScreenshot", how).await;
                let picture = BASE64_STANDARD.decode(picture["data"].as_str().unwrap()).unwrap();
                std::fs::write(name.with_extension(format), picture).unwrap();
            }
        }
    }

    fn remember(&self, picture: &str) {
        let mut pictures = self.pictures.lock().unwrap();
        if !pictures.iter().any(|known| known == picture) {
            pictures.push(picture.to_owned());
        }
    }

    /// Makes one picture of all that were taken in this appearance.
    async fn contact_sheet(&self, name: &str, appearance: Appearance) {
        let pictures = self.pictures.lock().unwrap().clone();
        let Some(folder) = std::env::var_os("BROWSER_SCREENSHOTS") else { return };
        let folder = std::path::Path::new(&folder);
        // Six of a phone or three others in a row.
        let (width, height) = if appearance.is_phone { (240, 520) } else { (492, 410) };
        let mut page = format!(
            "<!DOCTYPE html><style>body {{ margin: 0; width: 1524px; padding: 12px; box-sizing: border-box; display: flex; flex-wrap: wrap; gap: 12px; \
             background: #8a929e }} img {{ width: {width}px; height: {height}px; object-fit: cover; object-position: top }}\
             </style>"
        );
        for picture in pictures {
            page += &format!("<img src=\"{picture}-{}.png\">", appearance.name());
        }
        let file = folder.join(format!("{name}-{}.html", appearance.name()));
        std::fs::write(&file, page).unwrap();
        let size = json!({ "width": 1540, "height": 800, "deviceScaleFactor": 1, "mobile": false });
        self.cdp("Emulation.setDeviceMetricsOverride", size).await;
        self.client.goto(&format!("file://{}", file.display())).await.unwrap();
        let height = self.run("return document.body.offsetHeight").await;
        let clip = json!({ "x": 0, "y": 0, "width": 1524, "height": height, "scale": 1 });
        let how = json!({ "format": "webp", "quality": 60, "captureBeyondViewport": true, "clip": clip });
        let picture = self.cdp("Page.captureScreenshot", how).await;
        let picture = BASE64_STANDARD.decode(picture["data"].as_str().unwrap()).unwrap();
        std::fs::write(file.with_extension("webp"), picture).unwrap();
        // Back to where the cookies are.
        self.goto("/login").await;
    }

    async fn press(&self, keys: &[Key]) {
        self.type_text(&keys.iter().map(|key| char::from(*key)).collect::<String>()).await;
    }

    async fn type_text(&self, text: &str) {
        let mut actions = KeyActions::new("keyboard".to_owned());
        for value in text.chars() {
            actions = actions.then(KeyAction::Down { value }).then(KeyAction::Up { value });
        }
        self.client.perform_actions(actions).await.unwrap();
    }

    /// Every link and field is reached, in the order in which it stands.
    async fn reaches_all_by_tab(&self, page: &str) {
        let steps = "return [...document.querySelectorAll('a, button, select, summary, input')]\
                     .filter((one) => one.type !== 'hidden' && one.checkVisibility()).length";
        let steps = self.run(steps).await.as_u64().unwrap();
        let mut before = -1;
        self.run("document.activeElement.blur(); window.scrollTo(0, 0)").await;
        for step in 0..steps {
            self.press(&[Key::Tab]).await;
            let script = "return [...document.querySelectorAll('*')].indexOf(document.activeElement)";
            let at = self.run(script).await.as_i64().unwrap();
            assert!(at > before, "{page}: step {step} of {steps}: {}", self.focus().await);
            before = at;
        }
    }

    /// What has the focus: its id, or its text.
    async fn focus(&self) -> String {
        let script =
            "const at = document.activeElement; return at.id || at.ariaLabel || at.textContent.trim()";
        self.run(script).await.as_str().unwrap().to_owned()
    }
}

/// How a page is displayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Appearance {
    is_dark: bool,
    is_phone: bool,
}

impl Appearance {
    const LIGHT: Self = Self { is_dark: false, is_phone: false };

    /// Width and height of the window.
    fn size(self) -> (u64, u64) {
        if self.is_phone { (390, 844) } else { (1000, 800) }
    }

    fn name(self) -> &'static str {
        match (self.is_phone, self.is_dark) {
            (false, false) => "light",
            (false, true) => "dark",
            (true, false) => "phone",
            (true, true) => "phone-dark",
        }
    }
}

/// The one appearance of every run, or all of them.
fn looks() -> Vec<Appearance> {
    if std::env::var_os("BROWSER_FULL").is_none() {
        return vec![Appearance::LIGHT];
    }
    let looks = [(false, false), (false, true), (true, false), (true, true)];
    looks.map(|(is_phone, is_dark)| Appearance { is_dark, is_phone }).to_vec()
}

/// A server as an organisation runs it: mail, a mail server as a backend, links.
struct Site {
    server: Server,
    /// The way to the mail server, which can be cut.
    line: JoinHandle<()>,
}

impl Site {
    async fn start() -> Self {
        let imap = external_backend::imap().await;
        let (_, port) = imap.split_once("port = ").unwrap();
        let port: u16 = port.split_whitespace().next().unwrap().parse().unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let here = listener.local_addr().unwrap().port();
        let line = tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                });
            }
        });
        let imap = imap.replace(&format!("port = {port}"), &format!("port = {here}"));
        let pages = "[pages]\nstay_signed_in_days = 30\nimprint_url = \"https://example.org/imprint\"\n\
                     privacy_url = \"https://example.org/privacy\"\nhelp_url = \"mailto:help@example.org\"\n";
        let sections = format!(
            "{pages}{}{imap}display_name = \"Example Mail\"\nhelp_url = \"https://mail.example.org/help\"\n\
             cache_accepted = \"off\"\n[resolver]\nlock = \"off\"\nthrottle = {{ first_delay = \"1ms\", longest_delay = \"2ms\", \
             refuse_after = 1000, per = \"30m\" }}\n",
            mail_settings(9)
        );
        let server = Server::with("name = \"Wonderland\"", &sections).await;
        let form = "key=confirmedEmail&value=frank%40example.org";
        server.put("admin", "/cloud/users/Frank", form).send().await.ok();
        server.put("admin", "/cloud/users/Frank", "key=displayname&value=Frank+Smith").send().await.ok();
        let form = "key=confirmedEmail&value=mia%40mail.example";
        server.get("-", "/cloud/user").basic("mia@mail.example", external_backend::MAIL).send().await.ok();
        server.put("admin", "/cloud/users/mia@mail.example", form).send().await.ok();
        deliver(&server).await;
        Self { server, line }
    }

    /// From now on the mail server cannot be reached.
    fn cut(&self) {
        self.line.abort();
    }
}

/// Every page, as every kind of user meets it.
#[tokio::test(flavor = "multi_thread")]
async fn chromium_finds_no_fault_with_any_page() {
    let site = Site::start().await;
    let Some(chromium) = Chromium::start(&site.server).await else { return };
    let server = &site.server;
    server.post("admin", "/cloud/users", "userid=anna&email=anna%40example.org").send().await.ok();
    let welcome = path_of_link(&deliver(server).await[0].1);
    let mut mia = Vec::new();
    for appearance in looks() {
        chromium.look(appearance).await;
        newcomer(&chromium, server, &welcome, appearance).await;
        user(&chromium, appearance).await;
        for (who, page) in [("sam", "settings-sub-admin"), ("admin", "settings-admin")] {
            chromium.sign_in(who, PASSWORD).await;
            chromium.check(page, appearance).await;
        }
        let fields = [("#service-name", "Nightly report"), ("#service-password", PASSWORD)];
        chromium.find("input[name='scope:users:read']").await.click().await.unwrap();
        chromium.submit("/settings/service-tokens", &fields).await;
        assert_eq!(chromium.path().await, "/settings/app-passwords/new");
        chromium.check("service-token", appearance).await;
        chromium.sign_in("mia@mail.example", external_backend::MAIL).await;
        chromium.check("settings-imap", appearance).await;
        mia.push(chromium.client.get_all_cookies().await.unwrap());
    }
    site.cut();
    for (appearance, cookies) in looks().into_iter().zip(mia) {
        chromium.look(appearance).await;
        chromium.forget().await;
        chromium.goto("/login").await;
        chromium.submit("/login", &[("#user", "mia@mail.example"), ("#password", "unknown yet")]).await;
        assert!(chromium.text("#notice").await.contains("Yours may well be right"));
        chromium.check("login-outage", appearance).await;
        chromium.forget().await;
        for cookie in cookies {
            chromium.client.add_cookie(cookie).await.unwrap();
        }
        chromium.goto("/settings").await;
        let fields = [("#device-name", "Phone"), ("#device-password", "unknown yet")];
        chromium.submit("/settings/app-passwords", &fields).await;
        assert!(chromium.text("#notice").await.contains("cannot be checked right now"));
        assert_eq!(chromium.find("#device-name").await.prop("value").await.unwrap().unwrap(), "Phone");
        chromium.check("settings-outage", appearance).await;
        chromium.contact_sheet("pages", appearance).await;
    }
}

async fn newcomer(chromium: &Chromium, server: &Server, welcome: &str, appearance: Appearance) {
    chromium.forget().await;
    chromium.goto("/login").await;
    chromium.check("login", appearance).await;
    chromium.submit("/login", &[("#user", "Frank"), ("#password", "wrong password 1")]).await;
    assert_eq!(chromium.focus().await, "password");
    assert_eq!(chromium.find("#user").await.prop("value").await.unwrap().unwrap(), "Frank");
    assert!(chromium.client.title().await.unwrap().starts_with("Error: "));
    chromium.check("login-refused", appearance).await;
    chromium.follow("#notice a").await;
    assert_eq!(chromium.path().await, "/lostpassword");
    chromium.check("forgot", appearance).await;
    chromium.submit("/lostpassword", &[("#user", "Frank")]).await;
    assert_eq!(chromium.path().await, "/lostpassword?done=sent");
    chromium.check("forgot-sent", appearance).await;
    let mails = deliver(server).await;
    let reset = mails.iter().find(|(_, text)| text.contains("/lostpassword/reset/")).unwrap();
    chromium.goto(&path_of_link(&reset.1)).await;
    chromium.check("reset", appearance).await;
    chromium.find("#password").await.send_keys("abc").await.unwrap();
    chromium.find("#password2").await.send_keys("abx").await.unwrap();
    chromium.follow("main button[type=submit]").await;
    assert_eq!(chromium.focus().await, "password2");
    chromium.check("reset-refused", appearance).await;
    chromium.goto(welcome).await;
    chromium.check("welcome", appearance).await;
    chromium.goto(&format!("/lostpassword/reset/{}", "A".repeat(43))).await;
    chromium.check("reset-invalid", appearance).await;
    chromium.goto("/no/such/page").await;
    chromium.check("not-found", appearance).await;
}

async fn user(chromium: &Chromium, appearance: Appearance) {
    chromium.sign_in("Frank", PASSWORD).await;
    chromium.check("settings", appearance).await;
    let wrong = [("#device-name", "Phone"), ("#device-password", "wrong password 1")];
    chromium.submit("/settings/app-passwords", &wrong).await;
    assert_eq!(chromium.focus().await, "device-password");
    let is_seen = "const at = document.querySelector('#notice').getBoundingClientRect();\
                   return at.top >= 0 && at.bottom <= window.innerHeight";
    assert_eq!(chromium.run(is_seen).await, true, "the error is in view");
    chromium.check("settings-refused", appearance).await;
    chromium.submit("/settings/app-passwords", &[("#device-password", PASSWORD)]).await;
    assert_eq!(chromium.path().await, "/settings/app-passwords/new");
    chromium.check("app-password", appearance).await;
    chromium.follow("main a.button").await;
    chromium.goto("/login/confirm").await;
    chromium.check("confirm", appearance).await;
    chromium.goto("/logout").await;
    chromium.check("sign-out", appearance).await;
    chromium.submit("/logout", &[]).await;
    assert_eq!(chromium.path().await, "/login?done=out");
    chromium.check("signed-out", appearance).await;
}

/// On a phone in any case: tables and long lines of commands have to fit.
#[tokio::test(flavor = "multi_thread")]
async fn chromium_finds_no_fault_with_the_api_page() {
    let server = Server::start().await;
    let Some(chromium) = Chromium::start(&server).await else { return };
    let phone = Appearance { is_dark: false, is_phone: true };
    for appearance in looks().into_iter().filter(|appearance| *appearance != phone).chain([phone]) {
        chromium.look(appearance).await;
        chromium.goto("/docs").await;
        chromium.check("docs", appearance).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn chromium_signs_in_by_the_keyboard_alone() {
    let site = Site::start().await;
    let Some(chromium) = Chromium::start(&site.server).await else { return };
    chromium.goto("/login").await;
    assert_eq!(chromium.focus().await, "user");
    chromium.type_text("Frank").await;
    let mut order = vec![chromium.focus().await];
    for _ in 0..5 {
        chromium.press(&[Key::Tab]).await;
        order.push(chromium.focus().await);
    }
    let label = order[3].clone();
    assert_eq!(order[..3], ["user", "password", "Show password"], "{order:?}");
    assert!(label.is_empty(), "the box to stay signed in: {order:?}");
    assert_eq!(order[4..], ["Sign in", "Forgot your password?"], "{order:?}");
    let script = "return getComputedStyle(document.activeElement).outlineWidth";
    assert_eq!(chromium.run(script).await, "3px", "the focus is seen");
    chromium.find("#password").await.send_keys(PASSWORD).await.unwrap();
    // The eye shows the password, and the form is sent with it hidden again.
    chromium.press(&[Key::Tab]).await;
    chromium.type_text(" ").await;
    assert_eq!(chromium.run("return document.querySelector('#password').type").await, "text");
    assert_eq!(chromium.focus().await, "Hide password");
    chromium.press(&[Key::Tab]).await;
    chromium.press(&[Key::Tab]).await;
    chromium.press(&[Key::Enter]).await;
    chromium.client.wait().for_element(Locator::Css("#profile")).await.unwrap();
    assert_eq!(chromium.path().await, "/settings");
    chromium.reaches_all_by_tab("/settings").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chromium_without_scripts_uses_every_form() {
    let site = Site::start().await;
    let Some(chromium) = Chromium::start(&site.server).await else { return };
    chromium.cdp("Emulation.setScriptExecutionDisabled", json!({ "value": true })).await;
    chromium.sign_in("Frank", PASSWORD).await;
    assert!(!chromium.is_there(".eye").await, "the script did not run");
    chromium.submit("/settings/profile", &[("#display-name", "Frank the First")]).await;
    assert_eq!(chromium.text("h1").await, "Frank the First");
    let fields = [("#device-name", "Phone"), ("#device-password", PASSWORD)];
    chromium.submit("/settings/app-passwords", &fields).await;
    let token = chromium.find("#token").await.prop("value").await.unwrap().unwrap();
    site.server.get("-", "/cloud/user").basic("Frank", &token).send().await.ok();
    chromium.follow("main a.button").await;
    chromium.submit("/settings/app-passwords/revoke", &[]).await;
    assert_eq!(chromium.path().await, "/settings?done=revoked");
    let new = "Looking Glass 1871 !";
    let fields = [("#current", PASSWORD), ("#password", new), ("#password2", new)];
    chromium.submit("/settings/password", &fields).await;
    assert_eq!(chromium.path().await, "/login?done=password");
    chromium.sign_in("Frank", new).await;
    chromium.submit("/logout", &[]).await;
    assert_eq!(chromium.path().await, "/login?done=out");
}

#[tokio::test(flavor = "multi_thread")]
async fn chromium_goes_back_and_reloads_without_doing_anything_twice() {
    let site = Site::start().await;
    let Some(chromium) = Chromium::start(&site.server).await else { return };
    let client = &chromium.client;
    chromium.goto("/lostpassword").await;
    chromium.submit("/lostpassword", &[("#user", "Frank")]).await;
    client.refresh().await.unwrap();
    client.back().await.unwrap();
    client.forward().await.unwrap();
    assert_eq!(chromium.text("h1").await, "Check your mail");
    assert_eq!(deliver(&site.server).await.len(), 1, "one mail");
    chromium.sign_in("Frank", PASSWORD).await;
    let fields = [("#device-name", "Phone"), ("#device-password", PASSWORD)];
    chromium.submit("/settings/app-passwords", &fields).await;
    let token = chromium.find("#token").await.prop("value").await.unwrap();
    client.refresh().await.unwrap();
    client.back().await.unwrap();
    client.forward().await.unwrap();
    assert_eq!(chromium.find("#token").await.prop("value").await.unwrap(), token);
    let frank = UserId::parse("Frank").unwrap();
    assert_eq!(site.server.accounts.app_passwords().list(&frank).await.unwrap().len(), 1);
    // The page of a refused form is the answer to the form: it is sent again, and refused again.
    let audit = site.server.accounts.audit();
    let before = audit.latest(1, None).await.unwrap()[0].seq;
    let wrong = [("#device-name", "Tablet"), ("#device-password", "wrong password 1")];
    let taken = [("#current", PASSWORD), ("#password", "abc"), ("#password2", "abc")];
    for (form, fields, kept) in [
        ("/settings/app-passwords", &wrong[..], Some(("#device-name", "Tablet"))),
        ("/settings/password", &taken, None),
    ] {
        chromium.goto("/settings").await;
        chromium.submit(form, fields).await;
        let notice = chromium.text("#notice").await;
        client.refresh().await.unwrap();
        assert_eq!(chromium.text("#notice").await, notice, "{form}");
        if let Some((field, text)) = kept {
            assert_eq!(chromium.find(field).await.prop("value").await.unwrap().unwrap(), text);
        }
        client.back().await.unwrap();
        client.forward().await.unwrap();
        assert_eq!(audit.latest(1, None).await.unwrap()[0].seq, before, "{form}: nothing was changed");
    }
    // Two tabs: what the first one does makes no form of the second one useless.
    let first = client.window().await.unwrap();
    chromium.goto("/settings").await;
    let second = client.new_window(true).await.unwrap().handle;
    client.switch_to_window(second.clone()).await.unwrap();
    chromium.goto("/settings").await;
    client.switch_to_window(first).await.unwrap();
    chromium
        .submit("/settings/app-passwords", &[("#device-name", "Tablet"), ("#device-password", PASSWORD)])
        .await;
    client.switch_to_window(second).await.unwrap();
    chromium.submit("/settings/profile", &[("#display-name", "Frank of the second tab")]).await;
    assert_eq!(chromium.text("h1").await, "Frank of the second tab");
}
