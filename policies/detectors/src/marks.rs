//! Sixty-four bytes of text at once: where its words are, and the signs that something can begin with. Eight bytes lie in one number, and each
//! is compared by its highest bit, so that a byte costs about two operations on any machine.

/// Bytes that are marked together.
pub const BLOCK: usize = 64;

/// One bit a byte, the first byte lowest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Marks {
    /// Letters and digits of ASCII.
    pub words: u64,
    /// `(` to `-`, of which `(`, `+` and `-` are meant.
    pub signs: u64,
    /// `@`
    pub ats: u64,
}

impl Marks {
    /// Of up to [`BLOCK`] bytes.
    pub fn of(block: &[u8]) -> Self {
        let mut marks = Self::default();
        let (eights, rest) = block.as_chunks::<8>();
        let mut shift = 0;
        for eight in eights.iter().take(BLOCK / 8) {
            marks.add(*eight, shift);
            shift += 8;
        }
        if !rest.is_empty() && shift < BLOCK {
            let mut last = [0; 8];
            for (to, from) in last.iter_mut().zip(rest) {
                *to = *from;
            }
            marks.add(last, shift);
        }
        marks
    }

    fn add(&mut self, bytes: [u8; 8], shift: usize) {
        let all = u64::from_le_bytes(bytes);
        let ascii = !all & HIGHEST;
        let low = all & !HIGHEST;
        let lower = low | every(0x20);
        let words = between(lower, b'a', b'z') | between(low, b'0', b'9');
        self.words |= bits(words & ascii) << shift;
        self.signs |= bits(between(low, b'(', b'-') & ascii) << shift;
        self.ats |= bits(between(low, b'@', b'@') & ascii) << shift;
    }
}

const HIGHEST: u64 = every(0x80);

const fn every(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// The highest bit of each byte from `first` to `last`. No byte of `low` has that bit itself, so none carries into the next.
fn between(low: u64, first: u8, last: u8) -> u64 {
    let from_first = low + every(0x80 - first);
    let behind_last = low + every(0x7f - last);
    from_first & !behind_last & HIGHEST
}

/// The highest bits of eight bytes as the lowest eight of a number.
fn bits(highest: u64) -> u64 {
    (highest >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_marked_as_what_it_is() {
        for length in [0, 1, 7, 8, 9, 63, 64] {
            for byte in 0..=255_u8 {
                let block = vec![byte; length];
                let all = u64::MAX.checked_shr(64 - length as u32).unwrap_or(0);
                let when = |is: bool| if is { all } else { 0 };
                let expected = Marks {
                    words: when(byte.is_ascii_alphanumeric()),
                    signs: when((b'('..=b'-').contains(&byte)),
                    ats: when(byte == b'@'),
                };
                assert_eq!(Marks::of(&block), expected, "{length} times {byte}");
            }
        }
    }

    #[test]
    fn marks_stand_where_their_bytes_do() {
        let text: Vec<u8> = (0..64_u8).map(|at| at.wrapping_mul(37)).collect();
        let marks = Marks::of(&text);
        for (at, byte) in text.iter().enumerate() {
            assert_eq!(marks.words >> at & 1 == 1, byte.is_ascii_alphanumeric());
            assert_eq!(marks.signs >> at & 1 == 1, (b'('..=b'-').contains(byte));
            assert_eq!(marks.ats >> at & 1 == 1, *byte == b'@');
        }
    }
}
