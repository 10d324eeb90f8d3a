//! Random steps on the stores, compared with a model of the states that fits on a page.

use std::collections::BTreeMap;

use gatewright_harness::soak;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};

use super::super::asking::{self, Asked, Asking};
use super::super::ending::{self, End};
use super::super::exchange::Finished;
use super::super::history::found;
use super::super::reading;
use super::*;
use crate::store::StoreError;

/// What somebody does to one of the requests, or to the gateways.
#[derive(Debug, Clone)]
enum Step {
    /// The same statement again is the same draft; even ones are held, odd ones return.
    Submit {
        gateway: usize,
        statement: usize,
    },
    Decide {
        request: usize,
        verdict: usize,
        who: usize,
    },
    Claim {
        gateway: usize,
        request: usize,
    },
    End {
        gateway: usize,
        request: usize,
        how: usize,
    },
    /// Both clocks of one request run out.
    Overdue {
        request: usize,
    },
    Sweep {
        dead_holders: bool,
    },
}

const STATEMENTS: usize = 4;
const GATEWAYS: [&str; 2] = ["g0", "g1"];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0..2_usize, 0..STATEMENTS).prop_map(|(gateway, statement)| Step::Submit { gateway, statement }),
        4 => (0..8_usize, 0..4_usize, 0..4_usize)
            .prop_map(|(request, verdict, who)| Step::Decide { request, verdict, who }),
        2 => (0..2_usize, 0..8_usize).prop_map(|(gateway, request)| Step::Claim { gateway, request }),
        2 => (0..2_usize, 0..8_usize, 0..7_usize)
            .prop_map(|(gateway, request, how)| Step::End { gateway, request, how }),
        1 => (0..8_usize).prop_map(|request| Step::Overdue { request }),
        1 => any::<bool>().prop_map(|dead_holders| Step::Sweep { dead_holders }),
    ];
    prop::collection::vec(step, 1..40)
}

/// A request as the model sees it.
#[derive(Debug, Clone, PartialEq)]
struct Modelled {
    state: State,
    statement: usize,
    holder: Option<&'static str>,
    approved_by: Vec<usize>,
    overdue: bool,
    /// A gateway died, or could not say, while it ran.
    lost: bool,
    steps: usize,
}

#[derive(Debug, Default)]
struct Model {
    requests: BTreeMap<RequestId, Modelled>,
    order: Vec<RequestId>,
}

impl Model {
    fn id(&self, number: usize) -> Option<RequestId> {
        let count = self.order.len();
        (count > 0).then(|| self.order[number % count])
    }

    fn step(&mut self, id: RequestId, to: State) {
        let request = self.requests.get_mut(&id).expect("a request");
        assert!(
            request.state.next().contains(&to),
            "{} to {to}",
            request.state
        );
        request.state = to;
        request.steps += 1;
    }

    fn returned(&self, statement: usize) -> Option<RequestId> {
        let open = |request: &Modelled| {
            request.statement == statement
                && matches!(request.state, State::Pending | State::Approved)
        };
        let mut found = self.requests.iter().filter(|(_, request)| open(request));
        found.next().map(|(id, _)| *id)
    }
}

fn is_held(statement: usize) -> bool {
    statement.is_multiple_of(2)
}

/// Two reviewers have to agree; `who` 0 and 1 are reviewers, 2 sent the statement, 3 is an agent.
fn person(who: usize) -> Identity {
    match who {
        0 => reviewer("bob"),
        1 => reviewer("dan"),
        2 => reviewer("ada"),
        _ => Identity {
            agent: Some("helper".to_owned()),
            ..reviewer("bob")
        },
    }
}

fn drafted(statement: usize) -> Draft {
    let wait = match is_held(statement) {
        true => ApprovalWait::Hold,
        false => ApprovalWait::ReturnId,
    };
    let mut drafted = draft(&format!("DELETE {statement}"), wait);
    drafted.wanted.approvals = 2;
    drafted
}

/// The store, and steps on it without the handle around it: no clock and no task interferes.
struct Subject {
    store: Store,
}

