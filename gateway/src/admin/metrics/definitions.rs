//! Every metric that the gateway exports. docs/metrics.md is generated from this table.

use gatewright_sql::Verb;
use metrics::Unit;

use super::definition::{Definition, Kind, LabelDefinition, Values};

/// Upper bounds for policy calls, in seconds: most take a microsecond, and a deadline can be 0.1 s.
const CALL_BOUNDS: [f64; 12] = [
    1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 5e-4, 1e-3, 5e-3, 0.02, 0.1,
];

/// Upper bounds for statements, in seconds.
const STATEMENT_BOUNDS: [f64; 13] = [
    1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.05, 0.25, 1.0, 5.0, 30.0, 300.0,
];

/// The kinds of [`gatewright_policy_host::Fault`].
pub(super) const FAULT_KINDS: [&str; 6] = [
    "trap",
    "deadline",
    "memory",
    "illegal-reply",
    "exhausted",
    "overloaded",
];

/// What a policy in shadow mode may say. A fault would have refused the statement.
const SHADOW_VERDICTS: [&str; 5] = ["allow", "deny", "require-approval", "rewrite", "fault"];

const STATEMENT_KIND: LabelDefinition = LabelDefinition {
    name: "kind",
    values: Values::Names(|| Verb::ALL.iter().map(|verb| verb.name()).collect()),
};

const POLICY: LabelDefinition = LabelDefinition {
    name: "policy",
    values: Values::Open("name of the policy"),
};

