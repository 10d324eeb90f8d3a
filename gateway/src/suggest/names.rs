//! What names of columns say. A name is weak evidence: it needs a type that can hold such a thing.

use gatewright_detectors::Kind;

/// What a name is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// What detectors can find in the values, too.
    Found(Kind),
    /// A secret of no form: passwords, tokens, answers.
    Secret,
    PersonName,
    BirthDate,
    Address,
    /// Salary, income, balance.
    Money,
    /// Network addresses and device numbers.
    Device,
    /// Health, religion, ethnic origin and the like (GDPR, Article 9).
    Special,
}

impl Meaning {
    pub fn name(self) -> &'static str {
        match self {
            Self::Found(kind) => kind.name(),
            Self::Secret => "a secret",
            Self::PersonName => "a person's name",
            Self::BirthDate => "a date of birth",
            Self::Address => "an address",
            Self::Money => "somebody's money",
            Self::Device => "a device",
            Self::Special => "a special category of personal data",
        }
    }
}

/// Words of a name that mean something, most telling first. Two words must both be there.
const WORDS: [(&[&str], Meaning); 60] = [
    (&["private", "key"], Meaning::Found(Kind::PrivateKey)),
    (&["access", "key"], Meaning::Found(Kind::CloudKey)),
    (&["api", "key"], Meaning::Found(Kind::CloudKey)),
    (&["apikey"], Meaning::Found(Kind::CloudKey)),
    (&["secret"], Meaning::Secret),
    (&["password"], Meaning::Secret),
    (&["passwd"], Meaning::Secret),
    (&["pwd"], Meaning::Secret),
    (&["passphrase"], Meaning::Secret),
    (&["otp"], Meaning::Secret),
    (&["totp"], Meaning::Secret),
    (&["token"], Meaning::Secret),
    (&["jwt"], Meaning::Found(Kind::Jwt)),
    (&["email"], Meaning::Found(Kind::Email)),
    (&["mail"], Meaning::Found(Kind::Email)),
    (&["emails"], Meaning::Found(Kind::Email)),
    (&["phone"], Meaning::Found(Kind::Phone)),
    (&["telephone"], Meaning::Found(Kind::Phone)),
    (&["mobile"], Meaning::Found(Kind::Phone)),
    (&["fax"], Meaning::Found(Kind::Phone)),
    (&["msisdn"], Meaning::Found(Kind::Phone)),
    (&["card", "number"], Meaning::Found(Kind::Card)),
    (&["credit", "card"], Meaning::Found(Kind::Card)),
    (&["creditcard"], Meaning::Found(Kind::Card)),
    (&["pan"], Meaning::Found(Kind::Card)),
    (&["cvv"], Meaning::Secret),
    (&["cvc"], Meaning::Secret),
    (&["iban"], Meaning::Found(Kind::Iban)),
    (&["bank", "account"], Meaning::Found(Kind::Iban)),
    (&["ssn"], Meaning::Found(Kind::NationalId)),
    (&["passport"], Meaning::Found(Kind::NationalId)),
    (&["national", "id"], Meaning::Found(Kind::NationalId)),
    (&["tax", "id"], Meaning::Found(Kind::NationalId)),
    (&["nino"], Meaning::Found(Kind::NationalId)),
    (&["cpf"], Meaning::Found(Kind::NationalId)),
    (&["aadhaar"], Meaning::Found(Kind::NationalId)),
    (&["driver", "license"], Meaning::Found(Kind::NationalId)),
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

/// What the name, or else the comment, of a column says.
pub(super) fn meaning(name: &str, comment: &str) -> Option<Meaning> {
    let of = |text: &str| {
        let words = words(text);
        // An address of the network is no street.
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

/// `homePhone_2` is home, phone.
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
    fn words_are_told_apart_however_they_are_joined() {
        for (name, expected) in [
            ("email", Some("email")),
            ("customerEmail", Some("email")),
            ("HOME_PHONE_2", Some("phone")),
            ("credit_card", Some("card")),
            ("ip_address", Some("a device")),
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
