//! What the configuration needs to know about the class `imap`.
//!
//! | positional arguments |
//! |---|
//! | mailbox string, domain = "" |
//! | mailbox (a host), port = 143, sslmode = null, domain = "", stripeDomain = true, groupDomain = false |
//!
//! These are the PHP app's own names; `host` and `stripDomain` are understood too.
//!
//! The class name does not distinguish the two: `OC_User_IMAP` has meant both. A first argument
//! that begins with `{` does.

use std::sync::Arc;

use super::mailbox::{self, MailboxTls};
use super::{ImapBackend, ImapSettings};
use crate::backend::UserBackend;
use crate::class::{
    Arguments, Class, Entry, EntryError, Field, FieldSpec, Located, NamedArguments, NamedFields,
    PositionalTls, Problem, TransportSpec,
};
use crate::document::section::nearest;
use crate::document::tree::{Value, quoted};
use crate::transport::{Endpoint, TlsMode};

/// The class `imap`.
#[derive(Clone, Copy, Debug)]
pub struct ImapClass;

const FIELDS: &[FieldSpec] = &[
    FieldSpec::refusal_texts(),
    FieldSpec::boolean(
        "forward_source",
        "send the user's address to the server before the credentials (`ID (\"x-originating-ip\" \"...\")`). \
         Over TLS or to this machine only, and only where the server lists `ID`",
    )
    .with_default("false"),
];

impl Class for ImapClass {
    fn name(&self) -> &'static str {
        "imap"
    }

    fn fields(&self) -> &'static [FieldSpec] {
        FIELDS
    }

    fn names_are_addresses(&self) -> bool {
        true
    }

    fn transport(&self) -> TransportSpec {
        TransportSpec::new()
            .host_required()
            .default_port(ImapSettings::DEFAULT_PORT)
            .default_tls_port(ImapSettings::DEFAULT_TLS_PORT)
            .prepared_connections()
    }

    fn positional<'a>(&self, arguments: &Arguments<'a>) -> Option<NamedFields<'a>> {
        // The PHP app calls the first one `mailbox` in both forms.
        let first = arguments.first_text();
        let first =
            first.or_else(|| arguments.named_text("mailbox")).or_else(|| arguments.named_text("host"));
        if first.is_some_and(mailbox::is_meant) {
            return by_mailbox(
                &arguments.named_with_aliases(&["mailbox", "domain"], &[("host", "mailbox")])?,
            );
        }
        let parameters = ["mailbox", "port", "sslmode", "domain", "stripeDomain", "groupDomain"];
        let aliases = [("host", "mailbox"), ("stripDomain", "stripeDomain")];
        by_host(&arguments.named_with_aliases(&parameters, &aliases)?)
    }

    fn warnings(&self, entry: &Entry) -> Vec<(&'static str, String)> {
        let forwards: bool = entry.field("forward_source").unwrap_or_default();
        let is_unsafe = |endpoint: &Endpoint| endpoint.tls() == TlsMode::None && !endpoint.is_loopback();
        let has_no_effect = forwards && entry.endpoint().is_some_and(is_unsafe);
        let warning = (
            "forward_source",
            "no effect without TLS: it is sent over TLS or to this machine only".to_owned(),
        );
        has_no_effect.then_some(warning).into_iter().collect()
    }

    fn build(&self, entry: &Entry) -> Result<Arc<dyn UserBackend>, EntryError> {
        let settings = ImapSettings::new(entry.id().clone(), entry.server()?.clone())
            .with_warm(entry.policy().warm)
            .with_refusal_texts(entry.refusal_texts()?)
            .with_forward_source(entry.field("forward_source").unwrap_or_default());
        Ok(Arc::new(ImapBackend::new(settings)?))
    }
}

/// The mailbox string, and a domain.
fn by_mailbox<'a>(named: &NamedArguments<'a>) -> Option<NamedFields<'a>> {
    let first = named.required("a mailbox string")?;
    let text = first.text("a mailbox string")?;
    let read = first.parsed(mailbox::parse(text))?;
    let domain = named.domain(1);
    let tls = match read.tls {
        MailboxTls::Implicit => PositionalTls::Mode(TlsMode::Implicit, first.clone()),
        MailboxTls::Explicit => PositionalTls::Mode(TlsMode::Explicit, first.clone()),
        MailboxTls::Unset => PositionalTls::Opportunistic,
        MailboxTls::Never => {
            let instead = named.line_with(&first, &first.quote(&mailbox::encrypted(text)));
            PositionalTls::Plaintext { instead, field: first.clone() }
        }
    };
    Some(NamedFields {
        host: Some(Located { value: read.host, field: first.clone() }),
        port: read.port.map(|value| Located { value, field: first.clone() }),
        tls,
        any_certificate: read.any_certificate.then(|| first.clone()),
        checked_certificate: read.checked_certificate.then(|| first.clone()),
        without_effect: read
            .without_effect
            .into_iter()
            .map(|value| Located { value, field: first.clone() })
            .collect(),
        // The old class stripped the domain always and knew no groups. That is the default for a
        // domain from an argument; the arguments do not say it, so a field may say otherwise.
        domain,
        ..NamedFields::default()
    })
}

/// Host, port and how to encrypt.
fn by_host<'a>(named: &NamedArguments<'a>) -> Option<NamedFields<'a>> {
    let host = named.host("a host or a mailbox string");
    let port = named.port(1);
    let tls = match named.get(2) {
        None => named.get(0).map_or(PositionalTls::Unset, PositionalTls::ImpliesPlaintext),
        Some(field) => sslmode(&field).map_or(PositionalTls::Unset, |mode| PositionalTls::Mode(mode, field)),
    };
    let domain = named.domain(3);
    // In PHP, null is not the default here.
    let (strip_domain, group_by_domain) = (named.boolean_or_null(4), named.boolean(5));
    let host = Some(host?);
    Some(NamedFields { host, port, tls, domain, strip_domain, group_by_domain, ..NamedFields::default() })
}

/// The third argument of `imap`.
fn sslmode(field: &Field<'_>) -> Option<TlsMode> {
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
