//! Statements of any size: a part that is repeated, in a row or within itself.

/// A statement that grows with a number.
pub(super) struct Shape {
    pub name: String,
    pub of: Box<dyn Fn(usize) -> String>,
}

/// What is written around parts in a row: before, a part with `#` for its number and `<` for the one before, between, after.
const ROWS: &[(&str, &str, &str, &str)] = &[
    ("SELECT ", "c#", ", ", " FROM t"),
    ("SELECT ", "t.c#", ", ", " FROM t"),
    ("SELECT ", "c# AS x#", ", ", " FROM wide"),
    ("SELECT ", "f#(a)", ", ", " FROM t"),
    ("SELECT ", "own(a)", ", ", " FROM t"),
    ("SELECT ", "'x#'", ", ", ""),
    ("SELECT ", "$#", ", ", ""),
    (
        "SELECT ",
        "(SELECT a FROM t# WHERE b = t.b)",
        ", ",
        " FROM t",
    ),
    (
        "SELECT ",
        "(SELECT email FROM customers WHERE id = #)",
        ", ",
        "",
    ),
    (
        "SELECT ",
        "sum(a) OVER w",
        ", ",
        " FROM t WINDOW w AS (ORDER BY b)",
    ),
    ("SELECT 1", " + #", "", ""),
    ("SELECT 'x'", " || a", "", " FROM t"),
    ("SELECT a", "::text", "", " FROM t"),
    ("SELECT coalesce(", "c#", ", ", ") FROM t"),
    ("SELECT CASE ", "WHEN a = # THEN b", " ", " END FROM t"),
    ("SELECT ARRAY[", "c#", ", ", "] FROM t"),
    ("SELECT ROW(", "c#", ", ", ") FROM t"),
    ("SELECT json_object(", "'k#': a", ", ", ") FROM t"),
    ("SELECT jsonb_build_object(", "'k#', a", ", ", ") FROM t"),
    ("SELECT * FROM ", "t#", ", ", ""),
    ("SELECT a FROM ", "t#", ", ", ""),
    ("SELECT * FROM ", "customers x#", ", ", ""),
    ("SELECT * FROM ", "(SELECT a FROM t#) x#", ", ", ""),
    ("SELECT * FROM t", " JOIN t# USING (a)", "", ""),
    ("SELECT * FROM t", " JOIN t# ON t#.a = t.a", "", ""),
    ("SELECT * FROM t", " NATURAL JOIN t#", "", ""),
    (
        "SELECT * FROM customers x",
        " JOIN customers x# USING (id)",
        "",
        "",
    ),
    (
        "SELECT * FROM t0",
        ", LATERAL (SELECT a FROM t WHERE b = 1) x#",
        "",
        "",
    ),
    ("SELECT * FROM ", "generate_series(1, #) g#", ", ", ""),
    (
        "SELECT * FROM ROWS FROM (",
        "generate_series(1, #)",
        ", ",
        ") x",
    ),
    ("WITH ", "w# AS (SELECT a FROM t)", ", ", " SELECT 1"),
    (
        "WITH w0 AS (SELECT a FROM t), ",
        "w# AS (SELECT a FROM w<)",
        ", ",
        " SELECT 1",
    ),
    (
        "WITH ",
        "w# AS (SELECT email FROM customers)",
        ", ",
        " SELECT * FROM w1",
    ),
    (
        "WITH RECURSIVE ",
        "w# AS (SELECT a FROM t)",
        ", ",
        " SELECT 1",
    ),
    (
        "WITH RECURSIVE ",
        "w# AS (SELECT a FROM t UNION ALL SELECT a FROM w#)",
        ", ",
        " SELECT 1",
    ),
    (
        "WITH ",
        "w# AS (INSERT INTO t (a) VALUES (#) RETURNING a)",
        ", ",
        " SELECT 1",
    ),
    ("", "SELECT a FROM t", " UNION ALL ", ""),
    ("", "SELECT a FROM t#", " UNION ", ""),
    ("", "SELECT email FROM customers", " EXCEPT ", ""),
    ("VALUES ", "(#, 'x')", ", ", ""),
    ("SELECT * FROM (VALUES ", "(#, 'x')", ", ", ") v"),
    ("INSERT INTO t (a, b) VALUES ", "(#, 'x')", ", ", ""),
    ("INSERT INTO wide (", "c#", ", ", ") SELECT 1"),
    ("INSERT INTO wide VALUES (", "#", ", ", ")"),
    ("UPDATE wide SET ", "c# = a", ", ", ""),
    (
        "UPDATE customers SET name = 'x' WHERE ",
        "id = #",
        " OR ",
        "",
    ),
    ("DELETE FROM t USING ", "t#", ", ", ""),
    (
        "MERGE INTO t USING s ON t.a = s.a ",
        "WHEN MATCHED AND s.b = # THEN UPDATE SET b = s.c",
        " ",
        "",
    ),
    ("SELECT a FROM t WHERE ", "c# = 1", " AND ", ""),
    ("SELECT a FROM t WHERE ", "c# = 1", " OR ", ""),
    ("SELECT a FROM t WHERE a IN (", "#", ", ", ")"),
    (
        "SELECT a FROM t WHERE ",
        "EXISTS (SELECT 1 FROM t# WHERE a = t.a)",
        " AND ",
        "",
    ),
    (
        "SELECT a FROM customers WHERE ",
        "id IN (SELECT a FROM t#)",
        " OR ",
        "",
    ),
    ("SELECT a FROM customers WHERE ", "email = 'x#'", " OR ", ""),
    ("SELECT a FROM t WHERE ", "a LIKE 'x#%'", " OR ", ""),
    ("SELECT a FROM t ORDER BY ", "c#", ", ", ""),
    ("SELECT a FROM t ORDER BY ", "1", ", ", ""),
    ("SELECT a FROM t GROUP BY ", "c#", ", ", ""),
    (
        "SELECT a FROM t GROUP BY GROUPING SETS (",
        "(c#)",
        ", ",
        ")",
    ),
    ("SELECT DISTINCT ON (", "c#", ", ", ") a FROM t"),
    ("SELECT a FROM t WINDOW ", "w# AS (ORDER BY c#)", ", ", ""),
    (
        "SELECT * FROM XMLTABLE('/' PASSING a COLUMNS ",
        "c# text PATH 'x'",
        ", ",
        ")",
    ),
    (
        "SELECT * FROM JSON_TABLE('{}', '$' COLUMNS (",
        "c# text PATH '$.x'",
        ", ",
        "))",
    ),
    ("CREATE TABLE n (", "c# text", ", ", ")"),
    ("CREATE TABLE n (", "c# int CHECK (c# > 0)", ", ", ")"),
    ("ALTER TABLE t ", "ADD COLUMN c# text", ", ", ""),
    ("DROP TABLE ", "t#", ", ", ""),
    ("TRUNCATE ", "t#", ", ", ""),
    ("LOCK TABLE ", "t#", ", ", ""),
    ("GRANT SELECT ON ", "t#", ", ", " TO r"),
    ("GRANT SELECT ON t TO ", "r#", ", ", ""),
    ("VACUUM ", "t#", ", ", ""),
    ("COPY t (", "c#", ", ", ") TO STDOUT"),
    ("CREATE INDEX ON t (", "c#", ", ", ")"),
    ("SET search_path = ", "s#", ", ", ""),
    ("EXECUTE p (", "#", ", ", ")"),
    ("CALL p (", "#", ", ", ")"),
    ("", "SELECT #", "; ", ""),
    ("", "SELECT a FROM t#", "; ", ""),
    ("", "SET x.y = #", "; ", ""),
    ("", "INSERT INTO t (a) VALUES (#)", "; ", ""),
    ("", "BEGIN; COMMIT", "; ", ""),
    ("", "CREATE TABLE n# (a int)", "; ", ""),
    ("SELECT 1 ", "/* # */", " ", ""),
    ("SELECT 1 ", "-- #", "\n", ""),
    ("SELECT ", "\"c \"\" #\"", ", ", " FROM t"),
    ("SELECT ", "$x$#$x$", ", ", ""),
    ("SELECT '", "x''", "", "'"),
    ("SELECT e'", "\\\\", "", "'"),
    ("DO $$ BEGIN ", "PERFORM #;", " ", " END $$"),
    (
        "DO $$ BEGIN ",
        "INSERT INTO t (a) VALUES (#);",
        " ",
        " END $$",
    ),
    ("DO $$ DECLARE ", "v# int;", " ", " BEGIN NULL; END $$"),
    (
        "CREATE FUNCTION n() RETURNS int LANGUAGE sql AS $$ ",
        "SELECT a FROM t#",
        "; ",
        " $$",
    ),
    ("SELECT * FROM ", "v#", ", ", ""),
    ("SELECT * FROM ", "part", ", ", ""),
    (
        "SELECT (r).a",
        ", (r).b",
        "",
        " FROM (SELECT t AS r FROM t) x",
    ),
    ("SELECT ", "x.*", ", ", " FROM customers x"),
];

