//! What a statement does to rows: as the server shows it before people are asked, and as it turns out when it runs.

use std::time::Duration;

use gatewright_sql::ReturnedRows;
use sha2::{Digest, Sha256};

/// How many rows a digest is made of, at most: it takes memory while they come.
const MOST_ROWS: usize = 1 << 16;

/// What is found out of a statement's effect before people are asked about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rehearsal {
    pub way: RehearsalWay,
    /// How long the statement may wait for a lock, and how long it may take.
    pub lock_timeout: Duration,
    pub timeout: Duration,
    /// How many of its rows people are shown.
    pub rows: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RehearsalWay {
    /// The server estimates the rows (EXPLAIN).
    Estimate,
    /// It runs, and is rolled back.
    Run,
}

/// What a rehearsal has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rehearsed {
    /// So many rows, as the server estimates.
    Estimated { rows: u64 },
    /// It changed so many rows, and these are among them.
    Changed { rows: u64, seen: Seen },
    /// It failed with this SQLSTATE.
    Failed { sqlstate: String },
    /// It could not be tried. Why, for people to read.
    Unknown { why: &'static str },
}

/// The rows, as whoever sent the statement would get them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// Nobody wants to see them.
    Unwanted,
    /// Why they are not shown, for people to read.
    Hidden {
        why: String,
    },
    Rows(SeenRows),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenRows {
    pub which: ReturnedRows,
    pub columns: Vec<String>,
    /// The values as text; `None` is NULL.
    pub rows: Vec<Vec<Option<String>>>,
    /// Of all rows, if they can be compared.
    pub digest: Option<RowsDigest>,
}

/// The effects for which a statement is admitted. With any other it is undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// It changes so many rows, and these if there is a digest.
    Rows {
        count: u64,
        digest: Option<RowsDigest>,
    },
    AtMost(u64),
    /// It fails.
    Failure,
}

impl Bound {
    /// Whether a statement that succeeded is among them. `changed`: how many rows, where the server says so. `rows`: which, where that
    /// was looked at.
    pub fn admits(self, changed: Option<u64>, rows: Option<DigestOfRows>) -> bool {
        changed.is_some_and(|changed| match self {
            Bound::Rows { count, digest } => {
                let same = |digest| rows.is_some_and(|rows| rows.is(digest));
                changed == count && digest.is_none_or(same)
            }
            Bound::AtMost(most) => changed <= most,
            Bound::Failure => false,
        })
    }

    /// True when the rows themselves have to be the same.
    pub fn compares_rows(self) -> bool {
        match self {
            Bound::Rows { digest, .. } => digest.is_some(),
            Bound::AtMost(_) | Bound::Failure => false,
        }
    }
}

/// The digest of a set of rows, whatever their order, with a salt that only the store knows: from the digest nobody is to find out by
/// trying which values it is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowsDigest {
    salt: [u8; 32],
    digest: [u8; 32],
}

impl RowsDigest {
    /// Both in hexadecimal.
    pub fn to_hex(self) -> String {
        hex::encode(self.salt) + &hex::encode(self.digest)
    }

    pub fn of_hex(digits: &str) -> Option<Self> {
        let mut bytes = [0; 64];
        hex::decode_to_slice(digits, &mut bytes).ok()?;
        let (salt, digest) = bytes.split_first_chunk()?;
        Some(RowsDigest {
            salt: *salt,
            digest: digest.try_into().ok()?,
        })
    }
}

/// The cells of a row that count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    All,
    FirstHalf,
}

/// A digest of rows that are still coming.
#[derive(Debug)]
pub struct DigestOfRows {
    part: Part,
    /// The digest of each. `None`: they are too many, or one could not be read.
    rows: Option<Vec<[u8; 32]>>,
}

impl DigestOfRows {
    /// What two runs are compared by that return these rows. `None`: they cannot be compared.
    pub fn comparing(which: ReturnedRows) -> Option<Self> {
        let part = match which {
            ReturnedRows::Old => Part::All,
            ReturnedRows::OldAndNew => Part::FirstHalf,
            // What a row becomes may depend on the time, or on chance.
            ReturnedRows::New | ReturnedRows::Own => return None,
        };
        Some(DigestOfRows {
            part,
            rows: Some(Vec::new()),
        })
    }

