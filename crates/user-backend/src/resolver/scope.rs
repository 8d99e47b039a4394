//! Keys under which outcomes are remembered and attempts are shared.
//!
//! Apart for each restriction.
//!
//! A restricted attempt may only use remembered answers of its own backend, and its refusal says
//! nothing about the other backends. So the restriction is part of the key.

use std::borrow::Cow;

use crate::cache::OutcomeCache;
use crate::identity::BackendId;
use crate::secret::OutcomeKey;

/// Accepted outcomes are known by canonical name, refused ones by the name as typed.
const ACCEPTED: &[u8] = b"accepted";
const TYPED: &[u8] = b"typed";

/// The backends that an attempt may ask: all, or one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scope<'a>(pub(super) Option<&'a BackendId>);

impl Scope<'_> {
    pub(super) const ALL: Scope<'static> = Scope(None);

    pub(super) fn has(self, backend: &BackendId) -> bool {
        self.0.is_none_or(|only| only == backend)
    }

    /// The key of an accepted outcome.
    #[inline(always)]
    pub(super) fn accepted_key(self, cache: &OutcomeCache, canonical: &str, password: &str) -> OutcomeKey {
        match self.0 {
            None => cache.key(ACCEPTED, canonical, password),
            Some(_) => cache.key(&self.label(ACCEPTED), canonical, password),
        }
    }

    /// The key of a refused outcome, and of an attempt under way.
    pub(super) fn typed_key(self, cache: &OutcomeCache, typed: &str, password: &str) -> OutcomeKey {
        cache.key(&self.label(TYPED), typed, password)
    }

    fn label(self, kind: &'static [u8]) -> Cow<'static, [u8]> {
        match self.0 {
            None => kind.into(),
            // No kind holds a colon, so no two labels are the same.
            Some(only) => [kind, b":", only.as_str().as_bytes()].concat().into(),
        }
    }
}
