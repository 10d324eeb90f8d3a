//! The deadline of a call: how much CPU a policy may use. Time that the machine gives to others does not count, nor time in which the
//! call has no turn. Also: when a call has to leave the thread that it was made on.

use std::cell::Cell;
use std::time::{Duration, Instant};

use wasmtime::UpdateDeadline;

/// What one call may use, and what it has used.
pub(crate) struct Deadline {
    limit: Duration,
    tick: Duration,
    used: Duration,
    /// Since when time is counted on the thread that the call was made on.
    counted: Option<Moment>,
}

thread_local! {
    /// When the slice began in which this thread runs a call that takes long; `None` on a thread that must go on with other work.
    static SLICE: Cell<Option<Moment>> = const { Cell::new(None) };
}

/// A reading of the clock.
#[derive(Clone, Copy)]
enum Moment {
    /// CPU time of the thread.
    Cpu(Duration),
    /// Where the system does not tell it.
    Wall(Instant),
}

impl Moment {
    fn now() -> Moment {
        match thread_time() {
            Some(used) => Moment::Cpu(used),
            None => Moment::Wall(Instant::now()),
        }
    }

    fn since(self, earlier: Moment) -> Duration {
        match (self, earlier) {
            (Moment::Cpu(now), Moment::Cpu(earlier)) => now.saturating_sub(earlier),
            (Moment::Wall(now), Moment::Wall(earlier)) => now.saturating_duration_since(earlier),
            _ => Duration::ZERO,
        }
    }
}

impl Deadline {
    /// `tick`: how often the engine's epoch advances.
    pub(crate) fn new(limit: Duration, tick: Duration) -> Deadline {
        Deadline {
            limit,
            tick,
            used: Duration::ZERO,
            counted: None,
        }
    }

    /// Called when the epoch reaches the store's deadline, for the first time up to one tick after the call began. The clock is a system
    /// call, which a call that is over before that does not pay for.
    pub(crate) fn check(&mut self) -> UpdateDeadline {
        match SLICE.get() {
            Some(began) => self.end_of_slice(began),
            None => self.on_foreign_thread(),
        }
    }

    /// The call has its turn again when the others had theirs.
    fn end_of_slice(&mut self, began: Moment) -> UpdateDeadline {
        let now = Moment::now();
        SLICE.set(Some(now));
        self.used += now.since(began);
        match self.used >= self.limit {
            true => UpdateDeadline::Interrupt,
            false => UpdateDeadline::Yield(1),
        }
    }

    /// The call leaves the thread once it has used about a tick of it. One that had no CPU in the meantime may well be over at once.
    fn on_foreign_thread(&mut self) -> UpdateDeadline {
        let now = Moment::now();
        let Some(counted) = self.counted else {
            self.counted = Some(now);
            return UpdateDeadline::Continue(1);
        };
        let used = now.since(counted);
        if used >= self.limit {
            return UpdateDeadline::Interrupt;
        }
        if used < self.tick / 2 {
            return UpdateDeadline::Continue(1);
        }
        self.used = used;
        UpdateDeadline::Yield(1)
    }
}

/// Runs part of a call on a thread that has nothing else to do: it may take until the next tick.
pub(crate) fn slice<T>(part: impl FnOnce() -> T) -> T {
    struct End;
    impl Drop for End {
        fn drop(&mut self) {
            SLICE.set(None);
        }
    }
    SLICE.set(Some(Moment::now()));
    let _end = End;
    part()
}

/// True on a thread that must go on with other work soon.
pub(crate) fn is_foreign_thread() -> bool {
    SLICE.get().is_none()
}

/// CPU time that this thread has used (POSIX: clock_gettime).
#[cfg(unix)]
fn thread_time() -> Option<Duration> {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the pointer is valid for writes, and the call keeps no copy of it.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    if result != 0 {
        return None;
    }
    let seconds = u64::try_from(time.tv_sec).ok()?;
    let nanoseconds = u32::try_from(time.tv_nsec).ok()?;
    Some(Duration::new(seconds, nanoseconds))
}

#[cfg(not(unix))]
fn thread_time() -> Option<Duration> {
    None
}
