//! Texts and values as they are shown, wherever that is.

use gatewright_record::event::{Judged, Keep, Literals, Parameter, Withheld, WithheldText};

use crate::results::{Format, types};

/// The text of a statement as far as it is recorded.
pub fn text(judged: &Judged) -> String {
    match &judged.withheld {
        None | Some(Withheld::Constants | Withheld::Passwords) => judged.text.clone(),
        Some(Withheld::Text(WithheldText { length, sha256 })) => match sha256 {
            Some(sha256) => format!(
                "(a text of {length} bytes that is not recorded, SHA-256 {})",
                hex::encode(sha256)
            ),
            None => format!("(a text of {length} bytes with a password, which is not recorded)"),
        },
    }
}

/// The value of a parameter as text; `None` for NULL, and for one that is withheld.
pub fn parameter(parameter: &Parameter) -> Option<String> {
    let value = parameter.value.as_ref()?;
    Some(value_text(parameter.type_oid, parameter.format, value))
}

/// A value as text; of a binary one whose type is not known, its bytes in hexadecimal.
pub fn value_text(type_oid: u32, format: i16, value: &[u8]) -> String {
    if format == 0 {
        return String::from_utf8_lossy(value).into_owned();
    }
    let known = types::text_of(type_oid, Format::Binary, value);
    known.unwrap_or_else(|| format!("\\x{}", hex::encode(value)))
}

pub fn keep(keep: Keep) -> &'static str {
    match keep {
        Keep::Nothing => "nothing",
        Keep::Statements => "statements",
        Keep::Rows => "rows",
    }
}

/// The setting of a name in the index; what it does not know kept everything.
pub fn kept(name: &str) -> Keep {
    let all = [Keep::Nothing, Keep::Statements, Keep::Rows];
    let known = all.into_iter().find(|known| keep(*known) == name);
    known.unwrap_or_default()
}

/// As [`kept`].
pub fn literals_of(name: &str) -> Option<Literals> {
    let all = [Literals::Keep, Literals::Redact];
    all.into_iter().find(|known| literals(*known) == name)
}

pub fn literals(literals: Literals) -> &'static str {
    match literals {
        Literals::Keep => "keep",
        Literals::Redact => "redact",
    }
}
