//! What is read of definitions, and what statements are said to carry through them.

use crate::{Catalog, Facts, Outputs, RelationKind, Settings, analyze, on_big_stack};

const FUNCTIONS: [(&str, &str); 16] = [
    (
        "given",
        "CREATE FUNCTION public.given(a text DEFAULT public.email_of(1)) RETURNS text LANGUAGE sql AS $$ SELECT a $$",
    ),
    (
        "fetches",
        "CREATE FUNCTION public.fetches(c refcursor) RETURNS text LANGUAGE plpgsql AS $$ DECLARE v text; BEGIN FETCH c INTO v; RETURN v; END $$",
    ),
    (
        "email_of",
        "CREATE FUNCTION public.email_of(who integer) RETURNS text LANGUAGE sql AS $$ SELECT email FROM public.people WHERE id = who $$",
    ),
    (
        "atomic",
        "CREATE FUNCTION public.atomic(who integer) RETURNS text LANGUAGE sql BEGIN ATOMIC SELECT people.name FROM public.people WHERE people.id = atomic.who; END",
    ),
    (
        "returned",
        "CREATE FUNCTION public.returned(a integer, b integer) RETURNS integer LANGUAGE sql RETURN (a + b)",
    ),
    (
        "totals",
        "CREATE FUNCTION public.totals(who integer) RETURNS TABLE(id integer, total numeric) LANGUAGE sql AS $$ SELECT id, total FROM public.orders WHERE owner = $1 $$",
    ),
    (
        "everyone",
        "CREATE FUNCTION public.everyone() RETURNS SETOF public.people LANGUAGE sql AS $$ SELECT * FROM public.people $$",
    ),
    (
        "nested",
        "CREATE FUNCTION public.nested(who integer) RETURNS text LANGUAGE sql AS $$ SELECT public.email_of(who) $$",
    ),
    (
        "writes",
        "CREATE FUNCTION public.writes() RETURNS void LANGUAGE sql AS $$ INSERT INTO public.orders (id) VALUES (1) $$",
    ),
    (
        "endless",
        "CREATE FUNCTION public.endless() RETURNS text LANGUAGE sql AS $$ SELECT public.endless() $$",
    ),
    (
        "plain",
        "CREATE FUNCTION public.plain(a text) RETURNS text LANGUAGE plpgsql AS $$ DECLARE b text := upper(a); BEGIN IF b = '' THEN RETURN NULL; END IF; b := b || 'x'; RETURN b; END $$",
    ),
    (
        "looks",
        "CREATE FUNCTION public.looks(who integer) RETURNS text LANGUAGE plpgsql AS $$ DECLARE v text; BEGIN SELECT email INTO v FROM public.people WHERE id = who; RETURN v; END $$",
    ),
    (
        "loops",
        "CREATE FUNCTION public.loops() RETURNS SETOF text LANGUAGE plpgsql AS $$ DECLARE r record; BEGIN FOR r IN SELECT name FROM public.people LOOP RETURN NEXT r.name; END LOOP; END $$",
    ),
    (
        "dynamic",
        "CREATE FUNCTION public.dynamic(q text) RETURNS text LANGUAGE plpgsql AS $$ DECLARE v text; BEGIN EXECUTE q INTO v; RETURN v; END $$",
    ),
    (
        "stores",
        "CREATE FUNCTION public.stores() RETURNS void LANGUAGE plpgsql AS $$ BEGIN UPDATE public.orders SET total = 1; END $$",
    ),
    (
        "touch",
        "CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.updated := now(); RETURN NEW; END $$",
    ),
];

fn catalog() -> Catalog {
    let mut catalog = Catalog::builder();
    catalog
        .relation(1, "public", "people", RelationKind::Table)
        .column(1, 1, "id", 23)
        .column(1, 2, "name", 25)
        .column(1, 3, "email", 25)
        .column(1, 4, "folded", 25)
        .generated_column(1, 4, "lower(email)")
        .relation(2, "public", "orders", RelationKind::Table)
        .column(2, 1, "id", 23)
        .column(2, 2, "owner", 23)
        .column(2, 3, "total", 1700)
        .relation(3, "public", "mails", RelationKind::View)
        .column(3, 1, "number", 23)
        .column(3, 2, "mail", 25)
        .column(3, 3, "initial", 25)
        .defined_view(3, "SELECT people.id AS number, people.email AS mail, \"left\"(people.name, 1) AS initial FROM public.people WHERE people.id > 5;")
        .relation(4, "public", "over", RelationKind::View)
        .column(4, 1, "x", 25)
        .column(4, 2, "y", 25)
        .defined_view(4, "SELECT mails.mail AS x, public.email_of(mails.number) AS y FROM public.mails")
        .relation(5, "public", "broken", RelationKind::View)
        .column(5, 1, "x", 25)
        .depends(5, 1, 3)
        .defined_view(5, "SELECT beyond the grammar")
        .operator("~~~", "public", "looks")
        .operator("+++", "public", "returned")
        .cast("secret", "public", "looks");
    for (view, base, attnum) in [(3, 1, 1), (3, 1, 2), (3, 1, 3), (4, 3, 1), (4, 3, 2)] {
        catalog.depends(view, base, attnum);
    }
    for (at, (name, definition)) in FUNCTIONS.into_iter().enumerate() {
        catalog.defined_function(100 + at as u32, "public", name, definition);
    }
    catalog.build()
}

