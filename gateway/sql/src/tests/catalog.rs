//! Names resolved against a catalog.

use super::all;
use crate::{Access, Catalog, Facts, RelationKind, Settings, analyze, on_big_stack};

fn catalog() -> Catalog {
    let mut catalog = Catalog::builder();
    catalog
        .relation(1, "public", "customers", RelationKind::Table)
        .column(1, 1, "id", 23)
        .column(1, 2, "ssn", 25)
        .relation(2, "archive", "customers", RelationKind::Table)
        .column(2, 1, "id", 23)
        .relation(3, "public", "people", RelationKind::View)
        .column(3, 1, "id", 23)
        .depends(3, 1, 1)
        .relation(4, "public", "everybody", RelationKind::View)
        .column(4, 1, "id", 23)
        .depends(4, 3, 1)
        .relation(5, "public", "orders", RelationKind::Partitioned)
        .column(5, 1, "total", 23)
        .relation(6, "public", "orders_2024", RelationKind::Table)
        .column(6, 1, "total", 23)
        .inherits(6, 5)
        .relation(7, "pg_catalog", "pg_class", RelationKind::Catalog)
        .relation(8, "public", "Weird\"Name", RelationKind::Table)
        .relation(9, "public", &"n".repeat(63), RelationKind::Table)
        .relation(10, "public", "round", RelationKind::View)
        .relation(11, "public", "trip", RelationKind::View)
        .depends(10, 11, 0)
        .depends(11, 10, 0)
        .relation(12, "public", "dangling", RelationKind::View)
        .depends(12, 999, 1)
        .obscure_function(900, "public", "now")
        .obscure_function(901, "shop", "leak")
        .opaque_function(902, "shop", "leak");
    catalog.build()
}

fn facts(text: &str) -> Facts {
    let analysis = on_big_stack(|| analyze(text, &catalog(), &Settings::default()))
        .expect("no panic")
        .expect(text);
    (*analysis.statements[0].facts).clone()
}

fn tables(text: &str) -> Vec<(String, Access)> {
    facts(text)
        .tables
        .into_iter()
        .map(|table| (format!("{}.{}", table.schema, table.name), table.access))
        .collect()
}

fn expect(text: &str, expected: &[(&str, Access)]) {
    let expected: Vec<(String, Access)> = expected
        .iter()
        .map(|(name, access)| ((*name).to_owned(), *access))
        .collect();
    assert_eq!(tables(text), expected, "{text}");
}

const SELECT: Access = Access::SELECT;

#[test]
fn an_unqualified_name_means_every_relation_of_that_name() {
    let both = [("public.customers", SELECT), ("archive.customers", SELECT)];
    expect("SELECT * FROM customers", &both);
    expect("SELECT * FROM archive.customers", &both[1..]);
    expect("SELECT * FROM pg_class", &[("pg_catalog.pg_class", SELECT)]);
    let facts = facts("SELECT ssn FROM customers");
    assert_eq!(facts.columns.len(), 1, "only one of them has the column");
    assert_eq!(facts.columns[0].table, Some(0));
}

#[test]
fn an_unknown_name_is_unresolved() {
    expect("SELECT * FROM nowhere", &[(".nowhere", SELECT)]);
    expect(
        "SELECT * FROM archive.nowhere",
        &[("archive.nowhere", SELECT)],
    );
    let facts = facts("SELECT * FROM nowhere");
    assert_eq!(facts.tables[0].kind, RelationKind::Unresolved);
}

#[test]
fn views_include_what_they_read() {
    expect(
        "SELECT * FROM everybody",
        &[
            ("public.everybody", SELECT),
            ("public.people", SELECT),
            ("public.customers", SELECT),
        ],
    );
    expect(
        "SELECT * FROM orders_2024",
        &[("public.orders_2024", SELECT), ("public.orders", SELECT)],
    );
    expect(
        "SELECT * FROM round",
        &[("public.round", SELECT), ("public.trip", SELECT)],
    );
    assert!(!facts("SELECT * FROM dangling").opaque.is_empty());
}

