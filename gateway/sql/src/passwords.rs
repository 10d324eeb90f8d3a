//! A text without the passwords in it, to be stored. It is made of the scanner's tokens, so that it does not matter in which statement a
//! password stands, or whether the grammar accepts that statement.

use gatewright_parser::{Token, TokenKind, scan};

/// Stands for a constant with a password.
const HIDDEN: &str = "'(password)'";

/// What a text is without the passwords in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WithoutPasswords {
    /// There is none.
    Unchanged,
    Redacted(String),
    /// It speaks of a password, and its constants cannot be told apart.
    Unreadable,
}

/// Hides the constant behind PASSWORD, as in `ALTER ROLE … PASSWORD` and `OPTIONS (password …)`, and constants that carry a password
/// themselves: connection strings and URIs. Dollar-quoted text is read in the same way. `standard_conforming_strings`: how the server reads
/// the text.
pub fn without_passwords(text: &str, standard_conforming_strings: bool) -> WithoutPasswords {
    if !may_have_password(text) {
        return WithoutPasswords::Unchanged;
    }
    // Only with the setting on are the scanner's tokens the server's.
    let is_certain = standard_conforming_strings || !text.contains('\\');
    match scan(text).ok().filter(|_| is_certain) {
        None => WithoutPasswords::Unreadable,
        Some(tokens) => redacted(text, &tokens),
    }
}

/// True for a value that carries a password, such as a connection string.
pub fn carries_password(value: &str) -> bool {
    names_password(value) || has_login(value)
}

fn redacted(text: &str, tokens: &[Token]) -> WithoutPasswords {
    let mut shown = String::with_capacity(text.len());
    let mut end = 0;
    let mut is_redacted = false;
    let mut before = "";
    for token in tokens {
        let Some(own) = text.get(token.start..token.end) else {
            return WithoutPasswords::Unreadable;
        };
        let hidden = match token.kind {
            // `PASSWORD /* now */ 'secret'`; and a comment can carry one itself.
            TokenKind::BlockComment | TokenKind::LineComment if !carries_password(own) => continue,
            TokenKind::BlockComment | TokenKind::LineComment => Some(" ".to_owned()),
            TokenKind::String | TokenKind::EncodedString => hidden(own, before),
            TokenKind::Integer | TokenKind::Number | TokenKind::Other => None,
        };
        if let Some(hidden) = hidden {
            shown.push_str(text.get(end..token.start).unwrap_or_default());
            shown.push_str(&hidden);
            end = token.end;
            is_redacted = true;
        }
        before = own;
    }
    shown.push_str(text.get(end..).unwrap_or_default());
    match is_redacted {
        true => WithoutPasswords::Redacted(shown),
        false => WithoutPasswords::Unchanged,
    }
}

/// What stands for a string, if it must not be shown.
fn hidden(own: &str, before: &str) -> Option<String> {
    let is_name = before.trim_matches('"').eq_ignore_ascii_case("password");
    let prefix = before.get(..2);
    // How a name is spelled with escapes is not read.
    let is_escaped_name = prefix.is_some_and(|prefix| prefix.eq_ignore_ascii_case("u&"));
    if is_name || is_escaped_name {
        return Some(HIDDEN.to_owned());
    }
    if !carries_password(own) {
        return None;
    }
    dollar_quoted(own).or_else(|| Some(HIDDEN.to_owned()))
}

/// A body between dollar quotes, without the passwords in it.
fn dollar_quoted(own: &str) -> Option<String> {
    let (tag, _) = own.strip_prefix('$')?.split_once('$')?;
    let quote = format!("${tag}$");
    let body = own.strip_prefix(&quote)?.strip_suffix(&quote)?;
    match without_passwords(body, true) {
        WithoutPasswords::Redacted(body) => Some(format!("{quote}{body}{quote}")),
        WithoutPasswords::Unchanged | WithoutPasswords::Unreadable => None,
    }
}

fn may_have_password(text: &str) -> bool {
    has_ignoring_case(text, "password") || has_ignoring_case(text, "u&\"") || has_login(text)
}

/// `password = …` and `PASSWORD '…'`; the word alone does not.
fn names_password(value: &str) -> bool {
    find_ignoring_case(value, "password").any(|at| {
        let behind = value.get(at + "password".len()..).unwrap_or_default();
        let behind = behind.trim_start_matches(|c: char| c.is_whitespace() || c == '"');
        behind.starts_with(['=', '\'', '$', '%', ':', '|'])
    })
}

