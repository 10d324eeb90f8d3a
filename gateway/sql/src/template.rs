//! Recognises texts that differ only in constants, by their tokens: they parse to the same tree except for the constants,
//! so the analysis of one holds for all. The gate decides which analyses to share.

use std::ops::Range;

use crate::tokens::{Kind, Token, tokens};

/// Longer texts are always parsed: scanning them first would not pay off.
const MAX_BYTES: usize = 4096;

/// Replaces a constant in a key. The scanner accepts this character only inside strings and quoted names.
const MARK: char = '\u{1}';

/// What a text has in common with those that differ from it only in constants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// The text with marks in place of constants.
    pub key: String,
    /// Where the constants stand in the text.
    pub constants: Vec<Range<usize>>,
    /// The end of the statement, as a byte offset.
    pub end: usize,
}

/// The template of a text with one SELECT, INSERT, UPDATE or DELETE whose constants cannot change what it reads, writes or
/// calls. `None` for every other text. Assumes standard_conforming_strings.
pub fn template(text: &str) -> Option<Template> {
    let has_constant = text
        .bytes()
        .any(|byte| byte.is_ascii_digit() || byte == b'\'');
    // A mark in the text would forge a key.
    if !has_constant || text.len() > MAX_BYTES || text.contains(MARK) {
        return None;
    }
    let tokens = tokens(text)?;
    let (tokens, end) = single_statement(&tokens, text)?;
    let is_indifferent = |token: &Token| !is_any(token, text, &TELLING);
    if !tokens.iter().all(is_indifferent) || !is_any(tokens.first()?, text, &STARTS) {
        return None;
    }
    let mut key = String::with_capacity(text.len() + 1);
    key.push(MARK);
    let mut copied = 0;
    let mut constants = Vec::new();
    for pair in tokens.windows(2) {
        let [before, token] = pair else { continue };
        let Some(kind) = constant(token).filter(|_| is_any(before, text, &BEFORE)) else {
            continue;
        };
        key.push_str(text.get(copied..token.range.start)?);
        key.push(MARK);
        key.push(kind);
        copied = token.range.end;
        constants.push(token.range.clone());
    }
    if copied == 0 {
        return None;
    }
    key.push_str(text.get(copied..)?);
    Some(Template {
        key,
        constants,
        end,
    })
}

/// Statements whose constants are only compared or stored.
const STARTS: [&str; 4] = ["select", "insert", "update", "delete"];

/// Keywords after which a number is a column (ORDER BY, GROUP BY, DISTINCT ON), a row count, or a choice of type (float).
const TELLING: [&str; 7] = [
    "order", "group", "distinct", "limit", "offset", "fetch", "float",
];

/// Comparison operators, parentheses and commas, after which any expression is allowed.
const BEFORE: [&str; 9] = ["=", "<", ">", "<=", ">=", "<>", "!=", "(", ","];

/// Whether the token is one of these keywords or operators. A quoted name is a token with its quotes.
fn is_any(token: &Token, text: &str, words: &[&str]) -> bool {
    let own = text.get(token.range.clone()).unwrap_or_default();
    words.iter().any(|word| own.eq_ignore_ascii_case(word))
}

/// The tokens of the only statement, and its end.
fn single_statement<'t>(tokens: &'t [Token], text: &str) -> Option<(&'t [Token], usize)> {
    let semicolon = tokens.iter().position(|token| is_any(token, text, &[";"]));
    match semicolon {
        None => Some((tokens, text.len())),
        Some(at) if at + 1 == tokens.len() => {
            Some((tokens.get(..at)?, tokens.get(at)?.range.start))
        }
        Some(_) => None,
    }
}

/// A letter for the kind of constant: the grammar distinguishes kinds, so the key must, too.
fn constant(token: &Token) -> Option<char> {
    match token.kind {
        Kind::Integer => Some('i'),
        Kind::Number => Some('f'),
        Kind::String => Some('s'),
        Kind::Word | Kind::Other => None,
    }
}

#[cfg(test)]
mod tests {
    use super::template;

    fn same(one: &str, other: &str) -> bool {
        match (template(one), template(other)) {
            (Some(one), Some(other)) => one.key == other.key,
            _ => false,
        }
    }

    #[test]
    fn constants_of_one_kind_share_a_template() {
        assert!(same(
            "SELECT a FROM t WHERE id = 1;",
            "SELECT a FROM t WHERE id = 22;"
        ));
        assert!(same(
            "SELECT a FROM t WHERE n = 'x'",
            "SELECT a FROM t WHERE n = 'it''s'"
        ));
        assert!(same(
            "INSERT INTO t VALUES (1, 'a')",
            "INSERT INTO t VALUES (2, 'b')"
        ));
    }

    #[test]
    fn other_differences_give_different_templates() {
        assert!(!same(
            "SELECT a FROM t WHERE id = 1",
            "SELECT a FROM t WHERE id = 1.5"
        ));
        assert!(!same(
            "SELECT a FROM t WHERE id = 1",
            "SELECT a FROM t WHERE id = '1'"
        ));
        assert!(!same(
            "SELECT a FROM t WHERE id = 1",
            "SELECT a FROM u WHERE id = 1"
        ));
        assert!(!same(
            "SELECT a FROM t WHERE id = 1",
            "SELECT a FROM t WHERE id = 1 OR true"
        ));
        assert!(!same(
            "SELECT \"a1\" FROM t WHERE id = 1",
            "SELECT \"a2\" FROM t WHERE id = 1"
        ));
    }

    #[test]
    fn texts_whose_constants_matter_have_no_template() {
        for text in [
            "SELECT a FROM t WHERE id = 1 LIMIT 5",
            "SELECT a, b FROM t WHERE id = 1 ORDER BY a, 2",
            "SELECT DISTINCT ON (1) a, b FROM t WHERE id = 1",
            "SELECT a::float(24) FROM t WHERE id = 1",
            "SELECT a FROM t WHERE id = 1; DROP TABLE t",
            "SET work_mem = 5",
            "SELECT a /* 1 */ FROM t WHERE id = 1",
            "SELECT a FROM t",
            "SELECT a FROM t WHERE n = '",
        ] {
            assert_eq!(template(text), None, "{text}");
        }
    }

    #[test]
    fn comments_and_strings_are_not_mistaken_for_sql() {
        let hidden = "SELECT a FROM t WHERE n = 'x''' AND id = 1";
        assert!(!same(
            hidden,
            "SELECT a FROM t WHERE n = 'x' OR '1' AND id = 1"
        ));
        assert!(!same(
            "SELECT a FROM t WHERE id = 1 -- 1\n AND b = 2",
            "SELECT a FROM t WHERE id = 1 -- 1 AND b = 2"
        ));
    }

    #[test]
    fn the_end_excludes_the_semicolon() {
        let found = template("DELETE FROM t WHERE id = 7 ;");
        assert_eq!(found.map(|found| found.end), Some(27));
    }
}
