//! Runs policies: compiles, limits, pools and calls WebAssembly components that speak the contract in `wit/policy`.
//! It refuses to know PostgreSQL, sockets and what a verdict leads to; whoever calls gets typed answers or a typed fault.
//! Next room: `gate` in the gateway, which decides what an answer means.

pub mod contract;
mod fault;
mod observer;
mod settings;
mod view;

pub use fault::Fault;
pub use observer::{Observer, ReloadEvent, ReloadOutcome};
pub use settings::{HostSettings, Isolation, Mode, PolicySettings};
pub use view::StatementView;
