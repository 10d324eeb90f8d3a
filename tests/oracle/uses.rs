//! Where an analysed statement uses columns other than as its output, and what it writes.

use std::collections::BTreeSet;

use crate::carried::{
    Column, Columns, Stack, Tree, assignments, can_fail, inside, is_plain, targets,
};
use crate::node::{Node, Value};

/// Columns that are used in one place.
#[derive(Debug)]
pub struct Use {
    pub place: &'static str,
    pub columns: Columns,
    /// Only compared with a constant for equality, or for being NULL.
    pub equation: bool,
    /// Nothing else tells that the columns are used; else it suffices that an output or a written column is computed from them.
    pub alone: bool,
}

/// What is written into a column.
#[derive(Debug)]
pub struct Written {
    pub target: Column,
    pub columns: Columns,
}

/// What a statement does besides returning rows.
#[derive(Debug, Default)]
pub struct Effects {
    pub uses: Vec<Use>,
    pub written: Vec<Written>,
    pub relations: BTreeSet<u32>,
}

pub struct Reader<'r, 't> {
    pub tree: &'r Tree<'t>,
    /// The equality operators of pg_catalog, and all its comparisons.
    pub equality: &'r BTreeSet<u32>,
    pub comparisons: &'r BTreeSet<u32>,
    pub effects: Effects,
}

/// How a query's rows are used.
#[derive(Clone, Copy, PartialEq)]
enum Rows {
    /// Returned to the client, who sees what they carry.
    Returned,
    /// Read by an enclosing query, which may drop columns after they were computed.
    Read,
    /// Only counted: EXISTS.
    Counted,
}

