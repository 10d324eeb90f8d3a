//! One instance of a policy, called through a WIT version's types. Compiled once within each version's module.

use std::sync::Arc;

use smallvec::SmallVec;
use wasmtime::component::{Component, HasSelf, Linker, Resource};
use wasmtime::{Engine, Store};

use super::{lift, lower, types, versioned, wit};
use crate::adapter::common::Statement;
use crate::adapter::{Adapter, Entered, Failed, Guest, Left, Starting};
use crate::contract;
use crate::guest::GuestData;

struct Prepared(wit::PolicyPre<GuestData>);

struct Instance {
    store: Store<GuestData>,
    policy: wit::Policy,
}

pub(super) fn prepare(
    engine: &Engine,
    component: &Component,
) -> wasmtime::Result<Arc<dyn Adapter>> {
    let mut linker = Linker::<GuestData>::new(engine);
    wit::Policy::add_to_linker::<_, HasSelf<GuestData>>(&mut linker, |data| data)?;
    Ok(Arc::new(Prepared(wit::PolicyPre::new(
        linker.instantiate_pre(component)?,
    )?)))
}

impl Adapter for Prepared {
    fn start(self: Arc<Self>, mut store: Store<GuestData>, settings: String) -> Starting {
        Box::pin(async move {
            match initialized(&self.0, &mut store, &settings).await {
                Ok((policy, registered)) => Ok((
                    Box::new(Instance { store, policy }) as Box<dyn Guest>,
                    registered.map(lift::registration),
                )),
                Err(error) => Err(Failed::Wasm(error, store.data().memory.denied)),
            }
        })
    }
}

async fn initialized(
    prepared: &wit::PolicyPre<GuestData>,
    store: &mut Store<GuestData>,
    settings: &str,
) -> wasmtime::Result<(wit::Policy, Result<types::Registration, String>)> {
    let policy = prepared.instantiate_async(&mut *store).await?;
    let module = policy.gatewright_policy_module();
    let registered = module.call_init(store, settings).await?;
    Ok((policy, registered))
}

pub(super) fn statement() -> Resource<Statement> {
    Resource::new_borrow(0)
}

impl Guest for Instance {
    fn store(&mut self) -> &mut Store<GuestData> {
        &mut self.store
    }

    fn on_statement(mut self: Box<Self>, facts: contract::Facts) -> Entered<contract::Verdict> {
        Box::pin(async move {
            let reply = self.evaluate(&facts).await;
            Left::of(self, reply)
        })
    }

    fn on_result(
        mut self: Box<Self>,
        columns: Arc<[contract::ResultColumn]>,
    ) -> Entered<contract::Plan> {
        Box::pin(async move {
            let reply = self.plan(&columns).await;
            Left::of(self, reply)
        })
    }

    fn on_batch(mut self: Box<Self>, batch: Arc<contract::Batch>) -> Entered<contract::BatchReply> {
        Box::pin(async move {
            let reply = self.edit(&batch).await;
            // The rows belong to their session again.
            drop(batch);
            Left::of(self, reply)
        })
    }

    fn on_completion(mut self: Box<Self>, completion: contract::Completion) -> Entered<()> {
        Box::pin(async move {
            let Instance { store, policy } = &mut *self;
            let module = policy.gatewright_policy_module();
            let reply = versioned::on_completion(module, store, &completion).await;
            Left::of(self, reply)
        })
    }

    fn on_notification(
        mut self: Box<Self>,
        received: contract::Notification,
    ) -> Entered<contract::NotificationReply> {
        Box::pin(async move {
            let Instance { store, policy } = &mut *self;
            let module = policy.gatewright_policy_module();
            let reply = versioned::on_notification(module, store, &received).await;
            Left::of(self, reply)
        })
    }
}

impl Instance {
    async fn evaluate(&mut self, facts: &contract::Facts) -> wasmtime::Result<contract::Verdict> {
        let (known, identity) = (&*facts.statement, &*facts.identity);
        let commands = lower::strings(&known.commands);
        let opaque = lower::strings(&known.opaque);
        let functions = lower::strings(&known.functions);
        let groups = lower::strings(&identity.groups);
        let tables: SmallVec<[types::TableRef<'_>; 8]> =
            known.tables.iter().map(lower::table).collect();
        let columns: SmallVec<[types::ColumnRef<'_>; 16]> =
            known.columns.iter().map(versioned::column).collect();
        let attributes = lower::attributes(identity);
        let lowered = types::Facts {
            statement_id: versioned::id(facts.statement_id.halves()),
            session_id: versioned::id(facts.session_id.halves()),
            now_ms: facts.now_ms,
            fingerprint: known.fingerprint,
            phase: lower::phase(facts.phase),
            verb: lower::verb(known.verb),
            commands: &commands,
            opaque: &opaque,
            unbounded_write: known.unbounded_write,
            limit: known.limit,
            parameter_count: known.parameter_count,
            tables: &tables,
            columns: &columns,
            functions: &functions,
            identity: lower::identity(identity, &groups, &attributes),
        };
        let module = self.policy.gatewright_policy_module();
        let verdict = module
            .call_on_statement(&mut self.store, statement(), lowered)
            .await?;
        Ok(lift::verdict(verdict))
    }

    async fn plan(
        &mut self,
        columns: &[contract::ResultColumn],
    ) -> wasmtime::Result<contract::Plan> {
        let sources: Vec<Vec<types::ColumnSourceParam<'_>>> = columns
            .iter()
            .map(|column| column.sources.iter().map(lower::source).collect())
            .collect();
        let columns: Vec<types::ResultColumn<'_>> = columns
            .iter()
            .zip(&sources)
            .map(|(column, sources)| types::ResultColumn {
                name: &column.name,
                type_name: &column.type_name,
                type_oid: column.type_oid,
                readable: column.readable,
                exact: column.exact,
                sources,
            })
            .collect();
        let module = self.policy.gatewright_policy_module();
        let plan = module
            .call_on_result(&mut self.store, statement(), &columns)
            .await?;
        Ok(lift::plan(plan))
    }

    async fn edit(&mut self, batch: &contract::Batch) -> wasmtime::Result<contract::BatchReply> {
        let columns: SmallVec<[types::BatchColumn<'_>; 4]> =
            batch.columns.iter().map(versioned::batch_column).collect();
        let batch = types::Batch {
            rows: batch.rows,
            sequence: batch.sequence,
            columns: &columns,
        };
        let module = self.policy.gatewright_policy_module();
        let reply = module
            .call_on_batch(&mut self.store, statement(), batch)
            .await?;
        Ok(lift::batch_reply(reply))
    }
}
