//! Validation of a policy's answer, before anybody acts on it: sizes, shapes and registered hooks.

use crate::contract::{
    Allowance, Approval, Batch, BatchEdit, BatchReply, ColumnAction, ColumnReply, Denial, Edit,
    Hooks, PackedColumn, Plan, Registration, Replacement, ReplacementValue, ResultColumn, Verdict,
};

const CODE_BYTES: usize = 128;
const TEXT_BYTES: usize = 4096;
const NAME_BYTES: usize = 256;
const SQL_BYTES: usize = 1 << 20;
const SCHEMA_BYTES: usize = 64 * 1024;
const NOTES: usize = 64;
/// A table can have this many columns (MaxHeapAttributeNumber).
const EDITS: usize = 1600;
const REVIEWERS: usize = 64;
const LABEL_BYTES: usize = 64;

/// The error describes the defect of an answer, never its content.
type Check = Result<(), String>;

pub(crate) fn registration(registration: &Registration) -> Check {
    text("name", &registration.name, 1, NAME_BYTES)?;
    text("version", &registration.version, 0, NAME_BYTES)?;
    text("description", &registration.description, 0, TEXT_BYTES)?;
    registration
        .settings_schema
        .as_deref()
        .map_or(Ok(()), |schema| {
            text("settings schema", schema, 0, SCHEMA_BYTES)
        })
}

pub(crate) fn verdict(verdict: &Verdict, hooks: Hooks) -> Check {
    match verdict {
        Verdict::Allow(allowed) => allowance(allowed, hooks),
        Verdict::Deny(denied) => denial(denied),
        Verdict::RequireApproval(wanted) => approval(wanted, hooks),
        Verdict::Rewrite(Replacement { sql, reason }) => {
            text("rewritten statement", sql, 1, SQL_BYTES)?;
            text("rewrite reason", reason, 0, TEXT_BYTES)
        }
    }
}

fn allowance(allowance: &Allowance, hooks: Hooks) -> Check {
    // A policy that requests a plan relies on its columns being protected.
    if allowance.plan_result && !hooks.contains(Hooks::RESULT_PLAN) {
        return Err("a result plan requested without the result-plan hook".into());
    }
    if allowance.timeout_ms == Some(0) {
        return Err("a timeout of 0 ms".into());
    }
    at_most("edits", allowance.edits.len(), EDITS)?;
    allowance.edits.iter().try_for_each(edit)?;
    at_most("notes", allowance.notes.len(), NOTES)?;
    allowance.notes.iter().try_for_each(|note| {
        text("note key", &note.key, 1, NAME_BYTES)?;
        text("note value", &note.value, 0, TEXT_BYTES)
    })
}

fn edit(edit: &Edit) -> Check {
    match edit {
        Edit::FilterRows(filter) => {
            text("schema of an edit", &filter.schema, 1, NAME_BYTES)?;
            text("table of an edit", &filter.table, 1, NAME_BYTES)?;
            text("predicate", &filter.predicate, 1, TEXT_BYTES)
        }
        Edit::ReplaceColumn(replaced) => {
            text("schema of an edit", &replaced.schema, 1, NAME_BYTES)?;
            text("table of an edit", &replaced.table, 1, NAME_BYTES)?;
            text("column of an edit", &replaced.column, 1, NAME_BYTES)?;
            match &replaced.value {
                ReplacementValue::Null | ReplacementValue::Partial(_) => Ok(()),
                ReplacementValue::Fixed(value) => text("replacement", value, 0, TEXT_BYTES),
                ReplacementValue::Text(sql) | ReplacementValue::Expression(sql) => {
                    text("replacement", sql, 1, TEXT_BYTES)
                }
            }
        }
        Edit::CapLimit(_) => Ok(()),
    }
}

fn approval(approval: &Approval, hooks: Hooks) -> Check {
    text("approval code", &approval.code, 1, CODE_BYTES)?;
    text("approval reason", &approval.reason, 1, TEXT_BYTES)?;
    at_most("reviewers", approval.reviewers.len(), REVIEWERS)?;
    approval
        .reviewers
        .iter()
        .try_for_each(|reviewer| text("reviewer", reviewer, 1, NAME_BYTES))?;
    if approval.approvals == 0 {
        return Err("an approval that requires no approvers".into());
    }
    at_most("approvals", approval.approvals as usize, REVIEWERS)?;
    allowance(&approval.allowance, hooks)
}

fn denial(denial: &Denial) -> Check {
    text("denial code", &denial.code, 1, CODE_BYTES)?;
    text("denial message", &denial.message, 1, TEXT_BYTES)?;
    denial
        .hint
        .as_deref()
        .map_or(Ok(()), |hint| text("hint", hint, 0, TEXT_BYTES))?;
    denial.sqlstate.as_deref().map_or(Ok(()), sqlstate)
}

