//! Hard limits that no setting can exceed.

/// The longest password that is taken, in bytes of UTF-8.
///
/// A longer one is refused, never cut.
pub const MAX_PASSWORD_BYTES: usize = 469;

/// The longest history.
///
/// Each entry costs one slow hash at every change of password.
pub const MAX_HISTORY: usize = 24;
