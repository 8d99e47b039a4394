//! Models of sign-ins over several servers on one store.
//!
//! Each model is a small state machine whose steps are those of the code, cut where another task or
//! another server can come in between. Stateright tries all orders of the steps. Three sentences
//! must hold in every state:
//!
//! 1. No yes after the answer to a change ([`invalidation`], [`rights`]).
//! 2. No wrong password upstream beyond the budget ([`budget`]).
//! 3. No name with two owners ([`pins`]).
//!
//! Each model has switches that put a bug back; the tests expect that each is found. How the steps
//! map to the code: `docs/security/model.md`.

pub mod budget;
pub mod invalidation;
pub mod pins;
pub mod rights;

/// Progress of one step after another: the number of the step that comes next.
pub type Step = u8;