/// `scheme://user:password@host`.
fn has_login(value: &str) -> bool {
    value.split("://").skip(1).any(|rest| {
        let authority = rest.split(['/', '?', '#', ' ']).next();
        let login = authority.and_then(|authority| authority.rsplit_once('@'));
        login.is_some_and(|(login, _)| login.contains(':'))
    })
}

fn has_ignoring_case(text: &str, word: &str) -> bool {
    find_ignoring_case(text, word).next().is_some()
}

/// The first character of `word` is a lower-case letter.
fn find_ignoring_case<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let first = word.as_bytes().first().copied().unwrap_or_default();
    let starts = memchr::memchr2_iter(first, first.to_ascii_uppercase(), text.as_bytes());
    starts.filter(move |at| {
        let found = text.as_bytes().get(*at..*at + word.len());
        found.is_some_and(|found| found.eq_ignore_ascii_case(word.as_bytes()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_hidden_and_the_rest_stays() {
        for (text, shown) in [
            (
                "CREATE ROLE a LOGIN PASSWORD 'secret' VALID UNTIL '2027-01-01'",
                "CREATE ROLE a LOGIN PASSWORD '(password)' VALID UNTIL '2027-01-01'",
            ),
            (
                "alter user a with encrypted password /* now */ E'sec\\'ret'",
                "alter user a with encrypted password /* now */ '(password)'",
            ),
            (
                "ALTER USER MAPPING FOR a SERVER s OPTIONS (SET user 'u', SET \"password\" $x$secret$x$)",
                "ALTER USER MAPPING FOR a SERVER s OPTIONS (SET user 'u', SET \"password\" '(password)')",
            ),
            (
                "ALTER SERVER s OPTIONS (ADD U&\"p\\0061ssword\" 'secret')",
                "ALTER SERVER s OPTIONS (ADD U&\"p\\0061ssword\" '(password)')",
            ),
            (
                "SELECT * FROM dblink('host=h PassWord = secret', 'SELECT 1') AS t (n int)",
                "SELECT * FROM dblink('(password)', 'SELECT 1') AS t (n int)",
            ),
            (
                "SELECT dblink_connect('c', 'postgres://u:secret@h/d')",
                "SELECT dblink_connect('c', '(password)')",
            ),
            (
                "CREATE SUBSCRIPTION s CONNECTION 'host=h password=''secret''' PUBLICATION p",
                "CREATE SUBSCRIPTION s CONNECTION '(password)' PUBLICATION p",
            ),
            (
                "DO $$ BEGIN CREATE ROLE a PASSWORD 'secret'; PERFORM 1; END $$",
                "DO $$ BEGIN CREATE ROLE a PASSWORD '(password)'; PERFORM 1; END $$",
            ),
            ("SELECT 1 -- password=secret\n, 2", "SELECT 1  \n, 2"),
        ] {
            let expected = WithoutPasswords::Redacted(shown.to_owned());
            assert_eq!(without_passwords(text, true), expected, "{text}");
        }
    }

    #[test]
    fn what_has_no_password_stays() {
        for text in [
            "SELECT 1",
            "SELECT password, 'x' FROM users WHERE note = 'the password of ada'",
            "ALTER ROLE a PASSWORD NULL",
            "SELECT 'https://example.com/a:b@c'",
        ] {
            let unchanged = WithoutPasswords::Unchanged;
            assert_eq!(without_passwords(text, true), unchanged, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_told_apart_is_not_shown() {
        let unreadable = WithoutPasswords::Unreadable;
        for text in ["CREATE ROLE a PASSWORD 'secret", "SELECT 'postgres://u:p@h"] {
            assert_eq!(without_passwords(text, true), unreadable, "{text}");
        }
        let text = r"CREATE ROLE a PASSWORD 'a\' secret'";
        assert_eq!(without_passwords(text, false), unreadable);
        let plain = "CREATE ROLE a PASSWORD 'secret'";
        let hidden = WithoutPasswords::Redacted("CREATE ROLE a PASSWORD '(password)'".to_owned());
        assert_eq!(without_passwords(plain, false), hidden);
    }
}
