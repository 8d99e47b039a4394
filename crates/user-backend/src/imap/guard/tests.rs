use tokio::io::AsyncReadExt;

use super::*;
use crate::imap::script::{ScriptedServer, say};
use crate::refusal::ReplyClass;
use crate::verdict::Rejection;

const TAG: &str = "Gab12";

/// What the parser would be given, one entry per read, and how it ended.
async fn read_all(guard: &mut Guard<ScriptedServer>) -> (Vec<String>, io::Result<()>) {
    let mut lines = Vec::new();
    let mut buffer = [0; 2 * MAX_LINE];
    loop {
        match guard.read(&mut buffer).await {
            Ok(0) => return (lines, Ok(())),
            Ok(count) => lines.push(String::from_utf8(buffer[..count].to_vec()).unwrap()),
            Err(error) => return (lines, Err(error)),
        }
    }
}

fn violation(error: &io::Error) -> ProtocolViolation {
    *error.get_ref().unwrap().downcast_ref().unwrap()
}

/// A guard that has passed the greeting.
async fn greeted(server: ScriptedServer) -> Guard<ScriptedServer> {
    let mut guard = Guard::new(server);
    assert_ne!(guard.read(&mut [0; MAX_LINE]).await.unwrap(), 0);
    guard
}

/// A guard in the middle of a command.
async fn in_command(server: ScriptedServer, continuation: bool) -> Guard<ScriptedServer> {
    let mut guard = greeted(server).await;
    guard.begin(TAG, continuation).await.unwrap();
    guard
}

/// Everything the server says after the greeting, as the parser would be given it.
async fn after_greeting(text: impl AsRef<[u8]>, continuation: bool) -> (Vec<String>, io::Result<()>) {
    // Stuttering: what follows the greeting has not arrived yet when the command begins.
    let mut server = ScriptedServer::new([say("* OK hi\r\n"), say(text)]);
    server.stutters = true;
    let mut guard = in_command(server, continuation).await;
    read_all(&mut guard).await
}

#[tokio::test]
async fn each_read_gives_exactly_one_line() {
    let (lines, end) =
        after_greeting("* OK one\r\n* CAPABILITY x\r\n* LIST () \"/\" a\r\nGab12 OK\r\n", false).await;
    assert_eq!(lines, ["* OK\r\n", "* CAPABILITY IMAP4rev1 X\r\n", "Gab12 OK\r\n"]);
    assert!(end.is_ok());
}

#[tokio::test]
async fn dropped_line_never_leaks_in_any_pieces() {
    let text = "* OK hi\r\n* 1 FETCH (INTERNALDATE NIL)\r\n* 1 FETCH ((((\r\nGab12 NO\r\n";
    for at in 0..text.len() {
        let mut server = ScriptedServer::new([say("* OK hi\r\n"), say(&text[9..])]).stuttering();
        server.split_at = Some(at);
        let (lines, end) = read_all(&mut in_command(server, false).await).await;
        assert_eq!(lines, ["Gab12 NO\r\n"], "split at {at}");
        assert!(end.is_ok());
    }
}

#[tokio::test]
async fn line_comes_whole_through_a_small_buffer() {
    let server = ScriptedServer::new([say("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi\r\n* OK x\r\n")]);
    let mut guard = Guard::new(server);
    let mut all = Vec::new();
    let mut buffer = [0; 7];
    while !all.ends_with(b"\r\n") {
        let count = guard.read(&mut buffer).await.unwrap();
        all.extend_from_slice(&buffer[..count]);
    }
    assert_eq!(all, b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN]\r\n");
}

#[tokio::test]
async fn line_of_8_kib_passes_and_a_longer_one_does_not() {
    let line = |bytes: usize| format!("* OK {}\r\n", "x".repeat(bytes - 5));
    let (lines, end) = after_greeting(line(MAX_LINE), false).await;
    assert_eq!((lines.len(), end.is_ok()), (1, true));
    let (lines, end) = after_greeting(line(MAX_LINE + 1), false).await;
    assert_eq!((lines.len(), violation(&end.unwrap_err())), (0, ProtocolViolation::LineTooLong));
    let (_, end) = after_greeting("(".repeat(100_000), false).await;
    assert_eq!(violation(&end.unwrap_err()), ProtocolViolation::LineTooLong);
}

#[tokio::test]
async fn t20_at_most_64_kib_are_read() {
    for line in ["* OK passed\r\n", "* 1 EXISTS\r\n"] {
        let server = ScriptedServer::new([say("* OK hi\r\n"), say(line.repeat(10_000))]).stuttering();
        let record = server.record();
        let mut guard = in_command(server, false).await;
        let (_, end) = read_all(&mut guard).await;
        assert_eq!(violation(&end.unwrap_err()), ProtocolViolation::TooMuch);
        assert_eq!(record.lock().unwrap().sent.len(), MAX_TOTAL + 1);
        assert!(guard.raw.is_empty() && guard.out.is_empty());
    }
}

