//! A statement comes: the approval that waits for it is used up, or reviewers are asked.

use std::time::Duration;

use gatewright_contract::{ApprovalWait, RequestId};

use super::exchange::{Approved, Draft};
use super::matter::Matter;
use super::request::{Request, Stored, wait_name};
use super::settings::ApprovalsSettings;
use super::transition::{self, Note, Set};
use super::{Actor, ApprovalsError, Effect, State};
use crate::store::{StoreError, Transaction, Value};

/// Statement and parameters together, in bytes: what a person can be asked to read.
const LONGEST: usize = 256 << 10;

/// How often one transaction asks anew, because others have asked or decided the same meanwhile.
const ROUNDS: usize = 4;

/// A draft in the form in which it is stored.
#[derive(Debug, Clone)]
pub(super) struct Asking {
    pub id: RequestId,
    pub wait: ApprovalWait,
    digest: String,
    requester: Actor,
    /// The values of the INSERT's columns from `$4` on.
    values: Vec<Value>,
    /// How long it waits for a decision, in milliseconds.
    pub ttl_ms: i64,
    valid_ms: i64,
    most_pending: i64,
    break_glass: Option<String>,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    /// How long the request waits, in milliseconds from now.
    Waits {
        id: RequestId,
        left_ms: i64,
    },
    Claimed {
        id: RequestId,
        approved: Approved,
    },
    TooMany,
}

/// The request that the same statement made before.
enum Before {
    Nothing,
    Waits {
        id: RequestId,
        left_ms: i64,
    },
    /// Somebody decided just now.
    Decided,
}

impl Asking {
    pub fn new(
        id: RequestId,
        draft: Draft,
        settings: &ApprovalsSettings,
    ) -> Result<Self, ApprovalsError> {
        let Draft {
            binding,
            wanted,
            policy,
            policy_version,
            shown,
            break_glass,
        } = draft;
        let parameters = json(&binding.parameters);
        if binding.statement.len() + shown.text.len() + parameters.len() > LONGEST {
            return Err(ApprovalsError::TooLong);
        }
        // What runs at once belongs to this gateway, whatever else was wanted.
        let wait = match break_glass {
            Some(_) => ApprovalWait::Hold,
            None => wanted.wait,
        };
        // Nobody decides before that.
        let decided = settings.pending_ttl.saturating_add(settings.away());
        let pending = match wait {
            ApprovalWait::Hold => decided.min(settings.hold(wanted.hold_ms)),
            ApprovalWait::ReturnId => decided,
        };
        let needed = settings.needed.max(wanted.approvals as usize);
        let digest = binding.digest();
        let stored = Stored {
            statement_id: shown.statement_id.to_string(),
            session_id: shown.session_id.to_string(),
            groups: shown.groups,
            task: shown.task,
            application: shown.application,
            client_address: shown.client_address,
            verb: shown.verb,
            effects: shown.effects,
            tables: shown.tables,
            effect: shown.effect,
            transaction: shown.transaction,
        };
        // Of what an approval does not bind, nobody has to say that they saw it.
        let bound = stored.effect.as_ref().filter(|effect| effect.bound);
        let effect_digest = bound.map(Effect::digest);
        let values = vec![
            Value::from(wait_name(wait)),
            Value::from(digest.clone()),
            Value::from(binding.subject.clone()),
            Value::from(binding.issuer.clone()),
            Value::from(binding.agent),
            Value::from(binding.database),
            Value::from(binding.role),
            Value::Bytes(binding.statement),
            // PostgreSQL's texts have no zero bytes; a statement has none either.
            Value::from(shown.text.replace('\0', "\u{fffd}")),
            Value::from(parameters),
            Value::from(json(&binding.search_path)),
            Value::from(json(&binding.settings)),
            Value::from(binding.policies),
            Value::from(policy),
            Value::from(policy_version),
            Value::from(wanted.code),
            Value::from(wanted.reason),
            Value::from(i64::try_from(needed).unwrap_or(i64::MAX)),
            Value::from(json(&wanted.reviewers)),
            Value::from(json(&stored)),
            Value::from(effect_digest),
        ];
        Ok(Asking {
            id,
            wait,
            digest,
            requester: Actor {
                subject: binding.subject,
                issuer: binding.issuer,
            },
            values,
            ttl_ms: millis(pending),
            valid_ms: millis(shorter(settings.approval_ttl, wanted.valid_ms)),
            most_pending: i64::try_from(settings.max_pending_per_identity).unwrap_or(i64::MAX),
            break_glass,
        })
    }

