//! Reads values by serde: the tree without positions, and errors with positions.
//!
//! The errors have this library's format.

use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};

use super::error::Problem;
use super::field_value::FieldValue;
use super::secret_values::{carries_a_secret, names_a_secret};
use super::section::{Field, alternatives, nearest};
use super::tree::{Member, Node, Position, Value};

/// The same without places.
///
/// Numbers that are no integers keep their value.
pub(crate) fn field_value(node: &Node) -> FieldValue {
    match &node.value {
        Value::Null | Value::Broken => FieldValue::Null,
        Value::Bool(value) => FieldValue::Bool(*value),
        Value::Integer(value) => FieldValue::Integer(*value),
        Value::OtherNumber(text) => {
            finite(text).map_or_else(|| FieldValue::Text(text.clone()), FieldValue::Float)
        }
        Value::Text(text) => FieldValue::Text(text.clone()),
        Value::Foreign(kind) => FieldValue::Text((*kind).to_owned()),
        Value::List(nodes) => FieldValue::List(nodes.iter().map(field_value).collect()),
        // PHP writes an array with numbers for keys; a table it is only with a name in it.
        Value::Table(members) => match node.value.elements() {
            Some(nodes) if !members.is_empty() => {
                FieldValue::List(nodes.into_iter().map(field_value).collect())
            }
            _ => FieldValue::Table(
                members.iter().map(|member| (member.key.text(), field_value(&member.node))).collect(),
            ),
        },
    }
}

/// The same, for values that all formats can say.
///
/// `None` for others, such as dates and infinity. A table stays one, whatever its keys are.
pub(crate) fn common_value(node: &Node) -> Option<FieldValue> {
    Some(match &node.value {
        Value::OtherNumber(text) => FieldValue::Float(finite(text)?),
        Value::Foreign(_) => return None,
        Value::List(nodes) => FieldValue::List(nodes.iter().map(common_value).collect::<Option<_>>()?),
        Value::Table(members) => {
            let member = |member: &Member| Some((member.key.text(), common_value(&member.node)?));
            FieldValue::Table(members.iter().map(member).collect::<Option<_>>()?)
        }
        _ => field_value(node),
    })
}

fn finite(number: &str) -> Option<f64> {
    number.parse().ok().filter(|number: &f64| number.is_finite())
}

pub(crate) fn member<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    let members = node.value.members()?;
    members.iter().find(|member| member.key.text() == name).map(|member| &member.node)
}

/// An error of serde, with the value that it is about.
pub(crate) struct LocatedProblem {
    pub(crate) at: Position,
    /// The way to the value, such as `rule[1].host`; empty for the whole.
    pub(crate) field: String,
    pub(crate) problem: Problem,
}

/// Reads a value, with everything that is wrong with it.
///
/// serde stops at the first error. Its value is removed, until there are no more errors.
pub(crate) fn read_all<T: DeserializeOwned>(whole: &Node, secret: bool) -> Result<T, Vec<LocatedProblem>> {
    let mut left = whole.clone();
    let mut errors = Vec::new();
    let mut removed = Vec::new();
    loop {
        let error = match field_value(&left).read::<T>() {
            Ok(value) if errors.is_empty() => return Ok(value),
            Ok(_) => return Err(errors),
            Err(error) => error,
        };
        let message = error.inner().to_string();
        let target = Target::of(whole, &left, error.path(), &message);
        // A removed field is not missing: its error is told already.
        let missing = missing_field(&message).map(|name| joined(&target.field, name));
        // The same holds for a value that could not be read.
        let is_broken = target.node.is_some_and(|node| node.value == Value::Broken);
        if !is_broken && !missing.is_some_and(|missing| removed.contains(&missing)) {
            let problem = problem(&message, target.node, secret || target.secret);
            errors.push(LocatedProblem { at: target.at, field: target.field.clone(), problem });
        }
        if !remove(&mut left, &target.steps) {
            return Err(errors);
        }
        removed.push(target.field);
    }
}

/// One step to a value: a name, or the number of an element.
enum Step {
    Name(String),
    Element(usize),
}

