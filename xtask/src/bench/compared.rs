//! Gateways compared in pairs, as Markdown: two builds, or one that records with one that does not.

use super::Effort;
use super::measure::{Cpu, Sample};
use super::report::{Row, median, number};
use super::ways::Way;

/// Pairs of routes, and what they are compared by.
pub struct Pairs {
    /// The headings: what the pairs have in common, the first and the second of each.
    headings: [&'static str; 3],
    /// What is behind a pair, its first and its second route.
    pairs: &'static [(&'static str, Way, Way)],
}

/// The baseline and the current build, with the same policies.
pub const BUILDS: Pairs = Pairs {
    headings: ["policies", "before", "after"],
    pairs: &[
        ("allow-all", Way::BaselineAllowAll, Way::AllowAll),
        ("three", Way::BaselinePolicies, Way::Policies),
    ],
};

/// Gateways with the same policies, without a record and with one.
pub const RECORD: Pairs = Pairs {
    headings: ["recorded", "without", "with"],
    pairs: &[
        (
            "statements, on disk at intervals",
            Way::Unrecorded,
            Way::Statements,
        ),
        ("rows, on disk at intervals", Way::Unrecorded, Way::Rows),
        (
            "rows, each statement on disk before it runs",
            Way::Unrecorded,
            Way::RowsOnDisk,
        ),
    ],
};

/// The comparison. Ratios are taken within a round, since its measurements are close in time; the table has their median
/// and range.
pub fn table(compared: &Pairs, rows: &[Row], effort: &Effort) -> String {
    let [of, first, second] = compared.headings;
    let mut text = format!(
        "Medians of {} rounds, {} s each; all gateways in turn in one run. CPU is the time of the gateway per transaction, row \
         or connection.\n\n\
         | workload | clients | {of} | unit | {first} | {second} | {second} / {first} | CPU {first}, µs | CPU {second}, µs | {second} / {first} |\n\
         | --- | --: | --- | --- | --: | --: | --- | --: | --: | --- |\n",
        effort.rounds, effort.seconds
    );
    for row in rows {
        for (what, first, second) in compared.pairs {
            let (before, after) = (row.samples(*first), row.samples(*second));
            let value = |sample: &Sample| Some(sample.value);
            let cpu = |sample: &Sample| sample.cpu.map(Cpu::total);
            let workload = row.workload;
            text.push_str(&format!(
                "| {} | {} | {what} | {} | {} | {} |\n",
                workload.name(),
                workload.clients(),
                workload.unit(),
                cells(before, after, value),
                cells(before, after, cpu),
            ));
        }
    }
    text
}

/// The medians before and after, and the ratio.
fn cells(before: &[Sample], after: &[Sample], of: impl Fn(&Sample) -> Option<f64>) -> String {
    let middle = |samples: &[Sample]| number(median(samples.iter().filter_map(&of)));
    let ratios: Vec<f64> = before
        .iter()
        .zip(after)
        .filter_map(|(before, after)| Some(of(after)? / of(before)?))
        .collect();
    let ratio = match median(ratios.iter().copied()) {
        None => "-".to_owned(),
        Some(ratio) => {
            let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
            let most = ratios.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            format!("{ratio:.2} ({least:.2} to {most:.2})")
        }
    };
    format!("{} | {} | {ratio}", middle(before), middle(after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_taken_within_a_round() {
        let samples = |values: [f64; 3]| values.map(|value| Sample { value, cpu: None });
        // The second round was slow for both.
        let (before, after) = (samples([100.0, 50.0, 110.0]), samples([110.0, 55.0, 99.0]));
        assert_eq!(
            cells(&before, &after, |sample| Some(sample.value)),
            "100.0 | 99.0 | 1.10 (0.90 to 1.10)"
        );
        assert_eq!(
            cells(&before, &after, |sample| sample.cpu.map(Cpu::total)),
            "- | - | -"
        );
    }
}
