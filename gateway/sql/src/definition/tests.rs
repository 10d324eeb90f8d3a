//! What is read from definitions, and what statements carry through them.

use super::fixture::catalog;
use crate::{Catalog, Facts, Outputs, RelationKind, Settings, analyze, on_big_stack};

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
        ("SELECT reverse(name) FROM people", vec!["~people.name"]),
        (
            "SELECT (p).reverse FROM (SELECT 1 AS reverse, email FROM people) p",
            vec!["="],
        ),
        (
            "SELECT (SELECT p).reverse FROM (SELECT 1 AS reverse, email FROM people) p",
            vec!["~people.email"],
        ),
        (
            "SELECT (coalesce(p, p)).reverse FROM (SELECT 1 AS reverse, email FROM people) p",
            vec!["~people.email"],
        ),
        ("SELECT looks(1)", vec!["~people.id ~people.email"]),
        ("SELECT * FROM loops()", vec!["~people.name"]),
        ("SELECT 1 +++ 2", vec!["="]),
        ("SELECT 1 ~~~ 2", vec!["~people.id ~people.email"]),
        ("SELECT name::secret FROM people", vec!["unknown"]),
        ("SELECT 'a'::mood", vec!["="]),
        ("SELECT dynamic('x')", vec!["unknown"]),
        ("SELECT endless()", vec!["unknown"]),
        ("SELECT given()", vec!["~people.id ~people.email"]),
        (
            "UPDATE notes SET body = p.email FROM people p RETURNING notes.body, public.notes.body, old.body, public.notes.id",
            vec![
                "=people.email notes.body",
                "=people.email notes.body",
                "=notes.body",
                "=notes.id",
            ],
        ),
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
        .plain_function(900, "public", "similarity");
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
    let carried = carried(&facts("SELECT 'a' ~~~ 'b' FROM orders"));
    assert_eq!(carried, ["~people.id ~people.email"]);
}

/// Each function calls the next one, or the one before.
fn chain(length: u32, calls: impl Fn(u32) -> u32) -> (Catalog, usize) {
    let mut catalog = Catalog::builder();
    catalog
        .relation(1, "public", "people", RelationKind::Table)
        .column(1, 1, "email", 25);
    for at in 0..length {
        let next = calls(at);
        let body = match next < length {
            true => format!("SELECT public.f{next}()"),
            false => "SELECT email FROM public.people".to_owned(),
        };
        let text =
            format!("CREATE FUNCTION public.f{at}() RETURNS text LANGUAGE sql AS $$ {body} $$");
        catalog.defined_function(100 + at, "public", &format!("f{at}"), &text);
    }
    super::PARSED.set(0);
    let catalog = catalog.build();
    (catalog, super::PARSED.get())
}

#[test]
fn definitions_in_a_row_are_parsed_a_few_times() {
    for calls in [|at: u32| at.wrapping_sub(1), |at: u32| at + 1] {
        for length in [40, 400] {
            let (catalog, parsed) = chain(length, calls);
            assert!(parsed <= 3 * length as usize, "{parsed} of {length}");
            let last = if calls(0) == 1 { 0 } else { length - 1 };
            let bodies = catalog.function_bodies(&["public", &format!("f{last}")]);
            let bodies = bodies.expect("it was read");
            assert!(!bodies[0].rows.is_nothing());
        }
    }
    // However they refer to each other.
    let (_, parsed) = chain(401, |at| (at + 200) % 401 + u32::from(at == 0) * 401);
    assert!(parsed <= super::ROUNDS * 401, "{parsed}");
}
