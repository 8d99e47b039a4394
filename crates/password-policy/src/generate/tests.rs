use std::collections::HashSet;

use super::*;
use crate::{Context, PasswordPolicy, Profile, Settings};

const MANY: usize = 100_000;

fn policy(change: impl FnOnce(&mut Settings)) -> PasswordPolicy {
    let mut settings = Settings::default();
    change(&mut settings);
    PasswordPolicy::from_settings(&settings).unwrap()
}

fn strict() -> PasswordPolicy {
    policy(|settings| {
        settings.account.enforce_numeric_characters = Some(true);
        settings.account.enforce_upper_lower_case = Some(true);
        settings.account.enforce_special_characters = Some(true);
    })
}

/// Deviation from equal probability at one position, in chi-square standard deviations.
fn skew(counts: &[usize]) -> f64 {
    let expected = counts.iter().sum::<usize>() as f64 / counts.len() as f64;
    let chi_square: f64 = counts.iter().map(|n| (*n as f64 - expected).powi(2) / expected).sum();
    let freedom = counts.len() as f64 - 1.0;
    // Wilson and Hilferty: the cube root is nearly normal.
    let spread = 2.0 / (9.0 * freedom);
    ((chi_square / freedom).cbrt() - (1.0 - spread)) / spread.sqrt()
}

#[test]
fn hundred_thousand_passwords_are_valid_and_distinct() {
    for policy in [policy(|_| {}), strict()] {
        let mut seen = HashSet::with_capacity(MANY);
        for _ in 0..MANY {
            let password = policy.generate().unwrap();
            assert!(policy.validate(password.expose(), &Context::default()).is_ok());
            assert_eq!(password.expose().len(), SHORTEST);
            assert!(seen.insert(password.expose().to_owned()), "the same one twice");
        }
    }
}

#[test]
fn every_place_takes_every_character_equally_often() {
    let policy = policy(|_| {});
    let mut counts = vec![vec![0_usize; PLAIN.len()]; SHORTEST];
    for _ in 0..MANY {
        for (place, byte) in policy.generate().unwrap().expose().bytes().enumerate() {
            counts[place][PLAIN.iter().position(|b| *b == byte).unwrap()] += 1;
        }
    }
    for (place, counts) in counts.iter().enumerate() {
        // a generator that is right fails one run in 10^10; one that is wrong is off by hundreds
        assert!(skew(counts) < 6.5, "place {place}: {counts:?}");
    }
}

#[test]
fn biased_draw_would_be_seen() {
    let mut counts = vec![0_usize; PLAIN.len()];
    let mut bytes = RandomBytes::new(|buffer: &mut [u8]| getrandom::fill(buffer).is_ok());
    for _ in 0..MANY {
        counts[usize::from(bytes.next().unwrap()) % PLAIN.len()] += 1;
    }
    assert!(skew(&counts) > 6.5, "{}", skew(&counts));
}

#[test]
fn generated_password_exceeds_80_bits() {
    let bits = |alphabet: &[u8]| SHORTEST as f64 * (alphabet.len() as f64).log2();
    assert!(bits(PLAIN) > 92.0, "{}", bits(PLAIN));
    // Of the candidates for the strictest rules at least two of three pass: that costs less than
    // one bit.
    let without = |left: f64| (left / 64.0).powi(16);
    let fail = without(56.0) * 2.0 + without(40.0) * 2.0;
    assert!(fail < 1.0 / 3.0, "{fail}");
    assert!(bits(SPECIAL) - 1.0 > 80.0);
}

#[test]
fn alphabets_have_no_twins() {
    for alphabet in [PLAIN, SPECIAL] {
        assert_eq!(alphabet.iter().collect::<HashSet<_>>().len(), alphabet.len());
        assert!(!alphabet.iter().any(|byte| b"0Oo1Il".contains(byte)));
    }
    assert_eq!((PLAIN.len(), SPECIAL.len()), (56, 64));
}

#[test]
fn longer_minimum_makes_longer_passwords() {
    for (minimum, length) in [(0, 16), (16, 16), (17, 17), (100, 100), (469, 469)] {
        let policy = policy(|settings| settings.account.min_length = Some(minimum));
        assert_eq!(policy.generate().unwrap().expose().len(), length);
    }
    let nist = policy(|settings| settings.profile = Profile::Nist);
    assert_eq!(nist.generate_for(&Context::default().user_id("alice")).unwrap().expose().len(), 16);
}

#[test]
fn bytes_above_the_fair_limit_are_thrown_away() {
    // 224 is the largest multiple of 56 in a byte
    let mut source = [255_u8, 224, 223, 0, 230, 55, 56].into_iter().cycle();
    let mut bytes = RandomBytes::new(|buffer: &mut [u8]| {
        buffer.fill_with(|| source.next().unwrap());
        true
    });
    let drawn = draw(4, PLAIN, &mut bytes).unwrap();
    assert_eq!(drawn.as_str(), "9a9a");
}

#[test]
fn refused_candidate_is_discarded_completely() {
    let rounds = std::cell::Cell::new(0);
    let made = generate(16, false, |candidate| {
        assert_eq!(candidate.len(), 16);
        rounds.set(rounds.get() + 1);
        rounds.get() == 50
    });
    assert_eq!(made.unwrap().expose().len(), 16);
}

#[test]
fn unsatisfiable_rules_are_an_error() {
    let error = generate(16, false, |_| false).unwrap_err();
    assert_eq!(error.to_string(), "Could not generate a valid password");
}

#[test]
fn without_randomness_there_is_no_password() {
    let mut none = RandomBytes::new(|_: &mut [u8]| false);
    assert_eq!(draw(16, PLAIN, &mut none).unwrap_err(), GenerateError::NoRandomness);
}

#[test]
fn generated_password_is_never_printed() {
    let made = policy(|_| {}).generate().unwrap();
    assert_eq!(format!("{made:?}"), "Generated(…)");
}
