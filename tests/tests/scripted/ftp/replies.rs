//! Every reply at every place has one meaning, with and without TLS.

use super::*;

#[tokio::test]
async fn a_reply_to_pass_decides_in_every_mode() {
    let keys = Keys::good();
    for (reply, expected) in [
        ("230 welcome\r\n", "accepted"),
        ("230 welcome\n", "accepted"),
        ("230-welcome\r\nback\r\n 530 is but a number\r\n230 here\r\n", "accepted"),
        ("530 no\r\n", "bad_credentials"),
        ("430 no\r\n", "bad_credentials"),
        ("530-no\r\nno\r\n530 no\r\n", "bad_credentials"),
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
        ("500 OOPS: chroot\r\n", "protocol login: the server broke the rules of FTP (reply 500 to PASS)"),
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
        ("230\r\n", "unavailable login: the server closed the connection"),
    ] {
        for mode in MODES {
            let peer = FakeServer::start([keys.ready(mode), to_pass(reply)].concat()).await;
            let answer = ask(keys.endpoint(&peer, mode)).await;
            let allowed = answer == expected || is_a_cut(reply, &answer);
            assert!(allowed, "{reply:?} over {mode}: {answer}, not {expected}");
            assert_eq!(peer.connections(), 1, "one attempt, one login");
        }
    }
}

#[tokio::test]
async fn t03_a_reply_to_user_is_never_a_wrong_password() {
    let keys = Keys::good();
    for (reply, kind) in [
        ("230 come in\r\n", "misconfigured"),
        ("230-come\r\n230 in\r\n", "misconfigured"),
        ("232 come in\r\n", "misconfigured"),
        ("332 account?\r\n", "misconfigured"),
        ("530 tls first\r\n", "misconfigured"),
        ("550 tls first\r\n", "misconfigured"),
        ("534 tls first\r\n", "misconfigured"),
        ("421 later\r\n", "unavailable"),
        ("421-tls\r\n421 first\r\n", "unavailable"),
        ("430 no\r\n", "unavailable"),
        ("500 what\r\n", "protocol"),
        ("220 hello\r\n", "protocol"),
        ("334 more\r\n", "protocol"),
        ("230-in\r\n331 password?\r\n", "protocol"),
        ("331-password?\r\n230 in\r\n", "protocol"),
        ("SSH-2.0-OpenSSH_9.2\r\n", "protocol"),
    ] {
        for mode in MODES {
            let peer = FakeServer::start([keys.ready(mode), to_user(reply)].concat()).await;
            let answer = ask(keys.endpoint(&peer, mode)).await;
            assert!(answer.starts_with(&format!("{kind} login: ")), "{reply:?} over {mode}: {answer}");
            assert!(!peer.heard_text().contains("PASS"), "the password was shown after {reply:?}");
        }
    }
}

#[tokio::test]
async fn a_reply_to_auth_is_yes_or_nothing_more_is_said() {
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
        // Clear text after the 234, in the same segment: an injected response.
        ("234 go\r\n331 password?\r\n230 welcome\r\n", "protocol tls: the server spoke before it was asked"),
        ("234 go\r\n\r\n", "protocol tls: the server spoke before it was asked"),
        ("234 go\r\n2", "protocol tls: the server spoke before it was asked"),
        (
            "220 again\r\n234 go\r\n",
            "protocol tls: the server broke the rules of FTP (reply 220 to AUTH TLS)",
        ),
    ] {
        let peer = FakeServer::start([
            Step::send("220 hello\r\n"),
            Step::Expect("AUTH TLS\r\n"),
            Step::send(reply),
            Step::Tls(Arc::clone(&keys.config)),
            Step::Silence,
        ])
        .await;
        assert_eq!(ask(keys.endpoint(&peer, TlsMode::Explicit)).await, expected, "{reply:?}");
        assert_eq!(peer.heard_text(), "AUTH TLS\r\n", "{reply:?}");
    }
}

#[tokio::test]
async fn a_greeting_is_220_or_there_is_no_login() {
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
        ("SSH-2.0-OpenSSH_9.2\r\n", "protocol greeting: the server does not speak FTP"),
        ("HTTP/1.1 400 Bad Request\r\n\r\n", "protocol greeting: the server does not speak FTP"),
        ("* OK IMAP4rev1\r\n", "protocol greeting: the server does not speak FTP"),
        ("\x15\x03\x01\x00\x02\x02\n", "protocol greeting: the server does not speak FTP"),
        ("\n", "protocol greeting: the server does not speak FTP"),
        ("220-a\r\n230 b\r\n", "protocol greeting: the server does not speak FTP"),
        ("", "unavailable greeting: the server closed the connection"),
        ("22", "unavailable greeting: the server closed the connection"),
        ("220-hello\r\n", "unavailable greeting: the server closed the connection"),
    ] {
        let (answer, peer) = plain([Step::send(greeting)]).await;
        assert!(answer == expected || is_a_cut(greeting, &answer), "{greeting:?}: {answer}");
        assert_eq!(peer.heard_text(), "");
    }
    for greeting in [
        "220 hello\n",
        "220-hello\r\nthere\r\n220 you\r\n",
        "120 soon\r\n220 now\r\n",
        "120-soon\r\n120 soon\r\n120 soon\r\n220 now\r\n",
    ] {
        let (answer, _) = plain([vec![Step::send(greeting)], to_pass("230 in\r\n")].concat()).await;
        assert_eq!(answer, "accepted", "{greeting:?}");
    }
}

/// The library takes a last line without its end for whole; what comes of it is an error either way.
fn is_a_cut(reply: &str, answer: &str) -> bool {
    !reply.is_empty() && !reply.ends_with('\n') && answer.ends_with(": the server does not speak FTP")
}
