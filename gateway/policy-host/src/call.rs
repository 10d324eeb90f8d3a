//! A call into a policy as its caller sees it: answered at once, or still running elsewhere.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crate::fault::Fault;
use crate::observer::Observer;

/// A call into a policy. An `Err` is no usable answer: the caller must deny.
#[must_use = "a call that nobody waits for is stopped"]
pub enum Call<R> {
    Done(Result<R, Fault>),
    /// It goes on elsewhere.
    Running(Running<R>),
}

/// A call that goes on elsewhere. Completes with its answer. Dropping it stops the call, and with it the instance.
#[must_use = "a call that nobody waits for is stopped"]
pub struct Running<R> {
    answer: Arc<Answer<R>>,
    terms: Terms,
    /// Done when it is given up before it has an instance.
    leave_line: Option<LeaveLine>,
}

type LeaveLine = Box<dyn FnOnce() + Send>;

/// How long a call may go on, and who is told if it does not come to an end.
pub(crate) struct Terms {
    pub(crate) policy: String,
    pub(crate) observer: Arc<dyn Observer>,
    /// CPU time that it may use.
    pub(crate) deadline: Duration,
    /// Time that it may wait besides.
    pub(crate) wait: Duration,
    pub(crate) max_instances: usize,
}

/// Where the answer to one call is put, and how its caller is heard.
struct Answer<R> {
    state: Mutex<State<R>>,
    withdrawn: AtomicBool,
    /// It has no instance yet.
    in_line: AtomicBool,
}

enum State<R> {
    Awaited(Option<Waker>),
    Given(Result<R, Fault>),
    Taken,
}

impl<R> Answer<R> {
    fn awaited(in_line: bool) -> Arc<Self> {
        Arc::new(Answer {
            state: Mutex::new(State::Awaited(None)),
            withdrawn: AtomicBool::new(false),
            in_line: AtomicBool::new(in_line),
        })
    }

