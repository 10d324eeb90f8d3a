//! What becomes of a column of values. It refuses to know settings as such and where the values come from.

use gatewright_detectors::{Detectors, Find, Kind};
use gatewright_policy::packed::Builder;
use gatewright_policy::{ColumnReply, PackedColumn};

use crate::escapes;
use crate::settings::{Action, Rule};

/// A kind of find for which results are to be stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stop(pub Kind);

/// The finds of one column, value by value.
struct Found {
    finds: Vec<Find>,
    /// Where the finds of a row end.
    ends: Vec<usize>,
}

/// Looks through a column and edits it where something was found.
pub fn column(
    detectors: &Detectors,
    rules: &[Rule; Kind::ALL.len()],
    column: &PackedColumn,
) -> Result<ColumnReply, Stop> {
    let mut found = Found {
        finds: Vec::new(),
        ends: Vec::with_capacity(column.rows()),
    };
    let mut values = [0_u32; Kind::ALL.len()];
    for cell in column.cells() {
        let before = found.finds.len();
        escapes::scan(detectors, cell.unwrap_or_default(), &mut found.finds);
        count(found.finds.get(before..).unwrap_or_default(), &mut values);
        found.ends.push(found.finds.len());
    }
    if found.finds.is_empty() {
        return Ok(ColumnReply::Unchanged);
    }
    let acts = |kind: Kind| {
        let rule = rules.get(kind as usize)?;
        let seen = values.get(kind as usize).copied().unwrap_or(0);
        (seen >= rule.threshold).then_some(rule.action)
    };
    if let Some(kind) = Kind::ALL
        .into_iter()
        .find(|kind| acts(*kind) == Some(Action::Refuse))
    {
        return Err(Stop(kind));
    }
    if Kind::ALL.into_iter().all(|kind| acts(kind).is_none()) {
        return Ok(ColumnReply::Unchanged);
    }
    Ok(ColumnReply::Replaced(edited(column, &found, &acts)))
}

/// Counts the values that have a find of a kind, each value once.
fn count(finds: &[Find], values: &mut [u32; Kind::ALL.len()]) {
    for kind in Kind::ALL {
        if finds.iter().any(|find| find.kind == kind)
            && let Some(seen) = values.get_mut(kind as usize)
        {
            *seen += 1;
        }
    }
}

fn edited(
    column: &PackedColumn,
    found: &Found,
    acts: &impl Fn(Kind) -> Option<Action>,
) -> PackedColumn {
    let mut builder = Builder::with_capacity(column.rows(), column.values.len());
    let mut first = 0;
    for (cell, end) in column.cells().zip(&found.ends) {
        let finds = found.finds.get(first..*end).unwrap_or_default();
        first = *end;
        match cell {
            None => builder.push(None),
            Some(text) if finds.is_empty() => builder.push(Some(text)),
            Some(text) => builder.push(value(text, finds, acts).as_deref()),
        }
    }
    builder.finish()
}

/// The value with its finds masked; none for NULL.
fn value(text: &[u8], finds: &[Find], acts: &impl Fn(Kind) -> Option<Action>) -> Option<Vec<u8>> {
    let mut masked = Vec::with_capacity(text.len());
    let mut json = Json::of(text);
    let mut at = 0;
    for find in finds {
        let part = text.get(find.start..find.end)?;
        let Some(action) = acts(find.kind) else {
            continue;
        };
        let replacement = match action {
            Action::Null | Action::Refuse => return None,
            Action::Redact => redacted(find.kind),
            Action::Partial => match escapes::read(part) {
                Some(read) => partial(find.kind, &read),
                None => partial(find.kind, part),
            },
        };
        // One that begins within another is hidden with it.
        if find.start < at {
            at = at.max(find.end);
            continue;
        }
        masked.extend_from_slice(text.get(at..find.start)?);
        if json.as_mut().is_some_and(|json| json.is_number(find.start)) {
            masked.push(b'"');
            masked.extend_from_slice(&replacement);
            masked.push(b'"');
        } else {
            masked.extend_from_slice(&replacement);
        }
        at = find.end;
    }
    masked.extend_from_slice(text.get(at..)?);
    Some(masked)
}

fn redacted(kind: Kind) -> Vec<u8> {
    format!("[{}]", kind.name()).into_bytes()
}

/// As much as people need to recognize it; of secrets, nothing.
fn partial(kind: Kind, part: &[u8]) -> Vec<u8> {
    match kind {
        Kind::Email => {
            let at = part.iter().rposition(|byte| *byte == b'@').unwrap_or(0);
            let (local, domain) = part.split_at(at);
            // A name of one character would be shown whole.
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

/// Stars for all letters and digits but the last ones; what stands between them stays.
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

/// Where JSON's quotes stand in a text that looks like JSON, as far as it was read.
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

    /// Whether a number begins at `start`, which is not before one that was asked for: behind a colon, a comma or a bracket, outside of quotes.
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
