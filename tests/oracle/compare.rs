//! What the gateway says of a statement, against what the server does.

use std::collections::BTreeSet;

use gatewright_sql::{Catalog, ColumnSource, Facts, Flow, Output, Outputs, Usage};

use crate::carried::{Carried, Column, Columns, Tree, targets};
use crate::counts::Counts;
use crate::known::Known;
use crate::node::{Node, Value};
use crate::server::{Server, Stored};
use crate::uses::{Effects, Reader, Use, Written};

/// The functions that a tree calls, by OID.
fn called(value: &Value, found: &mut BTreeSet<u32>) {
    match value {
        Value::List(list) => list.iter().for_each(|item| called(item, found)),
        Value::Node(node) => {
            // An implicit conversion is not written.
            let fields: &[&str] = if node.number("funcformat") == 2 {
                &[]
            } else {
                &["funcid", "aggfnoid", "winfnoid"]
            };
            for field in fields {
                found.extend(
                    u32::try_from(node.number(field))
                        .ok()
                        .filter(|oid| *oid != 0),
                );
            }
            node.fields().for_each(|field| called(field, found));
        }
        _ => {}
    }
}

/// The queries of a stored body.
pub fn queries(value: &Value) -> Vec<&Node> {
    match value {
        Value::Node(node) => vec![node],
        Value::List(list) => list.iter().flat_map(queries).collect(),
        _ => Vec::new(),
    }
}

struct Comparison<'c> {
    facts: &'c Facts,
    catalog: &'c Catalog,
    counts: &'c mut Counts,
    failures: Vec<String>,
}

/// The disagreements about one statement.
pub fn compare(
    facts: &Facts,
    stored: &Stored,
    server: &Server,
    catalog: &Catalog,
    counts: &mut Counts,
) -> Vec<String> {
    let tree = Tree::new(&server.views, &server.bodies);
    let mut comparison = Comparison {
        facts,
        catalog,
        counts,
        failures: Vec::new(),
    };
    for query in queries(&stored.tree) {
        let mut reader = Reader {
            tree: &tree,
            equality: &server.equality,
            comparisons: &server.comparisons,
            effects: Effects::default(),
        };
        reader.statement(query);
        let effects = reader.effects;
        comparison.relations(&effects.relations);

        // Such a statement is refused if it names a protected relation.
        if !facts.opaque.is_empty() {
            comparison.counts.opaque += 1;
            continue;
        }
        comparison.functions(&stored.tree, server);
        comparison.outputs(query, &tree.outputs(&vec![query]));
        comparison.uses(&effects.uses);
        for written in &effects.written {
            comparison.written(written);
        }
        // ON CONFLICT lists all columns of its target.
        if query.field("onConflict").is_null() {
            comparison.mentioned(&stored.depends);
        }
    }
    comparison.failures
}

