use std::cell::RefCell;

use proptest::prelude::*;

use super::*;
use crate::breached::{RangeError, RangePrefix};
use crate::settings::{Profile, RuleSettings};
use crate::{ContextField, MAX_HISTORY, MAX_PASSWORD_BYTES};

const COMMON: &str = "Password is among the 1,000,000 most common ones. Please make it unique.";
const SHORT: &str = "Password needs to be at least 10 characters long.";
const NUMERIC: &str = "Password needs to contain at least one numeric character.";
const CASES: &str = "Password needs to contain at least one lower and one upper case character.";
const SPECIAL: &str = "Password needs to contain at least one special character.";
const BREACHED: &str =
    "Password is present in compromised password list. Please choose a different password.";
const CONTEXT: &str = "Password must not contain the user name.";

fn policy(settings: &Settings) -> PasswordPolicy {
    PasswordPolicy::from_settings(settings).unwrap()
}

fn with(change: impl FnOnce(&mut RuleSettings)) -> PasswordPolicy {
    let mut settings = Settings::default();
    change(&mut settings.account);
    policy(&settings)
}

fn manual() -> PasswordPolicy {
    policy(&Settings::default())
}

fn nist() -> PasswordPolicy {
    policy(&Settings { profile: Profile::Nist, ..Settings::default() })
}

/// The text that a password is refused with; empty when it is taken.
fn answer(policy: &PasswordPolicy, password: &str) -> String {
    answer_for(policy, password, &Context::default())
}

fn answer_for(policy: &PasswordPolicy, password: &str, context: &Context<'_>) -> String {
    policy.validate(password, context).err().map(|violations| violations.to_string()).unwrap_or_default()
}

/// Lists every password there is.
#[derive(Debug)]
struct Everything;

impl RangeSource for Everything {
    fn range(&self, _: RangePrefix) -> Result<String, RangeError> {
        let password = "down the rabbit hole";
        let digits = breached::tests::sha1_of(password);
        Ok(format!("{}:7\r\n", &digits[5..]))
    }
}

#[test]
fn common_password_is_refused_in_any_letter_case() {
    for common in ["1234567890", "basketball", "BasketBall", "CALIFORNIA", "enterprise"] {
        assert_eq!(answer(&manual(), common), COMMON, "{common}");
    }
}

#[test]
fn banana_is_refused_with_both_texts_joined_by_one_space() {
    assert_eq!(
        answer(&manual(), "banana"),
        "Password is among the 1,000,000 most common ones. Please make it unique. \
         Password needs to be at least 10 characters long."
    );
}

#[test]
fn short_password_is_refused() {
    assert_eq!(answer(&manual(), "xq7-Zw9_k"), SHORT);
    assert_eq!(answer(&manual(), "xq7-Zw9_k!"), "");
    let nine = with(|rules| rules.min_length = Some(9));
    assert_eq!(answer(&nine, "xq7-Zw9_"), "Password needs to be at least 9 characters long.");
}

#[test]
fn length_counts_code_points_not_bytes() {
    assert_eq!(answer(&manual(), &"🦀".repeat(9)), SHORT);
    assert_eq!(answer(&manual(), &"🦀".repeat(10)), "");
    assert_eq!(answer(&manual(), "ééééé"), SHORT);
    // decomposed: ten code points, what NIST counts
    assert_eq!(answer(&manual(), &"e\u{301}".repeat(5)), "");
}

#[test]
fn digit_can_be_required() {
    let digits = with(|rules| rules.enforce_numeric_characters = Some(true));
    assert_eq!(answer(&digits, "down the rabbit hole"), NUMERIC);
    assert_eq!(answer(&digits, "down the rabbit hole ٣ Ⅷ ²"), NUMERIC);
    assert_eq!(answer(&digits, "down the rabbit hole 1"), "");
}

#[test]
fn lower_and_upper_case_can_be_required() {
    let cases = with(|rules| rules.enforce_upper_lower_case = Some(true));
    assert_eq!(answer(&cases, "down the rabbit hole"), CASES);
    assert_eq!(answer(&cases, "DOWN THE RABBIT HOLE"), CASES);
    assert_eq!(answer(&cases, "0123 4567 8901 ÄÖß"), CASES);
    assert_eq!(answer(&cases, "Down the rabbit hole"), "");
}

#[test]
fn special_character_can_be_required_and_a_space_counts() {
    let special = with(|rules| rules.enforce_special_characters = Some(true));
    assert_eq!(answer(&special, "DownTheRabbitHole7"), SPECIAL);
    for character in [' ', '!', 'é', '🦀', '_', '\u{7f}'] {
        assert_eq!(answer(&special, &format!("DownTheRabbitHole{character}")), "", "{character:?}");
    }
}

