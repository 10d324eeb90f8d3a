//! sqlcommenter comments: `/*key='value',other='value'*/` with URL-encoded values, for policies (`comment-tag`).
//! They are unverified claims of the client.

pub(crate) fn tag(text: &str, key: &str) -> Option<String> {
    let tokens = pg_query::scan_tokens(text).ok()?;
    tokens
        .iter()
        .rev()
        .filter(|token| token.token == pg_query::protobuf::Token::CComment as i32)
        .find_map(|token| {
            let range = usize::try_from(token.start).ok()?..usize::try_from(token.end).ok()?;
            let body = text.get(range)?.strip_prefix("/*")?.strip_suffix("*/")?;
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
