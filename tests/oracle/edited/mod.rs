//! The edits of statements, against the server: it accepts an edited text, reads protected columns in masks only, gives the
//! result the same columns, and returns what the original returns where the tables hold the masks themselves.

mod constants;
mod corpora;
mod masked;
mod rows;
mod texts;
mod world;

pub use corpora::of_some_columns;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use anyhow::{Context, Result};
use gatewright_contract::Edit;
use gatewright_sql::{
    Catalog, EditContext, SearchPath, Settings, SubstituteError, Substituted, Template,
    analyze_along, on_big_stack, substitute,
};

use crate::Case;
use crate::carried::targets;
use crate::compare::queries;
use crate::server::{Server, Stored};

use masked::{Protected, unmasked};

/// What a run found.
#[derive(Debug, Default)]
pub struct Counts {
    pub statements: usize,
    /// The server does not accept the original.
    pub rejected: usize,
    /// They read nothing protected.
    pub untouched: usize,
    pub edited: usize,
    /// They cannot be edited, by reason.
    pub impossible: BTreeMap<String, usize>,
    /// They use the type or the names of a whole row, which is a record when edited.
    pub records: usize,
    /// Their rows were compared.
    pub compared: usize,
    /// Both texts fail alike.
    pub failing: usize,
    /// What they return depends on the plan.
    pub unstable: usize,
}

impl fmt::Display for Counts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{} statements, {} not accepted by the server, {} without edits, {} edited, {} of them need the type of a row; {} with the same rows, {} with the same error, {} that \
             depend on the plan; not edited: {:?}",
            self.statements,
            self.rejected,
            self.untouched,
            self.edited,
            self.records,
            self.compared,
            self.failing,
            self.unstable,
            self.impossible
        )
    }
}

/// The text with the edits applied; `None` if it has nothing to edit.
fn edited(
    text: &str,
    edits: &[Edit],
    catalog: &Catalog,
) -> Result<Option<String>, SubstituteError> {
    let substituted = substituted(text, edits, None, catalog)?;
    Ok(substituted.map(|substituted| substituted.text))
}

fn substituted(
    text: &str,
    edits: &[Edit],
    template: Option<&Template>,
    catalog: &Catalog,
) -> Result<Option<Substituted>, SubstituteError> {
    let settings = Settings::default();
    let path = SearchPath::of(&["public".into()], &[]);
    let analysis = analyze_along(text, catalog, path.as_ref(), &settings)?;
    let settle = |_: u32, text: &str| Some(text.to_owned());
    let context = EditContext {
        catalog,
        path: path.as_ref(),
        settings: &settings,
        settle: &settle,
    };
    substitute(text, &analysis, 0, edits, template, &context)
}

/// What an edit made of an accepted statement.
struct Edited {
    case: Case,
    stored: Stored,
    text: String,
}

/// An edited statement that the server reads as it should.
pub struct Done {
    pub case: Case,
    pub text: String,
    /// Whether it reads a whole row.
    pub row: bool,
}

/// Edits the statements, and has the server read both. Returns the disagreements, and the statements that were edited.
pub async fn judge(
    server: &Server,
    cases: Vec<Case>,
    edits: &[Edit],
    counts: &mut Counts,
) -> Result<(Vec<String>, Vec<Done>)> {
    let catalog = server.catalog();
    let protected = protected(server, &catalog, edits).await?;
    let mut accepted: Vec<(Case, Stored)> = Vec::new();
    for case in cases {
        counts.statements += 1;
        match server.analysed(&case.text).await? {
            Ok(stored) => accepted.push((case, stored)),
            Err(_) => counts.rejected += 1,
        }
    }
    let edit_all = || {
        let texts = accepted.iter().map(|(case, _)| &case.text);
        texts
            .map(|text| edited(text, edits, &catalog))
            .collect::<Vec<_>>()
    };
    let texts = on_big_stack(edit_all).context("editing panicked")?;
    let (mut failures, mut done) = (Vec::new(), Vec::new());
    for ((case, stored), text) in accepted.into_iter().zip(texts) {
        match text {
            Ok(None) => {
                counts.untouched += 1;
                for wrong in unmasked(&stored.tree, &protected) {
                    failures.push(format!("{}: {wrong}, not edited: {}", case.name, case.text));
                }
            }
            Err(reason) => {
                if std::env::var_os("GATEWRIGHT_ORACLE_SHOW").is_some() {
                    println!("{}: {reason}\n    {}", case.name, case.text);
                }
                *counts.impossible.entry(reason.to_string()).or_default() += 1;
            }
            Ok(Some(text)) => {
                counts.edited += 1;
                let one = Edited { case, stored, text };
                let (serious, other) = disagreements(server, &one, &protected).await?;
                let row = protected.is_row_read(&one.stored.tree);
                let wrong = [serious, if row { Vec::new() } else { other.clone() }].concat();
                if wrong.is_empty() && !other.is_empty() {
                    if std::env::var_os("GATEWRIGHT_ORACLE_SHOW").is_some() {
                        let other = other.join("; ");
                        println!("{}: {other}\n    {}", one.case.name, one.case.text);
                    }
                    counts.records += 1;
                } else if wrong.is_empty() {
                    done.push(Done {
                        case: one.case,
                        text: one.text,
                        row,
                    });
                } else {
                    let (case, text) = (&one.case, shortened(&one.text));
                    failures.push(format!(
                        "{}: {}\n    {}\n    {text}",
                        case.name,
                        wrong.join("; "),
                        case.text
                    ));
                }
            }
        }
    }
    Ok((failures, done))
}

