//! Runs policies: compiles, limits, pools and calls WebAssembly components that implement the contract in `wit/policy`.
//! This crate knows nothing about PostgreSQL or sockets, and does not act on verdicts. A call returns a typed answer or
//! a [`Fault`], at once or, where it takes long, later; the `gate` module of the gateway decides what follows from it.

mod adapter;
mod call;
mod calling;
mod check;

use gatewright_contract as contract;
mod deadline;
mod directory;
mod engine;
mod error;
mod fault;
mod guest;
mod handed;
mod host;
mod load;
mod observer;
mod policy;
mod pool;
mod services;
mod set;
mod settings;
mod state;
mod ticker;
mod view;
mod workers;

pub use call::{Call, Running};
pub use directory::{Directory, DirectoryError, DirectorySettings, Refused};
pub use error::{HostError, LoadError};
pub use fault::Fault;
pub use host::PolicyHost;
pub use load::{Described, describe};
pub use observer::{Observer, ReloadEvent, ReloadOutcome};
pub use policy::Policy;
pub use set::{Missing, PolicySet};
pub use settings::{HostSettings, Isolation, Mode, PolicySettings};
pub use view::{SHORT_TEXT, StatementView};
