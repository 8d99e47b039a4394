//! What callers of the server send, and how it answers.

use std::net::{IpAddr, SocketAddr};
use std::sync::LazyLock;

use accounts::Token;
use accounts::{BaseUrl, LostPassword};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue, Method};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;
use user_backend::config::{Format, Loader, Network};
use user_backend_server::auth::client_address::Origin;
use user_backend_server::provisioning::call_path::{Path, decoded_again};
use user_backend_server::provisioning::envelope::data::Data;
use user_backend_server::provisioning::envelope::xml as writer;
use user_backend_server::provisioning::params::{ParamError, Params};
use user_backend_server::provisioning::routes as route;
use user_backend_tower::AuthorizationHeader;

/// The header `Authorization` as it came.
pub fn basic(input: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(input) else { return };
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, value.clone());
    let read = AuthorizationHeader::of(&headers);
    let is_basic = input.get(..5).is_some_and(|word| word.eq_ignore_ascii_case(b"basic"));
    let is_bearer = input.get(..6).is_some_and(|word| word.eq_ignore_ascii_case(b"bearer"));
    match &read {
        Err(_) => assert!(is_basic || is_bearer),
        Ok(AuthorizationHeader::Bearer(token)) => {
            assert!(is_bearer);
            assert!(token.len() <= 6 || !format!("{read:?}").contains(token.as_str()));
        }
        Ok(AuthorizationHeader::Nothing) => panic!("there is a header"),
        Ok(AuthorizationHeader::Other) => {}
        Ok(AuthorizationHeader::Basic { name, password }) => {
            assert!(is_basic && !name.contains(':'));
            let shown = format!("{read:?}");
            let secret = password.len() > 6 && !name.contains(password.as_str());
            assert!(!secret || !shown.contains(password.as_str()), "{shown}");
            // What was read can be written again, unless it was Latin-1 and is too long for a
            // header in UTF-8.
            let again = BASE64_STANDARD.encode(format!("{name}:{}", password.as_str()));
            headers.insert(AUTHORIZATION, format!("Basic {again}").parse().expect("a header"));
            match AuthorizationHeader::of(&headers) {
                Ok(AuthorizationHeader::Basic { name: n, password: p }) => {
                    assert!(n == *name && p == *password);
                }
                other => assert!(other.is_err() && again.len() >= 4096, "{other:?}"),
            }
        }
    }
    headers.append(AUTHORIZATION, value);
    assert!(AuthorizationHeader::of(&headers).is_err(), "two headers are refused");
}

/// A query, or a form; after a NUL, a JSON document.
pub fn form(input: &[u8]) {
    let cut = input.iter().position(|byte| *byte == 0).unwrap_or(input.len());
    let (query, body) = input.split_at(cut);
    let query = std::str::from_utf8(query).ok().and_then(|query| Params::of_query(query).ok());
    let body = body
        .get(1..)
        .map(|body| crate::fake_server::block_on(Params::of_body(Some("application/json"), body.to_vec())));
    let body = body.and_then(Result::ok);
    for params in [query.clone(), body.clone()].into_iter().flatten() {
        let shown = format!("{params:?}");
        for name in ["userid", "groups", "fields", "search", "key", "value"] {
            let text = params.text(name);
            if let Ok(Some(text)) = text {
                match params.texts(name) {
                    // A text is a list of one.
                    Ok(list) => assert!(list == [text] || (text.is_empty() && list.is_empty()), "{shown}"),
                    // Of several texts the last one counts; several make no list.
                    Err(error) => {
                        assert!(matches!(error, ParamError::RepeatedList { .. }), "{error} {shown}");
                    }
                }
            }
            assert_eq!(params.required(name).is_ok(), text.is_ok_and(|text| text.is_some()), "{shown}");
            let _ = (params.number(name), params.once(name));
        }
    }
    // The body wins.
    if let (Some(query), Some(body)) = (query, body) {
        let value = body.text("key").ok().flatten().map(str::to_owned);
        let both = query.overridden_by(body);
        assert!(value.is_none() || both.text("key").ok().flatten() == value.as_deref());
    }
}

