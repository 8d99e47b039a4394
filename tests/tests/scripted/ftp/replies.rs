//! Every reply at every place has one meaning, with and without TLS.

use user_backend::resolver::canary::Canary;
use user_backend::{Credentials, Resolver};

use super::*;

#[tokio::test]
async fn reply_to_pass_decides_in_every_mode() {
    let keys = Keys::good();
    for (reply, expected) in [
        ("230 welcome\r\n", "accepted"),
        ("230 welcome\n", "accepted"),
        ("230-welcome\r\nback\r\n 530 is but a number\r\n230 here\r\n", "accepted"),
        ("230\r\n", "accepted"),
        ("230-welcome\r\n530\r\n230\r\n", "accepted"),
        ("530 Login incorrect.\r\n", "bad_credentials"),
        ("530-Login\r\n530 incorrect.\r\n", "bad_credentials"),
        ("430 no\r\n", "bad_credentials"),
        ("550 Access denied.\r\n", "bad_credentials"),
        ("530 User cannot log in, home directory inaccessible.\r\n", "account_disabled"),
        ("500 OOPS: cannot change directory:/home/alice\r\n", "account_disabled"),
        (
            "530 no\r\n",
            "unavailable login: the server's answer is not recognised as a refusal (reply 530 to PASS)",
        ),
        (
            "530\r\n",
            "unavailable login: the server's answer is not recognised as a refusal (reply 530 to PASS)",
        ),
        (
            "500 OOPS: chroot\r\n",
            "unavailable login: the server's answer is not recognised as a refusal (reply 500 to PASS)",
        ),
        (
            "530 Sorry, the maximum number of clients (10) from your host are already connected.\r\n",
            "unavailable login: the server did not judge the login",
        ),
        ("430 Temporary failure\r\n", "unavailable login: the server cannot answer now (reply 430 to PASS)"),
        ("421 later\r\n", "unavailable login: the server cannot answer now (reply 421 to PASS)"),
        (
            "202 superfluous\r\n",
            "misconfigured login: the server did not check the password (reply 202 to PASS)",
        ),
        ("232 welcome\r\n", "misconfigured login: the server did not check the password (reply 232 to PASS)"),
        (
            "332 account?\r\n",
            "misconfigured login: the server wants an account beside the password (reply 332 to PASS)",
        ),
        ("331 again\r\n", "protocol login: the server broke the rules of FTP (reply 331 to PASS)"),
        ("220 hello\r\n", "protocol login: the server broke the rules of FTP (reply 220 to PASS)"),
        // One code to begin with, another at the end.
        ("530-no\r\n230 yes\r\n", "protocol login: the server does not speak FTP"),
        ("530-no\r\n230 yes\r\n530 no\r\n", "protocol login: the server does not speak FTP"),
        ("230-yes\r\n530 no\r\n", "protocol login: the server does not speak FTP"),
        ("230-yes\r\n331 what\r\n230 yes\r\n", "protocol login: the server does not speak FTP"),
        // No reply at all.
        ("+230 yes\r\n230 yes\r\n", "protocol login: the server does not speak FTP"),
        ("yes\r\n230 yes\r\n", "protocol login: the server does not speak FTP"),
        ("230x yes\r\n230 yes\r\n", "protocol login: the server does not speak FTP"),
        ("630 yes\r\n", "protocol login: the server does not speak FTP"),
        ("\r\n230 yes\r\n", "protocol login: the server does not speak FTP"),
        ("", "unavailable login: the server closed the connection"),
        ("230", "unavailable login: the server closed the connection"),
        ("230 yes", "unavailable login: the server closed the connection"),
        ("230-yes\r\n", "unavailable login: the server closed the connection"),
    ] {
        for mode in MODES {
            let peer = FakeServer::start([keys.ready(mode), to_pass(reply)].concat()).await;
            let answer = ask(keys.endpoint(&peer, mode)).await;
            // In clear text the server may want TLS, which the text says too.
            let is_expected = answer == expected
                || answer.starts_with(&format!("{expected} (reply 530"))
                || answer.starts_with(&format!("{expected}; it may require tls"));
            let allowed = is_expected || is_a_cut(reply, &answer);
            assert!(allowed, "{reply:?} over {mode}: {answer}, not {expected}");
            assert_eq!(peer.connections(), 1, "one attempt, one login");
        }
    }
}

