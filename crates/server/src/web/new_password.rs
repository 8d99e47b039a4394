//! Why a text cannot be a new password.

use super::page_request::PageRequest;
use super::templates::Notice;

/// The notice about a text that cannot be a password at all, before any rule is applied.
pub(super) fn impossible(request: &PageRequest, typed: &str, why: &impl std::fmt::Display) -> Notice {
    let text = if typed.is_empty() {
        request.t("password-empty")
    } else {
        request.t_with("password-impossible", &[("why", why.to_string().into())])
    };
    Notice::bad(text).at("password")
}
