//! Single arguments, as loosely typed as PHP has them, as far as one can tell what was meant.

use crate::document::error::Problem;
use crate::document::host;
use crate::document::section::{Field, nearest};
use crate::document::tree::{Value, quoted};
use crate::transport::TlsMode;

/// `993` or `"993"`.
pub(super) fn port(field: &Field<'_>) -> Option<u16> {
    let port = match &field.node.value {
        Value::Integer(number) => u16::try_from(*number).ok().filter(|port| *port != 0),
        Value::Text(digits) => host::parse_port(digits),
        _ => None,
    };
    port.or_else(|| {
        field.fail(Problem::new(field.node.value.shown(), format!("{} or null", host::PORT_RANGE)))
    })
}

/// PHP's `true` and `false`, as far as one can tell what was meant. PHP takes the text "false" for true.
pub(super) fn boolean(field: &Field<'_>) -> Option<bool> {
    match &field.node.value {
        Value::Bool(value) => Some(*value),
        Value::Integer(0) => Some(false),
        Value::Integer(1) => Some(true),
        Value::Text(text) => match text.as_str() {
            "" | "0" => Some(false),
            "1" | "true" => Some(true),
            "false" => field.fail(
                Problem::new(quoted(text), "true or false")
                    .hint("PHP takes the text \"false\" for true; write it without quotes"),
            ),
            _ => field.fail(Problem::new(quoted(text), "true or false")),
        },
        other => field.fail(Problem::new(other.shown(), "true or false")),
    }
}

/// The third argument of `imap`.
pub(super) fn sslmode(field: &Field<'_>) -> Option<TlsMode> {
    let Value::Text(text) = &field.node.value else {
        return field.fail(Problem::new(field.node.value.shown(), "\"ssl\", \"tls\" or null"));
    };
    let meant = match text.to_ascii_lowercase().as_str() {
        "ssl" | "imaps" | "implicit" => Some("ssl"),
        "tls" | "starttls" | "explicit" => Some("tls"),
        lower => nearest(lower, &["ssl", "tls"]),
    };
    match text.as_str() {
        "ssl" => Some(TlsMode::Implicit),
        "tls" => Some(TlsMode::Explicit),
        _ => {
            let problem = Problem::new(quoted(text), "\"ssl\", \"tls\" or null");
            let problem = match meant {
                Some(meant) => problem.hint(format!("did you mean \"{meant}\"?")),
                None => problem,
            };
            field.fail(problem.hint("the PHP app took any other word for clear text, without saying so"))
        }
    }
}
