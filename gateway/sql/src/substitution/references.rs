//! Where a statement reads relations that have edits, and where it names what the edits affect.

use gatewright_parser::{Node, NodeList, Strings, children, nodes, untyped};

use crate::catalog::{Names, Relation};
use crate::facts::RelationKind;

use super::error::{SubstituteError, Unsupported};
use super::rules::Rules;
use super::syntax::{is_editable, name_of};

/// A place in FROM that reads a relation.
#[derive(Clone, Copy)]
pub(super) struct Reference<'t> {
    pub item: &'t nodes::RangeVar,
    pub relation: &'t Relation,
    /// The query whose FROM it is part of; `None` in UPDATE, DELETE and MERGE.
    pub query: Option<&'t nodes::SelectStmt>,
}

/// WHERE of a query, UPDATE or DELETE.
#[derive(Clone, Copy)]
pub(super) struct Condition<'t> {
    pub from: &'t NodeList,
    /// The table that is changed, whose columns have the same names in scope.
    pub target: Option<&'t nodes::RangeVar>,
    pub all_meet: Node<'t>,
}

#[derive(Default)]
pub(super) struct References<'t> {
    /// They become derived tables.
    pub replaced: Vec<Reference<'t>>,
    /// Namesakes of relations with edits: they are named with their schema, so that the server cannot read them as those.
    pub pinned: Vec<Reference<'t>>,
    /// All column references.
    pub columns: Vec<&'t nodes::ColumnRef>,
    /// System columns that are named somewhere.
    pub system: Vec<&'t str>,
    /// All queries.
    pub queries: Vec<&'t nodes::SelectStmt>,
    /// Conditions that rows of a FROM list have to meet.
    pub conditions: Vec<Condition<'t>>,
    /// A table with edits is written.
    writes: bool,
    /// `*`, or NATURAL JOIN, whose columns must stay those of the relation.
    lists_columns: bool,
}

struct Search<'t, 'r> {
    catalog: Names<'t>,
    rules: &'r Rules<'r>,
    ctes: Vec<&'t str>,
    query: Option<&'t nodes::SelectStmt>,
    found: References<'t>,
}

impl<'t> References<'t> {
    pub fn find(
        node: Node<'t>,
        catalog: Names<'t>,
        rules: &Rules<'_>,
    ) -> Result<Self, SubstituteError> {
        let mut search = Search {
            catalog,
            rules,
            ctes: Vec::new(),
            query: None,
            found: References::default(),
        };
        search.visit(node)?;
        let found = search.found;
        if found.replaced.is_empty() {
            return Ok(found);
        }
        if !is_editable(node) {
            return Err(Unsupported("this command"));
        }
        // It would store masks in place of values, or choose the rows to change by masks.
        if found.writes {
            return Err(Unsupported("writing to a protected table"));
        }
        found.check_system_columns()?;
        Ok(found)
    }

    /// Whether the statement reads nothing that has to change.
    pub fn are_none(&self) -> bool {
        self.replaced.is_empty() && self.pinned.is_empty()
    }

    /// The replaced references that are part of this query's FROM.
    pub fn of_query(&self, query: &nodes::SelectStmt) -> impl Iterator<Item = &Reference<'t>> {
        self.replaced.iter().filter(move |reference| {
            reference
                .query
                .is_some_and(|known| std::ptr::eq(known, query))
        })
    }

    /// A derived table has the system columns that are named; a list of all columns would then show them.
    fn check_system_columns(&self) -> Result<(), SubstituteError> {
        if self.system.is_empty() {
            return Ok(());
        }
        let whole = self.columns.iter().any(|column| {
            let names = column.fields().strings();
            let [name] = names.as_slice() else {
                return false;
            };
            self.replaced
                .iter()
                .any(|reference| name_of(reference.item) == *name)
        });
        if whole || self.lists_columns {
            return Err(Unsupported(
                "a system column together with * or a whole row",
            ));
        }
        Ok(())
    }
}