impl Comparison<'_> {
    fn fail(&mut self, failure: String) {
        self.failures.push(failure);
    }

    fn name(&self, (oid, number): Column) -> String {
        let relation = self.catalog.relation(oid);
        let column = self.catalog.column(oid, number);
        match (relation, column) {
            (Some(relation), Some(column)) => {
                format!("{}.{}.{}", relation.schema, relation.name, column.name)
            }
            (Some(relation), None) => format!("{}.{}.{number}", relation.schema, relation.name),
            _ => format!("{oid}.{number}"),
        }
    }

    fn names<'a>(&self, columns: impl IntoIterator<Item = &'a Column>) -> String {
        let names: Vec<String> = columns
            .into_iter()
            .map(|column| self.name(*column))
            .collect();
        names.join(", ")
    }

    fn relations(&mut self, relations: &BTreeSet<u32>) {
        for oid in relations {
            let Some(known) = self.catalog.relation(*oid) else {
                continue;
            };
            let named = self
                .facts
                .tables
                .iter()
                .any(|table| table.name == known.name && table.schema == known.schema);
            if !named {
                self.fail(format!(
                    "{}.{} is read or written, but not listed",
                    known.schema, known.name
                ));
            }
        }
    }

    /// Functions outside pg_catalog are named in facts, which is how policies know of them.
    fn functions(&mut self, tree: &Value, server: &Server) {
        let mut found = BTreeSet::new();
        called(tree, &mut found);
        for (schema, name) in found.iter().filter_map(|oid| server.functions.get(oid)) {
            let qualified = format!("{schema}.{name}");
            let facts = &self.facts.functions;
            if !facts
                .iter()
                .any(|known| *known == qualified || known == name)
            {
                self.fail(format!("{qualified} is called, but not listed"));
            }
        }
    }

    fn outputs(&mut self, query: &Node, wanted: &[Carried]) {
        self.counts.outputs += wanted.len();
        let facts = self.facts;
        let columns = match &facts.outputs {
            Outputs::Columns(columns) => columns,
            Outputs::Unknown => {
                self.counts.unknown += wanted.len();
                return;
            }
            Outputs::None if wanted.is_empty() => return,
            Outputs::None => {
                return self.fail("it returns rows, but no output is reported".to_owned());
            }
        };
        if columns.len() != wanted.len() {
            return self.fail(format!(
                "it has {} columns, but {} are reported",
                wanted.len(),
                columns.len()
            ));
        }
        let names: Vec<&str> = targets(query)
            .map(|entry| entry.field("resname").word())
            .collect();
        for (at, (output, wanted)) in columns.iter().zip(wanted).enumerate() {
            if let (Some(name), Some(known)) = (&output.name, names.get(at))
                && name != known
            {
                self.fail(format!(
                    "column {} is named {known:?}, not {name:?}",
                    at + 1
                ));
            }
            self.output(at + 1, output, wanted);
        }
    }

    fn output(&mut self, number: usize, output: &Output, wanted: &Carried) {
        let Some(sources) = &output.sources else {
            self.counts.unknown += 1;
            return;
        };
        let known = self.columns(sources);
        let missing: Vec<&Column> = wanted
            .from
            .iter()
            .filter(|column| !known.has(**column))
            .collect();
        if !missing.is_empty() {
            let text = format!(
                "column {number} also carries {}; reported: {}",
                self.names(missing),
                self.names(&known.columns)
            );
            return self.fail(text);
        }
        if output.exact && wanted.changed && !wanted.from.is_empty() {
            self.fail(format!(
                "column {number} is computed from {}, but reported as unchanged",
                self.names(&wanted.from)
            ));
        }
        self.counts.wider += usize::from(known.is_wider_than(&wanted.from));
    }

    fn uses(&mut self, uses: &[Use]) {
        let mut telling = Columns::new();
        for used in uses {
            for column in &used.columns {
                self.counts.uses += 1;
                if !used.equation {
                    telling.insert(*column);
                }
                let shown = !used.alone && self.is_computed_from(*column);
                if !shown && !self.is_used(*column, used.equation) {
                    let how = if used.equation {
                        ""
                    } else {
                        " in a way that tells more than equality"
                    };
                    self.fail(format!(
                        "{} is used in {}{how}, but not reported",
                        self.name(*column),
                        used.place
                    ));
                }
            }
        }
        self.counts.more_uses += self
            .reported()
            .filter(|column| !telling.contains(column))
            .count();
    }

    /// The columns that the gateway reports as telling.
    fn reported(&self) -> impl Iterator<Item = Column> {
        let telling = self
            .facts
            .columns
            .iter()
            .enumerate()
            .filter(|(at, column)| reveals(column.usage) && !self.facts.equated.contains(at));
        let found: BTreeSet<Column> = telling
            .filter_map(|(_, column)| {
                let table = self.facts.tables.get(column.table?)?;
                let relation = *self
                    .catalog
                    .lookup(Some(&table.schema), &table.name)
                    .first()?;
                let known = relation
                    .columns
                    .iter()
                    .find(|known| known.name == column.name)?;
                Some((relation.oid, known.attnum))
            })
            .collect();
        found.into_iter()
    }

    /// Whether an output or a written column is known to be computed from the column, so that policies refuse it.
    fn is_computed_from(&self, column: Column) -> bool {
        let outputs = match &self.facts.outputs {
            Outputs::Columns(columns) => columns.as_slice(),
            Outputs::Unknown => return true,
            Outputs::None => &[],
        };
        let computed = outputs
            .iter()
            .filter(|output| !output.exact)
            .map(|output| &output.sources);
        let mut sources = computed.chain(self.facts.flows.iter().map(|flow| &flow.sources));
        sources.any(|sources| {
            sources
                .as_ref()
                .is_none_or(|sources| self.columns(sources).has(column))
        })
    }

    /// Whether facts report the use, as policies look for it.
    fn is_used(&self, column: Column, equation: bool) -> bool {
        self.facts.columns.iter().enumerate().any(|(at, known)| {
            reveals(known.usage)
                && (equation || !self.facts.equated.contains(&at))
                && self.is(known, column)
        })
    }

    fn is(&self, known: &gatewright_sql::ColumnRef, (oid, number): Column) -> bool {
        let (Some(relation), Some(column)) =
            (self.catalog.relation(oid), self.catalog.column(oid, number))
        else {
            // A system column.
            return true;
        };
        match known.table.and_then(|at| self.facts.tables.get(at)) {
            Some(table) => {
                table.name == relation.name
                    && table.schema == relation.schema
                    && (known.name == column.name || known.name == "*")
            }
            None => known.name == column.name,
        }
    }

    fn written(&mut self, written: &Written) {
        let (oid, number) = written.target;
        let (Some(relation), Some(column)) =
            (self.catalog.relation(oid), self.catalog.column(oid, number))
        else {
            return;
        };
        let to_it = |flow: &&Flow| {
            flow.target.table == relation.name
                && flow.target.schema == relation.schema
                && (flow.target.column == column.name || flow.target.column == "*")
        };
        let flows = self.facts.flows.iter().filter(to_it);
        let mut known = Known::default();
        for flow in flows {
            match &flow.sources {
                Some(sources) => known.add(self.columns(sources)),
                None => return,
            }
        }
        // A value that stays in its column, or in that of a parent or child, which is read as the same column, flows nowhere.
        if let Some((own, _)) = self.catalog.carried_by(oid, number) {
            known.add(self.columns(&own));
        }
        let missing = written
            .columns
            .iter()
            .filter(|source| **source != written.target && !known.has(**source));
        let missing: Vec<&Column> = missing.collect();
        if !missing.is_empty() {
            let text = format!(
                "{} also receives {}; reported: {}",
                self.name(written.target),
                self.names(missing),
                self.names(&known.columns)
            );
            self.fail(text);
        }
    }

    /// Whether every column in the server's dependencies is mentioned somewhere. One that a WITH clause lists under another
    /// name and that nobody reads is not.
    fn mentioned(&mut self, depends: &BTreeSet<(u32, i16)>) {
        let facts = self.facts;
        let mut known = Known::default();
        let outputs = match &facts.outputs {
            Outputs::Columns(columns) => columns.as_slice(),
            Outputs::Unknown => return,
            Outputs::None => &[],
        };
        let outputs = outputs.iter().map(|output| &output.sources);
        for sources in outputs.chain(facts.flows.iter().map(|flow| &flow.sources)) {
            match sources {
                Some(sources) => known.add(self.columns(sources)),
                None => return,
            }
        }
        for column in depends.iter().filter(|(_, number)| *number > 0) {
            let used =
                known.has(*column) || facts.columns.iter().any(|known| self.is(known, *column));
            if !used {
                self.counts.unmentioned += 1;
            }
        }
    }

    fn columns(&self, sources: &[ColumnSource]) -> Known {
        let mut known = Known::default();
        for source in sources {
            let Some(relation) = self
                .catalog
                .lookup(Some(&source.schema), &source.table)
                .first()
                .copied()
            else {
                continue;
            };
            if source.column == "*" {
                known.whole.insert(relation.oid);
            }
            let column = relation
                .columns
                .iter()
                .find(|column| column.name == source.column);
            known
                .columns
                .extend(column.map(|column| (relation.oid, column.attnum)));
        }
        known
    }
}

/// As policies see it: a use that shows more than that the column is there.
fn reveals(usage: Usage) -> bool {
    !matches!(
        usage,
        Usage::Output | Usage::Assigned | Usage::Returning | Usage::Other
    )
}
