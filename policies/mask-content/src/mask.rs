//! Masks the matches in one column of values.

use gatewright_detectors::{Detectors, Kind, Match};
use gatewright_policy::packed::Builder;
use gatewright_policy::{ColumnReply, PackedColumn};

use crate::escapes;
use crate::settings::{Action, Rule};

/// The kind of the match that ends the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stop(pub Kind);

/// The matches of one column, value by value.
struct Found {
    matches: Vec<Match>,
    /// The end of each row's matches in `matches`.
    ends: Vec<usize>,
}

/// Inspects a column and masks the matches that reach their threshold.
pub fn column(
    detectors: &Detectors,
    rules: &[Rule; Kind::ALL.len()],
    column: &PackedColumn,
) -> Result<ColumnReply, Stop> {
    let mut found = Found {
        matches: Vec::new(),
        ends: Vec::with_capacity(column.rows()),
    };
    let mut values = [0_u32; Kind::ALL.len()];
    for cell in column.cells() {
        let before = found.matches.len();
        escapes::scan(detectors, cell.unwrap_or_default(), &mut found.matches);
        count(found.matches.get(before..).unwrap_or_default(), &mut values);
        found.ends.push(found.matches.len());
    }
    if found.matches.is_empty() {
        return Ok(ColumnReply::Unchanged);
    }
    let action_for = |kind: Kind| {
        let rule = rules.get(kind as usize)?;
        let seen = values.get(kind as usize).copied().unwrap_or(0);
        (seen >= rule.threshold).then_some(rule.action)
    };
    if let Some(kind) = Kind::ALL
        .into_iter()
        .find(|kind| action_for(*kind) == Some(Action::Refuse))
    {
        return Err(Stop(kind));
    }
    if Kind::ALL.into_iter().all(|kind| action_for(kind).is_none()) {
        return Ok(ColumnReply::Unchanged);
    }
    Ok(ColumnReply::Replaced(edited(column, &found, &action_for)))
}

/// Counts the values with a match of each kind; several matches in one value count once.
fn count(matches: &[Match], values: &mut [u32; Kind::ALL.len()]) {
    for kind in Kind::ALL {
        if matches.iter().any(|hit| hit.kind == kind)
            && let Some(seen) = values.get_mut(kind as usize)
        {
            *seen += 1;
        }
    }
}

fn edited(
    column: &PackedColumn,
    found: &Found,
    action_for: &impl Fn(Kind) -> Option<Action>,
) -> PackedColumn {
    let mut builder = Builder::with_capacity(column.rows(), column.values.len());
    let mut first = 0;
    for (cell, end) in column.cells().zip(&found.ends) {
        let matches = found.matches.get(first..*end).unwrap_or_default();
        first = *end;
        match cell {
            None => builder.push(None),
            Some(text) if matches.is_empty() => builder.push(Some(text)),
            Some(text) => builder.push(value(text, matches, action_for).as_deref()),
        }
    }
    builder.finish()
}

/// The value with its matches masked; `None` is NULL.
fn value(
    text: &[u8],
    matches: &[Match],
    action_for: &impl Fn(Kind) -> Option<Action>,
) -> Option<Vec<u8>> {
    let mut masked = Vec::with_capacity(text.len());
    let mut json = Json::of(text);
    let mut at = 0;
    for hit in matches {
        let part = text.get(hit.start..hit.end)?;
        let Some(action) = action_for(hit.kind) else {
            continue;
        };
        let replacement = match action {
            Action::Null | Action::Refuse => return None,
            Action::Redact => redacted(hit.kind),
            Action::Partial => match escapes::unescape(part) {
                Some(unescaped) => partial(hit.kind, &unescaped),
                None => partial(hit.kind, part),
            },
        };
        // A match that begins inside the previous one is masked with it.
        if hit.start < at {
            at = at.max(hit.end);
            continue;
        }
        masked.extend_from_slice(text.get(at..hit.start)?);
        if json.as_mut().is_some_and(|json| json.is_number(hit.start)) {
            masked.push(b'"');
            masked.extend_from_slice(&replacement);
            masked.push(b'"');
        } else {
            masked.extend_from_slice(&replacement);
        }
        at = hit.end;
    }
    masked.extend_from_slice(text.get(at..)?);
    Some(masked)
}

fn redacted(kind: Kind) -> Vec<u8> {
    format!("[{}]", kind.name()).into_bytes()
}

/// Enough of a value to recognise it; nothing of a secret.
fn partial(kind: Kind, part: &[u8]) -> Vec<u8> {
    match kind {
        Kind::Email => {
            let at = part.iter().rposition(|byte| *byte == b'@').unwrap_or(0);
            let (local, domain) = part.split_at(at);
            // A local part of one character would be shown whole.
            let first = local
                .first()
                .filter(|byte| byte.is_ascii() && local.len() > 1);
            first
                .into_iter()
                .chain(b"***")
                .chain(domain)
                .copied()
                .collect()
        }
        Kind::Card | Kind::Iban => last(part, 4),
        Kind::Phone | Kind::NationalId => last(part, 2),
        Kind::Jwt | Kind::CloudKey | Kind::PrivateKey => redacted(kind),
    }
}

/// Replaces all letters and digits but the last `shown` with asterisks. Separators stay.
fn last(part: &[u8], shown: usize) -> Vec<u8> {
    let all = part
        .iter()
        .filter(|byte| byte.is_ascii_alphanumeric())
        .count();
    let mut seen = 0;
    part.iter()
        .map(|byte| {
            if !byte.is_ascii_alphanumeric() {
                return *byte;
            }
            seen += 1;
            if seen + shown > all { *byte } else { b'*' }
        })
        .collect()
}

/// Tracks, in a text that looks like JSON, whether a position is inside a string.
struct Json<'a> {
    text: &'a [u8],
    at: usize,
    quoted: bool,
}

impl<'a> Json<'a> {
    fn of(text: &'a [u8]) -> Option<Self> {
        let trimmed = text.trim_ascii_start();
        let object = trimmed.starts_with(b"{") && trimmed.contains(&b':');
        (object || trimmed.starts_with(b"[")).then_some(Self {
            text,
            at: 0,
            quoted: false,
        })
    }

    /// Whether a number begins at `start`: outside a string, after a colon, comma or bracket. `start` must not decrease
    /// between calls.
    fn is_number(&mut self, start: usize) -> bool {
        while self.at < start {
            match self.text.get(self.at) {
                Some(b'\\') if self.quoted => self.at += 1,
                Some(b'"') => self.quoted = !self.quoted,
                _ => {}
            }
            self.at += 1;
        }
        let before = self.text.get(..start).unwrap_or_default();
        !self.quoted && matches!(before.trim_ascii_end().last(), Some(b':' | b',' | b'['))
    }
}
