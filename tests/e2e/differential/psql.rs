//! psql: a long script of what people type, with verbose errors.

use anyhow::Result;
use gatewright_harness::{Psql, Version};

use super::{assert_same, both};

on_each_version!(psql_sees_no_difference, psql_describes_the_same_catalog);

const SCRIPT: &str = include_str!("statements.sql");

fn psql_sees_no_difference(version: Version) -> Result<()> {
    assert!(
        statements(SCRIPT) >= 60,
        "only {} statements",
        statements(SCRIPT)
    );
    let (direct, through) = both(version, "diff_psql", |dsn| {
        let mut session = Psql::new(dsn)?.version(version)?.session()?;
        Ok(without_process_ids(&session.run(SCRIPT)?))
    })?;
    assert!(
        direct.contains("division by zero") && direct.contains("end of the script"),
        "{direct}"
    );
    assert_same(&direct, &through);
    Ok(())
}

fn psql_describes_the_same_catalog(version: Version) -> Result<()> {
    let commands = [
        "\\d",
        "\\d+ item",
        "\\dt",
        "\\dT+",
        "\\df",
        "\\dn+",
        "\\du",
        "\\l",
        "\\dp item",
        "\\di+",
        "\\dx",
    ];
    let (direct, through) = both(version, "diff_catalog", |dsn| {
        let mut session = Psql::new(dsn)?.version(version)?.session()?;
        let mut text = session.run(
            "CREATE TABLE item (id int PRIMARY KEY, label text DEFAULT 'x' CHECK (label <> ''));",
        )?;
        for command in commands {
            text.push_str(&session.run(command)?);
            text.push('\n');
        }
        Ok(text)
    })?;
    assert!(direct.contains("item_pkey"), "{direct}");
    assert_same(&direct, &through);
    Ok(())
}

fn statements(script: &str) -> usize {
    script
        .lines()
        .filter(|line| !line.starts_with("--") && line.contains(';'))
        .count()
}

/// Removes process ids from notifications; they differ on each run.
fn without_process_ids(text: &str) -> String {
    let mut result = String::new();
    for line in text.lines() {
        match line.split_once(" PID ") {
            Some((before, after)) => {
                result.push_str(before);
                result.push_str(" PID n");
                result.push_str(
                    after.trim_start_matches(|character: char| character.is_ascii_digit()),
                );
            }
            None => result.push_str(line),
        }
        result.push('\n');
    }
    result
}
