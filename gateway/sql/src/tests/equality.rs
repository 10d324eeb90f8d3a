//! Which uses of a column reveal only whether values are equal.

use super::one;
use crate::Usage;

/// The uses of the column `s`, and whether they reveal only equality.
fn uses(text: &str) -> Vec<(Usage, bool)> {
    let facts = one(text);
    let columns = facts.columns.iter().enumerate();
    columns
        .filter(|(_, column)| column.name == "s" && column.usage != Usage::Output)
        .map(|(at, column)| (column.usage, facts.equated.contains(&at)))
        .collect()
}

#[test]
fn comparisons_with_a_constant_reveal_only_equality() {
    for text in [
        "SELECT id FROM t WHERE s = 5",
        "SELECT id FROM t WHERE 5 = s AND id > 3",
        "SELECT id FROM t WHERE s = $1::int",
        "SELECT id FROM t WHERE s IN ('x')",
        "SELECT id FROM t WHERE s IS NULL",
        "SELECT count(*), max(id) FROM t WHERE s IS NOT NULL",
        "UPDATE t SET a = 1 WHERE s IS NOT NULL",
        "UPDATE t SET a = 1 WHERE s = 'x'",
        "DELETE FROM t WHERE s = 'x' AND id = 4",
        "SELECT id FROM t WHERE id IN (SELECT id FROM t WHERE s = 5)",
    ] {
        assert_eq!(uses(text), [(Usage::Filter, true)], "{text}");
    }
    for text in [
        "SELECT count(*) FROM t GROUP BY s",
        "SELECT s FROM t GROUP BY 1",
        "SELECT DISTINCT s FROM t",
    ] {
        // The server may sort to group, and the order is visible.
        assert_eq!(uses(text), [(Usage::Group, false)], "{text}");
    }
    assert_eq!(
        uses("SELECT count(s) FROM t"),
        [(Usage::Aggregate, true), (Usage::Argument, true)]
    );
}

#[test]
fn whether_a_value_is_null_is_no_value() {
    for text in [
        "SELECT id, s IS NULL AS missing FROM t",
        "SELECT NOT s IS NOT NULL FROM t",
    ] {
        assert_eq!(uses(text), [(Usage::Argument, true)], "{text}");
    }
    assert_eq!(
        uses("SELECT id FROM t ORDER BY s IS NULL"),
        [(Usage::Order, false)]
    );
    assert_eq!(
        uses("SELECT (s || 'x') IS NULL FROM t WHERE s NOT IN ('x')"),
        [(Usage::Filter, false)]
    );
}

#[test]
fn everything_else_reveals_more() {
    for text in [
        "SELECT id FROM t WHERE s > 5",
        "SELECT id FROM t WHERE s IS NOT NULL",
        "SELECT id FROM t WHERE s IS NOT NULL ORDER BY a",
        "SELECT array_agg(id) FROM t WHERE s IS NOT NULL",
        "DELETE FROM t WHERE s IS NOT NULL RETURNING id",
        "SELECT id FROM t WHERE s <> 5",
        "SELECT id FROM t WHERE s LIKE 'a'",
        "SELECT id FROM t WHERE s IN (1, 2)",
        "SELECT id FROM t WHERE s = ANY ($1)",
        "SELECT id FROM t WHERE s = 1 OR s = 2",
        "SELECT id FROM t WHERE NOT (s = 1)",
        "SELECT id FROM t WHERE s = 1 AND s < 3",
        "SELECT id FROM t WHERE s + 0 = 1",
        "SELECT id FROM t WHERE s = (SELECT 1)",
        "SELECT id FROM t WHERE s = a",
        "SELECT id FROM t WHERE s OPERATOR(odd.=) 1",
        "SELECT city FROM t GROUP BY city HAVING s = 1",
        "SELECT a FROM t JOIN u ON s = 1",
        "SELECT a FROM t JOIN u USING (s)",
        "SELECT a FROM t ORDER BY s",
        "SELECT a FROM t GROUP BY s > 5",
        "SELECT count(*) FROM (SELECT DISTINCT s > 5 FROM t) AS q",
        "SELECT count(s) FILTER (WHERE s > 1) FROM t",
        "SELECT count(nullif(s, 1)) FROM t",
        "SELECT row_number() OVER (ORDER BY s) FROM t",
        "SELECT s FROM t INTERSECT SELECT 1",
        "SELECT a FROM u LIMIT (SELECT s FROM t)",
    ] {
        let found = uses(text);
        assert!(
            !found.is_empty() && found.iter().any(|(_, equated)| !equated),
            "{text}: {found:?}"
        );
    }
}

#[test]
fn exists_reveals_nothing_of_its_select_list() {
    assert_eq!(uses("SELECT id FROM u WHERE EXISTS (SELECT s FROM t)"), []);
}
