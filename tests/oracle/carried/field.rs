//! Fields of rows whose parts can be told apart.

use super::item::{item_of, rte};
use super::{Carried, Stack, Tree, inside, targets};
use crate::node::Node;
use crate::node::Value;

impl<'t> Tree<'t> {
    /// One field of a row, if its parts can be told apart.
    pub(super) fn field(
        &self,
        stack: &Stack<'t>,
        value: &'t Value,
        number: i64,
    ) -> Option<Carried> {
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

    /// One field of a column that is a row.
    pub(super) fn field_of_column(
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
