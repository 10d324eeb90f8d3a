//! WIT version 0.1: its generated types, and where it differs from the contract. Used by `policy` through the traits in
//! `adapter`.

#[path = "../common/imports.rs"]
mod imports;
#[path = "../common/instance.rs"]
mod instance;
#[path = "../common/lift.rs"]
mod lift;
#[path = "../common/lower.rs"]
mod lower;
mod versioned;

use self::wit::gatewright::policy::types;
use super::WitVersion;

mod wit {
    wasmtime::component::bindgen!({
        path: "../../wit/policy/v0.1",
        world: "gatewright:policy/policy",
        // Lists and strings are lowered without copying them first.
        ownership: Borrowing { duplicate_if_necessary: true },
        imports: {
            "gatewright:policy/host.[method]statement.normalized": async | trappable,
            "gatewright:policy/host.[method]statement.ast-json": async | trappable,
            default: trappable,
        },
        // A call that takes long goes on on another thread.
        exports: { default: async },
        with: { "gatewright:policy/host.statement": crate::adapter::common::Statement },
    });
}

pub(super) const VERSION: WitVersion = WitVersion {
    version: "0.1.0",
    minor: "0.1",
    wit: include_str!("../../../../../wit/policy/v0.1/policy.wit"),
    prepare: instance::prepare,
};
