//! From one element of `user_backends` to an [`Entry`].

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value as Json;

use super::class::{Class, Kind, Registry};
use super::entry::{ClassSettings, CustomFields, Engine, Entry};
use super::policy;
use super::positional::{self, Said};
use super::reach::{self, Reach, TLS_FIELDS};
use super::warning::Warning;
use crate::document::error::Problem;
use crate::document::section::{Field, Section, alternatives};
use crate::document::tree;
use crate::document::tree::{Member, Node, Value};
use crate::identity::BackendId;

/// The fields that every class knows.
const COMMON_FIELDS: [&str; 21] = [
    "class",
    "id",
    "arguments",
    "host",
    "port",
    "domain",
    "add_domain",
    "strip_domain",
    "group_by_domain",
    "deny_names",
    "connect_timeout",
    "timeout",
    "max_concurrent",
    "warm",
    "on_reject",
    "on_unavailable",
    "canary",
    "cache_accepted",
    "cache_rejected",
    "max_stale",
    "budget",
];
const SMB_FIELDS: [&str; 3] = ["share", "workgroup", "engine"];

/// Reads one entry and what is to be said about it. Reports what is wrong and answers `None` if anything is.
pub(super) fn read(
    section: &Section<'_>,
    registry: &Registry,
    base: Option<&Path>,
) -> Option<(Entry, Vec<Warning>)> {
    let errors = section.sink.count();
    let Some(class) = class(section, registry) else {
        // The rest is looked at all the same, so that everything is reported at once.
        let _ = policy::names(section, &Said::default(), &mut Vec::new());
        let _ = policy::policy(section, &mut Vec::new());
        return None;
    };
    let kind = class.kind();
    check_names(section, class);
    let said = section.field("arguments").map(|field| positional::read(kind, &field));
    let mut remarks = Vec::new();
    let nothing = Said::default();
    let names =
        policy::names(section, said.as_ref().and_then(Option::as_ref).unwrap_or(&nothing), &mut remarks);
    let policy = policy::policy(section, &mut remarks);
    let settings = settings(section, kind);
    let reach = reach::read(section, kind, said, base);
    let given_id = section.field("id").map(|field| id(&field));
    let (names, policy, settings, reach) = (names?, policy?, settings?, reach?);
    let id = match given_id {
        Some(id) => id?,
        None => default_id(section, class, &reach)?,
    };
    if section.sink.count() > errors {
        return None;
    }
    remarks.extend(reach.remarks);
    let mut warnings: Vec<Warning> =
        remarks.into_iter().map(|(setting, text)| Warning::new(Some(id.clone()), setting, text)).collect();
    if matches!(settings, ClassSettings::Smb { .. }) && policy.warm > 0 {
        let text = "without effect: an SMB connection cannot be prepared without a password";
        warnings.push(Warning::new(Some(id.clone()), "warm", text));
    }
    let class = Arc::from(class.name());
    Some((Entry { id, class, endpoint: reach.endpoint, names, policy, settings }, warnings))
}

fn class<'r>(section: &Section<'_>, registry: &'r Registry) -> Option<&'r Class> {
    let names: Vec<&str> = registry.names().collect();
    let expected = alternatives(&names);
    match section.field("class") {
        Some(field) => field.parsed(registry.find(field.text(&expected)?)),
        None => {
            section.fail(Some("class"), Problem::new("nothing", expected));
            None
        }
    }
}

/// Reports fields that this class does not know.
fn check_names(section: &Section<'_>, class: &Class) {
    let known: Vec<&str> = match class.kind() {
        Kind::Imap | Kind::Ftp => [&COMMON_FIELDS[..], &TLS_FIELDS].concat(),
        Kind::Smb => [&COMMON_FIELDS[..], &SMB_FIELDS].concat(),
        Kind::Custom(_) => return,
    };
    section.only(&known, |name| {
        let elsewhere = |owner: &str| {
            Problem::new(format!("a field of {owner}"), format!("a field of class `{}`", class.name()))
        };
        if SMB_FIELDS.contains(&name) {
            return Some(elsewhere("class `smb`"));
        }
        if TLS_FIELDS.contains(&name) {
            return Some(
                elsewhere("classes that use TLS")
                    .hint("SMB protects itself by signing and encryption of its own"),
            );
        }
        None
    });
}

fn settings(section: &Section<'_>, kind: &Kind) -> Option<ClassSettings> {
    match kind {
        Kind::Imap => Some(ClassSettings::Imap),
        Kind::Ftp => Some(ClassSettings::Ftp),
        Kind::Smb => smb(section),
        Kind::Custom(_) => custom(section).map(ClassSettings::Custom),
    }
}

