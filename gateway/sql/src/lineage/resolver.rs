//! The state of an analysis, and its results by name.

use std::cell::{Cell, RefCell};

use gatewright_parser::Node;
use hashbrown::{HashMap, HashSet};

use super::level::Level;
use super::used::Used;
use crate::catalog::{Catalog, Names};
use crate::equation::CanFail;
use crate::facts::{ColumnSource, Flow, Output, Outputs, Usage};
use crate::masks::Masks;
use crate::provenance::{Provenance, Source};
use crate::rows::Rows;

/// The number of steps after which a statement is too large to analyse: a few tenths of a second.
const BUDGET: u64 = 2_000_000;

pub(super) struct Resolver<'t> {
    pub(super) catalog: Names<'t>,
    /// Of an edited statement.
    pub(super) masks: Option<&'t Masks>,
    pub(super) levels: Vec<Level<'t>>,
    /// The names of the parameters of the function whose body is analysed.
    pub(super) parameters: Vec<&'t str>,
    pub(super) budget: Cell<u64>,
    pub(super) uses: Vec<Used>,
    used: HashSet<Used>,
    /// Functions that are called as if they were fields.
    pub(super) called: RefCell<Vec<String>>,
    /// The places where a column is compared with a constant.
    /// A value of unknown origin is used.
    pub(super) uses_anything: bool,
    guesses: HashMap<(u32, i16), HashSet<usize>>,
    pub(super) can_fail: CanFail,
    /// The query that is read next is only asked whether it has rows.
    pub(super) counted: bool,
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
            masks: None,
            levels: Vec::new(),
            parameters: Vec::new(),
            budget: Cell::new(BUDGET),
            uses: Vec::new(),
            used: HashSet::new(),
            called: RefCell::default(),
            uses_anything: false,
            guesses: HashMap::new(),
            can_fail: CanFail::new(),
            counted: false,
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

    /// Records the columns that a condition, group or order uses.
    pub(super) fn record(&mut self, value: &Provenance, usage: Usage) {
        self.record_as(value, usage, true);
    }

    /// `telling`: the use reveals more than whether the columns equal one value.
    pub(super) fn record_as(&mut self, value: &Provenance, usage: Usage, telling: bool) {
        self.uses_anything |= value.unknown;
        for source in value.sources() {
            self.record_use(Used {
                relation: source.relation,
                attnum: source.attnum,
                usage,
                telling,
            });
        }
    }

    fn record_use(&mut self, used: Used) {
        if self.used.insert(used) {
            self.uses.push(used);
        }
    }

    /// Records that columns are compared with a constant at this place.
    pub(super) fn record_equation(&mut self, value: &Provenance, place: Node<'t>) {
        self.record_as(value, Usage::Filter, false);
        // IS NULL is no guess at a value.
        if let Node::A_Expr(place) = place {
            let place = std::ptr::from_ref(place).addr();
            for source in value.sources() {
                let key = (source.relation, source.attnum);
                self.guesses.entry(key).or_default().insert(place);
            }
        }
    }

    /// One equation is one guess at a value. Several at once reveal more.
    pub(super) fn record_guesses(&mut self) {
        let guesses = std::mem::take(&mut self.guesses);
        let mut many: Vec<(u32, i16)> = guesses
            .into_iter()
            .filter(|(_, places)| places.len() > 1)
            .map(|(column, _)| column)
            .collect();
        many.sort_unstable();
        for (relation, attnum) in many {
            self.record_use(Used {
                relation,
                attnum,
                usage: Usage::Filter,
                telling: true,
            });
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
