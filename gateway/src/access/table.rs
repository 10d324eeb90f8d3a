//! What an access grant is for: tables, and what may be done to them.

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
    /// `delete, update on public.orders`; names as they are stored, without quotes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verbs: Vec<_> = self.verbs.names().collect();
        let name = self.name.as_deref().unwrap_or("*");
        write!(f, "{} on {}.{name}", verbs.join(", "), self.schema)
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
    }
}