/// Five digits or upper-case letters. Classes 00, 01 and 02 are not errors.
fn sqlstate(code: &str) -> Check {
    let well_formed = code.len() == 5
        && code
            .bytes()
            .all(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
    if !well_formed
        || ["00", "01", "02"]
            .iter()
            .any(|class| code.starts_with(class))
    {
        return Err("a SQLSTATE that is not an error code".into());
    }
    Ok(())
}

pub(crate) fn plan(plan: &Plan, columns: &[ResultColumn], hooks: Hooks) -> Check {
    let actions = match plan {
        Plan::Deny(denied) => return denial(denied),
        Plan::Columns(actions) => actions,
    };
    if actions.len() != columns.len() {
        return Err(format!(
            "a plan for {} columns; the result has {}",
            actions.len(),
            columns.len()
        ));
    }
    actions
        .iter()
        .zip(columns)
        .try_for_each(|(action, column)| {
            if !column.readable && !matches!(action, ColumnAction::Pass | ColumnAction::Nullify) {
                return Err(
                    "a column of unreadable type that is neither passed nor nullified".into(),
                );
            }
            match action {
                ColumnAction::Pass | ColumnAction::Nullify => Ok(()),
                ColumnAction::Fixed(value) => text("fixed value", value, 0, TEXT_BYTES),
                ColumnAction::Partial(mask) if mask.fill.is_control() => {
                    Err("a mask that fills with a control character".into())
                }
                ColumnAction::Partial(_) => Ok(()),
                ColumnAction::Pseudonym(label) => text("pseudonym label", label, 0, LABEL_BYTES),
                ColumnAction::Inspect(label) | ColumnAction::Observe(label)
                    if hooks.contains(Hooks::BATCH) =>
                {
                    text("column label", label, 0, LABEL_BYTES)
                }
                ColumnAction::Inspect(_) | ColumnAction::Observe(_) => {
                    Err("a batch requested without the batch hook".into())
                }
            }
        })
}

pub(crate) fn batch_reply(reply: &BatchReply, batch: &Batch) -> Check {
    let edit = match reply {
        BatchReply::Stop(denied) => return denial(denied),
        BatchReply::Edit(edit) => edit,
    };
    let BatchEdit { columns, keep_rows } = edit;
    if columns.len() != batch.columns.len() {
        return Err(format!(
            "a reply for {} columns; the batch has {}",
            columns.len(),
            batch.columns.len()
        ));
    }
    let rows = batch.rows as usize;
    keep_rows
        .as_deref()
        .map_or(Ok(()), |keep| bitmap("keep-rows", keep, rows))?;
    columns.iter().try_for_each(|column| match column {
        ColumnReply::Unchanged | ColumnReply::Nullify => Ok(()),
        ColumnReply::NullifyRows(mask) => bitmap("nullify-rows", mask, rows),
        ColumnReply::Replaced(data) => packed(data, rows),
    })
}

fn packed(data: &PackedColumn, rows: usize) -> Check {
    if data.offsets.len() != rows + 1 {
        return Err(format!(
            "a column of {} offsets for {rows} rows",
            data.offsets.len()
        ));
    }
    bitmap("validity", &data.validity, rows)?;
    if data.offsets.first() != Some(&0) || !data.offsets.is_sorted() {
        return Err("offsets that do not ascend from 0".into());
    }
    if data
        .offsets
        .last()
        .is_some_and(|end| *end as usize > data.values.len())
    {
        return Err("offsets that point past the values".into());
    }
    let values =
        std::str::from_utf8(&data.values).map_err(|_| "values that are not UTF-8".to_owned())?;
    if !data
        .offsets
        .iter()
        .all(|offset| values.is_char_boundary(*offset as usize))
    {
        return Err("offsets that split a character".into());
    }
    if data.values.contains(&0) {
        return Err("values with a NUL character".into());
    }
    Ok(())
}

fn bitmap(what: &str, bits: &[u8], rows: usize) -> Check {
    let wanted = rows.div_ceil(8);
    if bits.len() == wanted {
        Ok(())
    } else {
        Err(format!("{what} of {} bytes; expected {wanted}", bits.len()))
    }
}

fn text(what: &str, text: &str, least: usize, most: usize) -> Check {
    if text.trim().len() < least {
        Err(format!("an empty {what}"))
    } else if text.len() > most {
        Err(format!(
            "a {what} of {} bytes; the limit is {most}",
            text.len()
        ))
    } else if text.contains('\0') {
        Err(format!("a {what} with a NUL character"))
    } else {
        Ok(())
    }
}

fn at_most(what: &str, count: usize, most: usize) -> Check {
    if count <= most {
        Ok(())
    } else {
        Err(format!("{count} {what}; the limit is {most}"))
    }
}
