//! Reads one element of `user_backends` into an [`Entry`].

use std::path::Path;

use super::endpoint::{self, ARGUMENTS, EndpointFields, Remark};
use super::fields::{COMMON_FIELDS, TLS_FIELDS, has, names_of};
use super::help;
use super::policy;
use super::warning::Warning;
use crate::class::{
    Arguments, Class, ClassRegistry, Entry, FieldSpec, FirstSignIn, Located, NamedFields, read as own_fields,
};
use crate::document::section::{TableReader, alternatives};
use crate::document::tree::Value;
use crate::document::{Field, Problem, duration};
use crate::identity::{BackendId, CanonicalName, LoginName};
use crate::resolver::names::{Admit, NameDecision, NameRules};
use crate::resolver::policy::BackendPolicy;

/// Reads one entry and its warnings.
///
/// Reports what is wrong and answers `None` if anything is.
pub(super) fn read(
    section: &TableReader<'_>,
    registry: &ClassRegistry,
    base: Option<&Path>,
) -> Option<(Entry, Vec<Warning>)> {
    let errors = section.diagnostics.count();
    let Some(class) = class(section, registry) else {
        // The rest is still checked, so that all errors are reported at once.
        let _ = policy::names(section, &NamedFields::default(), false, &mut Vec::new());
        let _ = policy::first_sign_in(section, &mut Vec::new());
        let _ = policy::policy(section, BackendPolicy::default(), &mut Vec::new());
        let _ = help::read(section);
        return None;
    };
    let transport = class.transport();
    check_names(section, class, registry);
    let positional = section
        .field(ARGUMENTS)
        .map(|field| Arguments::new(&field).and_then(|arguments| class.positional(&arguments)));
    let mut remarks = Vec::new();
    let nothing = NamedFields::default();
    let named = positional.as_ref().map_or(Some(&nothing), Option::as_ref);
    let names = policy::names(section, named.unwrap_or(&nothing), class.bare_names_only(), &mut remarks);
    let first_sign_in = policy::first_sign_in(section, &mut remarks);
    let policy = policy::policy(section, class.default_policy(), &mut remarks);
    if let Some(texts) = section.field("refusal_texts").as_ref().and_then(|field| field.node.value.elements())
    {
        let texts = texts.into_iter().filter_map(|node| match &node.value {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        });
        policy::repeated("refusal_texts", texts, str::to_lowercase, &mut remarks);
    }
    let help = help::read(section);
    let own = own_fields::read(section, class, named, is_common);
    let reach = endpoint::read(section, transport, positional.as_ref().map(Option::as_ref), base);
    let given_id = section.field("id").map(|field| id(&field));
    let (names, policy, own, reach, first_sign_in) = (names?, policy?, own?, reach?, first_sign_in?);
    let (display_name, help_url) = help?;
    let id = match given_id {
        Some(id) => id?,
        None => default_id(section, class, &reach)?,
    };
    let mut domain = names.domain().clone().bare_names_only(class.bare_names_only());
    if let Some(workgroup) = class.workgroup(&own) {
        domain = match domain.windows_names(&workgroup) {
            Ok(domain) => domain,
            Err(error) => {
                let problem = Problem::with_text(&workgroup, "a workgroup that can stand in front of a name");
                section.fail(Some("workgroup"), problem.hint(error.to_string()));
                return None;
            }
        };
    }
    let names_are_addresses = class.names_are_addresses() || domain.domain().is_some();
    let names = names.with_domain(domain);
    if section.diagnostics.count() > errors {
        return None;
    }
    let is_asked = |names: &NameRules, name: &CanonicalName| {
        let Ok(login) = LoginName::parse(name.as_str()) else { return false };
        matches!(names.decide(&login), NameDecision::Ask { .. }) || names.ask_account(&login).is_ok()
    };
    let never_asked = |name| format!("no effect for \"{name}\": this backend is not asked about that name");
    if let Admit::Names(admitted) = names.admit() {
        let others = admitted.iter().filter(|name| !is_asked(&names, name));
        remarks.extend(others.map(|name| ("admit", never_asked(name))));
    }
    let without_denied = NameRules::from(names.domain().clone());
    let others = names.denied().iter().filter(|name| {
        // A name without a domain is that of every domain.
        name.as_str().contains('@') && !is_asked(&without_denied, name)
    });
    remarks.extend(others.map(|name| ("deny_names", never_asked(name))));
    if *names.admit() == Admit::Known && first_sign_in != FirstSignIn::default() {
        let text = "no effect with admit = \"known\": no account is made at a first sign-in".to_owned();
        remarks.push(("on_first_sign_in", text));
    }
    remarks.extend(reach.remarks);
    let is_given = section.field("connect_timeout").is_some();
    if let Some(endpoint) = reach.endpoint.as_ref().filter(|_| is_given)
        && endpoint.connect_timeout() > endpoint.timeout()
    {
        let timeout = duration::shown(endpoint.timeout());
        remarks.push(("connect_timeout", format!("no effect: a whole attempt may take {timeout}")));
    }
    if let Some(why) = transport.unprepared.filter(|_| policy.warm > 0) {
        remarks.push(("warm", format!("without effect: {why}")));
    }
    let named = named.unwrap_or(&nothing);
    let files = &section.diagnostics.files;
    let warning = |id: &BackendId, (setting, text): Remark| {
        let by_name = section.field(setting).filter(|_| setting != ARGUMENTS);
        let field = by_name.or_else(|| named.argument(setting).cloned());
        let at = field.map_or(section.at, |field| field.node.at);
        Warning::new(Some(id.clone()), setting, text).at(files, at)
    };
    let mut warnings: Vec<Warning> = remarks.into_iter().map(|remark| warning(&id, remark)).collect();
    warnings.extend(named.without_effect.iter().map(|Located { value, field }| {
        Warning::new(Some(id.clone()), ARGUMENTS, value.as_str()).at(files, field.node.at)
    }));
    let (name, endpoint, uses_tls) = (class.name(), reach.endpoint, transport.uses_tls());
    let entry = Entry {
        id,
        class: name,
        endpoint,
        uses_tls,
        names,
        policy,
        display_name,
        help_url,
        first_sign_in,
        names_are_addresses,
        own,
        base: base.map(Path::to_owned),
    };
    warnings.extend(class.warnings(&entry).into_iter().map(|remark| warning(&entry.id, remark)));
    Some((entry, warnings))
}

