//! The tokens of plain texts, without calling PostgreSQL's scanner: a careful subset of its rules (scan.l). A text with
//! anything else has no tokens here: comments, prefixed and dollar-quoted strings, strings in several parts, numbers that
//! are not plain. Tests compare the tokens with the scanner's own.

use std::ops::Range;

use crate::guard::word_byte;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An identifier or keyword without quotes.
    Word,
    Integer,
    Number,
    String,
    /// Quoted names, parameters, operators, punctuation.
    Other,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub kind: Kind,
    pub range: Range<usize>,
}

/// All tokens; `None` if the text is not plain. Assumes standard_conforming_strings.
pub(crate) fn tokens(text: &str) -> Option<Vec<Token>> {
    let bytes = text.as_bytes();
    let mut tokens = Vec::with_capacity(bytes.len() / 4);
    let mut at = 0;
    while let Some(first) = bytes.get(at) {
        let rest = bytes.get(at..)?;
        let (kind, length) = match first {
            b' ' | b'\t' | b'\n' | b'\r' | 0x0c => {
                at += 1;
                continue;
            }
            b'\'' => (Kind::String, string(rest)?),
            b'"' => (Kind::Other, quoted(rest, b'"')?),
            b'0'..=b'9' => number(rest)?,
            b'$' => (Kind::Other, parameter(rest)?),
            byte if starts_word(*byte) => (Kind::Word, word(rest)?),
            byte if OPERATOR.contains(byte) => (Kind::Other, operator(rest)?),
            b'(' | b')' | b',' | b';' | b'[' | b']' => (Kind::Other, 1),
            b':' if matches!(rest.get(1), Some(b':' | b'=')) => (Kind::Other, 2),
            b':' => (Kind::Other, 1),
            // A number may begin with a point, and two points are a token of PL/pgSQL.
            b'.' if !rest
                .get(1)
                .is_some_and(|next| next.is_ascii_digit() || *next == b'.') =>
            {
                (Kind::Other, 1)
            }
            _ => return None,
        };
        tokens.push(Token {
            kind,
            range: at..at + length,
        });
        at += length;
    }
    Some(tokens)
}

const OPERATOR: &[u8] = b"+-*/<>=~!@#%^&|`?";

fn starts_word(byte: u8) -> bool {
    word_byte(byte) && !byte.is_ascii_digit()
}

fn continues_word(byte: u8) -> bool {
    word_byte(byte) || byte == b'$'
}

/// The number of leading bytes that satisfy the condition.
fn run(bytes: &[u8], condition: impl Fn(&u8) -> bool) -> usize {
    bytes.iter().take_while(|byte| condition(byte)).count()
}

fn word(bytes: &[u8]) -> Option<usize> {
    let length = run(bytes, |byte| continues_word(*byte));
    let prefix = match bytes.get(length..)? {
        [b'\'', ..] => true,
        [b'&', b'\'' | b'"', ..] => length == 1,
        _ => false,
    };
    (!prefix).then_some(length)
}

/// Quoted text, in which the quote is doubled.
fn quoted(bytes: &[u8], quote: u8) -> Option<usize> {
    let mut at = 1;
    loop {
        at += bytes.get(at..)?.iter().position(|byte| *byte == quote)? + 1;
        if bytes.get(at) != Some(&quote) {
            return Some(at);
        }
        at += 1;
    }
}

/// A string that another one does not continue.
fn string(bytes: &[u8]) -> Option<usize> {
    let length = quoted(bytes, b'\'')?;
    let after = bytes.get(length..)?;
    let next = after.get(run(after, u8::is_ascii_whitespace));
    (next != Some(&b'\'')).then_some(length)
}

/// `1` or `1.5`, and nothing attached to it.
fn number(bytes: &[u8]) -> Option<(Kind, usize)> {
    let whole = run(bytes, u8::is_ascii_digit);
    let (kind, length) = match bytes.get(whole..)? {
        [b'.', after @ ..] => {
            let fraction = run(after, u8::is_ascii_digit);
            (Kind::Number, whole + 1 + fraction)
        }
        _ => {
            let digits = std::str::from_utf8(bytes.get(..whole)?).ok()?;
            match digits.parse::<i32>() {
                Ok(_) => (Kind::Integer, whole),
                Err(_) => (Kind::Number, whole),
            }
        }
    };
    let attached = bytes
        .get(length)
        .is_some_and(|byte| continues_word(*byte) || *byte == b'.');
    (!attached).then_some((kind, length))
}

