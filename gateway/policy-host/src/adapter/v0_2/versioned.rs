//! Conversions specific to version 0.2, which covers the whole contract.

use wasmtime::Store;
use wasmtime::component::Resource;

use super::wit::exports::gatewright::policy::module;
use super::wit::gatewright::policy::host;
use super::{instance, lift, lower, types};
use crate::adapter::common::{Statement, lowered, statement_methods};
use crate::contract;
use crate::guest::GuestData;

statement_methods! {
    fn original_sql(&mut self, _: Resource<Statement>) -> wasmtime::Result<Option<String>> {
        Ok(self.statement()?.original_sql())
    }

    fn editing(&mut self, _: Resource<Statement>) -> wasmtime::Result<types::Editing> {
        Ok(editing(self.statement()?.editing()))
    }

    fn settings(
        &mut self,
        _: Resource<Statement>,
    ) -> wasmtime::Result<Vec<types::SettingChange>> {
        let settings = self.statement()?.settings();
        Ok(settings.into_iter().map(setting).collect())
    }

    fn channels(&mut self, _: Resource<Statement>) -> wasmtime::Result<Vec<String>> {
        Ok(self.statement()?.channels())
    }

    fn access_grants(
        &mut self,
        _: Resource<Statement>,
    ) -> wasmtime::Result<Vec<types::AccessGrant>> {
        let grants = self.statement()?.access_grants();
        Ok(grants.into_iter().map(access_grant).collect())
    }

    fn id_text(&mut self, _: Resource<Statement>) -> wasmtime::Result<String> {
        Ok(self.statement()?.statement_id().to_string())
    }
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
        settings: session.settings.into_iter().map(setting).collect(),
    }
}

fn setting(change: contract::SettingChange) -> types::SettingChange {
    types::SettingChange {
        name: change.name,
        value: match change.value {
            contract::SettingValue::Constant(value) => types::SettingValue::Constant(value),
            contract::SettingValue::Initial => types::SettingValue::Initial,
            contract::SettingValue::Unknown => types::SettingValue::Unknown,
        },
        local: change.local,
    }
}

fn access_grant(grant: contract::AccessGrant) -> types::AccessGrant {
    let table = |table: contract::GrantedTable| types::GrantedTable {
        schema: table.schema,
        name: table.name,
        verbs: lower::access(table.verbs),
    };
    types::AccessGrant {
        id: id(grant.id.halves()),
        tables: grant.tables.into_iter().map(table).collect(),
        rows_left: grant.rows_left,
        expires_ms: grant.expires_ms,
    }
}

lowered!(outcome: Outcome { Completed, Suspended, Failed, Skipped, Lost });

pub(super) fn id((high, low): (u64, u64)) -> types::Id {
    types::Id { high, low }
}

pub(super) fn column(column: &contract::ColumnRef) -> types::ColumnRef<'_> {
    types::ColumnRef {
        table: column.table,
        name: &column.name,
        usage: lower::usage(column.usage),
    }
}

pub(super) fn more_hooks(hooks: types::Hooks) -> contract::Hooks {
    match hooks.contains(types::Hooks::NOTIFICATION) {
        true => contract::Hooks::NOTIFICATION,
        false => contract::Hooks::empty(),
    }
}

pub(super) fn messages(allowance: &types::Allowance) -> contract::Messages {
    match allowance.messages {
        types::Messages::All => contract::Messages::All,
        types::Messages::OutsideCode => contract::Messages::OutsideCode,
        types::Messages::WithoutValues => contract::Messages::WithoutValues,
    }
}

pub(super) fn edits(allowance: &mut types::Allowance) -> Vec<contract::Edit> {
    let edits = std::mem::take(&mut allowance.edits);
    edits.into_iter().map(edit).collect()
}

pub(super) fn session_limits(allowance: &types::Allowance) -> (Option<u64>, Option<u64>) {
    (allowance.session_rows, allowance.session_bytes)
}