/// A server that hangs up may have compared the password before.
///
/// That counts at the limits of the backend.
#[tokio::test]
async fn connection_lost_after_the_password_is_unanswered() {
    let keys = Keys::good();
    for mode in MODES {
        for (script, is_unanswered) in [
            (vec![ScriptStep::Expect("USER ")], false),
            (
                vec![
                    ScriptStep::Expect("USER "),
                    ScriptStep::send("331 password?\r\n"),
                    ScriptStep::Expect("PASS "),
                ],
                true,
            ),
            (to_pass("230"), true),
            (to_pass("421 later\r\n"), false),
        ] {
            let peer = FakeServer::start([keys.ready(mode), script.clone()].concat()).await;
            let error =
                ask_for(&backend(keys.endpoint(&peer, mode)), "alice", "Wonderland-1").await.unwrap_err();
            let counts = error.is_unanswered() || error.counts_as_guess();
            assert_eq!(counts, is_unanswered, "{script:?} over {mode}: {error}");
        }
    }
}

#[tokio::test]
async fn t03_reply_to_user_is_never_a_wrong_password() {
    let keys = Keys::good();
    // The outcome in clear text, where the server may be asking for TLS, and under TLS.
    for (reply, clear, encrypted) in [
        ("230 come in\r\n", "misconfigured", "misconfigured"),
        ("230-come\r\n230 in\r\n", "misconfigured", "misconfigured"),
        ("232 come in\r\n", "misconfigured", "misconfigured"),
        ("332 account?\r\n", "misconfigured", "misconfigured"),
        ("530 who?\r\n", "misconfigured", "unknown_user"),
        ("530\r\n", "misconfigured", "unknown_user"),
        ("550 who?\r\n", "misconfigured", "unknown_user"),
        ("430 who?\r\n", "unavailable", "unknown_user"),
        ("530 Permission denied.\r\n", "unknown_user", "unknown_user"),
        ("530 Non-anonymous sessions must use encryption.\r\n", "misconfigured", "unavailable"),
        ("530 Sorry, too many users.\r\n", "misconfigured", "unavailable"),
        ("550 SSL/TLS required on the control channel\r\n", "misconfigured", "unavailable"),
        ("534 tls first\r\n", "misconfigured", "misconfigured"),
        ("421 later\r\n", "unavailable", "unavailable"),
        ("421-tls\r\n421 first\r\n", "unavailable", "unavailable"),
        ("500 what\r\n", "protocol", "protocol"),
        ("220 hello\r\n", "protocol", "protocol"),
        ("334 more\r\n", "protocol", "protocol"),
        ("230-in\r\n331 password?\r\n", "protocol", "protocol"),
        ("331-password?\r\n230 in\r\n", "protocol", "protocol"),
        ("SSH-2.0-OpenSSH_9.2\r\n", "protocol", "protocol"),
    ] {
        for mode in MODES {
            let peer = FakeServer::start([keys.ready(mode), to_user(reply)].concat()).await;
            let answer = ask(keys.endpoint(&peer, mode)).await;
            let expected = if mode == TlsMode::None { clear } else { encrypted };
            let is_expected = answer == expected || answer.starts_with(&format!("{expected} login: "));
            assert!(is_expected, "{reply:?} over {mode}: {answer}");
            assert!(!peer.received_text().contains("PASS"), "the password was shown after {reply:?}");
        }
    }
}

/// A server with a list of names (vsftpd with `userlist_deny=NO`), and a second backend.
#[tokio::test]
async fn name_refused_at_user_goes_to_the_next_backend() {
    let keys = Keys::good();
    let refuses = [keys.ready(TlsMode::Explicit), to_user("530 Permission denied.\r\n")].concat();
    let accepts = [keys.ready(TlsMode::Explicit), to_pass("230 in\r\n")].concat();
    let (first, second) = (FakeServer::start(refuses).await, FakeServer::start(accepts).await);
    let link = |id: &str, peer: &FakeServer| {
        let endpoint = keys.endpoint(peer, TlsMode::Explicit);
        FtpBackend::new(FtpSettings::new(BackendId::parse(id).unwrap(), endpoint)).unwrap()
    };
    let builder = Resolver::builder().backend(link("listed", &first)).backend(link("files", &second));
    let resolver = builder.build().unwrap();
    assert_eq!(resolver.canary().await[0].1, Canary::Refused);
    let answer = resolver.authenticate(Credentials::new("alice", "Wonderland-1")).await;
    // The other server accepts the canary, so it is not asked.
    assert_eq!(answer.trace.steps[0].reason.as_deref(), Some("unknown user"), "{:?}", answer.trace);
    assert!(!first.received_text().contains("PASS"));
}

