//! The definitions are complete, and docs/metrics.md is generated from them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use gatewright_policy_host::{Fault, Observer, ReloadEvent, ReloadOutcome};
use gatewright_sql::Verb;

use super::definition::{Definition, Kind, Values};
use super::*;
use crate::gate::GateMetrics;
use crate::library::IndexMetrics;
use crate::pool::{Closed, Handed, PoolMetrics};
use crate::recording::RecordMetrics;
use crate::session::Completion;
use crate::streams::StreamMetrics;
use crate::tests::{self, memory::held};
use crate::traces::TraceMetrics;
use crate::webhooks::{Outcome, WebhookMetrics};

const INTRODUCTION: &str = "\
# Metrics

<!-- Generated from gateway/src/admin/metrics/definitions.rs. To update:
GATEWRIGHT_UPDATE_DOCS=1 cargo test --workspace --lib documentation_is_current -->

The gateway serves its metrics at `/metrics` of the [admin port](configuration.md#admin), in Prometheus' text format. A
metric with labels appears once it has counted something.

| metric | kind | unit | meaning |
| --- | --- | --- | --- |
";

#[test]
fn documentation_is_current() {
    tests::assert_current("docs/metrics.md", &page());
}

fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    for definition in definitions::ALL {
        let Definition { name, help, .. } = definition;
        let (kind, unit) = (kind(definition.kind), definition.unit.as_str());
        writeln!(page, "| `{name}` | {kind} | {unit} | {help} |").unwrap();
    }
    page.push_str("\n## Labels\n\n| label | values | metrics |\n| --- | --- | --- |\n");
    for ((label, values), metrics) in labels() {
        writeln!(page, "| `{label}` | {values} | {} |", metrics.join(", ")).unwrap();
    }
    page.push_str("\n## Buckets\n\n| metric | upper bounds |\n| --- | --- |\n");
    for definition in definitions::ALL {
        if let Kind::Histogram(bounds) = definition.kind {
            let bounds: Vec<_> = bounds.iter().map(f64::to_string).collect();
            writeln!(page, "| `{}` | {} |", definition.name, bounds.join(", ")).unwrap();
        }
    }
    page
}

/// The metrics by label and its values.
fn labels() -> BTreeMap<(&'static str, String), Vec<String>> {
    let mut labels = BTreeMap::<_, Vec<_>>::new();
    for definition in definitions::ALL {
        for label in definition.labels {
            let values = match label.values {
                Values::Fixed(values) => listed(values),
                Values::Names(values) => listed(&values()),
                Values::Open(meaning) => meaning.to_owned(),
            };
            labels
                .entry((label.name, values))
                .or_default()
                .push(format!("`{}`", definition.name));
        }
    }
    labels
}

fn listed(values: &[&str]) -> String {
    let values: Vec<_> = values.iter().map(|value| format!("`{value}`")).collect();
    values.join(", ")
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Counter => "counter",
        Kind::FractionalCounter => "counter (fractional)",
        Kind::Gauge => "gauge",
        Kind::Histogram(_) => "histogram",
    }
}

/// Metrics that nothing else in the process counts into, for the time of `count`.
fn rendered(count: impl FnOnce(&Metrics) + Send) -> String {
    let recorder = PrometheusBuilder::new().build_recorder();
    // A thread of its own: handles are kept by thread.
    std::thread::scope(|scope| {
        let counted = scope.spawn(|| {
            metrics::with_local_recorder(&recorder, || {
                let metrics = Metrics::described(recorder.handle());
                count(&metrics);
                metrics.render()
            })
        });
        counted.join().unwrap()
    })
}

fn count_everything(metrics: &Metrics) {
    let _open = Connection::open();
    Connection::delayed();
    Connection::ended("client_left");
    metrics.verdict(Verb::Select, "allow");
    let done = Completion {
        rows: 2,
        bytes: 30,
        masked_cells: 1,
        ..Completion::default()
    };
    metrics.completed(Verb::Select, 0.25, &done);
    metrics.held(true);
    metrics.decided("approved");
    metrics.shadow("p", "deny");
    metrics.call("p", "on-batch", Duration::from_micros(3));
    metrics.handed_over("p");
    metrics.fault("p", &Fault::Trap("unreachable".into()));
    metrics.reload(&ReloadEvent {
        policy: "p".into(),
        outcome: ReloadOutcome::Removed,
        generation: 7,
    });
    metrics.metric("p", "seen", 1.5);
    let pools = metrics.of_database("d");
    pools.open(1.0);
    pools.idle(1.0);
    pools.waiting(1.0);
    pools.handed_out(Handed::Reset);
    pools.closed(Closed::Traces);
    pools.timed_out();
    let database = metrics.database("d").expect("it is counted");
    database.session(true);
    database.verdict("ask");
    database.delivered(&done);
    database.held(true);
    metrics.attempted("w", Outcome::GivenUp);
    WebhookMetrics::pending(metrics, "w", 3);
    metrics.written(3, 400);
    metrics.waited(0.002);
    RecordMetrics::failed(metrics);
    metrics.truncated();
    metrics.deleted(2);
    IndexMetrics::behind(metrics, 3);
    IndexMetrics::failed(metrics);
    metrics.checkpoint(true);
    metrics.uploaded(true);
    metrics.backlog(400);
    StreamMetrics::delivered(metrics, "s", 3);
    StreamMetrics::failed(metrics, "s");
    StreamMetrics::pending(metrics, "s", 400);
    metrics.lost();
    metrics.exported(3);
    metrics.dropped(2);
}

