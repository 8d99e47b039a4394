//! Addresses and settings.

use crate::domain::Token;
use crate::service::password_reset::link::{BaseUrl, LinkError, LostPassword};
use crate::service::password_reset::settings::ResetSettings;

#[test]
fn setting_is_empty_disabled_or_an_absolute_address() {
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
fn ambiguous_public_url_is_an_error_at_start() {
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
        ("https://example.com%22onclick=/", LinkError::Character),
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
    let longer_in_ascii = format!("https://example.com/{}", "ä".repeat(500));
    assert_eq!(LostPassword::parse(&longer_in_ascii), Err(LinkError::TooLong));
    let base = |bytes: usize| BaseUrl::parse(&format!("https://example.com/{}", "x".repeat(bytes - 20)));
    assert!(base(1999).is_ok());
    assert_eq!(base(2000), Err(LinkError::TooLong), "there is no room for the slash");
    let read: Result<LostPassword, _> = serde_json::from_str(r#""javascript:alert(1)""#);
    assert!(read.unwrap_err().to_string().contains("must begin with https://"));
}

#[test]
fn links_begin_with_the_configured_address() {
    let token = Token::random().unwrap();
    for (base, link) in [
        ("https://cloud.example.com", "https://cloud.example.com/lostpassword/reset/"),
        ("https://example.com/cloud", "https://example.com/cloud/lostpassword/reset/"),
        ("https://example.com/cloud/", "https://example.com/cloud/lostpassword/reset/"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/lostpassword/reset/"),
    ] {
        let made = BaseUrl::parse(base).unwrap().reset_link(&token);
        assert_eq!(made.as_str(), format!("{link}{}", token.expose()));
    }
    assert_eq!(BaseUrl::parse("https://example.com/?x"), Err(LinkError::Tail));
    assert_eq!(BaseUrl::parse("https://example.com/#x"), Err(LinkError::Tail));
    assert_eq!(BaseUrl::parse("http://example.com/"), Err(LinkError::Scheme));
}

#[test]
fn link_works_between_five_minutes_and_a_day() {
    let read = |text: &str| serde_json::from_str::<ResetSettings>(text).map_err(|error| error.to_string());
    assert_eq!(read("{}").unwrap(), ResetSettings::default());
    assert_eq!(read("{}").unwrap().life().as_secs(), 3600);
    let set = read(r#"{"minutes": 5, "lost_password_link": "disabled"}"#).unwrap();
    assert_eq!((set.life().as_secs(), set.lost_password_link()), (300, &LostPassword::Disabled));
    let default = ResetSettings::default();
    assert_eq!(default.welcome_life().as_secs(), 7 * 24 * 3600);
    assert_eq!(default.confirmation_life().as_secs(), 48 * 3600);
    let set = read(r#"{"welcome_days": 30, "confirmation_hours": 1}"#).unwrap();
    assert_eq!((set.welcome_life().as_secs(), set.confirmation_life().as_secs()), (30 * 24 * 3600, 3600));
    for (text, part) in [
        (r#"{"minutes": 4}"#, "minutes must be between 5 and 1440, found 4"),
        (r#"{"minutes": 1441}"#, "found 1441"),
        (r#"{"lost_password_link": "//evil.example"}"#, "must begin with https://"),
        (r#"{"welcome_days": 0}"#, "welcome_days must be between 1 and 30, found 0"),
        (r#"{"welcome_days": 31}"#, "welcome_days must be between 1 and 30, found 31"),
        (r#"{"confirmation_hours": 169}"#, "confirmation_hours must be between 1 and 168, found 169"),
        (r#"{"link": ""}"#, "unknown field"),
    ] {
        let found = read(text).unwrap_err();
        assert!(found.contains(part), "{text}: {found}");
    }
}

proptest::proptest! {
    /// Accepted links are `https` or on this machine, without a login.
    ///
    /// And the shown form parses to the same link.
    #[test]
    fn accepted_reset_link_is_https_and_round_trips(
        text in "(https?|ftp|javascript|//)?:?/{0,3}[a-z0-9@:.\\\\/?#%\\[\\]-]{0,30}",
    ) {
        if let Ok(LostPassword::Elsewhere(url)) = LostPassword::parse(&text) {
            let host = url.host_str().unwrap();
            let here = host == "localhost" || host == "[::1]" || host.starts_with("127.");
            proptest::prop_assert!(url.scheme() == "https" || (url.scheme() == "http" && here), "{}", url);
            proptest::prop_assert!(url.username().is_empty() && url.password().is_none());
            proptest::prop_assert_eq!(LostPassword::parse(url.as_str()), Ok(LostPassword::Elsewhere(url.clone())));
        }
    }
}
