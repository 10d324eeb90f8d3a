//! What the record must not have of texts and values: passwords, and all values where literals are redacted.

use gatewright_sql::{
    WithoutPasswords, carries_password, redacted_as_parameters, without_passwords,
};
use sha2::{Digest, Sha256};

use crate::recording::{Judged, Literals, Parameter, Withheld, WithheldText};

/// A judgement as it is recorded. `standard_conforming_strings`: how the server reads the text.
pub(super) fn judgement(
    judged: Judged,
    literals: Literals,
    standard_conforming_strings: bool,
) -> Judged {
    match literals {
        Literals::Keep => without_passwords_in(judged, standard_conforming_strings),
        Literals::Redact => without_values_in(judged, standard_conforming_strings),
    }
}

/// True for a text that was recorded without the passwords in it.
pub(super) fn has_password(judged: &Judged) -> bool {
    match &judged.withheld {
        Some(Withheld::Passwords) => true,
        Some(Withheld::Text(text)) => text.sha256.is_none(),
        Some(Withheld::Constants) | None => false,
    }
}

fn without_passwords_in(mut judged: Judged, standard_conforming_strings: bool) -> Judged {
    let hide = |text: &str| without_passwords(text, standard_conforming_strings);
    let instead = judged.instead.as_deref().map(hide);
    match (
        hide(&judged.text),
        instead.unwrap_or(WithoutPasswords::Unchanged),
    ) {
        (WithoutPasswords::Unchanged, WithoutPasswords::Unchanged) => return judged,
        (WithoutPasswords::Unreadable, _) | (_, WithoutPasswords::Unreadable) => {
            let length = judged.text.len() as u64;
            let text = WithheldText {
                length,
                sha256: None,
            };
            return without_text(judged, text);
        }
        (text, instead) => {
            if let WithoutPasswords::Redacted(text) = text {
                judged.text = text;
            }
            if let WithoutPasswords::Redacted(text) = instead {
                judged.instead = Some(text);
            }
        }
    }
    // It may quote the text.
    judged.message = None;
    judged.withheld = Some(Withheld::Passwords);
    judged
}

fn without_values_in(mut judged: Judged, standard_conforming_strings: bool) -> Judged {
    judged.message = None;
    // Only with the setting on are the scanner's tokens the server's.
    let redact = |text: &str| match standard_conforming_strings || !text.contains('\\') {
        true => redacted_as_parameters(text),
        false => None,
    };
    let instead = judged.instead.as_deref().map(redact);
    match (redact(&judged.text), instead) {
        (Some(text), None) => judged.text = text,
        (Some(text), Some(Some(instead))) => {
            judged.text = text;
            judged.instead = Some(instead);
        }
        (None, _) | (_, Some(None)) => {
            let text = WithheldText {
                length: judged.text.len() as u64,
                sha256: Some(Sha256::digest(&judged.text).into()),
            };
            return without_text(judged, text);
        }
    }
    judged.withheld = Some(Withheld::Constants);
    judged
}

fn without_text(judged: Judged, text: WithheldText) -> Judged {
    Judged {
        text: String::new(),
        instead: None,
        message: None,
        withheld: Some(Withheld::Text(text)),
        ..judged
    }
}

/// A text of the gateway's own that has the client's in it.
pub(super) fn text(text: String, literals: Literals, standard_conforming_strings: bool) -> String {
    let judged = Judged {
        text,
        ..Judged::default()
    };
    judgement(judged, literals, standard_conforming_strings).text
}

/// A parameter as it is recorded.
pub(super) fn parameter(parameter: Parameter, literals: Literals) -> Parameter {
    let is_kept = match (&parameter.value, literals) {
        (None, _) => true,
        (Some(_), Literals::Redact) => false,
        (Some(value), Literals::Keep) => !carries_password(&String::from_utf8_lossy(value)),
    };
    match is_kept {
        true => parameter,
        false => Parameter {
            withheld: parameter.value.as_ref().map(|value| value.len() as u64),
            value: None,
            ..parameter
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(text: &str) -> Judged {
        Judged {
            text: text.to_owned(),
            message: Some(format!("syntax error in {text}")),
            ..Judged::default()
        }
    }

    #[test]
    fn constants_are_parameters_and_messages_are_not_recorded() {
        let recorded = judgement(judged("SELECT 'ada', $1"), Literals::Redact, true);
        assert_eq!(recorded.text, "SELECT $2, $1");
        assert_eq!(recorded.withheld, Some(Withheld::Constants));
        assert_eq!(recorded.message, None);
    }

    #[test]
    fn of_what_cannot_be_read_there_is_a_digest() {
        for (text, standard) in [("SELECT 'ada", true), (r"SELECT 'a\' ada'", false)] {
            let recorded = judgement(judged(text), Literals::Redact, standard);
            assert_eq!((recorded.text.as_str(), recorded.message), ("", None));
            let withheld = WithheldText {
                length: text.len() as u64,
                sha256: Some(Sha256::digest(text).into()),
            };
            assert_eq!(recorded.withheld, Some(Withheld::Text(withheld)));
        }
    }

    #[test]
    fn passwords_are_never_recorded() {
        let created = "CREATE ROLE a PASSWORD 'secret'";
        let recorded = judgement(judged(created), Literals::Keep, true);
        assert_eq!(recorded.text, "CREATE ROLE a PASSWORD '(password)'");
        assert_eq!(recorded.withheld, Some(Withheld::Passwords));
        assert_eq!(recorded.message, None);
        let broken = judgement(
            judged("CREATE ROLE a PASSWORD 'secret"),
            Literals::Keep,
            true,
        );
        let withheld = WithheldText {
            length: 30,
            sha256: None,
        };
        assert_eq!(broken.withheld, Some(Withheld::Text(withheld)));
        let plain = judgement(judged("SELECT 'ada'"), Literals::Keep, true);
        assert_eq!(plain, judged("SELECT 'ada'"));
    }

    #[test]
    fn parameters_are_kept_unless_they_must_not_be() {
        let of = |value: &str| Parameter {
            type_oid: 25,
            value: Some(value.as_bytes().to_vec()),
            ..Parameter::default()
        };
        assert_eq!(parameter(of("ada"), Literals::Keep), of("ada"));
        let withheld = Parameter {
            value: None,
            withheld: Some(3),
            ..of("")
        };
        assert_eq!(parameter(of("ada"), Literals::Redact), withheld);
        let dsn = parameter(of("host=h password=secret"), Literals::Keep);
        assert_eq!((dsn.value, dsn.withheld), (None, Some(22)));
        let null = Parameter::default();
        assert_eq!(parameter(null.clone(), Literals::Redact), null);
    }
}
