//! From PHP expressions to values: literals only.

use std::collections::HashSet;

use mago_span::HasSpan;
use mago_syntax::ast::{
    Access, ArrayElement, Binary, BinaryOperator, ClassConstantAccess, ClassLikeConstantSelector,
    CompositeString, Expression, Literal, LiteralString, LiteralStringKind, UnaryPrefix, UnaryPrefixOperator,
};

use super::super::MAX_DEPTH;
use super::wrapped::{ParserProblem, Wrapped};
use crate::document::error::{Problem, SettingLocation};
use crate::document::tree::{Key, LineIndex, Member, Node, Value};

const LITERAL: &str = "a literal: a text, a number, true, false, null or an array of these";

/// Converts expressions to values, and collects errors.
pub(super) struct LiteralReader<'r, 't> {
    lines: &'r LineIndex<'t>,
    wrapped: &'r Wrapped,
    depth: usize,
    pub(super) troubles: Vec<ParserProblem>,
}

impl<'r, 't> LiteralReader<'r, 't> {
    pub(super) fn new(lines: &'r LineIndex<'t>, wrapped: &'r Wrapped) -> Self {
        Self { lines, wrapped, depth: 0, troubles: Vec::new() }
    }

    pub(super) fn read(&mut self, expression: &Expression<'_>, place: SettingLocation) -> Option<Node> {
        if self.depth >= MAX_DEPTH {
            return self.fail(expression, place, Problem::new("too much nested in one another", LITERAL));
        }
        self.depth += 1;
        let value = self.value(expression, place);
        self.depth -= 1;
        Some(Node { value: value?, at: self.lines.position(self.offset(expression)) })
    }

    fn value(&mut self, expression: &Expression<'_>, place: SettingLocation) -> Option<Value> {
        match expression {
            Expression::Literal(literal) => match scalar(literal) {
                Ok(value) => Some(value),
                Err(problem) => self.fail(expression, place, problem),
            },
            Expression::Parenthesized(inner) => Some(self.read(inner.expression, place)?.value),
            Expression::Array(array) => self.array(&array.elements.nodes, place),
            Expression::LegacyArray(array) => self.array(&array.elements.nodes, place),
            Expression::UnaryPrefix(UnaryPrefix { operator: UnaryPrefixOperator::Negation(_), operand }) => {
                match self.read(operand, place.clone())?.value {
                    Value::Integer(number) => Some(Value::Integer(-number)),
                    Value::OtherNumber(number) => Some(Value::OtherNumber(format!("-{number}"))),
                    _ => self.fail(
                        expression,
                        place,
                        Problem::new("a minus before what is no number", LITERAL),
                    ),
                }
            }
            Expression::Binary(Binary { lhs, operator: BinaryOperator::StringConcat(_), rhs }) => {
                let (left, right) = (self.read(lhs, place.clone())?, self.read(rhs, place.clone())?);
                match (left.value, right.value) {
                    (Value::Text(left), Value::Text(right)) => Some(Value::Text(left + &right)),
                    _ => self.fail(expression, place, Problem::new("a calculation", LITERAL)),
                }
            }
            // `IMAP::class` is a text that PHP makes while it compiles; only a name in full can be
            // read without its imports.
            Expression::Access(Access::ClassConstant(ClassConstantAccess { class, constant, .. })) => {
                match (class, constant) {
                    (Expression::Identifier(name), ClassLikeConstantSelector::Identifier(word))
                        if word.value.eq_ignore_ascii_case(b"class") =>
                    {
                        std::str::from_utf8(name.value()).ok().map(|name| Value::Text(name.to_owned()))
                    }
                    _ => self.fail(expression, place, Problem::new("a constant", LITERAL)),
                }
            }
            other => {
                let problem = Problem::new(kind(other), LITERAL)
                    .hint("the file is read as data, nothing in it is executed: write the value itself");
                self.fail(expression, place, problem)
            }
        }
    }

