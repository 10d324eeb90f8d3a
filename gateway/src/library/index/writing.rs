//! Writing the index. What was written of a session is written again as it grows, until the session is whole.

use super::rows::{SESSION, STATEMENT, text};
use super::{Index, SessionEntry, StatementEntry, ViewingEntry};
use crate::library::words::{self, Fact, words};
use crate::store::{Dialect, StoreError, Transaction};

/// Between the words of two texts in PostgreSQL, so that no phrase goes from one to the other.
const GAP: usize = 8;

/// PostgreSQL counts positions up to here.
const LAST_POSITION: usize = 16_383;

/// What is written of a session at once.
#[derive(Debug, Clone, Default)]
pub struct Indexed {
    pub session: SessionEntry,
    /// New ones, and those that have changed.
    pub statements: Vec<StatementEntry>,
    pub viewings: Vec<ViewingEntry>,
    /// Nothing will follow.
    pub is_whole: bool,
    /// What the index has of the session is written anew.
    pub from_the_beginning: bool,
}

impl Index {
    /// Writes what has become of sessions.
    ///
    /// # Errors
    /// The store failed; nothing is written.
    pub async fn write(&self, indexed: Vec<Indexed>) -> Result<(), StoreError> {
        self.store
            .run(move |transaction| {
                let mut indexed = indexed.iter();
                indexed.try_for_each(|indexed| write(transaction, indexed))
            })
            .await
    }

    /// Removes sessions of a record.
    ///
    /// # Errors
    /// The store failed; nothing is removed.
    pub async fn remove(&self, sessions: Vec<String>) -> Result<(), StoreError> {
        self.store
            .run(move |transaction| {
                let mut sessions = sessions.iter();
                sessions.try_for_each(|session| remove(transaction, session))
            })
            .await
    }
}

fn write(transaction: &mut dyn Transaction, indexed: &Indexed) -> Result<(), StoreError> {
    let session = &indexed.session;
    let find = "SELECT id FROM recorded_session WHERE id = $1";
    let is_known = !transaction.query(find, &[text(&session.id)])?.is_empty();
    if is_known && indexed.from_the_beginning {
        remove(transaction, &session.id)?;
    }
    let may_be_known = is_known && !indexed.from_the_beginning;
    let mut values = session.values()?;
    values.push(i64::from(indexed.is_whole).into());
    let columns = SESSION.replace("s.", "") + ", is_whole";
    let updates = columns.split(", ").skip(1);
    let updates = updates.map(|column| format!("{column} = excluded.{column}"));
    let sql = format!(
        "INSERT INTO recorded_session ({columns}) VALUES ({}) ON CONFLICT (id) DO UPDATE SET {}",
        placeholders(values.len()),
        updates.collect::<Vec<_>>().join(", ")
    );
    transaction.query(&sql, &values)?;
    let mut statements = indexed.statements.iter();
    statements.try_for_each(|statement| {
        let known = match may_be_known {
            true => known(transaction, session, statement)?,
            false => None,
        };
        write_statement(transaction, session, statement, known)
    })?;
    let mut viewings = indexed.viewings.iter();
    viewings.try_for_each(|viewing| write_viewing(transaction, session, viewing))
}

fn write_viewing(
    transaction: &mut dyn Transaction,
    session: &SessionEntry,
    viewing: &ViewingEntry,
) -> Result<(), StoreError> {
    for viewed in &viewing.sessions {
        transaction.query(
            "INSERT INTO recorded_viewing (viewed, viewed_at, viewer, number, statement) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
            &[
                text(viewed),
                viewing.at.into(),
                text(&session.id),
                viewing.number.into(),
                viewing.statement.into(),
            ],
        )?;
    }
    Ok(())
}

/// The id of a statement that was written before.
fn known(
    transaction: &mut dyn Transaction,
    session: &SessionEntry,
    statement: &StatementEntry,
) -> Result<Option<i64>, StoreError> {
    let place = [text(&session.id), statement.number.into()];
    let find = "SELECT id FROM recorded_statement WHERE session = $1 AND number = $2";
    let known = transaction.query(find, &place)?.pop();
    known.map(|mut row| row.integer()).transpose()
}

