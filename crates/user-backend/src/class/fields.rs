//! The own fields of a class, one by one.

use crate::document::secret_values::names_a_secret;
use crate::document::{Field, Problem};
use crate::refusal::{RefusalTextError, RefusalTexts};

/// The name of the field with [`RefusalTexts`].
pub(super) const REFUSAL_TEXTS: &str = "refusal_texts";

/// One field that only one class has: its name, what it may hold, and what it is for.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct FieldSpec {
    name: &'static str,
    help: &'static str,
    default: Option<&'static str>,
    kind: FieldKind,
    is_required: bool,
}

#[derive(Clone, Copy, Debug)]
enum FieldKind {
    Text { expected: &'static str, check: fn(&str) -> Result<(), Problem> },
    Boolean,
    Integer { min: u32, max: u32 },
    Duration,
    Choice(&'static [&'static str]),
    RefusalTexts,
    Any,
}

impl FieldSpec {
    /// A text that is not empty.
    pub const fn text(name: &'static str, help: &'static str) -> Self {
        Self::checked_text(name, help, "a text", not_empty)
    }

    /// A text that must pass a check.
    ///
    /// `expected` says what it should be.
    pub const fn checked_text(
        name: &'static str,
        help: &'static str,
        expected: &'static str,
        check: fn(&str) -> Result<(), Problem>,
    ) -> Self {
        Self::new(name, help, FieldKind::Text { expected, check })
    }

    /// True or false.
    pub const fn boolean(name: &'static str, help: &'static str) -> Self {
        Self::new(name, help, FieldKind::Boolean)
    }

    /// A whole number from `min` to `max`.
    pub const fn integer(name: &'static str, help: &'static str, min: u32, max: u32) -> Self {
        Self::new(name, help, FieldKind::Integer { min, max })
    }

    /// A length of time such as `"3s"`.
    pub const fn duration(name: &'static str, help: &'static str) -> Self {
        Self::new(name, help, FieldKind::Duration)
    }

    /// One of several words.
    pub const fn choice(name: &'static str, help: &'static str, words: &'static [&'static str]) -> Self {
        Self::new(name, help, FieldKind::Choice(words))
    }

    /// The field `refusal_texts`.
    ///
    /// [`Entry::refusal_texts`](super::Entry::refusal_texts) reads it.
    pub const fn refusal_texts() -> Self {
        let help = "replies with which this server refuses a name and a password, beside those that are \
                    recognised anyway";
        Self::new(REFUSAL_TEXTS, help, FieldKind::RefusalTexts)
    }

    /// Any value.
    pub const fn any(name: &'static str, help: &'static str) -> Self {
        Self::new(name, help, FieldKind::Any)
    }

    /// What holds without the field, as documents show it: a value as TOML has it, or words.
    pub const fn with_default(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    /// The field must be there.
    pub const fn required(mut self) -> Self {
        self.is_required = true;
        self
    }

    const fn new(name: &'static str, help: &'static str, kind: FieldKind) -> Self {
        Self { name, help, default: None, kind, is_required: false }
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// A short description.
    pub fn help(&self) -> &'static str {
        self.help
    }

    /// What holds without it, as documents show it.
    pub fn default(&self) -> Option<&'static str> {
        self.default
    }

    /// Whether it must be there.
    pub fn is_required(&self) -> bool {
        self.is_required
    }

    /// Reports what is wrong with a value.
    pub(crate) fn check(&self, field: &Field<'_>) -> Option<()> {
        match self.kind {
            FieldKind::Text { expected, .. } if !field.is_text() && names_a_secret(self.name) => {
                field.fail(Problem::new("a value that is no text", expected))
            }
            FieldKind::Text { expected, check } => field.parsed(check(field.text(expected)?)),
            FieldKind::Boolean => field.boolean().map(drop),
            FieldKind::Integer { min, max } => {
                field.integer(min..=max, &format!("a number between {min} and {max}")).map(drop)
            }
            FieldKind::Duration => field.duration().map(drop),
            FieldKind::Choice(words) => {
                let words: Vec<_> = words.iter().map(|word| (*word, ())).collect();
                field.choice(&words, None)
            }
            FieldKind::RefusalTexts => refusal_texts(field),
            FieldKind::Any => Some(()),
        }
    }
}

/// Reports every text that cannot be one.
fn refusal_texts(field: &Field<'_>) -> Option<()> {
    let expected = "an array of texts";
    let elements = field.elements(expected)?;
    let mut taken = Some(());
    for element in &elements {
        let text = element.text("a text").map(str::to_owned);
        let checked = text.and_then(|text| {
            let problem = |error: RefusalTextError| Problem::new(error.to_string(), RefusalTexts::EXPECTED);
            element.parsed(RefusalTexts::parse([text]).map_err(problem))
        });
        taken = taken.filter(|()| checked.is_some());
    }
    if elements.is_empty() {
        return field.fail(Problem::new("an empty array", expected));
    }
    let all = elements.iter().filter_map(|element| element.text("a text"));
    match RefusalTexts::parse(all) {
        Err(error @ RefusalTextError::TooMany(_)) => {
            field.fail(Problem::new(error.to_string(), "at most 20 texts"))
        }
        _ => taken,
    }
}

fn not_empty(text: &str) -> Result<(), Problem> {
    if text.is_empty() { Err(Problem::new("an empty text", "a text")) } else { Ok(()) }
}
