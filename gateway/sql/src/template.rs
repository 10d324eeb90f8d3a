//! Recognises texts that differ only in constants, with PostgreSQL's scanner: they parse to the same tree except for the
//! constants, so the analysis of one holds for all. The gate decides which analyses to share.

use pg_query::protobuf::{ScanToken, Token};

/// Longer texts are always parsed: scanning them first would not pay off.
const MAX_BYTES: usize = 4096;

/// Replaces a constant in a key. The scanner accepts this character only inside strings and quoted names.
const MARK: char = '\u{1}';

/// What a text has in common with those that differ from it only in constants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// The text with marks in place of constants.
    pub key: String,
    /// The end of the statement, as a byte offset.
    pub end: usize,
}

/// The template of a text with one SELECT, INSERT, UPDATE or DELETE whose constants cannot change what it reads, writes or
/// calls. `None` for every other text. Assumes standard_conforming_strings.
pub fn template(text: &str) -> Option<Template> {
    let has_constant = text
        .bytes()
        .any(|byte| byte.is_ascii_digit() || byte == b'\'');
    // Comments nest, and the scanner is slow on deep ones. A mark in the text would forge a key.
    if !has_constant || text.len() > MAX_BYTES || text.contains("/*") || text.contains(MARK) {
        return None;
    }
    let tokens = pg_query::scan_tokens(text).ok()?;
    let (tokens, end) = single_statement(&tokens, text.len())?;
    if !tokens.iter().all(is_indifferent) || !starts_plainly(tokens) {
        return None;
    }
    let mut key = String::with_capacity(text.len() + 1);
    key.push(MARK);
    let mut copied = 0;
    for pair in tokens.windows(2) {
        let [before, token] = pair else { continue };
        let Some(kind) = constant(token, text).filter(|_| may_precede(before)) else {
            continue;
        };
        let (start, stop) = (offset(token.start)?, offset(token.end)?);
        key.push_str(text.get(copied..start)?);
        key.push(MARK);
        key.push(kind);
        copied = stop;
    }
    if copied == 0 {
        return None;
    }
    key.push_str(text.get(copied..)?);
    Some(Template { key, end })
}

fn offset(position: i32) -> Option<usize> {
    usize::try_from(position).ok()
}

fn is(token: &ScanToken, kind: Token) -> bool {
    token.token == kind as i32
}

/// The tokens of the only statement, and its end.
fn single_statement(tokens: &[ScanToken], length: usize) -> Option<(&[ScanToken], usize)> {
    let semicolon = tokens.iter().position(|token| is(token, Token::Ascii59));
    match semicolon {
        None => Some((tokens, length)),
        Some(at) if at + 1 == tokens.len() => Some((&tokens[..at], offset(tokens[at].start)?)),
        Some(_) => None,
    }
}

fn starts_plainly(tokens: &[ScanToken]) -> bool {
    let first = [Token::Select, Token::Insert, Token::Update, Token::DeleteP];
    tokens
        .first()
        .is_some_and(|token| first.iter().any(|kind| is(token, *kind)))
}

/// False for keywords after which a number is a column or a row count.
fn is_indifferent(token: &ScanToken) -> bool {
    let telling = [
        Token::Order,
        Token::GroupP,
        Token::Limit,
        Token::Offset,
        Token::Fetch,
    ];
    !telling.iter().any(|kind| is(token, *kind))
}

/// A letter for the kind of constant: the grammar distinguishes kinds, so the key must, too.
fn constant(token: &ScanToken, text: &str) -> Option<char> {
    if is(token, Token::Iconst) {
        Some('i')
    } else if is(token, Token::Fconst) {
        Some('f')
    } else if is(token, Token::Sconst) {
        // Escape strings and dollar quotes have rules of their own and stay in the key unchanged.
        let plain = text.as_bytes().get(offset(token.start)?) == Some(&b'\'');
        plain.then_some('s')
    } else {
        None
    }
}

/// True after comparison operators, parentheses and commas, where any expression is allowed.
fn may_precede(token: &ScanToken) -> bool {
    let kinds = [
        Token::Ascii61,
        Token::Ascii60,
        Token::Ascii62,
        Token::LessEquals,
        Token::GreaterEquals,
        Token::NotEquals,
        Token::Ascii40,
        Token::Ascii44,
    ];
    kinds.iter().any(|kind| is(token, *kind))
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