/// A server that refuses in its own words: two canaries teach them.
#[tokio::test]
async fn words_of_two_canaries_are_a_refusal() {
    let keys = Keys::good();
    let reply = |text: &str| [keys.ready(TlsMode::Explicit), to_pass(text)].concat();
    let no = reply("530 The gate stays shut.\r\n");
    for (scripts, canary, word, reason) in [
        (
            vec![no.clone(); 3],
            Canary::RefusedInOwnWords("the gate stays shut.".to_owned()),
            "refused",
            "wrong name or password",
        ),
        (
            ["a1", "b2", "c3", "d4", "e5"].map(|ticket| reply(&format!("530 No ({ticket})\r\n"))).to_vec(),
            Canary::NotRecognised(String::new()),
            "unavailable",
            "the server's answer is not recognised as a refusal (reply 530 to PASS)",
        ),
        // Words of an outage are not learned, even if two canaries got them.
        (
            vec![reply("530 Sorry, the gate is down.\r\n"); 3],
            Canary::Unknown(String::new()),
            "unavailable",
            "the server did not judge the login (reply 530 to PASS)",
        ),
    ] {
        let peer = FakeServer::start_each(scripts).await;
        let resolver =
            Resolver::builder().backend(backend(keys.endpoint(&peer, TlsMode::Explicit))).build().unwrap();
        let found = resolver.canary().await.remove(0).1;
        assert_eq!(std::mem::discriminant(&found), std::mem::discriminant(&canary), "{found:?}");
        if let Canary::RefusedInOwnWords(_) = canary {
            assert_eq!(found, canary);
        }
        let answer = resolver.authenticate(Credentials::new("alice", "Wonderland-1")).await;
        assert_eq!(answer.outcome.as_str(), word, "{answer:?}");
        assert_eq!(answer.trace.steps[0].reason.as_deref(), Some(reason));
    }
}

/// Replies of real servers that break RFC 959: they are read, or refused at once.
#[tokio::test]
async fn odd_replies_of_real_servers_end_before_the_timeout() {
    let keys = Keys::good();
    for (greeting, expected) in [
        ("test disclaimer\r\n220 ready\r\n", "accepted"),
        ("\r\n***\r\nTerms of use\r\n220 ready\r\n", "accepted"),
        ("220-x\r\n220\r\n", "accepted"),
        ("220\r\n", "accepted"),
        ("220-Welcome\r\n500 users are here\r\n220 ready\r\n", "accepted"),
        ("120 soon\r\n220 now\r\n", "accepted"),
        ("220ready\r\n", "protocol greeting: the server does not speak FTP"),
        ("2200 ready\r\n", "protocol greeting: the server does not speak FTP"),
    ] {
        let after = [
            ScriptStep::Expect("USER "),
            ScriptStep::send("331\r\n"),
            ScriptStep::Expect("PASS "),
            ScriptStep::send("230-hello\r\n230\r\n"),
            // An attempt that still waits for more waits for the whole timeout, and the test with
            // it.
            ScriptStep::Silence,
        ];
        let peer = FakeServer::start([vec![ScriptStep::send(greeting)], after.to_vec()].concat()).await;
        let asked = ask(keys.endpoint(&peer, TlsMode::None));
        let answer = tokio::time::timeout(LONG / 2, asked).await.expect("read or refused at once");
        assert_eq!(answer, expected, "{greeting:?}");
    }
}

