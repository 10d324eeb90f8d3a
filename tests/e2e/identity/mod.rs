//! Who may log in, under which role, and for how long: real identity providers, tokens and certificates.

mod backoff;
mod certificates;
mod cluster;
mod credentials;
mod oauthbearer;
mod provider;
mod role;
mod session_end;
pub mod stage;
