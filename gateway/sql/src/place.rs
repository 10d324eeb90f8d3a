//! Where the parts of a tree stand in the text: the parser tells where each begins, the tokens where it ends.

use std::ops::Range;

use gatewright_parser::{TokenKind, scan};

pub(crate) struct Places<'a> {
    text: &'a str,
    /// Without comments.
    tokens: Vec<Range<usize>>,
}

impl<'a> Places<'a> {
    /// `None`: the text is not valid.
    pub fn of(text: &'a str) -> Option<Self> {
        let tokens = scan(text).ok()?;
        let is_comment =
            |kind: TokenKind| matches!(kind, TokenKind::BlockComment | TokenKind::LineComment);
        let tokens = tokens.into_iter().filter(|token| !is_comment(token.kind));
        Some(Places {
            text,
            tokens: tokens.map(|token| token.start..token.end).collect(),
        })
    }

    /// The index of the token that begins at a node's location.
    pub fn token(&self, location: i32) -> Option<usize> {
        let start = usize::try_from(location).ok()?;
        self.tokens
            .binary_search_by_key(&start, |token| token.start)
            .ok()
    }

    pub fn range(&self, token: usize) -> Option<Range<usize>> {
        self.tokens.get(token).cloned()
    }

    /// The index of the first token at or after a place.
    pub fn next(&self, place: usize) -> usize {
        self.tokens.partition_point(|token| token.start < place)
    }

    /// Whether every parenthesis in the range is closed in it.
    pub fn is_balanced(&self, range: &Range<usize>) -> bool {
        let mut open = 0_usize;
        for token in self.next(range.start)..self.next(range.end) {
            if self.is(Some(token), "(") {
                open += 1;
            } else if self.is(Some(token), ")") {
                match open.checked_sub(1) {
                    Some(less) => open = less,
                    None => return false,
                }
            }
        }
        open == 0
    }

    /// The first token from here on that is this keyword and in no parentheses or brackets.
    pub fn find(&self, from: usize, keyword: &str) -> Option<usize> {
        let mut open = 0_usize;
        for token in from..self.tokens.len() {
            if self.is(Some(token), "(") || self.is(Some(token), "[") {
                open += 1;
            } else if self.is(Some(token), ")") || self.is(Some(token), "]") {
                open = open.checked_sub(1)?;
            } else if open == 0 && self.is(Some(token), keyword) {
                return Some(token);
            }
        }
        None
    }

    /// Whether the token is this keyword or operator.
    pub fn is(&self, token: Option<usize>, word: &str) -> bool {
        let range = token.and_then(|token| self.range(token));
        let own = range.and_then(|range| self.text.get(range));
        own.is_some_and(|own| own.eq_ignore_ascii_case(word))
    }

    /// The last token of a name of so many parts that begins with this token. `None` for one written with U&: it has more
    /// tokens than parts.
    pub fn end_of_name(&self, first: usize, parts: usize) -> Option<usize> {
        for part in 0..parts {
            let token = first + 2 * part;
            let own = self.text.get(self.range(token)?)?;
            if own.starts_with("U&") || own.starts_with("u&") {
                return None;
            }
            if part > 0 && !self.is(Some(token - 1), ".") {
                return None;
            }
        }
        first.checked_add(2 * parts.checked_sub(1)?)
    }
}
