//! The fields that every class has and that do not lead to the server.
//!
//! Names and the resolver's policy.

use std::collections::BTreeMap;

use super::endpoint::Remark;
use crate::class::{FirstSignIn, NamedFields};
use crate::document::duration;
use crate::document::error::Problem;
use crate::document::section::{Field, TableReader, nearest};
use crate::document::tree::quoted;
use crate::identity::{CanonicalName, NameError};
use crate::resolver::names::{Admit, DomainRules, NameForms, NameRules};
use crate::resolver::policy::{AttemptLimit, BackendPolicy, OnReject, OnUnavailable};

/// Reads the domain rules, the denied names, and who is admitted.
pub(super) fn names(
    section: &TableReader<'_>,
    positional: &NamedFields<'_>,
    is_bare_only: bool,
    remarks: &mut Vec<Remark>,
) -> Option<NameRules> {
    let errors = section.diagnostics.count();
    let domain = domain(section, positional, is_bare_only, remarks);
    let mut names = NameRules::default().with_domain(domain.unwrap_or_default());
    if let Some(admit) = section.field("admit").and_then(|field| admit(&field)) {
        if let Admit::Names(admitted) = &admit {
            repeated("admit", admitted.iter().map(CanonicalName::as_str), str::to_owned, remarks);
        }
        names = names.with_admit(admit);
    }
    if let Some(field) = section.field("deny_names") {
        let expected = "an array of names";
        let elements = field.elements(expected)?;
        let denied: Vec<&str> = elements.iter().filter_map(|element| element.text("a name")).collect();
        let canonical =
            |name: &str| CanonicalName::parse(name).map_or_else(|_| name.to_owned(), |name| name.to_string());
        repeated("deny_names", denied.iter().copied(), canonical, remarks);
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

/// Warns about values that are more than once in a list.
///
/// `key` is the form in which two values are compared.
pub(super) fn repeated<'t>(
    setting: &'static str,
    values: impl Iterator<Item = &'t str>,
    key: impl Fn(&str) -> String,
    remarks: &mut Vec<Remark>,
) {
    let mut seen = BTreeMap::<String, usize>::new();
    for value in values {
        let count = seen.entry(key(value)).or_default();
        *count += 1;
        if *count == 2 {
            remarks.push((setting, format!("{} is listed more than once", quoted(value))));
        }
    }
}

const DOMAIN: &str = "a domain such as \"example.com\"";

/// The domains as written, and the rules for them.
struct WrittenDomains<'a> {
    names: Vec<&'a str>,
    rules: DomainRules,
}

impl<'a> WrittenDomains<'a> {
    /// Reads one domain, or an array of them.
    fn read(field: &Field<'a>) -> Option<Self> {
        let elements = match field.is_text() {
            true => vec![field.clone()],
            false => field.elements("a domain such as \"example.com\", or an array of domains")?,
        };
        let mut names: Vec<&str> = Vec::new();
        let mut rules = DomainRules::none();
        for element in &elements {
            let text = element.text(DOMAIN)?;
            let one = DomainRules::for_domain(text).map_err(|_| {
                let problem = Problem::new(element.node.value.shown(), DOMAIN);
                if text.contains('@') { problem.hint("the part behind the @ alone") } else { problem }
            });
            element.parsed(one)?;
            let is_there = rules.has_domain(text);
            names.push(text);
            // Each of them was checked.
            rules = DomainRules::for_domains(&names).unwrap_or_default();
            if is_there {
                let problem = Problem::new(format!("the domain {} again", quoted(text)), "each domain once");
                return element.fail(problem);
            }
        }
        if names.is_empty() {
            return field.fail(Problem::new("an empty array", DOMAIN));
        }
        Some(Self { names, rules })
    }
}