#[test]
fn what_is_exported_and_what_is_defined_are_the_same() {
    let text = rendered(count_everything);
    let mut exported = BTreeSet::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, exported_kind) = line.split_once(' ').unwrap();
        let defined = definitions::ALL
            .iter()
            .find(|definition| definition.name == name)
            .unwrap_or_else(|| panic!("{name} is not defined"));
        assert!(kind(defined.kind).starts_with(exported_kind), "{line}");
        let help = format!("# HELP {name} {}\n", defined.help);
        assert!(text.contains(&help), "{help}{text}");
        assert!(exported.insert(name), "{name} is exported twice");
    }
    let defined: BTreeSet<_> = definitions::ALL.iter().map(|one| one.name).collect();
    assert_eq!(exported, defined);
    for sample in [
        "gatewright_connections 0\n",
        "gatewright_statements_total{kind=\"select\",verdict=\"allow\"} 1\n",
        "gatewright_statement_ends_total{kind=\"select\",outcome=\"completed\"} 1\n",
        "gatewright_result_bytes_total 30\n",
        "gatewright_statement_seconds_bucket{kind=\"select\",le=\"0.25\"} 1\n",
        "gatewright_statement_seconds_bucket{kind=\"select\",le=\"0.05\"} 0\n",
        "gatewright_statement_seconds_bucket{kind=\"select\",le=\"+Inf\"} 1\n",
        "gatewright_statement_seconds_sum{kind=\"select\"} 0.25\n",
        "gatewright_statement_seconds_count{kind=\"select\"} 1\n",
        "gatewright_database_sessions{database=\"d\"} 1\n",
        "gatewright_database_statements_total{database=\"d\",verdict=\"ask\"} 1\n",
        "gatewright_database_statements_total{database=\"d\",verdict=\"deny\"} 0\n",
        "gatewright_database_held{database=\"d\"} 1\n",
        "gatewright_database_rows_total{database=\"d\"} 2\n",
        "gatewright_database_masked_cells_total{database=\"d\"} 1\n",
        "gatewright_policy_metric_total{policy=\"p\",name=\"seen\"} 1.5\n",
    ] {
        assert!(text.contains(sample), "{sample}{text}");
    }
}

/// Nobody may ever ask for the metrics.
#[test]
fn what_is_counted_takes_no_more_memory_than_its_labels() {
    let text = rendered(|metrics| {
        let count = || {
            metrics.completed(Verb::Select, 0.25, &Completion::default());
            metrics.call("p", "on-batch", Duration::from_micros(3));
        };
        count();
        let before = held();
        (0..100_000).for_each(|_| count());
        assert_eq!(held(), before);
    });
    assert!(text.contains("gatewright_statement_seconds_count{kind=\"select\"} 100001\n"));
}

#[test]
fn names_follow_the_conventions_of_prometheus() {
    for definition in definitions::ALL {
        let name = definition.name;
        let counts = matches!(definition.kind, Kind::Counter | Kind::FractionalCounter);
        assert_eq!(name.ends_with("_total"), counts, "{name}");
        let unit = match definition.unit {
            metrics::Unit::Seconds => "_seconds",
            metrics::Unit::Bytes => "_bytes",
            _ => "",
        };
        assert!(name.contains(unit), "{name}");
        assert!(!definition.help.contains('\n') && !definition.help.contains('|'));
    }
}

#[test]
fn policies_can_only_add_to_their_counters() {
    let text = rendered(|metrics| {
        for value in [2.0, -1.0, f64::NAN, f64::INFINITY, 0.5, f64::MAX, f64::MAX] {
            metrics.metric("p", "n", value);
        }
        metrics.metric("p\"\\", "n", 0.0);
        metrics.metric("q", "n", -1.0);
    });
    let value = |sample: &str| {
        let line = text.lines().find(|line| line.starts_with(sample)).unwrap();
        line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()
    };
    assert_eq!(
        value("gatewright_policy_metric_total{policy=\"p\",name=\"n\"}"),
        f64::MAX
    );
    assert_eq!(
        value("gatewright_policy_metric_total{policy=\"p\\\"\\\\\",name=\"n\"}"),
        0.0
    );
    assert_eq!(
        value("gatewright_policy_metric_total{policy=\"q\",name=\"n\"}"),
        0.0
    );
}

/// A metric that is made in passing would have no definition.
#[test]
fn only_definitions_make_metrics() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![sources.clone()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let own =
                ["definition.rs", "tests.rs"].map(|name| sources.join("admin/metrics").join(name));
            if path.extension().is_none_or(|extension| extension != "rs") || own.contains(&path) {
                continue;
            }
            let source = std::fs::read_to_string(&path).unwrap();
            files += 1;
            for macro_name in ["counter!(", "gauge!(", "histogram!("] {
                assert!(!source.contains(macro_name), "{}", path.display());
            }
        }
    }
    assert!(files > 100, "{files}");
}
