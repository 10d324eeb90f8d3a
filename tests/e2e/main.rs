//! End-to-end tests: real PostgreSQL, real clients, the built gateway and the built policies. Each module tests one
//! guarantee and treats the gateway as a black box. `cargo xtask test` builds the binaries and policies.

/// Runs each test, a function of the PostgreSQL version, on both versions.
macro_rules! on_each_version {
    ($($name:ident),* $(,)?) => {$(
        mod $name {
            #[test]
            fn on_the_installed_postgresql() -> anyhow::Result<()> {
                super::$name(gatewright_harness::Version::Installed)
            }

            #[test]
            fn on_postgresql_18() -> anyhow::Result<()> {
                super::$name(gatewright_harness::Version::Eighteen)
            }
        }
    )*};
}

mod admin;
mod approvals;
mod check;
mod connection_limits;
mod console;
mod content;
mod copy_encodings;
mod differential;
mod disconnects;
mod drivers;
mod edited;
mod explain;
mod freshness;
mod function_calls;
mod grants;
mod guest;
mod holding;
mod hostile;
mod hosts;
mod identity;
mod issuer;
mod large_data;
mod lengths;
mod long_policies;
mod masking;
mod memory;
mod notices;
mod outages;
mod people;
mod policy_commands;
mod policy_failures;
#[path = "../../gateway/policy-host/tests/host/module.rs"]
#[expect(dead_code, reason = "the host's tests use the rest of it")]
mod policy_module;
mod pooling;
mod proxy;
mod read_only;
mod receiver;
mod recording;
mod refusals;
mod reload;
mod rewrites;
mod secrets;
mod serve;
mod served;
mod session_limits;
mod site;
mod startup;
mod statement_timeouts;
mod streams;
mod structure;
mod suggest;
mod traces;
mod world;
