//! What is read from definitions, and what statements carry through them.

use crate::{Access, Catalog, Facts, Outputs, RelationKind, Settings, analyze, on_big_stack};

const FUNCTIONS: [(&str, &str); 20] = [
    (
        "keeps",
        "CREATE FUNCTION public.keeps(v text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.notes (body) VALUES (v); END $$",
    ),
    (
        "copies",
        "CREATE FUNCTION public.copies() RETURNS void LANGUAGE plpgsql AS $$ DECLARE v text; BEGIN SELECT email INTO v FROM public.people; INSERT INTO public.notes (body) VALUES (v); END $$",
    ),
    (
        "fills",
        "CREATE FUNCTION public.fills() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.body := (SELECT email FROM public.people WHERE id = NEW.id); RETURN NEW; END $$",
    ),
    (
        "drops",
        "CREATE FUNCTION public.drops() RETURNS void LANGUAGE sql AS $$ DROP TABLE public.notes $$",
    ),
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
        .relation(6, "public", "notes", RelationKind::Table)
        .column(6, 1, "id", 23)
        .column(6, 2, "body", 25)
        .relation(7, "public", "inbox", RelationKind::Table)
        .column(7, 1, "id", 23)
        .column(7, 2, "body", 25)
        .trigger(7, Access::INSERT, "public", "fills")
        .relation(8, "public", "stamped", RelationKind::Table)
        .column(8, 1, "id", 23)
        .column(8, 2, "updated", 1184)
        .trigger(8, Access::INSERT | Access::UPDATE, "public", "touch")
        .relation(9, "public", "odd", RelationKind::Table)
        .column(9, 1, "id", 23)
        .trigger(9, Access::DELETE, "public", "dynamic")
        .rules(9)
        .operator("~~~", "public", "looks")
        .operator("+++", "public", "returned")
        .cast("secret", (25, "text"), false, ("public", "looks"));
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

/// The sources of each output; `~` precedes computed ones, `=` precedes all if the value is one of them unchanged.
pub(super) fn carried(facts: &Facts) -> Vec<String> {
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
        ("SELECT name::secret FROM people", vec!["unknown"]),
        ("SELECT 'a'::mood", vec!["="]),
        ("SELECT dynamic('x')", vec!["unknown"]),
        ("SELECT endless()", vec!["unknown"]),
        ("SELECT given()", vec!["~people.id ~people.email"]),
    ] {
        assert_eq!(carried(&facts(text)), expected, "{text}");
    }
}

#[test]
fn a_view_that_cannot_be_analysed_carries_all_it_depends_on() {
    let facts = facts("SELECT x FROM broken");
    assert_eq!(carried(&facts), ["~people.* broken.x"]);
}

