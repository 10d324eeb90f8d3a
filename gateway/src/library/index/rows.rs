//! Rows of the index, and entries.

use gatewright_record::event::ResultColumn;
use gatewright_record::follow::Place;

use super::{SessionEntry, StatementEntry};
use crate::store::{Row, StoreError, Value};

/// The columns of a session, in the order in which [`SessionEntry::read`] takes them.
pub(in crate::library) const SESSION: &str = "s.id, s.record, s.gateway, s.opened_at, s.ended_at, s.ended, s.issuer, s.subject, s.group_names, \
     s.agent, s.task, s.database_name, s.role_name, s.client_address, s.application, s.keep, s.literals, s.executions, s.refusals, \
     s.row_count, s.viewings, s.is_sealed, s.damages";

/// The same for a statement.
pub(in crate::library) const STATEMENT: &str = "e.number, e.execution, e.began_at, e.elapsed_us, e.decision, e.outcome, e.sqlstate, e.message, \
     e.verb, e.tables, e.statement_text, e.instead, e.is_cut, e.policies, e.approvals, e.rehearsal, e.row_count, e.masked_values, \
     e.changed, e.origins, e.attempted_in, e.results_in";

impl SessionEntry {
    pub(super) fn read(row: &mut Row) -> Result<Self, StoreError> {
        Ok(SessionEntry {
            id: row.text()?,
            record: row.text()?,
            gateway: row.text()?,
            opened_at: row.integer()?,
            ended_at: row.optional_integer()?,
            ended: row.optional_text()?,
            issuer: row.text()?,
            subject: row.text()?,
            groups: list(&row.text()?)?,
            agent: row.optional_text()?,
            task: row.optional_text()?,
            database: row.text()?,
            role: row.text()?,
            client_address: row.text()?,
            application: row.text()?,
            keep: row.text()?,
            literals: row.text()?,
            executions: row.integer()?,
            refusals: row.integer()?,
            rows: row.integer()?,
            viewings: row.integer()?,
            is_sealed: row.integer()? != 0,
            damages: row.integer()?,
        })
    }

    /// In the order of the columns.
    pub(super) fn values(&self) -> Result<Vec<Value>, StoreError> {
        Ok(vec![
            text(&self.id),
            text(&self.record),
            text(&self.gateway),
            self.opened_at.into(),
            self.ended_at.into(),
            optional(self.ended.as_deref()),
            text(&self.issuer),
            text(&self.subject),
            json(&self.groups)?,
            optional(self.agent.as_deref()),
            optional(self.task.as_deref()),
            text(&self.database),
            text(&self.role),
            text(&self.client_address),
            text(&self.application),
            text(&self.keep),
            text(&self.literals),
            self.executions.into(),
            self.refusals.into(),
            self.rows.into(),
            self.viewings.into(),
            i64::from(self.is_sealed).into(),
            self.damages.into(),
        ])
    }
}

impl StatementEntry {
    pub(super) fn read(row: &mut Row) -> Result<Self, StoreError> {
        Ok(StatementEntry {
            number: row.integer()?,
            execution: row.optional_integer()?,
            began_at: row.integer()?,
            elapsed_us: row.optional_integer()?,
            decision: row.optional_text()?,
            outcome: row.optional_text()?,
            sqlstate: row.optional_text()?,
            message: row.optional_text()?,
            verb: row.text()?,
            tables: list(&row.text()?)?,
            text: row.optional_text()?,
            instead: row.optional_text()?,
            is_cut: row.integer()? != 0,
            policies: list(&row.text()?)?,
            approvals: list(&row.text()?)?,
            rehearsal: row.optional_text()?,
            rows: row.integer()?,
            masked_values: row.integer()?,
            changed: row.optional_integer()?,
            columns: columns(row.optional_text()?.as_deref())?,
            attempted_in: place(row)?,
            results_in: place(row)?,
            result_words: Vec::new(),
        })
    }

    /// In the order of the columns.
    pub(super) fn values(&self) -> Result<Vec<Value>, StoreError> {
        Ok(vec![
            self.number.into(),
            self.execution.into(),
            self.began_at.into(),
            self.elapsed_us.into(),
            optional(self.decision.as_deref()),
            optional(self.outcome.as_deref()),
            optional(self.sqlstate.as_deref()),
            optional(self.message.as_deref()),
            text(&self.verb),
            json(&self.tables)?,
            optional(self.text.as_deref()),
            optional(self.instead.as_deref()),
            i64::from(self.is_cut).into(),
            json(&self.policies)?,
            json(&self.approvals)?,
            optional(self.rehearsal.as_deref()),
            self.rows.into(),
            self.masked_values.into(),
            self.changed.into(),
            columns_value(self.columns.as_deref())?,
            place_value(self.attempted_in),
            place_value(self.results_in),
        ])
    }
}

/// PostgreSQL's texts have no NUL.
pub(super) fn text(text: &str) -> Value {
    match text.contains('\0') {
        true => Value::from(text.replace('\0', "\u{fffd}")),
        false => Value::from(text),
    }
}

fn optional(value: Option<&str>) -> Value {
    value.map_or(Value::Null, text)
}

fn json(list: &impl serde::Serialize) -> Result<Value, StoreError> {
    let json = serde_json::to_string(list);
    json.map(Value::from)
        .map_err(|_| StoreError::Value("a list that cannot be written"))
}

fn columns(json: Option<&str>) -> Result<Option<Vec<ResultColumn>>, StoreError> {
    let Some(json) = json else { return Ok(None) };
    let columns = list::<(Option<String>, Option<Vec<String>>)>(json)?.into_iter();
    let columns = columns.map(|(name, sources)| ResultColumn { name, sources });
    Ok(Some(columns.collect()))
}

fn columns_value(columns: Option<&[ResultColumn]>) -> Result<Value, StoreError> {
    let Some(columns) = columns else {
        return Ok(Value::Null);
    };
    let columns = columns.iter().map(|column| (&column.name, &column.sources));
    json(&columns.collect::<Vec<_>>())
}

fn list<T: serde::de::DeserializeOwned>(json: &str) -> Result<Vec<T>, StoreError> {
    serde_json::from_str(json).map_err(|_| StoreError::Value("not a list"))
}

fn place(row: &mut Row) -> Result<Option<Place>, StoreError> {
    let bytes = row.optional_bytes()?;
    let place = |bytes: Vec<u8>| Place::from_bytes(&bytes).ok_or(StoreError::Value("not a place"));
    bytes.map(place).transpose()
}

fn place_value(place: Option<Place>) -> Value {
    place.map_or(Value::Null, |place| Value::Bytes(place.to_bytes().to_vec()))
}
