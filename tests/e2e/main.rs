//! Gatewright as people run it: real PostgreSQL, real clients, the built binary and the built policies.
//! Each module is one promise; none of them knows how the gateway is made.
//! `cargo xtask test` builds what they need.

/// Makes two tests of each function that takes a version of PostgreSQL.
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
mod bounds;
mod check;
mod content;
mod departures;
mod differential;
mod drivers;
mod explain;
mod faults;
mod guest;
mod hostile;
mod hosts;
mod identity;
mod issuer;
mod lengths;
mod limits;
mod masking;
mod openings;
mod outages;
mod people;
mod proxy;
mod refusals;
mod reload;
mod rewrites;
mod secrets;
mod serve;
mod served;
mod site;
mod structure;
mod suggest;
mod volumes;
mod world;
