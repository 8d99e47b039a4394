//! The class `smb`: fields, ports and arguments.
//!
//! Its only positional argument is the host.

use std::sync::Arc;

#[cfg(feature = "smb-helper")]
use super::isolation::Isolation;
use super::settings::DomainForms;
use super::{SmbBackend, SmbEngine, SmbSettings, names};
use crate::backend::UserBackend;
use crate::class::{
    Arguments, Class, Entry, EntryError, FieldSpec, Located, NamedFields, OwnFields, Problem, TransportSpec,
};
use crate::document::host;
use crate::verdict::Verdict;

/// The class `smb`.
#[derive(Clone, Copy, Debug)]
pub struct SmbClass;

const SHARE: &str = "the name of a share, such as \"data\"";
const WORKGROUP: &str = "a workgroup or domain, such as \"WORKGROUP\"";

const FIELDS: &[FieldSpec] = &[
    FieldSpec::checked_text(
        "share",
        "a share, not open to guests and not `IPC$`: only users who can open it are accepted; needs `engine = \"pavao\"`",
        SHARE,
        check_share,
    ),
    FieldSpec::checked_text("workgroup", "the workgroup or domain of the users", WORKGROUP, check_workgroup)
        .with_default("\"WORKGROUP\""),
    FieldSpec::choice(
        "engine",
        "`\"native\"`: pure Rust (cargo feature `smb-native`); `\"pavao\"`: libsmbclient, in the program \
         `user-backend-smb-helper`; `\"auto\"`: `\"pavao\"` with a `share` or where the server requires encryption, \
         else `\"native\"`",
        &["auto", "pavao", "native"],
    )
    .with_default("\"auto\""),
];

impl Class for SmbClass {
    fn name(&self) -> &'static str {
        "smb"
    }

    fn fields(&self) -> &'static [FieldSpec] {
        FIELDS
    }

    fn transport(&self) -> TransportSpec {
        TransportSpec::new()
            .host_required()
            .default_port(SmbSettings::DEFAULT_PORT)
            .without_tls("SMB protects itself by signing and encryption of its own")
            .no_prepared_connections("an SMB connection cannot be prepared without a password")
    }

    fn bare_names_only(&self) -> bool {
        true
    }

    fn workgroup(&self, own: &OwnFields) -> Option<String> {
        Some(own.text("workgroup").unwrap_or(SmbSettings::DEFAULT_WORKGROUP).to_owned())
    }

    fn warnings(&self, entry: &Entry) -> Vec<(&'static str, String)> {
        let is_unused = is_native(entry.own()) && entry.text("share").is_some();
        let unused = is_unused.then(|| {
            ("share", "no effect with engine = \"native\", which proves a session without a share".to_owned())
        });
        unused.into_iter().collect()
    }

    fn positional<'a>(&self, arguments: &Arguments<'a>) -> Option<NamedFields<'a>> {
        let field = arguments.named(&["host"])?.required("a host")?;
        let text = field.text("a host")?;
        let problem = match host::parse(text) {
            Ok(value) => {
                return Some(NamedFields { host: Some(Located { value, field }), ..NamedFields::default() });
            }
            Err(problem) => problem,
        };
        let problem = match text.trim_start_matches(['/', '\\']).split_once(['/', '\\']) {
            Some((_, share)) if !text.contains("://") => problem.hint(format!(
                "a share has a field of its own: {}",
                field.line("share", &field.quote(share.trim_end_matches(['/', '\\'])))
            )),
            _ => problem,
        };
        field.fail(problem)
    }

    fn check(&self, own: &OwnFields) -> Result<(), (&'static str, Problem)> {
        let (word, feature) = match is_native(own) {
            false if cfg!(not(feature = "smb-helper")) => ("pavao", "smb-helper"),
            true if cfg!(not(feature = "smb-native")) => ("native", "smb-native"),
            _ => return Ok(()),
        };
        let problem =
            Problem::new(format!("engine \"{word}\""), "an engine that this program was built with")
                .hint(format!("engine `{word}` needs the cargo feature `{feature}`"));
        Err(("engine", if own.has("share") { problem.hint("only `pavao` opens a share") } else { problem }))
    }

    fn refuses_name(&self, _: &Entry, upstream: &str) -> Option<Verdict> {
        names::account(upstream, DomainForms::ALL).err()
    }

    fn build(&self, entry: &Entry) -> Result<Arc<dyn UserBackend>, EntryError> {
        #[cfg(feature = "smb-helper")]
        if !is_native(entry.own()) {
            let unchecked = if entry.text("share").is_some() { ", which opens no share" } else { "" };
            Isolation::Auto.runner().map_err(|why| {
                Problem::new("engine \"pavao\"", "an engine that can run here")
                    .hint(format!("{why}; install it, or set engine = \"native\"{unchecked}"))
            })?;
        }
        let mut settings = SmbSettings::new(entry.id().clone(), entry.server()?.clone())
            .with_domains(true)
            .with_engine(engine(entry.own()));
        if let Some(share) = entry.text("share") {
            settings = settings.with_share(share);
        }
        if let Some(workgroup) = entry.text("workgroup") {
            settings = settings.with_workgroup(workgroup);
        }
        Ok(Arc::new(SmbBackend::new(settings)?))
    }
}

fn engine(own: &OwnFields) -> SmbEngine {
    own.field("engine").unwrap_or_default()
}

fn is_native(own: &OwnFields) -> bool {
    engine(own).is_native(own.has("share"))
}

fn check_share(name: &str) -> Result<(), Problem> {
    if name.eq_ignore_ascii_case("ipc$") {
        let problem = Problem::with_text(name, "a share with files in it");
        return Err(problem.hint("anyone may open IPC$, so it proves nothing"));
    }
    let odd = |c: char| c.is_control() || "\\/[]:|<>+=;,*?\"%".contains(c);
    if name.is_empty() || name.len() > 80 || name.contains(odd) || name.trim() != name {
        return Err(Problem::with_text(name, SHARE).hint("the name alone, without server and slashes"));
    }
    Ok(())
}

fn check_workgroup(name: &str) -> Result<(), Problem> {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    let fits = (1..=255).contains(&name.len()) && name.chars().all(plain);
    if fits { Ok(()) } else { Err(Problem::with_text(name, WORKGROUP)) }
}
