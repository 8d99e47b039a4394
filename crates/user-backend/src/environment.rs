//! Passwords in environment variables, for command lines.
//!
//! `/proc` and child processes show the environment as long as a program runs, so a password is
//! removed once it is read.

use std::env;

use thiserror::Error;
use zeroize::Zeroizing;

/// The variable is not UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the password is not UTF-8")]
pub struct NotText;

/// Reads the password from the first of these variables that is not empty.
///
/// Returns an empty password if all that are set are empty, and `None` if none is set.
///
/// # Errors
/// [`NotText`].
pub fn password(variables: &[&str]) -> Result<Option<Zeroizing<String>>, NotText> {
    let mut found = None;
    for value in variables.iter().filter_map(env::var_os) {
        let is_empty = value.is_empty();
        found = Some(value);
        if !is_empty {
            break;
        }
    }
    let Some(value) = found else { return Ok(None) };
    value.into_string().map(|text| Some(Zeroizing::new(text))).map_err(|raw| {
        drop(Zeroizing::new(raw.into_encoded_bytes()));
        NotText
    })
}

/// Gets these variables out of this process's environment.
///
/// To be called first of all, before there are threads.
///
/// A process cannot wipe its initial environment, and removing a variable from the copy that the
/// language keeps would not change what `/proc` shows. So the program re-executes itself in the
/// same process (`exec`), without the variables and with `option` on its command line replaced by
/// `instead`, which makes it read the password from standard input: there it waits in a pipe. So
/// this does not return when it works.
///
/// It returns where that is not possible, where `option` is not given, and where the variables hold
/// nothing that could be a password: the program then continues, and refuses such a password
/// without asking a server.
pub fn scrub_and_reexec(variables: &[&str], option: &str, instead: &str) {
    #[cfg(unix)]
    {
        use std::io::Write;
        use std::os::unix::process::CommandExt;

        let Ok(Some(password)) = password(variables) else { return };
        // No control characters, so one line, and short, so the pipe takes it at once.
        if crate::Password::parse(password.as_str()).is_err() {
            return;
        }
        let (Ok(program), Ok((reader, mut writer))) = (env::current_exe(), std::io::pipe()) else { return };
        let handed_over = writer.write_all(password.as_bytes()).and_then(|()| writer.write_all(b"\n"));
        drop(writer);
        if handed_over.is_err() {
            return;
        }
        let mut words = env::args_os();
        let Some(name) = words.next() else { return };
        let mut words: Vec<_> = words.collect();
        let Some(word) = words.iter_mut().find(|word| *word == option) else { return };
        *word = instead.into();
        let mut command = std::process::Command::new(program);
        for variable in variables {
            command.env_remove(variable);
        }
        // Returns only when it failed.
        let _ = command.arg0(name).args(words).stdin(reader).exec();
    }
    #[cfg(not(unix))]
    let _ = (variables, option, instead);
}