#[test]
fn tables_read_by_a_function_are_reported() {
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
fn a_function_that_cannot_be_analysed_makes_its_caller_opaque() {
    for name in ["dynamic('x')", "endless()", "fetches('c')"] {
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

fn written(text: &str) -> Vec<String> {
    let facts = facts(text);
    let flows = facts.flows.iter().map(|flow| {
        let sources = flow.sources.as_ref().map_or_else(
            || "?".to_owned(),
            |sources| {
                let names: Vec<String> = sources
                    .iter()
                    .map(|source| format!("{}.{}", source.table, source.column))
                    .collect();
                names.join(" ")
            },
        );
        format!("{}.{} <- {sources}", flow.target.table, flow.target.column)
    });
    flows.collect()
}

#[test]
fn writes_of_functions_and_triggers_are_flows() {
    for (text, expected) in [
        ("SELECT writes()", vec![]),
        ("SELECT keeps('x')", vec![]),
        (
            "SELECT keeps(name) FROM people",
            vec!["notes.body <- people.name"],
        ),
        ("SELECT copies()", vec!["notes.body <- people.email"]),
        ("INSERT INTO stamped (id) VALUES (1)", vec![]),
        (
            "INSERT INTO inbox (id) VALUES (1)",
            vec![
                "inbox.id <- people.id people.email",
                "inbox.body <- people.id people.email",
            ],
        ),
        ("UPDATE inbox SET id = 1", vec![]),
    ] {
        assert_eq!(written(text), expected, "{text}");
        assert!(
            facts(text).opaque.is_empty(),
            "{text}: {:?}",
            facts(text).opaque
        );
    }
    let returned = facts("INSERT INTO inbox (id) VALUES (1) RETURNING body");
    assert_eq!(carried(&returned), ["~people.id ~people.email inbox.body"]);
}

#[test]
fn unknown_triggers_and_rules_make_the_statement_opaque() {
    for (text, opaque) in [
        ("DELETE FROM odd WHERE id = 1", 2),
        ("UPDATE odd SET id = 2 WHERE id = 1", 1),
        ("SELECT * FROM odd", 0),
    ] {
        assert_eq!(facts(text).opaque.len(), opaque, "{text}");
    }
}

#[test]
fn a_function_named_by_a_definition_counts_as_called() {
    for text in [
        "CREATE TRIGGER t BEFORE INSERT ON notes FOR EACH ROW EXECUTE FUNCTION fills()",
        "CREATE OPERATOR ### (LEFTARG = text, FUNCTION = public.email_of)",
        "CREATE AGGREGATE a (text) (SFUNC = looks, STYPE = text)",
        "CREATE CAST (int4 AS text) WITH FUNCTION public.email_of(integer)",
        "ALTER FUNCTION email_of(integer) RENAME TO harmless",
        "ALTER FUNCTION email_of(integer) SET SCHEMA other",
    ] {
        let facts = facts(text);
        assert!(
            facts.tables.iter().any(|table| table.name == "people"),
            "{text}"
        );
    }
    let opaque = facts("CREATE TRIGGER t BEFORE INSERT ON notes EXECUTE FUNCTION dynamic()").opaque;
    assert_eq!(opaque, ["function public.dynamic has an unknown body"]);
}

#[test]
fn a_function_that_is_not_in_the_catalog_makes_its_caller_opaque() {
    let mut catalog = Catalog::builder();
    catalog
        .relation(1, "public", "people", RelationKind::Table)
        .column(1, 1, "name", 25)
        .built_in("lower")
        .built_in("date")
        .plain_function("public", "similarity");
    let catalog = catalog.build();
    for (text, known) in [
        (
            "SELECT lower('A'), date('2024-01-01'), extract(year FROM now()) FROM people",
            false,
        ),
        (
            "SELECT lower('A'), date('2024-01-01'), trim(' a ') FROM people",
            true,
        ),
        (
            "SELECT similarity(name, 'x'), public.similarity(name, 'x'), name(people) FROM people",
            true,
        ),
        ("SELECT renamed(1)", false),
        ("SELECT elsewhere.lower('x')", false),
        ("SELECT pg_catalog.anything('x')", true),
    ] {
        let analysis = on_big_stack(|| analyze(text, &catalog, &Settings::default()));
        let analysis = analysis.expect("no panic").expect(text);
        assert_eq!(
            analysis.statements[0].facts.opaque.is_empty(),
            known,
            "{text}"
        );
    }
}

#[test]
fn an_operator_counts_as_its_function() {
    assert!(carried(&facts("SELECT 'a' ~~~ 'b' FROM orders")).contains(&"unknown".to_owned()));
}

/// Keywords that change what a body is, and fragments that leave it incomplete.
const PIECES: [&str; 24] = [
    "BEGIN",
    "END",
    "END;",
    "IF",
    "THEN",
    "ELSIF x THEN",
    "LOOP",
    "END LOOP;",
    "EXCEPTION WHEN others THEN",
    "DECLARE",
    "$$",
    ";",
    "x people%ROWTYPE;",
    "x people.id%TYPE;",
    "c CURSOR FOR SELECT 1;",
    "FOR r IN c LOOP",
    "OPEN c",
    "FETCH c INTO x;",
    "RAISE EXCEPTION '%', x;",
    "<<a>>",
    "EXIT a WHEN",
    "CASE x WHEN 1 THEN",
    "(",
    "RETURN QUERY EXECUTE 'x' USING 1;",
];

proptest::proptest! {
    #[test]
    fn a_mangled_definition_never_aborts_the_process(
        at in 0..FUNCTIONS.len(),
        edits in proptest::collection::vec((0.0..1.0f64, 0..20usize, proptest::sample::select(PIECES.to_vec())), 1..6),
    ) {
        let mut text = FUNCTIONS[at].1.to_owned();
        for (place, cut, piece) in edits {
            let place = (place * text.len() as f64) as usize;
            let start = (0..=place).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            let end = (start + cut).min(text.len());
            text.replace_range(start..end, &format!(" {piece} "));
        }
        let built = on_big_stack(|| {
            let mut catalog = Catalog::builder();
            catalog.defined_function(1, "public", "mangled", &text);
            catalog.build()
        });
        proptest::prop_assert!(built.is_some(), "{}", text);
    }
}
