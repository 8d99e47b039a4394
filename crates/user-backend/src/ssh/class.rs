//! The class `ssh`: fields, port and arguments.
//!
//! Its positional arguments: host, port = 22.

use std::path::PathBuf;
use std::sync::Arc;

use super::host_keys::{FINGERPRINT, HostKeys};
use super::{HostKeyPin, SshBackend, SshSettings};
use crate::backend::UserBackend;
use crate::class::{
    Arguments, Class, Entry, EntryError, FieldSpec, NamedFields, OwnFields, Problem, TransportSpec,
};
use crate::document::tree::quoted;

/// The class `ssh`.
#[derive(Clone, Copy, Debug)]
pub struct SshClass;

const FIELDS: &[FieldSpec] = &[
    FieldSpec::text(KNOWN_HOSTS, "a file with the key of this server"),
    FieldSpec::checked_text(PIN, "the fingerprint of the server's key", FINGERPRINT, check_fingerprint),
    FieldSpec::refusal_texts(),
];

const KNOWN_HOSTS: &str = "known_hosts";
const PIN: &str = "fingerprint";

impl Class for SshClass {
    fn name(&self) -> &'static str {
        "ssh"
    }

    fn fields(&self) -> &'static [FieldSpec] {
        FIELDS
    }

    fn transport(&self) -> TransportSpec {
        TransportSpec::new()
            .host_required()
            .default_port(SshSettings::DEFAULT_PORT)
            .without_tls("SSH encrypts by itself; its server is known by `known_hosts` or `fingerprint`")
            .no_prepared_connections("sshd may ban addresses whose connections sign no one in")
    }

    fn positional<'a>(&self, arguments: &Arguments<'a>) -> Option<NamedFields<'a>> {
        let named = arguments.named(&["host", "port"])?;
        let host = named.host("a host");
        let port = named.port(1);
        Some(NamedFields { host: Some(host?), port, ..NamedFields::default() })
    }

    fn check(&self, own: &OwnFields) -> Result<(), (&'static str, Problem)> {
        match (own.text(KNOWN_HOSTS), own.text(PIN)) {
            (Some(_), None) | (None, Some(_)) => Ok(()),
            (Some(_), Some(_)) => Err((PIN, Problem::new("it beside `known_hosts`", "one of them"))),
            (None, None) => {
                let problem = Problem::new("nothing", "the field `known_hosts`, or `fingerprint`");
                Err((KNOWN_HOSTS, problem.hint(
                    "the password is sent only to a server whose key is known: run `ssh-keyscan -p PORT HOST > known_hosts`, compare \
                     what `ssh-keygen -lf known_hosts` prints with `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` on the \
                     server, and name the file in the field `known_hosts`",
                )))
            }
        }
    }

    fn files(&self, entry: &Entry) -> Vec<PathBuf> {
        entry.path(KNOWN_HOSTS).into_iter().collect()
    }

    fn build(&self, entry: &Entry) -> Result<Arc<dyn UserBackend>, EntryError> {
        let pin = entry.path(KNOWN_HOSTS).map(HostKeyPin::KnownHosts);
        let pin = pin.or_else(|| entry.text(PIN).map(|text| HostKeyPin::Fingerprint(text.to_owned())));
        let pin = pin.ok_or("it has no host key")?;
        let settings = SshSettings::new(entry.id().clone(), entry.server()?.clone(), pin)
            .with_refusal_texts(entry.refusal_texts()?);
        Ok(Arc::new(SshBackend::new(settings)?))
    }
}

fn check_fingerprint(text: &str) -> Result<(), Problem> {
    match HostKeys::parse_fingerprint(text) {
        Some(_) => Ok(()),
        None => Err(Problem::new(quoted(text), FINGERPRINT)),
    }
}
