//! What people said about one request or access grant, as the table `decision` has it: each person once for each kind.

use crate::identity::Identity;
use crate::store::{StoreError, Transaction, Value};

/// What one person says.
pub(crate) struct Ballot<'a> {
    /// Of the request or access grant.
    pub id: String,
    pub by: &'a Identity,
    pub kind: &'static str,
    pub reason: Option<&'a str>,
    pub idempotency_key: Option<&'a str>,
}

/// What was said before with the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Before {
    Nothing,
    TheSame,
    SomethingElse,
}

impl Ballot<'_> {
    /// What this person said before with the same idempotency key.
    pub fn before(&self, transaction: &mut dyn Transaction) -> Result<Before, StoreError> {
        let Some(key) = self.idempotency_key else {
            return Ok(Before::Nothing);
        };
        let mut rows = transaction.query(
            "SELECT kind, reason FROM decision WHERE request = $1 AND issuer = $2 AND subject = $3 AND idempotency_key = $4",
            &[
                Value::from(self.id.clone()),
                Value::from(self.by.issuer.clone()),
                Value::from(self.by.subject.clone()),
                Value::from(key),
            ],
        )?;
        let Some(row) = rows.first_mut() else {
            return Ok(Before::Nothing);
        };
        let same = row.text()? == self.kind && row.optional_text()?.as_deref() == self.reason;
        Ok(match same {
            true => Before::TheSame,
            false => Before::SomethingElse,
        })
    }

    /// Writes it down. False: this person has said the same kind of thing before.
    pub fn cast(&self, transaction: &mut dyn Transaction) -> Result<bool, StoreError> {
        let now = transaction.now();
        let written = transaction.query(
            "INSERT INTO decision (request, issuer, subject, kind, reason, idempotency_key, decided_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING request",
            &[
                Value::from(self.id.clone()),
                Value::from(self.by.issuer.clone()),
                Value::from(self.by.subject.clone()),
                Value::from(self.kind),
                Value::from(self.reason),
                Value::from(self.idempotency_key),
                Value::from(now),
            ],
        )?;
        Ok(!written.is_empty())
    }

    /// The subjects of all who have approved, in the order of their approvals, if they are as many as needed.
    pub fn approvers(
        &self,
        transaction: &mut dyn Transaction,
        needed: i64,
    ) -> Result<Option<String>, StoreError> {
        let mut rows = transaction.query(
            "SELECT subject FROM decision WHERE request = $1 AND kind = 'approve' ORDER BY decided_at, subject",
            &[Value::from(self.id.clone())],
        )?;
        let by = rows.iter_mut().map(|row| row.text());
        let by: Vec<String> = by.collect::<Result<_, _>>()?;
        let are_enough = i64::try_from(by.len()).unwrap_or(i64::MAX) >= needed;
        Ok(are_enough.then(|| by.join(", ")))
    }
}
