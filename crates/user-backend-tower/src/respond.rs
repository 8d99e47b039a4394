//! The body of a denial.

use http::Response;

use crate::denial::Denial;

/// Writes the response to a request that is not let through.
///
/// Status and headers are set afterwards, so that no implementation can forget them.
///
/// Implemented by closures `Fn(&Denial) -> Response<B>`, for a body in the words and the format of
/// your application.
pub trait Respond<B>: Send + Sync + 'static {
    /// The response.
    fn respond(&self, denial: &Denial) -> Response<B>;
}

impl<B, F: Fn(&Denial) -> Response<B> + Send + Sync + 'static> Respond<B> for F {
    fn respond(&self, denial: &Denial) -> Response<B> {
        self(denial)
    }
}

/// One sentence of plain text, see [`Denial::message`].
#[derive(Clone, Copy, Debug, Default)]
pub struct PlainText;

impl<B: From<&'static str>> Respond<B> for PlainText {
    fn respond(&self, denial: &Denial) -> Response<B> {
        let mut response = Response::new(B::from(denial.message()));
        let plain = http::HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(http::header::CONTENT_TYPE, plain);
        response
    }
}
