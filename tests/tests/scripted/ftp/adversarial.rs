//! Servers that lie, hang up, fall silent, flood, or are something else.

use super::*;

#[tokio::test]
async fn broken_handshake_shows_no_name() {
    let keys = Keys::good();
    for after in [
        vec![],
        vec![ScriptStep::send("230 welcome\r\n"), ScriptStep::Silence],
        vec![ScriptStep::send("\x15\x03\x03\x00\x02\x02\x28"), ScriptStep::Silence],
        vec![ScriptStep::send([0xff; 64]), ScriptStep::Silence],
    ] {
        let script = [
            ScriptStep::send("220 hello\r\n"),
            ScriptStep::Expect("AUTH TLS\r\n"),
            ScriptStep::send("234 go\r\n"),
        ];
        let peer = FakeServer::start(script.into_iter().chain(after.clone())).await;
        let answer = ask(keys.endpoint(&peer, TlsMode::Explicit)).await;
        // What comes apart from the 234 may be there before the handshake begins or after.
        let refused = answer.starts_with("unavailable tls: ") || answer.starts_with("protocol tls: ");
        assert!(refused, "{after:?}: {answer}");
        assert!(!peer.received_text().contains("USER"));
        let peer = FakeServer::start(after.clone()).await;
        let answer = ask(keys.endpoint(&peer, TlsMode::Implicit)).await;
        assert!(answer.starts_with("unavailable tls: "), "{after:?}: {answer}");
        assert!(!peer.received_text().contains("USER"));
    }
}

#[tokio::test]
async fn bad_certificate_says_what_is_wrong_with_it() {
    let here = || Leaf::new(["127.0.0.1"]);
    for mode in [TlsMode::Explicit, TlsMode::Implicit] {
        for (leaf, starts) in [
            (Leaf::new(["other.example.com"]), "unavailable tls: certificate is for"),
            (here().expired(), "unavailable tls: certificate expired on 20"),
            (here().not_yet_valid(), "unavailable tls: certificate is not valid before 20"),
        ] {
            let keys = Keys::new(&leaf);
            let peer = FakeServer::start(keys.ready(mode)).await;
            let answer = ask(keys.endpoint(&peer, mode)).await;
            assert!(answer.starts_with(starts), "{answer}");
        }
        let (keys, stranger) = (Keys::good(), Ca::new());
        let peer = FakeServer::start(keys.ready(mode)).await;
        let distrust = keys.endpoint(&peer, mode).with_trust(ServerTrust::CaFile(stranger.file()));
        let answer = ask(distrust).await;
        // All authorities of the tests have one name, so this one looks like the right one with a
        // wrong signature.
        assert_eq!(answer, "unavailable tls: certificate has a wrong signature");
        assert!(!peer.received_text().contains("USER"));
    }
}

#[tokio::test]
async fn pipelined_replies_accept_no_user() {
    let keys = Keys::good();
    let unasked = "protocol login: the server spoke before it was asked";
    for ahead in [
        "331 password?\r\n230 welcome\r\n",
        "331 password?\r\n",
        "331 password?\r\n230-welcome\r\n230 here\r\n",
        "\r\n",
        "2",
    ] {
        // With the greeting: noticed before USER.
        let (answer, peer) =
            plain([ScriptStep::send(format!("220 hello\r\n{ahead}")), ScriptStep::Silence]).await;
        assert_eq!(answer, unasked, "{ahead:?}");
        assert_eq!(peer.received_text(), "");
        let peer =
            FakeServer::start([ScriptStep::send(format!("220 hello\r\n{ahead}")), ScriptStep::Silence]).await;
        assert!(
            ask(keys.endpoint(&peer, TlsMode::Explicit))
                .await
                .ends_with("the server spoke before it was asked")
        );
        assert_eq!(peer.received_text(), "");
        let script =
            [ScriptStep::Tls(Arc::clone(&keys.config)), ScriptStep::send(format!("220 hello\r\n{ahead}"))];
        let peer = FakeServer::start(script.into_iter().chain([ScriptStep::Silence])).await;
        assert_eq!(ask(keys.endpoint(&peer, TlsMode::Implicit)).await, unasked, "{ahead:?}");
        assert_eq!(peer.received_text(), "");
        // With the reply to USER: noticed before PASS, so the password stays here.
        for mode in MODES {
            let peer =
                FakeServer::start([keys.ready(mode), to_user(&format!("331 password?\r\n{ahead}"))].concat())
                    .await;
            assert_eq!(ask(keys.endpoint(&peer, mode)).await, unasked, "{ahead:?} over {mode}");
            assert!(!peer.received_text().contains("PASS"));
        }
    }
    // Right after the handshake: USER may already be out, PASS is not.
    let peer = FakeServer::start(
        keys.ready(TlsMode::Explicit)
            .into_iter()
            .chain([ScriptStep::send("331 password?\r\n230 welcome\r\n"), ScriptStep::Silence]),
    )
    .await;
    assert_eq!(ask(keys.endpoint(&peer, TlsMode::Explicit)).await, unasked);
    assert!(!peer.received_text().contains("PASS"));
}