fn edit(edit: types::Edit) -> contract::Edit {
    match edit {
        types::Edit::FilterRows(filter) => contract::Edit::FilterRows(contract::RowFilter {
            schema: filter.schema,
            table: filter.table,
            predicate: filter.predicate,
        }),
        types::Edit::ReplaceColumn(replaced) => {
            contract::Edit::ReplaceColumn(contract::ColumnReplacement {
                schema: replaced.schema,
                table: replaced.table,
                column: replaced.column,
                value: match replaced.value {
                    types::ReplacementValue::Nullify => contract::ReplacementValue::Null,
                    types::ReplacementValue::Fixed(text) => contract::ReplacementValue::Fixed(text),
                    types::ReplacementValue::Partial(mask) => {
                        contract::ReplacementValue::Partial(lift::partial(mask))
                    }
                    types::ReplacementValue::Text(sql) => contract::ReplacementValue::Text(sql),
                    types::ReplacementValue::Expression(sql) => {
                        contract::ReplacementValue::Expression(sql)
                    }
                },
                look_ups: replaced.look_ups,
            })
        }
        types::Edit::CapLimit(rows) => contract::Edit::CapLimit(rows),
    }
}

fn editing(editing: contract::Editing) -> types::Editing {
    match editing {
        contract::Editing::None => types::Editing::None,
        contract::Editing::Applied => types::Editing::Applied,
        contract::Editing::Impossible(reason) => types::Editing::Impossible(reason),
    }
}

pub(super) fn batch_column(column: &contract::BatchColumn) -> types::BatchColumn<'_> {
    types::BatchColumn {
        index: column.index,
        label: &column.label,
        data: lower::packed(&column.data),
    }
}

pub(super) fn approval(approval: types::Approval) -> contract::Approval {
    contract::Approval {
        code: approval.code,
        reason: approval.reason,
        reviewers: approval.reviewers,
        approvals: approval.approvals,
        wait: match approval.wait {
            types::ApprovalWait::Hold => contract::ApprovalWait::Hold,
            types::ApprovalWait::ReturnId => contract::ApprovalWait::ReturnId,
        },
        hold_ms: approval.hold_ms,
        valid_ms: approval.valid_ms,
        effect: match approval.effect {
            types::ApprovalEffect::None => contract::ApprovalEffect::None,
            types::ApprovalEffect::Estimate => contract::ApprovalEffect::Estimate,
            types::ApprovalEffect::Preview => contract::ApprovalEffect::Preview,
            types::ApprovalEffect::Bound => contract::ApprovalEffect::Bound,
        },
        above_rows: approval.above_rows,
        allowance: lift::allowance(approval.allowance),
    }
}

pub(super) fn column_action(action: types::ColumnAction) -> contract::ColumnAction {
    match action {
        types::ColumnAction::Pass => contract::ColumnAction::Pass,
        types::ColumnAction::Nullify => contract::ColumnAction::Nullify,
        types::ColumnAction::Fixed(value) => contract::ColumnAction::Fixed(value),
        types::ColumnAction::Partial(mask) => contract::ColumnAction::Partial(lift::partial(mask)),
        types::ColumnAction::Pseudonym(label) => contract::ColumnAction::Pseudonym(label),
        types::ColumnAction::Inspect(label) => contract::ColumnAction::Inspect(label),
        types::ColumnAction::Observe(label) => contract::ColumnAction::Observe(label),
    }
}

pub(super) async fn on_completion(
    module: &module::Guest,
    store: &mut Store<GuestData>,
    completion: &contract::Completion,
) -> wasmtime::Result<()> {
    let told = module.call_on_completion(
        store,
        instance::statement(),
        types::Completion {
            statement_id: id(completion.statement_id.halves()),
            outcome: outcome(completion.outcome),
            rows: completion.rows,
            bytes: completion.bytes,
            masked_cells: completion.masked_cells,
            elapsed_us: completion.elapsed_us,
            sqlstate: &completion.sqlstate,
        },
    );
    told.await
}

pub(super) async fn on_notification(
    module: &module::Guest,
    store: &mut Store<GuestData>,
    received: &contract::Notification,
) -> wasmtime::Result<contract::NotificationReply> {
    let identity = &*received.identity;
    let groups = lower::strings(&identity.groups);
    let attributes = lower::attributes(identity);
    let asked = module.call_on_notification(
        store,
        types::Notification {
            session_id: id(received.session_id.halves()),
            database: &received.database,
            channel: &received.channel,
            payload: &received.payload,
            identity: lower::identity(identity, &groups, &attributes),
        },
    );
    Ok(match asked.await? {
        types::NotificationReply::Pass => contract::NotificationReply::Pass,
        types::NotificationReply::Drop => contract::NotificationReply::Drop,
    })
}
