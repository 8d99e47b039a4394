use proptest::prelude::*;

use super::*;

fn json(text: &str) -> Result<Settings, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

#[test]
fn applications_own_words_are_taken() {
    let settings = json(
        r#"{
            "profile": "nist",
            "minLength": 12, "minLength_sharing": "8",
            "enforceNonCommonPassword": false, "enforceUpperLowerCase": true,
            "enforceNumericCharacters": 1, "enforceSpecialCharacters": "yes",
            "enforceHaveIBeenPwned": "0", "enforceNoContextWords": true,
            "enforceSpecialCharacters_sharing": false,
            "passwordContexts": ["account", "sharing"],
            "historySize": 5, "expiration": 90, "maximumLoginAttempts": 10,
            "haveIBeenPwnedSource": "/var/lib/ranges"
        }"#,
    )
    .unwrap();
    let account = RuleSettings {
        min_length: Some(12),
        enforce_non_common_password: Some(false),
        enforce_upper_lower_case: Some(true),
        enforce_numeric_characters: Some(true),
        enforce_special_characters: Some(true),
        enforce_have_i_been_pwned: Some(false),
        enforce_no_context_words: Some(true),
    };
    let sharing = RuleSettings {
        min_length: Some(8),
        enforce_special_characters: Some(false),
        ..RuleSettings::default()
    };
    let expected = Settings {
        profile: Profile::Nist,
        account,
        sharing,
        sharing_has_rules: true,
        history_size: Some(5),
        expiration: Some(90),
        maximum_login_attempts: Some(10),
        have_i_been_pwned_source: Some("/var/lib/ranges".into()),
    };
    assert_eq!(settings, expected);
    assert_eq!(json(&serde_json::to_string(&settings).unwrap()).unwrap(), settings);
    assert_eq!(toml::from_str::<Settings>(&toml::to_string(&settings).unwrap()).unwrap(), settings);
    let stored = settings.entries().into_iter().map(|(key, value)| (key, value.to_stored()));
    assert_eq!(Settings::from_pairs(stored).unwrap(), settings);
}

