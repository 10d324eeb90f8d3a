//! Two builds of the gateway compared, as Markdown.

use super::Effort;
use super::measure::{Cpu, Sample};
use super::report::{Row, median, number};
use super::ways::Way;

/// The current build and its baseline, with the same policies.
const PAIRS: [(&str, Way, Way); 2] = [
    ("allow-all", Way::AllowAll, Way::BaselineAllowAll),
    ("policies", Way::Policies, Way::BaselinePolicies),
];

/// The comparison. Ratios are taken within a round, since its measurements are close in time; the table has their median
/// and range.
pub fn table(rows: &[Row], effort: &Effort) -> String {
    let mut text = format!(
        "Medians of {} rounds, {} s each; both builds in turn in one run. CPU is the time of the gateway per transaction, row \
         or connection.\n\n\
         | workload | clients | policies | unit | before | after | after / before | CPU before, µs | CPU after, µs | after / before |\n\
         | --- | --: | --- | --- | --: | --: | --- | --: | --: | --- |\n",
        effort.rounds, effort.seconds
    );
    for row in rows {
        for (policies, current, baseline) in PAIRS {
            let (after, before) = (row.samples(current), row.samples(baseline));
            let value = |sample: &Sample| Some(sample.value);
            let cpu = |sample: &Sample| sample.cpu.map(Cpu::total);
            let workload = row.workload;
            text.push_str(&format!(
                "| {} | {} | {policies} | {} | {} | {} |\n",
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
