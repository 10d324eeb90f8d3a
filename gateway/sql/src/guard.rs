//! Limits checked on the text before it is parsed. It knows only SQL's lexical rules: strings, quoted names, dollar
//! quotes, comments.

use crate::{AnalyzeError, Limits};

/// Counts tokens and comment nesting. Invalid text may pass: the grammar reports a better error.
pub(crate) fn check(text: &str, limits: &Limits, standard: bool) -> Result<(), AnalyzeError> {
    if text.len() > limits.max_bytes {
        return Err(AnalyzeError::TooLarge {
            bytes: text.len(),
            limit: limits.max_bytes,
        });
    }
    let bytes = text.as_bytes();
    let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
    let (mut at, mut tokens) = (0, 0usize);
    while at < bytes.len() {
        let (first, second) = (byte(at), byte(at + 1));
        if first.is_ascii_whitespace() || first == 0x0b {
            at += 1;
            continue;
        }
        if first == b'-' && second == b'-' {
            while at < bytes.len() && !matches!(byte(at), b'\n' | b'\r') {
                at += 1;
            }
            continue;
        }
        if first == b'/' && second == b'*' {
            at = comment(bytes, at, limits)?;
            continue;
        }
        tokens += 1;
        if tokens > limits.max_tokens {
            return Err(AnalyzeError::TooManyTokens {
                limit: limits.max_tokens,
            });
        }
        at = match first {
            b'\'' => quoted(bytes, at + 1, b'\'', !standard),
            b'"' => quoted(bytes, at + 1, b'"', false),
            b'e' | b'E' if second == b'\'' => quoted(bytes, at + 2, b'\'', true),
            b'$' => dollar(bytes, at),
            _ if word_byte(first) => {
                let mut end = at + 1;
                while word_byte(byte(end)) || byte(end) == b'$' {
                    end += 1;
                }
                end
            }
            _ => at + 1,
        };
    }
    Ok(())
}

/// A letter, digit or underscore; every byte of a character outside ASCII is a letter (scan.l, ident_cont).
pub(crate) fn word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn comment(bytes: &[u8], mut at: usize, limits: &Limits) -> Result<usize, AnalyzeError> {
    let mut depth = 0;
    while at < bytes.len() {
        match (bytes.get(at), bytes.get(at + 1)) {
            (Some(b'/'), Some(b'*')) => {
                depth += 1;
                at += 2;
                if depth > limits.max_comment_depth {
                    return Err(AnalyzeError::CommentsTooDeep {
                        limit: limits.max_comment_depth,
                    });
                }
            }
            (Some(b'*'), Some(b'/')) => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return Ok(at);
                }
            }
            _ => at += 1,
        }
    }
    Ok(at)
}

/// The end of a quoted string or name that began before `at`.
fn quoted(bytes: &[u8], mut at: usize, quote: u8, escapes: bool) -> usize {
    while let Some(byte) = bytes.get(at) {
        if *byte == b'\\' && escapes {
            at += 2;
        } else if *byte != quote {
            at += 1;
        } else if bytes.get(at + 1) == Some(&quote) {
            at += 2;
        } else {
            return at + 1;
        }
    }
    at
}

fn dollar(bytes: &[u8], at: usize) -> usize {
    let mut end = at + 1;
    while bytes.get(end).is_some_and(|byte| word_byte(*byte)) {
        end += 1;
    }
    let starts_with_digit = bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
    if bytes.get(end) != Some(&b'$') || starts_with_digit {
        return at + 1;
    }
    let Some((tag, rest)) = bytes.get(at..=end).zip(bytes.get(end + 1..)) else {
        return at + 1;
    };
    let found = rest.windows(tag.len()).position(|window| window == tag);
    found.map_or(bytes.len(), |found| end + 1 + found + tag.len())
}
