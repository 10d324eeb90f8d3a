//! Conversion from a WIT version's types to the contract's, where the versions agree. Compiled once within each
//! version's module.

use super::{types, versioned};
use crate::contract;

pub(super) fn registration(registration: types::Registration) -> contract::Registration {
    contract::Registration {
        name: registration.name,
        version: registration.version,
        description: registration.description,
        hooks: hooks(registration.hooks),
        settings_schema: registration.settings_schema,
    }
}

fn hooks(hooks: types::Hooks) -> contract::Hooks {
    const PAIRS: [(types::Hooks, contract::Hooks); 5] = [
        (types::Hooks::STATEMENT, contract::Hooks::STATEMENT),
        (types::Hooks::PARAMETERS, contract::Hooks::PARAMETERS),
        (types::Hooks::RESULT_PLAN, contract::Hooks::RESULT_PLAN),
        (types::Hooks::BATCH, contract::Hooks::BATCH),
        (types::Hooks::COMPLETION, contract::Hooks::COMPLETION),
    ];
    let common: contract::Hooks = PAIRS
        .iter()
        .filter(|(flag, _)| hooks.contains(*flag))
        .map(|(_, flag)| *flag)
        .collect();
    common | versioned::more_hooks(hooks)
}

fn denial(denial: types::Denial) -> contract::Denial {
    contract::Denial {
        code: denial.code,
        message: denial.message,
        hint: denial.hint,
        sqlstate: denial.sqlstate,
    }
}

pub(super) fn allowance(mut allowance: types::Allowance) -> contract::Allowance {
    let edits = versioned::edits(&mut allowance);
    let (session_rows, session_bytes) = versioned::session_limits(&allowance);
    contract::Allowance {
        reuse: match allowance.reuse {
            types::Reuse::Never => contract::Reuse::Never,
            types::Reuse::Statement => contract::Reuse::Statement,
            types::Reuse::Fingerprint => contract::Reuse::Fingerprint,
        },
        plan_result: allowance.plan_result,
        messages: versioned::messages(&allowance),
        row_limit: allowance.row_limit,
        byte_limit: allowance.byte_limit,
        timeout_ms: allowance.timeout_ms,
        notes: allowance
            .notes
            .into_iter()
            .map(|note| contract::Attribute {
                key: note.key,
                value: note.value,
            })
            .collect(),
        edits,
        session_rows,
        session_bytes,
    }
}

pub(super) fn verdict(verdict: types::Verdict) -> contract::Verdict {
    match verdict {
        types::Verdict::Allow(allowed) => contract::Verdict::Allow(allowance(allowed)),
        types::Verdict::Deny(reason) => contract::Verdict::Deny(denial(reason)),
        types::Verdict::RequireApproval(wanted) => {
            contract::Verdict::RequireApproval(versioned::approval(wanted))
        }
        types::Verdict::Rewrite(replacement) => contract::Verdict::Rewrite(contract::Replacement {
            sql: replacement.sql,
            reason: replacement.reason,
        }),
    }
}

pub(super) fn plan(plan: types::Plan) -> contract::Plan {
    match plan {
        types::Plan::Columns(actions) => {
            contract::Plan::Columns(actions.into_iter().map(versioned::column_action).collect())
        }
        types::Plan::Deny(reason) => contract::Plan::Deny(denial(reason)),
    }
}

pub(super) fn partial(mask: types::PartialMask) -> contract::PartialMask {
    contract::PartialMask {
        first: mask.first,
        last: mask.last,
        fill: mask.fill,
    }
}

pub(super) fn batch_reply(reply: types::BatchReply) -> contract::BatchReply {
    match reply {
        types::BatchReply::Edit(edit) => contract::BatchReply::Edit(contract::BatchEdit {
            columns: edit.columns.into_iter().map(column_reply).collect(),
            keep_rows: edit.keep_rows,
        }),
        types::BatchReply::Stop(reason) => contract::BatchReply::Stop(denial(reason)),
    }
}

fn column_reply(reply: types::ColumnReply) -> contract::ColumnReply {
    match reply {
        types::ColumnReply::Unchanged => contract::ColumnReply::Unchanged,
        types::ColumnReply::Replaced(data) => {
            contract::ColumnReply::Replaced(contract::PackedColumn {
                offsets: data.offsets,
                validity: data.validity,
                values: data.values,
            })
        }
        types::ColumnReply::Nullify => contract::ColumnReply::Nullify,
        types::ColumnReply::NullifyRows(rows) => contract::ColumnReply::NullifyRows(rows),
    }
}

pub(super) fn scope(scope: types::Scope) -> contract::Scope {
    match scope {
        types::Scope::Session => contract::Scope::Session,
        types::Scope::Identity => contract::Scope::Identity,
        types::Scope::Task => contract::Scope::Task,
        types::Scope::Policy => contract::Scope::Policy,
    }
}

pub(super) fn level(level: types::Level) -> contract::Level {
    match level {
        types::Level::Trace => contract::Level::Trace,
        types::Level::Debug => contract::Level::Debug,
        types::Level::Info => contract::Level::Info,
        types::Level::Warn => contract::Level::Warn,
        types::Level::Error => contract::Level::Error,
    }
}
