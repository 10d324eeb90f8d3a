//! Medians and ratios, as Markdown and JSON.

use anyhow::Result;
use serde_json::{Value, json};

use super::Effort;
use super::measure::{Cpu, Sample};
use super::ways::Way;
use super::workload::Workload;

/// All measurements of one workload.
pub struct Row {
    pub workload: Workload,
    measured: [Vec<Sample>; Way::COUNT],
}

impl Row {
    pub fn new(workload: Workload) -> Self {
        Self {
            workload,
            measured: Default::default(),
        }
    }

    pub fn add(&mut self, way: Way, sample: Sample) {
        self.measured[way as usize].push(sample);
    }

    /// The measurements of one route, one per round.
    pub fn samples(&self, way: Way) -> &[Sample] {
        &self.measured[way as usize]
    }

    pub fn is_empty(&self) -> bool {
        self.measured.iter().all(Vec::is_empty)
    }

    /// The median of the measurements of one route.
    fn median(&self, way: Way) -> Option<f64> {
        median(self.samples(way).iter().map(|sample| sample.value))
    }

    /// The median of the CPU time on one route, of a kind.
    fn cpu(&self, way: Way, of: fn(&Cpu) -> f64) -> Option<f64> {
        median(
            self.samples(way)
                .iter()
                .filter_map(|sample| sample.cpu.as_ref().map(of)),
        )
    }

    fn ratio(&self, of: Way, to: Way) -> Option<f64> {
        Some(self.median(of)? / self.median(to)?)
    }

    /// A progress line.
    pub fn progress(&self, routes: [Way; 4]) -> String {
        let last = routes.map(|way| number(self.samples(way).last().map(|sample| sample.value)));
        format!(
            "{:<42} {:>2} clients  {}",
            self.workload.name(),
            self.workload.clients(),
            last.join("  ")
        )
    }

    /// The target of this workload, if it has one.
    fn target(&self) -> Option<Target> {
        let (against, least) = match self.workload {
            Workload::Select { clients: 1, .. } => (Way::PgBouncer, 0.8),
            Workload::Select { .. } => (Way::PgBouncer, 1.0),
            Workload::Rows { masked, .. } => (Way::Direct, masked.target()),
            _ => return None,
        };
        Some(Target {
            ratio: self.ratio(Way::Policies, against)?,
            against,
            least,
        })
    }
}

struct Target {
    ratio: f64,
    against: Way,
    least: f64,
}

/// The results as a Markdown table.
pub fn table(rows: &[Row], effort: &Effort) -> String {
    let mut text = format!(
        "Medians of {} rounds, {} s each; all routes in turn in one run. The target is a ratio for the gateway with policies.\n\n\
         | workload | clients | unit | direct | PgBouncer | allow-all | policies | allow-all / direct | policies / direct | policies / PgBouncer | target |\n\
         | --- | --: | --- | --: | --: | --: | --: | --: | --: | --: | --- |\n",
        effort.rounds, effort.seconds
    );
    for row in rows {
        let medians = Way::ALL.map(|way| number(row.median(way))).join(" | ");
        let ratios = [
            row.ratio(Way::AllowAll, Way::Direct),
            row.ratio(Way::Policies, Way::Direct),
            row.ratio(Way::Policies, Way::PgBouncer),
        ];
        let ratios = ratios
            .map(|ratio| ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2}")))
            .join(" | ");
        let target = row.target().map_or("-".to_owned(), |target| {
            let verdict = if target.ratio >= target.least {
                "met"
            } else {
                "missed"
            };
            let against = if target.against == Way::Direct {
                "direct"
            } else {
                "PgBouncer"
            };
            format!(
                "{verdict}: {:.2} of {against}, target {}",
                target.ratio, target.least
            )
        });
        let workload = row.workload;
        text.push_str(&format!(
            "| {} | {} | {} | {medians} | {ratios} | {target} |\n",
            workload.name(),
            workload.clients(),
            workload.unit()
        ));
    }
    text
}

