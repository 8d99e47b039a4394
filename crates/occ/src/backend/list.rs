//! `backend:list`: what the configuration says, without asking any server.

use serde::Serialize;
use user_backend::transport::Endpoint;

use crate::configured_backends::{Configured, LoadedConfig};
use crate::exit::{CliError, Exit};
use crate::output::{Output, table};

#[derive(Serialize)]
struct List<'a> {
    file: String,
    warnings: &'a [String],
    backends: Vec<BackendLine<'a>>,
}

/// One backend of the list, and the first fields of one that was checked.
#[derive(Serialize)]
pub(super) struct BackendLine<'a> {
    id: &'a str,
    class: &'a str,
    host: Option<&'a str>,
    port: Option<u16>,
    /// `implicit`, `explicit`, `none`; nothing for a class that has no TLS of its own.
    tls: Option<&'a str>,
    warnings: &'a [String],
}

impl<'a> BackendLine<'a> {
    pub(super) fn of(backend: &'a Configured) -> Self {
        Self {
            id: backend.id().as_str(),
            class: &backend.class,
            host: backend.endpoint.as_ref().map(Endpoint::host),
            port: backend.endpoint.as_ref().map(Endpoint::port),
            tls: backend.tls(),
            warnings: &backend.warnings,
        }
    }
}

/// Shows the backends in their order.
pub(crate) fn run(setup: &LoadedConfig) -> Result<Output, CliError> {
    let mut rows = vec![["ID", "CLASS", "SERVER", "TLS"].map(str::to_owned)];
    rows.extend(setup.backends.iter().map(|backend| {
        [
            backend.id().to_string(),
            backend.class.clone(),
            backend.server(),
            backend.tls().unwrap_or("-").to_owned(),
        ]
    }));
    let mut plain = match setup.backends.is_empty() {
        true => format!("no backends in {}; only local users sign in\n", setup.file.display()),
        false => table(&rows),
    };
    plain += &remarks(setup);
    let list = List {
        file: setup.file.display().to_string(),
        warnings: &setup.warnings,
        backends: setup.backends.iter().map(BackendLine::of).collect(),
    };
    Output::new(plain, &list, Exit::Fine)
}

fn remarks(setup: &LoadedConfig) -> String {
    let mut text: String = setup.warnings.iter().map(|warning| format!("\nwarning: {warning}")).collect();
    for backend in &setup.backends {
        for warning in &backend.warnings {
            text += &format!("\n{}: warning: {warning}", backend.id());
        }
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}
