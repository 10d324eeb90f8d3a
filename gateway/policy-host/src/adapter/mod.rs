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

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use wasmtime::component::Component;
use wasmtime::{Engine, Store};

use crate::contract::{
    Batch, BatchReply, Completion, Facts, Notification, NotificationReply, Plan, Registration,
    ResultColumn, Verdict,
};
use crate::fault::Fault;
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
    /// Instantiates the policy in the store, and initializes it.
    fn start(self: Arc<Self>, store: Store<GuestData>, settings: String) -> Starting;
}

/// The start of an instance, under way.
pub(crate) type Starting = Pin<Box<dyn Future<Output = Started> + Send>>;

/// A new instance with what its `init` said.
pub(crate) type Started = Result<(Box<dyn Guest>, Result<Registration, String>), Failed>;

/// One instance. The statement is in its store. A call takes the instance along, so that it can go on on another thread.
pub(crate) trait Guest: Send {
    fn store(&mut self) -> &mut Store<GuestData>;
    fn on_statement(self: Box<Self>, facts: Facts) -> Entered<Verdict>;
    fn on_result(self: Box<Self>, columns: Arc<[ResultColumn]>) -> Entered<Plan>;
    fn on_batch(self: Box<Self>, batch: Arc<Batch>) -> Entered<BatchReply>;
    fn on_completion(self: Box<Self>, completion: Completion) -> Entered<()>;
    fn on_notification(self: Box<Self>, received: Notification) -> Entered<NotificationReply>;
}

/// A call under way. Whenever it is pending it can go on at once.
pub(crate) type Entered<R> = Pin<Box<dyn Future<Output = Left<R>> + Send>>;

/// A call that is over.
pub(crate) struct Left<R> {
    /// The instance; `None` if it could not be started.
    pub(crate) guest: Option<Box<dyn Guest>>,
    pub(crate) reply: Result<R, Failed>,
}

/// Why a call gave no reply.
pub(crate) enum Failed {
    /// With whether the guest was refused memory.
    Wasm(wasmtime::Error, bool),
    /// The instance for it did not start.
    Start(Fault),
}

impl<R> Left<R> {
    fn of(mut guest: Box<dyn Guest>, reply: wasmtime::Result<R>) -> Self {
        let denied = guest.store().data().memory.denied;
        Left {
            guest: Some(guest),
            reply: reply.map_err(|error| Failed::Wasm(error, denied)),
        }
    }
}

/// What a version without the hook answers: the policy gives no usable answer, so the caller denies.
fn lacking(hook: &str) -> wasmtime::Error {
    wasmtime::Error::msg(format!("its contract version has no {hook}"))
}
