//! Edited statements, by their text and by what their analysis says.

use std::sync::Arc;

use gatewright_contract::{ColumnReplacement, Edit, PartialMask, ReplacementValue, RowFilter};

use crate::{
    Catalog, EditContext, Facts, Outputs, RelationKind, Settings, SubstituteError, Usage,
    WrittenType, analyze, on_big_stack, substitute,
};

pub(super) fn catalog() -> Catalog {
    let text = || WrittenType {
        name: "pg_catalog.text".to_owned(),
        collation: None,
        is_string: true,
    };
    let number = || WrittenType {
        name: "pg_catalog.int4".to_owned(),
        collation: None,
        is_string: false,
    };
    let mut catalog = Catalog::builder();
    catalog
        .generation(1)
        .relation(1, "public", "customers", RelationKind::Table)
        .column(1, 1, "id", 23)
        .written(1, number())
        .column(1, 2, "name", 25)
        .written(1, text())
        .column(1, 3, "email", 25)
        .written(1, text())
        .relation(2, "public", "orders", RelationKind::Table)
        .column(2, 1, "id", 23)
        .column(2, 2, "customer_id", 23)
        .relation(3, "public", "people", RelationKind::View)
        .column(3, 1, "id", 23)
        .written(3, number())
        .column(3, 2, "mail", 25)
        .written(3, text())
        .column(3, 3, "upper", 25)
        .written(3, text())
        .depends(3, 1, 1)
        .depends(3, 1, 3)
        .defined_view(
            3,
            "SELECT c.id, c.email AS mail, upper(c.email) AS upper FROM public.customers c",
        )
        .relation(4, "hr", "staff", RelationKind::Table)
        .column(4, 1, "id", 23)
        .relation(5, "public", "staff", RelationKind::Table)
        .column(5, 1, "email", 25)
        .written(5, text())
        .obscure_function(900, "public", "initial");
    catalog.build()
}

fn replaced(value: ReplacementValue) -> Edit {
    Edit::ReplaceColumn(ColumnReplacement {
        schema: "public".to_owned(),
        table: "customers".to_owned(),
        column: "email".to_owned(),
        value,
        look_ups: 1,
    })
}

pub(super) fn redacted() -> Vec<Edit> {
    vec![replaced(ReplacementValue::Fixed("***".to_owned()))]
}

#[derive(Debug)]
struct Edited {
    text: String,
    facts: Arc<Facts>,
}

/// The only statement of a text.
fn edited(text: &str, edits: &[Edit]) -> Result<Edited, SubstituteError> {
    let (text, facts) = whole(text, 0, edits, &Settings::default())?;
    Ok(Edited {
        text,
        facts: Arc::clone(&facts[0]),
    })
}

fn whole(
    text: &str,
    index: usize,
    edits: &[Edit],
    settings: &Settings,
) -> Result<(String, Vec<Arc<Facts>>), SubstituteError> {
    let settle = |_: u32, text: &str| Some(text.to_owned());
    let edit = || {
        let catalog = catalog();
        let analysis = analyze(text, &catalog, settings).expect(text);
        let context = EditContext {
            catalog: &catalog,
            path: None,
            settings,
            settle: &settle,
        };
        let edited = substitute(text, &analysis, index, edits, None, &context)?;
        let (text, analysis) = match edited {
            Some(edited) => (edited.text, edited.analysis),
            None => (text.to_owned(), analysis),
        };
        for statement in &analysis.statements {
            assert!(text.get(statement.span.clone()).is_some(), "{text}");
        }
        let facts = analysis.statements.into_iter();
        Ok((text, facts.map(|statement| statement.facts).collect()))
    };
    on_big_stack(edit).expect("editing does not panic")
}

const MASK: &str =
    "CAST(CASE WHEN gw.\"email\" IS NULL THEN NULL ELSE '***' END AS pg_catalog.text) AS \"email\"";

/// The derived table of customers, without its parentheses.
fn derived(from: &str) -> String {
    format!("SELECT gw.\"id\", gw.\"name\", {MASK} FROM {from}\"public\".\"customers\" AS gw")
}

/// Checks the whole text; `#` stands for the derived table, `~` for that of ONLY the table.
#[track_caller]
fn becomes(text: &str, expected: &str) {
    let found = edited(text, &redacted()).map(|edited| edited.text);
    let expected = expected
        .replace('#', &format!("({})", derived("")))
        .replace('~', &format!("({})", derived("ONLY ")));
    assert_eq!(found.as_deref(), Ok(expected.as_str()), "{text}");
}

