//! A statement of the client's that the server runs, or plans, and that is undone before people are asked about it.

use std::rc::Rc;

use gatewright_wire::DecodeError;
use gatewright_wire::backend::DataRow;

use crate::recording::RehearsalRecord;
use crate::session::doors::to_server::KeptBind;
use crate::session::effect::{RehearsalWay, Rehearsed, Seen};
use crate::session::judge::{Field, Judge};
use crate::session::state::name::Name;
use crate::session::state::names::Portal;
use crate::session::state::returned::Returned;

/// SQLSTATE of a lock that was not free in time (PostgreSQL, Appendix A).
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// SQLSTATE of a statement that was cancelled, here because it took too long.
const QUERY_CANCELED: &str = "57014";

/// How often it is undone at most: a cancel request can come in between.
const ATTEMPTS: u8 = 3;

/// Commands that come before the statement: the transaction or savepoint begins, and the two timeouts are set.
const BEFORE: usize = 3;

/// What is known of the effect of the message in hand.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::session) enum Effect {
    #[default]
    NotAsked,
    /// A rehearsal is under way.
    Asked,
    Told(Rehearsed),
}

/// A rehearsal that is under way: the server owes two ReadyForQuery.
pub(in crate::session) struct Rehearsing<J: Judge> {
    pub way: RehearsalWay,
    /// It began a transaction. Otherwise it has a savepoint in the client's.
    pub own_transaction: bool,
    /// It was certain how the server reads texts.
    pub certain: bool,
    /// What the end of its own transaction closes, and has to be bound again.
    pub rebound: Option<Rebound<J>>,
    /// The rows that it returns, if people are to see them.
    pub returned: Option<Returned>,
    /// Where its end is recorded.
    pub record: RehearsalRecord,
    /// Of the error with which it failed.
    pub sqlstate: Option<String>,
    undoing: Option<u8>,
    completed: usize,
    shown: Option<Rehearsed>,
    plan: Vec<u8>,
}

/// A portal, and the Bind that makes it.
pub(in crate::session) struct Rebound<J: Judge> {
    pub name: Name,
    pub portal: Rc<Portal<J>>,
    pub bind: Rc<KeptBind>,
}

/// What comes after a ReadyForQuery.
pub(in crate::session) enum Next {
    Undo,
    Over(Rehearsed),
    /// The client's transaction is not what it was.
    Lost,
}

impl<J: Judge> Rehearsing<J> {
    pub fn new(
        way: RehearsalWay,
        own_transaction: bool,
        certain: bool,
        rebound: Option<Rebound<J>>,
        returned: Option<Returned>,
        record: RehearsalRecord,
    ) -> Self {
        Rehearsing {
            way,
            own_transaction,
            certain,
            rebound,
            returned,
            record,
            sqlstate: None,
            undoing: None,
            completed: 0,
            shown: None,
            plan: Vec::new(),
        }
    }

    /// A command ended. `changed`: how many rows it changed.
    pub fn completed(&mut self, changed: Option<u64>) {
        if self.is_statement() {
            self.shown = Some(match (self.way, changed) {
                (RehearsalWay::Run, Some(rows)) => Rehearsed::Changed {
                    rows,
                    seen: Seen::Unwanted,
                },
                (RehearsalWay::Run, None) => Rehearsed::Unknown {
                    why: "the server does not say how many rows it changes",
                },
                (RehearsalWay::Estimate, _) => estimated(&self.plan),
            });
        }
        self.completed += 1;
    }

    /// What the rows of the statement are.
    pub fn described(&mut self, fields: Vec<Field>) {
        if self.is_statement()
            && let Some(returned) = &mut self.returned
        {
            returned.fields = fields;
        }
    }

    /// A row of the statement: the plan, or one that it returns.
    pub fn row(&mut self, body: &[u8]) -> Result<(), DecodeError> {
        if !self.is_statement() {
            return Ok(());
        }
        match self.way {
            RehearsalWay::Estimate => {
                let row = DataRow::decode(body)?;
                let line = row.cells().next().transpose()?.flatten();
                self.plan.extend_from_slice(line.unwrap_or_default());
            }
            RehearsalWay::Run => {
                if let Some(returned) = &mut self.returned {
                    returned.row(body);
                }
            }
        }
        Ok(())
    }

