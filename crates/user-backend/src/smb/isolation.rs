//! Isolation of libsmbclient: helper processes, or a thread of this process.

use std::path::PathBuf;

/// How the engine `pavao` isolates libsmbclient.
///
/// libsmbclient is written in C and keeps its state in global variables. In this process it handles
/// one login at a time for all servers, and a crash of it ends the program. In helper processes, at
/// most four for each backend, a server that hangs holds up its own logins only, and a crash is an
/// outage of one attempt. See [`run_helper_if_requested`](super::run_helper_if_requested) for how a
/// program becomes its own helper.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Isolation {
    /// In helpers when this program has called
    /// [`run_helper_if_requested`](super::run_helper_if_requested), else in a thread. The default.
    #[default]
    Auto,
    /// In one thread of this process, shared by all backends that do so.
    InProcess,
    /// In helpers that run this program, which does nothing but call
    /// [`run_helper_if_requested`](super::run_helper_if_requested). For libraries in programs whose
    /// `main` you cannot change. Linux only.
    Program(PathBuf),
}

/// The chosen isolation.
#[cfg(feature = "smb")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LoginRunner {
    Thread,
    #[cfg(target_os = "linux")]
    Helpers(PathBuf),
}

#[cfg(feature = "smb")]
impl Isolation {
    pub(super) fn place(&self) -> LoginRunner {
        match self {
            #[cfg(target_os = "linux")]
            Self::Auto => super::helper::own_program().map_or(LoginRunner::Thread, LoginRunner::Helpers),
            #[cfg(target_os = "linux")]
            Self::Program(program) => LoginRunner::Helpers(program.clone()),
            _ => LoginRunner::Thread,
        }
    }
}