#[tokio::test]
async fn bytes_before_encryption_count() {
    let server = ScriptedServer::new([say("* OK x\r\n".repeat(10))]).stuttering();
    let mut guard = Guard::resumed(server, Before { total: MAX_TOTAL - 20, is_dovecot: false });
    guard.begin(TAG, false).await.unwrap();
    let (lines, end) = read_all(&mut guard).await;
    assert_eq!((lines.len(), violation(&end.unwrap_err())), (0, ProtocolViolation::TooMuch));
}

#[tokio::test]
async fn violations_after_the_greeting() {
    let cases: [(&[u8], ProtocolViolation); 16] = [
        (b"A0001 OK\r\n", ProtocolViolation::ForeignTag),
        (b"Gab123 OK\r\n", ProtocolViolation::ForeignTag),
        (b"*OK\r\n", ProtocolViolation::ForeignTag),
        (b"\r\n", ProtocolViolation::ForeignTag),
        (b"HTTP/1.1 200 OK\r\n", ProtocolViolation::ForeignTag),
        (b"\x16\x03\x01\x02\n", ProtocolViolation::BareLineFeed),
        (b"Gab12 OKAY\r\n", ProtocolViolation::OddReply),
        (b"Gab12  OK\r\n", ProtocolViolation::OddReply),
        (b"Gab12 PREAUTH\r\n", ProtocolViolation::OddReply),
        (b"Gab12 \rOK\r\n", ProtocolViolation::OddReply),
        (b"Gab12 OK\n", ProtocolViolation::BareLineFeed),
        (b"* OK x\nGab12 OK\r\n", ProtocolViolation::BareLineFeed),
        (b"* PREAUTH\r\n", ProtocolViolation::Preauth),
        (b"+ \r\n", ProtocolViolation::OddContinuation),
        (b"* 1 FETCH (BODY[] {400000000}\r\n", ProtocolViolation::Literal),
        (b"Gab12 NO {5+}\r\n", ProtocolViolation::Literal),
    ];
    for (text, expected) in cases {
        let (lines, end) = after_greeting(text, false).await;
        assert!(lines.is_empty(), "{lines:?}");
        assert_eq!(violation(&end.unwrap_err()), expected, "{}", String::from_utf8_lossy(text));
    }
}

#[tokio::test]
async fn only_a_greeting_comes_first() {
    let odd = [
        "* CAPABILITY IMAP4rev1\r\n",
        "* 1 EXISTS\r\n",
        "* NO\r\n",
        "* BAD\r\n",
        "+ \r\n",
        "220 ftp.example.com ready\r\n",
        "+OK pop\r\n",
        "A0001 OK\r\n",
    ];
    for text in odd {
        let (lines, end) = read_all(&mut Guard::new(ScriptedServer::new([say(text)]))).await;
        assert_eq!((lines.len(), violation(&end.unwrap_err())), (0, ProtocolViolation::NoGreeting), "{text}");
    }
    for text in ["* OK\r\n", "* ok hi\r\n", "* PREAUTH x\r\n", "* BYE\r\n"] {
        let (lines, _) = read_all(&mut Guard::new(ScriptedServer::new([say(text)]))).await;
        assert_eq!(lines.len(), 1, "{text}");
    }
}

#[tokio::test]
async fn continuation_is_taken_once_and_loses_its_text() {
    let (lines, end) = after_greeting("+ send me {your} password\r\n+ \r\n", true).await;
    assert_eq!(
        (lines, violation(&end.unwrap_err())),
        (vec!["+ \r\n".to_owned()], ProtocolViolation::OddContinuation)
    );
    let (lines, _) = after_greeting("+\r\n", true).await;
    assert_eq!(lines, ["+ \r\n"]);
    let (lines, end) = after_greeting("+x\r\n", true).await;
    assert_eq!((lines.len(), violation(&end.unwrap_err())), (0, ProtocolViolation::ForeignTag));
}

#[tokio::test]
async fn t08_yes_before_our_turn_is_a_violation_and_no_is_an_answer() {
    let (_, end) = after_greeting("Gab12 OK\r\n", true).await;
    assert_eq!(violation(&end.unwrap_err()), ProtocolViolation::EarlyYes);
    let (_, end) = after_greeting("+ \r\nGab12 OK\r\n", true).await;
    assert_eq!(violation(&end.unwrap_err()), ProtocolViolation::EarlyYes);
    let (lines, _) = after_greeting("Gab12 NO\r\n", true).await;
    assert_eq!(lines, ["Gab12 NO\r\n"]);
}

