//! Random bytes from the operating system.

use thiserror::Error;
use zeroize::Zeroizing;

/// The operating system gave no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the operating system gave no random bytes")]
pub struct NoRandomness;

/// `N` random bytes, wiped on drop.
pub(crate) fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, NoRandomness> {
    let mut bytes = Zeroizing::new([0; N]);
    getrandom::fill(bytes.as_mut()).map_err(|_| NoRandomness)?;
    Ok(bytes)
}
