//! The clock of deadlines: advances the engine's epoch while policies run, and sleeps while none does.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// After so many ticks without a call the clock sleeps. To wake it costs as much as a short call, so it does not sleep between the calls of
/// busy sessions.
const IDLE_TICKS: u32 = 100;

/// The clock's thread. Dropping it stops the thread.
pub(crate) struct Ticker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    /// Calls that are running.
    calls: AtomicUsize,
    asleep: AtomicBool,
    stopped: AtomicBool,
}

/// A call that is running: while there is one, the clock ticks.
pub(crate) struct Running<'t>(&'t Shared);

impl Ticker {
    /// Calls `advance` every `tick` while calls are running.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub(crate) fn start(tick: Duration, advance: impl Fn() + Send + 'static) -> io::Result<Self> {
        let shared: Arc<Shared> = Arc::default();
        let clock = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("policy-deadlines".into())
            .spawn(move || clock.run(tick, advance))?;
        Ok(Ticker {
            shared,
            thread: Some(thread),
        })
    }

    /// A call begins. It has a full tick before the first one that it sees, or more.
    pub(crate) fn begin(&self) -> Running<'_> {
        // The clock first says that it sleeps and then looks for calls; here it is the other way round, so one sees the other.
        self.shared.calls.fetch_add(1, Ordering::SeqCst);
        if self.shared.asleep.load(Ordering::SeqCst) {
            self.wake();
        }
        Running(&self.shared)
    }

    fn wake(&self) {
        self.shared.asleep.store(false, Ordering::SeqCst);
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.calls.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        self.wake();
        if let Some(thread) = self.thread.take() {
            // A panic was already reported by the thread.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn run(&self, tick: Duration, advance: impl Fn()) {
        let mut idle = 0;
        while !self.stopped.load(Ordering::SeqCst) {
            thread::park_timeout(tick);
            advance();
            idle = match self.is_idle() {
                true => idle + 1,
                false => 0,
            };
            if idle >= IDLE_TICKS {
                self.sleep();
                idle = 0;
            }
        }
    }

    fn sleep(&self) {
        self.asleep.store(true, Ordering::SeqCst);
        while self.asleep.load(Ordering::SeqCst)
            && self.is_idle()
            && !self.stopped.load(Ordering::SeqCst)
        {
            thread::park();
        }
        self.asleep.store(false, Ordering::SeqCst);
    }

    fn is_idle(&self) -> bool {
        self.calls.load(Ordering::SeqCst) == 0
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;
    use std::time::Instant;

    use super::*;

    fn until(what: &str, holds: impl Fn() -> bool) {
        let started = Instant::now();
        while !holds() {
            assert!(started.elapsed() < Duration::from_secs(30), "{what}");
            thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn the_clock_sleeps_while_nothing_runs_and_wakes_for_every_call() {
        let ticks: Arc<AtomicU64> = Arc::default();
        let counted = Arc::clone(&ticks);
        let ticker = Ticker::start(Duration::from_micros(50), move || {
            counted.fetch_add(1, Ordering::SeqCst);
        })
        .unwrap();
        let seen = || ticks.load(Ordering::SeqCst);
        for _ in 0..20 {
            until("it never sleeps", || {
                ticker.shared.asleep.load(Ordering::SeqCst)
            });
            let before = seen();
            let first = ticker.begin();
            let second = ticker.begin();
            drop(first);
            until("it sleeps through a call", || {
                seen() > before + 2 * u64::from(IDLE_TICKS)
            });
            drop(second);
        }
    }

    #[test]
    fn a_sleeping_clock_stops() {
        let ticker = Ticker::start(Duration::from_micros(50), || {}).unwrap();
        until("it never sleeps", || {
            ticker.shared.asleep.load(Ordering::SeqCst)
        });
        drop(ticker);
    }
}
