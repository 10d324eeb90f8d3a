//! Detects matches that consist of digits: card, telephone and national numbers.

use crate::national;
use crate::{Attempt, Detectors, Kind, Match};

/// Groups of digits with separators between them.
pub struct Number {
    pub start: usize,
    /// The offset after the last digit.
    pub end: usize,
    pub digits: Vec<u8>,
    /// The length of each group of digits.
    pub groups: Vec<usize>,
    /// The offset after the last digit of each group.
    ends: Vec<usize>,
    /// The separator between the groups, if it is always the same.
    pub separator: Option<u8>,
    pub plus: bool,
}

/// More digits than any number that is detected.
const MOST_DIGITS: usize = 24;

pub fn end_of_run(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// Tries to match at the digit at `at`.
pub fn at(detectors: &Detectors, text: &[u8], at: usize) -> Attempt {
    // Most numbers are short. Only a Spanish DNI, eight digits and a letter, has fewer than nine digits.
    if !is_long(text, at) {
        let end = end_of_run(text, at);
        if end - at == 8
            && detectors.wants(Kind::NationalId)
            && let Some(end) = national::digits_and_letter(&detectors.countries, text, at)
        {
            return Attempt::matched(Match {
                start: at,
                end,
                kind: Kind::NationalId,
            });
        }
        return Attempt::resume(end);
    }
    let number = read(text, at);
    for groups in (1..=number.groups.len()).rev() {
        let part = number.first(groups);
        if let Some(kind) = kind_of(detectors, text, &part) {
            return Attempt::matched(Match {
                start: part.start,
                end: part.end,
                kind,
            });
        }
    }
    if detectors.wants(Kind::NationalId)
        && let Some(end) = national::digits_and_letter(&detectors.countries, text, at)
    {
        return Attempt::matched(Match {
            start: at,
            end,
            kind: Kind::NationalId,
        });
    }
    // A later group may begin a number of its own.
    Attempt::resume(end_of_run(text, at))
}

/// Whether there are at least nine digits from here, counting across separators.
fn is_long(text: &[u8], start: usize) -> bool {
    let (mut at, mut digits) = (start, 0);
    loop {
        let end = end_of_run(text, at);
        digits += end - at;
        if digits >= 9 {
            return true;
        }
        match separator(text, end) {
            Some((_, length)) if end > at => at = end + length,
            _ => return false,
        }
    }
}

fn kind_of(detectors: &Detectors, text: &[u8], number: &Number) -> Option<Kind> {
    if text.get(number.end).is_some_and(u8::is_ascii_alphanumeric) {
        return None;
    }
    if detectors.wants(Kind::Card) && is_card(number) {
        return Some(Kind::Card);
    }
    if detectors.wants(Kind::NationalId) && national::is_number(&detectors.countries, number) {
        return Some(Kind::NationalId);
    }
    (detectors.wants(Kind::Phone) && is_phone(number)).then_some(Kind::Phone)
}

/// A telephone number that begins with the `+` or `(` at `at`.
pub fn phone(text: &[u8], at: usize) -> Option<Match> {
    let rest = text.get(at + 1..)?;
    if !rest.first()?.is_ascii_digit() {
        return None;
    }
    let mut number = read(text, at + 1);
    number.plus = text.get(at) == Some(&b'+');
    let closed = number
        .groups
        .first()
        .and_then(|first| text.get(at + 1 + first))
        == Some(&b')');
    // The run of groups may contain a second number: take the longest prefix that is a telephone number.
    let parts = (1..=number.groups.len()).rev();
    let mut parts = parts.map(|groups| number.first(groups));
    let part = parts.find(|part| {
        let ends = !text.get(part.end).is_some_and(u8::is_ascii_alphanumeric);
        ends && if part.plus {
            is_phone(part)
        } else {
            closed && is_national_phone(part, true)
        }
    })?;
    Some(Match {
        start: at,
        end: part.end,
        kind: Kind::Phone,
    })
}

fn read(text: &[u8], start: usize) -> Number {
    let mut number = Number {
        start,
        end: start,
        digits: Vec::with_capacity(MOST_DIGITS),
        groups: Vec::new(),
        ends: Vec::new(),
        separator: None,
        plus: false,
    };
    let (mut at, mut mixed) = (start, false);
    loop {
        let end = end_of_run(text, at);
        let run = text.get(at..end).unwrap_or_default();
        if run.is_empty() || number.digits.len() + run.len() > MOST_DIGITS {
            break;
        }
        number.digits.extend_from_slice(run);
        number.groups.push(run.len());
        number.ends.push(end);
        number.end = end;
        let Some((separator, length)) = separator(text, end) else {
            break;
        };
        match number.separator {
            None if number.groups.len() == 1 => number.separator = Some(separator),
            known => mixed |= known != Some(separator),
        }
        at = end + length;
    }
    if mixed || number.groups.len() == 1 {
        number.separator = None;
    }
    number
}

/// The separator between two groups of digits at `at`, and its length.
fn separator(text: &[u8], at: usize) -> Option<(u8, usize)> {
    let next = |at: usize| text.get(at).copied();
    match next(at)? {
        byte @ (b' ' | b'-' | b'.' | b'/') if next(at + 1)?.is_ascii_digit() => Some((byte, 1)),
        b')' if next(at + 1) == Some(b' ') && next(at + 2)?.is_ascii_digit() => Some((b')', 2)),
        b')' if next(at + 1)?.is_ascii_digit() => Some((b')', 1)),
        b' ' if next(at + 1) == Some(b'(') && next(at + 2)?.is_ascii_digit() => Some((b'(', 2)),
        // U+00A0 no-break space.
        0xc2 if next(at + 1) == Some(0xa0) && next(at + 2)?.is_ascii_digit() => Some((b' ', 2)),
        _ => None,
    }
}

impl Number {
    fn first(&self, count: usize) -> Number {
        let groups: Vec<usize> = self.groups.iter().take(count).copied().collect();
        let ends: Vec<usize> = self.ends.iter().take(count).copied().collect();
        let digits = groups.iter().sum();
        Number {
            end: ends.last().copied().unwrap_or(self.end),
            digits: self.digits.iter().take(digits).copied().collect(),
            separator: self.separator.filter(|_| count > 1),
            groups,
            ends,
            ..*self
        }
    }

    pub fn value(&self, at: usize) -> u32 {
        self.digits
            .get(at)
            .map_or(0, |digit| u32::from(digit - b'0'))
    }

    pub fn is_grouped(&self, groups: &[usize], separators: &[u8]) -> bool {
        self.groups == groups && self.separator.is_some_and(|own| separators.contains(&own))
    }
}

/// Whether the Luhn check digit is valid (ISO/IEC 7812-1, annex B).
pub fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| {
            let value = u32::from(digit.wrapping_sub(b'0'));
            match (at % 2, value * 2) {
                (0, _) => value,
                (_, doubled) if doubled > 9 => doubled - 9,
                (_, doubled) => doubled,
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

fn is_card(number: &Number) -> bool {
    let length = number.digits.len();
    if !(13..=19).contains(&length)
        || number.plus
        || number.groups.len() > 1 && !matches!(number.separator, Some(b' ' | b'-'))
        || number.groups.len() > 1 && number.groups.first().is_none_or(|first| *first != 4)
    {
        return false;
    }
    let prefix = |count: usize| (0..count).fold(0, |all, at| all * 10 + number.value(at));
    let issued = match prefix(1) {
        4 => matches!(length, 13 | 16 | 19),
        5 => (51..=55).contains(&prefix(2)) && length == 16,
        2 => (2221..=2720).contains(&prefix(4)) && length == 16,
        3 => match prefix(2) {
            34 | 37 => length == 15,
            30 | 36 | 38 | 39 => (14..=19).contains(&length),
            35 => (3528..=3589).contains(&prefix(4)) && (16..=19).contains(&length),
            _ => false,
        },
        6 => {
            let discover = prefix(4) == 6011 || prefix(2) == 65 || (644..=649).contains(&prefix(3));
            (discover || prefix(2) == 62) && (16..=19).contains(&length)
        }
        _ => false,
    };
    issued && luhn(&number.digits) && number.digits.iter().any(|digit| *digit != number.digits[0])
}

fn is_phone(number: &Number) -> bool {
    let length = number.digits.len();
    if number.plus {
        // E.164: at most 15 digits. With its country code no number has fewer than 8.
        return (8..=15).contains(&length) && number.value(0) != 0;
    }
    is_national_phone(number, false)
}

/// A number without a country code must be formatted like a telephone number: dates and identifiers have digits, too.
fn is_national_phone(number: &Number, parenthesis: bool) -> bool {
    let length = number.digits.len();
    // North American Numbering Plan: neither the area code nor the exchange begins with 0 or 1.
    let nanp = |from: usize| number.value(from) >= 2 && number.value(from + 3) >= 2;
    let groups = number.groups.as_slice();
    if groups == [3, 3, 4] && nanp(0) {
        return parenthesis || matches!(number.separator, Some(b'-' | b'.' | b' '));
    }
    if groups == [1, 3, 3, 4] && number.value(0) == 1 && nanp(1) {
        return true;
    }
    // A trunk prefix, and groups that do not form a date.
    let international = number.value(1) == 0 && number.value(2) != 0 && length >= 11;
    number.value(0) == 0
        && (number.value(1) != 0 || international)
        && (9..=14).contains(&length)
        && groups.len() >= 2
        && groups.first().is_some_and(|first| (2..=6).contains(first))
        && groups.iter().skip(1).any(|group| *group >= 3)
}
