//! Reads the own fields of an entry, and reports everything that is wrong with them.

use super::arguments::NamedFields;
use super::contract::Class;
use super::fields::FieldSpec;
use super::own_fields::OwnFields;
use super::settings::Mismatch;
use crate::document::field_value::FieldValue;
use crate::document::section::TableReader;
use crate::document::tree::Member;
use crate::document::{Field, Problem, by_serde};

/// The names of a class's own fields; `None` when it does not say.
pub(crate) fn names(class: &dyn Class) -> Option<Vec<&'static str>> {
    match class.settings() {
        Some(settings) => settings.names().map(<[_]>::to_vec),
        None => Some(class.fields().iter().map(FieldSpec::name).collect()),
    }
}

/// Reads the own fields of a class, which are all that are not `common`.
///
/// Reports what is wrong. `positional` is what positional arguments say; `None` when they are
/// broken, so that nothing is known to be missing.
pub(crate) fn read(
    section: &TableReader<'_>,
    class: &dyn Class,
    positional: Option<&NamedFields<'_>>,
    is_common: impl Fn(&str) -> bool,
) -> Option<OwnFields> {
    let errors = section.diagnostics.count();
    let names = names(class);
    let is_own = |name: &str| match &names {
        Some(names) => names.contains(&name),
        None => !is_common(name),
    };
    let mut given: Vec<(String, Field<'_>)> = Vec::new();
    for Member { key, .. } in section.members() {
        let name = key.text();
        if is_own(&name)
            && let Some(field) = section
                .field_unless_positional(&name, positional.and_then(|positional| positional.own(&name)))
        {
            given.push((name, field));
        }
    }
    for (name, field) in positional.iter().flat_map(|positional| &positional.own) {
        if is_own(name) && !given.iter().any(|(given, _)| given == name) {
            given.push(((*name).to_owned(), field.clone()));
        }
    }
    let mut own = OwnFields::default();
    for (name, field) in &given {
        match by_serde::common_value(field.node) {
            Some(value) => drop(own.0.insert(name.clone(), value)),
            None => drop(field.fail::<()>(Problem::new(
                "a value that only one format has",
                "text, number, truth or array",
            ))),
        }
    }
    for (name, text, _) in
        positional.iter().flat_map(|positional| &positional.own_texts).filter(|(name, ..)| is_own(name))
    {
        own.0.entry((*name).to_owned()).or_insert_with(|| FieldValue::Text(text.clone()));
    }
    match class.settings() {
        Some(settings) => {
            check_settings(section, &given, &own, positional.is_none(), |fields| settings.check(fields));
        }
        None => check_fields(section, class, &given, positional.is_none()),
    }
    if section.diagnostics.count() == errors
        && let Err((field, problem)) = class.check(&own)
    {
        section.fail(Some(field), problem);
    }
    (section.diagnostics.count() == errors).then_some(own)
}

fn check_fields(
    section: &TableReader<'_>,
    class: &dyn Class,
    given: &[(String, Field<'_>)],
    is_broken: bool,
) {
    for spec in class.fields() {
        match given.iter().find(|(name, _)| name == spec.name()) {
            Some((_, field)) => drop(spec.check(field)),
            None if spec.is_required() && !is_broken => {
                section.fail(Some(spec.name()), Problem::new("nothing", spec.help()));
            }
            None => {}
        }
    }
}

/// serde stops at the first error.
///
/// The offending field is removed, until there are no more errors.
fn check_settings(
    section: &TableReader<'_>,
    given: &[(String, Field<'_>)],
    own: &OwnFields,
    is_broken: bool,
    check: impl Fn(FieldValue) -> Result<(), Mismatch>,
) {
    let mut left = own.0.clone();
    let mut wrong: Vec<String> = Vec::new();
    while let Err(error) = check(FieldValue::Table(left.clone().into_iter().collect())) {
        let text = error.inner().to_string();
        let first = by_serde::first_field(error.path());
        match first
            .and_then(|first| Some((given.iter().find(|(name, _)| *name == first)?, left.remove(&first)?)))
        {
            Some(((name, field), _)) => {
                by_serde::report(field, error.path(), &text);
                wrong.push(name.clone());
            }
            None => {
                // A removed field is not missing.
                let missing = by_serde::missing_field(&text);
                if !missing.is_some_and(|missing| is_broken || wrong.iter().any(|name| name == missing)) {
                    let problem = by_serde::problem(&text, None, false);
                    section.fail(missing, problem);
                }
                return;
            }
        }
    }
}
