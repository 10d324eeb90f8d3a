//! Expressions computed for written rows and by conversions count as part of the statement.

use super::tests::carried;
use crate::{Access, Catalog, RelationKind, Settings, analyze, on_big_stack};

/// Tables whose rows are computed from `people`, by means that no statement names.
fn with_written_definitions() -> Catalog {
    let mut catalog = Catalog::builder();
    let text_table = |catalog: &mut crate::CatalogBuilder, oid: u32, name: &str| {
        catalog
            .relation(oid, "public", name, RelationKind::Table)
            .column(oid, 1, "id", 23)
            .column(oid, 2, "body", 25);
    };
    for (oid, name) in [
        (1, "people"),
        (2, "badges"),
        (3, "invites"),
        (4, "passes"),
        (5, "part"),
        (6, "lines"),
        (7, "perks"),
        (8, "plain"),
        (9, "holders"),
    ] {
        text_table(&mut catalog, oid, name);
    }
    let everything = Access::INSERT | Access::UPDATE | Access::DELETE;
    catalog
        .relation(10, "public", "days", RelationKind::Partitioned)
        .column(10, 1, "id", 23)
        .column(10, 2, "body", 25)
        .inherits(5, 10)
        .relation(11, "public", "over", RelationKind::View)
        .column(11, 1, "id", 23)
        .column(11, 2, "body", 25)
        .defined_view(11, "SELECT part.id, part.body FROM public.part")
        .depends(11, 5, 1)
        .depends(11, 5, 2)
        .default_of_column(2, 2, "public.body_of(1)")
        .check(3, "public.is_known(body)")
        .generated_column(4, 2, "public.body_of(id)")
        .trigger(5, everything, "public", "fills")
        .trigger(6, everything, "public", "fills")
        .cascades(8, 6, &[1], Access::DELETE)
        .trigger(7, Access::INSERT, "public", "marks")
        .trigger_condition(7, Access::INSERT, "CREATE TRIGGER t BEFORE INSERT ON public.perks FOR EACH ROW WHEN (public.is_known(new.body)) EXECUTE FUNCTION public.marks()")
        .domain(50_000, "known", "public.is_known(VALUE)")
        .column(9, 3, "start", 50_000)
        .default_of_column(8, 1, "nextval('public.s'::regclass)")
        .check(8, "(id > 0) AND (plain.* IS NOT NULL)")
        .cast("text", (50_001, "staff"), true, ("public", "body_of"));
    for (at, (name, definition)) in [
        ("body_of", "CREATE FUNCTION public.body_of(who integer) RETURNS text LANGUAGE sql AS $$ SELECT body FROM public.people WHERE id = who $$"),
        ("is_known", "CREATE FUNCTION public.is_known(word text) RETURNS boolean LANGUAGE sql AS $$ SELECT EXISTS (SELECT 1 FROM public.people WHERE body = word) $$"),
        ("fills", "CREATE FUNCTION public.fills() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.body := (SELECT body FROM public.people); RETURN NEW; END $$"),
        ("marks", "CREATE FUNCTION public.marks() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.body := 'x'; RETURN NEW; END $$"),
        ("caught", "CREATE FUNCTION public.caught() RETURNS text LANGUAGE plpgsql AS $$ DECLARE why text; BEGIN UPDATE public.people SET id = 1; RETURN ''; EXCEPTION WHEN others THEN GET STACKED DIAGNOSTICS why = PG_EXCEPTION_DETAIL; RETURN why; END $$"),
        ("words", "CREATE FUNCTION public.words() RETURNS text LANGUAGE plpgsql AS $$ BEGIN UPDATE public.people SET id = 1; RETURN ''; EXCEPTION WHEN others THEN RETURN sqlerrm; END $$"),
        ("subscript", "CREATE FUNCTION public.subscript() RETURNS text LANGUAGE plpgsql AS $$ DECLARE a text[]; BEGIN a[(SELECT length(body) FROM public.people)] := 'x'; RETURN a; END $$"),
        ("record", "CREATE FUNCTION public.record() RETURNS text LANGUAGE plpgsql AS $$ DECLARE n int := 1; one record := (SELECT p FROM public.people p LIMIT 1); BEGIN RETURN one.body; END $$"),
        ("row_type", "CREATE FUNCTION public.row_type() RETURNS text LANGUAGE plpgsql AS $$ BEGIN DECLARE one public.people DEFAULT (SELECT p FROM public.people p LIMIT 1); BEGIN RETURN one.body; END; END $$"),
        ("domain", "CREATE FUNCTION public.domain(given text) RETURNS text LANGUAGE plpgsql AS $$ DECLARE d public.known; BEGIN d := given; RETURN ''; END $$"),
        ("taken", "CREATE FUNCTION public.taken(given public.known) RETURNS integer LANGUAGE sql AS $$ SELECT 1 $$"),
    ]
    .into_iter()
    .enumerate()
    {
        catalog.defined_function(100 + at as u32, "public", name, definition);
    }
    catalog.build()
}

