//! The columns that each output carries, construct by construct.
//! A snapshot line reads: output name = sources. A bare source is carried unchanged, `~` marks a computed one, `+` an
//! aggregate, `?` a possible one; `=` before the sources means that the value is certainly one of them unchanged.

use std::fmt::Write;

use crate::{
    Catalog, ColumnSource, Facts, Outputs, RelationKind, Settings, Transform, analyze, on_big_stack,
};

pub(super) fn catalog() -> Catalog {
    let mut catalog = Catalog::builder();
    catalog
        .relation(1, "public", "customers", RelationKind::Table)
        .column(1, 1, "id", 23)
        .column(1, 2, "name", 25)
        .column(1, 3, "email", 25)
        .relation(2, "public", "orders", RelationKind::Table)
        .column(2, 1, "id", 23)
        .column(2, 2, "customer_id", 23)
        .column(2, 3, "total", 1700)
        .relation(3, "public", "notes", RelationKind::Table)
        .column(3, 1, "id", 23)
        .column(3, 2, "body", 25)
        .relation(4, "public", "people", RelationKind::View)
        .column(4, 1, "id", 23)
        .column(4, 2, "mail", 25)
        .depends(4, 1, 1)
        .depends(4, 1, 3)
        .relation(5, "a", "twice", RelationKind::Table)
        .column(5, 1, "x", 25)
        .relation(6, "b", "twice", RelationKind::Table)
        .column(6, 1, "x", 25)
        .column(6, 2, "y", 25)
        .relation(7, "public", "parent", RelationKind::Partitioned)
        .column(7, 1, "k", 25)
        .relation(8, "public", "child", RelationKind::Table)
        .column(8, 1, "k", 25)
        .inherits(8, 7)
        .obscure_function(900, "public", "leak");
    catalog.build()
}

fn facts(text: &str) -> Facts {
    let analysis = on_big_stack(|| analyze(text, &catalog(), &Settings::default()))
        .expect("no panic")
        .expect(text);
    (*analysis.statements[0].facts).clone()
}

fn source(source: &ColumnSource) -> String {
    let mark = match source.transform {
        Transform::Identity => "",
        Transform::Expression => "~",
        Transform::Aggregate => "+",
        Transform::Constant => "c",
        Transform::Unknown => "?",
    };
    format!("{mark}{}.{}", source.table, source.column)
}

fn sources(sources: Option<&[ColumnSource]>, exact: bool) -> String {
    match sources {
        None => "unknown".to_owned(),
        Some([]) => "nothing".to_owned(),
        Some(sources) => {
            let sources: Vec<String> = sources.iter().map(source).collect();
            format!("{}{}", if exact { "=" } else { "" }, sources.join(" "))
        }
    }
}

fn outputs(outputs: &Outputs, into: &mut String) {
    match outputs {
        Outputs::None => {}
        Outputs::Unknown => into.push_str("  unknown columns\n"),
        Outputs::Columns(columns) => {
            for column in columns {
                let name = column.name.as_deref().unwrap_or("(any)");
                let of = sources(column.sources.as_deref(), column.exact);
                let _ = writeln!(into, "  {name}: {of}");
            }
        }
    }
}

/// Every statement with its outputs and flows.
fn rendered(texts: &[&str]) -> String {
    let mut rendered = String::new();
    for text in texts {
        let facts = facts(text);
        let _ = writeln!(rendered, "{text}");
        outputs(&facts.outputs, &mut rendered);
        if facts.inner != Outputs::None {
            rendered.push_str(" inner:\n");
            outputs(&facts.inner, &mut rendered);
        }
        for flow in &facts.flows {
            let of = sources(flow.sources.as_deref(), flow.exact);
            let _ = writeln!(rendered, "  {} <- {of}", source(&flow.target));
        }
    }
    rendered
}

macro_rules! snapshots {
    ($($name:ident: [$($text:expr),* $(,)?])*) => {
        $(#[test]
        fn $name() {
            insta::assert_snapshot!(rendered(&[$($text),*]));
        })*
    };
}