fn facts(text: &str) -> Facts {
    let analysis = on_big_stack(|| analyze(text, &catalog(), &Settings::default()))
        .expect("no panic")
        .expect(text);
    (*analysis.statements[0].facts).clone()
}

/// Of each output: its sources, `~` before those that are computed, `=` before all where the value is one of them.
fn carried(facts: &Facts) -> Vec<String> {
    let Outputs::Columns(columns) = &facts.outputs else {
        return vec!["unknown columns".to_owned()];
    };
    let one = |output: &crate::Output| {
        let Some(sources) = &output.sources else {
            return "unknown".to_owned();
        };
        let sources: Vec<String> = sources
            .iter()
            .map(|source| {
                let mark = match source.transform {
                    crate::Transform::Identity => "",
                    _ => "~",
                };
                format!("{mark}{}.{}", source.table, source.column)
            })
            .collect();
        format!(
            "{}{}",
            if output.exact { "=" } else { "" },
            sources.join(" ")
        )
    };
    columns.iter().map(one).collect()
}

#[test]
fn outputs_are_followed_through_definitions() {
    for (text, expected) in [
        (
            "SELECT number, mail, initial FROM mails",
            vec![
                "=people.id mails.number",
                "=people.email mails.mail",
                "~people.name mails.initial",
            ],
        ),
        (
            "SELECT x FROM over",
            vec!["=people.email mails.mail over.x"],
        ),
        (
            "SELECT y FROM over",
            vec!["~people.id ~people.email ~mails.number over.y"],
        ),
        (
            "SELECT * FROM mails",
            vec![
                "=people.id mails.number",
                "=people.email mails.mail",
                "~people.name mails.initial",
            ],
        ),
        (
            "SELECT folded FROM people",
            vec!["=~people.email people.folded"],
        ),
        ("SELECT email_of(1)", vec!["~people.id ~people.email"]),
        (
            "SELECT public.nested(owner) FROM orders",
            vec!["~people.id ~people.email ~orders.owner"],
        ),
        ("SELECT atomic(1)", vec!["~people.id ~people.name"]),
        (
            "SELECT returned(1, owner) FROM orders",
            vec!["~orders.owner"],
        ),
        (
            "SELECT total FROM totals(1)",
            vec!["~orders.id ~orders.owner ~orders.total"],
        ),
        (
            "SELECT * FROM totals(1)",
            vec!["~orders.id ~orders.owner ~orders.total"; 2],
        ),
        (
            "SELECT name FROM everyone()",
            vec!["~people.id ~people.name ~people.email ~people.folded"],
        ),
        ("SELECT plain(name) FROM people", vec!["~people.name"]),
        ("SELECT looks(1)", vec!["~people.id ~people.email"]),
        ("SELECT * FROM loops()", vec!["~people.name"]),
        ("SELECT 1 +++ 2", vec!["="]),
        ("SELECT 1 ~~~ 2", vec!["unknown"]),
        ("SELECT 'a'::secret", vec!["unknown"]),
        ("SELECT 'a'::mood", vec!["="]),
        ("SELECT dynamic('x')", vec!["unknown"]),
        ("SELECT endless()", vec!["unknown"]),
        ("SELECT given()", vec!["~people.id ~people.email"]),
    ] {
        assert_eq!(carried(&facts(text)), expected, "{text}");
    }
}

#[test]
fn a_view_that_cannot_be_read_may_carry_all_it_depends_on() {
    let facts = facts("SELECT x FROM broken");
    assert_eq!(carried(&facts), ["~people.* broken.x"]);
}

#[test]
fn what_a_function_reads_is_among_the_tables() {
    for (text, expected) in [
        ("SELECT nested(1)", vec!["people"]),
        ("SELECT looks(1), plain('x')", vec!["people"]),
        ("SELECT y FROM over", vec!["over", "mails", "people"]),
        (
            "SELECT id FROM orders WHERE totals(1) IS NULL",
            vec!["orders"],
        ),
        ("SELECT plain('x')", vec![]),
    ] {
        let facts = facts(text);
        let mut names: Vec<&str> = facts
            .tables
            .iter()
            .map(|table| table.name.as_str())
            .collect();
        names.sort_unstable();
        let mut expected = expected;
        expected.sort_unstable();
        assert_eq!(names, expected, "{text}");
        assert!(facts.opaque.is_empty(), "{text}: {:?}", facts.opaque);
    }
}

#[test]
fn a_function_that_cannot_be_read_makes_its_caller_opaque() {
    for name in [
        "dynamic('x')",
        "endless()",
        "writes()",
        "stores()",
        "fetches('c')",
    ] {
        let facts = facts(&format!("SELECT {name}"));
        assert!(
            facts
                .opaque
                .iter()
                .any(|reason| reason.contains("has an unknown body")),
            "{name}: {:?}",
            facts.opaque
        );
    }
}

#[test]
fn an_operator_counts_like_the_function_behind_it() {
    assert!(carried(&facts("SELECT 'a' ~~~ 'b' FROM orders")).contains(&"unknown".to_owned()));
}
