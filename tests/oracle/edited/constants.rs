//! Texts that share their edits because they differ only in constants: each constant is changed, and the edited text that
//! follows from the shared pattern must be the one that the changed text itself would become.

use anyhow::{Context, Result, ensure};
use gatewright_contract::Edit;
use gatewright_harness::{Postgres, PostgresSettings, Version, soak};
use gatewright_sql::{Catalog, on_big_stack, template};

use super::world::{CHOICES, create};
use super::{corpora, edited, substituted};
use crate::corpora::{cases, stage};
use crate::generate::{Style, statement};
use crate::server::Server;
use crate::templates::{changed, facts, shares};

#[tokio::test]
async fn edits_that_texts_share_are_their_own() -> Result<()> {
    let (_postgres, database) = stage(Version::Installed)?;
    let server = Server::connect(&database).await?;
    let texts = cases()?.into_iter().map(|case| case.text).collect();
    let edits = corpora::edits()?;
    check(texts, edits, &server.catalog(), 100)?;

    let settings = PostgresSettings::default().set("log_statement", "none");
    let postgres = Postgres::start_with(&settings)?;
    let server = Server::connect(&create(&postgres, "plain", None)?).await?;
    for (at, choice) in CHOICES.iter().enumerate() {
        let seeds = soak::seeds(at as u64 * 1_000, 300);
        let style = Style {
            modern: false,
            own_tables: true,
        };
        let texts = seeds.map(|seed| statement(seed, style)).collect();
        check(texts, choice.edits(), &server.catalog(), 0)?;
    }
    Ok(())
}

/// At least `enough` texts must share their edits.
fn check(texts: Vec<String>, edits: Vec<Edit>, catalog: &Catalog, enough: usize) -> Result<()> {
    let judge = || {
        let (mut shared, mut failures) = (0, Vec::new());
        for text in &texts {
            let compared = differences(text, &edits, catalog);
            shared += compared.0;
            failures.extend(compared.1);
        }
        (shared, failures)
    };
    let (shared, failures) = on_big_stack(judge).context("editing panicked")?;
    println!("{shared} changed texts share their edits");
    ensure!(shared >= enough, "only {shared} share their edits");
    crate::none_differ(&failures)
}

fn differences(text: &str, edits: &[Edit], catalog: &Catalog) -> (usize, Vec<String>) {
    let (mut shared, mut failures) = (0, Vec::new());
    let Some(own) = template(text) else {
        return (0, failures);
    };
    // As the gate shares them.
    if !facts(text, catalog).is_some_and(|facts| shares(&facts)) {
        return (0, failures);
    }
    let Ok(Some(done)) = substituted(text, edits, Some(&own), catalog) else {
        return (0, failures);
    };
    let Some(pattern) = done.pattern else {
        return (0, failures);
    };
    for changed in changed(text) {
        let Some(other) = template(&changed).filter(|other| other.key == own.key) else {
            continue;
        };
        shared += 1;
        let filled = pattern.fill(&changed, &other);
        let fresh = edited(&changed, edits, catalog);
        if fresh.as_ref().ok() != Some(&filled) {
            failures.push(format!("{changed}\n    {filled:?}\n    {fresh:?}"));
        }
    }
    (shared, failures)
}
