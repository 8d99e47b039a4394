//! The fields that every class has and that do not lead to the server: names and the resolver's policy.

use super::endpoint::Remark;
use crate::class::NamedFields;
use crate::document::error::Problem;
use crate::document::section::{Field, TableReader};
use crate::resolver::names::{DomainRules, NameRules};
use crate::resolver::policy::{AttemptLimit, OnReject, OnUnavailable, Policy};

/// Reads the domain rules and the denied names.
pub(super) fn names(
    section: &TableReader<'_>,
    said: &NamedFields<'_>,
    remarks: &mut Vec<Remark>,
) -> Option<NameRules> {
    let errors = section.diagnostics.count();
    let domain = domain(section, said);
    let mut names = NameRules::default().with_domain(domain.unwrap_or_default());
    if let Some(field) = section.field("deny_names") {
        let expected = "an array of names";
        let elements = field.elements(expected)?;
        let denied: Vec<&str> = elements.iter().filter_map(|element| element.text("a name")).collect();
        let answer = names.deny_names(&denied);
        names = field.parsed(
            answer.map_err(|error| Problem::new("an invalid name", expected).hint(error.to_string())),
        )?;
        let open: Vec<&str> = ["anonymous", "ftp", "guest"]
            .into_iter()
            .filter(|name| !denied.iter().any(|denied| denied.eq_ignore_ascii_case(name)))
            .collect();
        if !open.is_empty() {
            remarks.push((
                "deny_names",
                format!("replaces the default list, so servers are asked about {}", open.join(", ")),
            ));
        }
    }
    (section.diagnostics.count() == errors).then_some(names)
}

fn domain(section: &TableReader<'_>, said: &NamedFields<'_>) -> Option<DomainRules> {
    let by_name = section.field_unless_said("domain", said.domain.as_ref().map(|spot| &spot.field));
    let domain = match (&by_name, &said.domain) {
        (Some(field), _) => Some((field.clone(), field.text("a domain such as \"example.com\"")?)),
        (None, Some(spot)) => Some((spot.field.clone(), spot.value)),
        (None, None) => None,
    };
    // In the PHP app, naming a domain turned on adding and stripping it.
    let by_argument = said.domain.is_some();
    let switch = |name: &'static str, said: Option<(bool, &Field<'_>)>, default: bool| {
        let field = section.field_unless_said(name, said.map(|(_, field)| field).filter(|_| by_argument));
        let value = field.as_ref().and_then(Field::boolean);
        (field, value.or_else(|| said.map(|(value, _)| value)).unwrap_or(default))
    };
    let add = switch("add_domain", None, by_argument);
    let strip =
        switch("strip_domain", said.strip_domain.as_ref().map(|spot| (spot.value, &spot.field)), by_argument);
    let group =
        switch("group_by_domain", said.group_by_domain.as_ref().map(|spot| (spot.value, &spot.field)), false);
    let Some((field, text)) = domain else {
        for (field, on) in [&add, &strip, &group] {
            if let (Some(field), true) = (field, on) {
                field.fail::<()>(Problem::new(
                    "true without `domain`",
                    "the domain to go by, in the field `domain`",
                ));
            }
        }
        return None;
    };
    let rules = DomainRules::for_domain(text).map_err(|_| {
        let shown = field.node.value.shown();
        let problem = Problem::new(shown, "a domain such as \"example.com\"");
        if text.contains('@') { problem.hint("the part behind the @ alone") } else { problem }
    });
    let rules = field.parsed(rules)?;
    Some(rules.add_domain(add.1).strip_domain(strip.1).group_by_domain(group.1))
}

/// Reads how the resolver treats the backend, where that is not as its class says.
pub(super) fn policy(
    section: &TableReader<'_>,
    mut policy: Policy,
    remarks: &mut Vec<Remark>,
) -> Option<Policy> {
    let errors = section.diagnostics.count();
    let ended = [("continue", OnReject::Continue), ("stop", OnReject::Stop)];
    set(&mut policy.on_reject, section.field("on_reject").and_then(|field| field.choice(&ended, None)));
    let ended = [("stop", OnUnavailable::Stop), ("continue", OnUnavailable::Continue)];
    set(
        &mut policy.on_unavailable,
        section.field("on_unavailable").and_then(|field| field.choice(&ended, None)),
    );
    set(&mut policy.canary, section.field("canary").and_then(|field| field.boolean()));
    let kept = |name: &str| section.field(name).and_then(|field| field.duration_or_off());
    set(&mut policy.cache_accepted, kept("cache_accepted").map(Option::unwrap_or_default));
    set(&mut policy.cache_rejected, kept("cache_rejected").map(Option::unwrap_or_default));
    set(&mut policy.max_stale, kept("max_stale"));
    set(&mut policy.budget, section.field("budget").and_then(|field| budget(&field, BUDGET)));
    if let Some(field) = section.field("budget_all").filter(|field| !field.is_off()) {
        policy.budget_all = budget(&field, BUDGET_OR_OFF);
    }
    let size = |name: &str, range, expected: &str| {
        let number = section.field(name).and_then(|field| field.integer(range, expected));
        number.and_then(|number| usize::try_from(number).ok())
    };
    set(&mut policy.max_concurrent, size("max_concurrent", 1..=10_000, "a number between 1 and 10000"));
    set(&mut policy.warm, size("warm", 0..=1_000, "a number between 0 and 1000"));
    if !policy.canary {
        remarks.push(("canary", "off, so it goes unnoticed if this server accepts any login".to_owned()));
    }
    (section.diagnostics.count() == errors).then_some(policy)
}

fn set<T>(slot: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *slot = value;
    }
}

const BUDGET: &str = "an array with the fields `failures` and `per`";
const BUDGET_OR_OFF: &str = "\"off\", or an array with the fields `failures` and `per`";

fn budget(field: &Field<'_>, expected: &'static str) -> Option<AttemptLimit> {
    let section = field.section(expected)?;
    section.only(&["failures", "per"], |_| None);
    let mut budget = AttemptLimit::default();
    let failures =
        section.field("failures").map(|field| field.integer(1..=1_000_000, "a number between 1 and 1000000"));
    let per = section.field("per").map(|field| field.duration());
    set(&mut budget.failures, failures.flatten());
    set(&mut budget.per, per.flatten());
    Some(budget)
}
