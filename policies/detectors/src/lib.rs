//! Finds personal data and secrets in text by what they look like, and by their checksums where they have one.
//! It refuses to know columns, policies and what is to be done about a find.
//!
//! One pass over the bytes: only at an `@`, at the first digit of a number and at the first letters of a word that could begin something
//! is looked closer.
#![forbid(unsafe_code)]

mod digits;
mod email;
mod marks;
mod national;
mod words;

#[cfg(test)]
mod tests;

use marks::{BLOCK, Marks};

pub use national::Country;

/// What a find is.
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
    /// A person's number or tax number of one of the [`Country`]s.
    NationalId,
    /// A JSON Web Token with a header that names an algorithm (RFC 7519).
    Jwt,
    /// An access key of a cloud or code host.
    CloudKey,
    /// A private key in PEM (RFC 7468), its BEGIN line to its END line or the end of the text.
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

    /// The name for people and settings: `national-id`.
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

/// Where something was found: bytes `start..end` of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Find {
    pub start: usize,
    pub end: usize,
    pub kind: Kind,
}

/// What is looked for.
#[derive(Debug, Clone)]
pub struct Detectors {
    wanted: [bool; Kind::ALL.len()],
    countries: Vec<Country>,
    starts: [Start; 256],
}

/// What can begin with a byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    Nothing,
    At,
    /// `+`, `(` or `-` of a number or key.
    Sign,
    Digit,
    /// The letter of a token or number.
    Letter,
}

impl Detectors {
    /// Looks for these kinds, and for the national numbers of these countries.
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
            set(b"+(", Start::Sign);
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
            set(b"-", Start::Sign);
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

    /// Adds the finds of a text, in order and without overlap.
    pub fn scan(&self, text: &[u8], finds: &mut Vec<Find>) {
        let (mut next, mut done) = (0, 0);
        let mut in_word = 0;
        for (number, block) in text.chunks(BLOCK).enumerate() {
            let base = number * BLOCK;
            let marks = Marks::of(block);
            // Inside a word, and right behind one, nothing begins but the `@` of an address.
            let behind_word = marks.words << 1 | in_word;
            in_word = marks.words >> (BLOCK - 1);
            let mut places = (marks.words | marks.signs) & !behind_word | marks.ats;
            places &= from(base, next);
            while places != 0 {
                let at = base + places.trailing_zeros() as usize;
                places &= places - 1;
                let look = self.look(text, at, done);
                if let Some(find) = look.find {
                    finds.push(find);
                    done = find.end;
                }
                if look.next > at + 1 {
                    next = look.next;
                    places &= from(base, next);
                }
            }
        }
    }

    fn look(&self, text: &[u8], at: usize, done: usize) -> Look {
        // Any byte is an index of the table.
        let start = text.get(at).map(|byte| self.starts[usize::from(*byte)]);
        match start {
            Some(Start::At) => match email::around(text, at, done) {
                Some(find) => Look::found(find),
                None => Look::past(at + 1),
            },
            Some(Start::Digit) => digits::at(self, text, at),
            Some(Start::Letter) if !words::is_likely(text, at) => Look::past(at + 1),
            Some(Start::Letter | Start::Sign) => words::at(self, text, at),
            Some(Start::Nothing) | None => Look::past(at + 1),
        }
    }
}

/// The places of a block that are at or behind `next`.
fn from(base: usize, next: usize) -> u64 {
    let passed = u32::try_from(next.saturating_sub(base)).unwrap_or(u32::MAX);
    u64::MAX.checked_shl(passed).unwrap_or(0)
}

/// What came of a closer look, and where to go on.
struct Look {
    find: Option<Find>,
    next: usize,
}

impl Look {
    fn found(find: Find) -> Self {
        Self {
            next: find.end,
            find: Some(find),
        }
    }

    fn past(next: usize) -> Self {
        Self { find: None, next }
    }
}