#[test]
fn a_table_is_replaced_wherever_it_is_read() {
    for (text, expected) in [
        (
            "SELECT email FROM customers",
            "SELECT email FROM # AS \"customers\"",
        ),
        (
            "SELECT email FROM public . customers AS c",
            "SELECT email FROM # AS c",
        ),
        (
            "SELECT a FROM customers c (a, b)",
            "SELECT a FROM # c (a, b)",
        ),
        ("TABLE customers", "SELECT * FROM # AS \"customers\""),
        (
            "SELECT 1 FROM ONLY customers",
            "SELECT 1 FROM ~ AS \"customers\"",
        ),
        ("SELECT 1 FROM ONLY (customers) c", "SELECT 1 FROM ~ c"),
        ("SELECT 1 FROM customers * c", "SELECT 1 FROM # c"),
        (
            "SELECT * FROM orders o LEFT JOIN customers c ON c.id = o.customer_id",
            "SELECT * FROM orders o LEFT JOIN # c ON c.id = o.customer_id",
        ),
        (
            "SELECT (SELECT max(email) FROM customers)",
            "SELECT (SELECT max(email) FROM # AS \"customers\")",
        ),
        (
            "SELECT 1 FROM orders UNION SELECT 2 FROM customers -- end",
            "SELECT 1 FROM orders UNION SELECT 2 FROM # AS \"customers\" -- end",
        ),
        (
            "INSERT INTO orders SELECT id, id FROM customers",
            "INSERT INTO orders SELECT id, id FROM # AS \"customers\"",
        ),
        (
            "UPDATE orders SET id = 1 FROM customers c WHERE c.id = 1",
            "UPDATE orders SET id = 1 FROM # c WHERE c.id = 1",
        ),
        (
            "UPDATE orders SET (id, customer_id) = (SELECT id, length(email) FROM customers LIMIT 1)",
            "UPDATE orders SET (id, customer_id) = (SELECT id, length(email) FROM # AS \"customers\" LIMIT 1)",
        ),
        (
            "UPDATE orders SET (id, customer_id) = ROW(public.customers.id, 1) FROM public.customers",
            "UPDATE orders SET (id, customer_id) = ROW(customers.id, 1) FROM # AS \"customers\"",
        ),
        (
            "DELETE FROM orders USING customers c WHERE c.id = 1",
            "DELETE FROM orders USING # c WHERE c.id = 1",
        ),
        (
            "MERGE INTO orders USING customers c ON c.id = orders.id WHEN MATCHED THEN DELETE",
            "MERGE INTO orders USING # c ON c.id = orders.id WHEN MATCHED THEN DELETE",
        ),
        (
            "CREATE TABLE t AS SELECT * FROM customers",
            "CREATE TABLE t AS SELECT * FROM # AS \"customers\"",
        ),
        (
            "COPY (SELECT * FROM customers) TO STDOUT",
            "COPY (SELECT * FROM # AS \"customers\") TO STDOUT",
        ),
        (
            "PREPARE p AS SELECT * FROM customers WHERE id = $1",
            "PREPARE p AS SELECT * FROM # AS \"customers\" WHERE id = $1",
        ),
        (
            "DECLARE c CURSOR FOR SELECT * FROM customers",
            "DECLARE c CURSOR FOR SELECT * FROM # AS \"customers\"",
        ),
        (
            "EXPLAIN SELECT * FROM customers",
            "EXPLAIN SELECT * FROM # AS \"customers\"",
        ),
        (
            "SELECT public.customers.email FROM customers",
            "SELECT customers.email FROM # AS \"customers\"",
        ),
        (
            "SELECT public.customers.* FROM customers",
            "SELECT customers.* FROM # AS \"customers\"",
        ),
        (
            "SELECT * FROM customers FOR UPDATE OF customers",
            "SELECT * FROM # AS \"customers\" FOR UPDATE OF customers",
        ),
        (
            "SELECT email, count(*) FROM customers GROUP BY 1 HAVING count(*) > 1",
            "SELECT email, count(*) FROM # AS \"customers\" GROUP BY 1 HAVING count(*) > 1",
        ),
        ("SELECT id FROM orders", "SELECT id FROM orders"),
        (
            "WITH n AS (INSERT INTO orders SELECT id FROM customers RETURNING *) SELECT * FROM n",
            "WITH n AS (INSERT INTO orders SELECT id FROM # AS \"customers\" RETURNING *) SELECT * FROM n",
        ),
        (
            "INSERT INTO customers (id) SELECT id FROM orders",
            "INSERT INTO customers (id) SELECT id FROM orders",
        ),
        // The target of a change is not replaced.
        (
            "UPDATE customers SET name = 'x'",
            "UPDATE customers SET name = 'x'",
        ),
    ] {
        becomes(text, expected);
    }
}

