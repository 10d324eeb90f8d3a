//! What a metric is, and how a definition becomes a description and a handle.

use metrics::{Counter, Gauge, Label, Unit, counter, describe_counter, describe_gauge, gauge};

/// A metric. Its definition is the only place that spells its name.
pub(super) struct Definition {
    pub name: &'static str,
    pub kind: Kind,
    pub unit: Unit,
    pub help: &'static str,
    pub labels: &'static [LabelDefinition],
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Counter,
    /// A counter of fractional values, kept in [`super::policy_counters`].
    FractionalCounter,
    Gauge,
    /// With the upper bounds of its buckets; kept in [`super::histograms`].
    Histogram(&'static [f64]),
}

pub(super) struct LabelDefinition {
    pub name: &'static str,
    pub values: Values,
}

/// The values that a label can have.
pub(super) enum Values {
    Fixed(&'static [&'static str]),
    /// Those that another module defines.
    Names(fn() -> Vec<&'static str>),
    /// Any value; the text says what it is.
    #[cfg_attr(
        not(test),
        expect(
            dead_code,
            reason = "the tests that generate the documentation read the text"
        )
    )]
    Open(&'static str),
}

impl Definition {
    pub fn describe(&self) {
        match self.kind {
            Kind::Counter => describe_counter!(self.name, self.unit, self.help),
            Kind::Gauge => describe_gauge!(self.name, self.unit, self.help),
            // The recorder does not keep them.
            Kind::Histogram(_) | Kind::FractionalCounter => {}
        }
    }

    /// A handle, with one value for each label in the definition's order.
    pub fn counter(&self, values: &[&str]) -> Counter {
        debug_assert!(self.kind == Kind::Counter, "{}", self.name);
        counter!(self.name, self.labels(values))
    }

    /// See [`Definition::counter`].
    pub fn gauge(&self, values: &[&str]) -> Gauge {
        debug_assert!(self.kind == Kind::Gauge, "{}", self.name);
        gauge!(self.name, self.labels(values))
    }

    /// There is one value for each label, and the label can have it.
    pub fn check(&self, values: &[&str]) {
        debug_assert_eq!(self.labels.len(), values.len(), "labels of {}", self.name);
        for (label, value) in self.labels.iter().zip(values) {
            debug_assert!(
                label.allows(value),
                "{} of {}: \"{value}\" is not defined",
                label.name,
                self.name
            );
        }
    }

    fn labels(&self, values: &[&str]) -> Vec<Label> {
        self.check(values);
        let labels = self.labels.iter().zip(values);
        labels
            .map(|(label, value)| Label::new(label.name, (*value).to_owned()))
            .collect()
    }
}

impl LabelDefinition {
    fn allows(&self, value: &str) -> bool {
        match self.values {
            Values::Fixed(values) => values.contains(&value),
            Values::Names(values) => values().contains(&value),
            Values::Open(_) => true,
        }
    }
}
