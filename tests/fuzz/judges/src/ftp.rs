//! FTP: whole dialogues, what the guard hands out, and what one reply means.

use std::sync::LazyLock;

use user_backend::ftp::{FtpBackend, FtpSettings};
use user_backend::fuzzing::ftp::{NextStep, guarded, meaning, reply as judged};
use user_backend::transport::{Endpoint, TlsMode};
use user_backend::{BackendId, Verdict};

use crate::fake_server::{self, PASSWORD, Played};

/// What the guard reads of one connection.
const MOST: usize = 64 * 1024;

/// The input is what the server sends; each byte 0xFE waits for one more client line.
pub fn dialogue(input: &[u8]) {
    static BACKEND: LazyLock<FtpBackend> = LazyLock::new(|| {
        let endpoint = Endpoint::new("127.0.0.1", fake_server::port(), TlsMode::None);
        FtpBackend::new(FtpSettings::new(BackendId::parse("ftp").unwrap(), endpoint)).unwrap()
    });
    let texts: Vec<Vec<u8>> = input.split(|byte| *byte == 0xfe).map(<[u8]>::to_vec).collect();
    let (answer, played) = fake_server::attempt(&*BACKEND, fake_server::Script::Lines(texts));
    let after = |verb: &str, code: &str| {
        let reply = played.after(verb);
        reply.split(|byte| *byte == b'\n').any(|line| line.starts_with(code.as_bytes()))
    };
    match answer {
        Ok(Verdict::Accepted(_)) => {
            assert!(after("USER ", "331") && after("PASS ", "230"), "a yes that was not sent: {played:?}");
        }
        Ok(Verdict::Rejected(_)) => {
            let is_no = |verb| after(verb, "4") || after(verb, "5");
            assert!(is_no("PASS ") || is_no("USER "), "a no that was not sent: {played:?}");
        }
        Ok(Verdict::NotMine) => panic!("every user may be on this server"),
        Err(error) => fake_server::has_no_secret(&error),
    }
    let Played { received, .. } = &played;
    let sent =
        received.iter().filter(|(line, _)| line.windows(PASSWORD.len()).any(|w| w == PASSWORD.as_bytes()));
    assert!(sent.count() <= 1, "the password was sent twice: {played:?}");
}

/// First byte: how much is read at a time.
///
/// After it what the server sends.
pub fn guard(input: &[u8]) {
    let Some((size, stream)) = input.split_first() else { return };
    let reads = fake_server::block_on(guarded(stream.to_vec(), usize::from(*size)));
    let out = reads.concat();
    // A code without a text gets a space and a dot, a line end its CR.
    let lines = stream.iter().filter(|byte| **byte == b'\n').count();
    assert!(out.len() <= stream.len().min(MOST) + 3 * lines, "something was made up");
    for read in &reads {
        let end = read.iter().position(|byte| *byte == b'\n').map_or(read.len(), |at| at + 1);
        assert_eq!(end, read.len(), "more than one line in one read");
    }
    let lines: Vec<&[u8]> = stream.split(|byte| *byte == b'\n').collect();
    for passed in out.split(|byte| *byte == b'\n') {
        for (column, byte) in passed.iter().enumerate() {
            let code = column < 3 && byte.is_ascii_digit() || column == 3 && matches!(byte, b' ' | b'-');
            assert!(*byte == b'.' || *byte == b'\r' || code, "{passed:?}");
        }
        if let Some(code) = passed.get(..3).filter(|code| code.iter().all(u8::is_ascii_digit)) {
            assert!(lines.iter().any(|line| line.starts_with(code)), "{passed:?} was not sent");
        }
    }
}

/// First byte: 0 to 3 what the reply answers, 4 = encrypted.
///
/// After it the reply.
pub fn reply(input: &[u8]) {
    let Some((how, body)) = input.split_first() else { return };
    let (stage, encrypted) = (how & 3, how & 4 == 4);
    let step = judged(stage, body, encrypted);
    let code = whole(body);
    let expected = match (stage, code) {
        (0, Some(220)) | (1, Some(234)) | (2, Some(331)) | (3, Some(230)) => Some(NextStep::Proceed),
        (0, Some(120)) => Some(NextStep::Wait),
        // Words decide; see the table beside the code. What is on the list of outages is never a
        // no.
        (2 | 3, Some(400..=599)) if meaning(body) != Some(NextStep::Wait) => {
            let is_no = matches!(step, Ok(NextStep::Rejected) | Err(_));
            assert!(is_no, "{:?}", String::from_utf8_lossy(body));
            return;
        }
        _ => None,
    };
    assert_eq!(step.as_ref().ok().copied(), expected, "{:?}", String::from_utf8_lossy(body));
    if let Err(fault) = step {
        let shown = code.map(|code| code.to_string());
        let digits: String = fault.detail().chars().filter(char::is_ascii_digit).collect();
        assert!(digits.is_empty() || Some(digits) == shown, "{fault:?}");
    }
}

/// RFC 959 section 4.2 in its simplest form: the code of a valid reply.
fn whole(body: &[u8]) -> Option<u16> {
    let text = String::from_utf8_lossy(body);
    let lines: Vec<&str> = text.strip_suffix('\n')?.split('\n').collect();
    let code = |line: &str, mark: char| {
        let (digits, rest) = (line.get(..3)?, line.get(3..)?);
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && rest.starts_with(mark);
        digits.parse().ok().filter(|code| plain && (100..600).contains(code))
    };
    let (first, last) = (*lines.first()?, *lines.last()?);
    if lines.len() == 1 {
        return code(first, ' ');
    }
    let between = lines.get(1..lines.len() - 1)?;
    let opens: Option<u16> = code(first, '-');
    (opens == code(last, ' ') && between.iter().all(|line| code(line, ' ').is_none())).then_some(opens)?
}
