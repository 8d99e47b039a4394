//! The class `smtp`: fields and ports.
//!
//! It has no positional arguments: the PHP app has no such class.

use std::sync::Arc;

use super::{SmtpBackend, SmtpSettings};
use crate::backend::UserBackend;
use crate::class::{Class, Entry, EntryError, FieldSpec, TransportSpec};

/// The class `smtp`.
#[derive(Clone, Copy, Debug)]
pub struct SmtpClass;

impl Class for SmtpClass {
    fn name(&self) -> &'static str {
        "smtp"
    }

    fn fields(&self) -> &'static [FieldSpec] {
        const { &[FieldSpec::refusal_texts()] }
    }

    fn names_are_addresses(&self) -> bool {
        true
    }

    fn transport(&self) -> TransportSpec {
        TransportSpec::new()
            .host_required()
            .default_port(SmtpSettings::DEFAULT_PORT)
            .default_tls_port(SmtpSettings::DEFAULT_TLS_PORT)
            .no_prepared_connections("mail servers limit connections on which no mail is sent")
    }

    fn build(&self, entry: &Entry) -> Result<Arc<dyn UserBackend>, EntryError> {
        let settings = SmtpSettings::new(entry.id().clone(), entry.server()?.clone())
            .with_refusal_texts(entry.refusal_texts()?);
        Ok(Arc::new(SmtpBackend::new(settings)?))
    }
}
