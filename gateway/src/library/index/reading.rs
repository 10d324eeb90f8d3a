//! Reading the index.

use gatewright_contract::SessionId;

use super::rows::{SESSION, STATEMENT, text};
use super::{Index, SessionEntry, StatementEntry, ViewedEntry};
use crate::library::search::{Found, Search};
use crate::store::{Dialect, Row, StoreError, Transaction, Value};

/// Which sessions are listed, the newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    pub subject: Option<String>,
    pub agent: Option<String>,
    pub database: Option<String>,
    /// From this time on, in microseconds since 1970.
    pub since: Option<i64>,
    /// Before this time.
    pub until: Option<i64>,
    /// Only those in which something was refused.
    pub refused: bool,
    /// Only those that have not ended.
    pub open: bool,
    /// Those that follow on this session of a page before.
    pub after: Option<(i64, String)>,
    pub limit: usize,
}

/// A part of what there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    pub entries: Vec<T>,
    pub has_more: bool,
}

impl Index {
    /// # Errors
    /// The store failed.
    pub async fn sessions(&self, listing: Listing) -> Result<Page<SessionEntry>, StoreError> {
        let read = move |transaction: &mut dyn Transaction| {
            let (sql, values) = listing.sql();
            let rows = transaction.query(&sql, &values)?;
            page(rows, listing.limit, SessionEntry::read)
        };
        self.store.read(read).await
    }

    /// # Errors
    /// The store failed.
    pub async fn session(&self, id: SessionId) -> Result<Option<SessionEntry>, StoreError> {
        let read = move |transaction: &mut dyn Transaction| {
            let sql = format!("SELECT {SESSION} FROM recorded_session s WHERE s.id = $1");
            let mut rows = transaction.query(&sql, &[id.to_string().into()])?;
            rows.first_mut().map(SessionEntry::read).transpose()
        };
        self.store.read(read).await
    }

    /// The statements of a session behind this number.
    ///
    /// # Errors
    /// The store failed.
    pub async fn statements(
        &self,
        id: SessionId,
        after: i64,
        limit: usize,
    ) -> Result<Page<StatementEntry>, StoreError> {
        let read = move |transaction: &mut dyn Transaction| {
            let sql = format!(
                "SELECT {STATEMENT} FROM recorded_statement e WHERE e.session = $1 AND e.number > $2 ORDER BY e.number LIMIT $3"
            );
            let values = [id.to_string().into(), after.into(), most(limit)];
            page(
                transaction.query(&sql, &values)?,
                limit,
                StatementEntry::read,
            )
        };
        self.store.read(read).await
    }

    /// The sessions in which an approval was used up, with the statement's number.
    ///
    /// # Errors
    /// The store failed.
    pub async fn uses_of(&self, request: String) -> Result<Vec<(String, i64)>, StoreError> {
        let read = move |transaction: &mut dyn Transaction| {
            let sql = "SELECT session, number FROM recorded_approval WHERE request = $1 ORDER BY session, number LIMIT 20";
            let rows = transaction.query(sql, &[text(&request)])?;
            let rows = rows.into_iter();
            rows.map(|mut row| Ok((row.text()?, row.integer()?)))
                .collect()
        };
        self.store.read(read).await
    }

    /// The last viewings of a session, the last first.
    ///
    /// # Errors
    /// The store failed.
    pub async fn viewings_of(&self, id: SessionId) -> Result<Vec<ViewedEntry>, StoreError> {
        let read = move |transaction: &mut dyn Transaction| {
            let sql = "SELECT v.viewed_at, s.issuer, s.subject, s.client_address, s.application, v.statement, s.id \
                 FROM recorded_viewing v JOIN recorded_session s ON s.id = v.viewer WHERE v.viewed = $1 \
                 ORDER BY v.viewed_at DESC, v.viewer DESC, v.number DESC LIMIT 20";
            let rows = transaction.query(sql, &[id.to_string().into()])?;
            let rows = rows.into_iter().map(|mut row| {
                Ok(ViewedEntry {
                    at: row.integer()?,
                    issuer: row.text()?,
                    subject: row.text()?,
                    client_address: row.text()?,
                    application: row.text()?,
                    statement: row.optional_integer()?,
                    session: row.text()?,
                })
            });
            rows.collect()
        };
        self.store.read(read).await
    }