#[tokio::test]
async fn nothing_follows_a_refused_auth() {
    let keys = Keys::good();
    for (reply, expected) in [
        ("502 no\r\n", "misconfigured tls: the server refuses TLS (reply 502 to AUTH TLS)"),
        ("534 no\r\n", "misconfigured tls: the server refuses TLS (reply 534 to AUTH TLS)"),
        ("334 more\r\n", "misconfigured tls: the server refuses TLS (reply 334 to AUTH TLS)"),
        ("431 later\r\n", "unavailable tls: the server cannot answer now (reply 431 to AUTH TLS)"),
        ("421 later\r\n", "unavailable tls: the server cannot answer now (reply 421 to AUTH TLS)"),
        ("200 fine\r\n", "protocol tls: the server broke the rules of FTP (reply 200 to AUTH TLS)"),
        ("230 welcome\r\n", "protocol tls: the server broke the rules of FTP (reply 230 to AUTH TLS)"),
        ("331 password?\r\n", "protocol tls: the server broke the rules of FTP (reply 331 to AUTH TLS)"),
        ("234-go\r\n502 no\r\n", "protocol tls: the server does not speak FTP"),
        ("502-no\r\n234 go\r\n", "protocol tls: the server does not speak FTP"),
        // Clear text after the 234, in the same segment: an attacker sends it in place of the
        // server.
        ("234 go\r\n331 password?\r\n230 welcome\r\n", "protocol tls: the server spoke before it was asked"),
        ("234 go\r\n\r\n", "protocol tls: the server spoke before it was asked"),
        ("234 go\r\n2", "protocol tls: the server spoke before it was asked"),
        (
            "220 again\r\n234 go\r\n",
            "protocol tls: the server broke the rules of FTP (reply 220 to AUTH TLS)",
        ),
    ] {
        let peer = FakeServer::start([
            ScriptStep::send("220 hello\r\n"),
            ScriptStep::Expect("AUTH TLS\r\n"),
            ScriptStep::send(reply),
            ScriptStep::Tls(Arc::clone(&keys.config)),
            ScriptStep::Silence,
        ])
        .await;
        assert_eq!(ask(keys.endpoint(&peer, TlsMode::Explicit)).await, expected, "{reply:?}");
        assert_eq!(peer.received_text(), "AUTH TLS\r\n", "{reply:?}");
    }
}

#[tokio::test]
async fn greeting_is_220_or_there_is_no_login() {
    for (greeting, expected) in [
        (
            "421 full\r\n",
            "unavailable greeting: the server turns connections away (reply 421 to the connection)",
        ),
        (
            "530 not you\r\n",
            "unavailable greeting: the server turns connections away (reply 530 to the connection)",
        ),
        (
            "500 OOPS: x\r\n",
            "unavailable greeting: the server turns connections away (reply 500 to the connection)",
        ),
        (
            "230 welcome\r\n",
            "protocol greeting: the server broke the rules of FTP (reply 230 to the connection)",
        ),
        (
            "331 name?\r\n",
            "protocol greeting: the server broke the rules of FTP (reply 331 to the connection)",
        ),
        ("120 soon\r\n", "unavailable greeting: the server closed the connection"),
        (
            "120 soon\r\n421 never\r\n",
            "unavailable greeting: the server turns connections away (reply 421 to the connection)",
        ),
        ("220ready\r\n", "protocol greeting: the server does not speak FTP"),
        ("terms of use\r\n", "unavailable greeting: the server closed the connection"),
        ("SSH-2.0-OpenSSH_9.2\r\n", "protocol greeting: the server does not speak FTP"),
        ("HTTP/1.1 400 Bad Request\r\n\r\n", "protocol greeting: the server does not speak FTP"),
        ("* OK IMAP4rev1\r\n", "protocol greeting: the server does not speak FTP"),
        ("\x15\x03\x01\x00\x02\x02\n", "protocol greeting: the server does not speak FTP"),
        ("\n", "unavailable greeting: the server closed the connection"),
        // A line of the banner, which does not end.
        ("220-a\r\n230 b\r\n", "unavailable greeting: the server closed the connection"),
        ("", "unavailable greeting: the server closed the connection"),
        ("22", "unavailable greeting: the server closed the connection"),
        ("220-hello\r\n", "unavailable greeting: the server closed the connection"),
    ] {
        let (answer, peer) = plain([ScriptStep::send(greeting)]).await;
        assert!(answer == expected || is_a_cut(greeting, &answer), "{greeting:?}: {answer}");
        assert_eq!(peer.received_text(), "");
    }
    for greeting in [
        "220 hello\n",
        "220-hello\r\nthere\r\n220 you\r\n",
        "120 soon\r\n220 now\r\n",
        "120-soon\r\n120 soon\r\n120 soon\r\n220 now\r\n",
    ] {
        let (answer, _) = plain([vec![ScriptStep::send(greeting)], to_pass("230 in\r\n")].concat()).await;
        assert_eq!(answer, "accepted", "{greeting:?}");
    }
}

/// The library accepts a last line without its line end.
///
/// The result is an error in both cases.
fn is_a_cut(reply: &str, answer: &str) -> bool {
    !reply.is_empty() && !reply.ends_with('\n') && answer.ends_with(": the server does not speak FTP")
}