    /// Whether this gateway holds the statement's client until people decide.
    pub fn holds(&self) -> bool {
        self.wait == ApprovalWait::Hold && self.break_glass.is_none()
    }

    /// Uses an approval up that waits for exactly this, or asks.
    pub fn ask(
        &self,
        transaction: &mut dyn Transaction,
        holder: &str,
    ) -> Result<Asked, StoreError> {
        if let Some(reason) = &self.break_glass {
            return self.run_at_once(transaction, holder, reason);
        }
        for _ in 0..ROUNDS {
            if let Some((id, approved)) = self.claim_waiting(transaction, holder)? {
                return Ok(Asked::Claimed { id, approved });
            }
            match self.asked_before(transaction)? {
                Before::Waits { id, left_ms } => return Ok(Asked::Waits { id, left_ms }),
                Before::Decided => continue,
                Before::Nothing => {}
            }
            if self.is_flood(transaction)? {
                return Ok(Asked::TooMany);
            }
            if self.insert(transaction, holder)? {
                let note = Note {
                    actor: Some(&self.requester),
                    reason: None,
                };
                transition::record::<Request>(transaction, self.id, None, State::Pending, note)?;
                return Ok(Asked::Waits {
                    id: self.id,
                    left_ms: self.ttl_ms,
                });
            }
        }
        let text = "others asked and decided the same again and again";
        Err(StoreError::Unavailable(text.to_owned()))
    }

    /// Approves the request in the name of whoever sends the statement, and uses that up.
    fn run_at_once(
        &self,
        transaction: &mut dyn Transaction,
        holder: &str,
        reason: &str,
    ) -> Result<Asked, StoreError> {
        let defect = StoreError::Value("a new request is not as it was made");
        if !self.insert(transaction, holder)? {
            return Err(defect);
        }
        let note = |reason| Note {
            actor: Some(&self.requester),
            reason,
        };
        transition::record::<Request>(transaction, self.id, None, State::Pending, note(None))?;
        let request = transition::lock::<Request>(transaction, self.id)?.ok_or(defect.clone())?;
        let until = transaction.now().saturating_add(self.valid_ms);
        let set = Set {
            sql: ", approved_until = $5, decided_by = $6, decided_reason = $7, break_glass = $7",
            values: &[
                Value::from(until),
                Value::from(self.requester.subject.clone()),
                Value::from(reason),
            ],
        };
        transition::step(
            transaction,
            &request,
            State::Approved,
            &set,
            note(Some(reason)),
        )?;
        claim(transaction, self.id, holder)?.ok_or(defect)?;
        Ok(Asked::Claimed {
            id: self.id,
            approved: Approved {
                by: self.requester.subject.clone(),
                reason: Some(reason.to_owned()),
                effect: None,
            },
        })
    }

    fn is_flood(&self, transaction: &mut dyn Transaction) -> Result<bool, StoreError> {
        let mut pending = transaction.query(
            "SELECT count(*) FROM request WHERE state = 'pending' AND issuer = $1 AND subject = $2",
            &[
                Value::from(self.requester.issuer.clone()),
                Value::from(self.requester.subject.clone()),
            ],
        )?;
        let pending = pending.first_mut().map_or(Ok(0), |row| row.integer())?;
        Ok(pending >= self.most_pending)
    }

    fn claim_waiting(
        &self,
        transaction: &mut dyn Transaction,
        holder: &str,
    ) -> Result<Option<(RequestId, Approved)>, StoreError> {
        let now = transaction.now();
        let mut rows = transaction.query(
            "UPDATE request SET state = 'claimed', holder = $1, changed_at = $2 \
             WHERE digest = $3 AND wait = 'return' AND state = 'approved' AND approved_until > $2 \
             RETURNING id, decided_by, decided_reason, shown",
            &[
                Value::from(holder),
                Value::from(now),
                Value::from(self.digest.clone()),
            ],
        )?;
        let Some(row) = rows.first_mut() else {
            return Ok(None);
        };
        let id = super::request::id(row)?;
        let approved = Approved {
            by: row.text()?,
            reason: row.optional_text()?,
            effect: super::request::json::<Stored>(row)?.effect,
        };
        heartbeat(transaction, holder)?;
        claimed(transaction, id, &self.requester)?;
        Ok(Some((id, approved)))
    }