    /// A row that is too long to be looked at.
    pub fn passed_over(&mut self) {
        if let Some(returned) = &mut self.returned {
            returned.passed_over();
        }
    }

    /// True while the server answers about the statement itself.
    fn is_statement(&self) -> bool {
        self.undoing.is_none() && self.completed == BEFORE
    }

    pub fn failed(&mut self, sqlstate: &str) {
        if self.undoing.is_some() {
            return;
        }
        self.sqlstate = Some(sqlstate.to_owned());
        self.shown = Some(match sqlstate {
            _ if self.completed < BEFORE => Rehearsed::Unknown {
                why: "the server did not let the gateway try it",
            },
            LOCK_NOT_AVAILABLE => Rehearsed::Unknown {
                why: "a lock that it needs was not free in time",
            },
            QUERY_CANCELED => Rehearsed::Unknown {
                why: "it took too long to be tried",
            },
            _ => Rehearsed::Failed {
                sqlstate: sqlstate.to_owned(),
            },
        });
    }

    /// ReadyForQuery.
    pub fn ready(&mut self, status: u8) -> Next {
        let before = if self.own_transaction { b'I' } else { b'T' };
        match self.undoing {
            None => {
                self.undoing = Some(1);
                Next::Undo
            }
            Some(_) if status == before => {
                Next::Over(self.shown.take().unwrap_or(Rehearsed::Unknown {
                    why: "the server did not say what it does",
                }))
            }
            Some(attempt) if attempt < ATTEMPTS => {
                self.undoing = Some(attempt + 1);
                Next::Undo
            }
            Some(_) => Next::Lost,
        }
    }
}

/// The rows in a plan of EXPLAIN (FORMAT JSON). What changes rows has no estimate of its own, so that of what it reads counts.
fn estimated(plan: &[u8]) -> Rehearsed {
    let rows = serde_json::from_slice::<serde_json::Value>(plan)
        .ok()
        .and_then(|plan| rows_of(plan.get(0)?.get("Plan")?));
    match rows {
        Some(rows) => Rehearsed::Estimated { rows },
        None => Rehearsed::Unknown {
            why: "the server's plan does not say how many rows there are",
        },
    }
}

fn rows_of(node: &serde_json::Value) -> Option<u64> {
    if node.get("Node Type")? != "ModifyTable" {
        return node.get("Plan Rows")?.as_u64();
    }
    let inner = node.get("Plans")?.as_array()?;
    // Those of an InitPlan are no rows that change.
    let reads = |node: &&serde_json::Value| {
        node.get("Parent Relationship")
            .is_none_or(|parent| parent == "Outer")
    };
    inner.iter().filter(reads).map(rows_of).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(plan: &str) -> Rehearsed {
        estimated(plan.as_bytes())
    }

    #[test]
    fn an_estimate_is_of_the_rows_that_change() {
        let select = r#"[{"Plan": {"Node Type": "Seq Scan", "Plan Rows": 850}}]"#;
        assert_eq!(estimate(select), Rehearsed::Estimated { rows: 850 });
        let delete = r#"[{"Plan": {"Node Type": "ModifyTable", "Operation": "Delete", "Plan Rows": 0, "Plans": [
            {"Node Type": "Result", "Parent Relationship": "InitPlan", "Plan Rows": 7},
            {"Node Type": "Seq Scan", "Parent Relationship": "Outer", "Plan Rows": 12}]}}]"#;
        assert_eq!(estimate(delete), Rehearsed::Estimated { rows: 12 });
        for unclear in [
            "",
            "[]",
            "{}",
            r#"[{"Plan": {"Node Type": "ModifyTable"}}]"#,
        ] {
            assert!(
                matches!(estimate(unclear), Rehearsed::Unknown { .. }),
                "{unclear}"
            );
        }
    }
}
