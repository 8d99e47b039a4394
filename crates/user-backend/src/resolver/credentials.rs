//! Credentials of an attempt.

use std::fmt;
use std::net::IpAddr;

use crate::identity::BackendId;

/// Login name and password of an attempt.
///
/// Borrowed: nothing is copied unless a backend has to be asked.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    pub(super) name: &'a str,
    pub(super) password: &'a str,
    pub(super) source: Option<IpAddr>,
    pub(super) only: Option<&'a BackendId>,
    /// There is no client: a command line, a job.
    pub(super) is_local: bool,
}

impl<'a> Credentials<'a> {
    /// A name and a password as typed.
    pub fn new(name: &'a str, password: &'a str) -> Self {
        Self { name, password, source: None, only: None, is_local: false }
    }

    /// Sets the source address of the attempt.
    ///
    /// # Security
    /// Without it there is no limit per source, and credentials that were accepted once without a
    /// source are exempt from the other limits for every caller. A program that serves a network
    /// gives the address; behind a proxy, [`client_address`](crate::client_address()) finds it.
    #[must_use]
    #[doc(alias = "rate limit")]
    #[doc(alias = "proxy")]
    pub fn from_source(mut self, source: IpAddr) -> Self {
        self.source = Some(source);
        self
    }

    /// Declares that there is no client address: a command line, a job.
    ///
    /// There is no limit per source then. Without this and without
    /// [`from_source`](Self::from_source), the resolver warns once.
    #[must_use]
    pub fn without_source(mut self) -> Self {
        self.source = None;
        self.is_local = true;
        self
    }

    /// Restricts the attempt to one backend.
    ///
    /// The others are not asked, and nothing they answered earlier counts.
    ///
    /// A user whose name belongs to another backend, and any user if there is no backend with this
    /// id, is [unavailable](super::Outcome::Unavailable). Answers are remembered apart from those
    /// of unrestricted attempts, and attempts with different restrictions never share one. Rate
    /// limits, lockouts, budgets, and what the canary showed are the same for all.
    #[must_use]
    pub fn only_backend(mut self, backend: &'a BackendId) -> Self {
        self.only = Some(backend);
        self
    }
}

impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("name", &self.name)
            .field("source", &self.source)
            .field("only", &self.only)
            .finish_non_exhaustive()
    }
}
