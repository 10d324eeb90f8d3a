//! Who is let in, as whom, and for how long: real identity providers, tokens and certificates.

mod certificates;
mod cluster;
mod credentials;
mod ends;
mod failures;
mod oauthbearer;
mod provider;
mod role;
pub mod stage;
