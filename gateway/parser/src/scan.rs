//! PostgreSQL's tokens.

use prost::Message;

use crate::{Error, c};

/// A token of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    pub kind: TokenKind,
    pub start: usize,
    pub end: usize,
}

/// The kinds that callers tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// A comment of the form `/* ... */`.
    BlockComment,
    /// A comment that ends with the line.
    LineComment,
    /// A string without prefix, an escape string or a dollar-quoted string.
    String,
    /// A string whose prefix says how to read it: `U&'…'`, `B'…'` or `X'…'`.
    EncodedString,
    Integer,
    /// A number that is not an integer, or too large for one.
    Number,
    Other,
}

/// The tokens of a text, comments included. Assumes standard_conforming_strings.
///
/// # Errors
/// The text is not valid, such as an unterminated string.
pub fn scan(text: &str) -> Result<Vec<Token>, Error> {
    let bytes = c::scan(text)?;
    let result = ScanResult::decode(bytes.as_slice()).map_err(|_| Error::Unreadable)?;
    let offset = |position: i32| usize::try_from(position).map_err(|_| Error::Unreadable);
    let tokens = result.tokens.into_iter().map(|token| {
        Ok(Token {
            kind: kind(token.token),
            start: offset(token.start)?,
            end: offset(token.end)?,
        })
    });
    tokens.collect()
}

/// The numbers that bison gave to the tokens in the grammar of PostgreSQL 18 (enum Token in libpg_query's pg_query.proto).
fn kind(token: i32) -> TokenKind {
    match token {
        260 => TokenKind::Number,
        261 => TokenKind::String,
        262..=264 => TokenKind::EncodedString,
        266 => TokenKind::Integer,
        275 => TokenKind::LineComment,
        276 => TokenKind::BlockComment,
        _ => TokenKind::Other,
    }
}

#[derive(Clone, PartialEq, Message)]
struct ScanResult {
    #[prost(message, repeated, tag = "2")]
    tokens: Vec<ScanToken>,
}

#[derive(Clone, PartialEq, Message)]
struct ScanToken {
    #[prost(int32, tag = "1")]
    start: i32,
    #[prost(int32, tag = "2")]
    end: i32,
    #[prost(int32, tag = "4")]
    token: i32,
}
