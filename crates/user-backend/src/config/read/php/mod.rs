//! The `config.php` of the PHP app, read with a real PHP parser (mago) as data.
//!
//! Nothing in it is executed.
//!
//! It reads the keys `user_backends`, `user_backends_resolver` and those requested by the loader of
//!
//! - `$CONFIG = array( … );` or `[ … ]`, and `$CONFIG['user_backends'] = array( … );`
//! - `return [ … ];`
//! - the bare `"user_backends" => array( … ),` of the PHP app's manual, with `<?php` in front of it
//!   or without
//!
//! Everything else in the file is skipped, never kept and never shown. Within our keys only
//! literals count: anything that would have to be executed is an error.

mod literal;
mod scan;
mod wrapped;

use std::thread;

use bumpalo::Bump;
use mago_database::file::FileId;
use mago_span::HasSpan;
use mago_syntax::ast::{ArrayElement, Expression, Literal, Statement, Variable};
use mago_syntax::error::ParseError;
use mago_syntax::parser::parse_file_content;
use mago_syntax::token::TokenKind;

use self::literal::LiteralReader;
use self::scan::Scan;
use self::wrapped::{ParserProblem, Wrapped, wrap};
use super::{Document, TopLevelKeys};
use crate::document::error::{Problem, SettingLocation};
use crate::document::section::Diagnostics;
use crate::document::source::Format;
use crate::document::tree::{Key, LineIndex, Member, Node, Position, Value};

/// Stack of the parser thread.
///
/// The parser recurses up to 512 levels deep; a level takes some 20 KiB in debug builds.
const PARSER_STACK: usize = 64 * 1024 * 1024;

/// Reads one of the files that make up the configuration, `source` being its number.
pub(super) fn read(
    text: &str,
    source: usize,
    keys: &TopLevelKeys,
    diagnostics: &Diagnostics,
) -> Option<Document> {
    if let Some(offset) = scan::too_many_dollars(text) {
        let problem = Problem::new("more than 2000 dollar signs", "a simpler file");
        diagnostics.push(
            Some(LineIndex::of(text, source).position(offset)),
            &SettingLocation::default(),
            problem,
        );
        return None;
    }
    // A separate thread gives the parser a stack of known size, and contains its panics.
    let worker = thread::Builder::new().stack_size(PARSER_STACK);
    let (document, errors) = thread::scope(|scope| {
        let started = worker.spawn_scoped(scope, || PhpReader::new(text, source, keys).read());
        started.ok().and_then(|worker| worker.join().ok())
    })
    .unwrap_or_else(|| (None, vec![whole(source, "a file that the PHP parser cannot cope with")]));
    for ParserProblem { at, place, problem } in errors {
        diagnostics.push(Some(at), &place, problem);
    }
    document
}

fn whole(source: usize, found: &str) -> ParserProblem {
    let problem = Problem::new(found, "a config.php");
    ParserProblem { at: Position { source, ..Position::START }, place: SettingLocation::default(), problem }
}

struct PhpReader<'t> {
    keys: &'t TopLevelKeys,
    lines: LineIndex<'t>,
    wrapped: Wrapped,
    troubles: Vec<ParserProblem>,
}

impl<'t> PhpReader<'t> {
    fn new(text: &'t str, source: usize, keys: &'t TopLevelKeys) -> Self {
        Self { keys, lines: LineIndex::of(text, source), wrapped: wrap(text), troubles: Vec::new() }
    }

    fn read(mut self) -> (Option<Document>, Vec<ParserProblem>) {
        let source = std::mem::take(&mut self.wrapped.source);
        let scan = match Scan::of(&source, &self.keys.ours) {
            Ok(scan) => scan,
            Err(scan::TooDeep { offset }) => {
                self.trouble(offset, Problem::new("too much nested in one another", "a simpler file"));
                return (None, self.troubles);
            }
        };
        let arena = Bump::new();
        let program = parse_file_content(&arena, FileId::zero(), source.as_bytes());
        if program.has_errors() {
            // One error is enough: those after the first are noise.
            if let Some(error) = program.errors.first() {
                self.syntax(error, &source);
            }
            return (None, self.troubles);
        }
        let mut found = Vec::new();
        for statement in &program.statements {
            collect(statement, &mut found);
        }
        let members = self.members(&scan, &found);
        (Some(Document { members, secret: scan.secret, dialect: Format::Php }), self.troubles)
    }

