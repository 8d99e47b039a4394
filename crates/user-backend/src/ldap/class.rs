//! The class `ldap`: fields and ports.
//!
//! It has no positional arguments: the PHP app has no such class.

use std::sync::Arc;

use super::dn;
use super::filter::FilterTemplate;
use super::settings::{Lookup, ServiceAccount};
use super::{LdapBackend, LdapSettings};
use crate::backend::UserBackend;
use crate::class::{Class, Entry, EntryError, FieldSpec, OwnFields, Problem, TransportSpec};
use crate::verdict::{Rejection, Verdict};

/// The class `ldap`.
#[derive(Clone, Copy, Debug)]
pub struct LdapClass;

impl Class for LdapClass {
    fn name(&self) -> &'static str {
        "ldap"
    }

    fn fields(&self) -> &'static [FieldSpec] {
        const {
            &[
                FieldSpec::checked_text("bind", "whom a user signs in as", BIND, bind),
                FieldSpec::checked_text("base", "where users are searched", BASE, base),
                FieldSpec::checked_text("filter", "how a user is found", FILTER, filter),
                FieldSpec::checked_text("service_dn", "the account that searches", BASE, base),
                FieldSpec::text("service_password", "its password"),
                FieldSpec::checked_text("group_base", "where groups are searched", BASE, base),
                FieldSpec::checked_text("group_filter", "how the groups of a user are found", FILTER, filter),
                FieldSpec::checked_text(
                    "name_attribute",
                    "the attribute with the name",
                    "an attribute such as \"uid\"",
                    attribute,
                ),
                FieldSpec::refusal_texts(),
            ]
        }
    }

    fn transport(&self) -> TransportSpec {
        TransportSpec::new()
            .host_required()
            .default_port(LdapSettings::DEFAULT_PORT)
            .default_tls_port(LdapSettings::DEFAULT_TLS_PORT)
            .no_prepared_connections("directories close connections on which no one signs in")
    }

    fn check(&self, own: &OwnFields) -> Result<(), (&'static str, Problem)> {
        for (field, beside) in [("filter", "base"), ("group_filter", "group_base")] {
            if own.has(field) && !own.has(beside) {
                let problem = Problem::new(format!("`{field}` without `{beside}`"), "both");
                return Err((field, problem.hint("a filter says how, a base says where")));
            }
        }
        for (field, beside) in [("service_dn", "service_password"), ("service_password", "service_dn")] {
            if own.has(field) && !own.has(beside) {
                return Err((field, Problem::new(format!("`{field}` without `{beside}`"), "both or none")));
            }
        }
        let lookup = lookup(own);
        // A filter that cannot be read has been reported.
        let Ok((filter, group_filter)) = lookup.filters() else { return Ok(()) };
        check(&lookup, &filter, &group_filter)
    }

    fn refuses_name(&self, entry: &Entry, upstream: &str) -> Option<Verdict> {
        let is_sent = entry.text("bind").is_none_or(|template| dn::fill(template, upstream).is_some());
        (!is_sent).then_some(Verdict::Rejected(Rejection::PolicyDenied))
    }

    fn build(&self, entry: &Entry) -> Result<Arc<dyn UserBackend>, EntryError> {
        let mut settings = LdapSettings::new(entry.id().clone(), entry.server()?.clone())
            .with_refusal_texts(entry.refusal_texts()?);
        settings.lookup = lookup(entry.own());
        Ok(Arc::new(LdapBackend::new(settings)?))
    }
}

/// How users are found, as the fields of an entry say it.
fn lookup(own: &OwnFields) -> Lookup {
    let text = |name: &str| own.text(name).map(str::to_owned);
    let default = Lookup::default();
    Lookup {
        bind: text("bind"),
        base: text("base"),
        filter: text("filter").unwrap_or(default.filter),
        service: own
            .text("service_dn")
            .zip(own.text("service_password"))
            .map(|(dn, password)| ServiceAccount::new(dn, password)),
        group_base: text("group_base"),
        group_filter: text("group_filter").unwrap_or(default.group_filter),
        name_attribute: text("name_attribute"),
    }
}

const BIND: &str = "a DN with {name} in it, such as \"uid={name},ou=people,dc=example,dc=com\"";
const BASE: &str = "a DN such as \"ou=people,dc=example,dc=com\"";
const FILTER: &str = "a filter such as \"(uid={name})\"";

fn bind(text: &str) -> Result<(), Problem> {
    let problem = Problem::with_text(text, BIND);
    match text.matches(dn::NAME).count() {
        1 => Ok(()),
        0 => Err(problem.hint("without {name} all users would sign in as one")),
        _ => Err(problem.hint("the name comes once")),
    }
}

fn base(text: &str) -> Result<(), Problem> {
    let is_dn = dn::is_dn(text) && !text.contains(['{', '}']);
    if is_dn { Ok(()) } else { Err(Problem::with_text(text, BASE)) }
}

fn filter(text: &str) -> Result<(), Problem> {
    FilterTemplate::parse(text).map(drop).map_err(|why| Problem::with_text(text, FILTER).hint(why))
}

fn attribute(text: &str) -> Result<(), Problem> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let is_one = text.as_bytes().first().is_some_and(u8::is_ascii_alphabetic) && text.bytes().all(plain);
    if is_one { Ok(()) } else { Err(Problem::with_text(text, "an attribute such as \"uid\"")) }
}

/// Checks what depends on more than one setting.
pub(super) fn check(
    lookup: &Lookup,
    user: &FilterTemplate,
    group: &FilterTemplate,
) -> Result<(), (&'static str, Problem)> {
    if let Some(template) = &lookup.bind {
        bind(template).map_err(|problem| ("bind", problem))?;
    } else if lookup.base.is_none() {
        let problem = Problem::new("neither `bind` nor `base`", "one of them");
        return Err((
            "bind",
            problem.hint("`bind` names the entry of a user, `base` says where it is searched"),
        ));
    }
    if lookup.service.is_some() && lookup.base.is_none() {
        let problem = Problem::new("`service_dn` without `base`", "both");
        return Err(("service_dn", problem.hint("this account only searches, and nothing says where")));
    }
    if lookup.service.as_ref().is_some_and(|account| account.dn.is_empty() || account.password.is_empty()) {
        return Err((
            "service_password",
            Problem::new("an empty text", "the password of the service account"),
        ));
    }
    if !user.has_subject() {
        let problem = Problem::new("a filter that finds more than one user", "{name} in each alternative");
        return Err(("filter", problem));
    }
    if !group.has_subject() {
        let problem =
            Problem::new("a filter that finds the groups of everyone", "{dn} or {name} in each alternative");
        return Err(("group_filter", problem));
    }
    let knows_entry = lookup.base.is_some() || lookup.bind.as_deref().is_some_and(dn::is_dn);
    if !knows_entry {
        let needs = [
            ("group_base", lookup.group_base.is_some()),
            ("name_attribute", lookup.name_attribute.is_some()),
        ];
        if let Some((field, _)) = needs.into_iter().find(|(_, is_set)| *is_set) {
            let problem = Problem::new(format!("`{field}` without `base`"), "both");
            return Err((field, problem.hint("`bind` is no DN, so the entry of a user must be searched")));
        }
    }
    Ok(())
}
