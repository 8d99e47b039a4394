//! Chance that comes out the same every time, and inputs mutated by it.

/// A row of numbers that its seed decides (xorshift).
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// Begins the row of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        // Of nothing comes nothing.
        Self(if seed == 0 { u64::MAX } else { seed })
    }

    /// The next number.
    pub fn roll(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below the limit; 0 if the limit is 0.
    pub fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.roll() % limit).unwrap_or_default()
    }

    /// One of these.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// Mostly bytes with a meaning in some protocol.
    pub fn byte(&mut self) -> u8 {
        const LIKELY: &[u8] = b"\r\n\0\xff\x80 -+*{}[]()\"\\0123456789OKNB";
        match self.below(3) {
            0 => self.roll().to_le_bytes()[3],
            _ => LIKELY[self.below(LIKELY.len())],
        }
    }

    /// A copy mutated in at most this many places.
    #[must_use]
    pub fn mutate(&mut self, bytes: &[u8], most: usize) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..self.below(most + 1) {
            let at = self.below(bytes.len().max(1)).min(bytes.len().saturating_sub(1));
            let byte = self.byte();
            match self.below(6) {
                _ if bytes.is_empty() => bytes.push(byte),
                0 | 1 => bytes[at] = byte,
                2 => bytes.insert(at, byte),
                3 => drop(bytes.remove(at)),
                4 => bytes.truncate(at),
                _ => {
                    let piece = bytes[at..].to_vec();
                    let to = self.below(bytes.len());
                    bytes.splice(to..to, piece);
                }
            }
        }
        bytes
    }
}