snapshots! {
    names: [
        "SELECT email FROM customers",
        "SELECT c.email AS x, public.customers.id FROM customers c, public.customers",
        "SELECT * FROM customers",
        "SELECT c.*, 1 FROM customers c (a, b)",
        "SELECT a, b, email FROM customers c (a, b)",
        "SELECT id, x FROM customers, (SELECT 1 AS x) s",
        "SELECT ctid, xmin FROM customers",
        "SELECT nowhere FROM customers",
        "SELECT x, y FROM twice",
        "SELECT * FROM twice",
        "SELECT x FROM unresolved, customers",
        "SELECT email FROM unresolved, customers",
        "SELECT k FROM child",
        "SELECT k FROM parent",
        "SELECT mail, upper(mail) FROM people",
    ]
    expressions: [
        "SELECT lower(email), email || name, email::varchar(3), email COLLATE \"C\" FROM customers",
        "SELECT CASE WHEN email LIKE 'a%' THEN 1 ELSE 2 END, coalesce(email, 'x'), nullif(name, email) FROM customers",
        "SELECT greatest(name, email), email IS NULL, email = 'x', NOT (email = 'x' AND id = 1) FROM customers",
        "SELECT ARRAY[name, email], (ARRAY[name])[id], ROW(id, email), (ROW(id, email)).f2 FROM customers",
        "SELECT leak(), leak(id), s.f(id), id::odd, lower(name) FROM customers",
        "SELECT current_user, now(), $1, NULL, 1 + 2, DEFAULT FROM customers",
        "SELECT json_build_object('a', email), JSON_OBJECT('a': email), JSON_ARRAY(SELECT email FROM customers), xmlelement(name x, email) FROM customers",
        "SELECT query_to_xml('x', true, true, ''), email IN ('a', name) FROM customers",
    ]
    whole_rows: [
        "SELECT c FROM customers c",
        "SELECT customers FROM customers",
        "SELECT (c).email, (c).id, (c).* FROM customers c",
        "SELECT email(c), c.email, c.nosuch FROM customers c",
        "SELECT (s.c).email FROM (SELECT c FROM customers c) s",
        "SELECT to_jsonb(c), row_to_json(c.*), c::text, ROW(c.*) FROM customers c",
        "SELECT (s).y FROM (SELECT 1 AS x, email AS y FROM customers) s",
    ]
    subqueries: [
        "SELECT (SELECT email FROM customers WHERE id = 1)",
        "SELECT EXISTS (SELECT 1 FROM customers WHERE email = 'x'), EXISTS (SELECT * FROM customers)",
        "SELECT o.id IN (SELECT id FROM customers WHERE email = 'x') FROM orders o",
        "SELECT ARRAY(SELECT email FROM customers), o.total > ANY (SELECT id FROM customers) FROM orders o",
        "SELECT (SELECT c.name FROM customers c WHERE c.id = o.customer_id) FROM orders o",
        "SELECT (SELECT o.total) FROM orders o",
        "SELECT s.e FROM (SELECT email AS e, id FROM customers WHERE name = 'x') s WHERE s.id = 1",
        "SELECT a, b FROM (SELECT email, id FROM customers) s (a, b)",
        "SELECT (SELECT v FROM (SELECT a.id AS v) s, customers a) FROM orders a",
        "SELECT l.v FROM customers a, LATERAL (SELECT a.email AS v) l",
        "SELECT EXISTS (SELECT generate_series(1, length(email)) FROM customers), EXISTS (SELECT email FROM customers INTERSECT SELECT 'x')",
    ]
    aggregates: [
        "SELECT count(*), count(email), count(DISTINCT email), count(lower(email)) FROM customers",
        "SELECT max(email), array_agg(id ORDER BY email), count(*) FILTER (WHERE email = 'x') FROM customers",
        "SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY total) FROM orders",
        "SELECT row_number() OVER (ORDER BY email), lag(name) OVER w FROM customers WINDOW w AS (PARTITION BY id)",
        "SELECT email, count(*), grouping(email) FROM customers GROUP BY ROLLUP (email) HAVING max(name) > 'x' ORDER BY 1",
    ]
    sets: [
        "SELECT email FROM customers UNION SELECT body FROM notes",
        "SELECT email FROM customers UNION ALL SELECT NULL",
        "SELECT email FROM customers UNION ALL SELECT 'x'",
        "SELECT id, email FROM customers EXCEPT SELECT id, body FROM notes",
        "VALUES (1, 'a'), (2, (SELECT email FROM customers))",
        "TABLE customers",
        "SELECT column2 FROM (VALUES (1, (SELECT email FROM customers))) v",
    ]
    common_tables: [
        "WITH x AS (SELECT email FROM customers) SELECT email, upper(email) FROM x",
        "WITH x (m) AS (SELECT email FROM customers), y AS (SELECT m FROM x) SELECT * FROM y",
        "WITH customers AS (SELECT name AS email FROM customers) SELECT email FROM customers",
        "WITH RECURSIVE t (n, e) AS (SELECT 1, email FROM customers UNION ALL SELECT n + 1, e FROM t) SELECT n, e FROM t",
        "WITH RECURSIVE t (a, b) AS (SELECT email, 'x' FROM customers UNION ALL SELECT b, a FROM t) SELECT a, b FROM t",
        "WITH RECURSIVE t (id) AS (SELECT id FROM customers UNION ALL SELECT o.id FROM orders o, t) SEARCH DEPTH FIRST BY id SET ord CYCLE id SET c USING p SELECT * FROM t",
        "WITH RECURSIVE a AS (SELECT * FROM b), b AS (SELECT email FROM customers) SELECT * FROM a",
        "WITH d AS (DELETE FROM customers RETURNING email) SELECT email FROM d",
        "WITH x AS (SELECT 1 FROM customers WHERE email = 'x') SELECT EXISTS (SELECT FROM x)",
    ]
    joins: [
        "SELECT * FROM customers NATURAL JOIN orders",
        "SELECT id, customers.id, o.total FROM customers JOIN orders o USING (id)",
        "SELECT u.id FROM customers JOIN orders USING (id) AS u",
        "SELECT j.a, j.total FROM (customers JOIN orders USING (id)) AS j (a)",
        "SELECT * FROM customers c FULL JOIN notes n ON c.id = n.id",
        "SELECT e FROM customers c CROSS JOIN LATERAL (SELECT c.email AS e) l",
        "SELECT * FROM customers c JOIN unresolved u USING (id)",
    ]
    functions_in_from: [
        "SELECT g, h FROM generate_series(1, 3) g, generate_series(1, 2) AS h (h)",
        "SELECT t FROM customers, regexp_split_to_table(email, '@') t",
        "SELECT v, o FROM customers, unnest(string_to_array(email, '@')) WITH ORDINALITY AS u (v, o)",
        "SELECT a, b FROM customers, jsonb_to_record(email::jsonb) AS r (a int, b text)",
        "SELECT r.* FROM customers, ROWS FROM (generate_series(1, id), regexp_split_to_table(email, '@')) r (a, b)",
        "SELECT x.* FROM customers, XMLTABLE('/a' PASSING (email::xml) COLUMNS b text PATH 'b', o FOR ORDINALITY) x",
        "SELECT j.* FROM customers, JSON_TABLE(email::jsonb, '$[*]' COLUMNS (a int PATH '$.a', NESTED PATH '$.b[*]' COLUMNS (c text))) j",
        "SELECT email FROM customers TABLESAMPLE SYSTEM (10)",
        "SELECT l FROM leak() l",
    ]
    changes: [
        "INSERT INTO notes (body) SELECT email FROM customers RETURNING id, body",
        "INSERT INTO notes SELECT id, lower(email) FROM customers",
        "INSERT INTO notes VALUES (1, 'x') RETURNING *",
        "INSERT INTO notes AS n (id, body) SELECT id, email FROM customers ON CONFLICT (id) DO UPDATE SET body = n.body || excluded.body RETURNING body",
        "UPDATE notes SET body = c.email FROM customers c WHERE c.id = notes.id RETURNING *",
        "UPDATE notes n SET (id, body) = (SELECT c.id, c.email FROM customers c) RETURNING n.body, old.body, new.body",
        "UPDATE customers SET email = 'x' WHERE id = 1 RETURNING email",
        "DELETE FROM notes USING customers c WHERE c.id = notes.id RETURNING c.email, body",
        "MERGE INTO notes n USING customers c ON c.id = n.id WHEN MATCHED THEN UPDATE SET body = c.email WHEN NOT MATCHED THEN INSERT (id, body) VALUES (c.id, c.name) RETURNING *, merge_action()",
        "CREATE TABLE copy AS SELECT id, email AS e FROM customers",
        "SELECT email INTO copy FROM customers",
        "CREATE VIEW v (m) AS SELECT email FROM customers",
        "INSERT INTO people (mail) SELECT body FROM notes",
        "INSERT INTO unresolved SELECT email FROM customers",
        "EXPLAIN ANALYZE INSERT INTO notes (body) SELECT email FROM customers",
    ]
    copies_and_cursors: [
        "COPY customers TO STDOUT",
        "COPY customers (email, id) TO STDOUT",
        "COPY (SELECT lower(email) FROM customers) TO STDOUT",
        "DECLARE c CURSOR FOR SELECT email FROM customers",
        "COPY customers FROM STDIN",
    ]
}

