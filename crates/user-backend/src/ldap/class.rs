//! The class `ldap`: fields and ports. It has no positional arguments: the PHP app has no such
//! class.

use std::sync::Arc;

use super::dn;
use super::filter::FilterTemplate;
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
        let id = crate::identity::BackendId::parse("ldap").map_err(|_| ("bind", Problem::new("", "")))?;
        let endpoint = crate::transport::Endpoint::new("localhost", 389, crate::transport::TlsMode::None);
        let settings = settings(LdapSettings::new(id, endpoint), own);
        // A filter that cannot be read has been reported.
        let Ok((filter, group_filter)) = settings.filters() else { return Ok(()) };
        check(&settings, &filter, &group_filter)
    }

    fn refuses_name(&self, entry: &Entry, upstream: &str) -> Option<Verdict> {
        let is_sent = entry.text("bind").is_none_or(|template| dn::fill(template, upstream).is_some());
        (!is_sent).then_some(Verdict::Rejected(Rejection::PolicyDenied))
    }

    fn build(&self, entry: &Entry) -> Result<Arc<dyn UserBackend>, EntryError> {
        let bare = LdapSettings::new(entry.id().clone(), entry.server()?.clone());
        let settings = settings(bare, entry.own()).with_refusal_texts(entry.refusal_texts()?);
        Ok(Arc::new(LdapBackend::new(settings)?))
    }
}

fn settings(mut settings: LdapSettings, own: &OwnFields) -> LdapSettings {
    let text = |name: &str| own.text(name).map(str::to_owned);
    if let Some(template) = text("bind") {
        settings = settings.with_bind(template);
    }
    if let Some(base) = text("base") {
        let filter = text("filter").unwrap_or_else(|| LdapSettings::DEFAULT_FILTER.to_owned());
        settings = settings.with_search(base, filter);
    }
    if let Some(base) = text("group_base") {
        let filter = text("group_filter").unwrap_or_else(|| LdapSettings::DEFAULT_GROUP_FILTER.to_owned());
        settings = settings.with_groups(base, filter);
    }
    if let (Some(dn), Some(password)) = (own.text("service_dn"), own.text("service_password")) {
        settings = settings.with_service_account(dn, password);
    }
    if let Some(attribute) = text("name_attribute") {
        settings = settings.with_name_attribute(attribute);
    }
    settings
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
    settings: &LdapSettings,
    user: &FilterTemplate,
    group: &FilterTemplate,
) -> Result<(), (&'static str, Problem)> {
    if let Some(template) = &settings.bind {
        bind(template).map_err(|problem| ("bind", problem))?;
    } else if settings.base.is_none() {
        let problem = Problem::new("neither `bind` nor `base`", "one of them");
        return Err((
            "bind",
            problem.hint("`bind` names the entry of a user, `base` says where it is searched"),
        ));
    }
    if settings.service.is_some() && settings.base.is_none() {
        let problem = Problem::new("`service_dn` without `base`", "both");
        return Err(("service_dn", problem.hint("this account only searches, and nothing says where")));
    }
    if settings.service.as_ref().is_some_and(|account| account.dn.is_empty() || account.password.is_empty()) {
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
    let knows_entry = settings.base.is_some() || settings.bind.as_deref().is_some_and(dn::is_dn);
    if !knows_entry {
        let needs = [
            ("group_base", settings.group_base.is_some()),
            ("name_attribute", settings.name_attribute.is_some()),
        ];
        if let Some((field, _)) = needs.into_iter().find(|(_, is_set)| *is_set) {
            let problem = Problem::new(format!("`{field}` without `base`"), "both");
            return Err((field, problem.hint("`bind` is no DN, so the entry of a user must be searched")));
        }
    }
    Ok(())
}
