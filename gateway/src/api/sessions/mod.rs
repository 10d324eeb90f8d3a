//! Recorded sessions over the API: for auditors, and for those whom the record names as its viewers.

pub(super) mod routes;
mod view;

#[cfg(test)]
mod tests;
