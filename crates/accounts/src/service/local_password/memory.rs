//! The memory that Argon2 (RFC 9106) works in.
//!
//! There while a hash is under way, gone afterwards.
//!
//! Allocators keep what they were given back, one heap for each thread that ever hashed: after a
//! busy minute a server held 800 MiB that way, 19 at a time. What is larger than 32 MiB glibc asks
//! of the system and gives back to it, always (mallopt(3), `M_MMAP_THRESHOLD`). So that much is
//! reserved, of which only what is touched is ever there. While others are at work or wait for
//! their turn a buffer goes to the next hash, since new memory costs a tenth of a hash.

use std::sync::{Mutex, MutexGuard, PoisonError};

use argon2::{Argon2, Block};

/// Blocks of 1 KiB; above what glibc ever keeps.
const RESERVED: usize = 33 * 1024;

static SPARE: Mutex<Spare> = Mutex::new(Spare { expected: 0, buffers: Vec::new() });

struct Spare {
    /// Those who hash and those who will.
    expected: usize,
    buffers: Vec<Vec<Block>>,
}

/// A hash is under way or will be.
///
/// Buffers that others leave are kept until this is dropped.
#[derive(Debug)]
pub(super) struct Expected(());

impl Expected {
    pub(super) fn new() -> Self {
        lock().expected += 1;
        Self(())
    }
}

impl Drop for Expected {
    fn drop(&mut self) {
        let mut spare = lock();
        spare.expected = spare.expected.saturating_sub(1);
        let kept = spare.expected.min(spare.buffers.len());
        let left = spare.buffers.split_off(kept);
        // Wiping them takes milliseconds: no caller waits for that.
        drop(spare);
        drop(left);
    }
}

/// Derives `out`; `None` when there is no memory, or the parameters make no sense.
pub(super) fn derive(argon2: &Argon2<'_>, password: &[u8], salt: &[u8], out: &mut [u8]) -> Option<()> {
    let mut memory = HashMemory::take(argon2.params().block_count())?;
    argon2.hash_password_into_with_memory(password, salt, out, memory.buffer.as_mut_slice()).ok()
}

/// A place to work at.
struct HashMemory {
    buffer: Vec<Block>,
    _expected: Expected,
}

impl HashMemory {
    fn take(blocks: usize) -> Option<Self> {
        let expected = Expected::new();
        let mut memory = Self { buffer: lock().buffers.pop().unwrap_or_default(), _expected: expected };
        if memory.buffer.len() < blocks {
            // Never twice as much in between.
            memory.buffer = Vec::new();
            memory.buffer.try_reserve_exact(blocks.max(RESERVED)).ok()?;
            memory.buffer.resize(blocks, Block::default());
        }
        Some(memory)
    }
}

impl Drop for HashMemory {
    fn drop(&mut self) {
        // Our own share of what is expected goes when this has returned.
        if !self.buffer.is_empty() {
            lock().buffers.push(std::mem::take(&mut self.buffer));
        }
    }
}

fn lock() -> MutexGuard<'static, Spare> {
    SPARE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use argon2::{Algorithm, Params, Version};

    use super::*;

    fn argon2(memory: u32) -> Argon2<'static> {
        Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(memory, 1, 1, Some(32)).unwrap())
    }

    #[test]
    fn hash_in_reused_memory_equals_hash_in_new_memory() {
        let derived = |memory: u32, salt: &[u8]| {
            let mut out = [0; 32];
            derive(&argon2(memory), b"password", salt, &mut out).unwrap();
            let mut alone = [0; 32];
            argon2(memory).hash_password_into(b"password", salt, &mut alone).unwrap();
            assert_eq!(out, alone);
        };
        // Some hash is always in progress, so buffers of all sizes are reused.
        let busy = HashMemory::take(8).unwrap();
        for salt in [b"0123456789abcdef", b"fedcba9876543210"] {
            for memory in [64, 7168, 1024] {
                derived(memory, salt);
            }
        }
        drop(busy);
    }

    #[test]
    fn hash_beyond_memory_is_refused() {
        assert!(HashMemory::take(usize::MAX / 2048).is_none());
    }
}
