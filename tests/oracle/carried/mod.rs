//! What the values of an analysed query carry, by PostgreSQL's own resolution of names.

mod failing;
mod field;
mod item;
mod query;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};

use crate::compare::queries;
use crate::node::{Node, Value};

use failing::is_unwritten;
pub use failing::{can_fail, is_plain};

/// A column of a relation: its OID and attribute number.
pub type Column = (u32, i16);
pub type Columns = BTreeSet<Column>;

/// What a value is computed from.
#[derive(Debug, Clone, Default)]
pub struct Carried {
    pub from: Columns,
    /// It differs from every value of these columns, or may.
    pub changed: bool,
}

/// The queries that enclose an expression, the innermost last.
pub type Stack<'t> = Vec<&'t Node>;

pub struct Tree<'t> {
    /// The queries of views, by OID.
    pub views: &'t HashMap<u32, Value>,
    /// The bodies of functions, by OID.
    bodies: &'t HashMap<u32, Value>,
    /// Columns of CTEs that are being read: a recursive one adds nothing to itself.
    open: RefCell<Vec<(*const Node, i64)>>,
    /// Whether what decides over the rows of a subquery counts as carried by its value.
    decisions: Cell<bool>,
    /// Changing statements whose RETURNING is being read: their target shows what was assigned.
    after: RefCell<Vec<*const Node>>,
}

impl Carried {
    pub(super) fn nothing() -> Self {
        Self {
            changed: true,
            ..Self::default()
        }
    }

    pub fn or(&mut self, other: Self) {
        self.from.extend(other.from);
        self.changed |= other.changed;
    }
}

impl<'t> Tree<'t> {
    pub fn new(views: &'t HashMap<u32, Value>, bodies: &'t HashMap<u32, Value>) -> Self {
        Self {
            views,
            bodies,
            open: RefCell::default(),
            decisions: Cell::new(true),
            after: RefCell::default(),
        }
    }

    /// The output columns of the innermost query.
    pub fn outputs(&self, stack: &Stack<'t>) -> Vec<Carried> {
        let Some(query) = stack.last() else {
            return Vec::new();
        };
        targets(query)
            .map(|entry| self.output(stack, entry.number("resno")))
            .collect()
    }

    /// One output column of the innermost query, by number.
    pub fn output(&self, stack: &Stack<'t>, number: i64) -> Carried {
        let Some(query) = stack.last() else {
            return Carried::nothing();
        };
        let key = (std::ptr::from_ref(*query), number);
        if self.open.borrow().contains(&key) {
            return Carried::default();
        }
        self.open.borrow_mut().push(key);
        let value = match query.field("setOperations").node() {
            Some(operation) => self.arms(stack, operation, number),
            None => self.target(stack, query, number),
        };
        self.open.borrow_mut().pop();
        value
    }

    fn target(&self, stack: &Stack<'t>, query: &'t Node, number: i64) -> Carried {
        let Some(entry) = targets(query).find(|entry| entry.number("resno") == number) else {
            return self.added(stack, query, number);
        };
        let changes = query.number("commandType") != 1;
        if changes {
            self.after.borrow_mut().push(query);
        }
        let value = self.carried(stack, entry.field("expr"));
        if changes {
            self.after.borrow_mut().pop();
        }
        value
    }

    /// A column that SEARCH or CYCLE adds behind those of the query.
    fn added(&self, stack: &Stack<'t>, query: &'t Node, _number: i64) -> Carried {
        let mut value = Carried::nothing();
        let above = stack.iter().rev().nth(1);
        let ctes = above
            .into_iter()
            .flat_map(|above| above.field("cteList").nodes());
        let own = |cte: &&Node| {
            cte.field("ctequery")
                .node()
                .is_some_and(|known| std::ptr::eq(known, query))
        };
        for cte in ctes.filter(own) {
            for clause in [
                ("search_clause", "search_col_list"),
                ("cycle_clause", "cycle_col_list"),
            ] {
                let Some(found) = cte.field(clause.0).node() else {
                    continue;
                };
                for name in found.field(clause.1).list() {
                    let names = cte.field("ctecolnames").list();
                    if let Some(at) = names.iter().position(|known| known.word() == name.word()) {
                        value.or(self.output(stack, at as i64 + 1));
                    }
                }
            }
        }
        value
    }

    fn arms(&self, stack: &Stack<'t>, operation: &'t Node, number: i64) -> Carried {
        let mut value = Carried::default();
        // EXCEPT shows rows of its left side only.
        let sides: &[&str] = match operation.number("op") {
            3 => &["larg"],
            _ => &["larg", "rarg"],
        };
        let present = targets(stack[stack.len() - 1]).any(|entry| entry.number("resno") == number);
        if !present {
            return self.added(stack, stack[stack.len() - 1], number);
        }
        for side in sides {
            let Some(arm) = operation.field(side).node() else {
                continue;
            };
            value.or(match arm.kind.as_str() {
                "SETOPERATIONSTMT" => self.arms(stack, arm, number),
                _ => self.column(stack, arm.number("rtindex"), number),
            });
        }
        value
    }

    /// What an expression is computed from, without what decides over the rows of its subqueries.
    pub fn computed_from(&self, stack: &Stack<'t>, value: &'t Value) -> Columns {
        let before = self.decisions.replace(false);
        let from = self.carried(stack, value).from;
        self.decisions.set(before);
        from
    }