#[test]
fn a_natural_join_of_columns_without_known_names_may_compare_any() {
    let sql = "SELECT o.total FROM orders o, LATERAL \
               (SELECT 1 FROM customers NATURAL JOIN (SELECT u.* FROM unnest(ARRAY[o.id]) u) u) x";
    let facts = facts(sql);
    let compared = facts
        .columns
        .iter()
        .filter(|column| column.usage == crate::Usage::Join);
    let compared: Vec<&str> = compared.map(|column| column.name.as_str()).collect();
    assert!(compared.contains(&"email"), "{compared:?}");
}

#[test]
fn conditions_on_derived_columns_are_uses_of_the_base() {
    let facts = facts(
        "SELECT s.i FROM (SELECT email AS e, id AS i FROM customers) s WHERE s.e = 'x' ORDER BY s.e",
    );
    for usage in [crate::Usage::Filter, crate::Usage::Order] {
        assert!(
            facts.columns.iter().any(|column| column.table == Some(0)
                && column.name == "email"
                && column.usage == usage),
            "{usage:?}"
        );
    }
}

#[test]
fn a_namesake_may_be_written_from_the_other() {
    let text = "INSERT INTO twice (x) SELECT x FROM b.twice";
    let analysis = on_big_stack(|| analyze(text, &catalog(), &Settings::default()));
    let analysis = analysis.expect("no panic").expect(text);
    let flows = &analysis.statements[0].facts.flows;
    let from_b = flows.iter().any(|flow| {
        let mut sources = flow.sources.iter().flatten();
        flow.target.schema == "a" && sources.any(|source| source.schema == "b")
    });
    assert!(from_b, "{flows:?}");
}