/// What is written around a part that contains itself: before, after, and what is innermost.
const NESTS: &[(&str, &str, &str)] = &[
    ("SELECT * FROM (", ") x", "SELECT a FROM t"),
    ("SELECT a FROM (", ") x", "SELECT a FROM t"),
    ("SELECT a + 1 AS a FROM (", ") x", "SELECT a FROM t"),
    ("SELECT * FROM (", ") x", "SELECT * FROM customers"),
    (
        "SELECT email, count(*) FROM (",
        ") x GROUP BY email",
        "SELECT email FROM customers",
    ),
    ("SELECT a FROM (", ") x WHERE a = 1", "SELECT a FROM t"),
    (
        "SELECT a FROM (",
        ") x ORDER BY a LIMIT 1",
        "SELECT a FROM t",
    ),
    ("SELECT DISTINCT a FROM (", ") x", "SELECT a FROM t"),
    ("SELECT (", ")", "SELECT 1"),
    ("SELECT (", ") FROM t", "SELECT a FROM t"),
    ("SELECT (", ") + 1", "SELECT a FROM t"),
    (
        "SELECT (",
        ") FROM customers",
        "SELECT email FROM customers",
    ),
    ("SELECT a FROM t WHERE a = (", ")", "SELECT 1"),
    ("SELECT a FROM t WHERE a IN (", ")", "SELECT 1"),
    ("SELECT a FROM t WHERE EXISTS (", ")", "SELECT 1"),
    (
        "SELECT a FROM t WHERE NOT EXISTS (",
        ") AND b = 1",
        "SELECT 1",
    ),
    ("SELECT id FROM customers WHERE id IN (", ")", "SELECT 1"),
    ("SELECT a FROM t HAVING (", ") > 1", "SELECT 1"),
    ("SELECT a FROM t ORDER BY (", ")", "SELECT 1"),
    ("SELECT a FROM t LIMIT (", ")", "SELECT 1"),
    ("SELECT CASE WHEN (", ") = 1 THEN 1 END", "SELECT 1"),
    ("SELECT ARRAY(", ")", "SELECT 1"),
    ("(", ") UNION SELECT a FROM t", "SELECT a FROM t"),
    ("SELECT a FROM t UNION ALL (", ")", "SELECT a FROM t"),
    (
        "SELECT email FROM customers EXCEPT (",
        ")",
        "SELECT email FROM customers",
    ),
    ("WITH w AS (", ") SELECT * FROM w", "SELECT a FROM t"),
    (
        "WITH RECURSIVE w AS (",
        ") SELECT * FROM w",
        "SELECT a FROM t",
    ),
    (
        "WITH RECURSIVE w AS (SELECT 1 UNION ALL (",
        ")) SELECT * FROM w",
        "SELECT a FROM t",
    ),
    ("SELECT * FROM t, LATERAL (", ") x", "SELECT a FROM t"),
    ("SELECT * FROM t JOIN (", ") x USING (a)", "SELECT a FROM t"),
    (
        "SELECT * FROM t JOIN (",
        ") x ON x.a = t.a",
        "SELECT a FROM t",
    ),
    ("SELECT f((", "))", "SELECT 1"),
    ("SELECT * FROM generate_series(1, (", ")) g", "SELECT 1"),
];