/// The value that an error is about.
struct Target<'n> {
    at: Position,
    field: String,
    /// `None` if the path leads to nothing.
    node: Option<&'n Node>,
    secret: bool,
    /// The way to it in what is left.
    steps: Vec<Step>,
}

impl<'n> Target<'n> {
    /// Follows a path as far as it leads.
    ///
    /// `left` is `whole` without some elements, so that numbers of elements differ.
    fn of(whole: &'n Node, left: &Node, path: &Path, message: &str) -> Self {
        let mut target =
            Self { at: whole.at, field: String::new(), node: Some(whole), secret: false, steps: vec![] };
        let (mut node, mut rest) = (whole, left);
        for segment in path {
            let next = match segment {
                Segment::Map { key } => {
                    target.field = joined(&target.field, key);
                    target.secret |= names_a_secret(key);
                    member(node, key).zip(member(rest, key)).map(|nodes| (nodes, Step::Name(key.clone())))
                }
                Segment::Seq { index } => {
                    let element = rest.value.elements().and_then(|nodes| nodes.get(*index).copied());
                    let elements = node.value.elements().unwrap_or_default();
                    let nth = element.and_then(|rest| elements.iter().position(|node| node.at == rest.at));
                    target.field += &format!("[{}]", nth.unwrap_or(*index));
                    let found = nth.and_then(|nth| elements.get(nth).copied());
                    found.zip(element).map(|nodes| (nodes, Step::Element(*index)))
                }
                // A variant has no place of its own.
                _ => break,
            };
            let Some(((next, next_rest), step)) = next else {
                target.node = None;
                break;
            };
            (node, rest, target.at, target.node) = (next, next_rest, next.at, Some(next));
            target.steps.push(step);
        }
        target.into_field(node, message)
    }

    /// Checks of a whole table begin with the field that they are about: `minutes must be ...`.
    fn into_field(mut self, node: &'n Node, message: &str) -> Self {
        let Some((name, _)) = message.split_once(' ') else { return self };
        if let Some(named) = self.node.and_then(|_| member(node, name)) {
            self.field = joined(&self.field, name);
            self.secret |= names_a_secret(name);
            (self.at, self.node) = (named.at, Some(named));
            self.steps.push(Step::Name(name.to_owned()));
        }
        self
    }
}

fn joined(field: &str, name: &str) -> String {
    if field.is_empty() { name.to_owned() } else { format!("{field}.{name}") }
}

/// Removes the value at the end of a path; false if there is none.
fn remove(node: &mut Node, steps: &[Step]) -> bool {
    let Some((step, rest)) = steps.split_first() else { return false };
    match (&mut node.value, step) {
        (Value::Table(members), step) => {
            let nth = match step {
                Step::Name(name) => members.iter().position(|member| member.key.text() == *name),
                Step::Element(nth) => Some(*nth),
            };
            let Some(member) = nth.and_then(|nth| members.get_mut(nth)) else { return false };
            if !rest.is_empty() {
                return remove(&mut member.node, rest);
            }
            nth.map(|nth| members.remove(nth));
            // An array with numbers for keys stays an array without them.
            if members.is_empty() && matches!(step, Step::Element(_)) {
                node.value = Value::List(Vec::new());
            }
            true
        }
        (Value::List(nodes), Step::Element(nth)) => {
            let Some(element) = nodes.get_mut(*nth) else { return false };
            if !rest.is_empty() {
                return remove(element, rest);
            }
            nodes.remove(*nth);
            true
        }
        _ => false,
    }
}

/// serde's words in ours.
///
/// `node` is the value that they are about.
pub(crate) fn problem(message: &str, node: Option<&Node>, secret: bool) -> Problem {
    if let Some(field) = message.strip_prefix("missing field ") {
        return Problem::new("nothing", format!("the field {field}"));
    }
    if let Some((_, list)) = message.strip_prefix("unknown field `").and_then(|rest| rest.split_once('`')) {
        let problem = Problem::new("an unknown field", list.trim_start_matches(", expected "));
        let name = message.split('`').nth(1).unwrap_or_default();
        let known: Vec<&str> = list.split('`').skip(1).step_by(2).collect();
        return problem.hints(nearest(name, &known).map(|near| format!("did you mean `{near}`?")));
    }
    if message.starts_with("duplicate field ") {
        return Problem::new("the same field again", "it once");
    }
    let (found, expected) = parts(message);
    let expected = in_our_words(expected);
    if secret || carries_a_secret(message) {
        return Problem::new("a value that does not fit", expected);
    }
    match (found, node) {
        (Some(found), _) => Problem::new(found, expected),
        (None, Some(node)) => Problem::new(node.value.shown(), expected),
        (None, None) => Problem::new("another value", expected),
    }
}

