//! What is reported of output columns.

use super::one;
use crate::Outputs;

/// One letter per column: `c` provably carries no column, `?` is unknown.
fn outputs(text: &str) -> String {
    match one(text).outputs {
        Outputs::None => "none".to_owned(),
        Outputs::Unknown => "unknown".to_owned(),
        Outputs::Columns(columns) => columns
            .iter()
            .map(|column| match column.sources.as_deref() {
                Some([]) => 'c',
                _ => '?',
            })
            .collect(),
    }
}

#[test]
fn outputs_are_known_only_if_they_are_certain() {
    for (text, expected) in [
        ("SELECT 1, 'a', NULL, $1, -5, 1.5, true", "ccccccc"),
        ("SELECT count(*), count(a), now(), version() FROM t", "cccc"),
        ("SELECT CURRENT_TIMESTAMP, current_date", "cc"),
        ("SELECT 1::text, $1::int, 1::odd, 1 + 2, 'a' || $1", "ccccc"),
        (
            "SELECT a, max(a), lower(a), (SELECT a FROM t) FROM t",
            "????",
        ),
        ("SELECT s.now(), now(t), count(t) FROM t", "??c"),
        ("SELECT * FROM t", "unknown"),
        ("SELECT t.*, 1 FROM t", "unknown"),
        ("SELECT (t).* FROM t", "unknown"),
        ("SELECT 1 UNION SELECT 2", "c"),
        ("SELECT 1 UNION SELECT a FROM t", "?"),
        ("VALUES (1, 'a'), ($1, NULL)", "cc"),
        ("VALUES (1, (SELECT a FROM t)), (2, 3)", "c?"),
        ("SELECT 1 UNION VALUES (1)", "c"),
        ("SHOW all", "unknown"),
        ("EXPLAIN SELECT 1", "unknown"),
        ("DELETE FROM t WHERE a = 1", "none"),
        ("DELETE FROM t WHERE a = 1 RETURNING a, 1", "?c"),
        ("SELECT 1 INTO t", "none"),
        ("WITH x AS (SELECT 1) SELECT 1 FROM x", "c"),
    ] {
        assert_eq!(outputs(text), expected, "{text}");
    }
}

/// The columns of a level come before those of its NESTED paths, wherever they are written.
#[test]
fn columns_of_json_table_are_in_the_servers_order() {
    let facts = one(
        "SELECT * FROM JSON_TABLE('[]', '$[*]' COLUMNS (NESTED PATH '$.a' COLUMNS (NESTED PATH '$.b' COLUMNS (a int), b int), c int, \
         NESTED PATH '$.d' COLUMNS (d int), e int)) j",
    );
    let Outputs::Columns(columns) = &facts.outputs else {
        panic!("the columns are known");
    };
    let names: Vec<&str> = columns
        .iter()
        .filter_map(|column| column.name.as_deref())
        .collect();
    assert_eq!(names, ["c", "e", "b", "a", "d"]);
}