/// The CPU time of what stands between client and server, as a Markdown table. Unlike throughput, it depends little on what else the
/// machine does.
pub fn cpu_table(rows: &[Row]) -> String {
    let routes = [Way::PgBouncer, Way::AllowAll, Way::Policies];
    let mut text = "CPU time per transaction, row or connection, in microseconds: in user mode + in the kernel.\n\n\
         | workload | clients | PgBouncer | allow-all | policies | allow-all / PgBouncer | policies / PgBouncer |\n\
         | --- | --: | --: | --: | --: | --: | --: |\n"
        .to_owned();
    for row in rows
        .iter()
        .filter(|row| row.cpu(Way::Policies, |cpu| cpu.user).is_some())
    {
        let times = routes.map(|way| {
            let part = |of: fn(&Cpu) -> f64| {
                row.cpu(way, of)
                    .map_or("-".to_owned(), |time| format!("{time:.2}"))
            };
            format!("{} + {}", part(|cpu| cpu.user), part(|cpu| cpu.system))
        });
        let ratio = |way| {
            let total = |way| row.cpu(way, |cpu| cpu.total());
            let ratio = total(way)
                .zip(total(Way::PgBouncer))
                .map(|(own, other)| own / other);
            ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2}"))
        };
        let workload = row.workload;
        text.push_str(&format!(
            "| {} | {} | {} | {} | {} |\n",
            workload.name(),
            workload.clients(),
            times.join(" | "),
            ratio(Way::AllowAll),
            ratio(Way::Policies),
        ));
    }
    text
}

/// The results as JSON. `null` where a route has no such measurement.
pub fn json(rows: &[Row]) -> Result<String> {
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({
                "workload": row.workload.name(),
                "clients": row.workload.clients(),
                "unit": row.workload.unit(),
                "higher_is_better": row.workload.higher_is_better(),
                "direct": row.median(Way::Direct),
                "pgbouncer": row.median(Way::PgBouncer),
                "gateway_allow_all": row.median(Way::AllowAll),
                "gateway_policies": row.median(Way::Policies),
                "cpu_us": {
                    "pgbouncer": row.cpu(Way::PgBouncer, |cpu| cpu.total()),
                    "gateway_allow_all": row.cpu(Way::AllowAll, |cpu| cpu.total()),
                    "gateway_policies": row.cpu(Way::Policies, |cpu| cpu.total()),
                },
            })
        })
        .collect();
    Ok(serde_json::to_string_pretty(&rows)? + "\n")
}

/// The median; `None` of no values.
pub fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        count if count % 2 == 1 => Some(values[middle]),
        _ => Some((values[middle - 1] + values[middle]) / 2.0),
    }
}

/// A measured number in a table; "-" if there is none.
pub fn number(value: Option<f64>) -> String {
    match value {
        None => "-".to_owned(),
        Some(value) if value >= 1000.0 => format!("{value:.0}"),
        Some(value) if value < 10.0 => format!("{value:.3}"),
        Some(value) => format!("{value:.1}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_ignores_an_outlier_and_the_ratio_follows() -> Result<()> {
        let mut row = Row::new(Workload::Select {
            mode: "simple",
            clients: 8,
        });
        for (way, values) in [
            (Way::PgBouncer, [100.0, 104.0, 9.0]),
            (Way::Policies, [70.0, 90.0, 900.0]),
        ] {
            for value in values {
                row.add(way, Sample { value, cpu: None });
            }
        }
        assert_eq!(row.median(Way::PgBouncer), Some(100.0));
        assert_eq!(row.ratio(Way::Policies, Way::PgBouncer), Some(0.9));
        let parsed: Value = serde_json::from_str(&json(&[row])?)?;
        assert_eq!(parsed[0]["gateway_policies"], 90.0);
        assert_eq!(parsed[0]["direct"], Value::Null);
        Ok(())
    }
}
