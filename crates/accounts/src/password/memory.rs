//! The memory that Argon2 (RFC 9106) works in: there while somebody hashes, gone when nobody does.
//!
//! Allocators keep what they were given back, one heap for each thread that ever hashed: after a busy minute a server held
//! 800 MiB that way, 19 at a time. What is larger than 32 MiB glibc asks of the system and gives back to it, always
//! (mallopt(3), `M_MMAP_THRESHOLD`). So that much is reserved, of which only what is touched is ever there. While others
//! are at work a buffer goes to whoever comes next, since new memory costs a tenth of a hash.

use std::sync::{Mutex, MutexGuard, PoisonError};

use argon2::{Argon2, Block};

/// Blocks of 1 KiB; above what glibc ever keeps.
const RESERVED: usize = 33 * 1024;

static SPARE: Mutex<Spare> = Mutex::new(Spare { at_work: 0, buffers: Vec::new() });

struct Spare {
    at_work: usize,
    buffers: Vec<Vec<Block>>,
}

/// Derives `out`; `None` when there is no memory, or the parameters make no sense.
pub(super) fn derive(argon2: &Argon2<'_>, password: &[u8], salt: &[u8], out: &mut [u8]) -> Option<()> {
    let mut seat = Seat::take(argon2.params().block_count())?;
    argon2.hash_password_into_with_memory(password, salt, out, seat.0.as_mut_slice()).ok()
}

/// A place to work at.
struct Seat(Vec<Block>);

impl Seat {
    fn take(blocks: usize) -> Option<Self> {
        let spare = {
            let mut spare = lock();
            spare.at_work += 1;
            spare.buffers.pop()
        };
        let mut seat = Self(spare.unwrap_or_default());
        if seat.0.len() < blocks {
            // Never twice as much in between.
            seat.0 = Vec::new();
            seat.0.try_reserve_exact(blocks.max(RESERVED)).ok()?;
            seat.0.resize(blocks, Block::default());
        }
        Some(seat)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut spare = lock();
        spare.at_work = spare.at_work.saturating_sub(1);
        if spare.buffers.len() < spare.at_work && !self.0.is_empty() {
            spare.buffers.push(std::mem::take(&mut self.0));
        }
        let at_work = spare.at_work;
        spare.buffers.truncate(at_work);
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
    fn in_memory_that_was_used_before_a_hash_is_what_it_is_in_new_memory() {
        let derived = |memory: u32, salt: &[u8]| {
            let mut out = [0; 32];
            derive(&argon2(memory), b"password", salt, &mut out).unwrap();
            let mut alone = [0; 32];
            argon2(memory).hash_password_into(b"password", salt, &mut alone).unwrap();
            assert_eq!(out, alone);
        };
        // Somebody is at work all the time, so buffers go from hand to hand, small ones and large ones.
        let busy = Seat::take(8).unwrap();
        for salt in [b"0123456789abcdef", b"fedcba9876543210"] {
            for memory in [64, 7168, 1024] {
                derived(memory, salt);
            }
        }
        drop(busy);
    }

    #[test]
    fn more_memory_than_there_is_is_no_hash() {
        assert!(Seat::take(usize::MAX / 2048).is_none());
    }
}
