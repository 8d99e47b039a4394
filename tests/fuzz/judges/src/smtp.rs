//! SMTP: whole dialogues, and what one reply means as the answer to a password.

use std::sync::LazyLock;

use user_backend::fuzzing::smtp::{answer, offer};
use user_backend::smtp::{SmtpBackend, SmtpSettings};
use user_backend::transport::{Endpoint, TlsMode};
use user_backend::{BackendId, Verdict};

use crate::fake_server;

/// The input is what the server says; at each byte 0xFE it waits for one more line from us.
pub fn dialogue(input: &[u8]) {
    static BACKEND: LazyLock<SmtpBackend> = LazyLock::new(|| {
        let endpoint = Endpoint::new("127.0.0.1", fake_server::port(), TlsMode::None);
        SmtpBackend::new(SmtpSettings::new(BackendId::parse("smtp").unwrap(), endpoint)).unwrap()
    });
    let texts: Vec<Vec<u8>> = input.split(|byte| *byte == 0xfe).map(<[u8]>::to_vec).collect();
    let (verdict, played) = fake_server::attempt(&*BACKEND, fake_server::Script::Lines(texts));
    let secrets = ["AGFsaWNlAFdvbmRlcmxhbmQtMQ==", "V29uZGVybGFuZC0x"];
    let is_secret =
        |line: &[u8]| secrets.iter().any(|secret| line.ends_with(format!("{secret}\r\n").as_bytes()));
    let sent: Vec<_> = played.received.iter().filter(|(line, _)| is_secret(line)).collect();
    assert!(sent.len() <= 1, "the password was sent twice: {played:?}");
    match verdict {
        Ok(Verdict::Accepted(_)) => {
            let [(_, reply)] = sent[..] else { panic!("a yes to nothing: {played:?}") };
            assert!(reply.starts_with(b"235"), "a yes that was not sent: {played:?}");
        }
        Ok(Verdict::Rejected(_)) => {
            let is_no = |reply: &[u8]| reply.split(|byte| *byte == b'\n').any(|line| line.starts_with(b"5"));
            assert!(
                played.received.iter().any(|(_, reply)| is_no(reply)),
                "a no that was not sent: {played:?}"
            );
        }
        Ok(Verdict::NotMine) => panic!("every user may be on this server"),
        Err(error) => fake_server::has_no_secret(&error),
    }
}

/// First byte: whether the connection is encrypted.
///
/// After it the reply.
pub fn reply(input: &[u8]) {
    let Some((how, reply)) = input.split_first() else { return };
    let lines: Vec<&[u8]> = reply.split(|byte| *byte == b'\n').collect();
    let code = reply.get(..3).unwrap_or_default();
    match answer(reply, how & 1 == 1) {
        Some(Ok(true)) => assert_eq!(code, b"235", "a yes that was not sent"),
        Some(Ok(false)) => assert_eq!(code.first(), Some(&b'5'), "a no that was not sent"),
        Some(Err(error)) => fake_server::has_no_secret(&error),
        None => {}
    }
    if let Some(offered) = offer(reply) {
        for (is_offered, word) in offered.into_iter().zip(["STARTTLS", "PLAIN", "LOGIN"]) {
            let is_said = lines.iter().skip(1).any(|line| {
                line.to_ascii_uppercase().windows(word.len()).any(|part| part == word.as_bytes())
            });
            assert!(!is_offered || is_said, "{word} was not offered");
        }
    }
}
