//! FROM: what each item brings into scope, and what determines which rows it has.

use gatewright_parser::{Node, NodeList, Strings, nodes, untyped};

use super::level::{Columns, Item, Items};
use super::resolver::Resolver;
use crate::facts::{Transform, Usage};
use crate::provenance::{Column, Provenance};
use crate::rows::Rows;

impl<'t> Resolver<'t> {
    /// Fills the current level. Returns what determines which rows there are.
    pub(super) fn from(&mut self, clause: &'t NodeList) -> Provenance {
        let mut chosen = Provenance::constant();
        for node in clause {
            let (items, by) = self.read_item(node);
            self.level().items.extend(items);
            chosen.absorb(&by, Transform::Expression);
        }
        chosen
    }

    pub(super) fn read_item(&mut self, node: Node<'t>) -> (Items<'t>, Provenance) {
        self.spend(1);
        let open = || vec![Item::new("", Columns::Open(Provenance::unknown()))];
        match node {
            Node::RangeVar(relation) => self.named_item(relation),
            Node::JoinExpr(join) => self.join(join),
            Node::RangeSubselect(sub) => {
                let rows = self.beside(sub.lateral, |resolver| resolver.query(sub.subquery()));
                let chosen = rows.chosen.clone();
                // The conditions of a table's own replacement are those of this query.
                if !self.is_replacement(sub.subquery()) {
                    self.moves(&chosen);
                }
                (vec![Item::derived("", sub.alias(), &rows)], chosen)
            }
            Node::RangeTableSample(sample) => {
                let (items, mut chosen) = self.read_item(sample.relation());
                for by in [
                    self.together(sample.args()),
                    self.value(sample.repeatable()),
                ] {
                    self.record(&by, Usage::Argument);
                    chosen.absorb(&by, Transform::Expression);
                }
                (items, chosen)
            }
            Node::RangeFunction(function) => {
                self.beside(true, |resolver| resolver.functions(function))
            }
            Node::RangeTableFunc(table) => self.beside(true, |resolver| resolver.xml_table(table)),
            Node::JsonTable(table) => self.beside(true, |resolver| resolver.json_table(table)),
            _ => (open(), Provenance::unknown()),
        }
    }

