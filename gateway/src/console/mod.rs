//! The web console: people log in with a browser at their provider, see requests for approval and access grants, and decide them. Auditors
//! and viewers of the record see recorded sessions. It checks who asks and
//! in which form, and makes pages; what may be seen and decided is for `approvals` and `access` to say. Every page works without JavaScript.
//! Next: `approvals`, `access`, `login` for the provider, and `http`, which serves it.

mod asking;
mod assets;
mod changes;
mod cookies;
mod databases;
mod gateway;
mod grant_pages;
mod grant_view;
mod grants;
mod headers;
mod invitation;
mod live;
mod logging_in;
mod moment;
mod offers;
mod pages;
mod person;
mod provider;
mod record;
mod record_view;
mod requests;
mod sealed;
mod server;
mod sessions;
mod trouble;
mod view;
mod visible;

#[cfg(test)]
mod tests;

pub use databases::{DatabaseFigures, Figures, PolicyFigures, PoolFigures};
pub use gateway::Overview;
pub use provider::{ConsoleLogin, ConsoleLoginError};
pub use server::{ConsoleError, ConsoleServer, ConsoleSettings};
