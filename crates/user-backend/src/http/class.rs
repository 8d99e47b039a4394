//! The class `http`: fields, ports and arguments.
//!
//! Its positional arguments: url, auth = `'basic'`.

use std::sync::Arc;

use hyper::Uri;
use hyper::http::uri::PathAndQuery;

use super::{HttpAuth, HttpBackend, HttpSettings};
use crate::backend::UserBackend;
use crate::class::{
    Arguments, Class, Entry, EntryError, FieldSpec, Located, NamedFields, OwnFields, PositionalTls, Problem,
    TransportSpec,
};
use crate::document::host;
use crate::transport::TlsMode;
use crate::verdict::{Rejection, Verdict};

/// The class `http`.
#[derive(Clone, Copy, Debug)]
pub struct HttpClass;

/// What may stand in place of an address.
const URL: &str = "an address such as \"https://cloud.example.com/remote.php/webdav/\"";

/// What a path looks like.
const PATH: &str = "a path such as \"/login\"";

const METHODS: &[&str] = &["HEAD", "GET", "PROPFIND"];

impl Class for HttpClass {
    fn name(&self) -> &'static str {
        "http"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["webdavauth", "basicauth"]
    }

    fn fields(&self) -> &'static [FieldSpec] {
        const {
            &[
                FieldSpec::checked_text("path", "the requested path", PATH, path),
                FieldSpec::choice("auth", "how the password is sent", &["basic", "digest", "form", "json"]),
                FieldSpec::choice("method", "the method of basic and digest", METHODS),
                FieldSpec::text("name_field", "the field of a form that holds the name"),
                FieldSpec::text("password_field", "the field of a form that holds the password"),
                FieldSpec::integer("accept", "the only status that accepts", 200, 299),
                FieldSpec::integer("refuse", "a status that refuses as well", 400, 499),
                FieldSpec::boolean("allow_md5", "consent to digest with MD5"),
                FieldSpec::refusal_texts(),
            ]
        }
    }

    fn transport(&self) -> TransportSpec {
        TransportSpec::new()
            .host_required()
            .tls_modes(&[TlsMode::Implicit, TlsMode::None])
            .default_port(HttpSettings::DEFAULT_PORT)
            .default_tls_port(HttpSettings::DEFAULT_TLS_PORT)
            .no_prepared_connections("web servers close connections on which nothing is asked")
    }

    fn positional<'a>(&self, arguments: &Arguments<'a>) -> Option<NamedFields<'a>> {
        let aliases = [("webDavAuthUrl", "url"), ("authUrl", "url"), ("authType", "auth")];
        let named = arguments.named_with_aliases(&["url", "auth"], &aliases)?;
        let field = named.required(URL)?;
        let url = field.parsed(parse_url(field.text(URL)?))?;
        let tls = match url.tls {
            TlsMode::None => {
                let https = field.text(URL)?.replacen("http:", "https:", 1);
                let to = field.diagnostics.format.text(&https);
                PositionalTls::Plaintext { instead: named.line_with(&field, &to), field: field.clone() }
            }
            mode => PositionalTls::Mode(mode, field.clone()),
        };
        let own = named.get(1).map(|auth| ("auth", auth)).into_iter().collect();
        Some(NamedFields {
            host: Some(Located { value: url.host, field: field.clone() }),
            port: url.port.map(|value| Located { value, field: field.clone() }),
            tls,
            own,
            own_texts: vec![("path", url.path, field)],
            ..NamedFields::default()
        })
    }

    fn check(&self, own: &OwnFields) -> Result<(), (&'static str, Problem)> {
        let auth = auth(own.text("auth"));
        let only = |fields: &[&'static str], words: &str| {
            let field = fields.iter().find(|field| own.has(field));
            field.map_or(Ok(()), |field| {
                let found = format!("`{field}` with {words}");
                Err((*field, Problem::new(found, format!("it beside another `auth`: {}", beside(field)))))
            })
        };
        match auth {
            HttpAuth::Basic => only(&["name_field", "password_field", "allow_md5"], "auth = \"basic\""),
            HttpAuth::Digest => only(&["name_field", "password_field"], "auth = \"digest\""),
            HttpAuth::Form => only(&["method", "allow_md5"], "auth = \"form\""),
            HttpAuth::Json => only(&["method", "allow_md5"], "auth = \"json\""),
        }?;
        let (name_field, password_field) = body_fields(own);
        if auth.is_post() && name_field == password_field {
            let problem = Problem::new("one field for name and password", "two fields");
            return Err((if own.has("password_field") { "password_field" } else { "name_field" }, problem));
        }
        Ok(())
    }

    fn refuses_name(&self, entry: &Entry, upstream: &str) -> Option<Verdict> {
        let is_sent = HttpBackend::can_send(auth(entry.text("auth")), upstream);
        (!is_sent).then_some(Verdict::Rejected(Rejection::PolicyDenied))
    }

    fn build(&self, entry: &Entry) -> Result<Arc<dyn UserBackend>, EntryError> {
        let method = entry.text("method").and_then(|word| METHODS.iter().find(|known| **known == word));
        let (name_field, password_field) = body_fields(entry.own());
        let mut settings = HttpSettings::new(entry.id().clone(), entry.server()?.clone())
            .with_path(entry.text("path").unwrap_or(HttpSettings::DEFAULT_PATH))
            .with_auth(auth(entry.text("auth")))
            .with_fields(name_field, password_field)
            .with_md5_consent(entry.field("allow_md5").unwrap_or(false))
            .with_refusal_texts(entry.refusal_texts()?);
        settings.method = method.copied();
        settings.accept = entry.field("accept");
        settings.refuse = entry.field("refuse");
        Ok(Arc::new(HttpBackend::new(settings)?))
    }
}

