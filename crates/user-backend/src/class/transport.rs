//! How servers of a class are reached.

use crate::transport::TlsMode;

/// How servers of a class are reached; see the methods for what is the default.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct TransportSpec {
    pub(crate) needs_host: bool,
    pub(crate) has_server: bool,
    /// The first is the default; none means that TLS is not for this class.
    pub(crate) tls_modes: &'static [TlsMode],
    pub(crate) tls_hint: Option<&'static str>,
    port: Option<u16>,
    tls_port: Option<u16>,
    /// Why prepared connections are not supported, if they are not.
    pub(crate) unprepared: Option<&'static str>,
}

impl TransportSpec {
    /// A transport with every mode of TLS (explicit unless set otherwise).
    ///
    /// The host is optional; there are no default port and no prepared connections. Without a host,
    /// [`Entry::endpoint`](super::Entry::endpoint) is `None`. A class that has no server, such as a
    /// table in a file, says so with [`without_server`](Self::without_server).
    pub const fn new() -> Self {
        Self {
            needs_host: false,
            has_server: true,
            tls_modes: &[TlsMode::Explicit, TlsMode::Implicit, TlsMode::None],
            tls_hint: None,
            port: None,
            tls_port: None,
            unprepared: Some("this class prepares no connections"),
        }
    }

    /// Every entry must name a host.
    pub const fn host_required(mut self) -> Self {
        self.needs_host = true;
        self
    }

    /// The port for a start in clear text.
    pub const fn default_port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// The port for TLS from the first byte.
    pub const fn default_tls_port(mut self, port: u16) -> Self {
        self.tls_port = Some(port);
        self
    }

    /// The modes of TLS that an entry may choose.
    ///
    /// The first is the default.
    pub const fn tls_modes(mut self, modes: &'static [TlsMode]) -> Self {
        self.tls_modes = modes;
        self
    }

    /// TLS is not for this class; the hint says why, to those who set it.
    pub const fn without_tls(mut self, hint: &'static str) -> Self {
        self.tls_modes = &[];
        self.tls_hint = Some(hint);
        self
    }

    /// There is no server; the hint says why, to those who set `host`, `port` or a field of TLS.
    pub const fn without_server(mut self, hint: &'static str) -> Self {
        self.has_server = false;
        self.without_tls(hint)
    }

    /// The backend prepares connections (`warm`).
    pub const fn prepared_connections(mut self) -> Self {
        self.unprepared = None;
        self
    }

    /// The backend prepares none; the text says why, to those who set `warm`.
    pub const fn no_prepared_connections(mut self, why: &'static str) -> Self {
        self.unprepared = Some(why);
        self
    }

    pub(crate) fn uses_tls(&self) -> bool {
        !self.tls_modes.is_empty()
    }

    pub(crate) fn default_tls(&self) -> TlsMode {
        self.tls_modes.first().copied().unwrap_or(TlsMode::None)
    }

    /// The port when the entry names none.
    pub(crate) fn port_for(&self, tls: TlsMode) -> Option<u16> {
        match tls {
            TlsMode::Implicit => self.tls_port,
            _ => self.port,
        }
    }
}

impl Default for TransportSpec {
    fn default() -> Self {
        Self::new()
    }
}
