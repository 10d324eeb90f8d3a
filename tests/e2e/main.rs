//! Gatewright as people run it: real PostgreSQL, real clients, the built binary and the built policies.
//! Each module is one promise; none of them knows how the gateway is made.
//! `cargo xtask test` builds what they need.

mod differential;

mod world;
