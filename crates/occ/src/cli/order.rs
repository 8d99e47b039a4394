//! Options before the command: `occ --password-from-env user:resetpassword admin`.
//!
//! Scripts of the PHP program write it so. The parser wants the command first, so it is moved
//! there.

use std::ffi::OsString;

use clap::{Arg, ArgAction, Command};

/// Moves the command before the options that belong to it.
///
/// A word is the command if it is the name of one, and everything before it are options that this
/// command takes, with their values. Otherwise the words stay as they are, and the parser says what
/// is wrong.
///
/// `cli` is called only if there may be something to move: it takes as long as all else that a
/// short command does.
pub(super) fn command_first(words: Vec<OsString>, cli: impl FnOnce() -> Command) -> Vec<OsString> {
    let begins_with_option = words.get(1).is_some_and(|word| word.as_encoded_bytes().starts_with(b"-"));
    if !begins_with_option || words.len() < 3 {
        return words;
    }
    let mut cli = cli();
    cli.build();
    let found =
        words.iter().enumerate().skip(1).take_while(|(_, word)| *word != "--").find_map(|(at, word)| {
            let command = cli.find_subcommand(word)?;
            takes_all(command, words.get(1..at)?).then_some(at)
        });
    let mut words = words;
    if let Some(at) = found.filter(|at| *at > 1) {
        let command = words.remove(at);
        words.insert(1, command);
    }
    words
}

/// Whether these words are complete options of the command with their values.
fn takes_all(command: &Command, words: &[OsString]) -> bool {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let Some(word) = word.to_str() else { return false };
        let is_value_missing = match (word.strip_prefix("--"), word.strip_prefix('-')) {
            (Some(long), _) => {
                let (name, value) =
                    long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
                let Some(option) = command.get_arguments().find(|option| is_called(option, name)) else {
                    return false;
                };
                has_value(option) && value.is_none()
            }
            (None, Some(short)) if !short.is_empty() => {
                let Some(is_value_missing) = shorts(command, short) else { return false };
                is_value_missing
            }
            _ => return false,
        };
        if is_value_missing && words.next().is_none() {
            return false;
        }
    }
    true
}

fn is_called(option: &Arg, name: &str) -> bool {
    option.get_long() == Some(name) || option.get_all_aliases().is_some_and(|all| all.contains(&name))
}

/// Whether the last of these short options takes the next word; `None` if unknown.
fn shorts(command: &Command, letters: &str) -> Option<bool> {
    for (at, letter) in letters.char_indices() {
        let option = command.get_arguments().find(|option| option.get_short() == Some(letter))?;
        if has_value(option) {
            return Some(at + letter.len_utf8() == letters.len());
        }
    }
    Some(false)
}

fn has_value(option: &Arg) -> bool {
    matches!(option.get_action(), ArgAction::Set | ArgAction::Append)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ordered(words: &str) -> String {
        let words = std::iter::once("occ").chain(words.split(' ')).map(OsString::from).collect();
        let words = command_first(words, super::super::command);
        let words: Vec<&str> = words.iter().skip(1).filter_map(|word| word.to_str()).collect();
        words.join(" ")
    }

    #[test]
    fn options_before_the_command_are_moved_behind_it() {
        for (words, expected) in [
            ("--password-from-env user:resetpassword admin", "user:resetpassword --password-from-env admin"),
            ("-n --output json user:list -i", "user:list -n --output json -i"),
            ("-l 5 user:list", "user:list -l 5"),
            ("-il5 user:list", "user:list -il5"),
            ("--display-name=Al -g staff user:add al", "user:add --display-name=Al -g staff al"),
            // The value of an option may be the name of a command.
            ("--display-name status user:add al", "user:add --display-name status al"),
            ("--display-name status", "--display-name status"),
            ("user:add status", "user:add status"),
            ("help user:add", "help user:add"),
            // Not for this command, or unknown: the parser explains.
            ("--password-from-env user:list", "--password-from-env user:list"),
            ("--passwort-from-env user:add al", "--passwort-from-env user:add al"),
            ("secret user:add al", "secret user:add al"),
            ("-- user:list", "-- user:list"),
        ] {
            assert_eq!(ordered(words), expected);
        }
    }
}
