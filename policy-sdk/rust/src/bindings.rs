//! What wit-bindgen makes of the contract, `wit/policy/v0.2`.
#![allow(
    missing_docs,
    reason = "generated; the WIT itself is the documentation"
)]

wit_bindgen::generate!({
    path: "../../wit/policy/v0.2",
    world: "policy",
    pub_export_macro: true,
    export_macro_name: "export_module",
    default_bindings_module: "gatewright_policy::bindings",
    additional_derives: [PartialEq],
});
