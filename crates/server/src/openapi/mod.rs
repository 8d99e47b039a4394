//! The API description: OpenAPI 3.1, and an HTML page.
//!
//! Both are made of the one table of routes. Tests compare every answer of the server with the
//! document, and ensure that every parameter in it is read and every code in it is returned.
//!
//! | module | contents |
//! |---|---|
//! | `envelope_schema` | what stands around every answer |
//! | `paths` | from a route and its operation to OpenAPI |
//! | `examples` | a call of every operation, and its answer |
//! | `named` | names for answers, values that clients send by themselves |
//! | `html` | the same for people |

mod envelope_schema;
pub mod examples;
mod html;
mod named;
mod paths;

use std::convert::Infallible;
use std::sync::{Mutex, OnceLock, PoisonError};

use accounts::CompatLevel;
use axum::body::{Body, Bytes};
use axum::extract::FromRequestParts;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Response};
use axum::routing::{MethodRouter, get};
use serde_json::Value;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{InfoBuilder, LicenseBuilder, OpenApiBuilder, Server};

use crate::auth::client_address::Origin;
use crate::gzip;
use crate::provisioning::docs::Tag;
use crate::provisioning::envelope::code::Version;
use crate::settings::ServerSettings;
use crate::state::AppState;

/// The pages: where each is, and what answers there.
pub(crate) fn routes() -> [(&'static str, MethodRouter<AppState>); 4] {
    [
        ("/openapi.json", get(async |base: Base| json(Version::V2, &base))),
        ("/openapi-v1.json", get(async |base: Base| json(Version::V1, &base))),
        (
            "/docs",
            get(async |base: Base| base.sent("text/html; charset=utf-8", html::page(base.level, &base.url))),
        ),
        ("/docs.css", get(async |base: Base| base.sent("text/css; charset=utf-8", html::style()))),
    ]
}

/// The URL of the server for this client, the level at which it answers, and what the client takes.
struct Base {
    url: String,
    level: CompatLevel,
    headers: HeaderMap,
}

impl FromRequestParts<AppState> for Base {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Infallible> {
        let settings = app.settings();
        let is_encrypted = parts.extensions.get::<Origin>().is_some_and(|origin| origin.encrypted);
        let headers = std::mem::take(&mut parts.headers);
        Ok(Self { url: url_for_caller(&settings, &headers, is_encrypted), level: settings.compat, headers })
    }
}

/// The public URL, or else the address that the caller used.
///
/// `listen` may be `0.0.0.0`.
pub(crate) fn url_for_caller(settings: &ServerSettings, headers: &HeaderMap, is_encrypted: bool) -> String {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let plain =
        |host: &&str| host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]_".contains(&byte));
    match host.filter(plain).filter(|host| !host.is_empty()) {
        Some(host) if settings.public_url.is_none() => {
            format!("{}://{host}", if is_encrypted { "https" } else { "http" })
        }
        _ => settings.public_url(),
    }
}

/// The OpenAPI document of one API version, and of the other endpoints, at this URL.
pub fn document(version: Version, level: CompatLevel, url: &str) -> Value {
    let (other, file) = match version {
        Version::V1 => (2, "openapi.json"),
        Version::V2 => (1, "openapi-v1.json"),
    };
    let description = format!(
        "{ABOUT}\n\nThis document is about `{}`; version {other} is the same with other statuses, described in `/{file}`.",
        paths::prefix(version),
    );
    let info = InfoBuilder::new()
        .title("User provisioning API")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(description))
        .license(Some(
            LicenseBuilder::new().name(env!("CARGO_PKG_LICENSE")).identifier(Some(LICENCE)).build(),
        ))
        .build();
    let mut components = envelope_schema::components(version);
    components.security_schemes.insert(
        paths::BASIC.to_owned(),
        SecurityScheme::Http(
            Http::builder()
                .scheme(HttpAuthScheme::Basic)
                .description(Some("Name and password of an account, or an app password in its place."))
                .build(),
        )
        .into(),
    );
    paths::add_parameters(&mut components);
    let document = OpenApiBuilder::new()
        .info(info)
        .servers(Some([Server::new(url)]))
        .paths(paths::paths(version, level))
        .components(Some(components))
        .tags(Some(Tag::ALL.iter().map(|tag| tag.to_openapi())))
        .build();
    match serde_json::to_value(document) {
        Ok(document) => named::finished(document),
        Err(error) => {
            tracing::error!(%error, "the description of the API could not be written");
            Value::Null
        }
    }
}

/// As SPDX spells it.
const LICENCE: &str = "MIT OR Apache-2.0";

const ABOUT: &str = "Manages users, groups and apps. Every call carries the name and the password of an account (HTTP Basic) and the \
                     header `OCS-APIRequest: true`. Parameters come in the query, as a form, as JSON or as `multipart/form-data`; where \
                     both speak, the body wins. Answers are XML, or JSON with `format=json` or `Accept: application/json`; the \
                     schemas here are those of JSON, XML holds the same with `<element>` for the members of a list.";

/// Stands for the URL of the server in documents that are built once.
const URL: &str = "https://url.invalid";

/// Documents that are built once, and the bytes for the URL that was asked for last.
///
/// A client may claim any `Host`, so no more than one is kept, and it is compressed when it is asked
/// for again: a client that changes the URL with each request makes no work.
struct Built {
    text: OnceLock<String>,
    last: Mutex<Option<Document>>,
}

/// A document for a URL.
#[derive(Clone, Default)]
struct Document {
    url: String,
    plain: Bytes,
    /// In gzip, once it was compressed.
    packed: Option<Bytes>,
}

impl Built {
    const fn new() -> Self {
        Self { text: OnceLock::new(), last: Mutex::new(None) }
    }

    fn for_url(&self, shown: String, write: impl FnOnce() -> String) -> Document {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(document) = last.as_mut().filter(|document| document.url == shown) {
            if document.packed.is_none() {
                document.packed = gzip::compressed(&document.plain);
            }
            return document.clone();
        }
        let plain = Bytes::from(self.text.get_or_init(write).replace(URL, &shown));
        last.insert(Document { url: shown, plain, packed: None }).clone()
    }
}

/// The document, built once for each version and level.
fn json(version: Version, base: &Base) -> Response<Body> {
    static MADE: [Built; 4] = [const { Built::new() }; 4];
    let nth = usize::from(version == Version::V1) + 2 * usize::from(base.level >= CompatLevel::V31);
    let write = || document(version, base.level, URL).to_string();
    let made = MADE.get(nth).map(|made| made.for_url(base.url.clone(), write));
    base.sent("application/json", made.unwrap_or_default())
}

impl Base {
    fn sent(&self, content_type: &'static str, document: Document) -> Response<Body> {
        let mut response = gzip::response(&self.headers, document.plain, document.packed);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        // It is public and does not change before the next start.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
        // No script, nothing from elsewhere: a page and its style.
        headers.insert(
            CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(
                "default-src 'none';base-uri 'none';form-action 'none';frame-ancestors 'none';style-src 'self';img-src 'self'",
            ),
        );
        response
    }
}

#[cfg(test)]
mod tests;
