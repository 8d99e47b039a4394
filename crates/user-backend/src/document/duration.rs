//! Durations in configurations: `500ms`, `3s`, `15m`, `1h`, `2d`.
//!
//! The unit is part of the text. A bare number is refused: half of all programs take it for
//! seconds, the other half for milliseconds.

use std::time::Duration;

use super::error::Problem;
use super::tree::quoted;

/// Nothing here waits or remembers for longer than a year.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

const UNITS: [(&str, u64); 5] =
    [("ms", 1), ("s", 1000), ("m", 60 * 1000), ("h", 60 * 60 * 1000), ("d", 24 * 60 * 60 * 1000)];

/// Reads a duration greater than zero.
pub(crate) fn parse(text: &str) -> Result<Duration, Problem> {
    let problem =
        || Problem::new(quoted(text), "a length of time such as \"500ms\", \"3s\", \"15m\" or \"1h\"");
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).ok_or_else(problem)?;
    if number.is_empty() {
        return Err(problem());
    }
    let Some((_, millis)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err(match unit {
            "" => {
                problem().hint(format!("say the unit: \"{number}s\" for seconds, \"{number}m\" for minutes"))
            }
            _ => problem(),
        });
    };
    let number: u64 = number.parse().map_err(|_| problem())?;
    let length = number.checked_mul(*millis).map(Duration::from_millis).ok_or_else(problem)?;
    if length.is_zero() {
        return Err(Problem::new(quoted(text), "more than no time at all"));
    }
    if length > LONGEST {
        return Err(Problem::new(quoted(text), "at most \"365d\""));
    }
    Ok(length)
}

/// A length of time in the shortest form that [`parse`] takes.
pub(crate) fn shown(length: Duration) -> String {
    let millis = crate::clock::millis(length);
    let fits = |(_, unit): &&(&str, u64)| millis.is_multiple_of(*unit);
    match UNITS.iter().rev().find(fits) {
        Some((name, unit)) => format!("{}{name}", millis / unit),
        None => format!("{millis}ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_read() {
        for (text, millis) in
            [("500ms", 500), ("3s", 3000), ("15m", 900_000), ("1h", 3_600_000), ("2d", 172_800_000)]
        {
            let length = parse(text).unwrap();
            assert_eq!(length, Duration::from_millis(millis), "{text}");
            assert_eq!(shown(length), text);
        }
    }

    #[test]
    fn duration_without_unit_is_refused_with_a_hint() {
        let problem = parse("15").unwrap_err();
        assert_eq!(problem.hints, ["say the unit: \"15s\" for seconds, \"15m\" for minutes"]);
    }

    #[test]
    fn invalid_duration_is_refused() {
        for text in [
            "",
            "s",
            "-3s",
            "3 s",
            "3S",
            "1.5s",
            "3sec",
            "0s",
            "0ms",
            "366d",
            "99999999999999999999s",
            "3s ",
            "１s",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
