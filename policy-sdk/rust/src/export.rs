//! Exports a policy as a WebAssembly module.

use crate::{Policy, Registration};

/// Exports a type that implements [`Policy`](crate::Policy) as this module's policy. Name and version are those of the
/// package.
#[macro_export]
macro_rules! export {
    ($policy:ty) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            use $crate::bindings::exports::gatewright::policy::module::Guest;
            use $crate::bindings::gatewright::policy::host::Statement as Handle;

            ::std::thread_local! {
                static POLICY: ::std::cell::RefCell<::core::option::Option<$policy>> =
                    const { ::std::cell::RefCell::new(::core::option::Option::None) };
            }

            // A call before `init` traps, so the gateway denies.
            fn with<T>(call: impl ::core::ops::FnOnce(&mut $policy) -> T) -> T {
                POLICY.with(|policy| {
                    call(
                        policy
                            .borrow_mut()
                            .as_mut()
                            .expect("init must be called first"),
                    )
                })
            }

            struct Module;

            impl Guest for Module {
                fn init(
                    settings: ::std::string::String,
                ) -> ::core::result::Result<$crate::Registration, ::std::string::String> {
                    let (policy, registration) = $crate::start::<$policy>(
                        &settings,
                        ::core::env!("CARGO_PKG_NAME"),
                        ::core::env!("CARGO_PKG_VERSION"),
                    )?;
                    POLICY.set(::core::option::Option::Some(policy));
                    ::core::result::Result::Ok(registration)
                }

                fn on_statement(statement: &Handle, facts: $crate::Facts) -> $crate::Verdict {
                    let statement = $crate::Statement::new(statement);
                    with(|policy| $crate::Policy::on_statement(policy, &statement, &facts))
                }

                fn on_result(
                    statement: &Handle,
                    columns: ::std::vec::Vec<$crate::ResultColumn>,
                ) -> $crate::Plan {
                    let statement = $crate::Statement::new(statement);
                    with(|policy| $crate::Policy::on_result(policy, &statement, &columns))
                }

                fn on_batch(statement: &Handle, batch: $crate::Batch) -> $crate::BatchReply {
                    let statement = $crate::Statement::new(statement);
                    with(|policy| $crate::Policy::on_batch(policy, &statement, &batch))
                }

                fn on_completion(statement: &Handle, completion: $crate::Completion) {
                    let statement = $crate::Statement::new(statement);
                    with(|policy| $crate::Policy::on_completion(policy, &statement, &completion))
                }

                fn on_notification(
                    notification: $crate::Notification,
                ) -> $crate::NotificationReply {
                    with(|policy| $crate::Policy::on_notification(policy, &notification))
                }
            }

    $crate::bindings::export_module!(Module with_types_in $crate::bindings);
        };

        #[cfg(not(target_arch = "wasm32"))]
        const _: fn() = || {
            let _ = $crate::start::<$policy>;
        };
    };
}

/// Creates a policy from its settings in JSON. `null` means no settings.
#[doc(hidden)]
pub fn start<P: Policy>(
    settings: &str,
    name: &str,
    version: &str,
) -> Result<(P, Registration), String> {
    let text = if settings.trim() == "null" {
        "{}"
    } else {
        settings
    };
    let mut reader = serde_json::Deserializer::from_str(text);
    let parsed = serde_path_to_error::deserialize(&mut reader).map_err(explain)?;
    let policy = P::new(parsed)?;
    let registration = Registration {
        name: name.to_owned(),
        version: version.to_owned(),
        description: P::DESCRIPTION.to_owned(),
        hooks: policy.hooks(),
        settings_schema: None,
    };
    Ok((policy, registration))
}

/// Names the setting and omits the position in the JSON, which means nothing to an operator who wrote TOML.
fn explain(error: serde_path_to_error::Error<serde_json::Error>) -> String {
    let path = error.path().to_string();
    let text = error.inner().to_string();
    let reason = text
        .rsplit_once(" at line ")
        .map_or(text.as_str(), |(reason, _)| reason);
    if path == "." {
        format!("settings: {reason}")
    } else {
        format!("setting {path}: {reason}")
    }
}
