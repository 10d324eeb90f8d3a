//! One instance of a policy, called through a WIT version's types. Compiled once within each version's module.

use std::sync::Arc;

use smallvec::SmallVec;
use wasmtime::component::{Component, HasSelf, Linker, Resource};
use wasmtime::{Engine, Store};

use super::wit::exports::gatewright::policy::module;
use super::{lift, lower, types, versioned, wit};
use crate::adapter::common::Statement;
use crate::adapter::{Adapter, Guest};
use crate::contract;
use crate::guest::GuestData;

struct Prepared(wit::PolicyPre<GuestData>);

struct Instance(wit::Policy);

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
    fn instantiate(&self, store: &mut Store<GuestData>) -> wasmtime::Result<Box<dyn Guest>> {
        Ok(Box::new(Instance(self.0.instantiate(store)?)))
    }
}

impl Instance {
    fn module(&self) -> &module::Guest {
        self.0.gatewright_policy_module()
    }
}

pub(super) fn statement() -> Resource<Statement> {
    Resource::new_borrow(0)
}

impl Guest for Instance {
    fn init(
        &self,
        store: &mut Store<GuestData>,
        settings: &str,
    ) -> wasmtime::Result<Result<contract::Registration, String>> {
        Ok(self
            .module()
            .call_init(store, settings)?
            .map(lift::registration))
    }

    fn on_statement(
        &self,
        store: &mut Store<GuestData>,
        facts: &contract::Facts,
    ) -> wasmtime::Result<contract::Verdict> {
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
        Ok(lift::verdict(self.module().call_on_statement(
            store,
            statement(),
            lowered,
        )?))
    }

    fn on_result(
        &self,
        store: &mut Store<GuestData>,
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
        Ok(lift::plan(self.module().call_on_result(
            store,
            statement(),
            &columns,
        )?))
    }

    fn on_batch(
        &self,
        store: &mut Store<GuestData>,
        batch: &contract::Batch,
    ) -> wasmtime::Result<contract::BatchReply> {
        let columns: SmallVec<[types::BatchColumn<'_>; 4]> =
            batch.columns.iter().map(versioned::batch_column).collect();
        let batch = types::Batch {
            rows: batch.rows,
            sequence: batch.sequence,
            columns: &columns,
        };
        Ok(lift::batch_reply(self.module().call_on_batch(
            store,
            statement(),
            batch,
        )?))
    }

    fn on_completion(
        &self,
        store: &mut Store<GuestData>,
        completion: &contract::Completion,
    ) -> wasmtime::Result<()> {
        versioned::on_completion(self.module(), store, completion)
    }

    fn on_notification(
        &self,
        store: &mut Store<GuestData>,
        received: &contract::Notification,
    ) -> wasmtime::Result<contract::NotificationReply> {
        versioned::on_notification(self.module(), store, received)
    }
}
