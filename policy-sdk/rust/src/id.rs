//! Ids as text.

use std::fmt;

use crate::Id;

impl fmt::Display for Id {
    /// A UUID in hyphenated lower case, as records, logs and errors show it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            self.high >> 32,
            self.high >> 16 & 0xffff,
            self.high & 0xffff,
            self.low >> 48,
            self.low & 0xffff_ffff_ffff
        )
    }
}

#[cfg(test)]
mod tests {
    use crate::Id;

    #[test]
    fn an_id_displays_as_a_uuid() {
        let id = Id {
            high: 0x0198_a3c5_7d20_7abc,
            low: 0x8def_0123_4567_89ab,
        };
        assert_eq!(id.to_string(), "0198a3c5-7d20-7abc-8def-0123456789ab");
    }
}