#[tokio::test]
async fn disconnect_at_any_stage_is_unavailable() {
    let keys = Keys::good();
    for mode in MODES {
        let whole = [keys.ready(mode), to_pass("230 welcome\r\n")].concat();
        for end in 0..whole.len() {
            let peer = FakeServer::start(whole[..end].to_vec()).await;
            let answer = ask(keys.endpoint(&peer, mode)).await;
            assert!(answer.starts_with("unavailable "), "{end} steps over {mode}: {answer}");
        }
    }
}

#[tokio::test]
async fn silent_server_is_unavailable_within_the_deadline() {
    let keys = Keys::good();
    let mut waiting = Vec::new();
    for mode in MODES {
        let whole = [keys.ready(mode), to_pass("230 welcome\r\n")].concat();
        let scripts = (0..whole.len()).map(|end| whole[..end].to_vec()).chain([
            // More has to come after an open reply and after half a line.
            [keys.ready(mode), to_pass("230-welcome\r\n")].concat(),
            [keys.ready(mode), to_pass("230 welcome")].concat(),
        ]);
        for script in scripts {
            let peer = FakeServer::start(script.iter().cloned().chain([ScriptStep::Silence])).await;
            let impatient = keys.endpoint(&peer, mode).with_timeout(SHORT);
            waiting.push(tokio::spawn(async move { (ask(impatient).await, mode, script, peer) }));
        }
    }
    for one in waiting {
        let late = tokio::time::timeout(LONG / 2, one).await;
        let (answer, mode, script, _peer) = late.expect("the deadline holds").unwrap();
        assert!(answer.starts_with("unavailable "), "{script:?} over {mode}: {answer}");
        assert!(answer.ends_with(": no answer in time"), "{script:?} over {mode}: {answer}");
    }
}

#[tokio::test]
async fn t20_four_hundred_megabytes_end_after_a_few_thousand_bytes() {
    let keys = Keys::good();
    for bytes in
        [b"x".repeat(4096).leak(), b"220-more\r\n230-more\r\n".repeat(100).leak()] as [&'static [u8]; 2]
    {
        let flood = ScriptStep::Flood { bytes, total: 400_000_000 };
        for mode in MODES {
            let start = keys.ready(mode);
            for script in [
                vec![],
                start.clone(),
                [start.clone(), vec![ScriptStep::Expect("USER "), ScriptStep::send("331-")]].concat(),
                [start, to_pass("230-")].concat(),
            ] {
                let peer = FakeServer::start(script.into_iter().chain([flood.clone()])).await;
                let answer = ask(keys.endpoint(&peer, mode)).await;
                assert!(!answer.starts_with("accepted") && !answer.starts_with("bad_"), "{mode}: {answer}");
            }
        }
    }
    let (answer, _) = plain([ScriptStep::Flood { bytes: b"220-more\r\n", total: 400_000_000 }]).await;
    assert_eq!(answer, "protocol greeting: the server says more than 65536 bytes");
}
