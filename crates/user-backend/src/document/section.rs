//! Reads typed fields from the tree, and collects all errors.

use std::cell::RefCell;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use super::duration;
use super::error::{ConfigError, Files, Problem, SettingLocation};
use super::source::Format;
use super::tree::{Key, Member, Node, Position, Value, quoted};

/// Collects the errors of one file, or of several that are read as one.
#[derive(Debug)]
pub(crate) struct Diagnostics {
    pub(crate) files: Files,
    pub(crate) format: Format,
    errors: RefCell<Vec<ConfigError>>,
}

impl Diagnostics {
    pub(crate) fn new(file: Arc<str>, format: Format) -> Self {
        Self { files: Files::of(file), format, errors: RefCell::default() }
    }

    pub(crate) fn push(&self, at: Option<Position>, place: &SettingLocation, problem: Problem) {
        let error = ConfigError::new(self.files.name(at), at, place.clone(), problem);
        self.errors.borrow_mut().push(error);
    }

    /// Takes back the errors after the first `count`.
    pub(crate) fn take_after(&self, count: usize) -> Vec<ConfigError> {
        let mut errors = self.errors.borrow_mut();
        let from = count.min(errors.len());
        errors.split_off(from)
    }

    pub(crate) fn count(&self) -> usize {
        self.errors.borrow().len()
    }

    pub(crate) fn into_errors(self) -> Vec<ConfigError> {
        self.errors.into_inner()
    }
}

/// Reads the fields of one table.
#[derive(Clone, Debug)]
pub(crate) struct TableReader<'a> {
    pub(crate) diagnostics: &'a Diagnostics,
    pub(crate) place: SettingLocation,
    pub(crate) at: Position,
    members: &'a [Member],
}

impl<'a> TableReader<'a> {
    /// Opens a table, or reports that the node is not one.
    pub(crate) fn open(
        diagnostics: &'a Diagnostics,
        place: SettingLocation,
        node: &'a Node,
        expected: &str,
    ) -> Option<Self> {
        if let Some(members) = node.value.members() {
            return Some(Self { diagnostics, place, at: node.at, members });
        }
        Field { diagnostics, place, node }.wrong(expected)
    }

    /// The top level of a file.
    pub(crate) fn over(diagnostics: &'a Diagnostics, place: SettingLocation, members: &'a [Member]) -> Self {
        Self { diagnostics, place, at: Position::START, members }
    }

    /// A present field that is not null.
    pub(crate) fn field(&self, name: &str) -> Option<Field<'a>> {
        let member = self.members.iter().find(|member| member.key.is(name))?;
        let field =
            Field { diagnostics: self.diagnostics, place: self.place.field(name), node: &member.node };
        (member.node.value != Value::Null).then_some(field)
    }

    /// A named field, unless a positional argument says the same already.
    pub(crate) fn field_unless_positional(
        &self,
        name: &str,
        positional: Option<&Field<'_>>,
    ) -> Option<Field<'a>> {
        let field = self.field(name)?;
        let Some(positional) = positional else { return Some(field) };
        let problem = Problem::new("it for the second time", "it once")
            .hint(format!("`{}` sets it already", positional.place.field.as_deref().unwrap_or_default()));
        field.fail(problem)
    }

    pub(crate) fn members(&self) -> &'a [Member] {
        self.members
    }

    /// Reports an error about the table as a whole, or about a field, at its value if it is there.
    pub(crate) fn fail(&self, field: Option<&str>, problem: Problem) {
        let place = field.map_or_else(|| self.place.clone(), |field| self.place.field(field));
        let at = field.and_then(|field| self.field(field)).map_or(self.at, |field| field.node.at);
        self.diagnostics.push(Some(at), &place, problem);
    }

    /// Reports every unknown field; `explain` may say why one is not allowed here.
    pub(crate) fn only(&self, known: &[&str], explain: impl Fn(&str) -> Option<Problem>) {
        for member in self.members {
            let Key::Name(name) = &member.key else {
                self.unknown(member, known);
                continue;
            };
            if known.contains(&name.as_str()) {
                continue;
            }
            match explain(name) {
                Some(problem) => {
                    self.diagnostics.push(Some(member.at), &self.place.field(&member.key.shown()), problem);
                }
                None => self.unknown(member, known),
            }
        }
    }

    /// Reports fields that were probably meant to be this one, which is missing.
    pub(crate) fn misspelt(&self, name: &str) {
        let known = [name];
        let is_meant = |member: &&Member| {
            let text = member.key.text();
            text != name && nearest(&text, &known).is_some()
        };
        self.members.iter().filter(is_meant).for_each(|member| self.unknown(member, &known));
    }

    fn unknown(&self, member: &Member, known: &[&str]) {
        let shown = member.key.shown();
        let problem = Problem::new("an unknown field", "one that is known here");
        let problem = match nearest(&shown, known) {
            Some(near) => problem.hint(format!("did you mean `{near}`?")),
            None => problem.hint(format!("there are {}", list(known))),
        };
        self.diagnostics.push(Some(member.at), &self.place.field(&shown), problem);
    }
}