/// How the server reads an edited text otherwise than it should: what it reads, and what comes out.
async fn disagreements(
    server: &Server,
    one: &Edited,
    protected: &Protected,
) -> Result<(Vec<String>, Vec<String>)> {
    let after = match server.analysed(&one.text).await? {
        Ok(stored) => stored,
        Err(message) => return Ok((Vec::new(), vec![format!("not accepted: {message}")])),
    };
    let (serious, mut wrong) = (unmasked(&after.tree, protected), Vec::new());
    let (old, new) = (names(&one.stored), names(&after));
    if old != new {
        wrong.push(format!("the columns {old:?} became {new:?}"));
        return Ok((serious, wrong));
    }
    let (before, after) = (
        server.columns(&one.case.text, old.len()).await?,
        server.columns(&one.text, new.len()).await?,
    );
    match (before, after) {
        // A view cannot have every result: then neither text can be stored in one.
        (before, after) if before == after => {}
        (Ok(before), Ok(after)) => {
            for (name, (before, after)) in old.iter().zip(before.iter().zip(after)) {
                if *before != after {
                    wrong.push(format!("{name} of type {before:?} became {after:?}"));
                }
            }
        }
        (before, after) => wrong.push(format!("as a view: {before:?} became {after:?}")),
    }
    Ok((serious, wrong))
}

/// An edited text with its derived tables left out.
fn shortened(text: &str) -> String {
    let mut parts = text.split("(SELECT gw.");
    let mut short = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        short.push_str("(# FROM ");
        short.push_str(part.split_once(" FROM ").map_or(part, |(_, rest)| rest));
    }
    short
}

fn names(stored: &Stored) -> Vec<String> {
    let queries = queries(&stored.tree);
    let entries = queries.iter().flat_map(|query| targets(query));
    entries
        .map(|entry| entry.field("resname").word().to_owned())
        .collect()
}

/// The columns that edits replace, wherever they show.
async fn protected(server: &Server, catalog: &Catalog, edits: &[Edit]) -> Result<Protected> {
    let columns = "SELECT attrelid, attnum FROM pg_attribute WHERE attrelid >= 16384 AND attnum > 0 AND NOT attisdropped";
    let mut found = BTreeSet::new();
    for row in server.rows(columns).await? {
        let [Some(oid), Some(number)] = row.as_slice() else {
            continue;
        };
        let (oid, number) = (oid.parse()?, number.parse()?);
        let carried = catalog.carried_by(oid, number).map(|(sources, _)| sources);
        let is_replaced = carried.into_iter().flatten().any(|source| {
            edits.iter().any(|edit| match edit {
                Edit::ReplaceColumn(replaced) => {
                    replaced.schema == source.schema
                        && replaced.table == source.table
                        && (replaced.column == source.column || source.column == "*")
                }
                _ => false,
            })
        });
        if is_replaced {
            found.insert((oid, number));
        }
    }
    let relations: BTreeSet<String> = found.iter().map(|column| column.0.to_string()).collect();
    let list = relations.into_iter().collect::<Vec<_>>().join(",");
    let types = format!("SELECT reltype FROM pg_class WHERE oid = ANY ('{{{list}}}')");
    let types = server.rows(&types).await?;
    let rows = types.iter().flatten().flatten().map(|oid| oid.parse());
    Ok(Protected {
        columns: found,
        rows: rows.collect::<Result<_, _>>()?,
    })
}

/// Prints what a run found; returns the disagreements as one text.
pub fn report(what: &str, counts: &Counts, failures: &[String]) -> Option<String> {
    println!("{what}: {counts}");
    let text = format!(
        "{what}: {} disagreements:\n{}",
        failures.len(),
        failures.join("\n")
    );
    (!failures.is_empty()).then_some(text)
}

pub fn conclude(reports: Vec<Option<String>>) -> Result<()> {
    let wrong: Vec<String> = reports.into_iter().flatten().collect();
    anyhow::ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}
