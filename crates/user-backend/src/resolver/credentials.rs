//! What a person offers.

use std::fmt;
use std::net::IpAddr;

/// What a person offers to prove who they are. Borrowed: nothing is kept unless somebody has to be asked.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    pub(super) name: &'a str,
    pub(super) password: &'a str,
    pub(super) source: Option<IpAddr>,
}

impl<'a> Credentials<'a> {
    /// A name and a password as typed.
    pub fn new(name: &'a str, password: &'a str) -> Self {
        Self { name, password, source: None }
    }

    /// Says where the person sits.
    #[must_use]
    pub fn from_source(mut self, source: IpAddr) -> Self {
        self.source = Some(source);
        self
    }
}

impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("name", &self.name)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}