fn auth(word: Option<&str>) -> HttpAuth {
    let found = HttpAuth::WORDS.into_iter().find(|(known, _)| Some(*known) == word);
    found.map_or(HttpAuth::Basic, |(_, auth)| auth)
}

/// The fields of a body that hold the name and the password.
fn body_fields(own: &OwnFields) -> (&str, &str) {
    (
        own.text("name_field").unwrap_or(HttpSettings::DEFAULT_NAME_FIELD),
        own.text("password_field").unwrap_or(HttpSettings::DEFAULT_PASSWORD_FIELD),
    )
}

/// Where a field belongs.
fn beside(field: &str) -> &'static str {
    match field {
        "allow_md5" => "\"digest\"",
        "method" => "\"basic\" or \"digest\"",
        _ => "\"form\" or \"json\"",
    }
}

/// The parts of an address.
#[derive(Debug)]
struct Url {
    tls: TlsMode,
    host: String,
    port: Option<u16>,
    path: String,
}

fn parse_url(text: &str) -> Result<Url, Problem> {
    if text.contains('@') {
        // Before it may stand a password.
        return Err(Problem::new("a text with a user name in it", URL));
    }
    let problem = || Problem::with_text(text, URL);
    let (scheme, rest) = text.split_once("://").ok_or_else(problem)?;
    let tls = match scheme.to_ascii_lowercase().as_str() {
        "https" => TlsMode::Implicit,
        "http" => TlsMode::None,
        _ => return Err(problem().hint("only http and https servers are asked")),
    };
    let (server, target) = rest.find(['/', '?']).map_or((rest, ""), |at| rest.split_at(at));
    let (host, port) = host::parse_with_port(server).map_err(|_| problem())?;
    let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
    path(&target)?;
    Ok(Url { tls, host, port, path: target })
}

/// Checks a path, with a query if there is one.
pub(super) fn path(text: &str) -> Result<(), Problem> {
    let problem = || Problem::with_text(text, PATH);
    if text.contains("://") {
        let problem = problem();
        return Err(match text.parse::<Uri>().ok().and_then(|uri| uri.path_and_query().cloned()) {
            Some(path) => problem.hint(format!("host and path are two fields: path \"{path}\"")),
            None => problem,
        });
    }
    let is_plain = text.starts_with('/') && text.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_plain || text.contains('#') || text.parse::<PathAndQuery>().is_err() {
        return Err(problem().hint("it begins with /; other characters than plain ASCII are written as %XX"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_is_split_into_its_parts() {
        for (text, tls, host, port, path) in [
            ("https://Cloud.Example.com", TlsMode::Implicit, "cloud.example.com", None, "/"),
            ("https://cloud.example.com/dav/?a=b", TlsMode::Implicit, "cloud.example.com", None, "/dav/?a=b"),
            ("HTTP://localhost:8080/x", TlsMode::None, "localhost", Some(8080), "/x"),
            ("https://[::1]:8443?x", TlsMode::Implicit, "::1", Some(8443), "/?x"),
        ] {
            let url = parse_url(text).unwrap();
            assert_eq!((url.tls, url.host.as_str(), url.port, url.path.as_str()), (tls, host, port, path));
        }
    }

    #[test]
    fn invalid_url_is_refused_without_its_password() {
        for text in [
            "",
            "cloud.example.com",
            "ftp://cloud.example.com/",
            "https://",
            "https:///x",
            "https://a b/",
            "https://cloud.example.com:0/",
            "https://cloud.example.com/#x",
            "https://cloud.example.com/ü",
        ] {
            assert!(parse_url(text).is_err(), "{text}");
        }
        let problem = parse_url("https://alice:Wonderland-1@cloud.example.com/").unwrap_err();
        assert!(!format!("{problem:?}").contains("Wonderland"), "{problem:?}");
    }
}
