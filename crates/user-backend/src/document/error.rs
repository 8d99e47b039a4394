//! All errors of a configuration, each with position, found and expected value, hints.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::tree::{Position, quoted};

/// The names of the files that are read as one.
#[derive(Clone, Debug)]
pub(crate) struct Files(Vec<Arc<str>>);

impl Files {
    pub(crate) fn of(file: Arc<str>) -> Self {
        Self(vec![file])
    }

    /// Adds one; returns its number.
    pub(crate) fn add(&mut self, file: Arc<str>) -> usize {
        self.0.push(file);
        self.0.len() - 1
    }

    /// The file of a position; without one, the first.
    pub(crate) fn name(&self, at: Option<Position>) -> Arc<str> {
        let file = self.0.get(at.map_or(0, |at| at.source)).or_else(|| self.0.first());
        file.map_or_else(|| "".into(), Arc::clone)
    }
}

/// Everything that is wrong with one configuration.
///
/// Never empty.
///
/// `Display` gives one block for each error, for a terminal:
///
/// ```text
/// config.php:12:14: user_backends[0].arguments[2]: found "sll", expected "ssl", "tls" or null
///   hint: did you mean "ssl"?
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct InvalidConfig {
    errors: Vec<ConfigError>,
}

impl InvalidConfig {
    /// Sorts errors by their place in the file; `None` when there are none.
    ///
    /// For a program that adds errors of its own to those of the library.
    pub fn of(mut errors: Vec<ConfigError>) -> Option<Self> {
        errors.sort_by_key(|error| (error.at, error.place.index));
        (!errors.is_empty()).then_some(Self { errors })
    }

    /// The errors, in the order of the file.
    pub fn iter(&self) -> std::slice::Iter<'_, ConfigError> {
        self.errors.iter()
    }
}

impl From<ConfigError> for InvalidConfig {
    fn from(error: ConfigError) -> Self {
        Self { errors: vec![error] }
    }
}

impl<'a> IntoIterator for &'a InvalidConfig {
    type Item = &'a ConfigError;
    type IntoIter = std::slice::Iter<'a, ConfigError>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for InvalidConfig {
    type Item = ConfigError;
    type IntoIter = std::vec::IntoIter<ConfigError>;

    fn into_iter(self) -> Self::IntoIter {
        self.errors.into_iter()
    }
}

impl fmt::Display for InvalidConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, error) in self.errors.iter().enumerate() {
            if nth > 0 {
                writeln!(f)?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

/// As `Display`, because a `main` that returns the error prints it with `Debug`.
///
/// An operator has to fix the file.
impl fmt::Debug for InvalidConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the configuration is wrong\n{self}")
    }
}

impl std::error::Error for InvalidConfig {}

/// One thing that is wrong with a configuration.
///
/// The texts contain values of this library's fields only, never anything else from the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    file: Arc<str>,
    at: Option<Position>,
    place: SettingLocation,
    found: String,
    expected: String,
    hints: Vec<String>,
}

impl ConfigError {
    pub(crate) fn new(
        file: Arc<str>,
        at: Option<Position>,
        place: SettingLocation,
        problem: Problem,
    ) -> Self {
        let Problem { found, expected, hints } = problem;
        Self { file, at, place, found, expected, hints }
    }

    /// The file, as it was named to us.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The line, counted from 1; `None` when the error is about the file as a whole.
    pub fn line(&self) -> Option<usize> {
        self.at.map(|at| at.line)
    }

    /// The column, counted in characters from 1.
    pub fn column(&self) -> Option<usize> {
        self.at.map(|at| at.column)
    }

    /// Which entry of `user_backends`, counted from 0.
    pub fn index(&self) -> Option<usize> {
        self.place.index
    }

    /// Which field of the entry or table, such as `arguments[2]` or `budget.per`.
    pub fn field(&self) -> Option<&str> {
        self.place.field.as_deref()
    }

    /// The whole way to the value, such as `user_backends[0].arguments[2]`.
    ///
    /// Empty when it is about the whole file.
    pub fn path(&self) -> String {
        self.place.to_string()
    }

    /// The found value.
    pub fn found(&self) -> &str {
        &self.found
    }

    /// The expected value.
    pub fn expected(&self) -> &str {
        &self.expected
    }

    /// How to put it right; may be empty.
    pub fn hints(&self) -> impl Iterator<Item = &str> {
        self.hints.iter().map(String::as_str)
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(Position { line, column, .. }) = self.at {
            write!(f, ":{line}:{column}")?;
        }
        let path = self.path();
        if !path.is_empty() {
            write!(f, ": {path}")?;
        }
        write!(f, ": found {}, expected {}", self.found, self.expected)?;
        for hint in &self.hints {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// The way to a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SettingLocation {
    pub(crate) section: Cow<'static, str>,
    pub(crate) index: Option<usize>,
    pub(crate) field: Option<String>,
}

impl SettingLocation {
    pub(crate) fn section(section: impl Into<Cow<'static, str>>) -> Self {
        Self { section: section.into(), ..Self::default() }
    }

    pub(crate) fn entry(section: &'static str, index: usize) -> Self {
        Self { section: section.into(), index: Some(index), field: None }
    }

    /// The place of a named field in here.
    pub(crate) fn field(&self, name: &str) -> Self {
        let field = match &self.field {
            Some(outer) => format!("{outer}.{name}"),
            None => name.to_owned(),
        };
        Self { field: Some(field), ..self.clone() }
    }

    /// The place of an element in here.
    pub(crate) fn element(&self, nth: impl fmt::Display) -> Self {
        let field = format!("{}[{nth}]", self.field.as_deref().unwrap_or_default());
        Self { field: Some(field), ..self.clone() }
    }
}

impl fmt::Display for SettingLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.section)?;
        if let Some(index) = self.index {
            write!(f, "[{index}]")?;
        }
        match &self.field {
            Some(field) if self.section.is_empty() || field.starts_with('[') => f.write_str(field),
            Some(field) => write!(f, ".{field}"),
            None => Ok(()),
        }
    }
}

/// A problem with a value: found, expected, and a hint.
///
/// The reader adds the position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub(crate) found: String,
    pub(crate) expected: String,
    pub(crate) hints: Vec<String>,
}

impl Problem {
    /// `found` must not hold a secret; a text of the file is [quoted](Self::with_text).
    pub fn new(found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { found: found.into(), expected: expected.into(), hints: Vec::new() }
    }

    /// This text was found: it is quoted, shortened, and cannot play tricks on a terminal.
    pub fn with_text(found: &str, expected: impl Into<String>) -> Self {
        Self::new(quoted(found), expected)
    }

    /// Adds how to put it right.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    pub(crate) fn hints(mut self, hints: impl IntoIterator<Item = String>) -> Self {
        self.hints.extend(hints);
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "found {}, expected {}", self.found, self.expected)
    }
}

impl std::error::Error for Problem {}
