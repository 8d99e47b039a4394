//! The body: how much of it is read, and as what.

use std::convert::Infallible;

use axum::body::{Body, Bytes, to_bytes};
use futures_util::stream;

use super::{ParamError, Params, form, json};

/// No call needs more.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;

impl Params {
    /// Reads a body to its end. An empty one holds no parameters, whatever its content type; without a content type it is
    /// taken for a form.
    ///
    /// # Errors
    /// [`ParamError`] when it is too long or not what its content type says, or nobody reads this content type.
    pub async fn of_body(content_type: Option<&str>, body: Body) -> Result<Self, ParamError> {
        let body = to_bytes(body, MAX_BODY_BYTES).await.map_err(|_| ParamError::Body)?;
        if body.is_empty() {
            return Ok(Self::default());
        }
        let content_type = content_type.unwrap_or("application/x-www-form-urlencoded");
        let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match kind.as_str() {
            "application/x-www-form-urlencoded" => form::read(&body),
            "application/json" => json::read(&body),
            "multipart/form-data" => multipart(content_type, body).await,
            _ => Err(ParamError::MediaType),
        }
    }
}

/// Fields count, files do not.
async fn multipart(content_type: &str, body: Bytes) -> Result<Params, ParamError> {
    const WRONG: ParamError = ParamError::Malformed { kind: "multipart/form-data" };
    let boundary = multer::parse_boundary(content_type).map_err(|_| WRONG)?;
    let parts = stream::iter([Ok::<_, Infallible>(body)]);
    let mut parts = multer::Multipart::new(parts, boundary);
    let mut params = Params::default();
    while let Some(field) = parts.next_field().await.map_err(|_| WRONG)? {
        let Some(name) = field.name().filter(|_| field.file_name().is_none()).map(str::to_owned) else {
            continue;
        };
        let value = field.bytes().await.map_err(|_| WRONG)?;
        let value = String::from_utf8(value.to_vec()).map_err(|_| ParamError::Encoding)?;
        form::put(&mut params, &name, value)?;
    }
    Ok(params)
}