    /// What is found, the last indexed first. `before`: of a page before.
    ///
    /// # Errors
    /// The store failed.
    pub async fn search(
        &self,
        search: Search,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Page<Found>, StoreError> {
        let read = move |transaction: &mut dyn Transaction| {
            let dialect = transaction.dialect();
            let values = [
                search.in_language_of(dialect).into(),
                before.unwrap_or(i64::MAX).into(),
                most(limit),
            ];
            let rows = transaction.query(&search_sql(dialect), &values)?;
            page(rows, limit, |row| {
                let id = row.integer()?;
                let session = SessionEntry::read(row)?;
                let statement = StatementEntry::read(row)?;
                let text = statement.text.as_deref().unwrap_or_default();
                Ok(Found {
                    id,
                    snippet: search.snippet(text),
                    session,
                    statement,
                })
            })
        };
        self.store.read(read).await
    }

    /// Sessions of a record that the index has, and whether they are whole.
    ///
    /// # Errors
    /// The store failed.
    pub(in crate::library) async fn known(
        &self,
        record: String,
    ) -> Result<Vec<(String, bool)>, StoreError> {
        let read = move |transaction: &mut dyn Transaction| {
            let sql = "SELECT id, is_whole FROM recorded_session WHERE record = $1";
            let rows = transaction.query(sql, &[text(&record)])?;
            let rows = rows.into_iter();
            rows.map(|mut row| Ok((row.text()?, row.integer()? != 0)))
                .collect()
        };
        self.store.read(read).await
    }
}

pub(in crate::library) fn search_sql(dialect: Dialect) -> String {
    let columns = format!("e.id, {SESSION}, {STATEMENT}");
    match dialect {
        Dialect::Sqlite => format!(
            "SELECT {columns} FROM recorded_words JOIN recorded_statement e ON e.id = recorded_words.rowid \
             JOIN recorded_session s ON s.id = e.session WHERE recorded_words MATCH $1 AND recorded_words.rowid < $2 \
             ORDER BY recorded_words.rowid DESC LIMIT $3"
        ),
        Dialect::Postgres => format!(
            "SELECT {columns} FROM recorded_statement e JOIN recorded_session s ON s.id = e.session \
             WHERE e.words @@ $1::tsquery AND e.id < $2 ORDER BY e.id DESC LIMIT $3"
        ),
    }
}

/// One more than a page has says that there are more.
fn most(limit: usize) -> Value {
    let most = limit.saturating_add(1);
    i64::try_from(most).unwrap_or(i64::MAX).into()
}

fn page<T>(
    rows: Vec<Row>,
    limit: usize,
    mut read: impl FnMut(&mut Row) -> Result<T, StoreError>,
) -> Result<Page<T>, StoreError> {
    let has_more = rows.len() > limit;
    let rows = rows.into_iter().take(limit);
    let entries = rows
        .map(|mut row| read(&mut row))
        .collect::<Result<_, _>>()?;
    Ok(Page { entries, has_more })
}

impl Listing {
    pub(in crate::library) fn sql(&self) -> (String, Vec<Value>) {
        let mut values = Vec::new();
        let mut conditions = Vec::new();
        let mut add = |condition: &str, value: Value| {
            values.push(value);
            conditions.push(condition.replace('?', &format!("${}", values.len())));
        };
        for (column, value) in [
            ("s.subject = ?", &self.subject),
            ("s.agent = ?", &self.agent),
            ("s.database_name = ?", &self.database),
        ] {
            if let Some(value) = value {
                add(column, text(value));
            }
        }
        if let Some(since) = self.since {
            add("s.opened_at >= ?", since.into());
        }
        if let Some(until) = self.until {
            add("s.opened_at < ?", until.into());
        }
        if let Some((opened_at, id)) = &self.after {
            values.extend([(*opened_at).into(), text(id)]);
            let (opened_at, id) = (values.len() - 1, values.len());
            conditions.push(format!("(s.opened_at, s.id) < (${opened_at}, ${id})"));
        }
        if self.refused {
            conditions.push("s.refusals > 0".to_owned());
        }
        if self.open {
            conditions.push("s.ended_at IS NULL".to_owned());
        }
        values.push(most(self.limit));
        let conditions = conditions.join(" AND ");
        let filter = match conditions.is_empty() {
            true => String::new(),
            false => format!(" WHERE {conditions}"),
        };
        let sql = format!(
            "SELECT {SESSION} FROM recorded_session s{filter} ORDER BY s.opened_at DESC, s.id DESC LIMIT ${}",
            values.len()
        );
        (sql, values)
    }
}
