//! Columns of the items of FROM.

use super::{Carried, Stack, Tree, assignments, inside};
use crate::node::Node;

pub(super) mod rte {
    pub const RELATION: i64 = 0;
    pub const SUBQUERY: i64 = 1;
    pub const JOIN: i64 = 2;
    pub const FUNCTION: i64 = 3;
    pub const TABLEFUNC: i64 = 4;
    pub const VALUES: i64 = 5;
    pub const CTE: i64 = 6;
    pub const GROUP: i64 = 9;
}

impl<'t> Tree<'t> {
    pub(super) fn var(&self, stack: &Stack<'t>, var: &'t Node) -> Carried {
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
    pub(super) fn column_now(
        &self,
        stack: &Stack<'t>,
        item: i64,
        number: i64,
        var: &Node,
    ) -> Carried {
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
}

/// The columns of an item, without those that were dropped, which have no name.
fn numbers(stack: &Stack<'_>, item: i64) -> Vec<i64> {
    let names = item_of(stack, item).and_then(|item| item.field("eref").node());
    let names = names.map_or(&[][..], |names| names.field("colnames").list());
    let there = (1..).zip(names).filter(|(_, name)| !name.word().is_empty());
    there.map(|(number, _)| number).collect()
}

pub(super) fn item_of<'t>(stack: &Stack<'t>, number: i64) -> Option<&'t Node> {
    let at = usize::try_from(number).ok()?.checked_sub(1)?;
    stack.last()?.field("rtable").list().get(at)?.node()
}
