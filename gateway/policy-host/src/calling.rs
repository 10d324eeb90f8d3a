//! Calls into a policy. Each begins on the thread of its caller, where a short one is over before anything else happens. One that takes
//! longer is handed over, with its instance, to the threads for long calls; so is one that finds no instance free.

use std::ops::Deref;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use crate::adapter::{Entered, Failed, Guest, Left};
use crate::call::{Call, Promise};
use crate::fault::Fault;
use crate::handed::{Finish, Handed};
use crate::policy::{Instances, Policy};
use crate::pool::{Slot, Waiter};
use crate::settings::Isolation;
use crate::view::StatementView;
use crate::workers::Job;

/// A place among the instances of a policy, which may be of any thread.
type Place<P> = Slot<P, Box<dyn Guest>>;

/// The instances of a policy that is kept alive.
struct InstancesOf(Arc<Policy>);

impl Deref for InstancesOf {
    type Target = Instances;

    fn deref(&self) -> &Instances {
        self.0.instances()
    }
}

/// Under what name a call is counted, and since when.
#[derive(Clone, Copy)]
struct Counted {
    hook: &'static str,
    began: Instant,
}

impl Policy {
    /// Asks an instance about a statement. `check` says why a reply is no usable answer.
    pub(crate) fn call<R: Send + 'static>(
        self: &Arc<Self>,
        hook: &'static str,
        view: &Arc<dyn StatementView>,
        ask: impl FnOnce(Box<dyn Guest>) -> Entered<R> + Send + 'static,
        check: impl FnOnce(&R) -> Result<(), String> + Send + 'static,
    ) -> Call<R> {
        let counted = Counted {
            hook,
            began: Instant::now(),
        };
        let Some(mut place) = self.instances().take() else {
            let view = Arc::clone(view);
            return self.wait_for_instance(counted, view, Box::new(ask), Box::new(check));
        };
        let mut entered = self.enter(place.item.take(), view, ask);
        let running = self.engine().ticker.begin();
        let polled = entered
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        drop(running);
        match polled {
            Poll::Ready(left) => Call::Done(self.leave(counted, place, left, check)),
            Poll::Pending => {
                let finish = self.finish(counted, place, check);
                let (promise, running) = Promise::made(false, self.terms());
                let handed = Handed::job(self.engine(), promise, entered, finish);
                self.observer().handed_over(self.name());
                self.engine().workers.push(handed);
                Call::Running(running)
            }
        }
    }

    fn wait_for_instance<R: Send + 'static>(
        self: &Arc<Self>,
        counted: Counted,
        view: Arc<dyn StatementView>,
        ask: Ask<R>,
        check: Check<R>,
    ) -> Call<R> {
        let (promise, running) = Promise::made(true, self.terms());
        let policy = Arc::clone(self);
        let running = running.in_line(move || policy.instances().one_was_withdrawn());
        let seeker = Seeker {
            policy: Arc::clone(self),
            counted,
            view,
            ask,
            check,
            promise,
        };
        self.instances().wait(Box::new(seeker));
        Call::Running(running)
    }

    /// The call, in an instance that is there or has to be started.
    fn enter<R: Send + 'static>(
        self: &Arc<Self>,
        guest: Option<Box<dyn Guest>>,
        view: &Arc<dyn StatementView>,
        ask: impl FnOnce(Box<dyn Guest>) -> Entered<R> + Send + 'static,
    ) -> Entered<R> {
        if let Some(mut guest) = guest {
            self.prepare(&mut *guest, view);
            return ask(guest);
        }
        let (policy, view) = (Arc::clone(self), Arc::clone(view));
        Box::pin(async move {
            let started = policy.starting().await;
            match policy.another(started) {
                Ok(mut guest) => {
                    policy.prepare(&mut *guest, &view);
                    ask(guest).await
                }
                Err(fault) => Left {
                    guest: None,
                    reply: Err(Failed::Start(fault)),
                },
            }
        })
    }

    fn finish<R: Send + 'static>(
        self: &Arc<Self>,
        counted: Counted,
        place: Place<impl Deref<Target = Instances>>,
        check: impl FnOnce(&R) -> Result<(), String> + Send + 'static,
    ) -> Finish<R> {
        let policy = Arc::clone(self);
        let place = place.by_way_of(InstancesOf(Arc::clone(self)));
        Box::new(move |left| policy.leave(counted, place, left, check))
    }

    /// The call is over: what its answer is, and what becomes of the instance.
    fn leave<R>(
        &self,
        counted: Counted,
        mut place: Place<impl Deref<Target = Instances>>,
        left: Left<R>,
        check: impl FnOnce(&R) -> Result<(), String>,
    ) -> Result<R, Fault> {
        let Left { guest, reply } = left;
        let answer = reply.map_err(|failed| self.fault(failed, self.settings().deadline));
        // The state of an instance is undefined after a trap.
        let is_kept = answer.is_ok() && self.settings().isolation == Isolation::Pooled;
        place.item = guest.filter(|_| is_kept).map(|mut guest| {
            guest.store().data_mut().view = None;
            guest
        });
        place.keep();
        let answer =
            answer.and_then(|answer| check(&answer).map_err(Fault::IllegalReply).map(|()| answer));
        let observer = self.observer();
        observer.call(self.name(), counted.hook, counted.began.elapsed());
        answer.inspect_err(|fault| observer.fault(self.name(), fault))
    }
}

type Ask<R> = Box<dyn FnOnce(Box<dyn Guest>) -> Entered<R> + Send>;
type Check<R> = Box<dyn FnOnce(&R) -> Result<(), String> + Send>;

/// A call that waits for an instance.
struct Seeker<R> {
    policy: Arc<Policy>,
    counted: Counted,
    view: Arc<dyn StatementView>,
    ask: Ask<R>,
    check: Check<R>,
    promise: Promise<R>,
}

impl<R: Send + 'static> Waiter<Box<dyn Guest>> for Seeker<R> {
    fn is_withdrawn(&self) -> bool {
        self.promise.is_withdrawn()
    }

    /// Goes on on the threads for long calls.
    fn serve(self: Box<Self>, guest: Option<Box<dyn Guest>>) {
        let place = Slot::given(InstancesOf(Arc::clone(&self.policy)), guest);
        self.promise.has_instance();
        let engine = Arc::clone(self.policy.engine());
        engine.workers.push(Box::new(Served {
            place,
            seeker: *self,
        }));
    }
}

/// A call that waited for an instance, and has one.
struct Served<R> {
    place: Place<InstancesOf>,
    seeker: Seeker<R>,
}

impl<R: Send + 'static> Job for Served<R> {
    fn slice(self: Box<Self>) -> Option<Box<dyn Job>> {
        let Served { mut place, seeker } = *self;
        let Seeker {
            policy,
            counted,
            view,
            ask,
            check,
            promise,
        } = seeker;
        if promise.is_withdrawn() {
            place.keep();
            return None;
        }
        let entered = policy.enter(place.item.take(), &view, ask);
        let finish = policy.finish(counted, place, check);
        Handed::job(policy.engine(), promise, entered, finish).slice()
    }
}