#[test]
fn nothing_set_is_nothing_stored() {
    assert_eq!(json("{}").unwrap(), Settings::default());
    assert_eq!(serde_json::to_string(&Settings::default()).unwrap(), "{}");
    assert_eq!(json(r#"{"minLength": null, "profile": null}"#).unwrap(), Settings::default());
}

#[test]
fn slip_is_named_with_what_was_expected() {
    let table = [
        (r#"{"minLenght": 12}"#, r#"there is no setting "minLenght"; did you mean "minLength"?"#), // typos:ignore
        (r#"{"historySize_sharing": 1}"#, r#"there is no setting "historySize_sharing""#),
        (r#"{"minLength": "ten"}"#, r#"setting "minLength": found "ten", expected a whole number"#),
        (r#"{"minLength": true}"#, r#"setting "minLength": found true, expected a whole number"#),
        (
            r#"{"enforceNumericCharacters_sharing": 2}"#,
            r#"setting "enforceNumericCharacters_sharing": found 2, expected true or false"#,
        ),
        (
            r#"{"enforceNonCommonPassword": "maybe"}"#,
            r#"setting "enforceNonCommonPassword": found "maybe", expected true or false"#,
        ),
        (r#"{"profile": "NIST"}"#, r#"setting "profile": found "NIST", expected "manual" or "nist""#),
        (
            r#"{"passwordContexts": ["account", "links"]}"#,
            r#"setting "passwordContexts": found ["account", "links"], expected a list of "account" and "sharing""#,
        ),
        (r#"{"haveIBeenPwnedSource": 5}"#, r#"setting "haveIBeenPwnedSource": found 5, expected a text"#),
        (r#"{"minLength": {}}"#, r#"setting "minLength" cannot be read"#),
        (r#"{"minLength": 1.5}"#, r#"setting "minLength" cannot be read"#),
        (r#"[]"#, "a map of password policy settings"),
    ];
    for (text, error) in table {
        let found = json(text).unwrap_err();
        assert!(found.contains(error), "{text}: {found}");
    }
}

#[test]
fn stored_pairs_report_all_errors_and_skip_common_keys() {
    let pairs = [
        ("enabled", "yes"),
        ("installed_version", "3.0.0"),
        ("types", "authentication"),
        ("minLength", "14"),
    ];
    assert_eq!(Settings::from_pairs(pairs).unwrap().account.min_length, Some(14));
    let errors =
        Settings::from_pairs([("minLength", "x"), ("expiration", "90"), ("color", "red")]).unwrap_err();
    assert_eq!(errors.iter().count(), 2);
    assert_eq!(
        errors.to_string(),
        r#"setting "minLength": found "x", expected a whole number; there is no setting "color""#
    );
}

#[test]
fn texts_spell_truth_and_lists_in_every_usual_way() {
    for (texts, truth) in [(["1", "true", "YES", " on "], true), (["0", "False", "no", "off"], false)] {
        for text in texts {
            let mut settings = Settings::default();
            settings.set("enforceNumericCharacters", text).unwrap();
            assert_eq!(settings.account.enforce_numeric_characters, Some(truth), "{text}");
        }
    }
    for (text, listed) in [
        (r#"["account","sharing"]"#, true),
        ("account, sharing", true),
        ("sharing", true),
        ("[]", false),
        (r#"["account"]"#, false),
    ] {
        let mut settings = Settings::default();
        settings.set("passwordContexts", text).unwrap();
        assert_eq!(settings.sharing_has_rules, listed, "{text}");
    }
}

#[test]
fn failed_set_changes_nothing_and_an_empty_one_unsets() {
    let mut settings = Settings::default();
    settings.set("minLength", 12).unwrap();
    assert!(settings.set("minLength", "x").is_err());
    assert!(settings.set("minLength_", "8").is_err());
    assert!(settings.unset("nothing").is_err());
    assert_eq!(settings.account.min_length, Some(12));
    settings.set("minLength", "").unwrap();
    assert_eq!(settings, Settings::default());
    settings.set("enforceNoContextWords", true).unwrap();
    settings.unset("enforceNoContextWords").unwrap();
    assert_eq!(settings, Settings::default());
}

#[test]
fn source_is_a_folder_or_an_address() {
    let check = |source: &str| {
        let settings = Settings { have_i_been_pwned_source: Some(source.into()), ..Settings::default() };
        crate::PasswordPolicy::from_settings(&settings).map(|policy| policy.rules().enforce_have_i_been_pwned)
    };
    assert!(check("/var/lib/ranges").unwrap());
    for source in ["ranges", "ftp://ranges.example/", "file:///ranges", ""] {
        let error = check(source).unwrap_err().to_string();
        assert_eq!(
            error, "setting \"haveIBeenPwnedSource\": expected an absolute path or an https address",
            "{source}"
        );
    }
    #[cfg(not(feature = "hibp"))]
    assert_eq!(
        check("https://ranges.example/range/").unwrap_err().to_string(),
        "setting \"haveIBeenPwnedSource\": an address needs the cargo feature `hibp`"
    );
}

#[test]
fn weak_settings_are_noticed() {
    assert!(Settings::default().notices().is_empty());
    assert!(Settings { profile: Profile::Nist, ..Settings::default() }.notices().is_empty());
    let weak = json(
        r#"{"minLength": 4, "enforceNonCommonPassword": 0, "enforceNumericCharacters": 1, "expiration": 30,
            "historySize": 50, "enforceHaveIBeenPwned": 1, "passwordContexts": "sharing", "minLength_sharing": 8}"#,
    )
    .unwrap();
    let notices: Vec<_> = weak.notices().iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(notices.join("\n"), @"
    account passwords may have 4 characters, fewer than any guidance allows
    account passwords may be common ones, which are guessed first
    account passwords must have certain kinds of characters, which nist sp 800-63b-4 forbids to ask for
    sharing passwords may be common ones, which are guessed first
    sharing passwords must have certain kinds of characters, which nist sp 800-63b-4 forbids to ask for
    enforceHaveIBeenPwned has no effect without haveIBeenPwnedSource
    historySize counts as 24, the most that is kept
    passwords expire, which nist sp 800-63b-4 forbids to ask for without a sign of compromise
    ");
}

proptest! {
    #[test]
    fn no_pair_of_texts_panics_and_what_is_taken_survives_storing(key in "[a-zA-Z_]{0,30}|minLength|minLength_sharing|passwordContexts|enforceNumericCharacters|haveIBeenPwnedSource|profile", value in any::<String>()) {
        let mut settings = Settings::default();
        if settings.set(&key, value.as_str()).is_ok() {
            let stored = settings.entries().into_iter().map(|(key, value)| (key, value.to_stored()));
            prop_assert_eq!(Settings::from_pairs(stored).unwrap(), settings.clone());
            let text = serde_json::to_string(&settings).unwrap();
            prop_assert_eq!(serde_json::from_str::<Settings>(&text).unwrap(), settings);
        } else {
            prop_assert_eq!(settings, Settings::default());
        }
    }

    #[test]
    fn numbers_of_any_size_count_as_something(number: i64) {
        let settings = Settings {
            history_size: Some(number),
            expiration: Some(number),
            maximum_login_attempts: Some(number),
            ..Settings::default()
        };
        let policy = crate::PasswordPolicy::from_settings(&settings).unwrap();
        prop_assert!(policy.history_size() <= MAX_HISTORY);
        policy.age(Some(std::time::SystemTime::UNIX_EPOCH), std::time::SystemTime::UNIX_EPOCH);
        prop_assert_ne!(policy.maximum_login_attempts(), Some(0));
    }
}
