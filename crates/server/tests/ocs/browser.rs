//! A minimal browser: it keeps a cookie and sends the forms that it was shown.

use super::*;

pub(super) struct TestBrowser<'a> {
    pub(super) server: &'a Server,
    /// `name=value`, as it goes back.
    pub(super) cookie: Option<String>,
    pub(super) from: Ipv4Addr,
    pub(super) ticket: String,
}

impl<'a> TestBrowser<'a> {
    pub(super) fn new(server: &'a Server) -> Self {
        Self { server, cookie: None, from: new_address(), ticket: String::new() }
    }

    /// A signed-in user.
    pub(super) async fn signed_in(server: &'a Server, name: &str, password: &str) -> Self {
        let mut browser = Self::new(server);
        browser.get("/login").await;
        let answer = browser.post("/login", &[("user", name), ("password", password)]).await;
        assert_eq!((answer.status, answer.header("location")), (303, "/settings"), "{answer:?}");
        browser.get("/settings").await;
        browser
    }

    pub(super) async fn get(&mut self, path: &str) -> Answer {
        let ask = self.server.page(Method::GET, path);
        self.send(ask).await
    }

    /// Sends a form with the request token of the page that was loaded last.
    pub(super) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let ticket = self.ticket.clone();
        let fields = fields.iter().copied().chain([("requesttoken", ticket.as_str())]);
        let encode = |text: &str| {
            percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
        };
        let fields: Vec<String> =
            fields.map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        let ask = self.server.page(Method::POST, path).form(&fields.join("&"));
        self.send(ask).await
    }

    pub(super) async fn send(&mut self, ask: Ask<'_>) -> Answer {
        let mut ask = ask.from(self.from);
        if let Some(cookie) = &self.cookie {
            ask = ask.header("Cookie", cookie);
        }
        let answer = ask.send().await;
        if let Some((pair, rest)) = answer.header("set-cookie").split_once(';') {
            let (_, value) = pair.split_once('=').unwrap();
            assert_eq!(value.is_empty(), rest.contains("Max-Age=0"));
            self.cookie = (!value.is_empty()).then(|| pair.to_owned());
        }
        if let Some((_, rest)) = answer.body.split_once("name=\"requesttoken\" value=\"") {
            self.ticket = rest.split('"').next().unwrap().to_owned();
        }
        answer
    }

    pub(super) fn token(&self) -> &str {
        self.cookie.as_deref().and_then(|cookie| cookie.split_once('=')).unwrap().1
    }
}
