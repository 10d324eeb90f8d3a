//! Shows result columns to policies and collects their plans.

use std::sync::Arc;

use gatewright_contract::{self as contract, ColumnAction};
use gatewright_policy_host::{Call, Fault, Policy, StatementView};
use gatewright_sql::{Catalog, Output, Outputs};

use super::permit::Permit;
use super::ticket::answered;
use super::{SessionGate, denial};
use crate::results::{self, Step};
use crate::session::{Answer, Field, Judged, Plan, Refusal};

/// OIDs below this are assigned by PostgreSQL itself (`FirstNormalObjectId`).
const FIRST_OWN_OID: u32 = 16_384;

/// Whether a column comes from a table that the catalog does not have.
fn has_unknown_table(fields: &[Field], catalog: &Catalog) -> bool {
    let mut tables = fields.iter().map(|field| field.table_oid);
    tables.any(|oid| oid >= FIRST_OWN_OID && catalog.relation(oid).is_none())
}

/// A result that is shown to policies.
struct Planning {
    permit: Arc<Permit>,
    view: Arc<dyn StatementView>,
    columns: Arc<[contract::ResultColumn]>,
    plan: Plan,
}

impl SessionGate {
    /// Asks every policy of the permit that wants to see columns.
    pub(super) fn plan_result(
        &mut self,
        permit: &Arc<Permit>,
        fields: &[Field],
    ) -> Judged<Result<Plan, Refusal>> {
        let catalog = self.catalog.current();
        if has_unknown_table(fields, &catalog) {
            self.look_again(&catalog);
        }
        self.plan_on(Planning {
            permit: Arc::clone(permit),
            view: permit.view_for_policies(),
            columns: columns(permit, fields, &catalog),
            plan: Plan {
                fields: fields.to_vec(),
                types: types(fields, &catalog),
                steps: Vec::with_capacity(permit.planners.len()),
            },
        })
    }

    /// Asks the policies that have not answered yet.
    fn plan_on(&mut self, mut planning: Planning) -> Judged<Result<Plan, Refusal>> {
        while planning.plan.steps.len() < planning.permit.planners.len() {
            let Some(policy) = planning.permit.planner(planning.plan.steps.len()) else {
                let denied = denial::no_such_step();
                let id = planning.permit.view.statement_id;
                let refusal = denial::of_gateway(&denied.code, denied.message, None, id);
                return Judged::Ready(Err(refusal));
            };
            let policy = Arc::clone(policy);
            let answer = match policy.on_result(&planning.view, &planning.columns) {
                Call::Done(answer) => answer,
                Call::Running(running) => {
                    let ticket = self.pend(answered(running), move |gate, answer| {
                        match planning.take(&policy, answer) {
                            Ok(()) => gate.plan_on(planning).map(Answer::Plan),
                            Err(refusal) => Judged::Ready(Answer::Plan(Err(refusal))),
                        }
                    });
                    return Judged::Pending(ticket);
                }
            };
            if let Err(refusal) = planning.take(&policy, answer) {
                return Judged::Ready(Err(refusal));
            }
        }
        Judged::Ready(Ok(planning.finished()))
    }
}

impl Planning {
    fn take(
        &mut self,
        policy: &Policy,
        answer: Result<contract::Plan, Fault>,
    ) -> Result<(), Refusal> {
        match plan_of(policy, answer) {
            contract::Plan::Columns(actions) => {
                self.plan.steps.push(Step { actions });
                Ok(())
            }
            contract::Plan::Deny(denied) => {
                let id = self.permit.view.statement_id;
                Err(denial::of_policy(policy, denied, id))
            }
        }
    }

    fn finished(mut self) -> Plan {
        let passes = |step: &Step| {
            step.actions
                .iter()
                .all(|action| *action == ColumnAction::Pass)
        };
        if self.plan.steps.iter().all(passes) {
            self.plan.steps.clear();
        }
        self.plan
    }
}

