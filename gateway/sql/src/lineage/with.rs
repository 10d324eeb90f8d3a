//! WITH: the rows of common table expressions; recursive ones are iterated until nothing is added.

use std::sync::Arc;

use gatewright_parser::{Node, NodeList, Strings, nodes, untyped};

use super::level::{Cte, Level};
use super::resolver::Resolver;
use super::set::either;
use crate::facts::Transform;
use crate::provenance::{Column, Provenance};
use crate::rows::Rows;

/// Iterations after which a recursive query counts as unknown. Each adds a source to some column, so few are needed.
const ROUNDS: usize = 32;

impl<'t> Resolver<'t> {
    /// Reads the clause into the current level. Returns what selected the rows of its data-modifying statements.
    pub(super) fn with(&mut self, clause: Option<&'t nodes::WithClause>) -> Provenance {
        let mut chosen = Provenance::constant();
        let Some(clause) = clause else { return chosen };
        let ctes: Vec<&'t nodes::CommonTableExpr> = untyped(clause.ctes())
            .iter()
            .filter_map(|cte| match cte {
                Node::CommonTableExpr(cte) => Some(cte),
                _ => None,
            })
            .collect();
        if clause.recursive {
            // A CTE that is referenced before it is read is unknown.
            for cte in &ctes {
                self.add_cte(cte, Rows::unknown());
            }
        }
        for (at, cte) in ctes.iter().enumerate() {
            let rows = if clause.recursive {
                extended(self.recursive(cte, at), cte)
            } else {
                renamed(self.query(cte.ctequery()), cte)
            };
            if !matches!(cte.ctequery(), Node::SelectStmt(_)) {
                chosen.absorb(&rows.chosen, Transform::Expression);
            }
            if clause.recursive {
                self.set_cte(at, rows);
                if let Some(known) = self.level().ctes.get_mut(at) {
                    known.added = added(cte);
                }
            } else {
                self.add_cte(cte, rows);
            }
        }
        chosen
    }

    fn add_cte(&mut self, cte: &'t nodes::CommonTableExpr, rows: Rows) {
        let name = cte.ctename().unwrap_or_default();
        self.level().ctes.push(Cte {
            name,
            rows,
            added: 0,
        });
    }

    fn set_cte(&mut self, at: usize, rows: Rows) {
        if let Some(known) = self.level().ctes.get_mut(at) {
            known.rows = rows;
        }
    }

    fn recursive(&mut self, cte: &'t nodes::CommonTableExpr, at: usize) -> Rows {
        let query = cte.ctequery();
        let Node::SelectStmt(select) = query else {
            return renamed(self.query(query), cte);
        };
        if !refers(query, cte.ctename().unwrap_or_default()) {
            return renamed(self.query(query), cte);
        }
        // Without UNION, the name is hidden inside by another; else PostgreSQL refuses the query.
        let Some(start) = select.larg() else {
            return renamed(self.query(query), cte);
        };
        // The part before UNION does not see the CTE itself, but does see the WITH clause.
        self.levels.push(Level::default());
        self.with(select.with_clause());
        let first = self.select(start);
        self.levels.pop();
        let mut known = renamed(first, cte);
        for _ in 0..ROUNDS {
            self.set_cte(at, known.clone());
            let mut next = known.clone();
            let again = self.query(query);
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

/// Whether a relation of this name occurs anywhere in the query.
fn refers(query: Node<'_>, name: &str) -> bool {
    let mut open = vec![query];
    while let Some(node) = open.pop() {
        if let Node::RangeVar(relation) = node
            && relation.schemaname().is_none()
            && relation.relname().unwrap_or_default() == name
        {
            return true;
        }
        gatewright_parser::children(node, &mut |child| open.push(child));
    }
    false
}

/// The rows with the names of the alias list.
fn renamed(mut rows: Rows, cte: &nodes::CommonTableExpr) -> Rows {
    let Some(columns) = &mut rows.columns else {
        return rows;
    };
    let columns = Arc::make_mut(columns);
    for (column, name) in columns.iter_mut().zip(cte.aliascolnames().strings()) {
        column.name = Some(Arc::from(name));
    }
    rows
}

/// How many columns SEARCH and CYCLE add.
fn added(cte: &nodes::CommonTableExpr) -> usize {
    usize::from(cte.search_clause().is_some()) + 2 * usize::from(cte.cycle_clause().is_some())
}

/// The rows with the columns that SEARCH and CYCLE add.
fn extended(mut rows: Rows, cte: &nodes::CommonTableExpr) -> Rows {
    let Some(columns) = &mut rows.columns else {
        return rows;
    };
    let columns = Arc::make_mut(columns);
    let of = |columns: &[Column], names: &NodeList| {
        let mut value = Provenance::constant();
        for name in names.strings() {
            let column = columns
                .iter()
                .find(|column| column.name.as_deref() == Some(name));
            let part = column.map_or_else(Provenance::unknown, |column| column.value.clone());
            value.absorb(&part, Transform::Expression);
        }
        value
    };
    let mut added: Vec<(Option<&str>, Provenance)> = Vec::new();
    if let Some(search) = cte.search_clause() {
        let value = of(columns, search.search_col_list());
        added.push((search.search_seq_column(), value));
    }
    if let Some(cycle) = cte.cycle_clause() {
        let value = of(columns, cycle.cycle_col_list());
        added.push((cycle.cycle_mark_column(), value.clone()));
        added.push((cycle.cycle_path_column(), value));
    }
    let added = added.into_iter();
    columns.extend(added.map(|(name, value)| Column::named(name.unwrap_or_default(), value)));
    rows
}
