//! Access grants over the API: people and agents ask for them, and people decide.

pub(super) mod client;
pub(super) mod routes;
pub(super) mod view;

#[cfg(test)]
pub(super) mod tests;
