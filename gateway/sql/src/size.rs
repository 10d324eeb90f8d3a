//! About how much memory facts take, for caches that are limited in bytes.

use std::mem::size_of;

use crate::facts::{
    ColumnRef, ColumnSource, Facts, Flow, Output, Outputs, SessionEffect, TableRef,
};

/// What the allocator needs for one block besides its contents, and for a vector that has grown.
const BLOCK: usize = 24;

impl Facts {
    /// About how many bytes of memory this takes.
    pub fn bytes(&self) -> usize {
        let texts = [
            &self.commands,
            &self.opaque,
            &self.functions,
            &self.channels,
        ];
        let texts: usize = texts.into_iter().map(|texts| of_texts(texts)).sum();
        let tables = self
            .tables
            .iter()
            .map(|table| size_of::<TableRef>() + of_text(&table.schema) + of_text(&table.name));
        let columns = self.columns.iter();
        let columns = columns.map(|column| size_of::<ColumnRef>() + of_text(&column.name));
        let flows = self.flows.iter().map(|flow| {
            size_of::<Flow>() + of_source(&flow.target) + of_sources(flow.sources.as_deref())
        });
        let settings = self
            .settings
            .iter()
            .map(|change| size_of_val(change) + BLOCK * 2 + change.name.len());
        let session = match &self.session {
            SessionEffect::Prepare { name, inner } => of_text(name) + inner.bytes(),
            SessionEffect::CopyOut(out) => size_of_val(out) + of_text(&out.describe),
            _ => BLOCK,
        };
        size_of::<Facts>()
            + texts
            + tables.sum::<usize>()
            + columns.sum::<usize>()
            + self.equated.len() * size_of::<usize>()
            + of_outputs(&self.outputs)
            + of_outputs(&self.inner)
            + flows.sum::<usize>()
            + settings.sum::<usize>()
            + session
    }
}

fn of_outputs(outputs: &Outputs) -> usize {
    let Outputs::Columns(columns) = outputs else {
        return 0;
    };
    let of = |output: &Output| {
        let name = output.name.as_ref().map_or(0, |name| of_text(name));
        size_of::<Output>() + name + of_sources(output.sources.as_deref())
    };
    columns.iter().map(of).sum()
}

fn of_sources(sources: Option<&[ColumnSource]>) -> usize {
    sources.into_iter().flatten().map(of_source).sum()
}

fn of_source(source: &ColumnSource) -> usize {
    size_of::<ColumnSource>()
        + of_text(&source.schema)
        + of_text(&source.table)
        + of_text(&source.column)
}

fn of_texts(texts: &[String]) -> usize {
    texts
        .iter()
        .map(|text| size_of::<String>() + of_text(text))
        .sum()
}

fn of_text(text: &str) -> usize {
    BLOCK + text.len()
}

#[cfg(test)]
mod tests {
    use crate::{Catalog, RelationKind, Settings, analyze, on_big_stack};

    fn bytes(text: &str) -> usize {
        let mut catalog = Catalog::builder();
        catalog.relation(1, "public", "wide", RelationKind::Table);
        for at in 1..=1000_i16 {
            catalog.column(1, at, &format!("column_{at}"), 25);
        }
        let catalog = catalog.build();
        let analysis = on_big_stack(|| analyze(text, &catalog, &Settings::default()));
        let analysis = analysis.expect("no panic").expect(text);
        analysis.statements[0].facts.bytes()
    }

    /// A short text can have facts of many megabytes.
    #[test]
    fn what_a_text_carries_counts_and_not_its_length() {
        let one = bytes("SELECT w FROM wide w");
        assert!((100_000..1_000_000).contains(&one), "{one}");
        let many = bytes(&format!("SELECT {} FROM wide w", ["w"; 50].join(", ")));
        assert!(many > 40 * one, "{many} {one}");
        assert!(bytes("SELECT 1") < 2000);
    }
}