/// `$1`, and nothing attached to it.
fn parameter(bytes: &[u8]) -> Option<usize> {
    let digits = run(bytes.get(1..)?, u8::is_ascii_digit);
    let attached = bytes
        .get(1 + digits)
        .is_some_and(|byte| continues_word(*byte));
    (digits > 0 && !attached).then_some(1 + digits)
}

/// A run of operator characters, which PostgreSQL may read as more than one operator.
fn operator(bytes: &[u8]) -> Option<usize> {
    let length = run(bytes, |byte| OPERATOR.contains(byte));
    let own = bytes.get(..length)?;
    let comment = own.windows(2).any(|pair| pair == b"--" || pair == b"/*");
    (!comment).then_some(length)
}

#[cfg(test)]
mod tests {
    use gatewright_parser::{TokenKind, scan};
    use proptest::prelude::*;

    use super::*;

    /// Fails if the scanner reads the text otherwise.
    fn agrees(text: &str) -> Result<(), TestCaseError> {
        let Some(found) = tokens(text) else {
            return Ok(());
        };
        let Ok(known) = scan(text) else {
            // An error of the scanner is an error of the statement, however it is keyed.
            return Ok(());
        };
        for token in found {
            let kind = match token.kind {
                Kind::Integer => TokenKind::Integer,
                Kind::Number => TokenKind::Number,
                Kind::String => TokenKind::String,
                Kind::Word | Kind::Other => TokenKind::Other,
            };
            let own = known.iter().any(|known| {
                known.kind == kind
                    && known.start == token.range.start
                    && known.end == token.range.end
            });
            // The scanner may split a run of operator characters.
            let split = token.kind == Kind::Other
                && known.iter().any(|known| known.start == token.range.start)
                && known.iter().any(|known| known.end == token.range.end);
            prop_assert!(own || split, "{token:?} of {text:?}: {known:?}");
        }
        Ok(())
    }

    #[test]
    fn plain_texts_have_tokens_and_others_have_none() {
        for text in [
            "SELECT a, \"B\"\"c\" FROM s.t WHERE a = 1 AND b <> 'it''s' AND c >= 1.50",
            "INSERT INTO t VALUES ($1, -2, a->>'b', x::int[])",
            "SELECT é FROM t$1 WHERE a=99999999999;",
        ] {
            assert!(tokens(text).is_some(), "{text}");
            assert!(agrees(text).is_ok(), "{text}");
        }
        for text in [
            "SELECT 1 -- x",
            "SELECT /* x */ 1",
            "SELECT 1 <-- 2",
            "SELECT E'a\\'b'",
            "SELECT x'1'",
            "SELECT U&'d'",
            "SELECT u&\"d\"",
            "SELECT $a$ x $a$",
            "SELECT 'a'\n'b'",
            "SELECT 1e5",
            "SELECT 0x1F",
            "SELECT 1_000",
            "SELECT .5",
            "SELECT 1..2",
            "SELECT $1a",
            "SELECT 'a",
            "SELECT \"a",
            "SELECT \\ 1",
            "SELECT {1}",
        ] {
            assert_eq!(tokens(text), None, "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn tokens_are_the_scanners(text in "[-a-eEuUxnB0-9'\"$&.,;:()<>=!/*+|é_ \n\\\\]{0,24}") {
            agrees(&text)?;
        }

        #[test]
        fn tokens_are_the_scanners_in_statements(
            words in proptest::collection::vec(
                prop::sample::select(vec![
                    "SELECT", "a", "\"q\"", "1", "1.5", "'s'", "'it''s'", "$1", "=", "<", ">=", "<>", "!=", "-", "--", "/*",
                    "*/", "(", ")", ",", ";", ".", "::", ":=", "E", "u&", "x", "n", "\n", " ", " ", " ", "é", "99999999999",
                    "2147483648", "$$", "0x1", "1e", "_", "+", "@",
                ]),
                0..12,
            )
        ) {
            agrees(&words.concat())?;
        }
    }
}