    /// Converts pairs into members, and refuses keys in places that are not read.
    ///
    /// A configuration is read completely or not at all.
    fn members(&mut self, scan: &Scan, found: &[Pair<'_>]) -> Vec<Member> {
        let keys = self.keys;
        let shared = found.iter().filter_map(|pair| {
            scan::key_among(&keys.shared, pair.key).map(|name| (name.to_owned(), pair.offset))
        });
        let mut members: Vec<Member> = Vec::new();
        for (name, offset) in scan.ours.iter().cloned().chain(shared) {
            let Some(pair) = found.iter().find(|pair| pair.offset == offset) else {
                let problem = Problem::new(
                    "it where it is not read",
                    "it once, as a key of $CONFIG or of the returned array",
                )
                .hint(
                    "conditions, function calls and `[]=` are not followed: nothing in the file is executed",
                );
                self.trouble_at(offset, SettingLocation::section(name), problem);
                continue;
            };
            if members.iter().any(|member| member.key.is(&name)) {
                self.trouble_at(
                    offset,
                    SettingLocation::section(name),
                    Problem::new("it for the second time", "it once"),
                );
                continue;
            }
            let mut literals = LiteralReader::new(&self.lines, &self.wrapped);
            let value = literals.read(pair.value, SettingLocation::section(name.clone()));
            self.troubles.append(&mut literals.troubles);
            let at = self.lines.position(self.wrapped.original(offset));
            let node = value.unwrap_or(Node { value: Value::Broken, at });
            members.push(Member { key: Key::Name(name), at, node });
        }
        members
    }

    fn syntax(&mut self, error: &ParseError, source: &str) {
        // No text here repeats the file.
        let found = match error {
            ParseError::UnexpectedToken(_, kind, _) => {
                format!("{}, which does not belong here", token(*kind))
            }
            ParseError::UnclosedLiteralString(..) => "a text without its closing quote".to_owned(),
            ParseError::RecursionLimitExceeded(_) => "too much nested in one another".to_owned(),
            ParseError::UnexpectedEndOfFile(..) => "the end of the file too early".to_owned(),
            ParseError::SyntaxError(_) => "a syntax error".to_owned(),
        };
        let offset = usize::try_from(error.span().start.offset).unwrap_or(usize::MAX);
        let line_start = source.get(..offset).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1);
        let line = source.get(line_start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        let mut problem = Problem::new(found, "PHP");
        if line.contains(['‘', '’', '“', '”', '„']) {
            problem = problem.hint("the line has typographic quotes; PHP takes ' and \" only");
        } else if let ParseError::UnexpectedToken(_, kind, _) = error {
            problem = problem.hints(slip(*kind).map(str::to_owned));
        }
        self.trouble(offset, problem);
    }

    fn trouble(&mut self, offset: usize, problem: Problem) {
        self.trouble_at(offset, SettingLocation::default(), problem);
    }

    fn trouble_at(&mut self, offset: usize, place: SettingLocation, problem: Problem) {
        let at = self.lines.position(self.wrapped.original(offset));
        self.troubles.push(ParserProblem { at, place, problem });
    }
}

/// Collects keys and values from one statement at the top of the file.
fn collect<'a>(statement: &'a Statement<'a>, found: &mut Vec<Pair<'a>>) {
    match statement {
        Statement::Return(returned) => scan_array(returned.value, found),
        Statement::Expression(statement) => {
            let Expression::Assignment(assignment) = statement.expression else { return };
            if !assignment.operator.is_assign() {
                return;
            }
            match assignment.lhs {
                lhs if is_config(lhs) => scan_array(Some(assignment.rhs), found),
                Expression::ArrayAccess(access) if is_config(access.array) => {
                    found.extend(named(access.index, assignment.rhs));
                }
                _ => {}
            }
        }
        _ => {}
    }
}

fn scan_array<'a>(value: Option<&'a Expression<'a>>, found: &mut Vec<Pair<'a>>) {
    let elements = match value {
        Some(Expression::Array(array)) => &array.elements,
        Some(Expression::LegacyArray(array)) => &array.elements,
        _ => return,
    };
    for element in &elements.nodes {
        if let ArrayElement::KeyValue(pair) = element {
            found.extend(named(pair.key, pair.value));
        }
    }
}

/// What is usually missing before an unexpected token.
fn slip(kind: TokenKind) -> Option<&'static str> {
    match kind {
        TokenKind::LiteralString | TokenKind::LiteralInteger | TokenKind::Array | TokenKind::LeftBracket => {
            Some("is there a comma missing in front of it?")
        }
        TokenKind::Semicolon => Some("is there a bracket further up that is not closed?"),
        _ => None,
    }
}

/// A token in words.
fn token(kind: TokenKind) -> &'static str {
    match kind {
        TokenKind::LiteralString | TokenKind::PartialLiteralString | TokenKind::DoubleQuote => "a text",
        TokenKind::LiteralInteger | TokenKind::LiteralFloat => "a number",
        TokenKind::EqualGreaterThan => "`=>`",
        TokenKind::Comma => "a comma",
        TokenKind::Semicolon => "a semicolon",
        TokenKind::Equal => "`=`",
        TokenKind::Array => "`array`",
        TokenKind::LeftBracket | TokenKind::LeftParenthesis | TokenKind::LeftBrace => "an opening bracket",
        TokenKind::RightBracket | TokenKind::RightParenthesis | TokenKind::RightBrace => "a closing bracket",
        TokenKind::Variable => "a variable",
        TokenKind::Identifier => "a word",
        _ => "something",
    }
}

/// A key that is a text, in its quotes, with its value.
#[derive(Clone, Copy)]
struct Pair<'a> {
    key: &'a [u8],
    offset: usize,
    value: &'a Expression<'a>,
}

fn named<'a>(key: &'a Expression<'a>, value: &'a Expression<'a>) -> Option<Pair<'a>> {
    let Expression::Literal(Literal::String(text)) = key else { return None };
    Some(Pair { key: text.raw, offset: usize::try_from(text.span.start.offset).ok()?, value })
}

fn is_config(expression: &Expression<'_>) -> bool {
    matches!(expression, Expression::Variable(Variable::Direct(variable)) if variable.name == b"$CONFIG")
}
