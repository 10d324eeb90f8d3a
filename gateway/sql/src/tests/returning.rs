//! Statements that are made to return the rows that they change.

use crate::{Catalog, Outputs, RelationKind, ReturnedRows, Returning, on_big_stack, returning};

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
    let mut forms = forms(text, version).into_iter();
    forms.next().map(|found| (found.text, found.rows))
}

fn forms(text: &str, version: u32) -> Vec<Returning> {
    let catalog = catalog(version);
    on_big_stack(|| returning(text, true, &catalog)).expect("no panic")
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
    let last = forms(update, 17).pop().map(|form| (form.text, form.rows));
    assert_eq!(last, Some((expected, ReturnedRows::New)));
    let own = "DELETE FROM t RETURNING n";
    assert_eq!(rows(own, 18), Some((own.to_owned(), ReturnedRows::Own)));
    assert_eq!(rows("SELECT 1", 18), None);
    assert_eq!(rows("DELETE FROM t; DELETE FROM t", 18), None);
}

#[test]
fn an_update_is_joined_with_its_target_where_the_server_does_not_return_old_rows() {
    let source = |only: &str, table: &str| {
        format!(
            "(SELECT gatewright_before.tableoid AS gatewright_tableoid, gatewright_before.ctid AS gatewright_ctid, \
             gatewright_before AS gatewright_row FROM {only}{table} AS gatewright_before) AS gatewright_before\n\
             WHERE gatewright_before.gatewright_tableoid = "
        )
    };
    for (text, head, only, table, name, condition) in [
        (
            "UPDATE t SET n = 2",
            "UPDATE t SET n = 2\nFROM ",
            "",
            "t",
            "\"t\"",
            "",
        ),
        (
            "UPDATE ONLY public . t AS \"A b\" SET n = 2 -- all",
            "UPDATE ONLY public . t AS \"A b\" SET n = 2 -- all\nFROM ",
            "ONLY ",
            "public . t",
            "\"A b\"",
            "",
        ),
        (
            "UPDATE t SET n = (SELECT 1 FROM t WHERE true) FROM t AS o JOIN t AS p ON o.n IS DISTINCT FROM p.n \
             WHERE t.n = o.n OR false -- some",
            "UPDATE t SET n = (SELECT 1 FROM t WHERE true) FROM t AS o JOIN t AS p ON o.n IS DISTINCT FROM p.n \n, ",
            "",
            "t",
            "\"t\"",
            " AND ( t.n = o.n OR false -- some\n)",
        ),
        (
            "WITH w AS (SELECT 1 AS n) UPDATE t SET n = w.n FROM w WHERE t.n IS DISTINCT FROM (w.n)",
            "WITH w AS (SELECT 1 AS n) UPDATE t SET n = w.n FROM w \n, ",
            "",
            "t",
            "\"t\"",
            " AND ( t.n IS DISTINCT FROM (w.n)\n)",
        ),
    ] {
        let form = forms(text, 17).remove(0);
        let expected = format!(
            "{head}{}{name}.tableoid AND gatewright_before.gatewright_ctid = {name}.ctid{condition}\n\
             RETURNING (gatewright_before.gatewright_row).*, {name}.*",
            source(only, table)
        );
        assert_eq!(form.text, expected);
        assert!(
            form.is_joined && form.rows == ReturnedRows::OldAndNew,
            "{text}"
        );
    }
    for text in [
        "WITH t AS (SELECT 1 AS n) UPDATE t SET n = 2",
        "UPDATE t SET n = 2 WHERE CURRENT OF c",
        "UPDATE U&\"t\" SET n = 2",
        "UPDATE t SET n = 2 RETURNING n",
        "DELETE FROM t",
    ] {
        let all = forms(text, 17);
        assert!(
            !all.is_empty() && all.iter().all(|form| !form.is_joined),
            "{text}"
        );
    }
}

#[test]
fn what_it_returns_is_analysed_like_any_other_result() {
    for version in [17, 18] {
        is_analysed(version);
    }
}

fn is_analysed(version: u32) {
    let (text, which) = rows("UPDATE t SET n = 2 FROM t AS old", version).expect("a form");
    assert_eq!(which, ReturnedRows::OldAndNew);
    let facts = one_with(&text, &catalog(version));
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
