//! Passwords in environment variables, for command lines.
//!
//! `/proc` and child processes show the environment as long as a program runs, so a password is
//! removed once it is read.

use std::env;
use std::fmt;

use thiserror::Error;
use zeroize::Zeroizing;

/// The variable is not UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the password is not UTF-8")]
pub struct NotText;

/// The password that stood in the environment of this process, if there was one.
#[derive(Default)]
pub struct TakenPassword(Option<Result<Zeroizing<String>, NotText>>);

impl TakenPassword {
    /// Takes the password out of these variables: from the first that is not empty.
    ///
    /// Only if `option` is on the command line of this process: `--password-from-env`.
    ///
    /// To be called first of all: before there are threads, and before the process [is made
    /// undumpable](crate::process::disable_core_dumps), after which its own `/proc` is root's.
    ///
    /// Where the system allows it, the values are wiped where the process got them. What `/proc`
    /// shows is read again then, and so is what the process itself would hand on.
    ///
    /// Otherwise the program re-executes itself in the same process (`exec`), without the variables
    /// and with `option` on its command line replaced by `instead`, which makes it read the
    /// password from standard input: there it waits in a pipe. So this does not return when it
    /// works. It returns where that is not possible either, and where the variables hold nothing
    /// that could be a password: the program then continues, and refuses such a password without
    /// asking a server.
    pub fn take(variables: &[&str], option: &str, instead: &str) -> Self {
        if env::args_os().all(|word| word != option) {
            return Self::default();
        }
        let taken = Self::read(variables);
        if taken.0.is_some() && !is_wiped(variables) {
            taken.reexec(variables, option, instead);
        }
        taken
    }

    /// The password: empty if all variables that are set are empty, and `None` if none is set.
    ///
    /// # Errors
    /// [`NotText`].
    pub fn get(&self) -> Result<Option<&str>, NotText> {
        match &self.0 {
            None => Ok(None),
            Some(Ok(password)) => Ok(Some(password)),
            Some(Err(error)) => Err(*error),
        }
    }

    fn read(variables: &[&str]) -> Self {
        let mut found = None;
        for value in variables.iter().filter_map(env::var_os) {
            let is_empty = value.is_empty();
            drop(found.replace(Zeroizing::new(value.into_encoded_bytes())));
            if !is_empty {
                break;
            }
        }
        Self(found.map(|bytes| match str::from_utf8(&bytes) {
            Ok(text) => Ok(Zeroizing::new(text.to_owned())),
            Err(_) => Err(NotText),
        }))
    }

    /// Returns only when it does not work.
    #[cfg(unix)]
    fn reexec(&self, variables: &[&str], option: &str, instead: &str) {
        use std::io::Write;
        use std::os::unix::process::CommandExt;

        let Ok(Some(password)) = self.get() else { return };
        // No control characters, so one line, and short, so the pipe takes it at once.
        if crate::Password::parse(password).is_err() {
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
    fn reexec(&self, _: &[&str], _: &str, _: &str) {}
}

/// Without the password.
impl fmt::Debug for TakenPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TakenPassword").finish_non_exhaustive()
    }
}

/// Wipes the values of these variables; whether none of them is left.
#[cfg(target_os = "linux")]
fn is_wiped(variables: &[&str]) -> bool {
    let is_empty = |variable: &&str| env::var_os(variable).is_none_or(|value| value.is_empty());
    initial::wipe(variables).is_ok() && variables.iter().all(is_empty)
}

#[cfg(not(target_os = "linux"))]
fn is_wiped(_: &[&str]) -> bool {
    false
}

/// The environment as the kernel put it into the memory of this process.
///
/// It is changed through the file that the kernel has for that, so no code of ours writes to an
/// address. (proc(5): `stat`, fields 50 and 51; `mem`; `environ`.)
#[cfg(target_os = "linux")]
mod initial {
    use std::fs::{self, File};
    use std::io;
    use std::ops::Range;
    use std::os::unix::fs::FileExt;

    use zeroize::Zeroizing;

    /// Wipes the values of these variables.
    ///
    /// # Errors
    /// `/proc` is not there or not allowed, or shows one of them all the same.
    pub(super) fn wipe(variables: &[&str]) -> io::Result<()> {
        let other = || io::Error::from(io::ErrorKind::InvalidData);
        let place = place(&fs::read_to_string("/proc/self/stat")?).ok_or_else(other)?;
        let memory = File::options().read(true).write(true).open("/proc/self/mem")?;
        let length = usize::try_from(place.end - place.start).map_err(|_| other())?;
        let mut block = Zeroizing::new(vec![0; length]);
        memory.read_exact_at(&mut block, place.start)?;
        for value in values(&block, variables) {
            memory.write_all_at(&vec![0; value.len()], place.start + value.start as u64)?;
        }
        let shown = Zeroizing::new(fs::read("/proc/self/environ")?);
        if shown.is_empty() || !values(&shown, variables).is_empty() {
            return Err(other());
        }
        Ok(())
    }

    /// Where the environment is, by `/proc/PID/stat`.
    pub(super) fn place(stat: &str) -> Option<Range<u64>> {
        // The second field may hold spaces and parentheses.
        let (_, rest) = stat.rsplit_once(')')?;
        let mut numbers = rest.split_ascii_whitespace().skip(47).map(str::parse);
        let (start, end) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
        (0 < start && start < end).then_some(start..end)
    }

    /// Where the values of these variables are that are not empty.
    pub(super) fn values(block: &[u8], variables: &[&str]) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        let mut at = 0;
        for entry in block.split(|byte| *byte == 0) {
            let end = at + entry.len();
            let is_ours = |name: &&str| variables.iter().any(|variable| variable == name);
            if let Some(equals) = entry.iter().position(|byte| *byte == b'=')
                && entry.get(..equals).and_then(|name| str::from_utf8(name).ok()).filter(is_ours).is_some()
                && at + equals + 1 < end
            {
                found.push(at + equals + 1..end);
            }
            at = end + 1;
        }
        found
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_os = "linux")]
    #[test]
    fn values_are_those_of_the_variables_in_full() {
        let block =
            b"A=1\0NC_PASS=secret\0XNC_PASS=a\0NC_PASS_=b\0OC_PASS=\0NC_PASS=\xff=\0\0NC_PASS\0OC_PASS=x";
        let found = super::initial::values(block, &["NC_PASS", "OC_PASS"]);
        let found: Vec<&[u8]> = found.into_iter().map(|value| &block[value]).collect();
        assert_eq!(found, [&b"secret"[..], b"\xff=", b"x"]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn place_is_read_behind_any_program_name() {
        let numbers: Vec<String> = (4..=52).map(|number| number.to_string()).collect();
        let stat = |name: &str| format!("1 ({name}) S {}\n", numbers.join(" "));
        for name in ["occ", "a) b (c", "1 2 3"] {
            assert_eq!(super::initial::place(&stat(name)), Some(50..51));
        }
        assert_eq!(super::initial::place("1 (occ) S 1 2"), None);
        // The kernel shows zeros to those who may not know.
        assert_eq!(super::initial::place(&stat("occ").replace(" 50 51 ", " 0 0 ")), None);
        let own = std::fs::read_to_string("/proc/self/stat").unwrap();
        assert!(super::initial::place(&own).is_some());
    }
}