    /// The request that the same returned statement made before. One whose time is over makes room.
    fn asked_before(&self, transaction: &mut dyn Transaction) -> Result<Before, StoreError> {
        if self.wait == ApprovalWait::Hold {
            return Ok(Before::Nothing);
        }
        let mut rows = transaction.query(
            "SELECT id FROM request WHERE digest = $1 AND wait = 'return' AND state IN ('pending', 'approved')",
            &[Value::from(self.digest.clone())],
        )?;
        let Some(row) = rows.first_mut() else {
            return Ok(Before::Nothing);
        };
        let id = super::request::id(row)?;
        // It may have been decided since this transaction looked for an approval.
        let Some(request) = transition::lock::<Request>(transaction, id)? else {
            return Ok(Before::Decided);
        };
        if transition::expire_overdue(transaction, &request)? {
            return Ok(Before::Nothing);
        }
        Ok(match request.state {
            State::Pending => Before::Waits {
                id,
                left_ms: request.expires_at - transaction.now(),
            },
            _ => Before::Decided,
        })
    }

    /// Whether it was inserted: another with the same digest may wait already.
    fn insert(&self, transaction: &mut dyn Transaction, holder: &str) -> Result<bool, StoreError> {
        let now = transaction.now();
        let held = self.wait == ApprovalWait::Hold;
        let mut values = vec![
            Value::from(self.id.to_string()),
            Value::from(held.then(|| holder.to_owned())),
            Value::from(now),
            Value::from(now.saturating_add(self.ttl_ms)),
            Value::from(self.valid_ms),
        ];
        values.extend_from_slice(&self.values);
        let inserted = transaction.query(
            "INSERT INTO request (state, id, holder, created_at, changed_at, expires_at, valid_ms, wait, digest, subject, issuer, \
                 agent, database_name, role_name, statement, statement_text, parameters, search_path, settings, policies, policy, \
                 policy_version, code, reason, needed, reviewers, shown, effect_digest) \
             VALUES ('pending', $1, $2, $3, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, \
                 $21, $22, $23, $24, $25, $26) \
             ON CONFLICT DO NOTHING RETURNING id",
            &values,
        )?;
        if held && !inserted.is_empty() {
            heartbeat(transaction, holder)?;
        }
        Ok(!inserted.is_empty())
    }
}

/// Uses the approval of a held statement up, if it has one.
pub(super) fn claim(
    transaction: &mut dyn Transaction,
    id: RequestId,
    holder: &str,
) -> Result<Option<Request>, StoreError> {
    let now = transaction.now();
    let sql = format!(
        "UPDATE request SET state = 'claimed', changed_at = $1 \
         WHERE id = $2 AND holder = $3 AND state = 'approved' AND approved_until > $1 RETURNING {}",
        Request::COLUMNS
    );
    let mut rows = transaction.query(
        &sql,
        &[
            Value::from(now),
            Value::from(id.to_string()),
            Value::from(holder),
        ],
    )?;
    let Some(request) = rows.first_mut().map(Request::read).transpose()? else {
        return Ok(None);
    };
    let requester = Actor {
        subject: request.subject.clone(),
        issuer: request.issuer.clone(),
    };
    claimed(transaction, id, &requester)?;
    Ok(Some(request))
}

fn claimed(
    transaction: &mut dyn Transaction,
    id: RequestId,
    requester: &Actor,
) -> Result<(), StoreError> {
    let note = Note {
        actor: Some(requester),
        reason: None,
    };
    transition::record::<Request>(transaction, id, Some(State::Approved), State::Claimed, note)
}

/// This gateway is alive.
pub(super) fn heartbeat(transaction: &mut dyn Transaction, holder: &str) -> Result<(), StoreError> {
    let now = transaction.now();
    transaction.query(
        "INSERT INTO holder (id, started_at, seen_at) VALUES ($1, $2, $2) \
         ON CONFLICT (id) DO UPDATE SET seen_at = $2",
        &[Value::from(holder), Value::from(now)],
    )?;
    Ok(())
}

/// The limit, or less where the policy says so; 0 says nothing.
fn shorter(limit: Duration, wanted_ms: u64) -> Duration {
    match wanted_ms {
        0 => limit,
        wanted => limit.min(Duration::from_millis(wanted)),
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Lists and records of texts and numbers always have a JSON form.
fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}