#[tokio::test]
async fn yes_after_the_continuation_stops_the_password() {
    let server = ScriptedServer::new([say("* OK hi\r\n"), say("+ \r\nGab12 OK\r\n")]).stuttering();
    let mut guard = in_command(server, true).await;
    let mut buffer = [0; 64];
    assert_eq!(guard.read(&mut buffer).await.unwrap(), 4);
    assert_eq!(violation(&guard.take_turn(false).await.unwrap_err()), ProtocolViolation::EarlyYes);
    assert_eq!(violation(&guard.send(b"secret").await.unwrap_err()), ProtocolViolation::OutOfStep);
}

#[tokio::test]
async fn untagged_lines_may_wait_before_a_command_and_nothing_else() {
    let waiting = |text: &str| {
        let server = ScriptedServer::new([say("* OK hi\r\n"), say(text)]).hanging();
        async move {
            let mut guard = greeted(server).await;
            guard.begin(TAG, false).await
        }
    };
    for text in ["", "*", "* ", "* OK mo", "* OK more\r\n* 1 EXISTS\r\n", "* CAPABILITY X\r\n* "] {
        assert!(waiting(text).await.is_ok(), "{text:?}");
    }
    for text in ["G", "Gab12 OK\r\n", "A0001 OK\r\n", "* OK\r\nG", "*x", "\r\n"] {
        assert_eq!(violation(&waiting(text).await.unwrap_err()), ProtocolViolation::EarlyReply, "{text:?}");
    }
    assert_eq!(violation(&waiting("+ \r\n").await.unwrap_err()), ProtocolViolation::OddContinuation);
    assert_eq!(violation(&waiting("* PREAUTH\r\n").await.unwrap_err()), ProtocolViolation::Preauth);
    assert_eq!(violation(&waiting("* OK {5}\r\n").await.unwrap_err()), ProtocolViolation::Literal);
    assert_eq!(waiting("* BYE\r\n").await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn goodbye_is_final() {
    let (lines, end) = after_greeting("* BYE [UNAVAILABLE] x\r\nGab12 OK\r\n", false).await;
    assert_eq!(lines, ["* BYE [UNAVAILABLE]\r\n"]);
    assert!(end.is_ok());
}

#[tokio::test]
async fn line_cut_off_by_the_end_is_not_a_line() {
    let (lines, end) = after_greeting("Gab12 OK\r", false).await;
    assert_eq!((lines.len(), end.unwrap_err().kind()), (0, io::ErrorKind::UnexpectedEof));
}

#[tokio::test]
async fn bytes_after_the_answer_to_starttls_are_a_violation() {
    for (behind, together) in [("", true), ("x", true), ("* OK x\r\n", true), ("x", false), ("* ", false)] {
        let mut steps =
            vec![say("* OK hi\r\n"), say(format!("Gab12 OK\r\n{}", if together { behind } else { "" }))];
        if !together {
            steps.push(say(behind));
        }
        let mut server = ScriptedServer::new(steps).hanging();
        // The greeting alone first, then the rest at once.
        server.split_at = Some(9);
        let mut guard = greeted(server).await;
        guard.begin(TAG, false).await.unwrap();
        assert_eq!(guard.read(&mut [0; 64]).await.unwrap(), 10);
        let inner = guard.into_silent_inner().await;
        match behind {
            "" => assert!(inner.is_ok()),
            _ => assert_eq!(
                violation(&inner.unwrap_err()),
                ProtocolViolation::Injected,
                "{behind:?} {together}"
            ),
        }
    }
}

#[tokio::test]
async fn writes_beside_the_guard_fail() {
    let mut guard = in_command(ScriptedServer::new([say("* OK hi\r\n")]).hanging(), false).await;
    assert_eq!(violation(&guard.write_all(b"A0001 LOGIN").await.unwrap_err()), ProtocolViolation::OutOfStep);
    assert!(guard.send(b"Gab12 NOOP\r\n").await.is_ok());
}

#[tokio::test]
async fn debug_shows_no_bytes() {
    let mut guard = Guard::new(ScriptedServer::new([say("* OK Wonderland-1\r\nWonder")]));
    assert_eq!(guard.read(&mut [0; 4]).await.unwrap(), 4);
    let shown = format!("{guard:?}");
    assert!(shown.contains("Guard") && !shown.contains("Wonder"), "{shown}");
}

fn words(guard: &mut Guard<ScriptedServer>, taught: &RefusalTexts) -> (ReplyClass, String, Option<String>) {
    let words = guard.take_words(taught, Sent { name: "alice", password: "Wonderland-1" });
    (words.class, words.text.as_str().to_owned(), words.message.map(|text| text.as_str().to_owned()))
}

/// A guard that has read this in answer to a command.
async fn answered(text: &str) -> Guard<ScriptedServer> {
    let mut server = ScriptedServer::new([say("* OK hi\r\n"), say(text)]);
    server.stutters = true;
    let mut guard = in_command(server, false).await;
    read_all(&mut guard).await.1.unwrap();
    guard
}

#[tokio::test]
async fn words_leave_the_guard_as_a_class_and_a_server_text_only() {
    let taught = RefusalTexts::parse(["Go away, {name}"]).unwrap();
    let refusal = ReplyClass::Refusal(Rejection::BadCredentials);
    for (answer, class, text, message) in [
        ("Gab12 NO Login failed.", refusal, "", None),
        ("Gab12 NO Go away, alice", refusal, "", None),
        ("Gab12 NO Server is busy", ReplyClass::Outage, "Server is busy", None),
        ("Gab12 NO The flux is gone", ReplyClass::Unknown, "The flux is gone", None),
        ("Gab12 NO The flux of alice is gone", ReplyClass::Unknown, "", None),
        ("Gab12 NO The flux of Wonderland-1 is gone", ReplyClass::Unknown, "", None),
        ("Gab12 BAD What?", ReplyClass::Unknown, "What?", None),
        ("Gab12 OK Login failed.", ReplyClass::Unknown, "", None),
        ("* NO Login failed.\r\nGab12 NO", ReplyClass::Unknown, "", None),
        ("Gab12 NO [ALERT] Pay \u{fc}ber", ReplyClass::Unknown, "Pay \u{fc}ber", Some("Pay \u{fc}ber")),
        ("* OK [ALERT] Moving on Monday\r\nGab12 NO Login failed.", refusal, "", Some("Moving on Monday")),
        (
            "* NO [WEBALERT https://example.com/x] Web login required.\r\nGab12 NO [ALERT] Web login required.",
            ReplyClass::Refusal(Rejection::AccountLocked),
            "Web login required.",
            Some("Web login required."),
        ),
    ] {
        let mut guard = answered(&format!("{answer}\r\n")).await;
        let expected = (class, text.to_owned(), message.map(str::to_owned));
        assert_eq!(words(&mut guard, &taught), expected, "{answer}");
        // Once.
        assert_eq!(words(&mut guard, &taught), (ReplyClass::Unknown, String::new(), None), "{answer}");
    }
}

#[tokio::test]
async fn alert_with_the_password_is_withheld() {
    let mut guard = answered("* OK [ALERT] Wonderland-1 leaked\r\nGab12 NO Login failed.\r\n").await;
    assert_eq!(words(&mut guard, &RefusalTexts::default()).2, Some(String::new()));
}

#[tokio::test]
async fn words_of_one_command_are_not_those_of_the_next() {
    let server = ScriptedServer::new([
        say("* OK hi\r\n"),
        crate::imap::script::ScriptStep::Receive,
        say("Gab12 NO Login failed.\r\n"),
        crate::imap::script::ScriptStep::Receive,
        say("Gab12 NO\r\n"),
    ]);
    let mut guard = greeted(server.hanging()).await;
    for _ in 0..2 {
        guard.begin(TAG, false).await.unwrap();
        guard.send(b"Gab12 NOOP\r\n").await.unwrap();
        assert_ne!(guard.read(&mut [0; 64]).await.unwrap(), 0);
    }
    assert_eq!(words(&mut guard, &RefusalTexts::default()).0, ReplyClass::Unknown);
}

#[tokio::test]
async fn dovecot_is_known_by_its_greeting() {
    for (greeting, is_dovecot) in [
        ("* OK [CAPABILITY IMAP4rev1] Dovecot (Debian) ready.\r\n", true),
        ("* OK dovecot\r\n", true),
        ("* OK [CAPABILITY IMAP4rev1] ready.\r\n* OK Dovecot\r\n", false),
    ] {
        let guard = greeted(ScriptedServer::new([say(greeting)])).await;
        assert_eq!(guard.is_dovecot(), is_dovecot, "{greeting}");
        assert_eq!(guard.before().is_dovecot, is_dovecot);
    }
}

#[tokio::test]
async fn turn_may_be_followed_by_another() {
    let mut server = ScriptedServer::new([say("* OK hi\r\n"), say("+ \r\n+ \r\nGab12 OK\r\n")]);
    server.stutters = true;
    let mut guard = in_command(server, true).await;
    assert_eq!(guard.read(&mut [0; 64]).await.unwrap(), 4);
    // The second one is there before the first was used.
    assert_eq!(violation(&guard.take_turn(true).await.unwrap_err()), ProtocolViolation::OddContinuation);
}