impl Subject {
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut dyn crate::store::Transaction) -> Result<T, StoreError> + Send + 'static,
    ) -> T {
        self.store.run(work).await.expect("a transaction")
    }

    async fn submit(&self, model: &mut Model, gateway: usize, statement: usize) {
        let id = RequestId::generate();
        let asking = Asking::new(id, drafted(statement), &settings()).expect("a draft");
        let holder = GATEWAYS[gateway];
        let asked = self
            .run(move |transaction| asking.ask(transaction, holder))
            .await;
        let open = model.returned(statement).filter(|_| !is_held(statement));
        let waiting = open.map(|open| (open, model.requests[&open].clone()));
        match waiting {
            Some((open, request)) if request.state == State::Approved && !request.overdue => {
                let claimed = matches!(&asked, Asked::Claimed { id, approved } if *id == open && ["bob, dan", "dan, bob"].contains(&approved.by.as_str()));
                assert!(claimed, "{asked:?}");
                model.step(open, State::Claimed);
                model.requests.get_mut(&open).expect("a request").holder = Some(holder);
                return;
            }
            Some((open, request)) if !request.overdue => {
                assert!(
                    matches!(asked, Asked::Waits { id, .. } if id == open),
                    "{asked:?}"
                );
                return;
            }
            Some((open, _)) => model.step(open, State::Expired),
            None => {}
        }
        assert!(
            matches!(asked, Asked::Waits { id: new, .. } if new == id),
            "{asked:?}"
        );
        model.order.push(id);
        let made = Modelled {
            state: State::Pending,
            statement,
            holder: is_held(statement).then_some(holder),
            approved_by: Vec::new(),
            overdue: false,
            lost: false,
            steps: 1,
        };
        model.requests.insert(id, made);
    }

    async fn decide(&self, model: &mut Model, id: RequestId, verdict: usize, who: usize) {
        let verdict = [
            Verdict::Approve,
            Verdict::Reject,
            Verdict::Revoke,
            Verdict::Review,
        ][verdict];
        let decision = decision(id, verdict, person(who));
        let rules = settings();
        let decided: Result<bool, DecisionError> = self
            .store
            .run(move |transaction| {
                let decided = decision.make(transaction, &rules)?;
                Ok(matches!(decided, super::super::deciding::Decided::Now(_)))
            })
            .await;
        let request = model.requests[&id].clone();
        let open = matches!(request.state, State::Pending | State::Approved);
        match who {
            2 => {
                return assert!(
                    matches!(decided, Err(DecisionError::Requester)),
                    "{decided:?}"
                );
            }
            3 => {
                return assert!(
                    matches!(decided, Err(DecisionError::NotAPerson)),
                    "{decided:?}"
                );
            }
            _ => {}
        }
        if open && request.overdue {
            assert!(matches!(decided, Ok(false)), "{decided:?}");
            return model.step(id, State::Expired);
        }
        if verdict == Verdict::Review {
            // Nobody breaks the glass here.
            let refused = matches!(decided, Err(DecisionError::NothingToReview { .. }));
            return assert!(refused, "{decided:?}");
        }
        if Some(request.state) != verdict.state() {
            let state = request.state;
            let refused =
                matches!(decided, Err(DecisionError::State { state: told }) if told == state);
            return assert!(refused, "{decided:?} {state}");
        }
        match verdict {
            Verdict::Reject => model.step(id, State::Rejected),
            Verdict::Revoke => model.step(id, State::Revoked),
            Verdict::Review => {}
            Verdict::Approve if request.approved_by.contains(&who) => {
                return assert!(
                    matches!(decided, Err(DecisionError::AlreadyDecided { .. })),
                    "{decided:?}"
                );
            }
            Verdict::Approve => {
                let request = model.requests.get_mut(&id).expect("a request");
                request.approved_by.push(who);
                match request.approved_by.len() {
                    2 => model.step(id, State::Approved),
                    _ => request.steps += 1,
                }
            }
        }
        assert!(matches!(decided, Ok(true)), "{decided:?}");
    }

    async fn claim(&self, model: &mut Model, gateway: usize, id: RequestId) {
        let holder = GATEWAYS[gateway];
        let claimed = self
            .run(move |transaction| asking::claim(transaction, id, holder))
            .await;
        let request = &model.requests[&id];
        let may =
            request.state == State::Approved && request.holder == Some(holder) && !request.overdue;
        assert_eq!(claimed.is_some(), may, "{request:?}");
        if may {
            model.step(id, State::Claimed);
        }
    }

    async fn end(&self, model: &mut Model, gateway: usize, id: RequestId, how: usize) {
        let holder = GATEWAYS[gateway];
        let (end, to) = match how {
            0 => (
                End::Finished(Finished::Executed { rows: 1 }),
                State::Executed,
            ),
            1 => (
                End::Finished(Finished::Failed {
                    sqlstate: "57014".to_owned(),
                }),
                State::Failed,
            ),
            2 => (End::Finished(Finished::Skipped), State::Failed),
            3 => (End::Finished(Finished::Lost), State::Failed),
            4 => (
                End::Finished(Finished::EffectMismatch),
                State::EffectMismatch,
            ),
            5 => (End::Withdrawn(Withdrawal::ClientLeft), State::Withdrawn),
            _ => (End::HoldLimit, State::Expired),
        };
        self.run(move |transaction| ending::end(transaction, holder, vec![(id, end.clone())]))
            .await;
        let request = model.requests[&id].clone();
        let runs = request.state == State::Claimed || request.lost;
        let open = matches!(request.state, State::Pending | State::Approved);
        let applies = request.holder == Some(holder)
            && match to {
                State::Withdrawn => open || request.state == State::Claimed,
                State::Expired => open,
                _ => runs,
            };
        if applies {
            model.step(id, to);
            model.requests.get_mut(&id).expect("a request").lost = how == 3;
        }
    }

    async fn overdue(&self, model: &mut Model, id: RequestId) {
        self.run(move |transaction| {
            let id = crate::store::Value::from(id.to_string());
            let sql = "UPDATE request SET expires_at = 0, approved_until = CASE WHEN approved_until IS NULL THEN NULL ELSE 0 END, valid_ms = 0 WHERE id = $1";
            transaction.query(sql, &[id])
        })
        .await;
        let request = model.requests.get_mut(&id).expect("a request");
        if matches!(request.state, State::Pending | State::Approved) {
            request.overdue = true;
        }
    }

    /// No gateway has shown itself for long.
    async fn sweep(&self, model: &mut Model, dead_holders: bool) {
        self.run(move |transaction| {
            transaction.query("UPDATE holder SET seen_at = 0", &[])?;
            ending::sweep(transaction, dead_holders)
        })
        .await;
        for id in model.order.clone() {
            let request = model.requests[&id].clone();
            let open = matches!(request.state, State::Pending | State::Approved);
            if open && request.overdue {
                model.step(id, State::Expired);
            } else if dead_holders && request.holder.is_some() && open {
                model.step(id, State::Withdrawn);
            } else if dead_holders && request.state == State::Claimed {
                model.step(id, State::Failed);
                model.requests.get_mut(&id).expect("a request").lost = true;
            }
        }
    }

    /// Every request is where the model has it, and its events lead there one legal step at a time.
    async fn compare(&self, model: &Model) {
        for (id, modelled) in &model.requests {
            let id = *id;
            let entry = self
                .run(move |transaction| {
                    let request = found::<Request>(transaction, id)?.expect("a request");
                    reading::entry(transaction, request)
                })
                .await;
            assert_eq!(entry.request.state, modelled.state);
            assert_eq!(entry.request.holder.as_deref(), modelled.holder);
            assert_eq!(entry.history.len(), modelled.steps, "{:?}", entry.history);
            let mut before = None;
            for event in &entry.history {
                assert_eq!(event.before, before);
                if let Some(before) = before {
                    let counted = before == event.state && before == State::Pending;
                    assert!(counted || before.next().contains(&event.state), "{event:?}");
                }
                before = Some(event.state);
            }
            assert_eq!(before, Some(modelled.state));
        }
    }
}