#[test]
fn a_name_of_with_is_no_table() {
    for (text, expected) in [
        (
            "WITH customers AS (SELECT 1 AS email) SELECT email FROM customers",
            "WITH customers AS (SELECT 1 AS email) SELECT email FROM customers",
        ),
        (
            "WITH customers AS (SELECT * FROM customers) SELECT * FROM customers",
            "WITH customers AS (SELECT * FROM # AS \"customers\") SELECT * FROM customers",
        ),
        (
            "WITH RECURSIVE customers AS (SELECT 1 UNION SELECT * FROM customers) SELECT 1",
            "WITH RECURSIVE customers AS (SELECT 1 UNION SELECT * FROM customers) SELECT 1",
        ),
        (
            "WITH a AS (SELECT * FROM b), b AS (SELECT * FROM customers) SELECT (WITH customers AS (SELECT 1) SELECT 1 FROM customers), 1 FROM customers",
            "WITH a AS (SELECT * FROM b), b AS (SELECT * FROM # AS \"customers\") SELECT (WITH customers AS (SELECT 1) SELECT 1 FROM customers), 1 FROM # AS \"customers\"",
        ),
        (
            "WITH customers AS (SELECT 1) SELECT * FROM public.customers",
            "WITH customers AS (SELECT 1) SELECT * FROM # AS \"customers\"",
        ),
    ] {
        becomes(text, expected);
    }
}

#[test]
fn look_ups_compare_the_column_itself() {
    let moved = |condition: &str| {
        format!(
            "({} WHERE gw.\"email\" OPERATOR(pg_catalog.=) {condition})",
            derived("")
        )
    };
    for (text, expected) in [
        (
            "SELECT id FROM customers WHERE email = 'x'",
            format!(
                "SELECT id FROM {} AS \"customers\" WHERE TRUE",
                moved("'x'")
            ),
        ),
        (
            "SELECT id FROM customers c WHERE c.id > 3 AND ($1::text = c.email) LIMIT 1",
            format!(
                "SELECT id FROM {} c WHERE c.id > 3 AND (TRUE) LIMIT 1",
                moved("CAST($1 AS \"text\")")
            ),
        ),
        (
            "UPDATE orders o SET id = 1 FROM customers c WHERE o.customer_id = c.id AND c.email = 'x'",
            format!(
                "UPDATE orders o SET id = 1 FROM {} c WHERE o.customer_id = c.id AND TRUE",
                moved("'x'")
            ),
        ),
        (
            "DELETE FROM orders USING customers c WHERE c.email = $2",
            format!("DELETE FROM orders USING {} c WHERE TRUE", moved("$2")),
        ),
        (
            "SELECT * FROM orders o, customers c WHERE c.email = E'a\\'b\u{e9}'",
            format!(
                "SELECT * FROM orders o, {} c WHERE TRUE",
                moved("E'a''b\\U000000e9'")
            ),
        ),
        (
            "SELECT 1 FROM customers c WHERE (c.email IN ( 'x' ))",
            format!("SELECT 1 FROM {} c WHERE (TRUE)", moved("'x'")),
        ),
        (
            "SELECT 1 FROM customers WHERE email = 'x'::alias",
            "SELECT 1 FROM # AS \"customers\" WHERE email = 'x'::alias".to_owned(),
        ),
        (
            "SELECT 1 FROM customers WHERE email IN (('x'))",
            "SELECT 1 FROM # AS \"customers\" WHERE email IN (('x'))".to_owned(),
        ),
        (
            "SELECT 1 FROM customers WHERE (email) = 'x'",
            "SELECT 1 FROM # AS \"customers\" WHERE (email) = 'x'".to_owned(),
        ),
        (
            "SELECT 1 FROM customers WHERE email IN ('x', 'y')",
            "SELECT 1 FROM # AS \"customers\" WHERE email IN ('x', 'y')".to_owned(),
        ),
        // Only one of them.
        (
            "SELECT 1 FROM customers WHERE email = 'x' AND email = 'y'",
            format!(
                "SELECT 1 FROM {} AS \"customers\" WHERE email = 'x' AND TRUE",
                moved("'y'")
            ),
        ),
        (
            "SELECT 1 FROM customers WHERE email = 'x' OR id = 1",
            "SELECT 1 FROM # AS \"customers\" WHERE email = 'x' OR id = 1".to_owned(),
        ),
        (
            "SELECT 1 FROM customers WHERE email = lower('x')",
            "SELECT 1 FROM # AS \"customers\" WHERE email = lower('x')".to_owned(),
        ),
        (
            "SELECT 1 FROM orders o LEFT JOIN customers c ON true WHERE c.email = 'x'",
            "SELECT 1 FROM orders o LEFT JOIN # c ON true WHERE c.email = 'x'".to_owned(),
        ),
        (
            "SELECT 1 FROM orders o, customers c WHERE email = 'x'",
            "SELECT 1 FROM orders o, # c WHERE email = 'x'".to_owned(),
        ),
        (
            "SELECT 1 FROM customers c (email, id) WHERE email = 'x'",
            "SELECT 1 FROM # c (email, id) WHERE email = 'x'".to_owned(),
        ),
    ] {
        becomes(text, &expected);
    }
}