#[test]
fn line_end_hides_nothing_from_a_rule() {
    let all = with(|rules| {
        rules.enforce_numeric_characters = Some(true);
        rules.enforce_upper_lower_case = Some(true);
        rules.enforce_special_characters = Some(true);
    });
    for password in ["abcdefgh\nA1", "A1\nabcdefgh", "abcdefgh1\nA", "\nabcdefghA1\n"] {
        assert_eq!(answer(&all, password), "", "{password:?}");
    }
}

#[test]
fn breached_password_with_a_source_is_refused() {
    let asked = manual().with_ranges(Some(Arc::new(Everything)));
    assert!(asked.rules().enforce_have_i_been_pwned);
    assert_eq!(answer(&asked, "down the rabbit hole"), BREACHED);
    assert_eq!(answer(&asked, "through the looking glass"), "");
    assert!(asked.validate_offline("down the rabbit hole", &Context::default()).is_ok());

    assert!(!manual().rules().enforce_have_i_been_pwned);
    assert_eq!(answer(&manual(), "down the rabbit hole"), "");
    let never = with(|rules| rules.enforce_have_i_been_pwned = Some(false));
    assert_eq!(answer(&never.with_ranges(Some(Arc::new(Everything))), "down the rabbit hole"), "");
}

#[test]
fn context_words_are_refused_if_enabled() {
    let alice = Context::default()
        .user_id("alice")
        .display_name("Dinah Liddell")
        .mail("rabbit.hole@wonderland.example")
        .product("Looking Glass");
    let table = [
        ("the-ALICE-of-2026-it-is", CONTEXT),
        ("liddell-liddell-liddell", "Password must not contain the display name."),
        ("down the rabbit way in", "Password must not contain the email address."),
        ("a looking-glass of water", "Password must not contain the name of this service."),
        ("correct horse battery", ""),
    ];
    for (password, text) in table {
        assert_eq!(answer_for(&nist(), password, &alice), text, "{password}");
        assert_eq!(answer_for(&manual(), password, &alice), "", "{password}");
    }
    let violations = nist().validate("the-ALICE-of-2026-it-is", &alice).unwrap_err();
    assert!(violations.contains(&Violation::ContextWord { field: ContextField::UserId }));
}

#[test]
fn all_violations_are_reported_in_order() {
    #[derive(Debug)]
    struct BreachedSource;
    impl RangeSource for BreachedSource {
        fn range(&self, _: RangePrefix) -> Result<String, RangeError> {
            Ok(format!("{}:1", &breached::tests::sha1_of("alice")[5..]))
        }
    }
    let strict = with(|rules| {
        rules.enforce_numeric_characters = Some(true);
        rules.enforce_upper_lower_case = Some(true);
        rules.enforce_special_characters = Some(true);
        rules.enforce_no_context_words = Some(true);
    });
    let strict = strict.with_ranges(Some(Arc::new(BreachedSource)));
    let context = Context::default().user_id("Alice");
    let all = [COMMON, SHORT, NUMERIC, CASES, SPECIAL, BREACHED, CONTEXT].join(" ");
    assert_eq!(answer_for(&strict, "alice", &context), all);
    let codes: Vec<_> = strict.validate("alice", &context).unwrap_err().iter().map(Violation::code).collect();
    assert_eq!(
        codes,
        [
            "common",
            "too_short",
            "no_numeric_character",
            "no_upper_lower_case",
            "no_special_character",
            "breached",
            "context_word"
        ]
    );
}

#[test]
fn nothing_and_white_space_are_no_password() {
    let lax = with(|rules| {
        rules.min_length = Some(0);
        rules.enforce_non_common_password = Some(false);
    });
    for blank in ["", " ", "\t\r\n\0\u{b}", "          ", "\u{3000}\u{2003}\u{a0}"] {
        assert_eq!(answer(&lax, blank), "A valid password must be provided", "{blank:?}");
        assert_eq!(answer(&manual(), blank), "A valid password must be provided", "{blank:?}");
    }
    assert_eq!(answer(&lax, "0"), "");
}

#[test]
fn password_of_470_bytes_is_refused_and_none_is_cut() {
    let text = "Password is too long. Maximum allowed length is 469 characters.";
    assert_eq!(answer(&manual(), &"x".repeat(469)), "");
    assert_eq!(answer(&manual(), &"x".repeat(470)), text);
    assert_eq!(answer(&manual(), &"🦀".repeat(118)), text);
    assert_eq!(answer(&manual(), &"x".repeat(10_000_000)), text);
    // its first 469 bytes would be fine, its first ten are common
    assert_eq!(answer(&manual(), &format!("1234567890{}", "y".repeat(459))), "");
}

