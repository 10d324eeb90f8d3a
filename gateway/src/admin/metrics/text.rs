//! Prometheus' text format, for what the recorder does not keep.

use std::fmt::Write;

use super::definition::Definition;

/// What comes before the samples of a metric.
pub(super) fn header(out: &mut String, definition: &Definition, kind: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "# HELP {} {}", definition.name, definition.help);
    let _ = writeln!(out, "# TYPE {} {kind}", definition.name);
}

/// One sample: the metric's name with a suffix, labels, and a value.
pub(super) fn sample(
    out: &mut String,
    name: &str,
    suffix: &str,
    labels: &[(&str, &str)],
    value: f64,
) {
    let _ = write!(out, "{name}{suffix}");
    let mut before = '{';
    for (label, value) in labels {
        let _ = write!(out, "{before}{label}=\"{}\"", escaped(value));
        before = ',';
    }
    let closing = if labels.is_empty() { "" } else { "}" };
    let _ = writeln!(out, "{closing} {value}");
}

/// A label's value as the format requires it.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
