//! sqlcommenter comments: `/*key='value',other='value'*/` with URL-encoded values, for policies (`comment-tag`).
//! They are unverified claims of the client.

use gatewright_parser::{TokenKind, scan};

pub(crate) fn tag(text: &str, key: &str) -> Option<String> {
    let tokens = scan(text).ok()?;
    tokens
        .iter()
        .rev()
        .filter(|token| token.kind == TokenKind::BlockComment)
        .find_map(|token| {
            let body = text.get(token.start..token.end)?;
            let body = body.strip_prefix("/*")?.strip_suffix("*/")?;
            body.split(',').find_map(|pair| {
                let (name, value) = pair.split_once('=')?;
                let value = value.trim().strip_prefix('\'')?.strip_suffix('\'')?;
                (decode(name.trim())? == key).then(|| decode(value))?
            })
        })
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first == b'%' {
            let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = tail.get(2..)?;
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).ok()
}