async fn play(store: Store, steps: Vec<Step>) {
    let subject = Subject { store };
    // What earlier cases left must not be found by their statements.
    subject
        .run(|transaction| transaction.query("DELETE FROM request", &[]))
        .await;
    let mut model = Model::default();
    for step in steps {
        match step {
            Step::Submit { gateway, statement } => {
                subject.submit(&mut model, gateway, statement).await;
            }
            Step::Sweep { dead_holders } => subject.sweep(&mut model, dead_holders).await,
            Step::Decide {
                request,
                verdict,
                who,
            } => {
                if let Some(id) = model.id(request) {
                    subject.decide(&mut model, id, verdict, who).await;
                }
            }
            Step::Claim { gateway, request } => {
                if let Some(id) = model.id(request) {
                    subject.claim(&mut model, gateway, id).await;
                }
            }
            Step::End {
                gateway,
                request,
                how,
            } => {
                if let Some(id) = model.id(request) {
                    subject.end(&mut model, gateway, id, how).await;
                }
            }
            Step::Overdue { request } => {
                if let Some(id) = model.id(request) {
                    subject.overdue(&mut model, id).await;
                }
            }
        }
        subject.compare(&model).await;
    }
}

#[test]
fn the_stores_follow_the_model() {
    for (place, _folder) in places() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let store = runtime.block_on(Store::open(place)).expect("a store");
        let mut runner = TestRunner::new(Config {
            cases: soak::cases(48),
            failure_persistence: None,
            rng_seed: soak::seed().map_or(RngSeed::Random, RngSeed::Fixed),
            ..Config::default()
        });
        let played = runner.run(&steps(), |steps| {
            runtime.block_on(play(store.clone(), steps));
            Ok(())
        });
        played.unwrap_or_else(|failed| panic!("{failed}"));
    }
}
