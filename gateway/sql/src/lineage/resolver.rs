//! The state of an analysis, and its results by name.

use std::cell::Cell;

use hashbrown::HashSet;

use super::level::Level;
use crate::catalog::{Catalog, Names};
use crate::facts::{ColumnSource, Flow, Output, Outputs, Transform, Usage};
use crate::provenance::{Provenance, Source};
use crate::rows::Rows;

/// The number of steps after which a statement is too large to analyse: a few tenths of a second.
const BUDGET: u64 = 2_000_000;

pub(super) struct Resolver<'t> {
    pub(super) catalog: Names<'t>,
    pub(super) levels: Vec<Level<'t>>,
    /// The names of the parameters of the function whose body is analysed.
    pub(super) parameters: Vec<&'t str>,
    pub(super) budget: Cell<u64>,
    pub(super) uses: Vec<(u32, i16, Usage)>,
    pub(super) used: HashSet<(u32, i16, Usage)>,
    pub(super) flows: Vec<Flow>,
    pub(super) opaque: Option<&'static str>,
    /// Whether a definition is analysed: anything it writes may include its parameters.
    pub(super) within: bool,
    /// Whether a name refers to a definition that has not been read yet.
    pub(super) waits: Cell<bool>,
}

impl<'t> Resolver<'t> {
    pub(super) fn new(catalog: Names<'t>) -> Self {
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

    pub(super) fn within(catalog: Names<'t>, parameters: &[&'t str]) -> Self {
        Self {
            parameters: parameters.to_vec(),
            within: true,
            ..Self::new(catalog)
        }
    }

    pub(super) fn spend(&self, steps: usize) {
        let left = self.budget.get().saturating_sub(steps as u64);
        self.budget.set(left);
    }

    pub(super) fn spent(&self) -> bool {
        self.budget.get() == 0
    }

    pub(super) fn outputs(&self, rows: &Rows) -> Outputs {
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
    pub(super) fn named(&self, value: &Provenance) -> (Option<Vec<ColumnSource>>, bool) {
        if value.unknown || self.spent() {
            return (None, false);
        }
        let sources: Option<Vec<ColumnSource>> = value
            .sources()
            .iter()
            .map(|source| name_of(self.catalog.catalog(), source))
            .collect();
        let exact = sources
            .as_ref()
            .is_some_and(|sources| sources.is_empty() || !value.changed);
        (sources, exact)
    }

    /// Records the columns that a condition, group or order uses, unless they are only a guess at what a view reads.
    pub(super) fn record(&mut self, value: &Provenance, usage: Usage) {
        let certain = |source: &&Source| source.transform != Transform::Unknown;
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

/// Adds the value to everything that is written.
pub(crate) fn add_to_flows(flows: &mut [Flow], value: &Provenance, catalog: &Catalog) {
    let (sources, _) = Resolver::new(Names::every(catalog)).named(value);
    for flow in flows.iter_mut() {
        flow.add(sources.as_deref());
    }
}
