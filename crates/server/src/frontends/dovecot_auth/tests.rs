use super::*;

fn begin(id: u32, mechanism: &str, response: Option<&str>) -> Begin {
    Begin {
        id,
        mechanism: mechanism.to_owned(),
        service: "smtp".to_owned(),
        source: None,
        response: response.map(str::to_owned),
    }
}

#[test]
fn lines_are_parsed_as_by_dovecot() {
    let source = Some([192, 0, 2, 1].into());
    for (line, expected) in [
        ("VERSION\t1\t2", Ok(Line::Version { major: 1, minor: 2 })),
        ("VERSION\t2\t0", Ok(Line::Version { major: 2, minor: 0 })),
        ("CPID\t4711", Ok(Line::ProcessId)),
        ("AUTH\t1\tPLAIN\tservice=smtp", Ok(Line::Begin(begin(1, "PLAIN", None)))),
        ("AUTH\t2\tplain\tservice=smtp\tsecured\tresp=", Ok(Line::Begin(begin(2, "PLAIN", Some(""))))),
        (
            "AUTH\t3\tLOGIN\tservice=smtp\tlip=192.0.2.9\trip=192.0.2.1\tresp=YWI=",
            Ok(Line::Begin(Begin { source, ..begin(3, "LOGIN", Some("YWI=")) })),
        ),
        (
            "AUTH\t4\tPLAIN\tservice=smtp\trip=::ffff:192.0.2.1",
            Ok(Line::Begin(Begin { source, ..begin(4, "PLAIN", None) })),
        ),
        ("AUTH\t5\tPLAIN\tservice=smtp\trip=nowhere", Ok(Line::Begin(begin(5, "PLAIN", None)))),
        ("CONT\t1\tYWI=", Ok(Line::Continue { id: 1, response: "YWI=".to_owned() })),
        ("CANCEL\t1", Ok(Line::Cancel { id: 1 })),
        ("", Err(Malformed)),
        ("VERSION\t1", Err(Malformed)),
        ("VERSION\tone\t2", Err(Malformed)),
        ("CPID\t0", Err(Malformed)),
        ("CPID\t+1", Err(Malformed)),
        ("AUTH\t1", Err(Malformed)),
        ("AUTH\t0\tPLAIN\tservice=smtp", Err(Malformed)),
        ("AUTH\t-1\tPLAIN\tservice=smtp", Err(Malformed)),
        ("AUTH\t99999999999\tPLAIN\tservice=smtp", Err(Malformed)),
        ("AUTH\t1\tPLAIN\tresp=YWI=", Err(Malformed)),
        ("AUTH\t1\tPLAIN\tservice=smtp\tresp=YWI=\trip=192.0.2.1", Err(Malformed)),
        ("CONT\t1", Err(Malformed)),
        ("CANCEL\tx", Err(Malformed)),
        ("USER\t1\tfrank", Err(Malformed)),
    ] {
        assert_eq!(Line::parse(line.as_bytes()), expected, "{line}");
    }
    assert_eq!(Line::parse(b"AUTH\t1\tPLAIN\tservice=\xff"), Err(Malformed));
}

#[test]
fn escapes_are_undone_and_written() {
    for text in ["frank", "a\tb\nc\rd\0e\x01f", "Zoë\x01", ""] {
        let escaped = escape(text);
        assert!(!escaped.contains(['\t', '\n', '\r', '\0']), "{escaped:?}");
        assert_eq!(unescape(&escaped), text);
    }
    assert_eq!(unescape("a\x01"), "a");
    let Ok(Line::Begin(found)) = Line::parse(b"AUTH\t1\tPLAIN\tservice=a\x01tb") else { panic!() };
    assert_eq!(found.service, "a\tb");
}

fn encoded(text: &str) -> String {
    BASE64_STANDARD.encode(text)
}

fn right() -> NextAction {
    NextAction::Credentials { name: "frank".to_owned(), password: Zeroizing::new("secret".to_owned()) }
}

