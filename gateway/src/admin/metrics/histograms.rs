//! Histograms that take the same memory however much they count. The recorder's keep every value until somebody renders them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::definition::{Definition, Kind};
use super::text;

/// All histograms, in the order of their first use; there are few.
#[derive(Default)]
pub(super) struct Histograms(Mutex<Vec<Entry>>);

struct Entry {
    definition: &'static Definition,
    labels: Vec<String>,
    histogram: Arc<Histogram>,
}

/// What was counted under the same labels.
pub(super) struct Histogram {
    bounds: &'static [f64],
    /// One more than there are bounds.
    counts: Box<[AtomicU64]>,
    /// Of all values, in billionths.
    sum: AtomicU64,
}

impl Histogram {
    fn new(bounds: &'static [f64]) -> Self {
        Histogram {
            bounds,
            counts: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(),
            sum: AtomicU64::new(0),
        }
    }

    /// Counts a value that is not negative.
    pub fn record(&self, value: f64) {
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        if let Some(count) = self.counts.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.sum.fetch_add((value * 1e9) as u64, Ordering::Relaxed);
    }
}

impl Histograms {
    /// The histogram with these values of the definition's labels.
    pub fn of(&self, definition: &'static Definition, labels: &[&str]) -> Arc<Histogram> {
        definition.check(labels);
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = entries
            .iter()
            .find(|entry| std::ptr::eq(entry.definition, definition) && entry.labels == labels);
        if let Some(known) = known {
            return Arc::clone(&known.histogram);
        }
        let bounds = match definition.kind {
            Kind::Histogram(bounds) => bounds,
            Kind::Counter | Kind::FractionalCounter | Kind::Gauge => &[],
        };
        let histogram = Arc::new(Histogram::new(bounds));
        entries.push(Entry {
            definition,
            labels: labels.iter().map(ToString::to_string).collect(),
            histogram: Arc::clone(&histogram),
        });
        histogram
    }

    /// Appends the histograms in Prometheus' text format.
    pub fn render(&self, out: &mut String) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.sort_by_key(|entry| entry.definition.name);
        for metric in entries.chunk_by(|one, other| std::ptr::eq(one.definition, other.definition))
        {
            let Some(definition) = metric.first().map(|entry| entry.definition) else {
                continue;
            };
            text::header(out, definition, "histogram");
            for entry in metric {
                entry.render(out);
            }
            out.push('\n');
        }
    }
}

impl Entry {
    fn render(&self, out: &mut String) {
        let Entry {
            definition,
            labels,
            histogram,
        } = self;
        let names = definition.labels.iter().map(|label| label.name);
        let labels: Vec<_> = names.zip(labels.iter().map(String::as_str)).collect();
        let mut total = 0;
        let unbounded = "+Inf".to_owned();
        let bounds = histogram.bounds.iter().map(f64::to_string);
        for (bound, count) in bounds.chain([unbounded]).zip(&histogram.counts) {
            total += count.load(Ordering::Relaxed);
            let labels = [&labels[..], &[("le", bound.as_str())]].concat();
            text::sample(out, definition.name, "_bucket", &labels, total as f64);
        }
        let sum = histogram.sum.load(Ordering::Relaxed) as f64 / 1e9;
        text::sample(out, definition.name, "_sum", &labels, sum);
        text::sample(out, definition.name, "_count", &labels, total as f64);
    }
}
