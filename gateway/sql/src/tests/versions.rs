//! Texts that versions of PostgreSQL read differently, and functions that have the names of built-in ones.

use crate::{Catalog, Facts, RelationKind, Settings, Usage, analyze, on_big_stack};

fn facts(version: u32, text: &str) -> Facts {
    let mut catalog = Catalog::builder();
    catalog
        .server_version(version)
        .relation(1, "public", "t", RelationKind::Table)
        .column(1, 1, "id", 23)
        .column(1, 2, "s", 25)
        .built_in("count")
        .built_in("every")
        .built_in("json_object")
        .plain_function(900, "own", "every")
        .plain_function(901, "own", "count")
        .opaque_function(902, "own", "json_object");
    let catalog = catalog.build();
    let analysis = on_big_stack(|| analyze(text, &catalog, &Settings::default()));
    let analysis = analysis.expect("no panic").expect(text);
    (*analysis.statements[0].facts).clone()
}

#[test]
fn words_that_a_version_does_not_know_are_not_understood() {
    for (since, text) in [
        (16, "SELECT system_user FROM t"),
        (16, "SELECT json_array(s) FROM t"),
        (16, "SELECT json_arrayagg(s) FROM t"),
        (16, "SELECT json_objectagg(s: 1) FROM t"),
        (17, "SELECT json_scalar(s) FROM t"),
        (17, "SELECT json_serialize(s) FROM t"),
        (17, "SELECT json(s) FROM t"),
        (17, "SELECT json_query(s, '$') FROM t"),
        (17, "SELECT json_exists(s, '$') FROM t"),
        (17, "SELECT json_value(s, '$') FROM t"),
    ] {
        for version in 13..=18 {
            let understood = facts(version, text).opaque.is_empty();
            assert_eq!(understood, version >= since, "{version}: {text}");
        }
    }
}

#[test]
fn a_function_is_whose_the_version_says() {
    let text = "SELECT json_object(s) FROM t";
    assert!(!facts(15, text).opaque.is_empty());
    assert!(facts(16, text).opaque.is_empty());
}

#[test]
fn somebodys_own_aggregates_are_no_built_in_ones() {
    for text in [
        "SELECT id FROM t WHERE count(s)",
        "SELECT count(s) FROM t",
        "SELECT every(id) FROM t WHERE s IS NOT NULL",
    ] {
        let facts = facts(18, text);
        let tells = facts.columns.iter().enumerate().any(|(at, column)| {
            column.name == "s" && column.usage != Usage::Output && !facts.equated.contains(&at)
        });
        assert!(tells, "{text}");
    }
}