#[test]
fn writing_to_a_view_writes_to_what_it_reads() {
    for (text, access) in [
        ("DELETE FROM people WHERE id = 1", Access::DELETE),
        ("UPDATE people SET id = 2 WHERE id = 1", Access::UPDATE),
        ("INSERT INTO people VALUES (1)", Access::INSERT),
        (
            "INSERT INTO people VALUES (1) ON CONFLICT (id) DO UPDATE SET id = 2",
            Access::INSERT | Access::UPDATE,
        ),
        (
            "MERGE INTO people p USING nowhere n ON p.id = n.id WHEN MATCHED THEN DELETE",
            Access::DELETE,
        ),
        ("COPY people FROM STDIN", Access::INSERT),
        (
            "WITH a AS (SELECT * FROM people) DELETE FROM people WHERE id = 1",
            Access::DELETE,
        ),
    ] {
        let tables = tables(text);
        let (_, found) = tables
            .iter()
            .find(|(name, _)| name == "public.customers")
            .expect(text);
        assert!(found.contains(access), "{text}: {found:?}");
    }
    expect(
        "DROP VIEW people",
        &[("public.people", Access::DDL), ("public.customers", SELECT)],
    );
}

#[test]
fn names_are_folded_and_truncated_as_in_postgresql() {
    for text in [
        "SELECT * FROM PUBLIC.Customers",
        "SELECT * FROM \"public\".\"customers\"",
        "SELECT * FROM public.U&\"cu\\0073tomers\"",
        "SELECT * FROM pubLIC/**/./**/CUSTOMERS",
    ] {
        expect(text, &[("public.customers", SELECT)]);
    }
    expect("SELECT * FROM \"Customers\"", &[(".Customers", SELECT)]);
    expect("SELECT * FROM É", &[(".É", SELECT)]);
    expect(
        "SELECT * FROM \"Weird\"\"Name\"",
        &[("public.Weird\"Name", SELECT)],
    );
    let cut = format!("public.{}", "n".repeat(63));
    expect(
        &format!("SELECT * FROM {}", "N".repeat(70)),
        &[(cut.as_str(), SELECT)],
    );
}

#[test]
fn an_alias_list_renames_columns() {
    let facts = facts("SELECT harmless FROM public.customers AS c (a, harmless)");
    assert_eq!(facts.columns.len(), 1);
    assert_eq!(facts.columns[0].name, "ssn");
}

#[test]
fn facts_change_with_the_catalog() {
    let text = "SELECT * FROM people";
    let without = all(text).expect(text).statements[0].facts.fingerprint;
    assert_ne!(facts(text).fingerprint, without);
}

