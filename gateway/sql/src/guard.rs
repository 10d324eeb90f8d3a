//! Limits checked on the text before it is parsed. It knows only SQL's lexical rules: strings, quoted names, dollar
//! quotes, comments.

use std::ops::Range;

use crate::{AnalyzeError, Limits};

/// Counts tokens and comment nesting. Invalid text may pass: the grammar reports a better error.
pub(crate) fn check(text: &str, limits: &Limits, standard: bool) -> Result<(), AnalyzeError> {
    if text.len() > limits.max_bytes {
        return Err(AnalyzeError::TooLarge {
            bytes: text.len(),
            limit: limits.max_bytes,
        });
    }
    let mut tokens = 0usize;
    each_token(text, limits, standard, |_| {
        tokens += 1;
        if tokens > limits.max_tokens {
            return Err(AnalyzeError::TooManyTokens {
                limit: limits.max_tokens,
            });
        }
        Ok(())
    })
}

/// PostgreSQL's NAMEDATALEN, less the byte that ends a string.
const NAME_BYTES: usize = 63;

/// Whether the text has a name that is cut at another place where its characters have other lengths in bytes than in UTF-8: the
/// server cuts names to 63 bytes in the encoding of the database (`truncate_identifier`).
pub fn cuts_names_by_encoding(text: &str, standard: bool) -> bool {
    if text.len() <= NAME_BYTES {
        return false;
    }
    let bytes = text.as_bytes();
    let limits = Limits {
        max_bytes: usize::MAX,
        max_tokens: usize::MAX,
        max_comment_depth: usize::MAX,
    };
    let read = each_token(text, &limits, standard, |range| {
        let token = bytes.get(range.clone()).unwrap_or_default();
        let length = match token {
            [b'"', inner @ ..] => inner.len().saturating_sub(1),
            // No E'...'.
            [first, ..] if word_byte(*first) && !token.contains(&b'\'') => token.len(),
            _ => 0,
        };
        // U&"..." can spell any character in ASCII.
        let spelled = range.start > 0 && bytes.get(range.start - 1) == Some(&b'&');
        if length > NAME_BYTES && (spelled || !token.is_ascii()) {
            return Err(AnalyzeError::Unreadable);
        }
        Ok(())
    });
    read.is_err()
}

/// Calls `visit` for the range of each token.
fn each_token(
    text: &str,
    limits: &Limits,
    standard: bool,
    mut visit: impl FnMut(Range<usize>) -> Result<(), AnalyzeError>,
) -> Result<(), AnalyzeError> {
    let bytes = text.as_bytes();
    let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
    let mut at = 0;
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
        let start = at;
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
        visit(start..at.min(bytes.len()))?;
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

#[cfg(test)]
mod tests {
    use super::cuts_names_by_encoding;

    #[test]
    fn names_that_are_cut_by_their_encoding_are_found() {
        let (ascii, other) = ("n".repeat(70), "é".repeat(32));
        let escaped = "\\00e9".repeat(32);
        for text in [
            format!("SELECT {other} FROM t"),
            format!("SELECT \"{other}\" FROM t"),
            format!("SELECT 'x' AS \"a \"\" {other}\""),
            format!("SELECT U&\"{escaped}\" FROM t"),
            format!(
                "SELECT u&\"{}\" UESCAPE '!' FROM t",
                escaped.replace('\\', "!")
            ),
        ] {
            assert!(cuts_names_by_encoding(&text, true), "{text}");
        }
        for text in [
            format!("SELECT {ascii}, \"{ascii}\" FROM t"),
            format!("SELECT \"{}\" FROM t", "é".repeat(31)),
            format!("SELECT '{other}', $a${other}$a$, E'{other}' -- {other}"),
            format!("SELECT \"a\" || '{other}' || \"b\" /* {other} */"),
        ] {
            assert!(!cuts_names_by_encoding(&text, true), "{text}");
        }
        // With the setting off the string goes on, and the name is part of it.
        let string = format!("SELECT '\\', \"{other}\" --'");
        assert!(cuts_names_by_encoding(&string, true));
        assert!(!cuts_names_by_encoding(&string, false));
    }
}