impl<'t> Reader<'_, 't> {
    pub fn statement(&mut self, query: &'t Node) {
        self.query(&vec![query], Rows::Returned);
    }

    fn query(&mut self, stack: &Stack<'t>, rows: Rows) {
        let query = stack[stack.len() - 1];
        for item in query.field("rtable").nodes() {
            self.item(stack, item);
            // VALUES by itself is what a statement returns.
            if rows == Rows::Read || query.field("rtable").list().len() > 1 {
                self.values(stack, item);
            }
        }
        for cte in query.field("cteList").nodes() {
            self.query(&inside(stack, cte.field("ctequery")), Rows::Read);
        }
        self.conditions(stack, query);
        self.clauses(stack, query);
        self.changes(stack, query);
        for entry in targets(query) {
            let value = entry.field("expr");
            if rows == Rows::Read {
                self.computed("a computed column", stack, value);
            }
        }
        for field in [
            "targetList",
            "returningList",
            "jointree",
            "havingQual",
            "limitCount",
            "limitOffset",
            "mergeActionList",
            "mergeJoinCondition",
            "onConflict",
        ] {
            self.inside(stack, query.field(field));
        }
    }

    fn item(&mut self, stack: &Stack<'t>, item: &'t Node) {
        if let Ok(oid) = u32::try_from(item.number("relid"))
            && oid != 0
            && item.number("rtekind") == 0
        {
            self.effects.relations.insert(oid);
        }
        if let Some(subquery) = item.field("subquery").node() {
            let mut inner = stack.clone();
            inner.push(subquery);
            self.query(&inner, Rows::Read);
        }
        for (field, place) in [
            ("functions", "a function in FROM"),
            ("tablefunc", "a table function"),
            ("tablesample", "TABLESAMPLE"),
        ] {
            self.uses(place, stack, item.field(field));
            self.inside(stack, item.field(field));
        }
        self.inside(stack, item.field("values_lists"));
        // Grouped expressions and merged columns are where the rest of the query has them.
    }

    fn values(&mut self, stack: &Stack<'t>, item: &'t Node) {
        for row in item.field("values_lists").list() {
            for value in row.list() {
                self.computed("a computed column of VALUES", stack, value);
            }
        }
    }

    /// WHERE, JOIN, HAVING, LIMIT.
    fn conditions(&mut self, stack: &Stack<'t>, query: &'t Node) {
        if let Some(from) = query.field("jointree").node() {
            self.conjuncts(stack, from.field("quals"));
            for item in from.field("fromlist").nodes() {
                self.joins(stack, item);
            }
        }
        for (field, place) in [
            ("havingQual", "HAVING"),
            ("limitCount", "LIMIT"),
            ("limitOffset", "OFFSET"),
            ("mergeJoinCondition", "MERGE ON"),
        ] {
            self.uses(place, stack, query.field(field));
        }
    }

    fn joins(&mut self, stack: &Stack<'t>, item: &'t Node) {
        if item.kind == "JOINEXPR" {
            self.uses("JOIN", stack, item.field("quals"));
            for side in ["larg", "rarg"] {
                for item in item.field(side).nodes() {
                    self.joins(stack, item);
                }
            }
        }
    }

    fn conjuncts(&mut self, stack: &Stack<'t>, condition: &'t Value) {
        match condition.node() {
            Some(node) if is_and(node) => {
                for part in node.field("args").list() {
                    self.conjuncts(stack, part);
                }
            }
            Some(node) => {
                let value = self.tree.carried(stack, condition);
                let equation = self.equated(node).is_some_and(|column| {
                    let column = self.tree.carried(stack, column);
                    !column.changed && column.from == value.from
                });
                let columns = self.tree.computed_from(stack, condition);
                self.add("WHERE", columns, equation);
            }
            None => {}
        }
    }

    /// The column that is compared with a constant, or tested for NULL.
    fn equated(&self, node: &'t Node) -> Option<&'t Value> {
        match node.kind.as_str() {
            "NULLTEST" => Some(node.field("arg")).filter(|arg| is_column(arg)),
            "OPEXPR" => {
                let operator = u32::try_from(node.number("opno")).ok()?;
                let [left, right] = node.field("args").list() else {
                    return None;
                };
                if !self.equality.contains(&operator) {
                    return None;
                }
                let (left_inner, right_inner) = (unconverted(left), unconverted(right));
                if is_column(left_inner) && is_given(right) {
                    return Some(left_inner);
                }
                (is_column(right_inner) && is_given(left)).then_some(right_inner)
            }
            _ => None,
        }
    }

    /// GROUP BY, DISTINCT, ORDER BY, windows, and set operations that compare rows.
    fn clauses(&mut self, stack: &Stack<'t>, query: &'t Node) {
        for (field, place) in [
            ("groupClause", "GROUP BY"),
            ("distinctClause", "DISTINCT"),
            ("sortClause", "ORDER BY"),
        ] {
            let columns = self.tree.referred(stack, query.field(field)).from;
            self.add(place, columns, false);
        }
        for window in query.field("windowClause").nodes() {
            for field in ["partitionClause", "orderClause"] {
                let columns = self.tree.referred(stack, window.field(field)).from;
                self.add("a window", columns, false);
            }
            for field in ["startOffset", "endOffset"] {
                self.uses("a window's frame", stack, window.field(field));
            }
        }
        if let Some(operation) = query.field("setOperations").node() {
            self.operation(stack, operation);
        }
    }

    fn operation(&mut self, stack: &Stack<'t>, operation: &'t Node) {
        let compares = operation.number("op") != 1 || !operation.is_true("all");
        for side in ["larg", "rarg"] {
            let Some(arm) = operation.field(side).node() else {
                continue;
            };
            if arm.kind == "SETOPERATIONSTMT" {
                self.operation(stack, arm);
            }
            if compares {
                self.compared(stack, arm);
            }
        }
    }

    fn compared(&mut self, stack: &Stack<'t>, arm: &'t Node) {
        if arm.kind == "SETOPERATIONSTMT" {
            for side in ["larg", "rarg"] {
                for arm in arm.field(side).nodes() {
                    self.compared(stack, arm);
                }
            }
            return;
        }
        let query = stack[stack.len() - 1];
        let at = usize::try_from(arm.number("rtindex") - 1).unwrap_or(0);
        let leaf = query.field("rtable").list().get(at).and_then(Value::node);
        if let Some(leaf) = leaf {
            for column in self.tree.outputs(&inside(stack, leaf.field("subquery"))) {
                self.add("a set operation", column.from, false);
            }
        }
    }

    /// INSERT, UPDATE, DELETE and MERGE.
    fn changes(&mut self, stack: &Stack<'t>, query: &'t Node) {
        let at = usize::try_from(query.number("resultRelation") - 1).ok();
        let target = at.and_then(|at| query.field("rtable").list().get(at)?.node());
        let Some(oid) = target.and_then(|target| u32::try_from(target.number("relid")).ok()) else {
            return;
        };
        for entry in assignments(query) {
            let columns = self.tree.carried(stack, entry.field("expr")).from;
            if let Ok(number) = i16::try_from(entry.number("resno")) {
                let target = (oid, number);
                self.effects.written.push(Written { target, columns });
            }
        }
        for action in query.field("mergeActionList").nodes() {
            self.uses("MERGE WHEN", stack, action.field("qual"));
        }
        if let Some(conflict) = query.field("onConflict").node() {
            for field in ["arbiterWhere", "onConflictWhere"] {
                self.uses("ON CONFLICT WHERE", stack, conflict.field(field));
            }
            let many = query
                .field("rtable")
                .nodes()
                .any(|item| matches!(item.number("rtekind"), 1 | 5));
            for element in conflict.field("arbiterElems").nodes() {
                let value = element.field("expr");
                let columns = self.tree.carried(stack, value).from;
                self.add("ON CONFLICT", columns, is_column(value) && !many);
            }
        }
    }

    /// Subqueries and aggregates inside expressions.
    fn inside(&mut self, stack: &Stack<'t>, value: &'t Value) {
        match value {
            Value::List(list) => list.iter().for_each(|item| self.inside(stack, item)),
            Value::Node(node) => {
                match node.kind.as_str() {
                    "QUERY" => return,
                    "SUBLINK" => {
                        let rows = if node.number("subLinkType") == 0 {
                            Rows::Counted
                        } else {
                            Rows::Read
                        };
                        let inner = inside(stack, node.field("subselect"));
                        self.query(&inner, rows);
                        self.inside(stack, node.field("testexpr"));
                        return;
                    }
                    "AGGREF" => self.aggregate(stack, node, "aggfnoid"),
                    "WINDOWFUNC" => self.aggregate(stack, node, "winfnoid"),
                    _ => {}
                }
                node.fields().for_each(|field| self.inside(stack, field));
            }
            _ => {}
        }
    }

    fn aggregate(&mut self, stack: &Stack<'t>, call: &'t Node, function: &str) {
        let args = call.field("args");
        let plain =
            call.number(function) == 2147 && is_plain(args) && call.field("aggfilter").is_null();
        let columns = self.tree.computed_from(stack, args);
        let counts = plain && function == "aggfnoid" && call.field("aggorder").is_null();
        self.add("an aggregate", columns, counts);
        for part in ["aggdirectargs", "aggfilter"] {
            self.uses("an aggregate", stack, call.field(part));
        }
    }

    /// The value may be dropped, but whether computing it failed shows.
    fn computed(&mut self, place: &'static str, stack: &Stack<'t>, value: &'t Value) {
        let columns = self.tree.computed_from(stack, value);
        if !columns.is_empty() && can_fail(value, self.comparisons) {
            self.effects.uses.push(Use {
                place,
                columns,
                equation: false,
                alone: false,
            });
        }
    }

    fn uses(&mut self, place: &'static str, stack: &Stack<'t>, value: &'t Value) {
        let columns = self.tree.computed_from(stack, value);
        self.add(place, columns, false);
    }

    fn add(&mut self, place: &'static str, columns: Columns, equation: bool) {
        if !columns.is_empty() {
            self.effects.uses.push(Use {
                place,
                columns,
                equation,
                alone: true,
            });
        }
    }
}

