//! Assesses the evidence that a column contains personal data, and selects a masking method for its type.

use gatewright_detectors::Kind;

use super::Column;
use super::names::{self, Meaning};
use super::sample::{Counts, is_sampled};

/// The confidence of a suggestion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// Commented out in the draft.
    Low,
    Medium,
    High,
}

impl Confidence {
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// The evidence for a suggestion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    pub confidence: Confidence,
    /// What the column's name or comment indicates.
    pub name: Option<&'static str>,
    /// The kind of data found, the number of sampled values that contain it, and the number of sampled values.
    pub found: Option<(Kind, u32, u32)>,
}

/// The suggested method of `mask-columns`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Redact,
    Null,
    Hash,
    Email,
    /// Partial; the last characters remain visible.
    Last(u32),
    /// Partial; the first character remains visible.
    First,
}

/// The suggested method for a column and the evidence, or `None` without evidence.
pub(super) fn assess(column: &Column, counts: &Counts) -> Option<(Method, Evidence)> {
    let meaning = names::meaning(&column.name, &column.comment)
        .filter(|meaning| fits(*meaning, &column.type_name));
    let found = Kind::ALL
        .into_iter()
        .zip(counts.found)
        .filter(|(_, hits)| *hits > 0)
        .max_by_key(|(_, hits)| *hits)
        .filter(|(_, hits)| f64::from(*hits) >= 0.02 * f64::from(counts.values))
        // One in ten numbers has a valid check digit, so some identifiers look like card numbers.
        .filter(|(_, hits)| !is_number(&column.type_name) || *hits * 2 > counts.values);
    let share = found.map_or(0.0, |(_, hits)| {
        f64::from(hits) / f64::from(counts.values.max(1))
    });
    let agrees = matches!((meaning, found), (Some(Meaning::Detected(named)), Some((kind, _))) if named == kind);
    let confidence = match (meaning, found) {
        (None, None) => return None,
        (_, Some(_)) if share >= 0.5 || agrees => Confidence::High,
        (Some(_), _) => Confidence::Medium,
        (None, Some(_)) if share >= 0.1 => Confidence::Medium,
        (None, Some(_)) => Confidence::Low,
    };
    let evidence = Evidence {
        confidence,
        name: meaning.map(Meaning::name),
        found: found.map(|(kind, hits)| (kind, hits, counts.values)),
    };
    let meaning = match found {
        Some((kind, _)) if share >= 0.5 => Meaning::Detected(kind),
        _ => meaning.or(found.map(|(kind, _)| Meaning::Detected(kind)))?,
    };
    // In documents and arrays the data is only a part of the value.
    let whole = !matches!(column.type_name.as_str(), "json" | "jsonb" | "xml")
        && !column.type_name.ends_with("[]");
    Some((method(meaning, column, whole), evidence))
}

fn is_number(type_name: &str) -> bool {
    matches!(type_name, "bigint" | "numeric" | "integer" | "smallint")
}

/// Whether a column of this type can contain what its name indicates.
fn fits(meaning: Meaning, type_name: &str) -> bool {
    let text = is_sampled(type_name);
    match meaning {
        Meaning::BirthDate => text || type_name == "date" || type_name.starts_with("timestamp"),
        Meaning::Money => {
            is_number(type_name) || matches!(type_name, "money" | "real" | "double precision")
        }
        Meaning::Device => text || matches!(type_name, "inet" | "cidr" | "macaddr"),
        Meaning::Secret => text || matches!(type_name, "bytea" | "uuid"),
        Meaning::Address => text && !is_number(type_name),
        _ => text,
    }
}

fn method(meaning: Meaning, column: &Column, whole: bool) -> Method {
    let text = matches!(
        column.type_name.as_str(),
        "text" | "character varying" | "citext"
    );
    if !text || !whole {
        // The other methods produce text, which is not a valid number, date or document.
        return Method::Null;
    }
    if column.key {
        return Method::Hash;
    }
    match meaning {
        Meaning::Detected(Kind::Email) => Method::Email,
        Meaning::Detected(Kind::Card | Kind::Iban) => Method::Last(4),
        Meaning::Detected(Kind::Phone | Kind::NationalId) => Method::Last(2),
        Meaning::PersonName => Method::First,
        _ => Method::Redact,
    }
}