#[test]
fn masks_carry_nothing() {
    for text in [
        "SELECT email, upper(email), c FROM customers c",
        "SELECT array_agg(email ORDER BY email) FROM customers WHERE email LIKE 'a%'",
        "SELECT row_to_json(c) FROM customers c",
        "SELECT mail, upper FROM people",
    ] {
        let facts = edited(text, &redacted()).expect(text).facts;
        let Outputs::Columns(outputs) = &facts.outputs else {
            panic!("{text}");
        };
        for output in outputs {
            let sources = output.sources.as_ref().expect(text);
            assert!(
                sources.iter().all(|source| source.column != "email"),
                "{text}: {sources:?}"
            );
        }
        let reads = facts
            .columns
            .iter()
            .filter(|column| column.name == "email" && column.usage != Usage::Other);
        assert_eq!(reads.count(), 0, "{text}: {:?}", facts.columns);
    }
}

/// So that the server's own error reaches the client.
#[test]
fn a_column_that_no_derived_table_has_is_nothing() {
    let facts = edited("SELECT id FROM customers WHERE nope = 1", &redacted());
    let facts = facts.expect("editable").facts;
    assert!(
        facts.columns.iter().all(|column| column.name != "*"),
        "{:?}",
        facts.columns
    );
}

#[test]
fn a_look_up_is_an_equation_of_the_edited_statement() {
    let facts = edited(
        "SELECT count(*) FROM customers WHERE email = 'x'",
        &redacted(),
    )
    .expect("editable")
    .facts;
    let uses: Vec<usize> = facts
        .columns
        .iter()
        .enumerate()
        .filter(|(_, column)| column.name == "email")
        .map(|(at, _)| at)
        .collect();
    assert!(!uses.is_empty());
    assert!(
        uses.iter().all(|at| facts.equated.contains(at)),
        "{facts:?}"
    );
    let Outputs::Columns(outputs) = &facts.outputs else {
        panic!("{facts:?}");
    };
    assert_eq!(
        outputs[0].sources.as_deref(),
        Some([].as_slice()),
        "{facts:?}"
    );
}

#[test]
fn a_mask_written_over_another_table_is_no_mask() {
    let lower = "pg_catalog.lower(VALUE)".to_owned();
    let edits = [replaced(ReplacementValue::Expression(lower))];
    let mask = "CAST(CASE WHEN gw.\"email\" IS NULL THEN NULL ELSE (pg_catalog.lower(gw.\"email\")\n) END AS pg_catalog.text) AS \"email\"";
    let own = edited("SELECT email FROM customers", &edits).expect("editable");
    assert!(own.text.contains(mask), "{}", own.text);
    let text = format!(
        "SELECT upper(s.email) FROM customers, (SELECT {mask} FROM public.staff AS gw) s WHERE customers.id = 1"
    );
    let facts = edited(&text, &edits).expect("editable").facts;
    let Outputs::Columns(outputs) = &facts.outputs else {
        panic!("{facts:?}");
    };
    let sources = outputs[0].sources.as_ref().expect("known");
    assert!(
        sources.iter().any(|source| source.table == "staff"),
        "{sources:?}"
    );
}