    fn array(&mut self, elements: &[ArrayElement<'_>], place: SettingLocation) -> Option<Value> {
        let mut members: Vec<Member> = Vec::new();
        let mut keys = HashSet::new();
        let (mut next, mut keyed) = (0_i64, false);
        for (nth, element) in elements.iter().enumerate() {
            let (key, value) = match element {
                ArrayElement::KeyValue(pair) => {
                    keyed = true;
                    let Some(key) = self.key(pair.key, &place) else { continue };
                    (key, pair.value)
                }
                ArrayElement::Value(element) => (Key::Index(next), element.value),
                ArrayElement::Variadic(element) => {
                    self.fail::<()>(element.value, place.clone(), Problem::new("three dots", LITERAL));
                    continue;
                }
                ArrayElement::Missing(_) => {
                    self.fail::<()>(
                        element,
                        place.clone(),
                        Problem::new("nothing between two commas", LITERAL),
                    );
                    continue;
                }
            };
            if let Key::Index(index) = key {
                next = next.max(index.saturating_add(1));
            }
            let inside = inside(&place, &key, nth);
            if !keys.insert(key.clone()) {
                self.fail::<()>(element, inside, Problem::new("it for the second time", "every key once"));
                continue;
            }
            let at = self.lines.position(self.offset(element));
            let node = self.read(value, inside).unwrap_or(Node { value: Value::Broken, at });
            members.push(Member { key, at, node });
        }
        Some(if keyed {
            Value::Table(members)
        } else {
            Value::List(members.into_iter().map(|member| member.node).collect())
        })
    }

    fn key(&mut self, expression: &Expression<'_>, place: &SettingLocation) -> Option<Key> {
        if let Some(name) = constant(expression) {
            return Some(Key::Name(name));
        }
        match self.read(expression, place.clone())?.value {
            Value::Text(name) => Some(Key::new(name)),
            Value::Integer(index) => Some(Key::Index(index)),
            other => self.fail(
                expression,
                place.clone(),
                Problem::new(other.shown(), "a text or a number as a key"),
            ),
        }
    }

    fn offset(&self, what: &impl HasSpan) -> usize {
        self.wrapped.original(usize::try_from(what.span().start.offset).unwrap_or(usize::MAX))
    }

    /// Keeps an error.
    ///
    /// Always `None`, so that callers can return it.
    fn fail<T>(&mut self, what: &impl HasSpan, place: SettingLocation, problem: Problem) -> Option<T> {
        let at = self.lines.position(self.offset(what));
        self.troubles.push(ParserProblem { at, place, problem });
        None
    }
}

/// The location of an element.
///
/// The entries of `user_backends` are counted in written order, as everywhere.
fn inside(place: &SettingLocation, key: &Key, nth: usize) -> SettingLocation {
    match key {
        _ if place.section == "user_backends" && place.index.is_none() => {
            SettingLocation::entry("user_backends", nth)
        }
        Key::Name(_) => place.field(&key.shown()),
        Key::Index(index) => place.element(index),
    }
}

/// `PDO::MYSQL_ATTR_SSL_CA`, whose number only PHP knows.
///
/// As a key, it is identified by its name.
fn constant(expression: &Expression<'_>) -> Option<String> {
    let Expression::Access(Access::ClassConstant(ClassConstantAccess { class, constant, .. })) = expression
    else {
        return None;
    };
    let (Expression::Identifier(class), ClassLikeConstantSelector::Identifier(word)) = (class, constant)
    else {
        return None;
    };
    if word.value.eq_ignore_ascii_case(b"class") {
        return None;
    }
    let (class, word) = (std::str::from_utf8(class.value()).ok()?, std::str::from_utf8(word.value).ok()?);
    Some(format!("{}::{word}", class.trim_start_matches('\\')))
}

fn scalar(literal: &Literal<'_>) -> Result<Value, Problem> {
    Ok(match literal {
        Literal::True(_) => Value::Bool(true),
        Literal::False(_) => Value::Bool(false),
        Literal::Null(_) => Value::Null,
        Literal::Integer(number) => match number.value.and_then(|value| i64::try_from(value).ok()) {
            Some(value) => Value::Integer(value),
            None => Value::OtherNumber(String::from_utf8_lossy(number.raw).into_owned()),
        },
        Literal::Float(number) => Value::OtherNumber(String::from_utf8_lossy(number.raw).into_owned()),
        Literal::String(text) => Value::Text(string(text)?),
    })
}

fn string(text: &LiteralString<'_>) -> Result<String, Problem> {
    // The parser leaves this one escape alone; PHP does not.
    if text.kind == LiteralStringKind::DoubleQuoted && text.raw.windows(3).any(|part| part == b"\\u{") {
        return Err(Problem::new(
            "a text with \\u{ in it",
            "a text in single quotes, or the character itself",
        ));
    }
    let bytes = text.value.ok_or_else(|| Problem::new("a text that cannot be read", LITERAL))?;
    String::from_utf8(bytes.to_vec()).map_err(|_| Problem::new("a text that is not UTF-8", "UTF-8"))
}

/// Describes an expression.
fn kind(expression: &Expression<'_>) -> &'static str {
    match expression {
        Expression::CompositeString(CompositeString::Document(_)) => "a heredoc text",
        Expression::CompositeString(CompositeString::ShellExecute(_)) => "a shell command",
        Expression::CompositeString(CompositeString::Interpolated(_)) => "a text with a variable in it",
        Expression::Call(_) | Expression::PartialApplication(_) => "a function call",
        Expression::Variable(_) => "a variable",
        Expression::ArrayAccess(_) | Expression::ArrayAppend(_) | Expression::Access(_) => "an access",
        Expression::ConstantAccess(_) | Expression::MagicConstant(_) | Expression::Identifier(_) => {
            "a constant"
        }
        Expression::Closure(_) | Expression::ArrowFunction(_) | Expression::AnonymousClass(_) => "a function",
        Expression::Instantiation(_) | Expression::Clone(_) => "a new object",
        Expression::Conditional(_) | Expression::Match(_) => "a condition",
        Expression::Assignment(_) => "an assignment",
        Expression::Construct(_) => "a language construct such as include or empty",
        Expression::UnaryPrefix(_) | Expression::UnaryPostfix(_) | Expression::Binary(_) => "a calculation",
        _ => "an expression",
    }
}
