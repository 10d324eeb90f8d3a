//! The deadline of a call: how much of its thread's CPU a policy may use. Time that the machine gives to others does not count.

use std::time::{Duration, Instant};

use wasmtime::UpdateDeadline;

/// What a call may use, and since when it is counted.
pub(crate) struct Deadline {
    limit: Duration,
    tick: Duration,
    began: Option<Moment>,
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
            began: None,
        }
    }

    /// Called when the epoch reaches the store's deadline, for the first time one tick after the call began. The clock is a system
    /// call, which a call that is over before that does not pay for.
    pub(crate) fn check(&mut self) -> UpdateDeadline {
        let now = Moment::now();
        let began = *self.began.get_or_insert(now);
        let left = self.limit.saturating_sub(now.since(began));
        if left.is_zero() {
            return UpdateDeadline::Interrupt;
        }
        // No thread uses more CPU than time passes.
        let ticks = left.as_nanos().div_ceil(self.tick.as_nanos().max(1));
        UpdateDeadline::Continue(
            u64::try_from(ticks)
                .unwrap_or(u64::MAX / 2)
                .min(u64::MAX / 2),
        )
    }
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