#[test]
fn manuals_own_example_is_taken() {
    let frank = Context::default().user_id("Frank");
    assert_eq!(answer_for(&manual(), "frankspassword", &frank), "");
}

#[test]
fn nist_asks_for_fifteen_and_for_no_kinds_of_characters() {
    assert_eq!(answer(&nist(), "fourteen chars"), "Password needs to be at least 15 characters long.");
    assert_eq!(answer(&nist(), "fifteen letters"), "");
    let rules = *nist().rules();
    assert!(rules.enforce_non_common_password && rules.enforce_no_context_words);
    assert!(!rules.enforce_numeric_characters && !rules.enforce_special_characters);
    assert!(!rules.enforce_upper_lower_case);
}

#[test]
fn setting_wins_over_its_profile() {
    let mut settings = Settings { profile: Profile::Nist, ..Settings::default() };
    settings.account.min_length = Some(8);
    settings.account.enforce_no_context_words = Some(false);
    let context = Context::default().user_id("rabbit");
    assert_eq!(answer_for(&policy(&settings), "rabbit 7", &context), "");
}

#[test]
fn negative_minimum_is_zero_and_impossible_one_is_an_error() {
    let none = with(|rules| rules.min_length = Some(-5));
    assert_eq!(none.rules().min_length, 0);
    assert_eq!(answer(&none, "ßẞ"), "");
    let mut settings = Settings::default();
    settings.account.min_length = Some(469);
    assert_eq!(answer(&policy(&settings), &"x".repeat(469)), "");
    settings.account.min_length = Some(470);
    assert_eq!(
        PasswordPolicy::from_settings(&settings).unwrap_err().to_string(),
        "setting \"minLength\": 470 is more than the 469 bytes that a password may have"
    );
}

#[test]
fn history_compares_only_the_newest_of_its_size() {
    let stored = ["fourth", "third", "second", "first"];
    let policy = policy(&Settings { history_size: Some(3), ..Settings::default() });
    let asked = RefCell::new(Vec::new());
    let verify = |candidate: &str, hash: &&'static str| {
        asked.borrow_mut().push(*hash);
        candidate == *hash
    };
    let refused = policy.validate_history("second", &stored, verify).unwrap_err();
    assert_eq!(refused.to_string(), "Password must not have been used recently before.");
    assert_eq!(asked.take(), ["fourth", "third", "second"]);
    assert!(policy.validate_history("first", &stored, verify).is_ok());
    assert_eq!(asked.take(), ["fourth", "third", "second"]);
    assert!(manual().validate_history("fourth", &stored, verify).is_ok());
    assert!(asked.take().is_empty());
}

#[test]
fn first_password_of_an_account_counts() {
    let policy = policy(&Settings { history_size: Some(2), ..Settings::default() });
    let mut history = Vec::new();
    policy.remember(&mut history, "initial");
    assert!(policy.validate_history("initial", &history, |a, b| a == *b).is_err());
    policy.remember(&mut history, "second");
    policy.remember(&mut history, "third");
    assert_eq!(history, ["third", "second"]);
    assert!(policy.validate_history("initial", &history, |a, b| a == *b).is_ok());
}

#[test]
fn no_history_keeps_nothing_and_a_long_one_is_capped() {
    let mut history = vec!["old"];
    manual().remember(&mut history, "new");
    assert!(history.is_empty());
    let endless = policy(&Settings { history_size: Some(i64::MAX), ..Settings::default() });
    assert_eq!(endless.history_size(), MAX_HISTORY);
    assert_eq!(policy(&Settings { history_size: Some(-1), ..Settings::default() }).history_size(), 0);
}