    /// The first answer counts.
    fn give(&self, answer: Result<R, Fault>) {
        let mut state = self.lock();
        if let State::Awaited(waker) = &mut *state {
            let waker = waker.take();
            *state = State::Given(answer);
            drop(state);
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }

    fn poll(&self, context: &Context<'_>) -> Poll<Result<R, Fault>> {
        let mut state = self.lock();
        match std::mem::replace(&mut *state, State::Taken) {
            State::Given(answer) => Poll::Ready(answer),
            State::Awaited(_) => {
                *state = State::Awaited(Some(context.waker().clone()));
                Poll::Pending
            }
            State::Taken => Poll::Pending,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The duty to answer a call. Dropped without an answer, by a panic above all, it answers that there is none.
pub(crate) struct Promise<R> {
    answer: Arc<Answer<R>>,
    policy: String,
    observer: Arc<dyn Observer>,
    kept: bool,
}

impl<R> Promise<R> {
    /// The duty, and the call as its caller sees it.
    pub(crate) fn made(in_line: bool, terms: Terms) -> (Promise<R>, Running<R>) {
        let answer = Answer::awaited(in_line);
        let promise = Promise {
            answer: Arc::clone(&answer),
            policy: terms.policy.clone(),
            observer: Arc::clone(&terms.observer),
            kept: false,
        };
        let running = Running {
            answer,
            terms,
            leave_line: None,
        };
        (promise, running)
    }

    /// Nobody waits for the answer any more.
    pub(crate) fn is_withdrawn(&self) -> bool {
        self.answer.withdrawn.load(Ordering::Acquire)
    }

    /// It has an instance now.
    pub(crate) fn has_instance(&self) {
        self.answer.in_line.store(false, Ordering::Release);
    }

    pub(crate) fn keep(mut self, answer: Result<R, Fault>) {
        self.kept = true;
        self.answer.give(answer);
    }
}

impl<R> Drop for Promise<R> {
    fn drop(&mut self) {
        if self.kept || self.is_withdrawn() {
            return;
        }
        let fault = Fault::Trap("the host panicked".into());
        self.observer.fault(&self.policy, &fault);
        self.answer.give(Err(fault));
    }
}

impl<R> Call<R> {
    /// Blocks the thread until the answer is there. Not for threads of sessions.
    ///
    /// # Errors
    /// When the policy gave no usable answer. The caller must deny.
    pub fn wait(self) -> Result<R, Fault> {
        match self {
            Call::Done(answer) => answer,
            Call::Running(running) => running.block(),
        }
    }
}

impl<R> Running<R> {
    /// `leave`: done if the call is given up while it waits in line.
    pub(crate) fn in_line(mut self, leave: impl FnOnce() + Send + 'static) -> Self {
        self.leave_line = Some(Box::new(leave));
        self
    }

    /// How long the caller waits before it gives up: the CPU time that the call may use, and the time that it may wait for an instance and for
    /// its turns.
    pub fn patience(&self) -> Duration {
        self.terms.deadline.saturating_add(self.terms.wait)
    }

    /// The caller has waited long enough: the call is stopped, unless its answer has come by now.
    ///
    /// # Errors
    /// When the policy gave no usable answer. The caller must deny.
    pub fn give_up(self) -> Result<R, Fault> {
        let in_line = self.answer.in_line.load(Ordering::Acquire);
        self.answer.withdrawn.store(true, Ordering::Release);
        if let Poll::Ready(answer) = self.answer.poll(&Context::from_waker(Waker::noop())) {
            return answer;
        }
        let fault = match in_line {
            true => Fault::Exhausted(self.terms.max_instances),
            false => Fault::Overloaded(self.terms.wait),
        };
        self.terms.observer.fault(&self.terms.policy, &fault);
        Err(fault)
    }

    fn block(mut self) -> Result<R, Fault> {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut context = Context::from_waker(&waker);
        let until = Instant::now() + self.patience();
        loop {
            if let Poll::Ready(answer) = pin!(&mut self).poll(&mut context) {
                return answer;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return self.give_up();
            }
            thread::park_timeout(left);
        }
    }
}

impl<R> Future for Running<R> {
    type Output = Result<R, Fault>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.answer.poll(context)
    }
}

impl<R> Drop for Running<R> {
    fn drop(&mut self) {
        self.answer.withdrawn.store(true, Ordering::Release);
        if self.answer.in_line.load(Ordering::Acquire)
            && let Some(leave) = self.leave_line.take()
        {
            leave();
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Level;
    use crate::observer::ReloadEvent;

    #[derive(Default)]
    struct Faults(Mutex<Vec<Fault>>);

    impl Observer for Faults {
        fn call(&self, _: &str, _: &'static str, _: Duration) {}
        fn handed_over(&self, _: &str) {}
        fn fault(&self, _: &str, fault: &Fault) {
            self.0.lock().unwrap().push(fault.clone());
        }
        fn reload(&self, _: &ReloadEvent) {}
        fn log(&self, _: &str, _: Level, _: &str) {}
        fn metric(&self, _: &str, _: &str, _: f64) {}
    }

    fn promise(faults: &Arc<Faults>) -> (Promise<u8>, Running<u8>) {
        let observer: Arc<dyn Observer> = faults.clone();
        let terms = Terms {
            policy: "policy".into(),
            observer,
            deadline: Duration::from_secs(1),
            wait: Duration::from_secs(3600),
            max_instances: 1,
        };
        Promise::made(true, terms)
    }

    #[test]
    fn a_panic_anywhere_is_an_answer_and_a_fault() {
        let faults: Arc<Faults> = Arc::default();
        let (promise, running) = promise(&faults);
        let panicked = thread::spawn(move || {
            let _promise = promise;
            panic!("a defect of the host");
        });
        assert!(panicked.join().is_err());
        let fault = Fault::Trap("the host panicked".into());
        assert_eq!(Call::Running(running).wait(), Err(fault.clone()));
        assert_eq!(*faults.0.lock().unwrap(), [fault]);
    }

    #[test]
    fn a_promise_that_is_kept_or_that_nobody_waits_for_is_no_fault() {
        let faults: Arc<Faults> = Arc::default();
        let (kept, running) = promise(&faults);
        kept.keep(Ok(7));
        assert_eq!(Call::Running(running).wait(), Ok(7));
        let (left, running) = promise(&faults);
        drop(running);
        drop(left);
        assert!(faults.0.lock().unwrap().is_empty());
    }
}