/// The same for an expression.
const EXPRESSIONS: &[(&str, &str, &str)] = &[
    ("(", ")", "a"),
    ("f(", ")", "a"),
    ("own(", ")", "a"),
    ("own(", ")", "email"),
    ("NOT (", ")", "a"),
    ("- (", ")", "a"),
    ("coalesce(", ", b)", "a"),
    ("CASE WHEN a THEN ", " ELSE b END", "c"),
    ("CASE WHEN ", " THEN b END", "c"),
    ("ROW(", ")", "a"),
    ("ROW(", ", b)", "email"),
    ("ARRAY[", "]", "a"),
    ("(", ")::text", "a"),
    ("(", ") || 'x'", "a"),
    ("'x' || (", ")", "a"),
    ("(", ") = 1", "a"),
    ("(", ") IS NULL", "a"),
    ("((", ").x)", "a"),
    ("((", ")[1])", "a"),
    ("((", ") COLLATE \"C\")", "a"),
    ("(a AND ", ")", "b"),
    ("(a OR ", ")", "b"),
    ("sum(", ") OVER (ORDER BY b)", "a"),
    ("json_object('a': ", ")", "a"),
    ("xmlelement(NAME x, ", ")", "a"),
    ("nullif(", ", b)", "a"),
];

pub(super) fn all() -> Vec<Shape> {
    let mut shapes = Vec::new();
    for (before, part, between, after) in ROWS {
        let name = format!("{before}{part}{between}..{after}");
        let of = move |size: usize| {
            let number = |at: usize| {
                let text = part.replace('#', &at.to_string());
                text.replace('<', &(at - 1).to_string())
            };
            let parts: Vec<String> = (1..=size).map(number).collect();
            format!("{before}{}{after}", parts.join(between))
        };
        let of = Box::new(of);
        shapes.push(Shape { name, of });
    }
    let nested = |open: &str, close: &str, core: &str, size: usize| {
        format!("{}{core}{}", open.repeat(size), close.repeat(size))
    };
    for (open, close, core) in NESTS {
        let of = Box::new(move |size| nested(open, close, core, size / 4));
        let name = format!("{open}..{core}..{close}");
        shapes.push(Shape { name, of });
    }
    for (open, close, core) in EXPRESSIONS {
        let value = move |size: usize| nested(open, close, core, size / 4);
        let places: [(&str, &str); 4] = [
            ("SELECT ", " FROM customers"),
            ("SELECT a FROM customers WHERE ", ""),
            (
                "SELECT * FROM (SELECT ",
                " AS x FROM customers) y GROUP BY x",
            ),
            ("UPDATE t SET a = ", ""),
        ];
        for (before, after) in places {
            let of = Box::new(move |size: usize| format!("{before}{}{after}", value(size)));
            let name = format!("{before}{open}..{core}..{close}{after}");
            shapes.push(Shape { name, of });
        }
    }
    shapes
}
