//! Where the password comes from: the terminal, unseen; the environment; a pipe.
//!
//! Never the command line.

use std::io::{self, BufRead, ErrorKind, IsTerminal};

use user_backend::environment::TakenPassword;
use zeroize::Zeroizing;

use crate::cli::{Common, Password};
use crate::exit::CliError;

/// The variables that `--password-from-env` reads: the first that holds anything.
const VARIABLES: [&str; 2] = ["NC_PASS", "OC_PASS"];

/// The most that is read from a pipe.
///
/// Longer than any password that is taken, so that a longer one is refused and not cut.
const MOST: u64 = 64 * 1024;

/// Gets a password that exists already from where the command line says.
///
/// # Cancellation
/// Safe, but the thread that waits for the terminal or the pipe continues until the process ends.
pub(crate) async fn read(
    common: &Common,
    source: Password,
    question: String,
) -> Result<Zeroizing<String>, CliError> {
    if source.password_from_env {
        return from_env(common);
    }
    let piped = source.password_from_stdin && !io::stdin().is_terminal();
    if !piped && is_not_interactive(common) {
        return Err(CliError::new(
            "cannot prompt for the password here; take it from the environment with --password-from-env (NC_PASS or \
             OC_PASS) or from a pipe with --password-from-stdin",
        ));
    }
    wait(move || {
        if piped {
            return from_pipe(io::stdin().lock());
        }
        let _silent = Silence::begin();
        ask(&question, || CliError::new("no password was typed"))
    })
    .await
}

/// Reads a new password; at the terminal, it has to be typed twice.
///
/// # Cancellation
/// As with [`read`].
pub(crate) async fn read_new(
    common: &Common,
    source: Password,
    question: &'static str,
    again: &'static str,
    what: &'static str,
) -> Result<Zeroizing<String>, CliError> {
    if source.password_from_env {
        let empty = || CliError::refused("--password-from-env given, but NC_PASS/OC_PASS is empty!");
        if matches!(common.from_env.get(), Ok(None | Some(""))) {
            return Err(empty());
        }
        return from_env(common);
    }
    let piped = source.password_from_stdin && !io::stdin().is_terminal();
    if !piped && is_not_interactive(common) {
        let text = format!("Interactive input or --password-from-env is needed for entering {what}!");
        return Err(CliError::refused(text));
    }
    let password = wait(move || {
        if piped {
            return from_pipe(io::stdin().lock());
        }
        let _silent = Silence::begin();
        let other = || CliError::refused("Passwords did not match!");
        let first = match ask(question, nothing)? {
            Ok(first) if first.is_empty() => return Some(Ok(first)),
            Ok(first) => first,
            Err(failure) => return Some(Err(failure)),
        };
        Some(match ask(again, other)? {
            Ok(second) if *second == *first => Ok(first),
            Ok(_) => Err(other()),
            Err(failure) => Err(failure),
        })
    })
    .await?;
    if password.is_empty() {
        return Err(nothing());
    }
    Ok(password)
}

/// The refusal of an empty new password.
fn nothing() -> CliError {
    CliError::refused("Password cannot be empty!")
}

/// Whether there is no person at the terminal, or none who may be asked.
fn is_not_interactive(common: &Common) -> bool {
    common.no_interaction || !io::stdin().is_terminal()
}

/// Waits for a thread that may sit at the prompt.
async fn wait<T: Send + 'static>(
    work: impl FnOnce() -> Option<Result<T, CliError>> + Send + 'static,
) -> Result<T, CliError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Some(answer)) => answer,
        // Ctrl-C at the prompt: the signal is on its way and ends the program.
        Ok(None) => std::future::pending().await,
        Err(_) => Err(CliError::new("the prompt ended with an internal error")),
    }
}

/// A secret other than a password, from a pipe.
pub(crate) async fn secret_from_stdin() -> Result<Zeroizing<String>, CliError> {
    wait(|| from_pipe(io::stdin().lock())).await
}

fn from_env(common: &Common) -> Result<Zeroizing<String>, CliError> {
    match common.from_env.get() {
        Ok(Some(password)) => Ok(Zeroizing::new(password.to_owned())),
        Ok(None) => Err(CliError::new("--password-from-env was given, but NC_PASS/OC_PASS is not set")),
        Err(_) => Err(CliError::new("the password in NC_PASS/OC_PASS is not UTF-8")),
    }
}

