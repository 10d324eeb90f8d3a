//! WITH: the rows of common table expressions; recursive ones are iterated until nothing is added.

use std::sync::Arc;

use pg_query::{NodeEnum, protobuf as pb};

use super::Resolver;
use super::provenance::{Column, Provenance};
use super::scope::{Cte, Rows};
use super::set::either;
use crate::facts::Transform;
use crate::walker::strings;

/// Iterations after which a recursive query counts as unknown. Each adds a source to some column, so few are needed.
const ROUNDS: usize = 32;

impl<'t> Resolver<'t> {
    /// Reads the clause into the current level. Returns what selected the rows of its data-modifying statements.
    pub(super) fn with(&mut self, clause: Option<&'t pb::WithClause>) -> Provenance {
        let mut chosen = Provenance::constant();
        let Some(clause) = clause else { return chosen };
        let ctes: Vec<&'t pb::CommonTableExpr> = clause
            .ctes
            .iter()
            .filter_map(|cte| match &cte.node {
                Some(NodeEnum::CommonTableExpr(cte)) => Some(&**cte),
                _ => None,
            })
            .collect();
        if clause.recursive {
            // A CTE that is referenced before it is read is unknown.
            for cte in &ctes {
                let rows = Rows::unknown();
                self.level().ctes.push(Cte {
                    name: &cte.ctename,
                    rows,
                });
            }
        }
        for (at, cte) in ctes.iter().enumerate() {
            let rows = if clause.recursive {
                extended(self.recursive(cte, at), cte)
            } else {
                let rows = self.boxed_query(cte.ctequery.as_deref());
                renamed(rows, cte)
            };
            if !matches!(
                cte.ctequery.as_ref().and_then(|query| query.node.as_ref()),
                Some(NodeEnum::SelectStmt(_))
            ) {
                chosen.absorb(&rows.chosen, Transform::Expression);
            }
            if clause.recursive {
                self.set_cte(at, rows);
            } else {
                self.level().ctes.push(Cte {
                    name: &cte.ctename,
                    rows,
                });
            }
        }
        chosen
    }

    fn set_cte(&mut self, at: usize, rows: Rows) {
        if let Some(known) = self.level().ctes.get_mut(at) {
            known.rows = rows;
        }
    }

    fn recursive(&mut self, cte: &'t pb::CommonTableExpr, at: usize) -> Rows {
        let query = cte.ctequery.as_ref().and_then(|node| node.node.as_ref());
        let Some(NodeEnum::SelectStmt(select)) = query else {
            return renamed(self.boxed_query(cte.ctequery.as_deref()), cte);
        };
        if !refers(query, &cte.ctename) {
            return renamed(self.boxed_query(cte.ctequery.as_deref()), cte);
        }
        let Some(start) = select.larg.as_deref() else {
            return Rows::unknown();
        };
        // The part before UNION does not see the CTE itself, but does see the WITH clause.
        self.levels.push(super::scope::Level::default());
        self.with(select.with_clause.as_ref());
        let first = self.select(start);
        self.levels.pop();
        let mut known = renamed(first, cte);
        for _ in 0..ROUNDS {
            self.set_cte(at, known.clone());
            let mut next = known.clone();
            let again = self.boxed_query(cte.ctequery.as_deref());
            either(&mut next, &renamed(again, cte));
            if next == known {
                return known;
            }
            known = next;
            if self.spent() {
                break;
            }
        }
        Rows::unknown()
    }
}

fn refers(node: Option<&NodeEnum>, name: &str) -> bool {
    fn any(node: pg_query::NodeRef<'_>, name: &str) -> bool {
        let mut found =
            matches!(node, pg_query::NodeRef::RangeVar(relation) if relation.relname == name);
        crate::tree::children(node, &mut |child| found = found || any(child, name));
        found
    }
    node.is_some_and(|node| any(node.to_ref(), name))
}

/// The rows with the names of the alias list.
fn renamed(mut rows: Rows, cte: &pb::CommonTableExpr) -> Rows {
    let Some(columns) = &mut rows.columns else {
        return rows;
    };
    let columns = Arc::make_mut(columns);
    for (column, name) in columns.iter_mut().zip(strings(&cte.aliascolnames)) {
        column.name = Some(Arc::from(name));
    }
    rows
}

/// The rows with the columns that SEARCH and CYCLE add.
fn extended(mut rows: Rows, cte: &pb::CommonTableExpr) -> Rows {
    let Some(columns) = &mut rows.columns else {
        return rows;
    };
    let columns = Arc::make_mut(columns);
    let of = |columns: &[Column], names: &[pb::Node]| {
        let mut value = Provenance::constant();
        for name in strings(names) {
            let column = columns
                .iter()
                .find(|column| column.name.as_deref() == Some(name));
            let part = column.map_or_else(Provenance::unknown, |column| column.value.clone());
            value.absorb(&part, Transform::Expression);
        }
        value
    };
    let mut added = Vec::new();
    if let Some(search) = &cte.search_clause {
        let value = of(columns, &search.search_col_list);
        added.push(Column::named(&search.search_seq_column, value));
    }
    if let Some(cycle) = cte.cycle_clause.as_deref() {
        let value = of(columns, &cycle.cycle_col_list);
        added.push(Column::named(&cycle.cycle_mark_column, value.clone()));
        added.push(Column::named(&cycle.cycle_path_column, value));
    }
    columns.extend(added);
    rows
}