#[test]
fn expressions_computed_for_a_row_count_as_part_of_the_statement() {
    let catalog = on_big_stack(with_written_definitions).expect("the catalog is built");
    let facts = |text: &str| {
        let analysis = on_big_stack(|| analyze(text, &catalog, &Settings::default()));
        analysis.expect("no panic").expect(text).statements[0]
            .facts
            .clone()
    };
    for text in [
        "INSERT INTO badges (id) VALUES (1)",
        "UPDATE badges SET body = DEFAULT",
        "COPY badges (id) FROM STDIN",
        "INSERT INTO invites VALUES (1, 'x')",
        "INSERT INTO passes (id) VALUES (1)",
        "INSERT INTO days (id) VALUES (1)",
        "UPDATE days SET id = 1",
        "INSERT INTO over (id) VALUES (1)",
        "UPDATE plain SET id = 2",
        "INSERT INTO plain VALUES (1) ON CONFLICT (id) DO UPDATE SET id = 2",
        "INSERT INTO perks (id) VALUES (1)",
        "INSERT INTO holders (start) VALUES ('x')",
        "COPY holders FROM STDIN",
    ] {
        let facts = facts(text);
        let from_people = |flow: &crate::Flow| {
            let mut sources = flow.sources.iter().flatten();
            sources.any(|source| source.table == "people")
        };
        assert!(
            facts.tables.iter().any(|table| table.name == "people"),
            "{text}"
        );
        assert!(
            facts.flows.iter().any(from_people),
            "{text}: {:?}",
            facts.flows
        );
        assert!(facts.opaque.is_empty(), "{text}: {:?}", facts.opaque);
    }
    for text in [
        "SELECT body FROM passes",
        "SELECT 'x'::known",
        "SELECT known('x')",
        "SELECT caught()",
        "SELECT words()",
        "SELECT subscript()",
        "SELECT record()",
        "SELECT row_type()",
        "SELECT domain('x')",
        "SELECT taken('x')",
        "SELECT ROW(1)::staff",
        "SELECT upper(ROW(1)::staff)",
        "DELETE FROM plain RETURNING 1",
        "ALTER TABLE badges RENAME TO other",
        "ALTER TABLE badges SET SCHEMA other",
        "CREATE TABLE other (LIKE passes INCLUDING ALL)",
        "CREATE TABLE other () INHERITS (passes)",
        "ALTER TABLE days ATTACH PARTITION badges DEFAULT",
    ] {
        let facts = facts(text);
        assert!(
            facts.tables.iter().any(|table| table.name == "people"),
            "{text}"
        );
        if facts.verb == crate::Verb::Select {
            assert!(
                carried(&facts)
                    .iter()
                    .any(|column| column.contains("people.")),
                "{text}: {:?}",
                carried(&facts)
            );
        }
    }
    for text in [
        "INSERT INTO plain (id) VALUES (1) RETURNING id",
        "UPDATE plain SET body = 'x'",
        "SELECT id::text, '1'::text, body::text FROM plain",
        "DELETE FROM perks",
    ] {
        let facts = facts(text);
        assert!(
            !facts.tables.iter().any(|table| table.name == "people"),
            "{text}"
        );
        assert!(
            facts.flows.is_empty() && facts.opaque.is_empty(),
            "{text}: {:?}",
            facts.opaque
        );
        assert!(!carried(&facts).contains(&"unknown".to_owned()), "{text}");
    }
}

/// The relations of a statement's facts that it does nothing to itself.
fn unnamed(sql: &str) -> Vec<String> {
    let mut catalog = Catalog::builder();
    for (oid, name) in [
        (1, "people"),
        (2, "shown"),
        (3, "indexed"),
        (4, "plain"),
        (5, "checked"),
    ] {
        catalog
            .relation(oid, "public", name, RelationKind::Table)
            .column(oid, 1, "id", 23)
            .column(oid, 2, "body", 25);
    }
    let told = "CREATE FUNCTION public.told(n integer) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '%', (SELECT body FROM public.people); RETURN n; END $$";
    let fires = "CREATE FUNCTION public.fires() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN IF tg_tag = 'x' THEN EXECUTE 'y'; END IF; END $$";
    catalog
        .defined_function(100, "public", "told", told)
        .defined_function(101, "public", "fires", fires)
        .unnamed(
            2,
            "(EXISTS ( SELECT 1 FROM public.people p WHERE p.id = shown.id))",
        )
        .unnamed(3, "public.told(id), lower(body)")
        .unnamed(4, "lower(body)")
        .check(5, "(public.told(id) > 0)")
        .event_trigger("public", "fires");
    let catalog = on_big_stack(|| catalog.build()).expect("a thread");
    let analysis = analyze(sql, &catalog, &Settings::default()).expect("valid SQL");
    let facts = &analysis.statements[0].facts;
    let tables = facts.tables.iter().filter(|table| table.access.is_empty());
    tables.map(|table| table.name.clone()).collect()
}

#[test]
fn what_unnamed_code_reads_is_listed_without_access() {
    let none: [&str; 0] = [];
    assert_eq!(unnamed("SELECT id FROM shown"), ["people"]);
    assert_eq!(unnamed("INSERT INTO indexed VALUES (1)"), ["people"]);
    assert_eq!(unnamed("ANALYZE indexed"), ["people", ""]);
    assert_eq!(unnamed("SELECT id FROM plain"), none);
    assert_eq!(unnamed("SELECT id FROM checked"), none);
    assert_eq!(
        unnamed("ALTER TABLE checked VALIDATE CONSTRAINT c"),
        ["people", ""]
    );
    assert_eq!(unnamed("CREATE TABLE made (id int)"), [""]);
    assert_eq!(unnamed("SELECT 1"), none);
    let mut everywhere = unnamed("ANALYZE");
    everywhere.sort();
    assert_eq!(everywhere, ["", "people"]);
}
