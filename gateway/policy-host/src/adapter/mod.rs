//! Between the contract's types and those of the WIT versions that components were built for: one folder for each version.
//! It refuses to know pools, deadlines and whether an answer makes sense. Next room: `policy`, which makes the calls.

mod common;
#[allow(
    clippy::duplicate_mod,
    reason = "each version compiles the files of `common` against its own types"
)]
mod v0_1;
#[allow(
    clippy::duplicate_mod,
    reason = "each version compiles the files of `common` against its own types"
)]
mod v0_2;

use std::sync::Arc;

use wasmtime::component::Component;
use wasmtime::{Engine, Store};

use crate::contract::{
    Batch, BatchReply, Completion, Facts, Plan, Registration, ResultColumn, Verdict,
};
use crate::guest::GuestData;

/// A version of the WIT that this host speaks.
pub(crate) struct WitVersion {
    /// Of the package, in full.
    pub(crate) version: &'static str,
    /// Components built for any patch of this minor version fit.
    pub(crate) minor: &'static str,
    /// The package's text.
    pub(crate) wit: &'static str,
    pub(crate) prepare: fn(&Engine, &Component) -> wasmtime::Result<Arc<dyn Adapter>>,
}

/// Oldest first.
pub(crate) static VERSIONS: &[WitVersion] = &[v0_1::VERSION, v0_2::VERSION];

/// A compiled policy of one WIT version, linked and ready to be instantiated.
pub(crate) trait Adapter: Send + Sync {
    fn instantiate(&self, store: &mut Store<GuestData>) -> wasmtime::Result<Box<dyn Guest>>;
}

/// The exports of one instance. The statement is in the store; an `Err` ends the instance.
///
/// A version whose policies cannot have a hook leaves its default in place, which is an error: a policy that is asked all the
/// same gave no usable answer, so whoever asked refuses.
pub(crate) trait Guest: Send + Sync {
    fn init(
        &self,
        store: &mut Store<GuestData>,
        settings: &str,
    ) -> wasmtime::Result<Result<Registration, String>>;

    fn on_statement(
        &self,
        _store: &mut Store<GuestData>,
        _facts: &Facts,
    ) -> wasmtime::Result<Verdict> {
        Err(lacking("on-statement"))
    }

    fn on_result(
        &self,
        _store: &mut Store<GuestData>,
        _columns: &[ResultColumn],
    ) -> wasmtime::Result<Plan> {
        Err(lacking("on-result"))
    }

    fn on_batch(
        &self,
        _store: &mut Store<GuestData>,
        _batch: &Batch,
    ) -> wasmtime::Result<BatchReply> {
        Err(lacking("on-batch"))
    }

    fn on_completion(
        &self,
        _store: &mut Store<GuestData>,
        _completion: &Completion,
    ) -> wasmtime::Result<()> {
        Err(lacking("on-completion"))
    }
}

fn lacking(hook: &str) -> wasmtime::Error {
    wasmtime::Error::msg(format!("its contract version has no {hook}"))
}
