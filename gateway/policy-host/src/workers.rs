//! The threads for calls that take long. Each call has a slice in its turn, so that none keeps the others from theirs; a session has at most a
//! few calls under way, so no session does either. The threads have a low priority: what the gateway does for short calls comes first.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// How much nicer the threads are than the others of the gateway (POSIX: nice), whatever priority that runs with. Where sessions want all
/// of the machine's CPU, such a thread still gets a tenth of one processor's (Linux, sched_prio_to_weight).
#[cfg(target_os = "linux")]
const NICER_BY: libc::c_int = 10;
/// The kernel's own limit.
#[cfg(target_os = "linux")]
const NICEST: libc::c_int = 19;

/// A call that goes on in slices.
pub(crate) trait Job: Send {
    /// Goes on for one slice. `None`: it is over.
    fn slice(self: Box<Self>) -> Option<Box<dyn Job>>;
}

/// The threads. They end when this is dropped.
pub(crate) struct Workers(Arc<Line>);

#[derive(Default)]
struct Line {
    jobs: Mutex<Jobs>,
    more: Condvar,
}

#[derive(Default)]
struct Jobs {
    waiting: VecDeque<Box<dyn Job>>,
    stopped: bool,
}

impl Workers {
    /// # Errors
    /// The operating system gives no thread.
    pub(crate) fn start(count: usize) -> io::Result<Workers> {
        let workers = Workers(Arc::default());
        for index in 0..count.max(1) {
            let line = Arc::clone(&workers.0);
            thread::Builder::new()
                .name(format!("policy-{index}"))
                .spawn(move || line.work())?;
        }
        Ok(workers)
    }

    /// The job has its first slice when those that wait have had one.
    pub(crate) fn push(&self, job: Box<dyn Job>) {
        self.0.push(job);
    }
}

impl Drop for Workers {
    /// Does not wait for the threads: the last of the jobs may drop this on one of them.
    fn drop(&mut self) {
        self.0.lock().stopped = true;
        self.0.more.notify_all();
    }
}

impl Line {
    fn work(&self) {
        lower_priority();
        while let Some(job) = self.next() {
            // A panic is a job without an answer, of which its caller is told; the thread goes on.
            if let Ok(Some(job)) = catch_unwind(AssertUnwindSafe(|| job.slice())) {
                self.push(job);
            }
        }
    }

    fn push(&self, job: Box<dyn Job>) {
        self.lock().waiting.push_back(job);
        self.more.notify_one();
    }

    /// The job whose turn it is. `None`: there will be no more.
    fn next(&self) -> Option<Box<dyn Job>> {
        let mut jobs = self.lock();
        loop {
            if jobs.stopped {
                return None;
            }
            if let Some(job) = jobs.waiting.pop_front() {
                return Some(job);
            }
            jobs = self.more.wait(jobs).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Of this thread only: on Linux each thread has a niceness of its own (man 2 setpriority, "C library/kernel differences").
#[cfg(target_os = "linux")]
fn lower_priority() {
    let niceness = (niceness() + NICER_BY).min(NICEST);
    // SAFETY: takes no pointers. An error leaves the priority as it was, which is no harm.
    let _ = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, niceness) };
}

#[cfg(target_os = "linux")]
fn niceness() -> libc::c_int {
    // SAFETY: takes no pointers.
    unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) }
}

#[cfg(not(target_os = "linux"))]
fn lower_priority() {}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Tells its name in every slice.
    struct Named {
        name: char,
        slices: usize,
        said: mpsc::Sender<char>,
    }

    impl Job for Named {
        fn slice(mut self: Box<Self>) -> Option<Box<dyn Job>> {
            self.said.send(self.name).unwrap();
            self.slices -= 1;
            (self.slices > 0).then_some(self)
        }
    }

    struct Waits(mpsc::Receiver<()>);

    impl Job for Waits {
        fn slice(self: Box<Self>) -> Option<Box<dyn Job>> {
            self.0.recv().unwrap();
            None
        }
    }

    struct Panics;

    impl Job for Panics {
        fn slice(self: Box<Self>) -> Option<Box<dyn Job>> {
            panic!("a defect in a call");
        }
    }

    #[cfg(target_os = "linux")]
    struct TellsPriority(mpsc::Sender<libc::c_int>);

    #[cfg(target_os = "linux")]
    impl Job for TellsPriority {
        fn slice(self: Box<Self>) -> Option<Box<dyn Job>> {
            self.0.send(niceness()).unwrap();
            None
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn jobs_have_a_low_priority_and_nobody_else() {
        let before = niceness();
        let workers = Workers::start(1).unwrap();
        let (said, heard) = mpsc::channel();
        workers.push(Box::new(TellsPriority(said)));
        assert_eq!(heard.recv().unwrap(), (before + NICER_BY).min(NICEST));
        assert_eq!(niceness(), before);
    }

    #[test]
    fn every_job_has_a_slice_in_its_turn_and_a_panic_takes_no_thread_along() {
        let workers = Workers::start(1).unwrap();
        let (go, wait) = mpsc::channel();
        let (said, heard) = mpsc::channel();
        workers.push(Box::new(Waits(wait)));
        workers.push(Box::new(Panics));
        for (name, slices) in [('a', 3), ('b', 1), ('c', 2)] {
            let said = said.clone();
            workers.push(Box::new(Named { name, slices, said }));
        }
        drop(said);
        go.send(()).unwrap();
        assert_eq!(heard.iter().collect::<String>(), "abcaca");
    }
}
