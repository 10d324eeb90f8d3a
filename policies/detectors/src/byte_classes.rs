//! Classifies 64 bytes at a time: which belong to words, and which are characters that can begin a match. Eight bytes
//! share one u64 and are compared through their highest bits, about two operations per byte on any CPU.

/// How many bytes are classified together.
pub const BLOCK: usize = 64;

/// One bit per byte; the lowest bit is the first byte.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ByteClasses {
    /// ASCII letters and digits.
    pub words: u64,
    /// The range `(` to `-`, for the sake of `(`, `+` and `-`.
    pub punctuation: u64,
    /// `@`.
    pub ats: u64,
}

impl ByteClasses {
    /// Classifies up to [`BLOCK`] bytes.
    pub fn of(block: &[u8]) -> Self {
        let mut classes = Self::default();
        let (eights, rest) = block.as_chunks::<8>();
        let mut shift = 0;
        for eight in eights.iter().take(BLOCK / 8) {
            classes.add(*eight, shift);
            shift += 8;
        }
        if !rest.is_empty() && shift < BLOCK {
            let mut last = [0; 8];
            for (to, from) in last.iter_mut().zip(rest) {
                *to = *from;
            }
            classes.add(last, shift);
        }
        classes
    }

    fn add(&mut self, bytes: [u8; 8], shift: usize) {
        let all = u64::from_le_bytes(bytes);
        let ascii = !all & HIGHEST;
        let low = all & !HIGHEST;
        let lower = low | every(0x20);
        let words = between(lower, b'a', b'z') | between(low, b'0', b'9');
        self.words |= bits(words & ascii) << shift;
        self.punctuation |= bits(between(low, b'(', b'-') & ascii) << shift;
        self.ats |= bits(between(low, b'@', b'@') & ascii) << shift;
    }
}

const HIGHEST: u64 = every(0x80);

const fn every(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// Sets the highest bit of each byte that is in `first..=last`. The highest bits of `low` are clear, so no addition carries
/// into the next byte.
fn between(low: u64, first: u8, last: u8) -> u64 {
    let from_first = low + every(0x80 - first);
    let after_last = low + every(0x7f - last);
    from_first & !after_last & HIGHEST
}

/// Gathers the highest bits of eight bytes in the low eight bits.
fn bits(highest: u64) -> u64 {
    (highest >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_classified() {
        for length in [0, 1, 7, 8, 9, 63, 64] {
            for byte in 0..=255_u8 {
                let block = vec![byte; length];
                let all = u64::MAX.checked_shr(64 - length as u32).unwrap_or(0);
                let when = |is: bool| if is { all } else { 0 };
                let expected = ByteClasses {
                    words: when(byte.is_ascii_alphanumeric()),
                    punctuation: when((b'('..=b'-').contains(&byte)),
                    ats: when(byte == b'@'),
                };
                assert_eq!(ByteClasses::of(&block), expected, "{length} times {byte}");
            }
        }
    }

    #[test]
    fn bits_are_at_the_positions_of_their_bytes() {
        let text: Vec<u8> = (0..64_u8).map(|at| at.wrapping_mul(37)).collect();
        let classes = ByteClasses::of(&text);
        for (at, byte) in text.iter().enumerate() {
            assert_eq!(classes.words >> at & 1 == 1, byte.is_ascii_alphanumeric());
            assert_eq!(
                classes.punctuation >> at & 1 == 1,
                (b'('..=b'-').contains(byte)
            );
            assert_eq!(classes.ats >> at & 1 == 1, *byte == b'@');
        }
    }
}
