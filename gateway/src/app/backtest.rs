//! A policy's answers to statements that were recorded: what it would say of them now.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use bytes::{Buf, BytesMut};
use gatewright_contract as contract;
use gatewright_policy_host::{Fault, Observer, ReloadEvent};
use gatewright_wire::build::{self, BuildError};

use super::PolicySource;
use super::preview::{PreviewServer, gate, said};
use crate::admin::Metrics;
use crate::gate::{Gate, People, Policies, SessionGate};
use crate::identity::Identity;
use crate::recording::Parameter;
use crate::session::BoundParameters;
use crate::upstream::Target;

/// Judges recorded statements by a policy. Nothing of them is run.
pub struct Backtest {
    server: PreviewServer,
    gate: Arc<Gate>,
    policies: Arc<Policies>,
    calls: Arc<Calls>,
}

/// One recorded session, judged statement by statement.
pub struct BacktestSession<'b> {
    backtest: &'b Backtest,
    gate: SessionGate,
}

/// The hook of a call for a verdict, as observers are told of it.
const STATEMENT: &str = "on-statement";

/// What the policy says of a statement.
pub enum Answered {
    /// Its verdict on each statement of the text.
    Verdicts(Vec<contract::Verdict>),
    /// The text cannot be analysed, so that no policy is asked.
    Unread(String),
}

/// How long calls took.
#[derive(Default)]
struct Calls {
    took: Mutex<Vec<Duration>>,
}

impl Observer for Calls {
    fn call(&self, _: &str, hook: &'static str, elapsed: Duration) {
        if hook == STATEMENT {
            let mut took = self.took.lock().unwrap_or_else(PoisonError::into_inner);
            took.push(elapsed);
        }
    }

    fn handed_over(&self, _: &str) {}

    fn fault(&self, _: &str, _: &Fault) {}

    fn reload(&self, _: &ReloadEvent) {}

    fn log(&self, _: &str, _: contract::Level, _: &str) {}

    fn metric(&self, _: &str, _: &str, _: f64) {}
}

impl Backtest {
    /// Names in statements mean what they mean on this server now. Must be called, and used, on a stack of
    /// [`gatewright_sql::STACK_BYTES`].
    ///
    /// # Errors
    /// The server cannot be reached, or the policies cannot be loaded.
    pub async fn open(
        source: PolicySource,
        server: &Target,
        max_statement: usize,
        metrics: &Metrics,
    ) -> Result<Self> {
        let calls = Arc::new(Calls::default());
        let policies = source.open(Arc::clone(&calls) as Arc<dyn Observer>)?;
        let server = PreviewServer::connect(server, server).await?;
        let gate = gate(
            max_statement,
            People::Explained,
            Arc::clone(&policies),
            metrics,
        );
        Ok(Backtest {
            server,
            gate,
            policies,
            calls,
        })
    }

    /// The policies, by name and version; and why those that are not loaded are not.
    pub fn policies(&self) -> (Vec<(String, String)>, Vec<String>) {
        let current = self.policies.current();
        let named = current.policies.iter();
        let named = named.map(|policy| (policy.name().to_owned(), policy.version().to_owned()));
        let missing = current.missing.iter();
        let missing = missing.map(|missing| format!("{}: {}", missing.name, missing.reason));
        (named.collect(), missing.collect())
    }

    /// The next session. What policies keep for sessions begins anew.
    pub fn session(&self, session: contract::Session, identity: &Identity) -> BacktestSession<'_> {
        BacktestSession {
            backtest: self,
            gate: self.gate.session(session, identity, self.server.catalog()),
        }
    }

    /// How long each call took, the shortest first.
    pub fn calls(&self) -> Vec<Duration> {
        let took = self.calls.took.lock();
        let mut took = took.unwrap_or_else(PoisonError::into_inner).clone();
        took.sort_unstable();
        took
    }

    pub async fn close(self) {
        self.server.close().await;
    }
}

impl BacktestSession<'_> {
    /// What the policy says of the session's next statement. `parameters`: they were bound to it.
    pub async fn answers(&mut self, sql: &str, parameters: Option<&[Parameter]>) -> Answered {
        let bound = match parameters.map(Bound::of).transpose() {
            Ok(bound) => bound,
            Err(error) => return Answered::Unread(error.to_string()),
        };
        let server = &self.backtest.server;
        let text = match server.analyzed(&mut self.gate, sql).await {
            Ok(text) => text,
            Err(refusal) => return Answered::Unread(said(&refusal)),
        };
        let mut verdicts = Vec::new();
        for index in 0..text.analysis.statements.len() {
            let parameters = bound.as_ref().map(Bound::parameters);
            let answers = self
                .gate
                .answers(&text, index, server.path(), parameters)
                .await;
            verdicts.extend(answers.into_iter().map(|answer| answer.answer));
        }
        Answered::Verdicts(verdicts)
    }
}

/// Parameters as a client would bind them.
struct Bound {
    /// The body of a Bind message.
    bind: BytesMut,
    types: Vec<u32>,
}

impl Bound {
    fn of(parameters: &[Parameter]) -> Result<Self, BuildError> {
        let formats: Vec<i16> = parameters.iter().map(|known| known.format).collect();
        let values: Vec<Option<&[u8]>> = parameters
            .iter()
            .map(|known| known.value.as_deref())
            .collect();
        let mut bind = BytesMut::new();
        build::bind(&mut bind, "", "", &formats, &values, &[])?;
        // Behind the type and the length.
        bind.advance(5);
        let types: Vec<u32> = parameters.iter().map(|known| known.type_oid).collect();
        Ok(Bound {
            bind,
            // What was not asked for is not known.
            types: match types.contains(&0) {
                true => Vec::new(),
                false => types,
            },
        })
    }

    fn parameters(&self) -> BoundParameters<'_> {
        BoundParameters {
            bind: &self.bind,
            types: &self.types,
        }
    }
}

#[cfg(test)]
mod tests {
    use gatewright_wire::frontend::Bind;

    use super::*;

    #[test]
    fn what_was_bound_is_bound_again() {
        let parameter = |type_oid, format, value: Option<&[u8]>| Parameter {
            type_oid,
            format,
            value: value.map(<[u8]>::to_vec),
            withheld: None,
        };
        let known = [
            parameter(23, 1, Some(&[0, 0, 0, 7])),
            parameter(25, 0, None),
            parameter(25, 0, Some(b"seven")),
        ];
        let bound = Bound::of(&known).expect("a message");
        let bind = Bind::decode(&bound.bind).expect("a message");
        let values: Vec<Option<Vec<u8>>> = known.iter().map(|known| known.value.clone()).collect();
        let read: Vec<_> = bind
            .parameters
            .iter()
            .map(|value| value.map(<[u8]>::to_vec))
            .collect();
        assert_eq!(read, values);
        let formats = [0, 1, 2].map(|index| bind.formats.of(index));
        assert_eq!(formats, [Some(1), Some(0), Some(0)]);
        assert_eq!(bound.types, [23, 25, 25]);
        // Nobody had asked the server for one of the types.
        let unknown = [known[0].clone(), parameter(0, 0, None)];
        assert!(Bound::of(&unknown).expect("a message").types.is_empty());
    }
}
