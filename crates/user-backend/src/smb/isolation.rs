//! Isolation of libsmbclient: helper processes, or a thread of this process.

use std::path::PathBuf;

/// How the engine `pavao` isolates libsmbclient.
///
/// libsmbclient is written in C and keeps its state in global variables. In this process it can do
/// one login at a time, whatever the number of servers, and a crash of it ends the program. In
/// helper processes, at most four for each backend, a server that hangs holds up its own logins
/// only, and a crash is an outage of one attempt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Isolation {
    /// Helpers of this program, else of `user-backend-smb-helper`, else a thread.
    ///
    /// Helpers run this program if its `main` has called `run_helper_if_requested`, else
    /// `user-backend-smb-helper` if that is installed. A thread is possible if this program links
    /// libsmbclient. The default.
    ///
    /// The helper is looked for in the directory of this program, in `../libexec/user-backend` from
    /// there, and in `/usr/libexec/user-backend`; never in `PATH`.
    #[default]
    Auto,
    /// In one thread of this process, shared by all backends that do so.
    ///
    /// Needs the cargo feature `smb`.
    InProcess,
    /// Helpers that run this program, which only calls `run_helper_if_requested`.
    ///
    /// Linux only.
    Program(PathBuf),
}

/// The chosen isolation.
#[cfg(feature = "smb-helper")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LoginRunner {
    #[cfg(feature = "smb")]
    Thread,
    #[cfg(target_os = "linux")]
    Helpers(PathBuf),
    /// Without libsmbclient in this program, and without helpers on this platform.
    #[cfg(not(any(feature = "smb", target_os = "linux")))]
    Nowhere(std::convert::Infallible),
}

#[cfg(feature = "smb-helper")]
impl Isolation {
    /// # Errors
    /// In words: libsmbclient is not linked, and no helper program is found.
    pub(super) fn runner(&self) -> Result<LoginRunner, String> {
        #[cfg(target_os = "linux")]
        match self {
            Self::Program(program) => return Ok(LoginRunner::Helpers(program.clone())),
            Self::Auto => {
                if let Some(program) = super::helper::own_program().or_else(super::helper::installed_program)
                {
                    return Ok(LoginRunner::Helpers(program));
                }
            }
            Self::InProcess => (),
        }
        #[cfg(feature = "smb")]
        return Ok(LoginRunner::Thread);
        #[cfg(not(feature = "smb"))]
        Err(no_helper())
    }
}

#[cfg(all(feature = "smb-helper", not(feature = "smb")))]
fn no_helper() -> String {
    #[cfg(target_os = "linux")]
    {
        let paths = super::helper::installed_paths();
        let paths: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
        format!("it needs the program user-backend-smb-helper, which is none of {}", paths.join(", "))
    }
    #[cfg(not(target_os = "linux"))]
    "it needs the program user-backend-smb-helper, which runs on Linux only".to_owned()
}
