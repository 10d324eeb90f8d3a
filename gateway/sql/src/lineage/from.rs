//! FROM: what each item brings into scope, and what determines which rows it has.

use pg_query::{NodeEnum, protobuf as pb};

use super::Resolver;
use super::provenance::{Column, Provenance};
use super::scope::{Columns, Item, Rows};
use crate::facts::{Transform, Usage};
use crate::walker::strings;

pub(super) type Items<'t> = Vec<Item<'t>>;

impl<'t> Resolver<'t> {
    /// Fills the current level. Returns what determines which rows there are.
    pub(super) fn from(&mut self, nodes: &'t [pb::Node]) -> Provenance {
        let mut chosen = Provenance::constant();
        for node in nodes {
            let (items, by) = self.read_item(node.node.as_ref());
            self.level().items.extend(items);
            chosen.absorb(&by, Transform::Expression);
        }
        chosen
    }

    pub(super) fn read_item(&mut self, node: Option<&'t NodeEnum>) -> (Items<'t>, Provenance) {
        self.spend(1);
        let open = || vec![Item::new("", Columns::Open(Provenance::unknown()))];
        match node {
            Some(NodeEnum::RangeVar(relation)) => self.named_item(relation),
            Some(NodeEnum::JoinExpr(join)) => self.join(join),
            Some(NodeEnum::RangeSubselect(sub)) => {
                let rows = self.beside(sub.lateral, |resolver| {
                    resolver.boxed_query(sub.subquery.as_deref())
                });
                let chosen = rows.chosen.clone();
                self.moves(&chosen);
                (vec![derived("", sub.alias.as_ref(), &rows)], chosen)
            }
            Some(NodeEnum::RangeTableSample(sample)) => {
                let inner = sample.relation.as_ref().and_then(|node| node.node.as_ref());
                let (items, mut chosen) = self.read_item(inner);
                for by in [self.together(&sample.args), self.boxed(&sample.repeatable)] {
                    chosen.absorb(&by, Transform::Expression);
                }
                (items, chosen)
            }
            Some(NodeEnum::RangeFunction(function)) => {
                self.beside(true, |resolver| resolver.functions(function))
            }
            Some(NodeEnum::RangeTableFunc(table)) => {
                self.beside(true, |resolver| resolver.xml_table(table))
            }
            Some(NodeEnum::JsonTable(table)) => {
                self.beside(true, |resolver| resolver.json_table(table))
            }
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

    fn named_item(&mut self, relation: &'t pb::RangeVar) -> (Items<'t>, Provenance) {
        if relation.schemaname.is_empty()
            && let Some(rows) = self.cte(&relation.relname)
        {
            let chosen = rows.chosen.clone();
            let item = derived(&relation.relname, relation.alias.as_ref(), rows);
            self.moves(&chosen);
            return (vec![item], chosen);
        }
        let item = self.relation_item(relation, true);
        let chosen = self.view_chosen(&item);
        (vec![item], chosen)
    }

    fn moves(&mut self, chosen: &Provenance) {
        self.level().moved.absorb(chosen, Transform::Expression);
    }

    /// A relation of the catalog, under its alias.
    pub(super) fn relation_item(&self, relation: &'t pb::RangeVar, aliased: bool) -> Item<'t> {
        let written = (!relation.schemaname.is_empty()).then_some(relation.schemaname.as_str());
        let found = self.catalog.lookup(written, &relation.relname);
        let columns = if found.is_empty() || found.iter().any(|found| found.columns.is_empty()) {
            Columns::Open(Provenance::unknown())
        } else {
            Columns::Relations(found)
        };
        let alias = relation.alias.as_ref().filter(|_| aliased);
        let mut item = item(&relation.relname, alias, columns);
        if alias.is_none() {
            item.schema = &relation.schemaname;
        }
        item
    }

    fn functions(&mut self, function: &'t pb::RangeFunction) -> (Items<'t>, Provenance) {
        let mut chosen = Provenance::constant();
        let mut columns: Option<Vec<Column>> = Some(Vec::new());
        let mut any = Provenance::constant();
        let mut first = "";
        for item in &function.functions {
            let Some(NodeEnum::List(list)) = &item.node else {
                columns = None;
                any = Provenance::unknown();
                continue;
            };
            let rows = self.function_rows(&list.items, function);
            if let Some(NodeEnum::FuncCall(call)) =
                list.items.first().and_then(|node| node.node.as_ref())
                && first.is_empty()
            {
                first = strings(&call.funcname).last().copied().unwrap_or_default();
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
        (vec![item(first, function.alias.as_ref(), shape)], chosen)
    }

    /// One function of FROM: `[call, column definitions]`.
    fn function_rows(&mut self, pair: &'t [pb::Node], function: &'t pb::RangeFunction) -> Rows {
        let Some(call) = pair.first() else {
            return Rows::unknown();
        };
        let own = match pair.get(1).and_then(|node| node.node.as_ref()) {
            Some(NodeEnum::List(list)) => list.items.as_slice(),
            _ => &[],
        };
        let definitions = if own.is_empty() {
            &function.coldeflist
        } else {
            own
        };
        let value = self.optional(Some(call));
        if !definitions.is_empty() {
            let names = definitions.iter().map(|definition| match &definition.node {
                Some(NodeEnum::ColumnDef(definition)) => definition.colname.as_str(),
                _ => "",
            });
            return Rows::of(
                names
                    .map(|name| Column::named(name, value.clone()))
                    .collect(),
            );
        }
        let alias = function
            .alias
            .as_ref()
            .filter(|_| function.functions.len() == 1)
            .map(|alias| alias.aliasname.as_str());
        self.call_rows(call, value, alias)
    }

    fn xml_table(&mut self, table: &'t pb::RangeTableFunc) -> (Items<'t>, Provenance) {
        let mut all = self.together(&table.namespaces);
        for part in [&table.docexpr, &table.rowexpr] {
            let part = self.boxed(part);
            all.absorb(&part, Transform::Expression);
        }
        let mut columns = Vec::new();
        for column in &table.columns {
            let Some(NodeEnum::RangeTableFuncCol(column)) = &column.node else {
                return (
                    vec![item(
                        "",
                        table.alias.as_ref(),
                        Columns::Open(Provenance::unknown()),
                    )],
                    Provenance::unknown(),
                );
            };
            let mut value = all.clone();
            for part in [&column.colexpr, &column.coldefexpr] {
                let part = self.boxed(part);
                value.absorb(&part, Transform::Expression);
            }
            columns.push(Column::named(&column.colname, value));
        }
        self.record(&all, Usage::Argument);
        let columns = Columns::Listed(columns.into());
        (vec![item("xmltable", table.alias.as_ref(), columns)], all)
    }

    fn json_table(&mut self, table: &'t pb::JsonTable) -> (Items<'t>, Provenance) {
        let context = table
            .context_item
            .as_deref()
            .map(pg_query::NodeRef::JsonValueExpr);
        let mut all = context.map_or_else(Provenance::constant, |node| self.children(node));
        let passing = self.together(&table.passing);
        all.absorb(&passing, Transform::Expression);
        // The defaults of ON EMPTY and ON ERROR are expressions, too.
        let defaults = self.together(&table.columns);
        all.absorb(&defaults, Transform::Expression);
        self.record(&all, Usage::Argument);
        let mut columns = Vec::new();
        json_columns(&table.columns, &all, &mut columns);
        let columns = Columns::Listed(columns.into());
        (vec![item("json_table", table.alias.as_ref(), columns)], all)
    }
}

fn json_columns(nodes: &[pb::Node], value: &Provenance, into: &mut Vec<Column>) {
    for node in nodes {
        if let Some(NodeEnum::JsonTableColumn(column)) = &node.node {
            if column.coltype == pb::JsonTableColumnType::JtcNested as i32 {
                json_columns(&column.columns, value, into);
            } else {
                into.push(Column::named(&column.name, value.clone()));
            }
        }
    }
}

pub(super) fn item<'t>(
    name: &'t str,
    alias: Option<&'t pb::Alias>,
    columns: Columns<'t>,
) -> Item<'t> {
    let mut item = Item::new(name, columns);
    if let Some(alias) = alias {
        item.name = &alias.aliasname;
        item.renamed = strings(&alias.colnames);
    }
    item
}

pub(super) fn derived<'t>(name: &'t str, alias: Option<&'t pb::Alias>, rows: &Rows) -> Item<'t> {
    item(name, alias, rows.shape())
}
