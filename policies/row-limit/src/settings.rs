//! The settings of row-limit, and the limits made from them.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::Limit;

/// The policy's section of the configuration. README.md documents each key.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    rows: Option<u64>,
    bytes: Option<u64>,
    session_rows: Option<u64>,
    session_bytes: Option<u64>,
    timeout_ms: Option<u64>,
    exempt_groups: BTreeSet<String>,
}

/// The checked settings.
#[derive(Debug)]
pub struct Limits {
    pub rows: Limit,
    pub bytes: Limit,
    pub timeout_ms: Option<u64>,
    pub exempt_groups: BTreeSet<String>,
}

/// Applies when no limit is set.
const DEFAULT_ROWS: u64 = 10_000;

impl Settings {
    pub fn limits(self) -> Result<Limits, String> {
        let named = [
            ("rows", self.rows),
            ("bytes", self.bytes),
            ("session_rows", self.session_rows),
            ("session_bytes", self.session_bytes),
            ("timeout_ms", self.timeout_ms),
        ];
        if let Some((name, _)) = named.iter().find(|(_, value)| *value == Some(0)) {
            return Err(format!(
                "setting {name}: 0 would allow nothing; omit the setting for no limit"
            ));
        }
        let nothing = named.iter().all(|(_, value)| value.is_none());
        Ok(Limits {
            rows: Limit {
                statement: if nothing {
                    Some(DEFAULT_ROWS)
                } else {
                    self.rows
                },
                session: self.session_rows,
            },
            bytes: Limit {
                statement: self.bytes,
                session: self.session_bytes,
            },
            timeout_ms: self.timeout_ms,
            exempt_groups: self.exempt_groups,
        })
    }
}

impl Limits {
    pub fn counts_sessions(&self) -> bool {
        self.rows.session.is_some() || self.bytes.session.is_some()
    }
}
