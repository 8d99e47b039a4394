//! The API description: OpenAPI 3.1, and an HTML page.
//!
//! Both are made of the one table of routes. Tests compare every answer of the server with the document, and see to it that
//! every parameter in it is read and every code in it is answered.
//!
//! | module | what lives there |
//! |---|---|
//! | `envelope_schema` | what stands around every answer |
//! | `paths` | from a route and its operation to OpenAPI |
//! | `html` | the same for people |

mod envelope_schema;
mod html;
mod paths;

use std::sync::LazyLock;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderValue, Response};
use axum::routing::{MethodRouter, get};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Server};

use crate::provisioning::docs::Tag;
use crate::provisioning::envelope::code::Version;

/// The pages of this room: where each is, and what answers there.
pub fn routes<S: Clone + Send + Sync + 'static>() -> [(&'static str, MethodRouter<S>); 4] {
    [
        ("/openapi.json", get(async || sent("application/json", written(Version::V2)))),
        ("/openapi-v1.json", get(async || sent("application/json", written(Version::V1)))),
        ("/docs", get(async || sent("text/html; charset=utf-8", html::written()))),
        ("/docs.css", get(async || sent("text/css; charset=utf-8", html::STYLE))),
    ]
}

/// The document of one version of the API, and of the doors beside it.
pub fn document(version: Version) -> OpenApi {
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
    OpenApiBuilder::new()
        .info(info)
        // Wherever this document was found.
        .servers(Some([Server::new("/")]))
        .paths(paths::paths(version))
        .components(Some(components))
        .tags(Some(Tag::ALL.iter().map(|tag| tag.to_openapi())))
        .build()
}

/// As SPDX spells it.
const LICENCE: &str = "MIT OR Apache-2.0";

const ABOUT: &str = "Manages users, groups and apps. Every call carries the name and the password of an account (HTTP Basic) and the \
                     header `OCS-APIRequest: true`. Parameters come in the query, as a form, as JSON or as `multipart/form-data`; where \
                     both speak, the body wins. Answers are XML, or JSON with `format=json` or `Accept: application/json`; the \
                     schemas here are those of JSON, XML holds the same with `<element>` for the members of a list.";

/// Built once, at the first request.
fn written(version: Version) -> &'static str {
    static V1: LazyLock<String> = LazyLock::new(|| json(Version::V1));
    static V2: LazyLock<String> = LazyLock::new(|| json(Version::V2));
    match version {
        Version::V1 => &V1,
        Version::V2 => &V2,
    }
}

fn json(version: Version) -> String {
    document(version).to_json().unwrap_or_else(|error| {
        tracing::error!(%error, "the description of the API could not be written");
        "{}".to_owned()
    })
}

fn sent(content_type: &'static str, body: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    // It is public and does not change before the next start.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    // No script, nothing from elsewhere: a page and its style.
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none';base-uri 'none';form-action 'none';frame-ancestors 'none';style-src 'self'",
        ),
    );
    response
}

#[cfg(test)]
mod tests;
