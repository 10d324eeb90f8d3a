//! Fields of rows whose parts can be told apart.

use super::item::{item_of, rte};
use super::{Carried, Stack, Tree, inside, targets};
use crate::node::Node;
use crate::node::Value;

/// Where the values of a field come from.
enum Part<'t> {
    Expression(Stack<'t>, &'t Value),
    /// A column of an item of FROM, and the reference to it.
    Column(Stack<'t>, i64, i64, &'t Node),
    /// What decides whether a query has the row.
    Rows(Stack<'t>),
}

type Parts<'t> = Option<Vec<Part<'t>>>;

impl<'t> Tree<'t> {
    /// One field of a row, if its parts can be told apart.
    pub(super) fn field(
        &self,
        stack: &Stack<'t>,
        value: &'t Value,
        number: i64,
    ) -> Option<Carried> {
        let mut field = Carried::default();
        for part in field_of(stack, value, number)? {
            match part {
                Part::Expression(stack, value) => field.or(self.carried(&stack, value)),
                Part::Column(stack, item, number, var) => {
                    field.or(self.column_now(&stack, item, number, var));
                }
                Part::Rows(stack) => field.from.extend(self.chosen(&stack)),
            }
        }
        Some(field)
    }
}

fn field_of<'t>(stack: &Stack<'t>, value: &'t Value, number: i64) -> Parts<'t> {
    let node = value.node()?;
    match node.kind.as_str() {
        "ROWEXPR" | "ROW" => {
            let nth = usize::try_from(number - 1).ok()?;
            let part = node.field("args").list().get(nth)?;
            Some(vec![Part::Expression(stack.clone(), part)])
        }
        "VAR" => {
            let up = usize::try_from(node.number("varlevelsup")).ok()?;
            let outer = stack[..stack.len().checked_sub(up)?].to_vec();
            let (at, column) = (node.number("varno"), node.number("varattno"));
            if column == 0 {
                return Some(vec![Part::Column(outer, at, number, node)]);
            }
            field_of_column(&outer, at, column, number)
        }
        "FIELDSELECT" => {
            let mut parts = Vec::new();
            for part in field_of(stack, node.field("arg"), node.number("fieldnum"))? {
                parts.extend(match part {
                    Part::Expression(stack, value) => field_of(&stack, value, number)?,
                    Part::Column(stack, item, column, _) => {
                        field_of_column(&stack, item, column, number)?
                    }
                    rows @ Part::Rows(_) => vec![rows],
                });
            }
            Some(parts)
        }
        // A merged column of a full join.
        kind if kind.starts_with("COALESCE") => {
            let mut parts = Vec::new();
            for side in node.field("args").list() {
                parts.extend(field_of(stack, side, number)?);
            }
            Some(parts)
        }
        "SUBLINK" if node.number("subLinkType") == 4 => {
            let inner = inside(stack, node.field("subselect"));
            let mut parts = field_of_query(&inner, 1, number)?;
            parts.push(Part::Rows(inner));
            Some(parts)
        }
        _ => None,
    }
}

/// One field of a column that is a row.
fn field_of_column<'t>(stack: &Stack<'t>, at: i64, column: i64, number: i64) -> Parts<'t> {
    let item = item_of(stack, at)?;
    let nth = usize::try_from(column - 1).ok()?;
    match item.number("rtekind") {
        rte::SUBQUERY => field_of_query(&inside(stack, item.field("subquery")), column, number),
        rte::CTE => {
            let up = usize::try_from(item.number("ctelevelsup")).ok()?;
            let outer = stack[..stack.len().checked_sub(up)?].to_vec();
            let name = item.field("ctename").word();
            let mut ctes = outer.last()?.field("cteList").nodes();
            let cte = ctes.find(|cte| cte.field("ctename").word() == name)?;
            if cte.is_true("cterecursive") {
                return None;
            }
            field_of_query(&inside(&outer, cte.field("ctequery")), column, number)
        }
        rte::JOIN => field_of(stack, item.field("joinaliasvars").list().get(nth)?, number),
        rte::GROUP => field_of(stack, item.field("groupexprs").list().get(nth)?, number),
        rte::VALUES => {
            let mut parts = Vec::new();
            for row in item.field("values_lists").list() {
                parts.extend(field_of(stack, row.list().get(nth)?, number)?);
            }
            Some(parts)
        }
        _ => None,
    }
}

fn field_of_query<'t>(stack: &Stack<'t>, column: i64, number: i64) -> Parts<'t> {
    let query = *stack.last()?;
    if query.number("commandType") != 1 {
        return None;
    }
    if let Some(operation) = query.field("setOperations").node() {
        return field_of_arms(stack, operation, column, number);
    }
    let entry = targets(query).find(|entry| entry.number("resno") == column)?;
    field_of(stack, entry.field("expr"), number)
}

fn field_of_arms<'t>(
    stack: &Stack<'t>,
    operation: &'t Node,
    column: i64,
    number: i64,
) -> Parts<'t> {
    let mut parts = Vec::new();
    for side in ["larg", "rarg"] {
        let arm = operation.field(side).node()?;
        parts.extend(match arm.kind.as_str() {
            "SETOPERATIONSTMT" => field_of_arms(stack, arm, column, number)?,
            _ => field_of_column(stack, arm.number("rtindex"), column, number)?,
        });
    }
    Some(parts)
}