impl<'t> Search<'t, '_> {
    fn visit(&mut self, node: Node<'t>) -> Result<(), SubstituteError> {
        let (names, query) = (self.ctes.len(), self.query);
        match node {
            Node::SelectStmt(select) => {
                self.query = Some(select);
                self.found.queries.push(select);
                self.condition(select.from_clause(), None, select.where_clause());
            }
            Node::InsertStmt(insert) => self.change(insert.relation()),
            Node::MergeStmt(merge) => self.change(merge.relation()),
            Node::UpdateStmt(update) => {
                self.change(update.relation());
                self.condition(
                    update.from_clause(),
                    update.relation(),
                    update.where_clause(),
                );
            }
            Node::DeleteStmt(delete) => {
                self.change(delete.relation());
                self.condition(
                    delete.using_clause(),
                    delete.relation(),
                    delete.where_clause(),
                );
            }
            // Each of the columns that are assigned together has the same source.
            Node::MultiAssignRef(assigned) if assigned.colno > 1 => return Ok(()),
            Node::ColumnRef(column) => return self.column(column),
            Node::JoinExpr(join) => self.found.lists_columns |= join.is_natural,
            _ => {}
        }
        let mut parts = Vec::new();
        children(node, &mut |part| parts.push(part));
        for part in &parts {
            if let Node::WithClause(with) = part {
                self.with(with)?;
            }
        }
        for part in parts {
            match part {
                Node::WithClause(_) => {}
                Node::RangeVar(relation) if reads(node, relation) => self.read(node, relation)?,
                part => self.visit(part)?,
            }
        }
        self.ctes.truncate(names);
        self.query = query;
        Ok(())
    }

    /// A statement that changes a table; its FROM is no query's.
    fn change(&mut self, target: Option<&'t nodes::RangeVar>) {
        self.query = None;
        let Some(target) = target else { return };
        let meant = self
            .catalog
            .lookup(target.schemaname(), target.relname().unwrap_or_default());
        self.found.writes |= meant.iter().any(|relation| self.rules.concern(relation));
    }

    fn condition(
        &mut self,
        from: &'t NodeList,
        target: Option<&'t nodes::RangeVar>,
        all_meet: Node<'t>,
    ) {
        self.found.conditions.push(Condition {
            from,
            target,
            all_meet,
        });
    }

    /// Names become visible one after the other; those of WITH RECURSIVE all at once.
    fn with(&mut self, with: &'t nodes::WithClause) -> Result<(), SubstituteError> {
        let name = |cte: Node<'t>| match cte {
            Node::CommonTableExpr(cte) => cte.ctename().unwrap_or_default(),
            _ => "",
        };
        let ctes = untyped(with.ctes());
        if with.recursive {
            self.ctes.extend(ctes.iter().map(name));
        }
        let query = self.query.take();
        for cte in ctes {
            self.visit(cte)?;
            if !with.recursive {
                self.ctes.push(name(cte));
            }
        }
        self.query = query;
        Ok(())
    }

    fn column(&mut self, column: &'t nodes::ColumnRef) -> Result<(), SubstituteError> {
        let last = column.fields().iter().next_back();
        self.found.lists_columns |= matches!(last, Some(Node::A_Star(_)));
        if let Some(name) = last.and_then(Node::as_str)
            && Relation::is_system_column(name)
            && !self.found.system.contains(&name)
        {
            self.found.system.push(name);
        }
        self.found.columns.push(column);
        Ok(())
    }

    fn read(&mut self, parent: Node<'t>, item: &'t nodes::RangeVar) -> Result<(), SubstituteError> {
        let name = item.relname().unwrap_or_default();
        if item.schemaname().is_none() && self.ctes.contains(&name) {
            return Ok(());
        }
        let meant = self.catalog.lookup(item.schemaname(), name);
        if !meant.iter().any(|relation| self.rules.concern(relation)) {
            if let ([relation], None) = (meant.as_slice(), item.schemaname())
                && self.rules.name(name)
                && relation.kind != RelationKind::Temporary
            {
                self.found.pinned.push(self.reference(item, relation));
            }
            return Ok(());
        }
        let [relation] = meant.as_slice() else {
            return Err(SubstituteError::Ambiguous(name.to_owned()));
        };
        if matches!(parent, Node::RangeTableSample(_)) {
            return Err(Unsupported("TABLESAMPLE"));
        }
        if item.catalogname().is_some() {
            return Err(Unsupported("a name with a database"));
        }
        if self.rules.filters_behind(relation) {
            return Err(Unsupported(
                "a view, partition or parent of a table whose rows are filtered",
            ));
        }
        self.found.replaced.push(self.reference(item, relation));
        Ok(())
    }

    fn reference(&self, item: &'t nodes::RangeVar, relation: &'t Relation) -> Reference<'t> {
        Reference {
            item,
            relation,
            query: self.query,
        }
    }
}

/// Whether a relation that is a part of this node is read there: not written, locked or defined.
fn reads(parent: Node<'_>, relation: &nodes::RangeVar) -> bool {
    let is_target = |target: Option<&nodes::RangeVar>| {
        target.is_some_and(|target| std::ptr::eq(target, relation))
    };
    match parent {
        Node::SelectStmt(_) | Node::JoinExpr(_) | Node::RangeTableSample(_) => true,
        Node::UpdateStmt(update) => !is_target(update.relation()),
        Node::DeleteStmt(delete) => !is_target(delete.relation()),
        Node::MergeStmt(merge) => !is_target(merge.relation()),
        _ => false,
    }
}
