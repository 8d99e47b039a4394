//! One line of a server, read without trusting it.
//!
//! What it is, and how much of it may go on.
//!
//! A line is never passed on as it came. It is rewritten from the few things a sign-in needs: the
//! status word, the response code when it is one we know (RFC 9051 section 7.1), the capability
//! names. What the server says in words is left out, because servers have been seen to repeat
//! credentials and parsers have been seen to trip over them. The words of an answer are kept apart,
//! in a [`ReplyText`], until they are judged.

use zeroize::Zeroizing;

use super::violation::ProtocolViolation;
use crate::refusal::ReplyText;

/// Response codes that may precede a refusal.
///
/// Others are passed on as [`UNLISTED`].
const CODES: [&str; 21] = [
    "ALERT",
    "ALREADYEXISTS",
    "AUTHENTICATIONFAILED",
    "AUTHORIZATIONFAILED",
    "CANNOT",
    "CLIENTBUG",
    "CONTACTADMIN",
    "CORRUPTION",
    "EXPIRED",
    "INUSE",
    "LIMIT",
    "NONEXISTENT",
    "NOPERM",
    "OVERQUOTA",
    "PARSE",
    "PRIVACYREQUIRED",
    "REFERRAL",
    "SERVERBUG",
    "THROTTLED",
    "UNAVAILABLE",
    "WEBALERT",
];

/// Replaces a response code that is not on the list.
pub(in crate::imap) const UNLISTED: &str = "UNLISTED";

/// The code of this name, in any letter case.
pub(in crate::imap) fn known_code(name: &str) -> &'static str {
    CODES.into_iter().find(|code| code.eq_ignore_ascii_case(name)).unwrap_or(UNLISTED)
}

/// A line as it came, without its end.
pub(super) struct RawLine {
    raw: Zeroizing<Vec<u8>>,
    /// The line that is read, if it is another one: see [`sanitise`].
    clean: Option<Zeroizing<Vec<u8>>>,
}

impl RawLine {
    pub(super) fn new(raw: Zeroizing<Vec<u8>>) -> Self {
        let is_clean = raw.iter().all(|byte| is_printable(*byte));
        let clean = (!is_clean).then(|| {
            let mut clean = raw.clone();
            sanitise(&mut clean);
            clean
        });
        Self { raw, clean }
    }

    /// Printable ASCII only.
    pub(super) fn text(&self) -> &[u8] {
        self.clean.as_ref().unwrap_or(&self.raw)
    }

    /// The last bytes of the line as it came.
    pub(super) fn end_as_it_came(&self, length: usize) -> &[u8] {
        self.raw.len().checked_sub(length).and_then(|at| self.raw.get(at..)).unwrap_or_default()
    }
}

/// The words that begin a status response (RFC 9051 section 7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Ok,
    No,
    Bad,
    Preauth,
    Bye,
}

impl Status {
    fn parse(word: &[u8]) -> Option<Self> {
        [Self::Ok, Self::No, Self::Bad, Self::Preauth, Self::Bye]
            .into_iter()
            .find(|status| status.as_str().as_bytes().eq_ignore_ascii_case(word))
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::No => "NO",
            Self::Bad => "BAD",
            Self::Preauth => "PREAUTH",
            Self::Bye => "BYE",
        }
    }
}

