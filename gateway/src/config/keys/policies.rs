//! The keys of `[policies]` and `[policy.NAME]`.

use super::{Group, Key, Kind, Table};
use crate::config::choices;

/// What one linear memory of 32-bit WebAssembly can hold.
const MAX_MEMORY: u64 = 4 << 30;

pub(in crate::config) static POLICIES: Table = Table::new(
    "[policies]",
    &[
        Key::new(
            "directory",
            Kind::Path,
            "the directory whose `.wasm` files are the policies; a policy's name is its file name without `.wasm`",
        )
        .required(),
        Key::new(
            "cache_directory",
            Kind::Path,
            "directory for compiled policies, kept between runs; only the gateway's user may have access to it",
        ),
        Key::new(
            "required",
            Kind::Strings,
            "policies that must be loaded. Their files must exist at startup. While one of them is not loaded, every \
             statement is refused",
        )
        .default("[]"),
        Key::new(
            "order",
            Kind::Strings,
            "policies in the order in which they judge; the others follow, ordered by name",
        )
        .default("[]"),
    ],
)
.with(&[&RUN]);

/// How one policy is run, where that differs from the others.
pub(in crate::config) static POLICY: Table =
    Table::new("[policy.NAME]", &[Key::new("settings", Kind::Open, "")])
        .with(&[&RUN])
        .inheriting();

/// How a policy is run.
static RUN: Group = Group {
    name: "policy-run",
    reference: "",
    keys: &[
        Key::new(
            "mode",
            Kind::Choice(choices::MODE.names),
            "`\"enforce\"`: the policy's verdict applies; `\"shadow\"`: the policy is called, without effect; what it would \
             have refused, rewritten or asked people about is logged, counted and recorded; `\"off\"`: the policy is not called",
        )
        .default("\"enforce\""),
        Key::new(
            "deadline",
            Kind::Period,
            "CPU time that one call may use, so that a busy machine does not count; a policy that exceeds it refuses",
        )
        .default("\"50ms\""),
        Key::new(
            "wait",
            Kind::Period,
            "how long one call may wait besides: for an instance, and for its turns when it takes longer than about a \
             millisecond; a call that has to wait longer refuses",
        )
        .default("\"10s\""),
        Key::new(
            "memory",
            Kind::Size(64 << 10, MAX_MEMORY),
            "memory limit of one instance",
        )
        .default("\"64MiB\""),
        Key::new(
            "isolation",
            Kind::Choice(choices::ISOLATION.names),
            "`\"pooled\"`: instances are reused; `\"statement\"`: a new instance for every call",
        )
        .default("\"pooled\""),
        Key::new(
            "max_instances",
            Kind::Integer(1, 4096),
            "concurrent instances of one policy",
        )
        .default("64"),
    ],
};