/// A path after `/ocs/v1.php`.
pub fn path(input: &[u8]) {
    let Ok(raw) = std::str::from_utf8(input) else { return };
    let Some(path) = Path::parse(raw) else { return };
    assert!(path.segments().len() <= raw.matches('/').count() + 1, "{raw:?}");
    let encoded: Vec<String> = path
        .segments()
        .iter()
        .map(|segment| utf8_percent_encode(segment, NON_ALPHANUMERIC).to_string())
        .collect();
    assert_eq!(Path::parse(&encoded.join("/")).as_ref(), Some(&path), "{raw:?}");
    for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE] {
        let _ = route::find(&method, &path);
    }
    for segment in path.segments() {
        assert_ne!(decoded_again(segment).as_ref(), Some(segment));
    }
}

/// First byte: whether the peer is our proxy.
///
/// After it the header `X-Forwarded-For`.
pub fn origin(input: &[u8]) {
    static TRUSTED: LazyLock<Vec<Network>> = LazyLock::new(|| {
        let text = "[resolver]\ntrusted_proxies = [\"127.0.0.1\", \"10.0.0.0/8\"]";
        let config = Loader::new().allow_no_backends().parse(text, Format::Toml, "t").expect("a network");
        config.resolver().trusted_proxies.clone()
    });
    let Some((how, lines)) = input.split_first() else { return };
    let proxy = how & 1 == 1;
    let peer: IpAddr = if proxy { [10, 0, 0, 1].into() } else { [192, 0, 2, 1].into() };
    let mut headers = HeaderMap::new();
    for line in lines.split(|byte| *byte == b'\n') {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append("x-forwarded-for", value);
        }
    }
    let origin = |headers: &HeaderMap| Origin::of(SocketAddr::new(peer, 4711), false, headers, &TRUSTED);
    let last = headers.get_all("x-forwarded-for").iter().next_back().map(HeaderValue::as_bytes);
    let last = last.and_then(|line| line.rsplit(|byte| *byte == b',').next());
    match origin(&headers) {
        Ok(found) => {
            assert!(!found.private && !found.local, "no header says https");
            assert!(proxy || found.address == peer, "any client could choose its address");
            assert!(!proxy || last.is_none_or(<[u8]>::is_ascii), "never the proxy itself");
        }
        Err(_) => assert!(proxy && last.is_some(), "only what a trusted proxy wrote is refused"),
    }
    // The entry of our proxy is the last; the ones before it count only if it is trusted, too.
    headers.append("x-forwarded-for", HeaderValue::from_static("198.51.100.7"));
    let found = origin(&headers).expect("the last entry is an address");
    assert_eq!(found.address, if proxy { [198, 51, 100, 7].into() } else { peer });
}

/// What an operator says about lost passwords, and the address that links begin with.
pub fn reset_link(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    if let Ok(setting) = LostPassword::parse(text) {
        assert_eq!(LostPassword::parse(&setting.to_string()).as_ref(), Ok(&setting), "{text:?}");
        if let Some(url) = setting.elsewhere() {
            assert!(url.password().is_none() && url.username().is_empty() && url.has_host(), "{text:?}");
            let here = matches!(url.host_str(), Some("localhost" | "[::1]"))
                || url.host_str().is_some_and(|host| host.starts_with("127."));
            assert!(url.scheme() == "https" || (url.scheme() == "http" && here), "{text:?}");
        }
    }
    if let Ok(base) = BaseUrl::parse(text) {
        let token = Token::random().expect("randomness");
        let link = base.reset_link(&token);
        assert!(link.starts_with(base.as_str()) && base.as_str().ends_with('/'), "{text:?}");
        assert!(link.ends_with(token.expose()) && !link.contains(['?', '#', ' ', '"', '<']), "{text:?}");
        assert_eq!(BaseUrl::parse(base.as_str()).as_ref(), Ok(&base), "{text:?}");
    }
}

