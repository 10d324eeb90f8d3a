//! The position of a syntax error: the binding to the grammar returns only its message. If the word in the message occurs
//! several times and the right one cannot be determined, there is no position.

use pg_query::{Error, ParserOptions};

/// Longer texts are not parsed again to find the position.
const MAX_BYTES: usize = 64 << 10;

/// The position, in characters counted from 1, that the message refers to; 0 if unknown.
pub(crate) fn of(text: &str, message: &str, options: ParserOptions) -> u32 {
    let at = if message.ends_with("at end of input") {
        Some(text.len())
    } else {
        named(message).and_then(|word| place(text, word, options))
    };
    at.and_then(|at| text.get(..at))
        .and_then(|before| u32::try_from(before.chars().count() + 1).ok())
        .unwrap_or(0)
}

fn named(message: &str) -> Option<&str> {
    let (_, quoted) = message.split_once(" at or near \"")?;
    quoted.strip_suffix('"').filter(|word| !word.is_empty())
}

fn place(text: &str, word: &str, options: ParserOptions) -> Option<usize> {
    let mut places = text.match_indices(word).map(|(at, _)| at);
    let first = places.next()?;
    if places.next().is_none() {
        return Some(first);
    }
    if text.len() > MAX_BYTES {
        return None;
    }
    let tokens = pg_query::scan_tokens(text).ok()?;
    let starts: Vec<usize> = tokens
        .iter()
        .filter_map(|token| usize::try_from(token.start).ok())
        .filter(|at| text.get(*at..).is_some_and(|rest| rest.starts_with(word)))
        .collect();
    // The text before the error is a valid prefix; the text before each later occurrence of the word is not.
    let good = starts.partition_point(|at| may_go_on(text.get(..*at), options));
    starts.get(good.checked_sub(1)?).copied()
}

fn may_go_on(text: Option<&str>, options: ParserOptions) -> bool {
    match text.map(|text| pg_query::parse(text, options)) {
        Some(Ok(_)) => true,
        Some(Err(Error::Parse(message))) => message.ends_with("at end of input"),
        _ => false,
    }
}
