//! Detects e-mail addresses, starting from the `@`.

use crate::{Kind, Match};

/// The longest local part and the longest domain (RFC 5321, section 4.5.3.1).
const LONGEST_LOCAL: usize = 64;
const LONGEST_DOMAIN: usize = 255;

/// The address around the `@` at `at`; it begins no earlier than `done`.
pub fn around(text: &[u8], at: usize, done: usize) -> Option<Match> {
    let before = text.get(done..at)?;
    let local = before
        .iter()
        .rev()
        .take(LONGEST_LOCAL)
        .take_while(|byte| is_local(**byte))
        .count();
    // Some characters of a local part also occur before it: quotes, brackets.
    let local = before
        .get(before.len() - local..)?
        .iter()
        .skip_while(|byte| {
            !(byte.is_ascii_alphanumeric() || **byte == b'_' || begins_character(**byte))
        })
        .count();
    if local == 0 || before.last() == Some(&b'.') {
        return None;
    }
    let after = text.get(at + 1..)?;
    let domain = after
        .iter()
        .take(LONGEST_DOMAIN)
        .take_while(|byte| is_domain(**byte))
        .count();
    // If the longest domain ends inside a UTF-8 character, cut before the character.
    let whole = (0..=domain).rev();
    let mut whole = whole.filter(|end| after.get(*end).is_none_or(|byte| byte >> 6 != 0b10));
    let mut domain = after.get(..whole.next()?)?;
    while let Some((b'.' | b'-', rest)) = domain.split_last() {
        domain = rest;
    }
    let dot = domain.iter().rposition(|byte| *byte == b'.')?;
    let top = domain.get(dot + 1..)?;
    let is_top = top.len() >= 2
        && (top
            .iter()
            .all(|byte| byte.is_ascii_alphabetic() || !byte.is_ascii())
            || top.starts_with(b"xn--"));
    let labels = domain
        .split(|byte| *byte == b'.')
        .all(|label| !label.is_empty());
    (is_top && labels).then(|| Match {
        start: at - local,
        end: at + 1 + domain.len(),
        kind: Kind::Email,
    })
}

/// The first byte of a multi-byte UTF-8 character (RFC 3629).
fn begins_character(byte: u8) -> bool {
    byte >> 6 == 0b11
}

/// Non-ASCII bytes are letters of another script (RFC 6531).
fn is_local(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || !byte.is_ascii() || b".!#$%&'*+?^_~-".contains(&byte)
}

fn is_domain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || !byte.is_ascii() || byte == b'.' || byte == b'-'
}
