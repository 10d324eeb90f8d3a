//! Lineage: the base columns whose values each output column can carry, and what flows into which table. A name or
//! function that cannot be resolved makes the value unknown.
//!
//! A value carries every column that it is computed from, and also what a CASE, an aggregate's FILTER or ORDER BY, a
//! window or a subquery *used as a value* decides by, since the value then reveals it. What selects rows (WHERE, JOIN,
//! HAVING of the query itself) is a use of a column, not a source; but an aggregate over a subquery, CTE or function in
//! FROM carries what determines how many rows that has.

mod base;
mod call;
mod change;
mod expression;
mod flow;
mod from;
mod join;
mod name;
mod provenance;
mod query;
mod scope;
mod set;
mod with;

use std::cell::Cell;
use std::collections::HashSet;

use pg_query::{NodeEnum, protobuf as pb};

use crate::catalog::Catalog;
use crate::facts::{Access, ColumnSource, Flow, Output, Outputs, Usage};

pub(crate) use base::of_column;
use provenance::Source;
pub(crate) use provenance::{Column, Provenance};
use scope::Level;
pub(crate) use scope::Rows;

/// The number of steps after which a statement is too large to analyse: a few tenths of a second.
const BUDGET: u64 = 2_000_000;

pub(crate) struct Lineage {
    /// The rows returned to the client.
    pub outputs: Outputs,
    /// The rows returned by COPY, or later through a cursor.
    pub inner: Outputs,
    pub flows: Vec<Flow>,
    /// Uses of columns other than as output: (relation, attribute, usage).
    pub uses: Vec<(u32, i16, Usage)>,
    /// Why the statement's result cannot be determined.
    pub opaque: Option<&'static str>,
}

pub(super) struct Resolver<'t> {
    catalog: &'t Catalog,
    levels: Vec<Level<'t>>,
    /// The names of the parameters of the function whose body is analysed.
    parameters: Vec<&'t str>,
    budget: Cell<u64>,
    uses: Vec<(u32, i16, Usage)>,
    used: HashSet<(u32, i16, Usage)>,
    flows: Vec<Flow>,
    opaque: Option<&'static str>,
    /// Whether a definition is analysed: anything it writes may include its parameters.
    within: bool,
    /// Whether a name refers to a definition that has not been read yet.
    waits: Cell<bool>,
}

/// What a statement of a definition returns and writes.
pub(crate) struct Followed {
    pub rows: Rows,
    pub flows: Vec<Flow>,
    /// It depends on a definition that has not been read yet.
    pub waits: bool,
}

/// Analyses a statement of a definition; its parameters carry nothing.
pub(crate) fn follow(node: &NodeEnum, catalog: &Catalog, parameters: &[&str]) -> Followed {
    let mut resolver = Resolver::new(catalog);
    resolver.parameters = parameters.to_vec();
    resolver.within = true;
    let rows = match node {
        NodeEnum::ReturnStmt(statement) => {
            let value = resolver.boxed(&statement.returnval);
            Rows::of(vec![Column { name: None, value }])
        }
        _ => resolver.query(node),
    };
    Followed {
        rows,
        waits: resolver.waits.get(),
        flows: resolver.flows,
    }
}

/// Adds the value to everything that is written.
pub(crate) fn add_to_flows(flows: &mut [Flow], value: &Provenance, catalog: &Catalog) {
    let (sources, _) = Resolver::new(catalog).named(value);
    for flow in flows.iter_mut() {
        flow.add(sources.as_deref());
    }
}

/// The lineage of one statement.
pub(crate) fn of(node: &NodeEnum, catalog: &Catalog) -> Lineage {
    let mut resolver = Resolver::new(catalog);
    let (outputs, inner) = resolver.statement(node);
    Lineage {
        outputs,
        inner,
        flows: resolver.flows,
        uses: resolver.uses,
        opaque: resolver.opaque,
    }
}

impl<'t> Resolver<'t> {
    fn new(catalog: &'t Catalog) -> Self {
        Self {
            catalog,
            levels: Vec::new(),
            parameters: Vec::new(),
            budget: Cell::new(BUDGET),
            uses: Vec::new(),
            used: HashSet::new(),
            flows: Vec::new(),
            opaque: None,
            within: false,
            waits: Cell::new(false),
        }
    }

    fn spend(&self, steps: usize) {
        let left = self.budget.get().saturating_sub(steps as u64);
        self.budget.set(left);
    }

    fn spent(&self) -> bool {
        self.budget.get() == 0
    }