fn write_statement(
    transaction: &mut dyn Transaction,
    session: &SessionEntry,
    statement: &StatementEntry,
    known: Option<i64>,
) -> Result<(), StoreError> {
    let parts = Parts::of(session, statement);
    let dialect = transaction.dialect();
    let mut columns = STATEMENT.replace("e.", "") + ", session";
    let mut values = statement.values()?;
    values.push(text(&session.id));
    let mut marks = placeholders(values.len());
    if dialect == Dialect::Postgres {
        columns.push_str(", words");
        values.push(parts.vector().into());
        marks.push_str(&format!(", ${}::tsvector", values.len()));
    }
    let id = match known {
        Some(id) => {
            values.push(id.into());
            let sql = format!(
                "UPDATE recorded_statement SET ({columns}) = ({marks}) WHERE id = ${}",
                values.len()
            );
            transaction.query(&sql, &values)?;
            id
        }
        None => {
            let sql =
                format!("INSERT INTO recorded_statement ({columns}) VALUES ({marks}) RETURNING id");
            let mut rows = transaction.query(&sql, &values)?;
            let row = rows.first_mut().ok_or(StoreError::Value("no id"))?;
            row.integer()?
        }
    };
    if dialect == Dialect::Sqlite {
        if known.is_some() {
            transaction.query("DELETE FROM recorded_words WHERE rowid = $1", &[id.into()])?;
        }
        let sql = "INSERT INTO recorded_words (rowid, text, tables, results, facts) VALUES ($1, $2, $3, $4, $5)";
        let [words, tables, results, facts] = parts.columns();
        let values = [
            id.into(),
            words.into(),
            tables.into(),
            results.into(),
            facts.into(),
        ];
        transaction.query(sql, &values)?;
    }
    for request in &statement.approvals {
        transaction.query(
            "INSERT INTO recorded_approval (request, session, number) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            &[text(request), text(&session.id), statement.number.into()],
        )?;
    }
    Ok(())
}

fn remove(transaction: &mut dyn Transaction, session: &str) -> Result<(), StoreError> {
    let session = [text(session)];
    if transaction.dialect() == Dialect::Sqlite {
        transaction.query(
            "DELETE FROM recorded_words WHERE rowid IN (SELECT id FROM recorded_statement WHERE session = $1)",
            &session,
        )?;
    }
    for table in ["recorded_statement", "recorded_approval"] {
        let sql = format!("DELETE FROM {table} WHERE session = $1");
        transaction.query(&sql, &session)?;
    }
    transaction.query("DELETE FROM recorded_viewing WHERE viewer = $1", &session)?;
    transaction.query("DELETE FROM recorded_session WHERE id = $1", &session)?;
    Ok(())
}

fn placeholders(count: usize) -> String {
    let marks = (1..=count).map(|number| format!("${number}"));
    marks.collect::<Vec<_>>().join(", ")
}

/// The words of a statement, by where they are. An empty one separates phrases.
struct Parts {
    text: Vec<String>,
    tables: Vec<String>,
    results: Vec<String>,
    facts: Vec<String>,
}

impl Parts {
    fn of(session: &SessionEntry, statement: &StatementEntry) -> Self {
        let mut text: Vec<_> = words(statement.text.as_deref().unwrap_or_default())
            .take(words::MOST)
            .collect();
        let others = [&statement.instead, &statement.message];
        for other in others.into_iter().flatten() {
            text.push(String::new());
            text.extend(words(other).take(words::MOST));
        }
        let tables = statement.tables.iter().flat_map(|table| {
            let separator = std::iter::once(String::new());
            words(table).chain(separator)
        });
        Parts {
            text,
            tables: tables.collect(),
            results: statement.result_words.clone(),
            facts: facts(session, statement),
        }
    }

    fn columns(&self) -> [String; 4] {
        let parts = [&self.text, &self.tables, &self.results, &self.facts];
        parts.map(|words| {
            let words = words.iter().map(|word| match word.is_empty() {
                // No word that is searched for.
                true => "-x-",
                false => word,
            });
            words.collect::<Vec<_>>().join(" ")
        })
    }

    /// As the text of a tsvector. Words have letters and digits only.
    fn vector(&self) -> String {
        let parts = [
            (&self.text, 'A'),
            (&self.tables, 'B'),
            (&self.results, 'C'),
            (&self.facts, 'D'),
        ];
        let (mut vector, mut position) = (String::new(), 0);
        for (words, weight) in parts {
            for word in words {
                position += if word.is_empty() { GAP } else { 1 };
                if word.is_empty() {
                    continue;
                }
                let at = position.min(LAST_POSITION);
                vector.push_str(&format!("'{word}':{at}{weight} "));
            }
            position += GAP;
        }
        vector
    }
}

fn facts(session: &SessionEntry, statement: &StatementEntry) -> Vec<String> {
    let optional =
        |fact: Fact, value: &Option<String>| value.as_ref().map(|value| fact.word(value));
    let mut facts = vec![
        Fact::Subject.word(&session.subject),
        Fact::Database.word(&session.database),
        Fact::Role.word(&session.role),
        Fact::Session.word(&session.id),
    ];
    facts.extend(optional(Fact::Agent, &session.agent));
    facts.extend(optional(Fact::Decision, &statement.decision));
    facts.extend(optional(Fact::Outcome, &statement.outcome));
    facts.extend(optional(Fact::Sqlstate, &statement.sqlstate));
    if !statement.verb.is_empty() {
        facts.push(Fact::Verb.word(&statement.verb));
    }
    for table in &statement.tables {
        facts.push(Fact::Table.word(table));
        if let Some((_, name)) = table.rsplit_once('.') {
            facts.push(Fact::Table.word(name));
        }
    }
    facts
}
