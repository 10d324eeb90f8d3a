//! Weighs what speaks for a column being personal, and picks a mask that suits its type.

use gatewright_detectors::Kind;

use super::Column;
use super::names::{self, Meaning};
use super::sample::{Counts, is_looked_into};

/// How sure the draft is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// For a person to decide: left out of the settings, in a comment.
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

/// What speaks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    pub confidence: Confidence,
    /// What the name or comment says.
    pub name: Option<&'static str>,
    /// A kind, values with such a find, and values looked at.
    pub found: Option<(Kind, u32, u32)>,
}

/// The mask of `mask-columns` that is proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Redact,
    Null,
    Hash,
    Email,
    /// The last characters stay.
    Last(u32),
    /// The first character stays.
    First,
}

/// None where nothing speaks for it.
pub(super) fn weigh(column: &Column, counts: &Counts) -> Option<(Method, Evidence)> {
    let meaning = names::meaning(&column.name, &column.comment)
        .filter(|meaning| fits(*meaning, &column.type_name));
    let found = Kind::ALL
        .into_iter()
        .zip(counts.found)
        .filter(|(_, hits)| *hits > 0)
        .max_by_key(|(_, hits)| *hits)
        .filter(|(_, hits)| f64::from(*hits) >= 0.02 * f64::from(counts.values))
        // Numbers that happen to have a card's check digit are common among identifiers.
        .filter(|(_, hits)| !is_number(&column.type_name) || *hits * 2 > counts.values);
    let share = found.map_or(0.0, |(_, hits)| {
        f64::from(hits) / f64::from(counts.values.max(1))
    });
    let agrees =
        matches!((meaning, found), (Some(Meaning::Found(named)), Some((kind, _))) if named == kind);
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
    let meant = match found {
        Some((kind, _)) if share >= 0.5 => Meaning::Found(kind),
        _ => meaning.or(found.map(|(kind, _)| Meaning::Found(kind)))?,
    };
    // What is found inside longer texts and documents is no column of such values.
    let whole = !matches!(column.type_name.as_str(), "json" | "jsonb" | "xml")
        && !column.type_name.ends_with("[]");
    Some((method(meant, column, whole), evidence))
}

fn is_number(type_name: &str) -> bool {
    matches!(type_name, "bigint" | "numeric" | "integer" | "smallint")
}

/// Whether a column of that type can hold what its name says.
fn fits(meaning: Meaning, type_name: &str) -> bool {
    let text = is_looked_into(type_name);
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
        // A text in place of a number, a date or a document would be none.
        return Method::Null;
    }
    if column.key {
        return Method::Hash;
    }
    match meaning {
        Meaning::Found(Kind::Email) => Method::Email,
        Meaning::Found(Kind::Card | Kind::Iban) => Method::Last(4),
        Meaning::Found(Kind::Phone | Kind::NationalId) => Method::Last(2),
        Meaning::PersonName => Method::First,
        _ => Method::Redact,
    }
}