/// What a policy's answer comes to. A policy that fails denies.
pub(super) fn plan_of(policy: &Policy, answer: Result<contract::Plan, Fault>) -> contract::Plan {
    answer.unwrap_or_else(|fault| {
        tracing::error!(policy = policy.name(), %fault, "the policy gave no plan; the statement is refused");
        contract::Plan::Deny(denial::of_fault(policy, &fault))
    })
}

/// The row description as policies see it.
pub(super) fn columns(
    permit: &Permit,
    fields: &[Field],
    catalog: &Catalog,
) -> Arc<[contract::ResultColumn]> {
    let described = fields.iter().enumerate();
    described
        .map(|(index, field)| column(permit, index, field, fields.len(), catalog))
        .collect()
}

fn column(
    permit: &Permit,
    index: usize,
    field: &Field,
    count: usize,
    catalog: &Catalog,
) -> contract::ResultColumn {
    let (sources, exact) = origin(permit, index, field, count, catalog);
    contract::ResultColumn {
        name: field.name.clone(),
        type_name: catalog
            .type_name(field.type_oid)
            .unwrap_or("unknown")
            .to_owned(),
        type_oid: field.type_oid,
        readable: results::readable(read_as(field, catalog), results::Format::Binary),
        exact,
        sources,
    }
}

/// The type as which each column's values are read and written.
fn types(fields: &[Field], catalog: &Catalog) -> Vec<u32> {
    fields.iter().map(|field| read_as(field, catalog)).collect()
}

/// `citext` differs from text only in comparison: its text and binary formats are those of text (`textsend`, `textrecv`).
fn read_as(field: &Field, catalog: &Catalog) -> u32 {
    const TEXT: u32 = 25;
    let name = catalog.type_name(field.type_oid).unwrap_or_default();
    let name = name.rsplit_once('.').map_or(name, |(_, name)| name);
    let own = field.type_oid >= FIRST_OWN_OID;
    if own && name == "citext" {
        TEXT
    } else {
        field.type_oid
    }
}

/// What the column can carry. RowDescription's table OID and attribute number take precedence; where they are absent, the lineage of the
/// text's expression counts.
fn origin(
    permit: &Permit,
    index: usize,
    field: &Field,
    count: usize,
    catalog: &Catalog,
) -> (Vec<contract::ColumnSource>, bool) {
    let predicted = predicted(permit, index, count);
    // Attribute 0 is a whole row, whose columns the lineage may know.
    let told = predicted.filter(|output| output.sources.is_some());
    match told {
        Some(output) if field.table_oid == 0 || field.attribute == 0 => return known(output),
        None if field.table_oid == 0 => return (Vec::new(), false),
        _ => {}
    }
    let Some(relation) = catalog.relation(field.table_oid) else {
        return (Vec::new(), false);
    };
    let Some(name) = relation.attribute_name(field.attribute) else {
        return (Vec::new(), false);
    };
    // Where the lineage knows what the column carries, it must include this column.
    let agrees = predicted.and_then(|output| output.sources.as_ref());
    if agrees.is_some_and(|sources| {
        !sources.iter().any(|source| {
            source.table == relation.name
                && source.schema == relation.schema
                && source.column == name
        })
    }) {
        return (Vec::new(), false);
    }
    match catalog.carried_by(field.table_oid, field.attribute) {
        Some((sources, exact)) => (sources.to_vec(), exact),
        None => (Vec::new(), false),
    }
}

/// The lineage of the column; `None` where the number of columns is unknown or differs.
fn predicted(permit: &Permit, index: usize, count: usize) -> Option<&Output> {
    let facts = permit.view.facts()?;
    let outputs = match &facts.outputs {
        // Rows that leave by COPY.
        Outputs::None => &facts.inner,
        outputs => outputs,
    };
    match outputs {
        Outputs::Columns(outputs) if outputs.len() == count => outputs.get(index),
        _ => None,
    }
}

fn known(output: &Output) -> (Vec<contract::ColumnSource>, bool) {
    match &output.sources {
        Some(sources) => (sources.clone(), output.exact),
        None => (Vec::new(), false),
    }
}