#[test]
fn a_shadowed_function_may_carry_anything() {
    let sources = |text: &str| match facts(text).outputs {
        crate::Outputs::Columns(columns) => columns[0].sources.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(sources("SELECT now()"), None);
    assert_eq!(sources("SELECT pg_catalog.now()"), Some(vec![]));
    assert_eq!(sources("SELECT count(*) FROM customers"), Some(vec![]));
}

#[test]
fn a_function_that_can_hold_sql_makes_its_caller_opaque() {
    let reason = ["function shop.leak has an unknown body"];
    for text in [
        "SELECT leak()",
        "SELECT shop.leak()",
        "SELECT * FROM leak() AS l",
        "SELECT 1 WHERE \"leak\"() IS NULL",
        "SELECT id FROM customers ORDER BY leak(id)",
        "INSERT INTO customers (id) VALUES (leak())",
        "ALTER TABLE customers ADD COLUMN more text DEFAULT leak()",
        "COPY (SELECT leak()) TO STDOUT",
    ] {
        assert_eq!(facts(text).opaque, reason, "{text}");
    }
    for text in [
        "SELECT pg_catalog.now()",
        "SELECT now()",
        "SELECT other.leak()",
    ] {
        assert!(facts(text).opaque.is_empty(), "{text}");
    }
}

fn along(text: &str, schemas: &[&str]) -> Vec<Facts> {
    let elements: Vec<Box<str>> = schemas.iter().map(|schema| (*schema).into()).collect();
    let path = crate::SearchPath::of(&elements, &[]).expect("a path");
    let analysis =
        on_big_stack(|| crate::analyze_along(text, &catalog(), Some(&path), &Settings::default()));
    let statements = analysis.expect("no panic").expect(text).statements;
    statements
        .into_iter()
        .map(|statement| (*statement.facts).clone())
        .collect()
}

fn named(facts: &Facts) -> Vec<String> {
    let tables = facts.tables.iter();
    tables
        .map(|table| format!("{}.{}", table.schema, table.name))
        .collect()
}

#[test]
fn a_name_means_what_the_path_can_find() {
    let text = "SELECT id FROM customers";
    let of = |text: &str, path: &[&str]| along(text, path).remove(0);
    for (path, expected, narrowed) in [
        (&["public"][..], &["public.customers"][..], true),
        (&["archive", "nowhere"], &["archive.customers"], true),
        (
            &["archive", "public"],
            &["public.customers", "archive.customers"],
            false,
        ),
        // Nothing there has it, so it may have just been made.
        (
            &["nowhere"],
            &["public.customers", "archive.customers"],
            false,
        ),
    ] {
        let facts = of(text, path);
        assert_eq!(named(&facts), expected, "{path:?}");
        assert!(facts.varies, "{path:?}");
        assert_eq!(facts.narrowed, narrowed, "{path:?}");
    }
    let qualified = of("SELECT id FROM archive.customers", &["public"]);
    assert_eq!(named(&qualified), ["archive.customers"]);
    assert!(!qualified.varies && !qualified.narrowed);
    assert!(!of("SELECT id FROM people", &["nowhere"]).varies);
    assert!(of("SELECT leak()", &["shop"]).opaque.len() == 1);
}

#[test]
fn what_follows_a_change_of_names_means_every_object() {
    for change in [
        "SET search_path = archive",
        "RESET ALL",
        "DISCARD ALL",
        "ALTER SCHEMA archive RENAME TO a",
        "ROLLBACK",
        "SELECT set_config('search_path', 'archive', true)",
        "EXECUTE p",
        "DO $$ BEGIN END $$",
    ] {
        let text = format!("SELECT id FROM customers; {change}; SELECT id FROM customers");
        let all = along(&text, &["public"]);
        assert_eq!(named(&all[0]), ["public.customers"], "{change}");
        assert_eq!(named(&all[2]).len(), 2, "{change}");
    }
    // Executed with whatever path.
    let prepared = along("PREPARE p AS SELECT id FROM customers", &["public"]).remove(0);
    let crate::SessionEffect::Prepare { inner, .. } = prepared.session else {
        panic!("it is PREPARE");
    };
    assert_eq!(named(&inner).len(), 2);
    assert!(!inner.narrowed);
}

#[test]
fn an_update_of_a_view_of_the_settings_changes_settings() {
    let mut catalog = Catalog::builder();
    catalog
        .relation(1, "pg_catalog", "pg_settings", RelationKind::Catalog)
        .column(1, 1, "name", 25)
        .column(1, 2, "setting", 25)
        .relation(20_001, "public", "dials", RelationKind::View)
        .depends(20_001, 1, 1)
        .depends(20_001, 1, 2)
        .relation(20_002, "public", "knobs", RelationKind::View)
        .depends(20_002, 20_001, 2);
    let catalog = catalog.build();
    let facts = |text: &str| {
        let analysis = on_big_stack(|| analyze(text, &catalog, &Settings::default()))
            .expect("no panic")
            .expect(text);
        (*analysis.statements[0].facts).clone()
    };
    for name in ["pg_settings", "pg_catalog.pg_settings", "dials", "knobs"] {
        let update = facts(&format!("UPDATE {name} SET setting = 'a'"));
        assert!(update.changes_reading(), "{name}");
        assert_eq!(update.role, crate::RoleEffect::Set, "{name}");
        let select = facts(&format!("SELECT setting FROM {name}"));
        assert!(!select.changes_reading(), "{name}");
        assert_eq!(select.role, crate::RoleEffect::Kept, "{name}");
    }
}

#[test]
fn code_in_a_statement_is_read_where_it_can_be() {
    for (text, reason, tables) in [
        (
            "CREATE FUNCTION f(i int) RETURNS int LANGUAGE sql AS 'SELECT i + 1'",
            "the body of a function is text, which was read",
            0,
        ),
        (
            "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT id FROM archive.customers); END $$",
            "the body of a function is text, which was read",
            1,
        ),
        // It runs wherever the function is used already.
        (
            "CREATE OR REPLACE FUNCTION f(i int) RETURNS int LANGUAGE sql AS 'SELECT i + 1'",
            "the body of a function is text",
            0,
        ),
        (
            "DO $$ BEGIN UPDATE public.customers SET ssn = ''; END $$",
            "a DO block runs code, which was read",
            1,
        ),
        (
            "DO $$ BEGIN EXECUTE 'SELECT 1'; END $$",
            "a DO block runs code that is not SQL",
            0,
        ),
    ] {
        let facts = facts(text);
        assert_eq!(facts.opaque, [reason], "{text}");
        assert_eq!(facts.tables.len(), tables, "{text}");
    }
    let update = facts("DO $$ BEGIN UPDATE public.customers SET ssn = ''; END $$");
    assert_eq!(update.tables[0].access, Access::UPDATE);
    assert!(update.columns.iter().any(|column| column.name == "ssn"));
}