fn is_and(node: &Node) -> bool {
    node.kind == "BOOLEXPR" && node.field("boolop").word() == "and"
}

fn is_column(value: &Value) -> bool {
    value.node().is_some_and(|node| match node.kind.as_str() {
        "VAR" => true,
        "RELABELTYPE" => is_column(node.field("arg")),
        _ => false,
    })
}

/// The argument of a built-in conversion that is not written, as in `int_column = 1::numeric`: equality of what it gives tells no more
/// than equality of the values.
fn unconverted(value: &Value) -> &Value {
    const FIRST_OWN_FUNCTION: i64 = 16_384;
    match value.node() {
        Some(node)
            if node.kind == "FUNCEXPR"
                && node.number("funcformat") == 2
                && node.number("funcid") < FIRST_OWN_FUNCTION =>
        {
            match node.field("args").list() {
                [only] => only,
                _ => value,
            }
        }
        _ => value,
    }
}

/// A constant or parameter, converted or not.
fn is_given(value: &Value) -> bool {
    value.nodes().all(|node| match node.kind.as_str() {
        "CONST" | "PARAM" => true,
        "RELABELTYPE" | "COERCEVIAIO" => is_given(node.field("arg")),
        "FUNCEXPR" if node.number("funcformat") != 0 => is_given(node.field("args")),
        _ => false,
    })
}
