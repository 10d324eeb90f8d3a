//! Statements that are made to return the rows that they change.

use crate::{Catalog, Outputs, RelationKind, ReturnedRows, on_big_stack, returning};

use super::one_with;

fn catalog(version: u32) -> Catalog {
    let mut builder = Catalog::builder();
    builder
        .server_version(version)
        .relation(1, "public", "t", RelationKind::Table)
        .column(1, 1, "n", 23)
        .column(1, 2, "Name", 25);
    builder.build()
}

fn rows(text: &str, version: u32) -> Option<(String, ReturnedRows)> {
    let catalog = catalog(version);
    let found = on_big_stack(|| returning(text, true, &catalog)).expect("no panic");
    found.map(|found| (found.text, found.rows))
}

#[test]
fn a_statement_returns_its_rows_under_whatever_name_they_have() {
    for (text, returned) in [
        ("DELETE FROM t", "\"t\".*"),
        ("DELETE FROM public.t AS \"A b\" WHERE n = 1", "\"A b\".*"),
        ("DELETE FROM t WHERE n = 1 -- all", "\"t\".*"),
    ] {
        let expected = format!("{text}\nRETURNING {returned}");
        assert_eq!(rows(text, 18), Some((expected, ReturnedRows::Old)));
    }
    let update = "UPDATE t SET n = 2";
    let expected = format!("{update}\nRETURNING \"t\".*");
    assert_eq!(rows(update, 17), Some((expected, ReturnedRows::New)));
    let own = "DELETE FROM t RETURNING n";
    assert_eq!(rows(own, 18), Some((own.to_owned(), ReturnedRows::Own)));
    assert_eq!(rows("SELECT 1", 18), None);
    assert_eq!(rows("DELETE FROM t; DELETE FROM t", 18), None);
}

#[test]
fn what_it_returns_is_analysed_like_any_other_result() {
    let (text, which) = rows("UPDATE t SET n = 2 FROM t AS old", 18).expect("a form");
    assert_eq!(which, ReturnedRows::OldAndNew);
    let facts = one_with(&text, &catalog(18));
    let Outputs::Columns(outputs) = &facts.outputs else {
        panic!("{:?}", facts.outputs);
    };
    let sources = outputs.iter().map(|output| {
        let sources = output.sources.as_deref().expect("known");
        sources
            .iter()
            .map(|source| source.column.as_str())
            .collect()
    });
    let sources: Vec<Vec<&str>> = sources.collect();
    assert_eq!(sources, [["n"], ["Name"], ["n"], ["Name"]]);
    assert_eq!(facts.cannot_be_undone(), None);
}
