//! What an access grant is for: tables, and what may be done to them.

use std::borrow::Cow;
use std::fmt;

use gatewright_contract::{self as contract, Access};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

/// A table, or all tables of a schema, and what may be done to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantTable {
    pub schema: String,
    /// `None`: every relation of the schema.
    #[serde(default)]
    pub name: Option<String>,
    pub verbs: Verbs,
}

/// Verbs by their names in the policy contract. Functions are no tables, so `execute` is none of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Verbs(pub Access);

/// A word that is no verb.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the verbs are select, insert, update, delete, truncate, ddl and lock")]
pub struct UnknownVerb;

impl Verbs {
    /// The verbs of these names.
    ///
    /// # Errors
    /// One of them is no verb.
    pub fn from_names<S: AsRef<str>>(
        names: impl IntoIterator<Item = S>,
    ) -> Result<Self, UnknownVerb> {
        names
            .into_iter()
            .try_fold(Access::empty(), |all, name| {
                let name = name.as_ref();
                let flags = (Access::all() - Access::EXECUTE).iter();
                let verb = flags
                    .into_iter()
                    .find(|flag| flag.names().any(|known| known == name));
                Some(all | verb?)
            })
            .map(Verbs)
            .ok_or(UnknownVerb)
    }

    /// Their names, in the order of the contract.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        self.0.names()
    }
}

impl Serialize for Verbs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.names())
    }
}

impl<'de> Deserialize<'de> for Verbs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names = Vec::<String>::deserialize(deserializer)?;
        Self::from_names(names).map_err(de::Error::custom)
    }
}

impl From<GrantTable> for contract::GrantedTable {
    fn from(table: GrantTable) -> Self {
        contract::GrantedTable {
            schema: table.schema,
            name: table.name,
            verbs: table.verbs.0,
        }
    }
}

impl fmt::Display for GrantTable {
    /// `update, delete on public.orders`, with names quoted as SQL would need it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verbs: Vec<_> = self.verbs.names().collect();
        let name = self.name.as_deref().map_or_else(|| "*".into(), quoted);
        write!(f, "{} on {}.{name}", verbs.join(", "), quoted(&self.schema))
    }
}

/// A name as it is read again: what could be taken for something else is in double quotes.
fn quoted(name: &str) -> Cow<'_, str> {
    let is_plain = |character: char| matches!(character, 'a'..='z' | '0'..='9' | '_' | '$');
    match name.chars().all(is_plain) && !name.starts_with(|first: char| first.is_ascii_digit()) {
        true => Cow::Borrowed(name),
        false => Cow::Owned(format!("\"{}\"", name.replace('"', "\"\""))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_are_those_of_the_contract() {
        let verbs = Verbs::from_names(["update", "delete"]).expect("verbs");
        assert_eq!(verbs.0, Access::UPDATE | Access::DELETE);
        for wrong in ["execute", "DELETE", "", "drop"] {
            assert_eq!(Verbs::from_names([wrong]), Err(UnknownVerb), "{wrong}");
        }
    }

    #[test]
    fn a_table_reads_back() {
        let text = r#"{"schema":"public","name":"orders","verbs":["select","delete"]}"#;
        let table: GrantTable = serde_json::from_str(text).expect("a table");
        assert_eq!(serde_json::to_string(&table).expect("JSON"), text);
        assert_eq!(table.to_string(), "select, delete on public.orders");
        let all: GrantTable =
            serde_json::from_str(r#"{"schema":"public","verbs":["ddl"]}"#).expect("a schema");
        assert_eq!(all.to_string(), "ddl on public.*");
        let odd = GrantTable {
            schema: "public.orders".to_owned(),
            name: Some("a\"B".to_owned()),
            verbs: all.verbs,
        };
        assert_eq!(odd.to_string(), r#"ddl on "public.orders"."a""B""#);
    }
}
