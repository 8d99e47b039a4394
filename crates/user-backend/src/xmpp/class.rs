//! The class `xmpp`: fields and ports.
//!
//! The PHP app's class of this name reads the database of Prosody. Its arguments are refused: this
//! one asks the server itself.

use std::sync::Arc;

use super::{XmppBackend, XmppSettings, is_same_domain, localpart};
use crate::backend::UserBackend;
use crate::class::{Arguments, Class, Entry, EntryError, FieldSpec, NamedFields, Problem, TransportSpec};
use crate::document::host;
use crate::document::tree::Value;
use crate::transport::Endpoint;
use crate::verdict::{Rejection, Verdict};

/// The class `xmpp`.
#[derive(Clone, Copy, Debug)]
pub struct XmppClass;

const VIRTUAL_HOST: &str = "virtual_host";
const EXPECTED: &str = "a domain such as \"example.com\"";

const FIELDS: &[FieldSpec] = &[
    FieldSpec::checked_text(
        VIRTUAL_HOST,
        "the domain of the accounts, and of the certificate unless `server_name` is set",
        EXPECTED,
        check_virtual_host,
    )
    .with_default("the host"),
    FieldSpec::refusal_texts(),
];

/// The parameters of the PHP app's class.
const PHP_PARAMETERS: [&str; 6] =
    ["dbHost", "dbName", "dbUser", "dbPassword", "xmppDomain", "passwordHashed"];

impl Class for XmppClass {
    fn name(&self) -> &'static str {
        "xmpp"
    }

    fn fields(&self) -> &'static [FieldSpec] {
        FIELDS
    }

    fn transport(&self) -> TransportSpec {
        TransportSpec::new()
            .host_required()
            .default_port(XmppSettings::DEFAULT_PORT)
            .default_tls_port(XmppSettings::DEFAULT_TLS_PORT)
            .no_prepared_connections("XMPP servers close streams on which no one signs in")
    }

    /// A name with a domain is one of another virtual host.
    fn bare_names_only(&self) -> bool {
        true
    }

    fn positional<'a>(&self, arguments: &Arguments<'a>) -> Option<NamedFields<'a>> {
        let named = arguments.named(&PHP_PARAMETERS)?;
        let domain = named.get(4).and_then(|field| match &field.node.value {
            Value::Text(text) => {
                host::parse(text).ok().map(|domain| field.line("host", &field.quote(&domain)))
            }
            _ => None,
        });
        let first = named.required("the field `host`, and no arguments")?;
        let line = domain.unwrap_or_else(|| first.line("host", &first.quote("xmpp.example.com")));
        let problem =
            Problem::new("arguments for a database of Prosody", "the field `host`, and no arguments");
        arguments.fail(problem.hint(format!(
            "the XMPP server itself is asked here, so no access to its database is needed: remove `arguments` and write {line}"
        )))
    }

    fn refuses_name(&self, entry: &Entry, upstream: &str) -> Option<Verdict> {
        let is_refused = localpart(upstream, virtual_host(entry)).is_none();
        is_refused.then_some(Verdict::Rejected(Rejection::PolicyDenied))
    }

    fn warnings(&self, entry: &Entry) -> Vec<(&'static str, String)> {
        let own = virtual_host(entry);
        let others = entry.names().domain().domains().filter(|domain| !is_same_domain(own, domain));
        let text = |domain| format!("addresses of {domain} are refused: `{VIRTUAL_HOST}` is {own}");
        others.map(|domain| ("domain", text(domain))).collect()
    }

    fn build(&self, entry: &Entry) -> Result<Arc<dyn UserBackend>, EntryError> {
        let mut settings = XmppSettings::new(entry.id().clone(), entry.server()?.clone())
            .with_refusal_texts(entry.refusal_texts()?);
        if let Some(domain) = entry.text(VIRTUAL_HOST) {
            settings = settings.with_virtual_host(domain);
        }
        Ok(Arc::new(XmppBackend::new(settings)?))
    }
}

fn virtual_host(entry: &Entry) -> &str {
    entry.text(VIRTUAL_HOST).or_else(|| entry.endpoint().map(Endpoint::host)).unwrap_or_default()
}

fn check_virtual_host(text: &str) -> Result<(), Problem> {
    match host::parse(text) {
        Ok(_) => Ok(()),
        Err(problem) => Err(Problem { expected: EXPECTED.to_owned(), ..problem }),
    }
}
