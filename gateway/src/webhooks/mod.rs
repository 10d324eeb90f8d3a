//! Tells other programs and chat channels what becomes of requests for approval and of access grants: what may leave the gateway, in which form, signed, and
//! sent until it is received or too old. It does not know who may decide, and takes no decisions.
//! Next: `approvals` keeps the events and the list of what is not delivered yet.

mod client;
mod envelope;
mod grant_message;
mod json;
mod message;
mod service;
mod settings;
mod signature;
mod slack;
mod told;

#[cfg(test)]
mod tests;

pub use service::{Outcome, WebhookMetrics, Webhooks};
pub use settings::{Bot, Disclosure, Format, WebhookSettings};
pub use signature::{Secret, SecretError};