#[test]
fn what_cannot_be_edited_with_certainty_is_not() {
    for text in [
        "SELECT 1 FROM customers TABLESAMPLE system (1)",
        // They would store masks, or choose by masks which rows to change.
        "INSERT INTO customers SELECT * FROM customers",
        "UPDATE customers SET email = c.email FROM customers c WHERE c.id = 1",
        "DELETE FROM customers USING customers c WHERE c.email LIKE 'a%'",
        "WITH d AS (DELETE FROM customers RETURNING id) SELECT * FROM customers",
        "MERGE INTO customers USING customers c ON true WHEN MATCHED THEN DELETE",
        "SELECT *, ctid FROM customers",
        "SELECT c, c.xmin FROM customers c",
        "SELECT id, name FROM customers GROUP BY id",
        "SELECT 1 FROM U&\"customers\"",
        "SELECT 1 FROM shop.public.customers",
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT id FROM customers; END",
        "CREATE RULE r AS ON INSERT TO orders DO SELECT email FROM customers",
    ] {
        let found = edited(text, &redacted());
        assert!(found.is_err(), "{text}");
    }
    let off = Settings {
        standard_conforming_strings: false,
        ..Settings::default()
    };
    let text = "SELECT '\\', email FROM customers --'";
    assert!(whole(text, 0, &redacted(), &off).is_err());
}

#[test]
fn a_whole_row_whose_type_is_needed_is_not_edited() {
    for text in [
        "SELECT initial(c) FROM customers c",
        "SELECT public.initial(c.*) FROM customers c",
        "SELECT c.initial FROM customers c",
        "SELECT (c).initial FROM customers c",
        "SELECT c::customers FROM customers c",
        "SELECT ((array_agg(c))[1]).name FROM customers c",
        "SELECT (SELECT customers).name FROM public.customers",
        "SELECT u.name FROM unnest(ARRAY(SELECT c FROM customers c)) u",
        "SELECT to_jsonb(c) FROM customers c (a, b)",
    ] {
        let found = edited(text, &redacted()).map(|edited| edited.text);
        let reason = SubstituteError::Unsupported("the type of a whole row");
        assert_eq!(found, Err(reason), "{text}");
    }
    for text in [
        "SELECT row_to_json(c), c, count(c.*) FROM customers c",
        "SELECT (c).name, ((c.*)).id FROM customers c",
        "SELECT c.*, a, (c).a FROM customers c (a, b)",
        "SELECT (ROW(c.*, 1)).f1 FROM customers c",
        "SELECT initial(c.name), initial(name) FROM customers c",
        "SELECT initial(name), (ARRAY[name])[1]::text FROM customers name",
        "SELECT c.nothing FROM customers c",
    ] {
        let found = edited(text, &redacted());
        assert!(found.is_ok(), "{text}: {found:?}");
    }
}

#[test]
fn the_other_statements_of_a_text_stay_as_they_are() {
    let text = "SELECT 1; SELECT email FROM customers -- one\n; /* two */ SELECT 'x;' FROM orders;";
    let (found, facts) = whole(text, 1, &redacted(), &Settings::default()).expect("editable");
    let expected = format!(
        "SELECT 1; SELECT email FROM ({}) AS \"customers\" -- one\n; /* two */ SELECT 'x;' FROM orders;",
        derived("")
    );
    assert_eq!(found, expected);
    let tables: Vec<usize> = facts.iter().map(|facts| facts.tables.len()).collect();
    assert_eq!(tables, [0, 1, 1]);
}

#[test]
fn system_columns_are_part_of_the_derived_table_where_nothing_lists_them() {
    let found = edited("SELECT ctid, id FROM customers", &redacted());
    let text = found.expect("editable").text;
    assert!(text.contains("AS \"email\", gw.\"ctid\" FROM"), "{text}");
}