    /// Reads an item that sees the items before it if it is LATERAL.
    fn beside<T>(&mut self, lateral: bool, read: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.level().hidden, !lateral);
        let result = read(self);
        self.level().hidden = before;
        result
    }

    fn named_item(&mut self, relation: &'t nodes::RangeVar) -> (Items<'t>, Provenance) {
        let name = relation.relname().unwrap_or_default();
        if relation.schemaname().is_none()
            && let Some((cte, nested)) = self.cte(name)
        {
            let chosen = cte.rows.chosen.clone();
            let mut item = Item::derived(name, relation.alias(), &cte.rows);
            // A star does not list what SEARCH and CYCLE add, except beside the WITH clause (p_dontexpand in
            // parse_relation.c).
            item.unlisted = if nested { cte.added } else { 0 };
            self.moves(&chosen);
            return (vec![item], chosen);
        }
        let item = self.relation_item(relation, true);
        let chosen = self.view_chosen(&item);
        (vec![item], chosen)
    }

    fn is_replacement(&self, query: Node<'t>) -> bool {
        let masks = self.masks;
        matches!(query, Node::SelectStmt(select)
            if masks.is_some_and(|masks| masks.of(select).is_some()))
    }

    fn moves(&mut self, chosen: &Provenance) {
        self.level().moved.absorb(chosen, Transform::Expression);
    }

    /// A relation of the catalog, under its alias.
    pub(super) fn relation_item(&self, relation: &'t nodes::RangeVar, aliased: bool) -> Item<'t> {
        let name = relation.relname().unwrap_or_default();
        let found = self.catalog.lookup(relation.schemaname(), name);
        let columns = if found.is_empty() || found.iter().any(|found| found.columns.is_empty()) {
            Columns::Open(Provenance::unknown())
        } else {
            Columns::Relations(found)
        };
        let alias = relation.alias().filter(|_| aliased);
        let mut item = Item::aliased(name, alias, columns);
        item.aliased = alias.is_some();
        if alias.is_none() {
            item.schema = relation.schemaname().unwrap_or_default();
        }
        item
    }

    fn functions(&mut self, function: &'t nodes::RangeFunction) -> (Items<'t>, Provenance) {
        let mut chosen = Provenance::constant();
        let mut columns: Option<Vec<Column>> = Some(Vec::new());
        let mut any = Provenance::constant();
        let mut first = "";
        for item in function.functions() {
            let Node::NodeList(list) = item else {
                columns = None;
                any = Provenance::unknown();
                continue;
            };
            let rows = self.function_rows(list, function);
            if let Some(Node::FuncCall(call)) = list.first()
                && first.is_empty()
            {
                let parts = call.funcname().strings();
                first = parts.last().copied().unwrap_or_default();
            }
            let all = rows.all();
            self.record(&all, Usage::Argument);
            chosen.absorb(&all, Transform::Expression);
            self.moves(&all);
            any.or(&all);
            match (&mut columns, &rows.columns) {
                (Some(columns), Some(more)) => columns.extend(more.iter().cloned()),
                _ => columns = None,
            }
        }
        let shape = match columns {
            Some(mut columns) => {
                if function.ordinality {
                    columns.push(Column::named("ordinality", Provenance::constant()));
                }
                Columns::Listed(columns.into())
            }
            None => Columns::Open(any),
        };
        let mut item = Item::aliased(first, function.alias(), shape);
        item.typed = true;
        (vec![item], chosen)
    }

    /// One function of FROM: `[call, column definitions]`.
    fn function_rows(&mut self, pair: &'t NodeList, function: &'t nodes::RangeFunction) -> Rows {
        let Some(call) = pair.first() else {
            return Rows::unknown();
        };
        let definitions = match pair.get(1) {
            Some(Node::NodeList(own)) if !own.is_empty() => own,
            _ => untyped(function.coldeflist()),
        };
        let value = self.value(call);
        if !definitions.is_empty() {
            let names = definitions.iter().map(|definition| match definition {
                Node::ColumnDef(definition) => definition.colname().unwrap_or_default(),
                _ => "",
            });
            return Rows::of(
                names
                    .map(|name| Column::named(name, value.clone()))
                    .collect(),
            );
        }
        let alias = function
            .alias()
            .filter(|_| function.functions().len() == 1)
            .map(|alias| alias.aliasname().unwrap_or_default());
        self.call_rows(call, value, alias)
    }

    fn xml_table(&mut self, table: &'t nodes::RangeTableFunc) -> (Items<'t>, Provenance) {
        let mut all = self.together(table.namespaces());
        for part in [table.docexpr(), table.rowexpr()] {
            let part = self.value(part);
            all.absorb(&part, Transform::Expression);
        }
        let mut columns = Vec::new();
        for column in untyped(table.columns()) {
            let Node::RangeTableFuncCol(column) = column else {
                let open = Columns::Open(Provenance::unknown());
                return (
                    vec![Item::aliased("", table.alias(), open)],
                    Provenance::unknown(),
                );
            };
            let mut value = all.clone();
            for part in [column.colexpr(), column.coldefexpr()] {
                let part = self.value(part);
                self.record(&part, Usage::Argument);
                value.absorb(&part, Transform::Expression);
            }
            let name = column.colname().unwrap_or_default();
            columns.push(Column::named(name, value));
        }
        self.record(&all, Usage::Argument);
        let columns = Columns::Listed(columns.into());
        (vec![Item::aliased("xmltable", table.alias(), columns)], all)
    }

    fn json_table(&mut self, table: &'t nodes::JsonTable) -> (Items<'t>, Provenance) {
        let context = table.context_item().map(Node::JsonValueExpr);
        let mut all = context.map_or_else(Provenance::constant, |node| self.children(node));
        let passing = self.together(table.passing());
        all.absorb(&passing, Transform::Expression);
        // The defaults of ON EMPTY and ON ERROR are expressions, too.
        let columns = untyped(table.columns());
        let defaults = self.together(columns);
        all.absorb(&defaults, Transform::Expression);
        self.record(&all, Usage::Argument);
        let mut listed = Vec::new();
        json_columns(columns, &all, &mut listed);
        let columns = Columns::Listed(listed.into());
        (
            vec![Item::aliased("json_table", table.alias(), columns)],
            all,
        )
    }
}

/// The columns in the server's order: those of a level come before those of its NESTED paths (transformJsonTableColumns).
fn json_columns(columns: &NodeList, value: &Provenance, into: &mut Vec<Column>) {
    let mut nested = Vec::new();
    for column in columns {
        if let Node::JsonTableColumn(column) = column {
            if column.coltype == nodes::JsonTableColumnType::JTC_NESTED {
                nested.push(column.columns());
            } else {
                let name = column.name().unwrap_or_default();
                into.push(Column::named(name, value.clone()));
            }
        }
    }
    for columns in nested {
        json_columns(columns, value, into);
    }
}
