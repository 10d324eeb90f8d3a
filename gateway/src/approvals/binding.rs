//! What an approval is for: a statement that differs in any of this needs an approval of its own.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Begins every digest, so that a later form of binding never equals one of this form.
const FORM: &str = "gatewright-approval-binding-1";

/// What an approval binds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// Who sent the statement.
    pub subject: String,
    pub issuer: String,
    /// The agent that acts for the subject, if the token names one.
    pub agent: Option<String>,
    /// As the client named it.
    pub database: String,
    /// The role on the server.
    pub role: String,
    /// The client's bytes of this one statement, in its encoding.
    pub statement: Vec<u8>,
    /// The bound parameters in their order; empty where the statement has none.
    pub parameters: Vec<Parameter>,
    /// The schemas in which names are looked up, in their order.
    pub search_path: Vec<String>,
    /// Settings that change how the statement is read, such as `standard_conforming_strings` and `client_encoding`, by name.
    pub settings: Vec<(String, String)>,
    /// Stands for the policies in force and their settings: equal for the same ones only.
    pub policies: String,
}

/// A bound parameter, decoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    /// The type's OID; 0 where the client left it open.
    pub type_oid: u32,
    pub value: ParameterValue,
}

/// A parameter's value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParameterValue {
    Null,
    /// In the type's text form, whatever the client's format was.
    Text(String),
    /// As sent, in hexadecimal digits: a value in a form that the gateway cannot decode.
    Undecoded(String),
}

impl Binding {
    /// The SHA-256 of all fields, in hexadecimal digits. Each field is preceded by its length, and each list by the number of
    /// its items, so that no two bindings give the same bytes.
    pub fn digest(&self) -> String {
        let mut bytes = Bytes::default();
        bytes.field(FORM);
        bytes.field(&self.subject);
        bytes.field(&self.issuer);
        bytes.option(self.agent.as_deref());
        bytes.field(&self.database);
        bytes.field(&self.role);
        bytes.field(&self.statement);
        bytes.count(self.parameters.len());
        for parameter in &self.parameters {
            bytes.field(parameter.type_oid.to_be_bytes());
            match &parameter.value {
                ParameterValue::Null => bytes.field("null"),
                ParameterValue::Text(text) => {
                    bytes.field("text");
                    bytes.field(text);
                }
                ParameterValue::Undecoded(digits) => {
                    bytes.field("undecoded");
                    bytes.field(digits);
                }
            }
        }
        bytes.count(self.search_path.len());
        self.search_path
            .iter()
            .for_each(|schema| bytes.field(schema));
        bytes.count(self.settings.len());
        for (name, value) in &self.settings {
            bytes.field(name);
            bytes.field(value);
        }
        bytes.field(&self.policies);
        hex::encode(bytes.0.finalize())
    }
}

#[derive(Default)]
struct Bytes(Sha256);

impl Bytes {
    fn count(&mut self, count: usize) {
        self.0.update((count as u64).to_be_bytes());
    }

    fn field(&mut self, field: impl AsRef<[u8]>) {
        let field = field.as_ref();
        self.count(field.len());
        self.0.update(field);
    }

    fn option(&mut self, field: Option<&str>) {
        self.count(usize::from(field.is_some()));
        self.field(field.unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binding() -> Binding {
        Binding {
            subject: "ada".into(),
            issuer: "https://id.example.com".into(),
            agent: None,
            database: "shop".into(),
            role: "writer".into(),
            statement: b"DELETE FROM orders WHERE id = $1".to_vec(),
            parameters: vec![Parameter {
                type_oid: 23,
                value: ParameterValue::Text("7".into()),
            }],
            search_path: vec!["public".into(), "audit".into()],
            settings: vec![("standard_conforming_strings".into(), "on".into())],
            policies: "p".into(),
        }
    }

    #[test]
    fn every_field_changes_the_digest() {
        let changes: [fn(&mut Binding); 18] = [
            |_| {},
            |b| b.subject = "eve".into(),
            |b| b.issuer.push('/'),
            |b| b.agent = Some(String::new()),
            |b| b.agent = Some("helper".into()),
            |b| b.database = "shop2".into(),
            |b| b.role = "owner".into(),
            |b| b.statement.push(b' '),
            |b| b.parameters[0].type_oid = 20,
            |b| b.parameters[0].value = ParameterValue::Text("8".into()),
            |b| b.parameters[0].value = ParameterValue::Undecoded("7".into()),
            |b| b.parameters[0].value = ParameterValue::Null,
            |b| b.parameters.clear(),
            |b| b.search_path.reverse(),
            |b| b.search_path = vec!["publicaudit".into()],
            |b| b.settings[0].1 = "off".into(),
            |b| b.settings.clear(),
            |b| b.policies = "q".into(),
        ];
        let digests = changes.map(|change| {
            let mut changed = binding();
            change(&mut changed);
            changed.digest()
        });
        let distinct: std::collections::BTreeSet<_> = digests.iter().collect();
        assert_eq!(distinct.len(), digests.len());
        assert_eq!(digests[0], binding().digest());
    }

    #[test]
    fn text_that_moves_between_fields_changes_the_digest() {
        let moved = |database: &str, role: &str| {
            let (database, role) = (database.to_owned(), role.to_owned());
            Binding {
                database,
                role,
                ..binding()
            }
            .digest()
        };
        assert_ne!(moved("ab", "c"), moved("a", "bc"));
        assert_ne!(moved("ab", ""), moved("", "ab"));
    }
}