fn domain(
    section: &TableReader<'_>,
    positional: &NamedFields<'_>,
    is_bare_only: bool,
    remarks: &mut Vec<Remark>,
) -> Option<DomainRules> {
    let by_name =
        section.field_unless_positional("domain", positional.domain.as_ref().map(|spot| &spot.field));
    let field = by_name.or_else(|| positional.domain.as_ref().map(|spot| spot.field.clone()));
    // In the PHP app, naming a domain turned on adding and stripping it.
    let by_argument = positional.domain.is_some();
    let switch = |name: &'static str, positional: Option<(bool, &Field<'_>)>, default: bool| {
        let field =
            section.field_unless_positional(name, positional.map(|(_, field)| field).filter(|_| by_argument));
        let value = field.as_ref().and_then(Field::boolean);
        (field, value.or_else(|| positional.map(|(value, _)| value)).unwrap_or(default))
    };
    let add = switch("add_domain", None, by_argument);
    let strip = switch(
        "strip_domain",
        positional.strip_domain.as_ref().map(|spot| (spot.value, &spot.field)),
        by_argument,
    );
    let group = switch(
        "group_by_domain",
        positional.group_by_domain.as_ref().map(|spot| (spot.value, &spot.field)),
        false,
    );
    let words = [("any", NameForms::Any), ("bare", NameForms::Bare), ("address", NameForms::Address)];
    let names = section.field("names");
    let offered = names.as_ref().and_then(|field| field.choice(&words, None)).unwrap_or_default();
    let separator = section.field("separator");
    let Some(field) = field else {
        for (field, on) in [&add, &strip] {
            if let (Some(field), true) = (field, on) {
                field.fail::<()>(Problem::new(
                    "true without `domain`",
                    "the domain to go by, in the field `domain`",
                ));
            }
        }
        if strip.0.is_none() && strip.1 {
            let text = "no effect: the arguments say true, and no domain that could be stripped";
            remarks.push(("strip_domain", text.to_owned()));
        }
        if let Some(field) = &separator {
            let problem =
                Problem::new("`separator` without `domain`", "the domain to go by, in the field `domain`");
            field.fail::<()>(problem.hint("without it, a name with the separator could be two addresses"));
        }
        if let (Some(field), true) = (&names, is_bare_only && offered != NameForms::Bare) {
            let problem = Problem::new(field.node.value.shown(), "\"bare\", or a `domain` for addresses");
            field.fail::<()>(problem.hint("this server takes user and user@domain for one account"));
        }
        if group.1 && (is_bare_only || offered == NameForms::Bare) {
            let problem = Problem::new("true, and names without a domain only", "a `domain`, or false");
            match (&group.0, &positional.group_by_domain) {
                (Some(field), _) => drop(field.fail::<()>(problem)),
                (None, Some(spot)) => drop(spot.field.fail::<()>(problem)),
                (None, None) => {}
            }
        }
        return Some(DomainRules::none().group_by_domain(group.1).offer(offered));
    };
    let WrittenDomains { names: domains, rules } = WrittenDomains::read(&field)?;
    if let (NameForms::Address, (Some(add), true)) = (offered, &add) {
        let problem = Problem::new("`add_domain` with names = \"address\"", "one of them");
        add.fail::<()>(problem.hint("it would add the domain to names that this backend is not asked about"));
    }
    if strip.1
        && let [first, second, ..] = domains[..]
    {
        remarks.push((
            "strip_domain",
            format!(
                "user@{first} and user@{second} are one account here: that of the one who signs in first"
            ),
        ));
    }
    let mut rules = rules.add_domain(add.1).strip_domain(strip.1).group_by_domain(group.1).offer(offered);
    if let Some(field) = separator {
        rules = rules.separator(separator_of(&field, is_bare_only)?);
        if offered == NameForms::Bare && !add.1 {
            let problem = Problem::new(
                "`separator`, and no name is sent with a domain",
                "`add_domain`, or no `separator`",
            );
            field.fail::<()>(problem);
        }
    }
    Some(rules)
}

fn separator_of(field: &Field<'_>, is_bare_only: bool) -> Option<char> {
    let expected = "one of the characters @ % . + # ! : = /";
    let text = field.text(expected)?;
    let mut characters = text.chars();
    let separator = characters.next().filter(|_| characters.next().is_none());
    let separator = separator.filter(|separator| "@%.+#!:=/".contains(*separator));
    let separator = field.parsed(separator.ok_or_else(|| Problem::with_text(text, expected)))?;
    match is_bare_only && separator != '@' {
        true => field
            .fail(Problem::new(quoted(text), "\"@\": no account of this server has another one in its name")),
        false => Some(separator),
    }
}

