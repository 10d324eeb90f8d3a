//! The shape of a statement in sqlparser's grammar.

use std::ops::ControlFlow;

use sqlparser::ast::{
    AccessExpr, Expr, Ident, ObjectName, ObjectNamePart, Query, Select, SetExpr, Statement,
    TableFactor, TrimWhereField, Visit, Visitor,
};

use super::shape::Shape;

/// `None` for statements other than queries and row changes, and for syntax that PostgreSQL does not have.
pub(super) fn shape(statement: &Statement) -> Option<Shape> {
    let mut reader = Reader(Shape {
        kind: kind(statement)?,
        ..Shape::default()
    });
    match statement.visit(&mut reader) {
        ControlFlow::Continue(()) => Some(reader.0.sorted()),
        ControlFlow::Break(()) => None,
    }
}

/// `WITH .. DELETE` is a query whose body is the DELETE.
fn kind(statement: &Statement) -> Option<&'static str> {
    match statement {
        Statement::Query(query) => match &*query.body {
            SetExpr::Insert(inner)
            | SetExpr::Update(inner)
            | SetExpr::Delete(inner)
            | SetExpr::Merge(inner) => kind(inner),
            _ => Some("select"),
        },
        Statement::Insert(_) => Some("insert"),
        Statement::Update(_) => Some("update"),
        Statement::Delete(_) => Some("delete"),
        Statement::Merge(_) => Some("merge"),
        _ => None,
    }
}

struct Reader(Shape);

impl Visitor for Reader {
    type Break = ();

    fn pre_visit_statement(&mut self, statement: &Statement) -> ControlFlow<()> {
        match statement {
            Statement::Update(update) => self.0.wheres.push(update.selection.is_some()),
            Statement::Delete(delete) => self.0.wheres.push(delete.selection.is_some()),
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let foreign = query.for_clause.is_some()
            || query.settings.is_some()
            || query.format_clause.is_some()
            || !query.pipe_operators.is_empty();
        if foreign {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        let foreign = select.top.is_some()
            || select.exclude.is_some()
            || select.prewhere.is_some()
            || select.qualify.is_some()
            || select.value_table_mode.is_some()
            || !select.lateral_views.is_empty()
            || !select.connect_by.is_empty()
            || !select.cluster_by.is_empty()
            || !select.distribute_by.is_empty()
            || !select.sort_by.is_empty();
        if foreign {
            return ControlFlow::Break(());
        }
        self.0.selects.push((
            select.projection.len(),
            select.selection.is_some(),
            select.having.is_some(),
        ));
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        match name(relation) {
            Some(name) => self.0.relations.push(name),
            None => return ControlFlow::Break(()),
        }
        ControlFlow::Continue(())
    }

    fn post_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        // The visitor reports `f` in FROM f(x) as a relation.
        if let TableFactor::Table {
            name: written,
            args: Some(_),
            ..
        } = factor
            && let Some(name) = name(written)
        {
            if let Some(at) = self.0.relations.iter().rposition(|known| *known == name) {
                self.0.relations.remove(at);
            }
            self.0.functions.extend(name.into_iter().next_back());
        }
        if let TableFactor::Function { name: written, .. } = factor {
            let name = name(written).and_then(|mut name| name.pop());
            self.0.functions.extend(name);
        }
        if let TableFactor::UNNEST { .. } = factor {
            self.0.functions.push("unnest".to_owned());
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expression: &Expr) -> ControlFlow<()> {
        match expression {
            Expr::Identifier(column) => self.0.columns.push(folded(column)),
            Expr::CompoundIdentifier(path) => self.0.columns.extend(path.last().map(folded)),
            Expr::CompoundFieldAccess { access_chain, .. } => {
                // The visitor visits `.x` as a separate expression.
                if !access_chain.iter().all(|step| {
                    matches!(
                        step,
                        AccessExpr::Dot(Expr::Identifier(_)) | AccessExpr::Subscript(_)
                    )
                }) {
                    return ControlFlow::Break(());
                }
            }
            Expr::Function(call) => match name(&call.name).and_then(|mut name| name.pop()) {
                Some(name) => self.0.functions.push(name),
                None => return ControlFlow::Break(()),
            },
            other => self.0.functions.extend(spelled(other).map(str::to_owned)),
        }
        ControlFlow::Continue(())
    }
}

/// The function behind an expression with syntax of its own.
fn spelled(expression: &Expr) -> Option<&'static str> {
    Some(match expression {
        Expr::Extract { .. } => "extract",
        Expr::Position { .. } => "position",
        Expr::Substring { .. } => "substring",
        Expr::Overlay { .. } => "overlay",
        Expr::Ceil { .. } => "ceil",
        Expr::Floor { .. } => "floor",
        Expr::AtTimeZone { .. } => "timezone",
        Expr::IsNormalized { .. } => "is_normalized",
        Expr::Trim { trim_where, .. } => match trim_where {
            Some(TrimWhereField::Leading) => "ltrim",
            Some(TrimWhereField::Trailing) => "rtrim",
            _ => "btrim",
        },
        _ => return None,
    })
}

fn name(name: &ObjectName) -> Option<Vec<String>> {
    name.0
        .iter()
        .map(|part| match part {
            ObjectNamePart::Identifier(part) => Some(folded(part)),
            ObjectNamePart::Function(_) => None,
        })
        .collect()
}

/// PostgreSQL folds ASCII letters only and truncates names at 63 bytes; a longer name counts as a disagreement.
fn folded(name: &Ident) -> String {
    if name.quote_style.is_some() {
        name.value.replace("\"\"", "\"")
    } else {
        name.value.to_ascii_lowercase()
    }
}
