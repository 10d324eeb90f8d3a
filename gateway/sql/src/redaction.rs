//! A text without its constants, to be shown where values must not be seen. It is made of the scanner's tokens, and only those are kept
//! that cannot be a value: names, keywords, operators, parameters.

use std::fmt::Write as _;

use gatewright_parser::{Token, TokenKind, scan};

/// Stands for a constant.
const HIDDEN: char = '?';

/// Keywords that are values. NULL is one, too, unless it is part of a test or a constraint.
const VALUES: [&str; 2] = ["true", "false"];

/// Before NULL: `IS NULL`, `IS NOT NULL`, `NOT NULL`.
const TESTS: [&str; 2] = ["is", "not"];

/// The text with `?` in place of every constant, without comments, and with one space or line break between tokens that had white space
/// or a comment between them. Quoted and dollar-quoted text, bodies of functions among it, counts as constants; quoted names do not.
/// `None` if the scanner does not accept the text. Assumes standard_conforming_strings.
pub fn redacted(text: &str) -> Option<String> {
    without_constants(text, &scan(text).ok()?, |shown| shown.push(HIDDEN))
}

/// The same with parameters in place of constants, numbered behind those that the text has. It can be read as SQL, where the grammar takes a
/// parameter.
pub fn redacted_as_parameters(text: &str) -> Option<String> {
    let tokens = scan(text).ok()?;
    let numbers = tokens.iter().filter_map(|token| {
        let own = text.get(token.start..token.end)?;
        own.strip_prefix('$')?.parse::<u64>().ok()
    });
    let mut number = numbers.max().unwrap_or_default();
    without_constants(text, &tokens, |shown| {
        number = number.saturating_add(1);
        // Writing to a string does not fail.
        let _ = write!(shown, "${number}");
    })
}

fn without_constants(
    text: &str,
    tokens: &[Token],
    mut hide: impl FnMut(&mut String),
) -> Option<String> {
    let mut shown = String::with_capacity(text.len());
    let mut end = 0;
    let mut before = "";
    for token in tokens {
        if matches!(token.kind, TokenKind::BlockComment | TokenKind::LineComment) {
            continue;
        }
        let gap = text.get(end..token.start)?;
        if !shown.is_empty() && !gap.is_empty() {
            shown.push(if gap.contains('\n') { '\n' } else { ' ' });
        }
        let own = text.get(token.start..token.end)?;
        match is_shown(token, own, before) {
            true => shown.push_str(own),
            false => hide(&mut shown),
        }
        end = token.end;
        before = own;
    }
    Some(shown)
}

fn is_shown(token: &Token, own: &str, before: &str) -> bool {
    let is = |words: &[&str], word: &str| words.iter().any(|one| one.eq_ignore_ascii_case(word));
    if token.kind != TokenKind::Other || is(&VALUES, own) {
        return false;
    }
    if own.eq_ignore_ascii_case("null") {
        return is(&TESTS, before);
    }
    // No name, keyword, operator or parameter looks like this, whatever kinds of constants the scanner may have.
    let mut characters = own.chars();
    let first = characters.next();
    let is_parameter = first == Some('$') && characters.all(|digit| digit.is_ascii_digit());
    let is_dollar_quoted = first == Some('$') && !is_parameter;
    let is_number = first.is_some_and(|first| first.is_ascii_digit());
    !(own.contains('\'') || is_dollar_quoted || is_number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_constant_is_hidden_and_names_stay() {
        for (text, shown) in [
            (
                "DELETE FROM orders WHERE email = 'ada@example.com' AND n IN (1, 2.5)",
                "DELETE FROM orders WHERE email = ? AND n IN (?, ?)",
            ),
            (
                "UPDATE \"t 1\" SET a = $1, b = E'x\\'y', c = U&'\\0041' UESCAPE '!', d = X'1F', e = b'101'",
                "UPDATE \"t 1\" SET a = $1, b = ?, c = ? UESCAPE ?, d = ?, e = ?",
            ),
            (
                "INSERT INTO t VALUES (-1, 1e5, 0x1F, 1_000, N'n', 'two'\n'parts', $$dollar$$, $a$b$a$)",
                "INSERT INTO t VALUES (-?, ?, ?, ?, N?, ?, ?, ?)",
            ),
            (
                "UPDATE t SET ill = TRUE, b = false, c = NULL WHERE d IS NOT NULL AND e IS NULL",
                "UPDATE t SET ill = ?, b = ?, c = ? WHERE d IS NOT NULL AND e IS NULL",
            ),
            (
                "SELECT/* 'ada' */1 -- ada\n, a ;  \n\n\t  SELECT data->>'key'",
                "SELECT ?\n, a ;\nSELECT data->>?",
            ),
            (
                "DO $body$ BEGIN DELETE FROM t WHERE name = 'ada'; END $body$",
                "DO ?",
            ),
            ("SELECT 'é', é, \"n'ame\" FROM t", "SELECT ?, é, ? FROM t"),
            ("-- nothing", ""),
        ] {
            assert_eq!(redacted(text).as_deref(), Some(shown), "{text}");
        }
    }

    #[test]
    fn constants_become_parameters_behind_those_that_are_there() {
        for (text, shown) in [
            (
                "SELECT * FROM t WHERE a = $2 AND b = 'ada' AND c IN (1, $1)",
                "SELECT * FROM t WHERE a = $2 AND b = $3 AND c IN ($4, $1)",
            ),
            ("SELECT data ? 'key'", "SELECT data ? $1"),
            ("SELECT $$a$$ || $1", "SELECT $2 || $1"),
        ] {
            let redacted = redacted_as_parameters(text);
            assert_eq!(redacted.as_deref(), Some(shown), "{text}");
        }
        assert_eq!(redacted_as_parameters("SELECT 'ada"), None);
    }

    #[test]
    fn a_text_that_cannot_be_read_is_not_shown() {
        for text in ["SELECT 'ada", "SELECT 1 /* ada", "SELECT \0", "SELECT $$a"] {
            assert_eq!(redacted(text), None, "{text}");
        }
    }

    proptest! {
        /// Whatever surrounds it and however it is written, a value does not get through.
        #[test]
        fn values_do_not_get_through(
            before in prop::sample::select(vec!["", "-", "(", "a = ", "a=", "ARRAY[", "x ", "::", "'", "''", "e", "$$", "/*"]),
            quote in prop::sample::select(vec![("'", "'"), ("E'", "'"), ("$$", "$$"), ("$q$", "$q$"), ("/*", "*/"), ("U&'", "'"), ("--", "\n")]),
            after in prop::sample::select(vec!["", ")", " OR 1=1", "''", "'x'", "\n'x'", "$$", "*/", "::text", " -- b"]),
        ) {
            let text = format!("SELECT {before}{}CANARY{}{after}", quote.0, quote.1);
            if let Some(shown) = redacted(&text) {
                // Between two strings, or behind a letter, it is a name.
                let is_name = scan(&text).is_ok_and(|tokens| tokens.iter().any(|token| {
                    let own = &text[token.start..token.end];
                    token.kind == TokenKind::Other && own.starts_with(char::is_alphabetic) && own.contains("CANARY")
                }));
                prop_assert!(is_name || !shown.contains("CANARY"), "{text:?}: {shown:?}");
            }
        }
    }
}