fn smb(section: &Section<'_>) -> Option<ClassSettings> {
    let errors = section.sink.count();
    let share = section.field("share").and_then(|field| {
        let expected = "the name of a share, such as \"data\"";
        let name = field.text(expected)?;
        if name.eq_ignore_ascii_case("ipc$") {
            let problem = Problem::new(tree::quoted(name), "a share with files in it");
            return field.fail(problem.hint("everybody may open IPC$, so it proves nothing"));
        }
        let odd = |c: char| c.is_control() || "\\/[]:|<>+=;,*?\"%".contains(c);
        if name.is_empty() || name.len() > 80 || name.contains(odd) || name.trim() != name {
            return field.fail(
                Problem::new(field.node.value.shown(), expected)
                    .hint("the name alone, without server and slashes"),
            );
        }
        Some(name.to_owned())
    });
    let workgroup = section.field("workgroup").and_then(|field| {
        let expected = "a workgroup or domain, such as \"WORKGROUP\"";
        let name = field.text(expected)?;
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
        let fits = (1..=255).contains(&name.len()) && name.chars().all(plain);
        if fits {
            Some(name.to_owned())
        } else {
            field.fail(Problem::new(field.node.value.shown(), expected))
        }
    });
    let words = [("pavao", Engine::Pavao), ("native", Engine::Native)];
    let field = section.field("engine");
    let engine = field.as_ref().and_then(|field| field.choice(&words, None)).unwrap_or_default();
    let missing = match engine {
        Engine::Pavao if cfg!(not(feature = "smb")) => Some("smb"),
        Engine::Native if cfg!(not(feature = "smb-native")) => Some("smb-native"),
        _ => None,
    };
    if let Some(feature) = missing {
        let word = if engine == Engine::Native { "native" } else { "pavao" };
        let problem =
            Problem::new(format!("engine \"{word}\""), "an engine that this program was built with")
                .hint(format!("engine `{word}` needs the cargo feature `{feature}`"));
        section.fail(Some("engine"), problem);
    }
    (section.sink.count() == errors).then_some(ClassSettings::Smb { share, workgroup, engine })
}

fn custom(section: &Section<'_>) -> Option<CustomFields> {
    let ours = |name: &str| COMMON_FIELDS.contains(&name) || TLS_FIELDS.contains(&name);
    let mut fields = BTreeMap::new();
    for Member { key, node, .. } in section.members() {
        let name = key.text();
        if ours(&name) {
            continue;
        }
        let Some(value) = json(node) else {
            section.fail(
                Some(&key.shown()),
                Problem::new("a value that only one format has", "text, number, truth or array"),
            );
            return None;
        };
        fields.insert(name, value);
    }
    Some(CustomFields(fields))
}

fn json(node: &Node) -> Option<Json> {
    Some(match &node.value {
        Value::Null | Value::Broken => Json::Null,
        Value::Bool(value) => (*value).into(),
        Value::Integer(value) => (*value).into(),
        Value::OtherNumber(text) => text.parse::<f64>().ok().filter(|number| number.is_finite())?.into(),
        Value::Text(text) => text.clone().into(),
        Value::List(nodes) => Json::Array(nodes.iter().map(json).collect::<Option<_>>()?),
        Value::Table(members) => Json::Object(
            members
                .iter()
                .map(|member| Some((member.key.text(), json(&member.node)?)))
                .collect::<Option<_>>()?,
        ),
        Value::Foreign(_) => return None,
    })
}

fn id(field: &Field<'_>) -> Option<BackendId> {
    let expected = "a short name such as \"mail\"";
    let text = field.text(expected)?;
    field.parsed(
        BackendId::parse(text)
            .map_err(|error| Problem::new(tree::quoted(text), expected).hint(error.to_string())),
    )
}

/// Class and host, and the port when it is not the expected one. Where the entry stands does not matter: moving it
/// must not move anybody's account.
fn default_id(section: &Section<'_>, class: &Class, reach: &Reach) -> Option<BackendId> {
    let name = class.name();
    let text = match (&reach.endpoint, reach.odd_port) {
        (None, _) => name.to_owned(),
        (Some(endpoint), Some(_)) => format!("{name}:{endpoint}"),
        (Some(endpoint), None) if endpoint.host().contains(':') => format!("{name}:[{}]", endpoint.host()),
        (Some(endpoint), None) => format!("{name}:{}", endpoint.host()),
    };
    match BackendId::parse(&text) {
        Ok(id) => Some(id),
        Err(error) => {
            let problem = Problem::new("nothing", "an id, because class and host do not make one");
            section.fail(Some("id"), problem.hint(error.to_string()));
            None
        }
    }
}