#[test]
fn plain_takes_one_message() {
    for (text, expected) in [
        ("\0frank\0secret", right()),
        ("frank\0frank\0secret", right()),
        ("admin\0frank\0secret", NextAction::Refused(Some("authz_fail"))),
        ("frank\0secret", NextAction::Refused(None)),
        ("\0frank\0secret\0", NextAction::Refused(None)),
        ("\0frank\0", NextAction::Refused(None)),
        ("\0\0secret", NextAction::Refused(None)),
        ("", NextAction::Refused(None)),
    ] {
        assert_eq!(Exchange::begin("PLAIN", Some(&encoded(text))), expected, "{text:?}");
        assert_eq!(Exchange::Plain.take(&encoded(text)), expected, "{text:?}");
    }
    for broken in ["AGZ", "!", "#", "AGZyYW5rAHNlY3JldA"] {
        assert_eq!(
            Exchange::begin("PLAIN", Some(broken)),
            NextAction::Refused(Some("invalid_base64")),
            "{broken}"
        );
    }
    let latin_1 = BASE64_STANDARD.encode(b"\0frank\0\xe9");
    assert_eq!(Exchange::begin("PLAIN", Some(&latin_1)), NextAction::Refused(None));
    assert_eq!(Exchange::begin("PLAIN", None), NextAction::Challenge("", Exchange::Plain));
    assert_eq!(Exchange::begin("CRAM-MD5", None), NextAction::Refused(None));
}

#[test]
fn login_takes_name_and_password() {
    assert_eq!(Exchange::begin("LOGIN", None), NextAction::Challenge("Username:", Exchange::LoginName));
    let named = NextAction::Challenge("Password:", Exchange::LoginPassword("frank".to_owned()));
    assert_eq!(Exchange::begin("LOGIN", Some(&encoded("frank"))), named);
    assert_eq!(Exchange::LoginName.take(&encoded("frank")), named);
    assert_eq!(Exchange::LoginPassword("frank".to_owned()).take(&encoded("secret")), right());
    for (name, password) in [("", "secret"), ("fra\0nk", "secret"), ("frank", ""), ("frank", "sec\0ret")] {
        let found = Exchange::LoginPassword(name.to_owned()).take(&encoded(password));
        assert_eq!(found, NextAction::Refused(None), "{name:?} {password:?}");
    }
}

#[test]
fn outage_is_marked_as_temporary() {
    assert_eq!(fail(7, Some("a\tb"), None), "FAIL\t7\tuser=a\x01tb\n");
    let line = fail_temporarily(7, Some("frank"), "later");
    assert_eq!(line, "FAIL\t7\tuser=frank\tcode=temp_fail\ttemp\treason=later\n");
}

#[tokio::test]
async fn lines_arrive_in_parts_and_have_a_bound() {
    let (mut client, server) = tokio::io::duplex(LONGEST_LINE * 2);
    let mut lines = LineReader::new(server);
    client.write_all(b"one\ntw").await.unwrap();
    assert_eq!(**lines.next().await.unwrap().unwrap(), *b"one");
    assert!(lines.next().now_or_never().is_none());
    client.write_all(b"o\n\nthree").await.unwrap();
    assert_eq!(**lines.next().await.unwrap().unwrap(), *b"two");
    assert_eq!(**lines.next().await.unwrap().unwrap(), *b"");
    drop(client);
    assert!(lines.next().await.unwrap().is_none(), "half a line is not answered");

    let (mut client, server) = tokio::io::duplex(LONGEST_LINE * 2);
    let mut lines = LineReader::new(server);
    client.write_all(&[b'a'; LONGEST_LINE]).await.unwrap();
    assert_eq!(lines.next().await.unwrap_err().kind(), io::ErrorKind::InvalidData);
}

proptest::proptest! {
    #[test]
    fn parser_takes_any_line(line in proptest::collection::vec(0_u8.., 0..80)) {
        let _ = Line::parse(&line);
        let mut with_command = b"AUTH\t1\tPLAIN\tservice=".to_vec();
        with_command.extend_from_slice(&line);
        if let Ok(Line::Begin(found)) = Line::parse(&with_command) {
            proptest::prop_assert_eq!((found.id, found.mechanism.as_str()), (1, "PLAIN"));
        }
    }
}
