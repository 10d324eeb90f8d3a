//! The trait that a policy implements.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::{
    Batch, BatchReply, Completion, Facts, Hooks, Notification, NotificationReply, Plan,
    ResultColumn, Statement, Verdict,
};

/// A policy. Each instance that the gateway runs holds one value, and several instances may run at once. State that
/// must be shared or persist belongs in the host ([`crate::host`]).
pub trait Policy: Sized {
    /// The policy's section of the configuration. Derive `Deserialize` with `deny_unknown_fields`, so that a misspelt
    /// setting is a load error and not a rule that never applies. Use [`NoSettings`] if there are none.
    type Settings: DeserializeOwned;

    /// One sentence on what the policy does, shown to operators.
    const DESCRIPTION: &'static str;
    /// The hooks that the gateway calls. Include the hook of each function that is implemented.
    const HOOKS: Hooks = Hooks::STATEMENT;

    /// Creates the policy from its settings.
    ///
    /// # Errors
    /// A message for the operator: which setting is wrong and what is valid. The gateway then does not load the policy.
    fn new(settings: Self::Settings) -> Result<Self, String>;

    /// The hooks that the gateway calls with these settings: a subset of [`HOOKS`](Policy::HOOKS) if some have nothing
    /// to do.
    fn hooks(&self) -> Hooks {
        Self::HOOKS
    }

    /// Evaluates a statement before it reaches the server (`Hooks::STATEMENT`; with `Hooks::PARAMETERS` also at
    /// execution).
    fn on_statement(&mut self, statement: &Statement<'_>, facts: &Facts) -> Verdict {
        let _ = (statement, facts);
        Verdict::allow()
    }

    /// Decides the action on each result column (`Hooks::RESULT_PLAN`). Called once, when the row description is known,
    /// for statements allowed with [`plan_result`](crate::Allowance::plan_result).
    fn on_result(&mut self, statement: &Statement<'_>, columns: &[ResultColumn]) -> Plan {
        let _ = statement;
        Plan::pass(columns.len())
    }

    /// Receives the values of columns whose action is `Inspect` or `Observe`, each with the label of its action, and
    /// may replace those of `Inspect` (`Hooks::BATCH`).
    fn on_batch(&mut self, statement: &Statement<'_>, batch: &Batch) -> BatchReply {
        let _ = statement;
        BatchReply::unchanged(batch)
    }

    /// Called after each statement, whatever its outcome (`Hooks::COMPLETION`).
    fn on_completion(&mut self, statement: &Statement<'_>, completion: &Completion) {
        let _ = (statement, completion);
    }

    /// Decides whether the client gets a notification that it listens for (`Hooks::NOTIFICATION`).
    fn on_notification(&mut self, notification: &Notification) -> NotificationReply {
        let _ = notification;
        NotificationReply::Pass
    }
}

/// The settings of a policy that has none. Any key is an error.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoSettings {}