    fn statement(&mut self, node: &'t NodeEnum) -> (Outputs, Outputs) {
        let none = || (Outputs::None, Outputs::None);
        match node {
            NodeEnum::SelectStmt(select) => {
                let rows = self.query(node);
                match select.into_clause.as_deref() {
                    Some(into) => {
                        self.flow_into(into.rel.as_ref(), &into.col_names, &rows);
                        none()
                    }
                    None => (self.outputs(&rows), Outputs::None),
                }
            }
            NodeEnum::InsertStmt(_)
            | NodeEnum::UpdateStmt(_)
            | NodeEnum::DeleteStmt(_)
            | NodeEnum::MergeStmt(_) => {
                let rows = self.query(node);
                if returns_rows(node) {
                    (self.outputs(&rows), Outputs::None)
                } else {
                    none()
                }
            }
            NodeEnum::DeclareCursorStmt(declare) => {
                let rows = self.boxed_query(declare.query.as_deref());
                (Outputs::None, self.outputs(&rows))
            }
            NodeEnum::CopyStmt(copy) => (Outputs::None, self.copy(copy)),
            NodeEnum::CreateTableAsStmt(create) => {
                let rows = self.boxed_query(create.query.as_deref());
                if let Some(into) = create.into.as_deref() {
                    self.flow_into(into.rel.as_ref(), &into.col_names, &rows);
                }
                none()
            }
            NodeEnum::ViewStmt(view) => {
                let rows = self.boxed_query(view.query.as_deref());
                self.flow_into(view.view.as_ref(), &view.aliases, &rows);
                none()
            }
            NodeEnum::PrepareStmt(prepare) => {
                // Its rows are returned by EXECUTE; what it writes is reported now.
                if let Some(inner) = prepare.query.as_ref().and_then(|node| node.node.as_ref()) {
                    self.statement(inner);
                }
                none()
            }
            NodeEnum::ExplainStmt(explain) => {
                if let Some(inner) = explain.query.as_ref().and_then(|node| node.node.as_ref()) {
                    self.statement(inner);
                }
                (Outputs::Unknown, Outputs::None)
            }
            NodeEnum::ExecuteStmt(execute) => {
                if !self.together(&execute.params).is_nothing() {
                    self.opaque = Some("EXECUTE is given what a function reads");
                }
                (Outputs::Unknown, Outputs::None)
            }
            NodeEnum::FetchStmt(_) | NodeEnum::CallStmt(_) | NodeEnum::VariableShowStmt(_) => {
                (Outputs::Unknown, Outputs::None)
            }
            _ => none(),
        }
    }

    fn boxed_query(&mut self, query: Option<&'t pb::Node>) -> Rows {
        match query.and_then(|node| node.node.as_ref()) {
            Some(node) => self.query(node),
            None => Rows::unknown(),
        }
    }

    /// COPY relation or COPY (query).
    fn copy(&mut self, copy: &'t pb::CopyStmt) -> Outputs {
        if copy.is_from {
            let condition = self.boxed(&copy.where_clause);
            self.record(&condition, Usage::Filter);
            let target = self.target_item(copy.relation.as_ref());
            let mut assigned = change::Assigned::new();
            self.triggered(&target, Access::INSERT, &mut assigned);
            self.flow(copy.relation.as_ref(), &target, &assigned);
            return Outputs::None;
        }
        if copy.query.is_some() {
            let rows = self.boxed_query(copy.query.as_deref());
            return self.outputs(&rows);
        }
        let Some(relation) = copy.relation.as_ref() else {
            return Outputs::Unknown;
        };
        let item = self.relation_item(relation, false);
        if copy.attlist.is_empty() {
            return match item.list(self) {
                Some(columns) => self.outputs(&Rows::of(columns)),
                None => Outputs::Unknown,
            };
        }
        self.levels.push(Level {
            items: vec![item],
            ..Level::default()
        });
        let names = crate::walker::strings(&copy.attlist);
        let columns = names
            .into_iter()
            .map(|name| provenance::Column::named(name, self.bare(name)));
        let rows = Rows::of(columns.collect());
        self.levels.pop();
        self.outputs(&rows)
    }

    fn outputs(&self, rows: &Rows) -> Outputs {
        let Some(columns) = &rows.columns else {
            return Outputs::Unknown;
        };
        let mut total = 0;
        let columns = columns.iter().map(|column| {
            total += column.value.sources().len();
            let (sources, exact) = if total > 100_000 {
                (None, false)
            } else {
                self.named(&column.value)
            };
            Output {
                name: column.name.as_deref().map(str::to_owned),
                sources,
                exact,
            }
        });
        Outputs::Columns(columns.collect())
    }

    /// The sources by name, and whether the value is one of them unchanged. `None`: unknown.
    fn named(&self, value: &Provenance) -> (Option<Vec<ColumnSource>>, bool) {
        if value.unknown || self.spent() {
            return (None, false);
        }
        let sources: Option<Vec<ColumnSource>> = value
            .sources()
            .iter()
            .map(|source| name_of(self.catalog, source))
            .collect();
        let exact = sources
            .as_ref()
            .is_some_and(|sources| sources.is_empty() || !value.changed);
        (sources, exact)
    }

    /// Records the columns that a condition, group or order uses, unless they are only a guess at what a view reads.
    fn record(&mut self, value: &Provenance, usage: Usage) {
        let certain = |source: &&Source| source.transform != crate::Transform::Unknown;
        for source in value.sources().iter().filter(certain) {
            let key = (source.relation, source.attnum, usage);
            if self.used.insert(key) {
                self.uses.push(key);
            }
        }
    }
}

fn name_of(catalog: &Catalog, source: &Source) -> Option<ColumnSource> {
    let relation = catalog.relation(source.relation)?;
    Some(ColumnSource {
        schema: relation.schema.clone(),
        table: relation.name.clone(),
        column: relation.attribute_name(source.attnum)?.to_owned(),
        transform: source.transform,
    })
}

fn returns_rows(node: &NodeEnum) -> bool {
    let clause = match node {
        NodeEnum::InsertStmt(insert) => &insert.returning_clause,
        NodeEnum::UpdateStmt(update) => &update.returning_clause,
        NodeEnum::DeleteStmt(delete) => &delete.returning_clause,
        NodeEnum::MergeStmt(merge) => &merge.returning_clause,
        _ => return true,
    };
    clause.is_some()
}