/// What a message says was found, if it does in words of its own, and what was expected.
fn parts(message: &str) -> (Option<&str>, &str) {
    let of_serde = ["invalid type: ", "invalid value: ", "unknown variant ", "invalid length "];
    if let Some((found, expected)) = message.split_once(", expected ") {
        let is_generic = of_serde.iter().any(|prefix| found.starts_with(prefix));
        // As errors of accounts word it: `group id: found "", expected ...`.
        let found = found.split_once(": found ").map_or(found, |(_, found)| found);
        return (Some(found).filter(|_| !is_generic), expected);
    }
    // As the checks of this crate word it: "minutes must be between 5 and 60, found 4".
    let rule = message.rsplit_once(", found ").map_or(message, |(rule, _)| rule);
    if let Some(expected) = rule.strip_prefix("expected ") {
        return (None, expected);
    }
    match rule.split_once(" must be ") {
        Some((name, expected)) if !name.contains(' ') => (None, expected),
        _ => match message {
            "invalid socket address syntax" => (None, "socket address"),
            "invalid IP address syntax" => (None, "IP address"),
            _ => (Some(message), "a value that fits"),
        },
    }
}

/// What serde calls a type, for an operator.
fn in_our_words(expected: &str) -> String {
    match expected {
        "u8" => "a number between 0 and 255".to_owned(),
        "u16" => "a number between 0 and 65535".to_owned(),
        "u32" => "a number between 0 and 4294967295".to_owned(),
        "a nonzero u32" => "a number between 1 and 4294967295".to_owned(),
        "u64" | "usize" => "a whole number that is not negative".to_owned(),
        "i32" | "i64" | "isize" => "a whole number".to_owned(),
        "socket address" => "an address and a port such as \"127.0.0.1:8080\"".to_owned(),
        "IP address" => "an address such as \"192.0.2.1\"".to_owned(),
        "a string" | "path string" => "a text".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a sequence" => "an array".to_owned(),
        words if words.starts_with("between ") => format!("a number {words}"),
        words if words.starts_with("struct ") => "an array with named fields".to_owned(),
        words if words.starts_with("one of `") || (words.starts_with('`') && words.ends_with('`')) => {
            alternatives(&words.split('`').skip(1).step_by(2).collect::<Vec<_>>())
        }
        words => words.to_owned(),
    }
}

/// The field that a path leads into first.
pub(crate) fn first_field(path: &Path) -> Option<String> {
    match path.iter().next() {
        Some(Segment::Map { key }) => Some(key.clone()),
        _ => None,
    }
}

/// The field that serde misses, if that is what it says.
pub(crate) fn missing_field(message: &str) -> Option<&str> {
    message.strip_prefix("missing field `")?.strip_suffix('`')
}

/// Reports what serde says about a value within `field`.
///
/// The path begins with the field itself.
pub(crate) fn report(field: &Field<'_>, path: &Path, message: &str) {
    let mut within = field.clone();
    let mut secret = names_a_secret(field.place.field.as_deref().unwrap_or_default());
    for segment in path.iter().skip(1) {
        let next = match segment {
            Segment::Map { key } => {
                secret |= names_a_secret(key);
                member(within.node, key).map(|node| (within.place.field(key), node))
            }
            Segment::Seq { index } => {
                let nodes = within.node.value.elements();
                let node = nodes.and_then(|nodes| nodes.get(*index).copied());
                node.map(|node| (within.place.element(index), node))
            }
            _ => None,
        };
        let Some((place, node)) = next else { break };
        within = Field { diagnostics: within.diagnostics, place, node };
    }
    within.fail::<()>(problem(message, Some(within.node), secret));
}
