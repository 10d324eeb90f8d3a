//! Conversion between the contract's types and those of each supported WIT version, with one submodule per version.
//! Pools, deadlines and validation of answers are in `policy`, which makes the calls.

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
    Batch, BatchReply, Completion, Facts, Notification, NotificationReply, Plan, Registration,
    ResultColumn, Verdict,
};
use crate::guest::GuestData;

/// A WIT version that this host supports.
pub(crate) struct WitVersion {
    /// The full version of the package.
    pub(crate) version: &'static str,
    /// The minor version. Components built for any of its patch releases are accepted.
    pub(crate) minor: &'static str,
    /// The WIT source of the package.
    pub(crate) wit: &'static str,
    pub(crate) prepare: fn(&Engine, &Component) -> wasmtime::Result<Arc<dyn Adapter>>,
}

/// Oldest first.
pub(crate) static VERSIONS: &[WitVersion] = &[v0_1::VERSION, v0_2::VERSION];

/// A compiled policy of one WIT version, linked and ready to be instantiated.
pub(crate) trait Adapter: Send + Sync {
    fn instantiate(&self, store: &mut Store<GuestData>) -> wasmtime::Result<Box<dyn Guest>>;
}

/// The exports of one instance. The statement is in the store. An `Err` discards the instance.
///
/// A version without a hook keeps the default implementation, which fails. A policy called through it gives no usable
/// answer, so the caller denies.
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

    fn on_notification(
        &self,
        _store: &mut Store<GuestData>,
        _received: &Notification,
    ) -> wasmtime::Result<NotificationReply> {
        Err(lacking("on-notification"))
    }
}

fn lacking(hook: &str) -> wasmtime::Error {
    wasmtime::Error::msg(format!("its contract version has no {hook}"))
}