/// One value of a configuration and its place: reading it reports what is wrong with it.
#[derive(Clone, Debug)]
pub struct Field<'a> {
    pub(crate) diagnostics: &'a Diagnostics,
    pub(crate) place: SettingLocation,
    pub(crate) node: &'a Node,
}

impl<'a> Field<'a> {
    /// Reports what is wrong with this value.
    ///
    /// Always `None`, so that callers can return it.
    pub fn fail<T>(&self, problem: Problem) -> Option<T> {
        // The error of a broken value has already been reported.
        if self.node.value == Value::Broken {
            return None;
        }
        self.diagnostics.push(Some(self.node.at), &self.place, problem);
        None
    }

    fn wrong<T>(&self, expected: &str) -> Option<T> {
        self.fail(Problem::new(self.node.value.shown(), expected))
    }

    /// Parses a text value, or reports the problem.
    pub fn parsed<T>(&self, answer: Result<T, Problem>) -> Option<T> {
        answer.map_or_else(|problem| self.fail(problem), Some)
    }

    /// A text, or what was expected reported.
    pub fn text(&self, expected: &str) -> Option<&'a str> {
        match &self.node.value {
            Value::Text(text) => Some(text),
            _ => self.wrong(expected),
        }
    }

    /// True or false.
    pub fn boolean(&self) -> Option<bool> {
        match &self.node.value {
            Value::Bool(value) => Some(*value),
            Value::Text(text) if matches!(text.as_str(), "true" | "false") => {
                self.fail(Problem::new(quoted(text), "true or false").hint("without quotes"))
            }
            _ => self.wrong("true or false"),
        }
    }

    /// A whole number in this range.
    pub fn integer(&self, range: RangeInclusive<u32>, expected: &str) -> Option<u32> {
        match &self.node.value {
            Value::Integer(value) => match u32::try_from(*value) {
                Ok(value) if range.contains(&value) => Some(value),
                _ => self.wrong(expected),
            },
            Value::Text(text) if text.parse::<i64>().is_ok() => {
                self.fail(Problem::new(quoted(text), expected).hint("without quotes"))
            }
            _ => self.wrong(expected),
        }
    }

    /// A length of time such as `"3s"`.
    pub fn duration(&self) -> Option<Duration> {
        let expected = "a length of time such as \"500ms\", \"3s\", \"15m\" or \"1h\"";
        match &self.node.value {
            Value::Text(text) => self.parsed(duration::parse(text)),
            Value::Integer(number) => self.fail(Problem::new(self.node.value.shown(), expected).hint(
                format!("say the unit, in quotes: \"{number}s\" for seconds, \"{number}m\" for minutes"),
            )),
            _ => self.wrong(expected),
        }
    }

    pub(crate) fn is_text(&self) -> bool {
        matches!(&self.node.value, Value::Text(_))
    }

    /// Whether it is the word `off`.
    pub(crate) fn is_off(&self) -> bool {
        matches!(&self.node.value, Value::Text(text) if text == "off")
    }

    /// A length of time, or the word `off` as `Some(None)`.
    ///
    /// Zero is refused: it could mean either.
    pub(crate) fn duration_or_off(&self) -> Option<Option<Duration>> {
        match &self.node.value {
            Value::Text(text) if text == "off" => Some(None),
            Value::Integer(0) => self.zero(),
            Value::Text(text) => match duration::parse(text) {
                Ok(length) => Some(Some(length)),
                Err(_) if text.trim_end_matches(char::is_alphabetic).parse() == Ok(0_u8) => self.zero(),
                Err(Problem { found, expected, hints }) => {
                    self.fail(Problem { found, expected: format!("\"off\" or {expected}"), hints })
                }
            },
            Value::Integer(_) => self.duration().map(Some),
            _ => self.wrong("\"off\" or a length of time such as \"3s\", \"15m\" or \"1h\""),
        }
    }

    fn zero<T>(&self) -> Option<T> {
        let problem = Problem::new(self.node.value.shown(), "\"off\" or a length of time");
        self.fail(
            problem.hint("zero could mean \"not at all\" or \"without end\"; write \"off\" for not at all"),
        )
    }

    /// One word out of several.
    pub fn choice<T: Copy>(&self, words: &[(&str, T)], hint: Option<&str>) -> Option<T> {
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let expected = alternatives(&names);
        let text = self.text(&expected)?;
        match words.iter().find(|(word, _)| *word == text) {
            Some((_, value)) => Some(*value),
            None => {
                let mut problem = Problem::new(quoted(text), expected);
                if let Some(near) = nearest(text, &names) {
                    problem = problem.hint(format!("did you mean \"{near}\"?"));
                }
                self.fail(problem.hints(hint.map(str::to_owned)))
            }
        }
    }

    /// A text as the format of this file writes it.
    pub fn quote(&self, text: &str) -> String {
        self.diagnostics.format.text(text)
    }

    /// A line that sets a named field, as the format of this file writes it.
    pub fn line(&self, name: &str, value: &str) -> String {
        self.diagnostics.format.line(name, value)
    }

    /// The elements of an array, each with its place.
    pub(crate) fn elements(&self, expected: &str) -> Option<Vec<Self>> {
        let Some(nodes) = self.node.value.elements() else { return self.wrong(expected) };
        let element =
            |(nth, node)| Self { diagnostics: self.diagnostics, place: self.place.element(nth), node };
        Some(nodes.into_iter().enumerate().map(element).collect())
    }

    /// The table in this field.
    pub(crate) fn section(&self, expected: &str) -> Option<TableReader<'a>> {
        TableReader::open(self.diagnostics, self.place.clone(), self.node, expected)
    }
}

/// `a, b, c`, each in backquotes.
fn list(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// `"a", "b" or "c"`.
pub(crate) fn alternatives(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

/// The known word that was probably meant.
pub(crate) fn nearest<'w>(word: &str, known: &[&'w str]) -> Option<&'w str> {
    // Comparing takes time in the product of the lengths, and a long word is no typo of a short
    // one.
    if word.len() > 64 {
        return None;
    }
    let lower = word.to_ascii_lowercase().replace('-', "_");
    known
        .iter()
        .map(|known| (strsim::damerau_levenshtein(&lower, known), *known))
        .filter(|(distance, known)| *distance <= (known.chars().count() / 3).max(1))
        .min()
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slip_of_the_finger_is_understood_and_nonsense_is_not() {
        let known = ["host", "port", "ca_file", "connect_timeout", "strip_domain"];
        for (word, meant) in [
            ("hots", Some("host")),
            ("HOST", Some("host")),
            ("ca-file", Some("ca_file")),
            ("cafile", Some("ca_file")),
            ("connect_timout", Some("connect_timeout")),
            ("stripDomain", Some("strip_domain")),
            ("password", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, &known), meant, "{word}");
        }
        assert_eq!(nearest(&"x".repeat(1_000_000), &known), None);
    }
}
