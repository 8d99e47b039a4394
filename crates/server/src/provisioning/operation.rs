//! An operation: the function that answers, and its documentation.

use futures_util::future::BoxFuture;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

use super::call::Call;
use super::docs::{ParamDoc, ResponseDoc, Tag};
use super::envelope::code::Code;
use super::envelope::{OcsAnswer, OcsFailure};

/// The function that answers a call.
pub(crate) type Handler = for<'a> fn(&'a Call<'a>) -> BoxFuture<'a, Result<OcsAnswer, OcsFailure>>;

/// Defines an [`Operation`]: id, chapter, summary, shape of its data, and function.
macro_rules! operation {
    ($id:literal, $tag:ident, $summary:literal, $data:ident($($argument:expr),*), $function:ident($call:ident $(, $more:expr)*)) => {
        $crate::provisioning::operation::Operation::new(
            $id,
            $crate::provisioning::docs::Tag::$tag,
            $summary,
            || $crate::provisioning::schema::$data($($argument),*).into(),
            |$call| Box::pin($function($call $(, $more)*)),
        )
    };
}
pub(crate) use operation;

/// The handler of a route with its documentation.
///
/// It stands beside its function; the row of the table of routes names it.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// The `operationId` of the OpenAPI document.
    ///
    /// Generated clients call it so: it stays.
    pub id: &'static str,
    pub(crate) handler: Handler,
    pub(crate) tag: Tag,
    /// One sentence.
    pub(crate) summary: &'static str,
    /// More sentences, if they are needed.
    pub(crate) more: &'static str,
    pub(crate) params: &'static [ParamDoc],
    /// Either `params` or these.
    pub(crate) or_params: &'static [ParamDoc],
    /// Codes besides those of every route.
    pub(crate) codes: &'static [ResponseDoc],
    /// The shape of `data` on success.
    pub(crate) data: fn() -> RefOr<Schema>,
    /// Whether a `GET` changes something, as clients know it.
    ///
    /// `HEAD`, which promises to change nothing, does not lead there.
    pub(crate) changes_on_get: bool,
    /// Whether answers carry an `ETag`.
    pub(crate) has_etag: bool,
    /// The message for callers without the role, where clients expect an unusual one.
    pub(crate) role_refusal: Option<&'static str>,
    /// The message for app passwords, where clients know another than the usual one.
    pub(crate) app_password_refusal: Option<&'static str>,
}

impl Operation {
    pub(crate) const fn new(
        id: &'static str,
        tag: Tag,
        summary: &'static str,
        data: fn() -> RefOr<Schema>,
        handler: Handler,
    ) -> Self {
        Self {
            id,
            handler,
            tag,
            summary,
            more: "",
            params: &[],
            or_params: &[],
            codes: &[],
            data,
            changes_on_get: false,
            has_etag: false,
            role_refusal: None,
            app_password_refusal: None,
        }
    }

    pub(crate) const fn more(mut self, more: &'static str) -> Self {
        self.more = more;
        self
    }

    pub(crate) const fn params(mut self, params: &'static [ParamDoc]) -> Self {
        self.params = params;
        self
    }

    pub(crate) const fn or_params(mut self, params: &'static [ParamDoc]) -> Self {
        self.or_params = params;
        self
    }

    pub(crate) const fn codes(mut self, codes: &'static [ResponseDoc]) -> Self {
        self.codes = codes;
        self
    }

    pub(crate) const fn changes_on_get(mut self) -> Self {
        self.changes_on_get = true;
        self
    }

    pub(crate) const fn with_etag(mut self) -> Self {
        self.has_etag = true;
        self
    }

    pub(crate) const fn role_refusal(mut self, text: &'static str) -> Self {
        self.role_refusal = Some(text);
        self
    }

    pub(crate) const fn app_password_refusal(mut self, text: &'static str) -> Self {
        self.app_password_refusal = Some(text);
        self
    }

    /// Whether there is a parameter of this name.
    pub(crate) fn takes(&self, name: &str) -> bool {
        self.params.iter().chain(self.or_params).any(|param| param.name == name)
    }

    /// The meaning of a code at this route.
    pub(crate) fn meaning(&self, code: Code) -> Option<&'static str> {
        self.codes.iter().find(|(known, _)| *known == code).map(|(_, text)| *text)
    }
}
