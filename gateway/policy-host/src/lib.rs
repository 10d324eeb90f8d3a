//! Runs policies: compiles, limits, pools and calls WebAssembly components that speak the contract in `wit/policy`.
//! It refuses to know PostgreSQL, sockets and what a verdict leads to; whoever calls gets typed answers or a typed fault.
//! Next room: `gate` in the gateway, which decides what an answer means.

mod adapter;
mod check;

use gatewright_contract as contract;
mod directory;
mod engine;
mod error;
mod fault;
mod guest;
mod host;
mod load;
mod observer;
mod policy;
mod pool;
mod services;
mod set;
mod settings;
mod state;
mod view;

pub use directory::{Directory, DirectoryError, DirectorySettings, Refused};
pub use error::{HostError, LoadError};
pub use fault::Fault;
pub use host::PolicyHost;
pub use observer::{Observer, ReloadEvent, ReloadOutcome};
pub use policy::Policy;
pub use set::{Missing, PolicySet};
pub use settings::{HostSettings, Isolation, Mode, PolicySettings};
pub use view::StatementView;
