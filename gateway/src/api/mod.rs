//! The HTTP API for approvals, access grants and recorded sessions, version 1: people see requests and decide them, with a token of a trusted issuer. It checks who
//! asks and in which form; what may be seen and decided is for `approvals` and `access` to say. The client of the command line is here too.
//! Next: `approvals`, and `http`, which serves it.

mod caller;
mod client;
mod events;
mod grants;
mod problem;
mod routes;
mod server;
mod sessions;
mod time;
mod view;

#[cfg(test)]
mod tests;

pub use grants::view::{AskBody, GrantDecisionBody, GrantEventView, GrantPageView, GrantView};

pub use client::{ApiClient, ClientError, Watched};
pub use server::{ApiError, ApiServer, ApiSettings, VerifierNow};
pub use view::{ChangeView, DecisionBody, EventView, PageView, RequestView};

/// The description of the API (OpenAPI 3.1).
const DESCRIPTION: &str = include_str!("openapi.json");
