//! Scripts for psql, as single statements.

/// Statements that end the connection's transaction, change its role, or act outside the database.
const COMMANDS: [&str; 24] = [
    "begin",
    "start",
    "commit",
    "end",
    "rollback",
    "abort",
    "savepoint",
    "release",
    "prepare",
    "execute",
    "copy",
    "do",
    "call",
    "vacuum",
    "checkpoint",
    "explain",
    "analyze",
    "listen",
    "declare",
    "fetch",
    "move",
    "lock",
    "cluster",
    "reindex",
];

pub fn is_left_out(statement: &str) -> bool {
    let mut words = statement.split_whitespace();
    let first = words.next().unwrap_or_default().to_ascii_lowercase();
    let second = words.next().unwrap_or_default().to_ascii_lowercase();
    let outside = [
        "database",
        "tablespace",
        "system",
        "subscription",
        "role",
        "user",
        "session",
    ];
    COMMANDS.contains(&first.trim_end_matches(';'))
        || (first != "select" && outside.contains(&second.as_str()))
        || statement.contains("pg_sleep")
}

/// The query in a command that explains, copies, names or stores it; any other statement as it is.
pub fn query_of(statement: &str) -> &str {
    let words = statement.to_ascii_lowercase();
    let words = words.trim_start();
    let after = |mark: &str| {
        let at = statement.to_ascii_lowercase().find(mark)?;
        statement.get(at + mark.len()..)
    };
    let query = match words.split([' ', '(', '\n']).next() {
        Some("explain") => [
            "select", "with", "insert", "update", "delete", "merge", "values",
        ]
        .iter()
        .filter_map(|verb| words.find(verb))
        .min()
        .and_then(|at| statement.trim_start().get(at..)),
        Some("declare") => after(" for "),
        Some("prepare") => after(" as "),
        Some("copy")
            if words
                .trim_start_matches("copy")
                .trim_start()
                .starts_with('(') =>
        {
            let inner = after("(").and_then(|rest| rest.rsplit_once(')'));
            inner.map(|(query, _)| query)
        }
        Some("create") if words.contains(" as ") && is_of_a_query(words) => after(" as "),
        _ => None,
    };
    query.unwrap_or(statement)
}

fn is_of_a_query(create: &str) -> bool {
    let mut words = create.split_whitespace().skip(1);
    let kind = words.find(|word| {
        ![
            "or",
            "replace",
            "temp",
            "temporary",
            "unlogged",
            "recursive",
            "materialized",
        ]
        .contains(word)
    });
    matches!(kind, Some("view" | "table"))
}

/// The statements of a script, without psql's own commands and the data of COPY.
pub fn statements(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (statement, length) = first(rest);
        rest = rest.get(length..).unwrap_or_default();
        let words = statement.to_ascii_lowercase();
        if words.trim_start().starts_with("copy") && words.contains("from stdin") {
            rest = rest.split_once("\n\\.").map_or("", |(_, after)| after);
        }
        let statement = without_comment(statement);
        if !statement.is_empty() {
            found.push(statement.to_owned());
        }
    }
    found
}

/// Without white space and comments before it.
fn without_comment(statement: &str) -> &str {
    let mut rest = statement.trim();
    loop {
        let after = match (rest.strip_prefix("--"), rest.strip_prefix("/*")) {
            (Some(comment), _) => comment.split_once('\n').map_or("", |(_, after)| after),
            (_, Some(comment)) => comment.split_once("*/").map_or("", |(_, after)| after),
            _ => return rest,
        };
        rest = after.trim();
    }
}

/// The first statement and its length in the text, with what ends it.
fn first(text: &str) -> (&str, usize) {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (0, 0_usize);
    let mut begun = 0;
    while let Some(byte) = bytes.get(at) {
        let rest = &text[at..];
        match byte {
            b'-' if rest.starts_with("--") => at += rest.find('\n').unwrap_or(rest.len()),
            b'/' if rest.starts_with("/*") => {
                at += rest.find("*/").map_or(rest.len(), |end| end + 2)
            }
            b'\'' | b'"' => {
                at += quoted(rest, *byte, at > 0 && matches!(bytes[at - 1], b'e' | b'E'))
            }
            b'$' => at += dollars(rest),
            b'\\' if depth == 0 => {
                let end = rest.find('\n').unwrap_or(rest.len());
                return (&text[..at], at + end);
            }
            b'(' => (depth, at) = (depth + 1, at + 1),
            b')' => (depth, at) = (depth.saturating_sub(1), at + 1),
            b';' if depth == 0 && begun == 0 => return (&text[..at], at + 1),
            byte if byte.is_ascii_alphabetic() || *byte == b'_' => {
                let length = rest
                    .find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
                    .unwrap_or(rest.len());
                let word = rest[..length].to_ascii_lowercase();
                let atomic = rest[length..]
                    .trim_start()
                    .to_ascii_lowercase()
                    .starts_with("atomic");
                match word.as_str() {
                    "begin" if atomic => begun += 1,
                    "case" if begun > 0 => begun += 1,
                    "end" if begun > 0 => begun -= 1,
                    _ => {}
                }
                at += length;
            }
            _ => at += rest.chars().next().map_or(1, char::len_utf8),
        }
    }
    (text, text.len())
}

fn quoted(text: &str, quote: u8, escapes: bool) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' if escapes => at += 2,
            byte if *byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

/// A string between `$tag$`, or a lone `$`.
fn dollars(text: &str) -> usize {
    let Some(end) = text[1..].find('$').map(|end| end + 2) else {
        return 1;
    };
    let tag = &text[..end];
    let inner = &tag[1..tag.len() - 1];
    let named = inner
        .chars()
        .all(|letter| letter.is_alphanumeric() || letter == '_')
        && !inner.starts_with(|letter: char| letter.is_ascii_digit());
    if !named {
        return 1;
    }
    text[end..]
        .find(tag)
        .map_or(text.len(), |close| end + close + tag.len())
}

#[cfg(test)]
mod tests {
    use super::statements;

    #[test]
    fn a_script_is_split_at_its_semicolons() {
        let text = "\\set x 1\nSELECT ';', \"a;b\"; -- one;\nCREATE FUNCTION f() AS $x$ ; $x$;\nSELECT 1 \\gset\nCOPY t FROM stdin;\n1;2\n\\.\nSELECT E'\\';';\n\
                    CREATE FUNCTION g() BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; END;";
        let found = statements(text);
        assert_eq!(
            found,
            [
                "SELECT ';', \"a;b\"",
                "CREATE FUNCTION f() AS $x$ ; $x$",
                "SELECT 1",
                "COPY t FROM stdin",
                "SELECT E'\\';'",
                "CREATE FUNCTION g() BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; END"
            ]
        );
    }
}
