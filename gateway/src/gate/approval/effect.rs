//! What of a statement's effect is found out before people are asked, and what they are shown of it.

use gatewright_contract::ApprovalEffect;
use gatewright_sql::{Facts, Outputs, ReturnedRows};

use super::draft::justification;
use crate::approvals::{Effect, EffectFound, EffectRow, EffectRows};
use crate::gate::SessionGate;
use crate::gate::permit::Permit;
use crate::session::{Bound, Rehearsal, RehearsalWay, Rehearsed, RowsDigest, Seen, SeenRows};

impl SessionGate {
    /// What the session has to find out.
    pub(in crate::gate) fn rehearsal_of(&self, permit: &Permit) -> Option<Rehearsal> {
        let (facts, wanted) = self.wanted_effect(permit)?;
        let settings = self.gate.people.asked()?.settings();
        Some(Rehearsal {
            way: way(facts, wanted).ok()?,
            lock_timeout: settings.preview_lock_timeout,
            timeout: settings.preview_timeout,
            rows: settings.preview_rows,
        })
    }

    /// What people are shown. `None`: no policy wants to show them anything.
    pub(in crate::gate) fn effect_of(
        &self,
        permit: &Permit,
        seen: Option<&Rehearsed>,
    ) -> Option<Effect> {
        let (facts, wanted) = self.wanted_effect(permit)?;
        let way = way(facts, wanted);
        let mut limited = match &way {
            Ok(RehearsalWay::Estimate) if wanted >= ApprovalEffect::Preview => {
                facts.cannot_be_undone()
            }
            Ok(_) => None,
            Err(why) => Some(why.clone()),
        };
        let mut shown = ShownRows::default();
        let found = match seen.filter(|_| way.is_ok()) {
            Some(Rehearsed::Estimated { rows }) => EffectFound::Estimate { rows: *rows },
            Some(Rehearsed::Changed { rows, seen }) => {
                shown = of_rows(seen);
                EffectFound::Preview { rows: *rows }
            }
            Some(Rehearsed::Failed { sqlstate }) => EffectFound::Failure {
                sqlstate: sqlstate.clone(),
            },
            Some(Rehearsed::Unknown { why }) => {
                limited = Some((*why).to_owned());
                EffectFound::Nothing
            }
            None => EffectFound::Nothing,
        };
        Some(Effect {
            found,
            limited,
            bound: wanted == ApprovalEffect::Bound,
            rows: shown.rows,
            rows_hidden: shown.hidden,
            rows_digest: shown.digest,
        })
    }

    /// The most that a policy wants to have shown of a statement that is to be approved now.
    fn wanted_effect<'p>(&self, permit: &'p Permit) -> Option<(&'p Facts, ApprovalEffect)> {
        let requirement = permit.requirement.as_ref()?;
        // Who breaks the glass does not wait for this, either.
        if requirement.is_used() || justification(&self.facts.session).is_some() {
            return None;
        }
        let wanted = requirement.wanted.iter().map(|wanted| {
            let approval = &wanted.approval;
            match (approval.effect, approval.above_rows) {
                (ApprovalEffect::None, Some(_)) => ApprovalEffect::Estimate,
                (effect, _) => effect,
            }
        });
        let wanted = wanted
            .max()
            .filter(|wanted| *wanted != ApprovalEffect::None)?;
        Some((permit.view.facts()?, wanted))
    }
}

/// Whether it changes so few rows that nobody has to be asked.
pub(super) fn is_below(effect: Option<&Effect>, above: Option<u64>) -> bool {
    let rows = effect.and_then(|effect| match effect.found {
        EffectFound::Estimate { rows } | EffectFound::Preview { rows } => Some(rows),
        EffectFound::Failure { .. } | EffectFound::Nothing => None,
    });
    rows.zip(above).is_some_and(|(rows, above)| rows <= above)
}

/// How as much of it as possible is found out, or why nothing can be.
fn way(facts: &Facts, wanted: ApprovalEffect) -> Result<RehearsalWay, String> {
    let estimate = match facts.can_be_estimated() {
        true => Ok(RehearsalWay::Estimate),
        false => Err("the server cannot estimate it".to_owned()),
    };
    match (wanted, facts.cannot_be_undone()) {
        (ApprovalEffect::None | ApprovalEffect::Estimate, _) => estimate,
        (ApprovalEffect::Bound, None) if facts.outputs != Outputs::None => {
            Err("it returns rows, which could not be taken back".to_owned())
        }
        (ApprovalEffect::Bound, Some(why)) => Err(why),
        (ApprovalEffect::Preview, Some(why)) => estimate.map_err(|_| why),
        (ApprovalEffect::Preview | ApprovalEffect::Bound, None) => Ok(RehearsalWay::Run),
    }
}

/// What a run has to have done, to be the one that was approved. `None`: the effect is of no use for that.
pub(super) fn as_bound(effect: &Effect) -> Option<Bound> {
    match &effect.found {
        EffectFound::Preview { rows } => Some(Bound::Rows {
            count: *rows,
            digest: match &effect.rows_digest {
                None => None,
                Some(digits) => Some(RowsDigest::of_hex(digits)?),
            },
        }),
        EffectFound::Failure { .. } => Some(Bound::Failure),
        EffectFound::Estimate { .. } | EffectFound::Nothing => None,
    }
}

/// What people see of the rows.
#[derive(Default)]
struct ShownRows {
    rows: Option<EffectRows>,
    hidden: Option<String>,
    digest: Option<String>,
}

fn of_rows(seen: &Seen) -> ShownRows {
    match seen {
        Seen::Unwanted => ShownRows::default(),
        Seen::Hidden { why } => ShownRows {
            hidden: Some(why.clone()),
            ..ShownRows::default()
        },
        Seen::Rows(seen) => ShownRows {
            rows: Some(EffectRows::new(
                columns(seen),
                seen.rows.iter().map(|row| halves(seen, row)),
            )),
            hidden: None,
            digest: seen.digest.map(RowsDigest::to_hex),
        },
    }
}

fn columns(seen: &SeenRows) -> &[String] {
    match seen.which {
        ReturnedRows::OldAndNew => {
            let half = seen.columns.len() / 2;
            seen.columns.get(..half).unwrap_or_default()
        }
        ReturnedRows::Old | ReturnedRows::New | ReturnedRows::Own => &seen.columns,
    }
}

/// The row as it was and as it becomes, as far as that was returned.
fn halves(seen: &SeenRows, row: &[Option<String>]) -> EffectRow {
    let (before, after) = match seen.which {
        ReturnedRows::Old => (Some(row), None),
        ReturnedRows::New => (None, Some(row)),
        ReturnedRows::OldAndNew => {
            let (before, after) = row.split_at(row.len() / 2);
            (Some(before), Some(after))
        }
        ReturnedRows::Own => {
            return EffectRow::Returned(EffectRow::cut(row));
        }
    };
    EffectRow::Changed {
        before: before.map(EffectRow::cut),
        after: after.map(EffectRow::cut),
    }
}
