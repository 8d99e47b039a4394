//! The class `ftp`: fields, ports and arguments.
//!
//! Its positional arguments: host or host:port, secure = false.

use std::sync::Arc;

use super::{FtpBackend, FtpSettings};
use crate::backend::UserBackend;
use crate::class::{
    Arguments, Class, Entry, EntryError, FieldSpec, Located, NamedFields, PositionalTls, TransportSpec,
};
use crate::transport::TlsMode;

/// The class `ftp`.
#[derive(Clone, Copy, Debug)]
pub struct FtpClass;

impl Class for FtpClass {
    fn name(&self) -> &'static str {
        "ftp"
    }

    fn fields(&self) -> &'static [FieldSpec] {
        const { &[FieldSpec::refusal_texts()] }
    }

    fn transport(&self) -> TransportSpec {
        TransportSpec::new()
            .host_required()
            .default_port(FtpSettings::DEFAULT_PORT)
            .default_tls_port(FtpSettings::DEFAULT_TLS_PORT)
            .prepared_connections()
    }

    fn positional<'a>(&self, arguments: &Arguments<'a>) -> Option<NamedFields<'a>> {
        let named = arguments.named(&["host", "secure"])?;
        let first = named.required("a host")?;
        let address = named.host_and_port("a host");
        let tls = match (named.get(1), named.boolean(1)) {
            (None, _) => PositionalTls::ImpliesPlaintext(first),
            (_, Some(Located { value: true, field })) => PositionalTls::Mode(TlsMode::Explicit, field),
            (_, Some(Located { value: false, field })) => {
                PositionalTls::Plaintext { instead: named.line_with(&field, "true"), field }
            }
            (Some(_), None) => PositionalTls::Unset,
        };
        let (host, port) = address?;
        Some(NamedFields { host: Some(host), port, tls, ..NamedFields::default() })
    }

    fn build(&self, entry: &Entry) -> Result<Arc<dyn UserBackend>, EntryError> {
        let settings = FtpSettings::new(entry.id().clone(), entry.server()?.clone())
            .with_warm(entry.policy().warm)
            .with_refusal_texts(entry.refusal_texts()?);
        Ok(Arc::new(FtpBackend::new(settings)?))
    }
}