    /// What an expression, or a part of one, carries.
    pub fn carried(&self, stack: &Stack<'t>, value: &'t Value) -> Carried {
        match value {
            Value::Node(node) => self.node(stack, node),
            Value::List(list) => {
                let mut all = Carried::nothing();
                for item in list {
                    all.from.extend(self.carried(stack, item).from);
                }
                all
            }
            _ => Carried::nothing(),
        }
    }

    pub(super) fn node(&self, stack: &Stack<'t>, node: &'t Node) -> Carried {
        match node.kind.as_str() {
            "VAR" => self.var(stack, node),
            "CONST" if node.is_true("constisnull") => Carried::default(),
            // Whether a column is NULL counts as nothing of its value, and as a use of it.
            "NULLTEST" if node.field("arg").node().is_some_and(is_plain_column) => {
                Carried::nothing()
            }
            "RELABELTYPE" | "COLLATEEXPR" | "COERCETODOMAIN" | "RETURNINGEXPR" => {
                let arg = if node.kind == "RETURNINGEXPR" {
                    "retexpr"
                } else {
                    "arg"
                };
                self.carried(stack, node.field(arg))
            }
            "FIELDSELECT" => {
                let number = node.number("fieldnum");
                self.field(stack, node.field("arg"), number)
                    .unwrap_or_else(|| {
                        let mut value = self.carried(stack, node.field("arg"));
                        value.changed = true;
                        value
                    })
            }
            // A conversion that is not written is not seen by the gateway.
            "FUNCEXPR" | "COERCEVIAIO" | "ARRAYCOERCEEXPR" if is_unwritten(node) => {
                let arg = if node.kind == "FUNCEXPR" {
                    "args"
                } else {
                    "arg"
                };
                let changed = node
                    .field(arg)
                    .nodes()
                    .next()
                    .is_some_and(|arg| self.node(stack, arg).changed);
                let mut all = Carried::nothing();
                all.changed = changed;
                all.from = self.parts(stack, node);
                all
            }
            "SUBLINK" => self.sublink(stack, node),
            "PARAM" if node.number("paramkind") == 3 => {
                self.assigned_together(stack, node.number("paramid"))
            }
            // Its arguments are not evaluated.
            "GROUPINGFUNC" => Carried::nothing(),
            "AGGREF" => {
                // count(column) shows no value.
                let counts = node.number("aggfnoid") == 2147 && is_plain(node.field("args"));
                let mut all = Carried::nothing();
                for part in ["aggdirectargs", "args", "aggfilter"] {
                    if !(counts && part == "args") {
                        all.from.extend(self.carried(stack, node.field(part)).from);
                    }
                }
                all
            }
            "WINDOWFUNC" => {
                let mut all = self.window(stack, node.number("winref"));
                let counts = node.number("winfnoid") == 2147 && is_plain(node.field("args"));
                for part in ["args", "aggfilter"] {
                    if !(counts && part == "args") {
                        all.from.extend(self.carried(stack, node.field(part)).from);
                    }
                }
                all
            }
            _ => {
                let mut all = Carried::nothing();
                all.from = self.parts(stack, node);
                all
            }
        }
    }

    /// Everything below a node, and what the function returns that it calls.
    fn parts(&self, stack: &Stack<'t>, node: &'t Node) -> Columns {
        let mut all = Columns::new();
        for field in node.fields() {
            all.extend(self.carried(stack, field).from);
        }
        for function in ["funcid", "opfuncid"] {
            all.extend(self.returned(node.number(function)));
        }
        all
    }

    /// What a function's body returns.
    fn returned(&self, function: i64) -> Columns {
        let body = u32::try_from(function)
            .ok()
            .and_then(|oid| self.bodies.get(&oid));
        let Some(query) = body.and_then(|body| queries(body).pop()) else {
            return Columns::new();
        };
        let before = std::mem::take(&mut *self.after.borrow_mut());
        let outputs = self.outputs(&vec![query]);
        *self.after.borrow_mut() = before;
        outputs.into_iter().flat_map(|output| output.from).collect()
    }
}

/// The enclosing queries of what is inside a nested one.
pub fn inside<'t>(stack: &Stack<'t>, query: &'t Value) -> Stack<'t> {
    let mut inner = stack.clone();
    inner.extend(query.node());
    inner
}

/// The output columns of a query.
pub fn targets(query: &Node) -> impl Iterator<Item = &Node> {
    let list = match query.number("commandType") {
        1 => "targetList",
        _ => "returningList",
    };
    // PostgreSQL 18 keeps the list in the query, too.
    query
        .field(list)
        .nodes()
        .filter(|entry| !entry.is_true("resjunk"))
}

/// The assignments of an INSERT, UPDATE or MERGE to columns of its target.
pub fn assignments(query: &Node) -> impl Iterator<Item = &Node> {
    let conflict = query.field("onConflict").node();
    let by_conflict = conflict
        .into_iter()
        .flat_map(|conflict| conflict.field("onConflictSet").nodes());
    let by_merge = query
        .field("mergeActionList")
        .nodes()
        .flat_map(|action| action.field("targetList").nodes());
    let own = query
        .field("targetList")
        .nodes()
        .filter(|_| matches!(query.number("commandType"), 2 | 3));
    own.chain(by_conflict)
        .chain(by_merge)
        .filter(|entry| !entry.is_true("resjunk"))
}

fn is_plain_column(node: &Node) -> bool {
    node.kind == "VAR" && node.number("varattno") > 0
}