const fn fixed(name: &'static str, values: &'static [&'static str]) -> LabelDefinition {
    LabelDefinition {
        name,
        values: Values::Fixed(values),
    }
}

pub(super) static CONNECTIONS: Definition = Definition {
    name: "gatewright_connections",
    kind: Kind::Gauge,
    unit: Unit::Count,
    help: "Open client connections",
    labels: &[],
};

pub(super) static CONNECTIONS_TOTAL: Definition = Definition {
    name: "gatewright_connections_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    help: "Ended client connections, by how they ended or why they were refused",
    labels: &[fixed(
        "outcome",
        &[
            // Before the login.
            "lost",
            "gone",
            "too_many",
            "handshake_failed",
            "cancel_request",
            "startup_refused",
            "authentication_timeout",
            "no_password",
            "token_refused",
            "certificate_refused",
            "no_grant",
            "upstream_refused",
            // Sessions.
            "client_left",
            "client_gone",
            "client_violation",
            "server_gone",
            "server_violation",
            "shutdown",
            "idle_timeout",
            "token_expired",
            "certificate_expired",
            "certificate_withdrawn",
            "grant_withdrawn",
            "grant_changed",
            "issuer_removed",
            "administrator",
            "unrecorded",
        ],
    )],
};

pub(super) static REFUSALS_DELAYED_TOTAL: Definition = Definition {
    name: "gatewright_refusals_delayed_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    help: "Failed logins whose error was delayed because logins from the address failed repeatedly",
    labels: &[],
};

pub(super) static STATEMENTS_TOTAL: Definition = Definition {
    name: "gatewright_statements_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    help: "Verdicts on statements, by kind of statement and verdict. allow and deny: decided before the statement runs; \
           ask: people have to approve it; stop: ended while it ran; refuse: refused by the gateway itself",
    labels: &[STATEMENT_KIND, fixed("verdict", &VERDICTS)],
};

pub(super) static APPROVALS_HELD: Definition = Definition {
    name: "gatewright_approvals_held",
    kind: Kind::Gauge,
    unit: Unit::Count,
    help: "Statements that are held for approval now",
    labels: &[],
};

pub(super) static APPROVALS_TOTAL: Definition = Definition {
    name: "gatewright_approvals_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    help: "Requests for approval, by what became of them. returned: the statement was refused with the request's id; \
           break_glass: it ran without waiting for reviewers; the others: how the wait of a held one ended",
    labels: &[fixed(
        "outcome",
        &[
            "approved",
            "rejected",
            "revoked",
            "expired",
            "withdrawn",
            "returned",
            "effect_mismatch",
            "break_glass",
        ],
    )],
};

/// Upper bounds for the time that an execution waits until it is recorded, in seconds.
const RECORD_WAIT_BOUNDS: [f64; 9] = [5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.1, 0.5, 2.5];

pub(super) static RECORD_EVENTS_TOTAL: Definition = Definition {
    name: "gatewright_record_events_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    help: "Events of sessions that were written to the record",
    labels: &[],
};

pub(super) static RECORD_BYTES_TOTAL: Definition = Definition {
    name: "gatewright_record_bytes_total",
    kind: Kind::Counter,
    unit: Unit::Bytes,
    help: "Bytes of the record's files that they took",
    labels: &[],
};

pub(super) static RECORD_WAIT_SECONDS: Definition = Definition {
    name: "gatewright_record_wait_seconds",
    kind: Kind::Histogram(&RECORD_WAIT_BOUNDS),
    unit: Unit::Seconds,
    help: "How long executions waited until they were recorded",
    labels: &[],
};

pub(super) static RECORD_FAILURES_TOTAL: Definition = Definition {
    name: "gatewright_record_failures_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    help: "How often the record could not be written any more: statements are refused, and sessions ended, until it can",
    labels: &[],
};

pub(super) static RECORD_TRUNCATED_TOTAL: Definition = Definition {
    name: "gatewright_record_truncated_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    help: "Sessions that have used up `session_limit`: what was delivered afterwards is not recorded",
    labels: &[],
};

pub(super) static RECORD_DELETED_TOTAL: Definition = Definition {
    name: "gatewright_record_deleted_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    help: "Sessions that were deleted from the record after their retention",
    labels: &[],
};

pub(super) static RECORD_INDEX_BEHIND: Definition = Definition {
    name: "gatewright_record_index_behind",
    kind: Kind::Gauge,
    unit: Unit::Count,
    help: "Sessions of which something is recorded and not in the index yet",
    labels: &[],
};

pub(super) static RECORD_INDEX_FAILURES_TOTAL: Definition = Definition {
    name: "gatewright_record_index_failures_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    help: "How often something could not be indexed; it is tried again",
    labels: &[],
};

pub(super) static RECORD_CHECKPOINTS_TOTAL: Definition = Definition {
    name: "gatewright_record_checkpoints_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    help: "Attempts to put the newest checkpoint of the record's log in its second place",
    labels: &[fixed("outcome", &["kept", "failed"])],
};

pub(super) static RECORD_UPLOADS_TOTAL: Definition = Definition {
    name: "gatewright_record_uploads_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    help: "Segments of the record that were uploaded, and attempts to upload that failed",
    labels: &[fixed("outcome", &["uploaded", "failed"])],
};

pub(super) static RECORD_BACKLOG_BYTES: Definition = Definition {
    name: "gatewright_record_backlog_bytes",
    kind: Kind::Gauge,
    unit: Unit::Bytes,
    help: "Bytes of finished segments of the record that wait to be uploaded",
    labels: &[],
};

const STREAM: LabelDefinition = LabelDefinition {
    name: "stream",
    values: Values::Open("name of the `[[stream]]` entry"),
};

pub(super) static STREAM_EVENTS_TOTAL: Definition = Definition {
    name: "gatewright_stream_events_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    help: "Events of statements that a stream has delivered",
    labels: &[STREAM],
};

pub(super) static STREAM_FAILURES_TOTAL: Definition = Definition {
    name: "gatewright_stream_failures_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    help: "Failed attempts to deliver events; they are made again",
    labels: &[STREAM],
};

pub(super) static STREAM_PENDING_BYTES: Definition = Definition {
    name: "gatewright_stream_pending_bytes",
    kind: Kind::Gauge,
    unit: Unit::Bytes,
    help: "Bytes of events that a stream has not delivered yet",
    labels: &[STREAM],
};

pub(super) static STREAM_LOST_TOTAL: Definition = Definition {
    name: "gatewright_stream_lost_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    help: "Events that no stream delivers, because too many wait or they cannot be written",
    labels: &[],
};

pub(super) static TRACE_SPANS_TOTAL: Definition = Definition {
    name: "gatewright_trace_spans_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    help: "Spans of statements, by what became of them",
    labels: &[fixed("outcome", &["exported", "dropped"])],
};

const WEBHOOK: LabelDefinition = LabelDefinition {
    name: "webhook",
    values: Values::Open("name of the `[[webhook]]` entry"),
};

pub(super) static WEBHOOK_ATTEMPTS_TOTAL: Definition = Definition {
    name: "gatewright_webhook_attempts_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    help: "Attempts to deliver a message to a webhook, by webhook and outcome. delivered: its receiver took it; failed: it is tried again; \
           given_up: it was the last one, and the message is lost",
    labels: &[
        WEBHOOK,
        fixed("outcome", &["delivered", "failed", "given_up"]),
    ],
};

pub(super) static WEBHOOK_PENDING: Definition = Definition {
    name: "gatewright_webhook_pending",
    kind: Kind::Gauge,
    unit: Unit::Count,
    help: "Messages that a webhook has not delivered yet, at all gateways that share the store",
    labels: &[WEBHOOK],
};

pub(super) static STATEMENT_ENDS_TOTAL: Definition = Definition {
    name: "gatewright_statement_ends_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    help: "Ends of permitted statements, by kind of statement and outcome. completed: it ran to its end; \
           suspended: the row count of an Execute was reached; failed: an error ended it; skipped: it did not run, because \
           something before it failed; lost: the connection ended first",
    labels: &[
        STATEMENT_KIND,
        fixed(
            "outcome",
            &["completed", "suspended", "failed", "skipped", "lost"],
        ),
    ],
};

pub(super) static STATEMENT_SECONDS: Definition = Definition {
    name: "gatewright_statement_seconds",
    kind: Kind::Histogram(&STATEMENT_BOUNDS),
    unit: Unit::Seconds,
    help: "Time from the permission to run to the end of the statement, by kind of statement",
    labels: &[STATEMENT_KIND],
};

pub(super) static RESULT_ROWS_TOTAL: Definition = Definition {
    name: "gatewright_result_rows_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    help: "Rows, as delivered to clients",
    labels: &[],
};

pub(super) static RESULT_BYTES_TOTAL: Definition = Definition {
    name: "gatewright_result_bytes_total",
    kind: Kind::Counter,
    unit: Unit::Bytes,
    help: "Bytes of rows, as delivered to clients",
    labels: &[],
};

pub(super) static MASKED_CELLS_TOTAL: Definition = Definition {
    name: "gatewright_masked_cells_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    help: "Values of results replaced before delivery; masks in statements are not counted",
    labels: &[],
};

pub(super) static POLICY_CALL_SECONDS: Definition = Definition {
    name: "gatewright_policy_call_seconds",
    kind: Kind::Histogram(&CALL_BOUNDS),
    unit: Unit::Seconds,
    help: "Duration of policy calls, by policy and hook",
    labels: &[
        POLICY,
        fixed(
            "hook",
            &["on-statement", "on-result", "on-batch", "on-completion"],
        ),
    ],
};

pub(super) static POLICY_FAULTS_TOTAL: Definition = Definition {
    name: "gatewright_policy_faults_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    help: "Policy calls without a usable answer, by policy and cause",
    labels: &[POLICY, fixed("kind", &FAULT_KINDS)],
};

pub(super) static POLICY_SHADOW_VERDICTS_TOTAL: Definition = Definition {
    name: "gatewright_policy_shadow_verdicts_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    help: "What policies in shadow mode would have said of statements",
    labels: &[POLICY, fixed("verdict", &SHADOW_VERDICTS)],
};

pub(super) static POLICY_LONG_CALLS_TOTAL: Definition = Definition {
    name: "gatewright_policy_long_calls_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    help: "Policy calls that took so long that they went on on the threads for long calls",
    labels: &[POLICY],
};

pub(super) static POLICY_RELOADS_TOTAL: Definition = Definition {
    name: "gatewright_policy_reloads_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    help: "Policy loads, by policy and outcome",
    labels: &[
        POLICY,
        fixed("outcome", &["loaded", "failed", "removed", "missing"]),
    ],
};

pub(super) static POLICY_GENERATION: Definition = Definition {
    name: "gatewright_policy_generation",
    kind: Kind::Gauge,
    unit: Unit::Count,
    help: "Generation of the policies in force",
    labels: &[],
};

pub(super) static POLICY_METRIC_TOTAL: Definition = Definition {
    name: "gatewright_policy_metric_total",
    kind: Kind::FractionalCounter,
    unit: Unit::Count,
    help: "Sums of the values that policies pass to metric-add, by policy and name",
    labels: &[
        POLICY,
        LabelDefinition {
            name: "name",
            values: Values::Open("name that the policy passes"),
        },
    ],
};

const DATABASE: LabelDefinition = LabelDefinition {
    name: "database",
    values: Values::Open("name of the `[[database]]` entry"),
};

/// The verdicts on statements.
pub(super) const VERDICTS: [&str; 5] = ["allow", "ask", "deny", "stop", "refuse"];

pub(super) static DATABASE_SESSIONS: Definition = Definition {
    name: "gatewright_database_sessions",
    kind: Kind::Gauge,
    unit: Unit::Count,
    help: "Open sessions of a database",
    labels: &[DATABASE],
};

pub(super) static DATABASE_STATEMENTS_TOTAL: Definition = Definition {
    name: "gatewright_database_statements_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    help: "Verdicts on statements in sessions of a database, as in gatewright_statements_total",
    labels: &[DATABASE, fixed("verdict", &VERDICTS)],
};

pub(super) static DATABASE_HELD: Definition = Definition {
    name: "gatewright_database_held",
    kind: Kind::Gauge,
    unit: Unit::Count,
    help: "Statements of a database that are held for approval now",
    labels: &[DATABASE],
};

pub(super) static DATABASE_ROWS_TOTAL: Definition = Definition {
    name: "gatewright_database_rows_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    help: "Rows of a database, as delivered to clients",
    labels: &[DATABASE],
};

pub(super) static DATABASE_MASKED_CELLS_TOTAL: Definition = Definition {
    name: "gatewright_database_masked_cells_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    help: "Values of results of a database that were replaced before delivery",
    labels: &[DATABASE],
};

pub(super) static POOL_CONNECTIONS: Definition = Definition {
    name: "gatewright_pool_connections",
    kind: Kind::Gauge,
    unit: Unit::Count,
    help: "Pooled server connections, whether in use or not",
    labels: &[DATABASE],
};

pub(super) static POOL_IDLE: Definition = Definition {
    name: "gatewright_pool_idle_connections",
    kind: Kind::Gauge,
    unit: Unit::Count,
    help: "Pooled server connections that nobody uses",
    labels: &[DATABASE],
};

pub(super) static POOL_WAITING: Definition = Definition {
    name: "gatewright_pool_waiting_clients",
    kind: Kind::Gauge,
    unit: Unit::Count,
    help: "Clients that wait for a pooled server connection",
    labels: &[DATABASE],
};

pub(super) static POOL_HANDED_OUT_TOTAL: Definition = Definition {
    name: "gatewright_pool_handed_out_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    help: "Pooled server connections that were given to a session or a transaction. new: it was made for it; kept: as the same identity \
           had left it, or fresh; reset: after a reset that was waited for",
    labels: &[DATABASE, fixed("how", &["new", "kept", "reset"])],
};

pub(super) static POOL_CLOSED_TOTAL: Definition = Definition {
    name: "gatewright_pool_closed_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    help: "Pooled server connections that the gateway closed. unusable: its session ended in the middle of something or lost it; \
           reset: the reset failed; traces: another identity's session left what a reset does not remove; stray: the server closed it, or \
           sent what nobody asked for; retired: the configuration changed or the gateway stops",
    labels: &[
        DATABASE,
        fixed(
            "reason",
            &[
                "idle", "age", "evicted", "unusable", "reset", "traces", "stray", "retired",
            ],
        ),
    ],
};

pub(super) static POOL_TIMEOUTS_TOTAL: Definition = Definition {
    name: "gatewright_pool_timeouts_total",
    kind: Kind::Counter,
    unit: Unit::Count,
    help: "Clients that got an error because no pooled server connection was free in time",
    labels: &[DATABASE],
};

/// All of the above, in the order of the documentation.
pub(super) static ALL: [&Definition; 47] = [
    &CONNECTIONS,
    &CONNECTIONS_TOTAL,
    &REFUSALS_DELAYED_TOTAL,
    &STATEMENTS_TOTAL,
    &APPROVALS_HELD,
    &APPROVALS_TOTAL,
    &WEBHOOK_ATTEMPTS_TOTAL,
    &WEBHOOK_PENDING,
    &RECORD_EVENTS_TOTAL,
    &RECORD_BYTES_TOTAL,
    &RECORD_WAIT_SECONDS,
    &RECORD_FAILURES_TOTAL,
    &RECORD_TRUNCATED_TOTAL,
    &RECORD_DELETED_TOTAL,
    &RECORD_INDEX_BEHIND,
    &RECORD_INDEX_FAILURES_TOTAL,
    &RECORD_CHECKPOINTS_TOTAL,
    &RECORD_UPLOADS_TOTAL,
    &RECORD_BACKLOG_BYTES,
    &STREAM_EVENTS_TOTAL,
    &STREAM_FAILURES_TOTAL,
    &STREAM_PENDING_BYTES,
    &STREAM_LOST_TOTAL,
    &TRACE_SPANS_TOTAL,
    &STATEMENT_ENDS_TOTAL,
    &STATEMENT_SECONDS,
    &RESULT_ROWS_TOTAL,
    &RESULT_BYTES_TOTAL,
    &MASKED_CELLS_TOTAL,
    &POLICY_CALL_SECONDS,
    &POLICY_FAULTS_TOTAL,
    &POLICY_SHADOW_VERDICTS_TOTAL,
    &POLICY_LONG_CALLS_TOTAL,
    &POLICY_RELOADS_TOTAL,
    &POLICY_GENERATION,
    &POLICY_METRIC_TOTAL,
    &DATABASE_SESSIONS,
    &DATABASE_STATEMENTS_TOTAL,
    &DATABASE_HELD,
    &DATABASE_ROWS_TOTAL,
    &DATABASE_MASKED_CELLS_TOTAL,
    &POOL_CONNECTIONS,
    &POOL_IDLE,
    &POOL_WAITING,
    &POOL_HANDED_OUT_TOTAL,
    &POOL_CLOSED_TOTAL,
    &POOL_TIMEOUTS_TOTAL,
];