    /// A row, with its cells.
    pub fn push(&mut self, cells: &[Option<&[u8]>]) {
        let counted = match self.part {
            Part::All => cells,
            Part::FirstHalf => cells.get(..cells.len() / 2).unwrap_or_default(),
        };
        let mut hash = Sha256::new();
        for cell in counted {
            // NULL is no value of any length.
            let length = cell.map_or(u64::MAX, |cell| cell.len() as u64);
            hash.update(length.to_be_bytes());
            hash.update(cell.unwrap_or_default());
        }
        match &mut self.rows {
            Some(rows) if rows.len() < MOST_ROWS => rows.push(hash.finalize().into()),
            _ => self.rows = None,
        }
    }

    /// A row that is not looked at: there is no digest.
    pub fn passed_over(&mut self) {
        self.rows = None;
    }

    /// The digest to compare others with.
    pub fn finish(self) -> Option<RowsDigest> {
        self.salted(rand::random())
    }

    /// Whether it is of the same rows.
    fn is(self, other: RowsDigest) -> bool {
        self.salted(other.salt) == Some(other)
    }

    fn salted(self, salt: [u8; 32]) -> Option<RowsDigest> {
        let mut rows = self.rows?;
        rows.sort_unstable();
        let mut hash = Sha256::new();
        hash.update(salt);
        rows.iter().for_each(|row| hash.update(row));
        Some(RowsDigest {
            salt,
            digest: hash.finalize().into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Row<'a> = &'a [Option<&'a str>];

    fn rows(part: Part, rows: &[Row<'_>]) -> DigestOfRows {
        let mut digest = DigestOfRows {
            part,
            rows: Some(Vec::new()),
        };
        for row in rows {
            let cells = row.iter().map(|cell| cell.map(str::as_bytes));
            digest.push(&cells.collect::<Vec<_>>());
        }
        digest
    }

    fn same(part: Part, one: &[Row<'_>], other: &[Row<'_>]) -> bool {
        let digest = rows(part, one).finish().expect("a digest");
        assert_eq!(RowsDigest::of_hex(&digest.to_hex()), Some(digest));
        rows(part, other).is(digest)
    }

    #[test]
    fn a_digest_is_of_the_rows_in_any_order() {
        let (a, b): (Row<'_>, Row<'_>) = (&[Some("1"), None], &[Some("2"), Some("")]);
        assert!(same(Part::All, &[a, b], &[b, a]) && same(Part::All, &[], &[]));
        for others in [&[a][..], &[a, a, b], &[a, &[Some("2"), None]], &[]] {
            assert!(!same(Part::All, &[a, b], others));
        }
        // Where one value ends and the next begins makes a difference.
        let (joined, split): (Row<'_>, Row<'_>) =
            (&[Some("ab"), Some("")], &[Some("a"), Some("b")]);
        assert!(!same(Part::All, &[joined], &[split]));
        // It does not tell what it is of.
        let again = || rows(Part::All, &[a]).finish();
        assert_ne!(again(), again());
        assert_eq!(RowsDigest::of_hex("00"), None);
    }

    #[test]
    fn what_rows_become_may_differ() {
        let (a, b): (Row<'_>, Row<'_>) = (&[Some("1"), Some("x")], &[Some("1"), Some("y")]);
        assert!(same(Part::FirstHalf, &[a], &[b]));
        assert!(!same(Part::All, &[a], &[b]));
    }

    #[test]
    fn there_is_no_digest_of_rows_that_were_not_all_seen() {
        let seen = rows(Part::All, &[&[None]]).finish().expect("a digest");
        let mut digest = rows(Part::All, &[]);
        digest.passed_over();
        digest.push(&[None]);
        assert!(!digest.is(seen));
    }

    #[test]
    fn a_bound_admits_what_was_approved() {
        let one = || Some(rows(Part::All, &[&[None]]));
        let digest = one().and_then(DigestOfRows::finish);
        let bound = Bound::Rows { count: 1, digest };
        assert!(bound.admits(Some(1), one()) && bound.compares_rows());
        assert!(!bound.admits(Some(1), None) && !bound.admits(None, one()));
        assert!(!bound.admits(Some(2), one()));
        assert!(!bound.admits(Some(1), Some(rows(Part::All, &[&[Some("")]]))));
        let counted = Bound::Rows {
            count: 1,
            digest: None,
        };
        assert!(counted.admits(Some(1), None) && !counted.compares_rows());
        assert!(Bound::AtMost(2).admits(Some(1), None) && !Bound::AtMost(2).admits(Some(3), None));
        assert!(!Bound::Failure.admits(Some(0), None));
    }
}
