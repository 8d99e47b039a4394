//! One pass over the tokens, before the parser sees them.
//!
//! It finds the nesting depth, the keys of this library, and whether the file has secrets.
//!
//! The lexer recurses for variables within texts only, so it is safe when there are few of them;
//! the parser recurses wherever something is open.

use mago_database::file::FileId;
use mago_syntax::lexer::Lexer;
use mago_syntax::settings::LexerSettings;
use mago_syntax::token::{Token, TokenKind};
use mago_syntax_core::input::Input;

use crate::document::secret_values::is_secret;

/// How many tokens may be open at once.
///
/// A level of an array takes four, a condition three.
const MAX_WAITING: usize = 1024;

/// How many dollar signs a file may have.
///
/// Each could be one level of recursion in the lexer.
const MAX_DOLLARS: usize = 2000;

/// The result of the scan.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// Our keys in any place, by offset.
    pub(super) ours: Vec<(String, usize)>,
    /// The first key that holds a secret.
    pub(super) secret: Option<String>,
}

/// The parser would have to go too deep.
#[derive(Debug)]
pub(super) struct TooDeep {
    pub(super) offset: usize,
}

/// Position at which a file has too many dollar signs for the lexer; check this first.
pub(super) fn too_many_dollars(text: &str) -> Option<usize> {
    text.match_indices('$').nth(MAX_DOLLARS).map(|(offset, _)| offset)
}

impl Scan {
    pub(super) fn of(text: &str, keys: &[String]) -> Result<Self, TooDeep> {
        let mut scan = Self::default();
        let mut waiting = OpenTokens::default();
        // The last two tokens: a key and its arrow.
        let (mut key, mut arrow): (Option<Token<'_>>, bool) = (None, false);
        for token in tokens(Lexer::new(input(text), LexerSettings::default())) {
            let offset = offset(&token);
            waiting.take(token.kind);
            if waiting.total > MAX_WAITING {
                return Err(TooDeep { offset });
            }
            if let Some(name) =
                key_among(keys, token.value).filter(|_| token.kind == TokenKind::LiteralString)
            {
                scan.ours.push((name.to_owned(), offset));
            }
            if arrow
                && scan.secret.is_none()
                && token.kind == TokenKind::LiteralString
                && token.value.len() > 2
            {
                let name = key.map(|key| inner(key.value)).and_then(|name| std::str::from_utf8(name).ok());
                let value = String::from_utf8_lossy(inner(token.value));
                scan.secret =
                    name.filter(|name| is_secret(name, &value)).map(|name| name.escape_debug().to_string());
            }
            arrow = token.kind == TokenKind::EqualGreaterThan && key.is_some();
            if !arrow {
                key = (token.kind == TokenKind::LiteralString).then_some(token);
            }
        }
        Ok(scan)
    }
}

/// Counts the tokens whose meaning is still open.
///
/// Each may be one level of recursion in the parser.
#[derive(Debug, Default)]
struct OpenTokens {
    total: usize,
    /// The tokens of the innermost bracket, and those of the brackets around it.
    inner: usize,
    outer: Vec<usize>,
}

impl OpenTokens {
    fn take(&mut self, kind: TokenKind) {
        use TokenKind as K;
        match kind {
            K::LeftParenthesis | K::LeftBracket | K::LeftBrace | K::DollarLeftBrace | K::HashLeftBracket => {
                self.outer.push(self.inner + 1);
                self.total += 1;
                self.inner = 0;
            }
            K::RightParenthesis | K::RightBracket | K::RightBrace => {
                self.total -= self.inner;
                self.inner = self.outer.pop().unwrap_or(0);
                if kind == K::RightBrace {
                    self.end();
                }
            }
            K::Comma | K::Semicolon | K::CloseTag => self.end(),
            // `else if` continues after the brace that seemed to end it, so it is never dropped.
            K::Else | K::ElseIf => self.total += 1,
            _ => {
                self.inner += 1;
                self.total += 1;
            }
        }
    }

    fn end(&mut self) {
        self.total -= self.inner;
        self.inner = 0;
    }
}

/// The fragment of the PHP app's manual: an array element without its array.
#[derive(Debug)]
pub(super) struct Fragment {
    /// Its start.
    pub(super) start: usize,
    /// Whether an opening tag precedes it.
    pub(super) tagged: bool,
}

/// Whether a file begins, after an optional opening tag, with a text and `=>`.
pub(super) fn fragment(text: &str) -> Option<Fragment> {
    let mut lexer = Lexer::new(input(text), LexerSettings::default());
    let first = tokens_of(&mut lexer).find(|token| token.kind != TokenKind::InlineShebang);
    let (start, tagged, rest) = match first {
        Some(token) if token.kind == TokenKind::OpenTag => (offset(&token) + token.value.len(), true, lexer),
        Some(token)
            if token.kind == TokenKind::InlineText && offset(&token) + token.value.len() == text.len() =>
        {
            (0, false, Lexer::scripting(input(text), LexerSettings::default()))
        }
        _ => return None,
    };
    let mut opening = tokens(rest).map(|token| token.kind);
    let is_one = opening.next() == Some(TokenKind::LiteralString)
        && opening.next() == Some(TokenKind::EqualGreaterThan);
    is_one.then_some(Fragment { start, tagged })
}

/// Which of these keys a text in quotes is.
pub(super) fn key_among<'k>(keys: &'k [String], raw: &[u8]) -> Option<&'k str> {
    keys.iter().map(String::as_str).find(|name| inner(raw) == name.as_bytes())
}

/// The text between the quotes.
fn inner(raw: &[u8]) -> &[u8] {
    match raw {
        [b'\'', inner @ .., b'\''] | [b'"', inner @ .., b'"'] => inner,
        _ => raw,
    }
}

fn input(text: &str) -> Input<'_> {
    Input::new(FileId::zero(), text.as_bytes())
}

fn offset(token: &Token<'_>) -> usize {
    usize::try_from(token.start.offset).unwrap_or(usize::MAX)
}

/// The significant tokens, up to the first invalid one.
fn tokens(mut lexer: Lexer<'_>) -> impl Iterator<Item = Token<'_>> {
    std::iter::from_fn(move || tokens_of(&mut lexer).next())
}

fn tokens_of<'t>(lexer: &mut Lexer<'t>) -> impl Iterator<Item = Token<'t>> {
    std::iter::from_fn(|| lexer.advance().and_then(Result::ok)).filter(|token| !token.kind.is_trivia())
}
