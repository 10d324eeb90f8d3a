//! Interprets column names. A name is weak evidence and counts only if the column's type can contain such data.

use gatewright_detectors::Kind;

/// What a name indicates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A kind of data that the detectors also find in values.
    Detected(Kind),
    /// A secret without a recognizable format, such as a password.
    Secret,
    PersonName,
    BirthDate,
    Address,
    /// Salary, income, balance.
    Money,
    /// Network addresses and device identifiers.
    Device,
    /// Health, religion, ethnic origin and other special categories (GDPR, Article 9).
    Special,
}

impl Meaning {
    pub fn name(self) -> &'static str {
        match self {
            Self::Detected(kind) => kind.name(),
            Self::Secret => "a secret",
            Self::PersonName => "a person's name",
            Self::BirthDate => "a date of birth",
            Self::Address => "an address",
            Self::Money => "an amount of money",
            Self::Device => "a device identifier",
            Self::Special => "a special category of personal data",
        }
    }
}

/// Words in names and what they indicate, most specific first. Of two words, both must occur.
const WORDS: [(&[&str], Meaning); 60] = [
    (&["private", "key"], Meaning::Detected(Kind::PrivateKey)),
    (&["access", "key"], Meaning::Detected(Kind::CloudKey)),
    (&["api", "key"], Meaning::Detected(Kind::CloudKey)),
    (&["apikey"], Meaning::Detected(Kind::CloudKey)),
    (&["secret"], Meaning::Secret),
    (&["password"], Meaning::Secret),
    (&["passwd"], Meaning::Secret),
    (&["pwd"], Meaning::Secret),
    (&["passphrase"], Meaning::Secret),
    (&["otp"], Meaning::Secret),
    (&["totp"], Meaning::Secret),
    (&["token"], Meaning::Secret),
    (&["jwt"], Meaning::Detected(Kind::Jwt)),
    (&["email"], Meaning::Detected(Kind::Email)),
    (&["mail"], Meaning::Detected(Kind::Email)),
    (&["emails"], Meaning::Detected(Kind::Email)),
    (&["phone"], Meaning::Detected(Kind::Phone)),
    (&["telephone"], Meaning::Detected(Kind::Phone)),
    (&["mobile"], Meaning::Detected(Kind::Phone)),
    (&["fax"], Meaning::Detected(Kind::Phone)),
    (&["msisdn"], Meaning::Detected(Kind::Phone)),
    (&["card", "number"], Meaning::Detected(Kind::Card)),
    (&["credit", "card"], Meaning::Detected(Kind::Card)),
    (&["creditcard"], Meaning::Detected(Kind::Card)),
    (&["pan"], Meaning::Detected(Kind::Card)),
    (&["cvv"], Meaning::Secret),
    (&["cvc"], Meaning::Secret),
    (&["iban"], Meaning::Detected(Kind::Iban)),
    (&["bank", "account"], Meaning::Detected(Kind::Iban)),
    (&["ssn"], Meaning::Detected(Kind::NationalId)),
    (&["passport"], Meaning::Detected(Kind::NationalId)),
    (&["national", "id"], Meaning::Detected(Kind::NationalId)),
    (&["tax", "id"], Meaning::Detected(Kind::NationalId)),
    (&["nino"], Meaning::Detected(Kind::NationalId)),
    (&["cpf"], Meaning::Detected(Kind::NationalId)),
    (&["aadhaar"], Meaning::Detected(Kind::NationalId)),
    (&["driver", "license"], Meaning::Detected(Kind::NationalId)),
    (&["birth"], Meaning::BirthDate),
    (&["birthdate"], Meaning::BirthDate),
    (&["birthday"], Meaning::BirthDate),
    (&["dob"], Meaning::BirthDate),
    (&["born"], Meaning::BirthDate),
    (&["first", "name"], Meaning::PersonName),
    (&["last", "name"], Meaning::PersonName),
    (&["full", "name"], Meaning::PersonName),
    (&["firstname"], Meaning::PersonName),
    (&["lastname"], Meaning::PersonName),
    (&["fullname"], Meaning::PersonName),
    (&["surname"], Meaning::PersonName),
    (&["street"], Meaning::Address),
    (&["address"], Meaning::Address),
    (&["salary"], Meaning::Money),
    (&["income"], Meaning::Money),
    (&["wage"], Meaning::Money),
    (&["ip", "address"], Meaning::Device),
    (&["imei"], Meaning::Device),
    (&["diagnosis"], Meaning::Special),
    (&["religion"], Meaning::Special),
    (&["ethnicity"], Meaning::Special),
    (&["disability"], Meaning::Special),
];

/// What the column's name indicates, or else its comment.
pub(super) fn meaning(name: &str, comment: &str) -> Option<Meaning> {
    let of = |text: &str| {
        let words = words(text);
        // Pairs take precedence: `ip_address` is not a postal address.
        let pairs = WORDS.iter().filter(|(wanted, _)| wanted.len() == 2);
        let singles = WORDS.iter().filter(|(wanted, _)| wanted.len() == 1);
        pairs
            .chain(singles)
            .find(|(wanted, _)| {
                wanted
                    .iter()
                    .all(|word| words.iter().any(|own| own == word))
            })
            .map(|(_, meaning)| *meaning)
    };
    of(name).or_else(|| of(comment))
}

/// Splits a name into lower-case words: `homePhone_2` yields `home` and `phone`.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut lower = false;
    for letter in text.chars() {
        if !letter.is_alphabetic() {
            words.push(String::new());
            lower = false;
            continue;
        }
        if letter.is_uppercase() && lower {
            words.push(String::new());
        }
        lower = letter.is_lowercase();
        if let Some(word) = words.last_mut() {
            word.extend(letter.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_into_words() {
        for (name, expected) in [
            ("email", Some("email")),
            ("customerEmail", Some("email")),
            ("HOME_PHONE_2", Some("phone")),
            ("credit_card", Some("card")),
            ("ip_address", Some("a device identifier")),
            ("billing_address", Some("an address")),
            ("password_hash", Some("a secret")),
            ("emailed_at", None),
            ("company", None),
            ("discard", None),
            ("panel", None),
        ] {
            assert_eq!(meaning(name, "").map(Meaning::name), expected, "{name}");
        }
        assert_eq!(
            meaning("c7", "the e-mail address: email").map(Meaning::name),
            Some("email")
        );
    }
}
