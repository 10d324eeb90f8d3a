//! Where version 0.1 differs: 64-bit ids, less detail in approvals and completions, and columns without labels.

use wasmtime::Store;
use wasmtime::component::Resource;

use super::wit::exports::gatewright::policy::module;
use super::wit::gatewright::policy::host;
use super::{lower, types};
use crate::adapter::common::{Statement, statement_methods};
use crate::contract;
use crate::guest::GuestData;

statement_methods! {}

/// The lower 64 bits, of which 62 are random: enough for a policy to tell ids apart, although audit records show all
/// 128.
pub(super) fn id((_, low): (u64, u64)) -> u64 {
    low
}

/// `u32::MAX` means no table.
pub(super) fn column(column: &contract::ColumnRef) -> types::ColumnRef<'_> {
    types::ColumnRef {
        table: column.table.unwrap_or(u32::MAX),
        name: &column.name,
        usage: lower::usage(column.usage),
    }
}

/// Version 0.1 knows no notifications.
pub(super) fn more_hooks(_: types::Hooks) -> contract::Hooks {
    contract::Hooks::empty()
}

/// Nor can it withhold texts.
pub(super) fn messages(_: &types::Allowance) -> contract::Messages {
    contract::Messages::All
}

/// Version 0.1 has no edits.
pub(super) fn edits(_: &mut types::Allowance) -> Vec<contract::Edit> {
    Vec::new()
}

pub(super) fn session_limits(_: &types::Allowance) -> (Option<u64>, Option<u64>) {
    (None, None)
}

pub(super) fn batch_column(column: &contract::BatchColumn) -> types::BatchColumn<'_> {
    types::BatchColumn {
        index: column.index,
        data: lower::packed(&column.data),
    }
}

/// Version 0.1 always means one reviewer and a waiting client. Its dry run is now called a preview.
pub(super) fn approval(approval: types::Approval) -> contract::Approval {
    contract::Approval {
        code: approval.code,
        reason: approval.reason,
        reviewers: approval.reviewers,
        approvals: 1,
        wait: contract::ApprovalWait::Hold,
        hold_ms: approval.hold_ms,
        valid_ms: approval.valid_ms,
        effect: if approval.dry_run {
            contract::ApprovalEffect::Preview
        } else {
            contract::ApprovalEffect::None
        },
        above_rows: None,
        allowance: contract::Allowance::default(),
    }
}

pub(super) fn column_action(action: types::ColumnAction) -> contract::ColumnAction {
    match action {
        types::ColumnAction::Pass => contract::ColumnAction::Pass,
        types::ColumnAction::Nullify => contract::ColumnAction::Nullify,
        types::ColumnAction::Fixed(value) => contract::ColumnAction::Fixed(value),
        types::ColumnAction::Partial(mask) => {
            contract::ColumnAction::Partial(super::lift::partial(mask))
        }
        types::ColumnAction::Pseudonym(label) => contract::ColumnAction::Pseudonym(label),
        types::ColumnAction::Inspect => contract::ColumnAction::Inspect(String::new()),
        types::ColumnAction::Observe => contract::ColumnAction::Observe(String::new()),
    }
}

/// Version 0.1 reports how the statement ended by SQLSTATE alone.
pub(super) async fn on_completion(
    module: &module::Guest,
    store: &mut Store<GuestData>,
    completion: &contract::Completion,
) -> wasmtime::Result<()> {
    let told = module.call_on_completion(
        store,
        types::Completion {
            statement_id: id(completion.statement_id.halves()),
            rows: completion.rows,
            bytes: completion.bytes,
            elapsed_us: completion.elapsed_us,
            sqlstate: &completion.sqlstate,
        },
    );
    told.await
}

pub(super) fn session(session: contract::Session) -> types::Session {
    types::Session {
        id: id(session.id.halves()),
        database: session.database,
        role: session.role,
        application: session.application,
        client_address: session.client_address,
        in_transaction: session.in_transaction,
        started_ms: session.started_ms,
    }
}

pub(super) async fn on_notification(
    _: &module::Guest,
    _: &mut Store<GuestData>,
    _: &contract::Notification,
) -> wasmtime::Result<contract::NotificationReply> {
    Err(crate::adapter::lacking("on-notification"))
}
