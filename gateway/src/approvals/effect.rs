//! The effect of a statement, as reviewers see it before they decide.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What is known of a statement's effect before it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    pub found: EffectFound,
    /// Why no more is known, where the policy wants more.
    pub limited: Option<String>,
    /// The approval holds for this effect only: a statement that has another is undone.
    pub bound: bool,
}

/// How it was found, and what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "by")]
pub enum EffectFound {
    /// The server estimates the rows (EXPLAIN).
    Estimate {
        rows: u64,
    },
    /// It ran, changed these rows, and was rolled back.
    Preview {
        rows: u64,
    },
    /// It ran, and failed with this SQLSTATE.
    Failure {
        sqlstate: String,
    },
    Nothing,
}

impl Effect {
    /// The SHA-256 of all of it, in hexadecimal. A decision names it, so that nobody approves an effect that they have not seen.
    pub fn digest(&self) -> String {
        let json = serde_json::to_vec(self).unwrap_or_default();
        hex::encode(Sha256::digest(json))
    }

    /// How many rows, in words.
    pub fn in_words(&self) -> String {
        let found = match &self.found {
            EffectFound::Estimate { rows } => format!("about {rows}, as the server estimates"),
            EffectFound::Preview { rows } => {
                format!("{rows}, counted in a run that was rolled back")
            }
            EffectFound::Failure { sqlstate } => {
                format!("none: it failed with SQLSTATE {sqlstate} in a run that was rolled back")
            }
            EffectFound::Nothing => "not known".to_owned(),
        };
        let limited = self.limited.iter().map(|why| format!("; {why}"));
        let bound = self
            .bound
            .then_some("; an approval holds for this number only");
        let more: String = limited.chain(bound.map(str::to_owned)).collect();
        format!("{found}{more}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_effect_is_told_in_words_and_has_a_digest() {
        let effect = Effect {
            found: EffectFound::Preview { rows: 3 },
            limited: None,
            bound: true,
        };
        assert_eq!(
            effect.in_words(),
            "3, counted in a run that was rolled back; an approval holds for this number only"
        );
        let other = Effect {
            found: EffectFound::Preview { rows: 4 },
            ..effect.clone()
        };
        assert_ne!(effect.digest(), other.digest());
        assert_eq!(effect.digest().len(), 64);
        let none = Effect {
            found: EffectFound::Nothing,
            limited: Some("it runs INSERT".to_owned()),
            bound: false,
        };
        assert_eq!(none.in_words(), "not known; it runs INSERT");
    }
}
