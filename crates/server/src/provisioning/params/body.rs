//! The body as its content type says.

use std::convert::Infallible;

use axum::body::Bytes;
use futures_util::stream;

use super::{Nodes, ParamError, Params, form, json};

impl Params {
    /// Reads a body.
    ///
    /// An empty one has no parameters, whatever its content type; without a content type it is read
    /// as a form.
    ///
    /// # Errors
    /// [`ParamError`] when it is not what its content type says, there is too much in it, or its
    /// type is not read here.
    pub async fn of_body(content_type: Option<&str>, body: Vec<u8>) -> Result<Self, ParamError> {
        if body.is_empty() {
            return Ok(Self::default());
        }
        let content_type = content_type.unwrap_or("application/x-www-form-urlencoded");
        let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match kind.as_str() {
            "application/x-www-form-urlencoded" => form::read(&body),
            "application/json" => json::read(&body),
            // Rare, and large while it waits.
            "multipart/form-data" => Box::pin(multipart(content_type, body)).await,
            _ => Err(ParamError::MediaType),
        }
    }
}

/// Fields count, files are skipped; both use up nodes.
async fn multipart(content_type: &str, body: Vec<u8>) -> Result<Params, ParamError> {
    const WRONG: ParamError = ParamError::Malformed { kind: "multipart/form-data" };
    let boundary = multer::parse_boundary(content_type).map_err(|_| WRONG)?;
    let parts = stream::iter([Ok::<_, Infallible>(Bytes::from(body))]);
    let mut parts = multer::Multipart::new(parts, boundary);
    let (mut params, mut nodes) = (Params::default(), Nodes::default());
    while let Some(field) = parts.next_field().await.map_err(|_| WRONG)? {
        nodes.take()?;
        let Some(name) = field.name().filter(|_| field.file_name().is_none()).map(str::to_owned) else {
            continue;
        };
        let value = field.bytes().await.map_err(|_| WRONG)?;
        let value = String::from_utf8(value.to_vec()).map_err(|_| ParamError::Encoding)?;
        form::put(&mut params, &name, value, &mut nodes)?;
    }
    Ok(params)
}
