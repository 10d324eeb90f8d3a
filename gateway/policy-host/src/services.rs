//! Host services for policies: log, metrics, clock and state.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use thiserror::Error;

use crate::contract::{Level, Scope};
use crate::observer::Observer;
use crate::state::{Owner, StateLimits, StateStore};
use crate::view::StatementView;

const LOG_BYTES: usize = 2048;
const LOG_LINES_PER_SECOND: u32 = 100;
const METRIC_NAMES: usize = 32;
const METRIC_NAME_BYTES: usize = 64;

/// The log, metrics and state of one policy name, shared by all instances and versions of the policy.
pub(crate) struct Services {
    pub(crate) policy: String,
    pub(crate) state: StateStore,
    observer: Arc<dyn Observer>,
    log: Mutex<LogBudget>,
    metrics: Mutex<MetricNames>,
}

struct LogBudget {
    window: Instant,
    lines: u32,
    dropped: u64,
}

#[derive(Default)]
struct MetricNames {
    known: BTreeSet<String>,
    complained: bool,
}

/// A misuse of the host API. It ends the call, as a trap does.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum HostRefusal {
    #[error("host function called without a current statement")]
    NoStatement,
    #[error("a key of {0} bytes exceeds the limit of {limit} bytes", limit = crate::state::KEY_BYTES)]
    KeyTooLong(usize),
    #[error("a value of {0} bytes exceeds the limit of {limit} bytes", limit = crate::state::VALUE_BYTES)]
    ValueTooLong(usize),
}

impl Services {
    pub(crate) fn new(policy: &str, limits: StateLimits, observer: Arc<dyn Observer>) -> Services {
        Services {
            policy: policy.to_owned(),
            state: StateStore::new(limits),
            observer,
            log: Mutex::new(LogBudget {
                window: Instant::now(),
                lines: 0,
                dropped: 0,
            }),
            metrics: Mutex::default(),
        }
    }

    /// Forwards a log line, truncated and with control characters replaced. Lines above the rate limit are dropped and
    /// counted; the count is logged with the first line after the one-second window.
    pub(crate) fn log(&self, level: Level, message: &str) {
        let dropped = {
            let mut budget = self.log.lock().unwrap_or_else(PoisonError::into_inner);
            let mut dropped = 0;
            if budget.window.elapsed() >= Duration::from_secs(1) {
                dropped = budget.dropped;
                *budget = LogBudget {
                    window: Instant::now(),
                    lines: 0,
                    dropped: 0,
                };
            }
            if budget.lines >= LOG_LINES_PER_SECOND {
                budget.dropped += 1;
                return;
            }
            budget.lines += 1;
            dropped
        };
        if dropped > 0 {
            self.observer.log(&self.policy, Level::Warn, &format!("dropped {dropped} log lines: the limit is {LOG_LINES_PER_SECOND} lines per second"));
        }
        self.observer.log(&self.policy, level, &printable(message));
    }

    /// Adds to a metric. The number of names is limited: a malformed or excess name is ignored, with one warning per
    /// policy.
    pub(crate) fn metric(&self, name: &str, value: f64) {
        if !value.is_finite() {
            return;
        }
        let complain = {
            let mut names = self.metrics.lock().unwrap_or_else(PoisonError::into_inner);
            if names.known.contains(name) {
                None
            } else if well_formed(name) && names.known.len() < METRIC_NAMES {
                names.known.insert(name.to_owned());
                None
            } else {
                Some(!std::mem::replace(&mut names.complained, true))
            }
        };
        match complain {
            None => self.observer.metric(&self.policy, name, value),
            Some(true) => self.observer.log(
                &self.policy,
                Level::Warn,
                &format!("ignored a metric: the limit is {METRIC_NAMES} names of a-z, 0-9 and _, each up to {METRIC_NAME_BYTES} characters"),
            ),
            Some(false) => {}
        }
    }
}

/// Milliseconds since the Unix epoch.
pub(crate) fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| {
            u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
        })
}

/// The owner of the state in a scope, given the current statement. Without a task, the task scope falls back to the
/// identity.
pub(crate) fn owner(scope: Scope, view: Option<&dyn StatementView>) -> Result<Owner, HostRefusal> {
    let view = || view.ok_or(HostRefusal::NoStatement);
    Ok(match scope {
        Scope::Policy => Owner::Policy,
        Scope::Session => Owner::Session(view()?.session_id()),
        Scope::Identity => Owner::Identity(view()?.identity_key().into()),
        Scope::Task => {
            let view = view()?;
            match view.task_key() {
                Some(task) => Owner::Task(task.into()),
                None => Owner::NoTask(view.identity_key().into()),
            }
        }
    })
}

fn printable(message: &str) -> String {
    let end = message.floor_char_boundary(LOG_BYTES);
    let mut line: String = message[..end]
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if end < message.len() {
        line.push_str(" ...");
    }
    line
}

fn well_formed(name: &str) -> bool {
    (1..=METRIC_NAME_BYTES).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}
