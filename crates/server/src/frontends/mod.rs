//! Frontends: protocols with which other programs check passwords here.
//!
//! | file | contents |
//! |---|---|
//! | `socket` | Unix sockets: permissions, peers, number of connections, the end |
//! | `saslauthd` | the protocol of saslauthd |
//! | `dovecot_auth` | Dovecot's auth client protocol |
//! | `occ` | requests of `occ backend:login --server` |
//! | `forward_auth` | reverse proxies that ask about every request |
//! | `nginx_mail` | nginx's mail proxy, which asks about every mail client |
//! | `readers` | the readers of untrusted input, for the fuzz targets |

#[cfg(unix)]
mod dovecot_auth;
pub(crate) mod forward_auth;
pub(crate) mod nginx_mail;
#[cfg(unix)]
mod occ;
pub mod readers;
#[cfg(unix)]
mod saslauthd;
#[cfg(unix)]
mod socket;

use std::io;

#[cfg(unix)]
use accounts::{DovecotAuthSettings, SaslauthdSettings, SocketSettings};

use crate::state::AppState;

/// The open sockets of the settings.
#[derive(Debug)]
pub(crate) struct BoundSockets {
    #[cfg(unix)]
    dovecot_auth: Option<socket::Socket>,
    #[cfg(unix)]
    occ: Option<socket::Socket>,
    #[cfg(unix)]
    saslauthd: Option<socket::Socket>,
}

/// A socket cannot be opened: its setting, its path and the reason.
pub(crate) type Unopened = (&'static str, std::path::PathBuf, io::Error);

#[cfg(unix)]
impl BoundSockets {
    /// Opens the sockets of the settings.
    ///
    /// # Errors
    /// [`Unopened`]
    pub(crate) fn open(app: &AppState) -> Result<Self, Unopened> {
        let frontends = &app.settings().frontends;
        let open = |name, settings: Option<SocketSettings>| {
            settings
                .map(|settings| {
                    socket::Socket::open(&settings).map_err(|error| (name, settings.path.clone(), error))
                })
                .transpose()
        };
        Ok(Self {
            dovecot_auth: open(
                "dovecot_auth",
                frontends.dovecot_auth.as_ref().map(DovecotAuthSettings::socket),
            )?,
            occ: open("occ", frontends.occ.clone())?,
            saslauthd: open("saslauthd", frontends.saslauthd.as_ref().map(SaslauthdSettings::socket))?,
        })
    }

    /// Serves until the server stops.
    pub(crate) async fn serve(self, app: AppState, stopping: tokio::sync::watch::Receiver<bool>) {
        let stopping = socket::Stopping::new(stopping);
        let dovecot_auth = async {
            if let Some(socket) = self.dovecot_auth {
                socket.serve(app.clone(), stopping.clone(), dovecot_auth::answer).await;
            }
        };
        let occ = async {
            if let Some(socket) = self.occ {
                socket.serve(app.clone(), stopping.clone(), occ::answer).await;
            }
        };
        let saslauthd = async {
            if let Some(socket) = self.saslauthd {
                socket.serve(app.clone(), stopping.clone(), saslauthd::answer).await;
            }
        };
        tokio::join!(dovecot_auth, occ, saslauthd);
    }
}

#[cfg(not(unix))]
impl BoundSockets {
    pub(crate) fn open(app: &AppState) -> Result<Self, Unopened> {
        let frontends = &app.settings().frontends;
        let saslauthd = frontends.saslauthd.as_ref().map(|settings| ("saslauthd", &settings.path));
        let dovecot_auth = frontends.dovecot_auth.as_ref().map(|settings| ("dovecot_auth", &settings.path));
        let occ = frontends.occ.as_ref().map(|settings| ("occ", &settings.path));
        match saslauthd.or(dovecot_auth).or(occ) {
            Some((name, path)) => Err((name, path.clone(), io::ErrorKind::Unsupported.into())),
            None => Ok(Self {}),
        }
    }

    pub(crate) async fn serve(self, _: AppState, _: tokio::sync::watch::Receiver<bool>) {}
}
