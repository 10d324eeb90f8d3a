//! The schema, and the steps by which an older one becomes it. A step that was released never changes.

use super::{Dialect, StoreError, Transaction, Value};

/// In their order; the first makes version 1.
pub(super) const STEPS: &[Step] = &[
    Step::Same(include_str!("migrations/1.sql")),
    Step::Same(include_str!("migrations/2.sql")),
    Step::Same(include_str!("migrations/3.sql")),
    Step::Same(include_str!("migrations/4.sql")),
    Step::Same(include_str!("migrations/5.sql")),
    Step::Same(include_str!("migrations/6.sql")),
    Step::Each {
        sqlite: include_str!("migrations/7-sqlite.sql"),
        postgres: include_str!("migrations/7-postgres.sql"),
    },
];

/// Statements, separated by semicolons at the end of a line.
pub(super) enum Step {
    /// The same on both databases.
    Same(&'static str),
    Each {
        sqlite: &'static str,
        postgres: &'static str,
    },
}

impl Step {
    fn of(&self, dialect: Dialect) -> &'static str {
        match (self, dialect) {
            (Step::Same(statements), _) => statements,
            (Step::Each { sqlite, .. }, Dialect::Sqlite) => sqlite,
            (Step::Each { postgres, .. }, Dialect::Postgres) => postgres,
        }
    }
}

/// Runs the steps that the store has not seen.
pub(super) fn run(transaction: &mut dyn Transaction) -> Result<(), StoreError> {
    transaction.begin_migration()?;
    transaction.query(
        "CREATE TABLE IF NOT EXISTS migration (version BIGINT PRIMARY KEY, applied_at BIGINT NOT NULL)",
        &[],
    )?;
    let mut rows = transaction.query("SELECT COALESCE(MAX(version), 0) FROM migration", &[])?;
    let found = rows.first_mut().map_or(Ok(0), |row| row.integer())?;
    let known = i64::try_from(STEPS.len()).unwrap_or(i64::MAX);
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    for (version, step) in (1_i64..).zip(STEPS) {
        if version <= found {
            continue;
        }
        for statement in statements(step.of(transaction.dialect())) {
            transaction.query(statement, &[])?;
        }
        let now = transaction.now();
        transaction.query(
            "INSERT INTO migration (version, applied_at) VALUES ($1, $2)",
            &[Value::from(version), Value::from(now)],
        )?;
    }
    Ok(())
}

fn statements(step: &str) -> impl Iterator<Item = &str> {
    let statements = step.split(";\n").map(str::trim);
    statements.filter(|statement| !statement.is_empty())
}