#[test]
fn namesakes_are_named_with_their_schema() {
    let edits = [Edit::ReplaceColumn(ColumnReplacement {
        schema: "public".to_owned(),
        table: "staff".to_owned(),
        column: "email".to_owned(),
        value: ReplacementValue::Null,
        look_ups: 0,
    })];
    // Which of the two it is, only the server knows.
    let found = edited("SELECT * FROM staff", &edits);
    assert_eq!(
        found.err(),
        Some(SubstituteError::Ambiguous("staff".to_owned()))
    );
    let found = edited("SELECT * FROM hr.staff", &edits).expect("editable");
    assert_eq!(found.text, "SELECT * FROM hr.staff");
}

#[test]
fn a_policy_expression_names_nothing_that_a_session_could_define() {
    let expression = |text: &str| vec![replaced(ReplacementValue::Expression(text.to_owned()))];
    for allowed in [
        "'x'",
        "NULL",
        "pg_catalog.\"left\"(email, 1) OPERATOR(pg_catalog.||) '...'",
        "CASE WHEN id IS NULL OR NOT (id OPERATOR(pg_catalog.>) 3) THEN name ELSE COALESCE(email, 'x') END",
        "CAST(id AS pg_catalog.text) COLLATE pg_catalog.\"C\"",
    ] {
        let found = edited("SELECT email FROM customers", &expression(allowed));
        assert!(found.is_ok(), "{allowed}: {found:?}");
    }
    for refused in [
        "lower(email)",
        "public.lower(email)",
        "email || 'x'",
        "email = 'x'",
        "email IN ('x')",
        "CASE email WHEN 'x' THEN 'y' END",
        "email::text",
        "missing",
        "customers.email",
        "(SELECT 1)",
        "1), (2",
        "1 FROM orders",
        "1) -- ",
        "'x' COLLATE \"C\"",
        "pg_catalog.count(email)",
        "pg_catalog.pg_read_file('x')",
        "email IS DISTINCT FROM 'x'",
        "NULLIF(email, 'x')",
        "$1",
        "E'\\x41'",
    ] {
        let found = edited("SELECT email FROM customers", &expression(refused));
        assert!(
            matches!(found, Err(SubstituteError::Expression { .. })),
            "{refused}: {found:?}"
        );
    }
}

#[test]
fn partial_masks_and_filters_and_limits_are_written_out() {
    let mask = ReplacementValue::Partial(PartialMask {
        first: 1,
        last: 2,
        fill: '#',
    });
    let edits = [
        replaced(mask),
        Edit::FilterRows(RowFilter {
            schema: "public".to_owned(),
            table: "customers".to_owned(),
            predicate: "id OPERATOR(pg_catalog.<) 9".to_owned(),
        }),
        Edit::CapLimit(5),
    ];
    let found = edited("SELECT * FROM customers LIMIT 100", &edits).expect("editable");
    assert!(
        found.text.ends_with(
            " AS gw WHERE (gw.\"id\" OPERATOR(pg_catalog.<) 9\n)) AS \"customers\" LIMIT 5"
        ),
        "{}",
        found.text
    );
    assert_eq!(found.facts.limit, Some(5));
    for (text, limit) in [
        ("SELECT 1 FROM orders -- end", Some(5)),
        ("SELECT 1 FROM orders FOR UPDATE", Some(5)),
        ("SELECT 1 FROM orders OFFSET 2", Some(5)),
        ("SELECT 1 FROM orders LIMIT ALL", Some(5)),
        ("SELECT 1 FROM orders LIMIT 3", Some(3)),
        ("VALUES (1), (2)", Some(5)),
        ("SELECT 1 UNION SELECT 2 ORDER BY 1", Some(5)),
        ("SELECT 1 FROM orders LIMIT 1 + 1", None),
        (
            "SELECT 1 FROM orders ORDER BY 1 FETCH FIRST 3 ROWS WITH TIES",
            None,
        ),
        ("COPY (SELECT 1) TO STDOUT", None),
    ] {
        let found = edited(text, &[Edit::CapLimit(5)]);
        let cap = found.as_ref().ok().and_then(|found| found.facts.limit);
        assert_eq!(cap, limit, "{text}: {found:?}");
    }
    let found = edited("SELECT * FROM people", &edits);
    assert!(
        found.is_err(),
        "the rows of a view cannot be filtered by its table's columns"
    );
}