/// What comes before the first line end or NUL: `pam_exec` ends a password with a NUL.
///
/// `None` never comes from here; the type is that of [`ask`].
fn from_pipe(pipe: impl BufRead) -> Option<Result<Zeroizing<String>, CliError>> {
    // Allocated in full at once: a growing buffer leaves copies of the password in memory.
    let mut line = Zeroizing::new(Vec::with_capacity(usize::try_from(MOST).unwrap_or_default()));
    if let Err(error) = read_password(pipe.take(MOST), &mut line) {
        return Some(Err(CliError::new(format!("standard input cannot be read: {error}"))));
    }
    if line.is_empty() {
        return Some(Err(CliError::new("nothing came on standard input: standard input is empty")));
    }
    let end = line.strip_suffix(b"\n").map(|rest| rest.strip_suffix(b"\r").unwrap_or(rest));
    let end = end.or_else(|| line.strip_suffix(b"\0"));
    Some(match std::str::from_utf8(end.unwrap_or(&line)) {
        Ok(password) => Ok(Zeroizing::new(password.to_owned())),
        Err(_) => Err(CliError::new("the password on standard input is not UTF-8")),
    })
}

/// Reads up to the first line end or NUL, and with it.
fn read_password(mut pipe: impl BufRead, line: &mut Vec<u8>) -> io::Result<()> {
    loop {
        let found = match pipe.fill_buf() {
            Ok(found) => found,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let end = found.iter().position(|byte| matches!(byte, b'\n' | 0)).map(|at| at + 1);
        let taken = end.unwrap_or(found.len());
        line.extend_from_slice(found.get(..taken).unwrap_or_default());
        pipe.consume(taken);
        if end.is_some() || taken == 0 {
            return Ok(());
        }
    }
}

/// Asks at the terminal, without echo.
///
/// `None` when the person pressed Ctrl-C; `ended` says what Ctrl-D means.
fn ask(question: &str, ended: impl FnOnce() -> CliError) -> Option<Result<Zeroizing<String>, CliError>> {
    match rpassword::prompt_password(question) {
        Ok(password) => Some(Ok(Zeroizing::new(password))),
        Err(error) if error.kind() == ErrorKind::Interrupted => None,
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
            // Enter was not pressed: continue on a new line.
            end_line();
            Some(Err(ended()))
        }
        Err(error) => Some(Err(CliError::new(format!("the terminal cannot be asked: {error}")))),
    }
}

/// Until it is dropped, the terminal does not echo.
///
/// This covers the time before the first prompt and between two prompts, where the prompt itself
/// does not.
struct Silence;

impl Silence {
    fn begin() -> Self {
        #[cfg(unix)]
        terminal::silence();
        Self
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        restore_terminal();
    }
}

/// Ends the line of the question.
fn end_line() {
    #[cfg(unix)]
    terminal::end_line();
    #[cfg(not(unix))]
    crate::output::eprintln_line("");
}

/// Puts the terminal back as it was before the prompt.
pub(crate) fn restore_terminal() {
    #[cfg(unix)]
    terminal::restore();
}

#[cfg(unix)]
mod terminal {
    use std::fs::File;
    use std::io::Write;
    use std::sync::OnceLock;

    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

    static BEFORE: OnceLock<Termios> = OnceLock::new();

    fn open() -> Option<File> {
        File::open("/dev/tty").ok()
    }

    pub(super) fn silence() {
        let Some(terminal) = open() else { return };
        let Ok(mut settings) = tcgetattr(&terminal) else { return };
        BEFORE.get_or_init(|| settings.clone());
        settings.local_modes.remove(LocalModes::ECHO);
        // Without it the prompt does it a moment later.
        let _ = tcsetattr(terminal, OptionalActions::Now, &settings);
    }

    pub(super) fn end_line() {
        if let Ok(mut terminal) = File::options().write(true).open("/dev/tty") {
            // For the eye alone.
            let _ = terminal.write_all(b"\n");
        }
    }

    pub(super) fn restore() {
        if let Some((terminal, settings)) = open().zip(BEFORE.get()) {
            // The program ends anyway.
            let _ = tcsetattr(terminal, OptionalActions::Now, settings);
        }
    }
}

/// Takes the password out of this process's environment, if its command line says so.
pub(crate) fn leave_environment() -> TakenPassword {
    TakenPassword::take(&VARIABLES, "--password-from-env", "--password-from-stdin")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pipe_gives_its_first_line_and_nothing_is_cut_off() {
        let long = "x".repeat(2000);
        for (piped, password) in [
            ("secret\n", "secret"),
            ("secret", "secret"),
            ("secret\r\n", "secret"),
            (" edges \nsecond line\n", " edges "),
            ("\n", ""),
            ("secret\0", "secret"),
            ("secret\0\n", "secret"),
            ("secret\r\0", "secret\r"),
            ("\0", ""),
            (long.as_str(), long.as_str()),
        ] {
            assert_eq!(from_pipe(piped.as_bytes()).unwrap().unwrap().as_str(), password);
        }
        assert!(from_pipe(&b""[..]).unwrap().unwrap_err().to_string().contains("is empty"));
        assert!(from_pipe(&b"\xff\n"[..]).unwrap().unwrap_err().to_string().contains("not UTF-8"));
    }
}
