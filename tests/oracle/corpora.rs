//! The statements of tests/evasion.

use anyhow::Result;
use gatewright_harness::locate::workspace;
use gatewright_harness::{Dsn, Postgres, PostgresSettings, Psql, Version};
use gatewright_sql::{Catalog, Settings, Verb, analyze, on_big_stack};

use crate::counts::Counts;
use crate::server::Server;
use crate::{Case, judge, report};

#[tokio::test]
async fn the_corpora_are_read_as_the_server_reads_them() -> Result<()> {
    for version in crate::versions()? {
        let (_postgres, database) = stage(version)?;
        let server = Server::connect(&database).await?;
        let mut counts = Counts::default();
        let failures = judge(&server, cases()?, &mut counts).await?;
        report(&format!("{version:?}"), &counts, &failures)?;
    }
    Ok(())
}

/// A server with the database of the corpora.
pub fn stage(version: Version) -> Result<(Postgres, Dsn)> {
    let settings = PostgresSettings::default()
        .version(version)
        .set("log_statement", "none");
    let postgres = Postgres::start_with(&settings)?;
    let database = postgres.create_database("corpora")?;
    let schema = workspace().join("tests/evasion/schema.sql");
    Psql::new(&database)?.query(&std::fs::read_to_string(schema)?)?;
    Ok((postgres, database))
}

/// The statements of both corpora.
pub fn cases() -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for part in ["attacks", "harmless"] {
        for file in std::fs::read_dir(workspace().join("tests/evasion").join(part))? {
            let file = file?.path();
            let class = file.file_stem().unwrap_or_default().to_string_lossy();
            cases.extend(statements(&class, &std::fs::read_to_string(&file)?));
        }
    }
    Ok(cases)
}

/// The statements of a corpus file that read or change rows.
fn statements(class: &str, text: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    let (mut entry, mut guess, mut sql) = (String::new(), String::new(), String::new());
    for line in text.lines().chain(["--#"]) {
        let Some(comment) = line.strip_prefix("--") else {
            sql += line;
            sql.push('\n');
            continue;
        };
        let (mark, rest) = comment.split_at(comment.len().min(1));
        if let ("!", Some(right)) = (mark, rest.trim().strip_prefix("guess")) {
            right
                .split(" | ")
                .next()
                .unwrap_or_default()
                .trim()
                .clone_into(&mut guess);
        }
        if sql.trim().is_empty() || !matches!(mark, "#" | "" | "!" | "&") {
            if mark == "#" {
                rest.trim().clone_into(&mut entry);
            }
            continue;
        }
        for text in split(&std::mem::take(&mut sql).replace("{guess}", &guess)) {
            cases.push(Case {
                name: format!("{class}/{entry}"),
                text,
            });
        }
        if mark == "#" {
            rest.trim().clone_into(&mut entry);
        }
    }
    cases
}

/// The single statements of a text that a function's body can contain.
pub fn split(text: &str) -> Vec<String> {
    let analysis = on_big_stack(|| analyze(text, &Catalog::default(), &Settings::default()));
    let Some(Ok(analysis)) = analysis else {
        return Vec::new();
    };
    let changes = |verb| {
        matches!(
            verb,
            Verb::Select | Verb::Insert | Verb::Update | Verb::Delete | Verb::Merge
        )
    };
    let own = analysis
        .statements
        .iter()
        .filter(|statement| changes(statement.facts.verb));
    own.filter_map(|statement| {
        text.get(statement.span.clone())
            .map(|own| own.trim().to_owned())
    })
    .collect()
}