fn class<'r>(section: &TableReader<'_>, registry: &'r ClassRegistry) -> Option<&'r dyn Class> {
    let names: Vec<&str> = registry.names().collect();
    let expected = alternatives(&names);
    match section.field("class") {
        Some(field) => field.parsed(registry.find(field.text(&expected)?)).map(AsRef::as_ref),
        None => {
            section.misspelt("class");
            section.fail(Some("class"), Problem::new("nothing", expected));
            None
        }
    }
}

fn is_common(name: &str) -> bool {
    has(&COMMON_FIELDS, name) || has(&TLS_FIELDS, name)
}

/// Fields that a class without a server does not know, beside those of TLS.
const SERVER_FIELDS: [&str; 2] = ["host", "port"];

/// Reports fields that this class does not know.
fn check_names(section: &TableReader<'_>, class: &dyn Class, registry: &ClassRegistry) {
    let Some(own) = own_fields::names(class) else { return };
    let transport = class.transport();
    let tls: &[FieldSpec] = if transport.uses_tls() { &TLS_FIELDS } else { &[] };
    let mut common = names_of(&COMMON_FIELDS);
    common.retain(|name| transport.has_server || !SERVER_FIELDS.contains(name));
    let known = [common, names_of(tls), own].concat();
    section.only(&known, |name| {
        let elsewhere = |owner: &str| {
            Problem::new(format!("a field of {owner}"), format!("a field of class `{}`", class.name()))
        };
        let owners = match name {
            _ if SERVER_FIELDS.contains(&name) => "classes that have a server",
            _ if has(&TLS_FIELDS, name) => "classes that use TLS",
            _ => return registry.owner_of(name).map(|owner| elsewhere(&format!("class `{owner}`"))),
        };
        Some(elsewhere(owners).hints(transport.tls_hint.map(str::to_owned)))
    });
}

fn id(field: &Field<'_>) -> Option<BackendId> {
    let expected = "a short name such as \"mail\"";
    let text = field.text(expected)?;
    field.parsed(
        BackendId::parse(text).map_err(|error| Problem::with_text(text, expected).hint(error.to_string())),
    )
}

/// Class and host, and the port when it is not the expected one.
///
/// The position of the entry does not matter: moving it must not move any account.
fn default_id(section: &TableReader<'_>, class: &dyn Class, reach: &EndpointFields) -> Option<BackendId> {
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