#[test]
fn shared_links_have_own_rules_only_if_listed() {
    let mut settings = Settings { history_size: Some(5), expiration: Some(1), ..Settings::default() };
    settings.account.enforce_numeric_characters = Some(true);
    settings.sharing.min_length = Some(4);
    let unlisted = Policies::from_settings(&settings).unwrap();
    assert_eq!(answer(unlisted.of(Scope::Sharing), "xq7!"), SHORT);
    assert_eq!(unlisted.iter().map(|(scope, _)| scope.name()).collect::<Vec<_>>(), ["account"]);

    settings.sharing_has_rules = true;
    let listed = Policies::from_settings(&settings).unwrap();
    assert_eq!(answer(listed.of(Scope::Sharing), "xq7!"), "");
    // what they do not say is as for accounts
    assert_eq!(answer(listed.of(Scope::Sharing), "xq-!"), NUMERIC);
    settings.sharing.min_length = None;
    settings.account.min_length = Some(20);
    let inherited = Policies::from_settings(&settings).unwrap();
    assert_eq!(inherited.of(Scope::Sharing).rules().min_length, 20);
    assert_eq!(answer(listed.of(Scope::Account), "xq7!"), SHORT);
    assert_eq!(listed.of(Scope::Sharing).history_size(), 0);
    assert_eq!(listed.of(Scope::Sharing).age(None, SystemTime::now()), Age::Unlimited);
    assert_eq!(listed.of(Scope::Account).age(None, SystemTime::now()), Age::Unstamped);
    assert_eq!(listed.iter().map(|(scope, _)| scope.name()).collect::<Vec<_>>(), ["account", "sharing"]);
}

#[test]
fn every_name_but_sharing_means_accounts() {
    for name in ["account", "", "Sharing", "login", "sharing "] {
        assert_eq!(Scope::named(name), Scope::Account, "{name}");
    }
    assert_eq!(Scope::named("sharing"), Scope::Sharing);
}

#[test]
fn policy_locks_as_it_is_set() {
    let strict = policy(&Settings { maximum_login_attempts: Some(2), ..Settings::default() });
    assert_eq!(strict.maximum_login_attempts(), Some(2));
    assert_eq!(manual().maximum_login_attempts(), None);
}

#[test]
fn capabilities_name_the_rules_in_effect() {
    insta::assert_snapshot!(serde_json::to_string_pretty(manual().rules()).unwrap(), @r#"
    {
      "minLength": 10,
      "enforceHaveIBeenPwned": false,
      "enforceNonCommonPassword": true,
      "enforceNumericCharacters": false,
      "enforceSpecialCharacters": false,
      "enforceUpperLowerCase": false,
      "enforceNoContextWords": false
    }
    "#);
}

#[test]
fn nothing_prints_a_password() {
    let refused = nist().validate("hunter2", &Context::default().user_id("hunter2")).unwrap_err();
    assert!(!format!("{refused} {refused:?} {:?}", nist()).contains("hunter2"));
}

fn any_settings() -> impl Strategy<Value = Settings> {
    let rules = || {
        (-3_i64..=469, any::<[Option<bool>; 6]>()).prop_map(|(minimum, [a, b, c, d, e, f])| RuleSettings {
            min_length: Some(minimum).filter(|m| *m >= 0),
            enforce_non_common_password: a,
            enforce_upper_lower_case: b,
            enforce_numeric_characters: c,
            enforce_special_characters: d,
            enforce_have_i_been_pwned: e,
            enforce_no_context_words: f,
        })
    };
    (rules(), rules(), any::<bool>(), any::<bool>()).prop_map(
        |(account, sharing, sharing_has_rules, nist)| {
            let profile = if nist { Profile::Nist } else { Profile::Manual };
            Settings { profile, account, sharing, sharing_has_rules, ..Settings::default() }
        },
    )
}

proptest! {
    #[test]
    fn no_input_panics_and_no_answer_is_empty(
        settings in any_settings(),
        password in any::<String>(),
        names in any::<[String; 4]>(),
    ) {
        let policies = Policies::from_settings(&settings).unwrap();
        let [id, display, mail, product] = &names;
        let context = Context::default().user_id(id).display_name(display).mail(mail).product(product);
        for scope in [Scope::Account, Scope::Sharing] {
            if let Err(violations) = policies.of(scope).validate(&password, &context) {
                prop_assert!(!violations.to_string().is_empty());
                prop_assert!(!violations.to_string().contains("  "));
            }
        }
    }

    #[test]
    fn accepted_password_fits_the_limits(password in "\\PC{0,40}") {
        let taken = manual().validate(&password, &Context::default()).is_ok();
        let count = password.chars().count();
        let common = CommonPasswords::embedded().unwrap().contains(&password);
        let fits = count >= 10 && password.len() <= MAX_PASSWORD_BYTES && !common && !password.trim().is_empty();
        prop_assert_eq!(taken, fits);
    }

    #[test]
    fn name_of_four_characters_is_found_wherever_it_is(name in "\\w{4,12}", before in "\\PC{0,9}", after in "\\PC{0,9}") {
        let password = format!("{before}{}{after}", name.to_uppercase());
        prop_assert!(Context::default().user_id(&name).found_in(&password).is_some());
    }
}
