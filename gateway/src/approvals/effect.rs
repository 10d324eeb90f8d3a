//! The effect of a statement, as reviewers see it before they decide.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::rows::EffectRows;

/// What is known of a statement's effect before it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    pub found: EffectFound,
    /// Why no more is known, where the policy wants more.
    pub limited: Option<String>,
    /// The approval holds for this effect only: a statement that has another is undone.
    pub bound: bool,
    /// The first of the rows that it changes.
    #[serde(default)]
    pub rows: Option<EffectRows>,
    /// Why they are not shown.
    #[serde(default)]
    pub rows_hidden: Option<String>,
    /// By which the rows are compared that it changes when it runs; with a salt, which nobody is shown.
    #[serde(default)]
    pub rows_digest: Option<String>,
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
        let bound = self.bound.then_some(match self.rows_digest {
            Some(_) => "; an approval holds for these rows only",
            None => "; an approval holds for this number only",
        });
        let more: String = limited.chain(bound.map(str::to_owned)).collect();
        format!("{found}{more}")
    }

    /// What is to be said of the rows that are shown, and of those that are not.
    pub fn about_rows(&self) -> Option<String> {
        if let Some(why) = &self.rows_hidden {
            return Some(format!("The rows are not shown: {why}."));
        }
        let (EffectFound::Preview { rows: all }, Some(shown)) = (&self.found, &self.rows) else {
            return None;
        };
        Some(shown.about(*all))
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
            rows: None,
            rows_hidden: None,
            rows_digest: None,
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
        let of_rows = Effect {
            rows_digest: Some("00".to_owned()),
            ..effect.clone()
        };
        assert!(of_rows.in_words().ends_with("holds for these rows only"));
        assert_ne!(effect.digest(), of_rows.digest());
        let none = Effect {
            found: EffectFound::Nothing,
            limited: Some("it runs INSERT".to_owned()),
            bound: false,
            ..effect
        };
        assert_eq!(none.in_words(), "not known; it runs INSERT");
    }

    /// Requests that were stored before rows were shown.
    #[test]
    fn an_effect_without_rows_is_read() {
        let stored = r#"{"found": {"by": "preview", "rows": 2}, "limited": null, "bound": true}"#;
        let effect: Effect = serde_json::from_str(stored).expect("an effect");
        assert_eq!((effect.rows.is_none(), effect.about_rows()), (true, None));
    }
}
