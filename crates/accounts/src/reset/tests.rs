//! Tokens and addresses.

use std::collections::HashSet;

use super::*;

#[test]
fn a_token_is_256_random_bits_in_43_characters() {
    let mut seen = HashSet::new();
    for _ in 0..1000 {
        let token = ResetToken::random().unwrap();
        let text = token.expose();
        assert_eq!(text.len(), 43);
        assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'));
        assert_eq!(ResetToken::parse(&text).unwrap().digest(), token.digest());
        assert!(seen.insert(text.to_string()));
    }
}

#[test]
fn what_is_stored_is_the_sha_256_of_the_token() {
    let token = ResetToken::parse("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").unwrap();
    let hex: String = token.digest().as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925"); // typos:ignore
}

#[test]
fn there_is_one_text_for_each_token() {
    let good = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for bad in [
        String::new(),
        good[..42].to_owned(),
        format!("{good}A"),
        format!("{good}="),
        format!("{}B", &good[..42]), // the last character has two bits that must be zero
        format!("{}+", &good[..42]),
        format!("{}/", &good[..42]),
        format!("{} ", &good[..42]),
        format!("{}\n", &good[..42]),
        "é".repeat(43),
        "\0".repeat(43),
        "A".repeat(1 << 20),
    ] {
        assert_eq!(ResetToken::parse(&bad).map(|_| ()), Err(BadToken), "{bad:.50?}");
    }
}

#[test]
fn t60_neither_token_nor_its_digest_is_printed() {
    let token = ResetToken::random().unwrap();
    let text = format!("{token:?} {:?}", token.digest());
    assert_eq!(text, "ResetToken(…) TokenDigest(…)");
}

#[test]
fn the_setting_is_empty_disabled_or_an_absolute_address() {
    assert_eq!(LostPassword::parse(""), Ok(LostPassword::Mail));
    assert_eq!(LostPassword::parse("disabled"), Ok(LostPassword::Disabled));
    for good in [
        "https://example.com/link/to/password/reset",
        "HTTPS://Example.com/reset?from=cloud#top",
        "https://[2001:db8::1]:8443/",
        "http://localhost/reset",
        "http://127.0.0.1:8080/reset",
        "http://[::1]/reset",
        "https://bücher.example/",
    ] {
        let parsed = LostPassword::parse(good).unwrap();
        assert!(parsed.elsewhere().is_some() && !parsed.is_mail(), "{good}");
        assert_eq!(LostPassword::parse(&parsed.to_string()), Ok(parsed));
    }
}

#[test]
fn an_address_that_browsers_might_read_otherwise_is_an_error_at_start() {
    for (bad, error) in [
        ("Disabled", LinkError::Scheme),
        (" disabled", LinkError::Character),
        ("javascript:alert(1)", LinkError::Scheme),
        ("javascript://example.com/%0aalert(1)", LinkError::Scheme),
        ("data:text/html,x", LinkError::Scheme),
        ("vbscript://x", LinkError::Scheme),
        ("ftp://example.com/", LinkError::Scheme),
        ("file:///etc/passwd", LinkError::Scheme),
        ("//example.com/reset", LinkError::Scheme),
        ("/reset", LinkError::Scheme),
        ("reset", LinkError::Scheme),
        ("https:example.com", LinkError::Scheme),
        ("https:/example.com", LinkError::Scheme),
        ("https:///example.com", LinkError::Unreadable),
        ("https://", LinkError::Unreadable),
        ("https://?x", LinkError::Unreadable),
        ("https://exa mple.com", LinkError::Character),
        ("https://example.com/\r\nLocation: https://evil.example", LinkError::Character),
        ("https://example.com/\0", LinkError::Character),
        ("\thttps://example.com/", LinkError::Character),
        ("java\nscript://x", LinkError::Character),
        ("https://example.com\\@evil.example/", LinkError::Character),
        ("https://example.com/\u{2028}", LinkError::Character),
        ("https://example.com/\"onclick=", LinkError::Character),
        ("https://frank:secret@example.com/", LinkError::Login),
        ("https://frank@example.com/", LinkError::Login),
        ("https://@example.com/", LinkError::Login),
        ("http://example.com/reset", LinkError::Scheme),
        ("http://localhost.example.com/", LinkError::Scheme),
        ("http://127.0.0.1.example.com/", LinkError::Scheme),
        ("https://example.com:99999/", LinkError::Unreadable),
    ] {
        assert_eq!(LostPassword::parse(bad), Err(error), "{bad:?}");
        assert!(!error.to_string().contains("secret"));
    }
    let long = format!("https://example.com/{}", "x".repeat(2000));
    assert_eq!(LostPassword::parse(&long), Err(LinkError::TooLong));
    let read: Result<LostPassword, _> = serde_json::from_str(r#""javascript:alert(1)""#);
    assert!(read.unwrap_err().to_string().contains("must begin with https://"));
}

#[test]
fn links_begin_with_the_configured_address() {
    let token = ResetToken::parse("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").unwrap();
    for (base, link) in [
        ("https://cloud.example.com", "https://cloud.example.com/lost-password/reset/"),
        ("https://example.com/cloud", "https://example.com/cloud/lost-password/reset/"),
        ("https://example.com/cloud/", "https://example.com/cloud/lost-password/reset/"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/lost-password/reset/"),
    ] {
        let made = BaseUrl::parse(base).unwrap().reset_link(&token);
        assert_eq!(made.as_str(), format!("{link}AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
    }
    assert_eq!(BaseUrl::parse("https://example.com/?x"), Err(LinkError::Tail));
    assert_eq!(BaseUrl::parse("https://example.com/#x"), Err(LinkError::Tail));
    assert_eq!(BaseUrl::parse("http://example.com/"), Err(LinkError::Scheme));
}