/// The bytes generate a tree; a parser must read the same tree back.
pub fn xml(input: &[u8]) {
    let tree = tree(&mut input.iter().copied(), 4);
    let document = writer::write("ocs", &[("data", &tree)]).expect("memory takes everything");
    let mut expected = String::from("<ocs>");
    say("data", &tree, &mut expected);
    expected.push_str("</ocs>");
    assert_eq!(parsed(&document), expected, "{}", String::from_utf8_lossy(&document));
}

fn tree(recipe: &mut impl Iterator<Item = u8>, depth: usize) -> Data {
    match recipe.next().unwrap_or(0) % if depth == 0 { 6 } else { 8 } {
        0 => Data::Null,
        1 => Data::Bool(recipe.next().is_some_and(|byte| byte & 1 == 1)),
        2 => Data::Int(i64::from(recipe.next().unwrap_or(0)) - 128),
        3 => Data::Float(f64::from(recipe.next().unwrap_or(0)) / 8.0),
        4 | 5 => Data::from(text(recipe)),
        6 => Data::List((0..recipe.next().unwrap_or(0) % 5).map(|_| tree(recipe, depth - 1)).collect()),
        _ => {
            let entries = 0..recipe.next().unwrap_or(0) % 5;
            Data::map(entries.map(|_| (text(recipe), tree(recipe, depth - 1))))
        }
    }
}

fn text(recipe: &mut impl Iterator<Item = u8>) -> String {
    let length = usize::from(recipe.next().unwrap_or(0) % 24);
    String::from_utf8_lossy(&recipe.by_ref().take(length).collect::<Vec<_>>()).into_owned()
}

/// What a parser must find, in one line.
fn say(name: &str, value: &Data, out: &mut String) {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let reserved = name.to_ascii_lowercase().starts_with("xml");
    let name = if begins && !reserved && name.chars().all(plain) { name } else { "element" };
    out.push_str(&format!("<{name}>"));
    match value {
        Data::Null | Data::Bool(false) => {}
        Data::Bool(true) => out.push('1'),
        Data::Int(number) => out.push_str(&number.to_string()),
        Data::Float(number) => out.push_str(&number.to_string()),
        Data::Text(text) => out.push_str(&writer::carried(text)),
        Data::List(elements) => elements.iter().for_each(|element| say("element", element, out)),
        Data::Map(entries) => entries.iter().for_each(|(key, entry)| say(key, entry, out)),
    }
    out.push_str(&format!("</{name}>"));
}

/// What a parser finds.
///
/// Blanks between elements are layout.
fn parsed(document: &[u8]) -> String {
    let mut reader = Reader::from_reader(document);
    let (mut out, mut text, mut leaf) = (String::new(), String::new(), false);
    loop {
        match reader.read_event().expect("a well-formed document") {
            Event::Start(start) => {
                out.push_str(&format!("<{}>", start.name().as_ref()));
                text.clear();
                leaf = true;
            }
            Event::Empty(start) => {
                out.push_str(&format!("<{0}></{0}>", start.name().as_ref()));
                leaf = false;
            }
            Event::End(end) => {
                if std::mem::take(&mut leaf) {
                    out.push_str(&text);
                }
                out.push_str(&format!("</{}>", end.name().as_ref()));
            }
            Event::Text(found) => text.push_str(&found.xml10_content()),
            Event::GeneralRef(reference) => match reference.resolve_char_ref().expect("a reference") {
                Some(found) => text.push(found),
                None => text.push_str(resolve_predefined_entity(&reference).expect("an entity of XML")),
            },
            Event::Decl(_) => {}
            Event::Eof => return out,
            other => panic!("unexpected event {other:?}"),
        }
    }
}
