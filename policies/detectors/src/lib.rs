//! Detects personal data and secrets in text by form and, where there is one, by check digit. It knows nothing of
//! columns or policies.
//!
//! A scan is one pass over the bytes. It attempts a match only at an `@`, at the first digit of a number and at the
//! first letters of a word that could begin one.
#![forbid(unsafe_code)]

mod byte_classes;
mod digits;
mod email;
mod national;
mod words;

#[cfg(test)]
mod tests;

use byte_classes::{BLOCK, ByteClasses};

pub use national::Country;

/// What a match is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// An e-mail address (RFC 5321, without quoted local parts).
    Email,
    /// A telephone number: international with `+`, or national with separators.
    Phone,
    /// A payment card number: issuer range, length and Luhn digit (ISO/IEC 7812).
    Card,
    /// An international bank account number: country, length and check digits (ISO 13616).
    Iban,
    /// A national identity, tax or social security number of one of the [`Country`]s.
    NationalId,
    /// A JSON Web Token with a header that names an algorithm (RFC 7519).
    Jwt,
    /// An access key of a cloud provider or code host.
    CloudKey,
    /// A private key in PEM (RFC 7468), from its BEGIN line to its END line or the end of the text.
    PrivateKey,
}

impl Kind {
    pub const ALL: [Self; 8] = [
        Self::Email,
        Self::Phone,
        Self::Card,
        Self::Iban,
        Self::NationalId,
        Self::Jwt,
        Self::CloudKey,
        Self::PrivateKey,
    ];

    /// The name used in settings and masked values: `national-id`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Card => "card",
            Self::Iban => "iban",
            Self::NationalId => "national-id",
            Self::Jwt => "jwt",
            Self::CloudKey => "cloud-key",
            Self::PrivateKey => "private-key",
        }
    }
}

/// A match: bytes `start..end` of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Match {
    pub start: usize,
    pub end: usize,
    pub kind: Kind,
}

/// The enabled detectors.
#[derive(Debug, Clone)]
pub struct Detectors {
    wanted: [bool; Kind::ALL.len()],
    countries: Vec<Country>,
    starts: [Start; 256],
}

/// What can begin at a byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    Nothing,
    At,
    /// `+`, `(` or `-`, at the start of a number or key.
    Punctuation,
    Digit,
    /// The first letter of a token or number.
    Letter,
}

impl Detectors {
    /// Detects these kinds, and national numbers of these countries.
    pub fn new(kinds: &[Kind], countries: &[Country]) -> Self {
        let mut wanted = [false; Kind::ALL.len()];
        for kind in kinds {
            if let Some(slot) = wanted.get_mut(*kind as usize) {
                *slot = true;
            }
        }
        let mut starts = [Start::Nothing; 256];
        let wants = |kind: Kind| wanted.get(kind as usize).copied().unwrap_or(false);
        let mut set = |bytes: &[u8], start: Start| {
            for byte in bytes {
                if let Some(slot) = starts.get_mut(usize::from(*byte)) {
                    *slot = start;
                }
            }
        };
        if wants(Kind::Email) {
            set(b"@", Start::At);
        }
        if wants(Kind::Card) || wants(Kind::Phone) || wants(Kind::NationalId) {
            set(b"0123456789", Start::Digit);
        }
        if wants(Kind::Phone) {
            set(b"+(", Start::Punctuation);
        }
        if wants(Kind::Iban) || wants(Kind::NationalId) {
            set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", Start::Letter);
        }
        if wants(Kind::Jwt) {
            set(b"e", Start::Letter);
        }
        if wants(Kind::CloudKey) {
            set(words::KEY_STARTS, Start::Letter);
        }
        if wants(Kind::PrivateKey) {
            set(b"-", Start::Punctuation);
        }
        Self {
            wanted,
            countries: countries.to_vec(),
            starts,
        }
    }

    fn wants(&self, kind: Kind) -> bool {
        self.wanted.get(kind as usize).copied().unwrap_or(false)
    }

    /// Appends the matches of a text, in order and without overlap.
    pub fn scan(&self, text: &[u8], matches: &mut Vec<Match>) {
        let (mut next, mut done) = (0, 0);
        let mut in_word = 0;
        for (number, block) in text.chunks(BLOCK).enumerate() {
            let base = number * BLOCK;
            let classes = ByteClasses::of(block);
            // Inside a word, or right after one, only the `@` of an address can start a match.
            let after_word = classes.words << 1 | in_word;
            in_word = classes.words >> (BLOCK - 1);
            let mut candidates = (classes.words | classes.punctuation) & !after_word | classes.ats;
            candidates &= from(base, next);
            while candidates != 0 {
                let at = base + candidates.trailing_zeros() as usize;
                candidates &= candidates - 1;
                let attempt = self.attempt(text, at, done);
                if let Some(hit) = attempt.hit {
                    matches.push(hit);
                    done = hit.end;
                }
                if attempt.next > at + 1 {
                    next = attempt.next;
                    candidates &= from(base, next);
                }
            }
        }
    }

    fn attempt(&self, text: &[u8], at: usize, done: usize) -> Attempt {
        // The table has an entry for every byte.
        let start = text.get(at).map(|byte| self.starts[usize::from(*byte)]);
        match start {
            Some(Start::At) => match email::around(text, at, done) {
                Some(hit) => Attempt::matched(hit),
                None => Attempt::resume(at + 1),
            },
            Some(Start::Digit) => digits::at(self, text, at),
            Some(Start::Letter) if !words::is_likely(text, at) => Attempt::resume(at + 1),
            Some(Start::Letter | Start::Punctuation) => words::at(self, text, at),
            Some(Start::Nothing) | None => Attempt::resume(at + 1),
        }
    }
}

/// A bit mask of the block's positions from `next` on.
fn from(base: usize, next: usize) -> u64 {
    let skipped = u32::try_from(next.saturating_sub(base)).unwrap_or(u32::MAX);
    u64::MAX.checked_shl(skipped).unwrap_or(0)
}

/// The result of a match attempt, and where the scan resumes.
struct Attempt {
    hit: Option<Match>,
    next: usize,
}

impl Attempt {
    fn matched(hit: Match) -> Self {
        Self {
            next: hit.end,
            hit: Some(hit),
        }
    }

    fn resume(next: usize) -> Self {
        Self { hit: None, next }
    }
}
