//! Where the password comes from: the terminal, unseen; the environment; a pipe. Never the command line.

use std::io::{self, BufRead, ErrorKind, IsTerminal};

use zeroize::Zeroizing;

use crate::cli::{Common, LoginArgs};
use crate::exit::Failure;
use crate::output::one_line;

/// The variable that `--password-from-env` reads.
const VARIABLE: &str = "OC_PASS";

/// The most that is read from a pipe. Longer than any password that is taken, so that a longer one is refused and not cut.
const MOST: u64 = 64 * 1024;

/// Gets the password from where the command line says.
///
/// # Cancellation
/// Safe, but the thread that waits for the terminal or the pipe goes on until the process ends.
pub(crate) async fn read(
    common: &Common,
    args: &LoginArgs,
    name: &str,
) -> Result<Zeroizing<String>, Failure> {
    if args.password_from_env {
        return from_env();
    }
    let piped = args.password_from_stdin && !io::stdin().is_terminal();
    if !piped && (common.no_interaction || !io::stdin().is_terminal()) {
        return Err(Failure::new(format!(
            "nobody can be asked for the password here; take it from the environment with --password-from-env ({VARIABLE}) \
             or from a pipe with --password-from-stdin"
        )));
    }
    let question = format!("Password of {}: ", one_line(name));
    let work = move || if piped { from_pipe(io::stdin().lock()) } else { ask(&question) };
    match tokio::task::spawn_blocking(work).await {
        Ok(Some(answer)) => answer,
        // Ctrl-C at the prompt: the signal is on its way and ends the program.
        Ok(None) => std::future::pending().await,
        Err(_) => Err(Failure::new("the prompt ended with an internal error")),
    }
}

fn from_env() -> Result<Zeroizing<String>, Failure> {
    let Some(value) = std::env::var_os(VARIABLE) else {
        return Err(Failure::new(format!("--password-from-env was given, but {VARIABLE} is not set")));
    };
    value.into_string().map(Zeroizing::new).map_err(|raw| {
        drop(Zeroizing::new(raw.into_encoded_bytes()));
        Failure::new(format!("{VARIABLE} is not UTF-8"))
    })
}

/// The first line. `None` never comes from here; the type is that of [`ask`].
fn from_pipe(pipe: impl BufRead) -> Option<Result<Zeroizing<String>, Failure>> {
    // Room for everything at once: a buffer that grows leaves copies behind.
    let mut line = Zeroizing::new(Vec::with_capacity(usize::try_from(MOST).unwrap_or_default()));
    if let Err(error) = pipe.take(MOST).read_until(b'\n', &mut line) {
        return Some(Err(Failure::new(format!("standard input cannot be read: {error}"))));
    }
    if line.is_empty() {
        return Some(Err(Failure::new("--password-from-stdin was given, but standard input is empty")));
    }
    let end = line.strip_suffix(b"\n").map(|rest| rest.strip_suffix(b"\r").unwrap_or(rest));
    Some(match std::str::from_utf8(end.unwrap_or(&line)) {
        Ok(password) => Ok(Zeroizing::new(password.to_owned())),
        Err(_) => Err(Failure::new("the password on standard input is not UTF-8")),
    })
}

/// Asks at the terminal, unseen. `None` when the person pressed Ctrl-C.
fn ask(question: &str) -> Option<Result<Zeroizing<String>, Failure>> {
    #[cfg(unix)]
    terminal::save();
    match rpassword::prompt_password(question) {
        Ok(password) => Some(Ok(Zeroizing::new(password))),
        Err(error) if error.kind() == ErrorKind::Interrupted => None,
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
            Some(Err(Failure::new("no password was typed")))
        }
        Err(error) => Some(Err(Failure::new(format!("the terminal cannot be asked: {error}")))),
    }
}

/// Puts the terminal back as it was before the prompt.
pub(crate) fn restore_terminal() {
    #[cfg(unix)]
    terminal::restore();
}

#[cfg(unix)]
mod terminal {
    use std::fs::File;
    use std::sync::OnceLock;

    use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

    static BEFORE: OnceLock<Termios> = OnceLock::new();

    fn open() -> Option<File> {
        File::open("/dev/tty").ok()
    }

    pub(super) fn save() {
        if let Some(settings) = open().and_then(|terminal| tcgetattr(terminal).ok()) {
            BEFORE.get_or_init(|| settings);
        }
    }

    pub(super) fn restore() {
        if let Some((terminal, settings)) = open().zip(BEFORE.get()) {
            // The program ends anyway.
            let _ = tcsetattr(terminal, OptionalActions::Now, settings);
        }
    }
}

/// Gets [`VARIABLE`] out of this process's environment, where `/proc` and child processes would show it as long as the
/// sign-in takes.
///
/// A process cannot wipe its initial environment, and removing a variable from the copy that the language keeps would not
/// change what `/proc` shows. So the program starts itself anew in the same process (`exec`), without the variable, and
/// hands the password over in a pipe. Where that is not possible the program goes on as it is. A text that cannot be a
/// password stays too: it is refused without asking anybody.
#[cfg(unix)]
pub(crate) fn leave_environment() {
    use std::io::Write;
    use std::os::unix::process::CommandExt;

    let Ok(password) = from_env() else { return };
    // No control characters, so one line, and short, so the pipe takes it at once.
    if user_backend::Password::parse(password.as_str()).is_err() {
        return;
    }
    let (Ok(program), Ok((reader, mut writer))) = (std::env::current_exe(), io::pipe()) else { return };
    let handed_over = writer.write_all(password.as_bytes()).and_then(|()| writer.write_all(b"\n"));
    drop(writer);
    if handed_over.is_err() {
        return;
    }
    let mut words: Vec<_> = std::env::args_os().collect();
    let name = if words.is_empty() { "occ".into() } else { words.remove(0) };
    let Some(option) = words.iter_mut().find(|word| *word == "--password-from-env") else { return };
    *option = "--password-from-stdin".into();
    // Returns only when it failed.
    let _ =
        std::process::Command::new(program).arg0(name).args(words).env_remove(VARIABLE).stdin(reader).exec();
}

#[cfg(not(unix))]
pub(crate) fn leave_environment() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_gives_its_first_line_and_nothing_is_cut_off() {
        let long = "x".repeat(2000);
        for (piped, password) in [
            ("secret\n", "secret"),
            ("secret", "secret"),
            ("secret\r\n", "secret"),
            (" edges \nsecond line\n", " edges "),
            ("\n", ""),
            (long.as_str(), long.as_str()),
        ] {
            assert_eq!(from_pipe(piped.as_bytes()).unwrap().unwrap().as_str(), password);
        }
        assert!(from_pipe(&b""[..]).unwrap().unwrap_err().to_string().contains("is empty"));
        assert!(from_pipe(&b"\xff\n"[..]).unwrap().unwrap_err().to_string().contains("not UTF-8"));
    }
}