/// What a line is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ServerLine<'a> {
    /// `+ …`: go on.
    Continue,
    /// `* OK …` and its like.
    ///
    /// `text` is what follows the word.
    Status { status: Status, text: &'a [u8] },
    /// `* CAPABILITY …` with the names.
    Capability { names: &'a [u8] },
    /// Any other untagged line: nothing a sign-in needs.
    Other,
    /// The answer to the command with our tag: only OK, NO or BAD.
    Tagged { status: Status, text: &'a [u8] },
}

impl<'a> ServerLine<'a> {
    /// Reads a line (sanitised, without its end).
    ///
    /// `tag` is that of the command under way.
    pub(super) fn parse(line: &'a [u8], tag: Option<&[u8]>) -> Result<Self, ProtocolViolation> {
        if ends_in_literal(line) {
            return Err(ProtocolViolation::Literal);
        }
        match line {
            [b'+'] | [b'+', b' ', ..] => return Ok(Self::Continue),
            [b'*', b' ', rest @ ..] => {
                let (word, text) = split(rest);
                return Ok(match Status::parse(word) {
                    Some(status) => Self::Status { status, text },
                    None if word.eq_ignore_ascii_case(b"CAPABILITY") => Self::Capability { names: text },
                    None => Self::Other,
                });
            }
            _ => {}
        }
        // RFC 9051 section 2.2.1: a tag names one command. Another's tag is a guess or a replay.
        let (first, rest) = split(line);
        if tag != Some(first) {
            return Err(ProtocolViolation::ForeignTag);
        }
        let (word, text) = split(rest);
        match Status::parse(word) {
            Some(status @ (Status::Ok | Status::No | Status::Bad)) => Ok(Self::Tagged { status, text }),
            _ => Err(ProtocolViolation::OddReply),
        }
    }
}

/// Replaces everything but printable ASCII.
///
/// A lone CR, NUL, and bytes that a parser could cut a character at.
fn sanitise(line: &mut [u8]) {
    for byte in line {
        if !is_printable(*byte) {
            *byte = b'?';
        }
    }
}

fn is_printable(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

/// Rewrites a status response: `prefix`, the word, and the code if there is one.
///
/// Answers whether we had to add `IMAP4rev1` to a list of capabilities, see [`write_capability`].
pub(super) fn write_status(out: &mut Vec<u8>, prefix: &[u8], status: Status, text: &[u8]) -> Option<bool> {
    out.extend_from_slice(prefix);
    out.push(b' ');
    out.extend_from_slice(status.as_str().as_bytes());
    let mut added = None;
    if let Some(code) = text.strip_prefix(b"[") {
        out.extend_from_slice(b" [");
        let end = code.iter().position(|byte| *byte == b']');
        let (name, arguments) = split(code.get(..end.unwrap_or(0)).unwrap_or_default());
        if name.eq_ignore_ascii_case(b"CAPABILITY") {
            added = Some(write_names(out, arguments));
        } else {
            out.extend_from_slice(known_code(str::from_utf8(name).unwrap_or_default()).as_bytes());
        }
        out.push(b']');
    }
    out.extend_from_slice(b"\r\n");
    added
}

/// Rewrites the answer to a command: the tag, the word, and the code of a refusal.
///
/// Nothing reads the code of an answer that is OK. Most servers send all their capabilities in it,
/// a long list that would be rewritten and parsed for every sign-in.
pub(super) fn write_answer(out: &mut Vec<u8>, tag: &[u8], status: Status, text: &[u8]) {
    write_status(out, tag, status, if status == Status::Ok { &[] } else { text });
}

/// Rewrites `* CAPABILITY`.
///
/// A list without `IMAP4rev1` (a server of RFC 9051 alone), one with double spaces or with odd
/// characters would be refused by the parser after us, and a working server would look broken.
///
/// Answers whether we had to add `IMAP4rev1`.
pub(super) fn write_capability(out: &mut Vec<u8>, names: &[u8]) -> bool {
    out.extend_from_slice(b"* ");
    let added = write_names(out, names);
    out.extend_from_slice(b"\r\n");
    added
}

fn write_names(out: &mut Vec<u8>, names: &[u8]) -> bool {
    const REV1: &[u8] = b"IMAP4REV1";
    out.extend_from_slice(b"CAPABILITY IMAP4rev1");
    let mut added = true;
    for name in names.split(|byte| *byte == b' ').filter(|name| name.iter().copied().any(is_name_byte)) {
        if name.eq_ignore_ascii_case(REV1) {
            added = false;
            continue;
        }
        let collides = name.get(..REV1.len()).is_some_and(|head| head.eq_ignore_ascii_case(REV1));
        if !collides && name.iter().copied().all(is_name_byte) {
            out.push(b' ');
            out.extend(name.iter().map(u8::to_ascii_uppercase));
        }
    }
    added
}

/// Whether the server marks this text as a message for the user.
///
/// `ALERT` (RFC 9051 section 7.1), and Gmail's `WEBALERT`.
pub(super) fn is_alert(text: &[u8]) -> bool {
    matches!(code_and_words(text).0, Some((b"ALERT" | b"WEBALERT", _)))
}

/// Whether a greeting names Dovecot.
pub(super) fn names_dovecot(text: &[u8]) -> bool {
    const NAME: &[u8] = b"dovecot";
    text.windows(NAME.len()).any(|word| word.eq_ignore_ascii_case(NAME))
}

/// Keeps the words after the code.
///
/// The text within `WEBALERT` is the address of the page that the user has to open.
pub(super) fn keep_words(reply: &mut ReplyText, text: &[u8]) {
    let (code, words) = code_and_words(text);
    if let Some((b"WEBALERT", address)) = code {
        reply.add(address);
    }
    reply.add(words);
    if is_alert(text) {
        reply.mark_as_alert();
    }
}

/// The known code and its arguments, and the words.
///
/// An unknown code is part of neither.
#[allow(clippy::type_complexity, reason = "a type for this would be longer")]
fn code_and_words(text: &[u8]) -> (Option<(&'static [u8], &[u8])>, &[u8]) {
    let Some(rest) = text.strip_prefix(b"[") else { return (None, text.trim_ascii()) };
    let Some(end) = rest.iter().position(|byte| *byte == b']') else { return (None, text.trim_ascii()) };
    let (name, arguments) = split(rest.get(..end).unwrap_or_default());
    let code = known_code(str::from_utf8(name).unwrap_or_default());
    (Some((code.as_bytes(), arguments)), rest.get(end + 1..).unwrap_or_default().trim_ascii())
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'=' | b'.' | b'_' | b'/' | b':')
}

/// The part before the first space, and the part after it.
fn split(line: &[u8]) -> (&[u8], &[u8]) {
    match line.iter().position(|byte| *byte == b' ') {
        Some(at) => (line.get(..at).unwrap_or_default(), line.get(at + 1..).unwrap_or_default()),
        None => (line, &[]),
    }
}

/// Whether the line announces a literal (RFC 9051 section 4.3).
///
/// What follows would not be lines.
fn ends_in_literal(line: &[u8]) -> bool {
    let Some(inner) = line.strip_suffix(b"}") else { return false };
    let inner = inner.strip_suffix(b"+").or_else(|| inner.strip_suffix(b"-")).unwrap_or(inner);
    let digits = inner.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    digits > 0 && inner.len().checked_sub(digits + 1).and_then(|at| inner.get(at)) == Some(&b'{')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusal::{RefusalTexts, Sent};

    fn status(text: &str) -> (String, Option<bool>) {
        let mut out = Vec::new();
        let added = write_status(&mut out, b"*", Status::No, text.as_bytes());
        (String::from_utf8(out).unwrap(), added)
    }

    #[test]
    fn only_printable_ascii_is_read() {
        let mut line = *b"* OK \0\r\t\x7f\x80\xff~";
        sanitise(&mut line);
        assert_eq!(&line, b"* OK ??????~");
    }

    #[test]
    fn t14_server_words_are_blocked() {
        assert_eq!(status("the password Wonderland-1 is wrong").0, "* NO\r\n");
        assert_eq!(status("[AUTHENTICATIONFAILED] Wonderland-1").0, "* NO [AUTHENTICATIONFAILED]\r\n");
        assert_eq!(status("[Wonderland-1] hm").0, "* NO [UNLISTED]\r\n");
        assert_eq!(status("[REFERRAL imap://evil.example/] go there").0, "* NO [REFERRAL]\r\n");
    }

    #[test]
    fn code_is_case_insensitive_and_a_broken_one_is_still_a_code() {
        assert_eq!(status("[unavailable]").0, "* NO [UNAVAILABLE]\r\n");
        assert_eq!(status("[UNAVAILABLE no bracket").0, "* NO [UNLISTED]\r\n");
        assert_eq!(status("[]").0, "* NO [UNLISTED]\r\n");
    }

    #[test]
    fn words_are_kept_without_their_code() {
        let kept = |text: &str| {
            let mut reply = ReplyText::default();
            keep_words(&mut reply, text.as_bytes());
            let words =
                reply.judge(&RefusalTexts::default(), Sent { name: "alice", password: "Wonderland-1" });
            (words.text.as_str().to_owned(), words.message.map(|text| text.as_str().to_owned()))
        };
        assert_eq!(kept("Sorry, no"), ("Sorry, no".to_owned(), None));
        assert_eq!(kept("[X-OWN 5] Sorry, no"), ("Sorry, no".to_owned(), None));
        assert_eq!(kept("[alert] Sorry, no"), ("Sorry, no".to_owned(), Some("Sorry, no".to_owned())));
        let page = "https://example.com/sign-in Web login required.".to_owned();
        assert_eq!(
            kept("[WEBALERT https://example.com/sign-in] Web login required."),
            (page.clone(), Some(page))
        );
        assert_eq!(kept("[ALERT Sorry"), ("[ALERT Sorry".to_owned(), None));
        assert!(names_dovecot(b"[CAPABILITY IMAP4rev1] DOVECOT (Debian) ready.") && !names_dovecot(b"ready"));
    }

    #[test]
    fn capability_lists_are_normalised_for_the_parser() {
        let list = |names: &str| {
            let mut out = Vec::new();
            let added = write_capability(&mut out, names.as_bytes());
            (String::from_utf8(out).unwrap(), added)
        };
        let cases = [
            ("IMAP4rev2 auth=plain", "* CAPABILITY IMAP4rev1 IMAP4REV2 AUTH=PLAIN\r\n", true),
            ("IMAP4rev1  SASL-IR ", "* CAPABILITY IMAP4rev1 SASL-IR\r\n", false),
            ("IMAP4 imap4REV1", "* CAPABILITY IMAP4rev1 IMAP4\r\n", false),
            ("IMAP4rev1x (a) b% c] AUTH=PLAIN", "* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n", true),
            ("", "* CAPABILITY IMAP4rev1\r\n", true),
        ];
        for (names, expected, added) in cases {
            assert_eq!(list(names), (expected.to_owned(), added), "{names}");
        }
        let (text, added) = status("[CAPABILITY IMAP4rev2  STARTTLS] hello");
        assert_eq!(
            (text.as_str(), added),
            ("* NO [CAPABILITY IMAP4rev1 IMAP4REV2 STARTTLS]\r\n", Some(true))
        );
    }

    #[test]
    fn t08_only_our_tag_with_a_status_word_is_an_answer() {
        let parse = |line: &'static str| ServerLine::parse(line.as_bytes(), Some(b"Gab12"));
        assert_eq!(parse("Gab12 ok"), Ok(ServerLine::Tagged { status: Status::Ok, text: b"" }));
        assert_eq!(parse("Gab12 NO x"), Ok(ServerLine::Tagged { status: Status::No, text: b"x" }));
        for odd in ["Gab12", "Gab12 ", "Gab12 OKAY", "Gab12  OK", "Gab12 PREAUTH", "Gab12 BYE", "Gab12 ?OK"] {
            assert_eq!(parse(odd), Err(ProtocolViolation::OddReply), "{odd}");
        }
        for foreign in ["", " ", "A0001 OK", "Gab123 OK", "gab12 OK", "*OK", "+x", "220 ready", "* "] {
            let read = parse(foreign);
            assert!(
                matches!(read, Err(ProtocolViolation::ForeignTag) | Ok(ServerLine::Other)),
                "{foreign}: {read:?}"
            );
        }
        assert_eq!(ServerLine::parse(b"Gab12 OK", None), Err(ProtocolViolation::ForeignTag));
    }

    #[test]
    fn literals_are_found_at_the_end_of_any_line() {
        for literal in ["* 1 FETCH (BODY[] {400000000}", "x {0}", "x {5+}", "x {5-}", "~{7}", "+ {1}", "{1}"]
        {
            assert_eq!(
                ServerLine::parse(literal.as_bytes(), None),
                Err(ProtocolViolation::Literal),
                "{literal}"
            );
        }
        for harmless in ["* OK {5} in the middle", "* OK {}", "* OK {x5}", "* OK 5}", "* OK {5+-}"] {
            assert!(ServerLine::parse(harmless.as_bytes(), None).is_ok(), "{harmless}");
        }
    }
}
