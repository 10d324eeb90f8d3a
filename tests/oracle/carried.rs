//! What the values of an analysed query carry, by PostgreSQL's own resolution of names.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};

use crate::compare::queries;
use crate::node::{Node, Value};

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

mod rte {
    pub const RELATION: i64 = 0;
    pub const SUBQUERY: i64 = 1;
    pub const JOIN: i64 = 2;
    pub const FUNCTION: i64 = 3;
    pub const TABLEFUNC: i64 = 4;
    pub const VALUES: i64 = 5;
    pub const CTE: i64 = 6;
    pub const GROUP: i64 = 9;
}

impl Carried {
    fn nothing() -> Self {
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

    fn node(&self, stack: &Stack<'t>, node: &'t Node) -> Carried {
        match node.kind.as_str() {
            "VAR" => self.var(stack, node),
            "CONST" if node.is_true("constisnull") => Carried::default(),
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

    /// What decides over the rows of a window.
    fn window(&self, stack: &Stack<'t>, number: i64) -> Carried {
        let mut all = Carried::nothing();
        let Some(query) = stack.last() else {
            return all;
        };
        for window in query
            .field("windowClause")
            .nodes()
            .filter(|window| window.number("winref") == number)
        {
            for clause in ["partitionClause", "orderClause"] {
                all.from
                    .extend(self.referred(stack, window.field(clause)).from);
            }
            for part in ["startOffset", "endOffset"] {
                all.from
                    .extend(self.carried(stack, window.field(part)).from);
            }
        }
        all
    }

    /// The targets that the items of a sort or group clause refer to.
    pub fn referred(&self, stack: &Stack<'t>, clause: &'t Value) -> Carried {
        let mut all = Carried::nothing();
        let Some(query) = stack.last() else {
            return all;
        };
        for item in clause.nodes() {
            let wanted = item.number("tleSortGroupRef");
            let found = query
                .field("targetList")
                .nodes()
                .find(|entry| entry.number("ressortgroupref") == wanted);
            let Some(entry) = found else { continue };
            let value = match query.field("setOperations").node() {
                Some(operation) => self.arms(stack, operation, entry.number("resno")),
                None => self.carried(stack, entry.field("expr")),
            };
            all.from.extend(value.from);
        }
        all
    }

    fn sublink(&self, stack: &Stack<'t>, link: &'t Node) -> Carried {
        let inside = inside(stack, link.field("subselect"));
        let mut all = Carried::nothing();
        all.from = self.chosen(&inside);
        // EXISTS shows nothing of the select list.
        match link.number("subLinkType") {
            0 => {}
            4 => {
                let mut columns = self.outputs(&inside);
                if let (1, Some(only)) = (columns.len(), columns.pop()) {
                    all.changed = only.changed;
                    all.from.extend(only.from);
                }
            }
            _ => {
                for column in self.outputs(&inside) {
                    all.from.extend(column.from);
                }
                all.from
                    .extend(self.carried(stack, link.field("testexpr")).from);
            }
        }
        all
    }

    /// What decides which rows a query has.
    pub fn chosen(&self, stack: &Stack<'t>) -> Columns {
        let Some(query) = stack.last() else {
            return Columns::new();
        };
        let mut all = Columns::new();
        if !self.decisions.get() {
            return all;
        }
        for field in ["jointree", "havingQual", "limitCount", "limitOffset"] {
            all.extend(self.carried(stack, query.field(field)).from);
        }
        for item in query.field("rtable").nodes() {
            if item.number("rtekind") == rte::SUBQUERY {
                all.extend(self.chosen(&inside(stack, item.field("subquery"))));
            }
        }
        all
    }

    /// A part of `(a, b) = (SELECT ...)`.
    fn assigned_together(&self, stack: &Stack<'t>, id: i64) -> Carried {
        let (link, column) = (id >> 16, id & 0xFFFF);
        let Some(query) = stack.last() else {
            return Carried::nothing();
        };
        let entries = query
            .field("targetList")
            .nodes()
            .chain(
                query
                    .field("onConflict")
                    .node()
                    .into_iter()
                    .flat_map(|conflict| conflict.field("onConflictSet").nodes()),
            )
            .chain(
                query
                    .field("mergeActionList")
                    .nodes()
                    .flat_map(|action| action.field("targetList").nodes()),
            );
        let links = entries.filter_map(|entry| entry.field("expr").node());
        for found in
            links.filter(|found| found.kind == "SUBLINK" && found.number("subLinkId") == link)
        {
            let inside = inside(stack, found.field("subselect"));
            let mut value = self.output(&inside, column);
            value.from.extend(self.chosen(&inside));
            return value;
        }
        Carried::nothing()
    }

    fn var(&self, stack: &Stack<'t>, var: &'t Node) -> Carried {
        let up = usize::try_from(var.number("varlevelsup")).unwrap_or(0);
        let Some(depth) = stack.len().checked_sub(up).filter(|depth| *depth > 0) else {
            return Carried::nothing();
        };
        let outer = stack[..depth].to_vec();
        let (item, number) = (var.number("varno"), var.number("varattno"));
        if number == 0 {
            let mut row = Carried::nothing();
            for number in numbers(&outer, item) {
                row.from
                    .extend(self.column_now(&outer, item, number, var).from);
            }
            return row;
        }
        self.column_now(&outer, item, number, var)
    }

    /// A column as RETURNING shows it, if that is being read.
    fn column_now(&self, stack: &Stack<'t>, item: i64, number: i64, var: &Node) -> Carried {
        let mut value = self.column(stack, item, number);
        let query = stack[stack.len() - 1];
        let old = var.number("varreturningtype") == 1;
        let shows = self
            .after
            .borrow()
            .iter()
            .any(|known| std::ptr::eq(*known, query));
        if shows && !old && query.number("resultRelation") == item {
            let before = std::mem::take(&mut *self.after.borrow_mut());
            value.or(self.assigned(stack, number));
            *self.after.borrow_mut() = before;
        }
        value
    }

    /// What a changing statement assigns to a column of its target.
    pub fn assigned(&self, stack: &Stack<'t>, number: i64) -> Carried {
        let query = stack[stack.len() - 1];
        let mut value = Carried::default();
        for entry in assignments(query).filter(|entry| entry.number("resno") == number) {
            value.or(self.carried(stack, entry.field("expr")));
        }
        value
    }

    /// A column of an item of FROM.
    pub fn column(&self, stack: &Stack<'t>, at: i64, number: i64) -> Carried {
        let Some(item) = item_of(stack, at) else {
            return Carried::nothing();
        };
        let nth = usize::try_from(number - 1).ok();
        let query = stack[stack.len() - 1];
        let conflict = query.field("onConflict").node();
        if conflict.is_some_and(|conflict| conflict.number("exclRelIndex") == at) {
            let mut value = Carried::default();
            for entry in query
                .field("targetList")
                .nodes()
                .filter(|entry| entry.number("resno") == number)
            {
                value.or(self.carried(stack, entry.field("expr")));
            }
            return value;
        }
        match item.number("rtekind") {
            rte::RELATION => self.of_relation(item, number),
            rte::SUBQUERY => self.output(&inside(stack, item.field("subquery")), number),
            rte::JOIN | rte::GROUP => {
                let field = if item.number("rtekind") == rte::JOIN {
                    "joinaliasvars"
                } else {
                    "groupexprs"
                };
                let part = nth.and_then(|nth| item.field(field).list().get(nth));
                part.map_or_else(Carried::nothing, |part| {
                    let merged = part
                        .node()
                        .is_some_and(|part| part.kind.starts_with("COALESCE"));
                    let mut value = self.carried(stack, part);
                    value.changed &= !merged;
                    value
                })
            }
            rte::VALUES => {
                let mut value = Carried::default();
                for row in item.field("values_lists").list() {
                    if let Some(part) = nth.and_then(|nth| row.list().get(nth)) {
                        value.or(self.carried(stack, part));
                    }
                }
                value
            }
            rte::CTE => self.of_cte(stack, item, number),
            rte::FUNCTION => self.of_function(stack, item, number),
            rte::TABLEFUNC => self.carried(stack, item.field("tablefunc")),
            _ => Carried::nothing(),
        }
    }

    fn of_relation(&self, item: &'t Node, number: i64) -> Carried {
        let (Ok(oid), Ok(number)) = (u32::try_from(item.number("relid")), i16::try_from(number))
        else {
            return Carried::nothing();
        };
        let mut value = Carried::default();
        if number > 0 {
            value.from.insert((oid, number));
            if let Some(view) = self.views.get(&oid).and_then(|view| view.nodes().next()) {
                let before = std::mem::take(&mut *self.after.borrow_mut());
                value.or(self.output(&vec![view], i64::from(number)));
                *self.after.borrow_mut() = before;
            }
        }
        value
    }

    fn of_cte(&self, stack: &Stack<'t>, item: &'t Node, number: i64) -> Carried {
        let up = usize::try_from(item.number("ctelevelsup")).unwrap_or(0);
        let Some(depth) = stack.len().checked_sub(up).filter(|depth| *depth > 0) else {
            return Carried::nothing();
        };
        let outer = stack[..depth].to_vec();
        let name = item.field("ctename").word();
        let found = outer[depth - 1]
            .field("cteList")
            .nodes()
            .find(|cte| cte.field("ctename").word() == name);
        found.map_or_else(Carried::nothing, |cte| {
            self.output(&inside(&outer, cte.field("ctequery")), number)
        })
    }

    fn of_function(&self, stack: &Stack<'t>, item: &'t Node, number: i64) -> Carried {
        let mut before = 0;
        for function in item.field("functions").nodes() {
            before += function.number("funccolcount");
            if number <= before {
                let mut value = self.carried(stack, function.field("funcexpr"));
                value.changed = true;
                return value;
            }
        }
        Carried::nothing()
    }

    /// One field of a row, if its parts can be told apart.
    fn field(&self, stack: &Stack<'t>, value: &'t Value, number: i64) -> Option<Carried> {
        let node = value.node()?;
        match node.kind.as_str() {
            "ROWEXPR" | "ROW" => {
                let part = node
                    .field("args")
                    .list()
                    .get(usize::try_from(number - 1).ok()?)?;
                Some(self.carried(stack, part))
            }
            "VAR" => {
                let up = usize::try_from(node.number("varlevelsup")).ok()?;
                let outer = stack[..stack.len().checked_sub(up)?].to_vec();
                let (at, column) = (node.number("varno"), node.number("varattno"));
                if column == 0 {
                    return Some(self.column_now(&outer, at, number, node));
                }
                self.field_of_column(&outer, at, column, number)
            }
            "SUBLINK" if node.number("subLinkType") == 4 => {
                let inner = inside(stack, node.field("subselect"));
                let mut value = self.field_of_query(&inner, 1, number)?;
                value.from.extend(self.chosen(&inner));
                Some(value)
            }
            _ => None,
        }
    }
}

impl<'t> Tree<'t> {
    /// One field of a column that is a row.
    fn field_of_column(
        &self,
        stack: &Stack<'t>,
        at: i64,
        column: i64,
        number: i64,
    ) -> Option<Carried> {
        let item = item_of(stack, at)?;
        let nth = usize::try_from(column - 1).ok()?;
        match item.number("rtekind") {
            rte::SUBQUERY => {
                self.field_of_query(&inside(stack, item.field("subquery")), column, number)
            }
            rte::CTE => {
                let up = usize::try_from(item.number("ctelevelsup")).ok()?;
                let outer = stack[..stack.len().checked_sub(up)?].to_vec();
                let name = item.field("ctename").word();
                let mut ctes = outer.last()?.field("cteList").nodes();
                let cte = ctes.find(|cte| cte.field("ctename").word() == name)?;
                if cte.is_true("cterecursive") {
                    return None;
                }
                self.field_of_query(&inside(&outer, cte.field("ctequery")), column, number)
            }
            rte::JOIN => self.field(stack, item.field("joinaliasvars").list().get(nth)?, number),
            rte::GROUP => self.field(stack, item.field("groupexprs").list().get(nth)?, number),
            rte::VALUES => {
                let mut value = Carried::default();
                for row in item.field("values_lists").list() {
                    value.or(self.field(stack, row.list().get(nth)?, number)?);
                }
                Some(value)
            }
            _ => None,
        }
    }

    fn field_of_query(&self, stack: &Stack<'t>, column: i64, number: i64) -> Option<Carried> {
        let query = *stack.last()?;
        if query.number("commandType") != 1 {
            return None;
        }
        if let Some(operation) = query.field("setOperations").node() {
            return self.field_of_arms(stack, operation, column, number);
        }
        let entry = targets(query).find(|entry| entry.number("resno") == column)?;
        self.field(stack, entry.field("expr"), number)
    }

    fn field_of_arms(
        &self,
        stack: &Stack<'t>,
        operation: &'t Node,
        column: i64,
        number: i64,
    ) -> Option<Carried> {
        let mut value = Carried::default();
        for side in ["larg", "rarg"] {
            let arm = operation.field(side).node()?;
            value.or(match arm.kind.as_str() {
                "SETOPERATIONSTMT" => self.field_of_arms(stack, arm, column, number)?,
                _ => self.field_of_column(stack, arm.number("rtindex"), column, number)?,
            });
        }
        Some(value)
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

/// The columns of an item, without those that were dropped, which have no name.
fn numbers(stack: &Stack<'_>, item: i64) -> Vec<i64> {
    let names = item_of(stack, item).and_then(|item| item.field("eref").node());
    let names = names.map_or(&[][..], |names| names.field("colnames").list());
    let there = (1..).zip(names).filter(|(_, name)| !name.word().is_empty());
    there.map(|(number, _)| number).collect()
}

fn item_of<'t>(stack: &Stack<'t>, number: i64) -> Option<&'t Node> {
    let at = usize::try_from(number).ok()?.checked_sub(1)?;
    stack.last()?.field("rtable").list().get(at)?.node()
}

/// Whether computing the value can fail, and so tell something although the value is dropped.
pub fn can_fail(value: &Value, comparisons: &BTreeSet<u32>) -> bool {
    match value {
        Value::List(list) => list.iter().any(|item| can_fail(item, comparisons)),
        Value::Node(node) => {
            let fails = match node.kind.as_str() {
                "OPEXPR" | "SCALARARRAYOPEXPR" | "NULLIFEXPR" | "DISTINCTEXPR" => {
                    u32::try_from(node.number("opno"))
                        .is_ok_and(|operator| !comparisons.contains(&operator))
                }
                "FUNCEXPR" | "COERCEVIAIO" | "ARRAYCOERCEEXPR" | "COERCETODOMAIN" => {
                    !is_plain_constant(node)
                }
                _ => false,
            };
            fails || node.fields().any(|field| can_fail(field, comparisons))
        }
        _ => false,
    }
}

/// An implicit conversion.
fn is_unwritten(node: &Node) -> bool {
    let form = if node.kind == "FUNCEXPR" {
        "funcformat"
    } else {
        "coerceformat"
    };
    node.number(form) == 2
}

/// Whether nothing in it is read from a row.
fn is_plain_constant(node: &Node) -> bool {
    fn reads(value: &Value) -> bool {
        match value {
            Value::List(list) => list.iter().any(reads),
            Value::Node(node) => {
                matches!(node.kind.as_str(), "VAR" | "SUBLINK") || node.fields().any(reads)
            }
            _ => false,
        }
    }
    !node.fields().any(reads)
}

/// Columns, constants and parameters, in a target entry or not.
pub fn is_plain(value: &Value) -> bool {
    value.nodes().all(|node| match node.kind.as_str() {
        "VAR" | "CONST" | "PARAM" => true,
        "TARGETENTRY" => is_plain(node.field("expr")),
        "RELABELTYPE" | "COLLATEEXPR" => is_plain(node.field("arg")),
        _ => false,
    })
}