/// Who may have an account.
fn admit(field: &Field<'_>) -> Option<Admit> {
    const EXPECTED: &str = "\"everybody\", \"known\", an array of names, or an array with the field `group`";
    if field.is_text() {
        let words = [("everybody", Admit::Everybody), ("known", Admit::Known)];
        let text = field.text(EXPECTED)?;
        let found = words.into_iter().find_map(|(word, admit)| (word == text).then_some(admit));
        return field.parsed(found.ok_or_else(|| {
            let problem = Problem::new(quoted(text), EXPECTED);
            match nearest(text, &["everybody", "known"]) {
                Some(near) => problem.hint(format!("did you mean \"{near}\"?")),
                None => problem.hint(format!(
                    "for this user alone: {}",
                    field.line("admit", &format!("[{}]", field.quote(text)))
                )),
            }
        }));
    }
    if field.node.value.elements().is_none() {
        let section = field.section(EXPECTED)?;
        section.only(&["group"], |_| None);
        let Some(group) = section.field("group") else {
            section.fail(Some("group"), Problem::new("nothing", "the name of a group"));
            return None;
        };
        let text = group.text("the name of a group")?;
        return match text.trim().is_empty() {
            true => group.fail(Problem::new("an empty text", "the name of a group")),
            false => Some(Admit::Group(text.to_owned())),
        };
    }
    let elements = field.elements(EXPECTED)?;
    if elements.is_empty() {
        let problem = Problem::new("an empty array, so no user could sign in", EXPECTED);
        return field.fail(problem);
    }
    let name = |element: &Field<'_>| {
        let text = element.text("a name")?;
        let wrong = |error: NameError| Problem::new(quoted(text), "a name").hint(error.to_string());
        element.parsed(CanonicalName::parse(text).map_err(wrong))
    };
    let names: Vec<_> = elements.iter().filter_map(name).collect();
    (names.len() == elements.len()).then_some(Admit::Names(names))
}

/// Reads what users get at their first sign-in.
pub(super) fn first_sign_in(section: &TableReader<'_>, remarks: &mut Vec<Remark>) -> Option<FirstSignIn> {
    let Some(field) = section.field("on_first_sign_in") else { return Some(FirstSignIn::default()) };
    let errors = section.diagnostics.count();
    let fields = field.section("an array with the fields `groups`, `quota` and `language`")?;
    fields.only(&["groups", "quota", "language"], |_| None);
    let text = |field: &Field<'_>, expected: &str| {
        let text = field.text(expected)?;
        let checked =
            if text.trim().is_empty() { Err(Problem::new("an empty text", expected)) } else { Ok(()) };
        field.parsed(checked.map(|()| text.to_owned()))
    };
    let group = |field: &Field<'_>| {
        let group = text(field, "the name of a group")?;
        match group == "admin" {
            true => {
                let problem = Problem::new("\"admin\"", "a group without the rights of an administrator");
                field.fail(problem.hint("every new user would be an administrator"))
            }
            false => Some(group),
        }
    };
    let groups = fields.field("groups").and_then(|field| {
        let elements = field.elements("an array of groups")?;
        Some(elements.iter().filter_map(group).collect::<Vec<_>>())
    });
    let quota = fields.field("quota").and_then(|field| text(&field, "a quota such as \"5 GB\""));
    let language = fields.field("language").and_then(|field| text(&field, "a language such as \"de\""));
    let first = FirstSignIn { groups: groups.unwrap_or_default(), quota, language };
    if section.diagnostics.count() > errors {
        return None;
    }
    // Letter case matters in the id of a group.
    repeated("on_first_sign_in", first.groups.iter().map(String::as_str), str::to_owned, remarks);
    if first == FirstSignIn::default() {
        remarks.push(("on_first_sign_in", "no effect: it says nothing".to_owned()));
    }
    Some(first)
}

/// Reads how the resolver treats the backend, where that is not as its class says.
pub(super) fn policy(
    section: &TableReader<'_>,
    mut policy: BackendPolicy,
    remarks: &mut Vec<Remark>,
) -> Option<BackendPolicy> {
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
    if let Some(max_stale) = policy.max_stale.filter(|max_stale| *max_stale <= policy.cache_accepted) {
        let (max_stale, cached) = (duration::shown(max_stale), duration::shown(policy.cache_accepted));
        let text = format!("no effect: {max_stale} is not longer than cache_accepted, which is {cached}");
        remarks.push(("max_stale", text));
    }
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
