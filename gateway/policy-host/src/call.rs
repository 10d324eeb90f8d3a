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
}

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
pub(crate) struct Answer<R> {
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
    pub(crate) fn awaited(in_line: bool) -> Arc<Self> {
        Arc::new(Answer {
            state: Mutex::new(State::Awaited(None)),
            withdrawn: AtomicBool::new(false),
            in_line: AtomicBool::new(in_line),
        })
    }

    /// Nobody waits for it any more.
    pub(crate) fn is_withdrawn(&self) -> bool {
        self.withdrawn.load(Ordering::Acquire)
    }

    pub(crate) fn has_instance(&self) {
        self.in_line.store(false, Ordering::Release);
    }

    /// The first answer counts.
    pub(crate) fn give(&self, answer: Result<R, Fault>) {
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
    pub(crate) fn new(answer: &Arc<Answer<R>>, terms: Terms) -> Self {
        Running {
            answer: Arc::clone(answer),
            terms,
        }
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
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
