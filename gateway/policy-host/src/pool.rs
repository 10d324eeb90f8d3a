//! A bounded pool of instances, with one shelf per group of threads.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

const SHARDS: usize = 16;

/// Idle instances and a limit on how many exist. Each thread has its own shelf, so the common path does not contend.
pub(crate) struct Pool<T> {
    shelves: [Mutex<Vec<T>>; SHARDS],
    /// The number of instances, idle and busy.
    live: AtomicUsize,
    limit: usize,
    waiting: AtomicUsize,
    gate: Mutex<()>,
    freed: Condvar,
}

/// A slot of the pool, empty or holding an instance. Dropping it destroys the instance and frees the slot.
pub(crate) struct Slot<'p, T> {
    pool: &'p Pool<T>,
    pub(crate) item: Option<T>,
    kept: bool,
}

impl<T> Pool<T> {
    pub(crate) fn new(limit: usize) -> Pool<T> {
        Pool {
            shelves: std::array::from_fn(|_| Mutex::new(Vec::new())),
            live: AtomicUsize::new(0),
            limit: limit.max(1),
            waiting: AtomicUsize::new(0),
            gate: Mutex::new(()),
            freed: Condvar::new(),
        }
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Takes an idle instance, or an empty slot to create one in. Waits for at most `patience`; `None` on timeout.
    pub(crate) fn take(&self, patience: Duration) -> Option<Slot<'_, T>> {
        self.idle()
            .or_else(|| self.claim())
            .or_else(|| self.wait(patience))
    }

    fn idle(&self) -> Option<Slot<'_, T>> {
        let home = home();
        (0..SHARDS).find_map(|step| {
            let item = match self.shelves[(home + step) % SHARDS].try_lock() {
                Ok(mut shelf) => shelf.pop(),
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner().pop(),
                Err(TryLockError::WouldBlock) => None,
            }?;
            Some(Slot {
                pool: self,
                item: Some(item),
                kept: false,
            })
        })
    }

    fn claim(&self) -> Option<Slot<'_, T>> {
        self.live
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |live| {
                (live < self.limit).then_some(live + 1)
            })
            .ok()
            .map(|_| Slot {
                pool: self,
                item: None,
                kept: false,
            })
    }

    fn wait(&self, patience: Duration) -> Option<Slot<'_, T>> {
        let until = Instant::now() + patience;
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let mut gate = lock(&self.gate);
        let place = loop {
            if let Some(place) = self.idle().or_else(|| self.claim()) {
                break Some(place);
            }
            let Some(left) = until
                .checked_duration_since(Instant::now())
                .filter(|left| !left.is_zero())
            else {
                break None;
            };
            // A shelf may have been locked briefly during the check, so check again soon even if nothing is returned.
            let nap = left.min(Duration::from_millis(1));
            gate = self
                .freed
                .wait_timeout(gate, nap)
                .map_or_else(|poisoned| poisoned.into_inner().0, |(gate, _)| gate);
        };
        drop(gate);
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        place
    }

    fn wake(&self) {
        if self.waiting.load(Ordering::SeqCst) > 0 {
            let _gate = lock(&self.gate);
            self.freed.notify_one();
        }
    }
}

impl<T> Slot<'_, T> {
    /// Returns the instance to the pool for the next call.
    pub(crate) fn keep(mut self) {
        if let Some(item) = self.item.take() {
            lock(&self.pool.shelves[home()]).push(item);
            self.kept = true;
        }
    }
}

impl<T> Drop for Slot<'_, T> {
    fn drop(&mut self) {
        drop(self.item.take());
        if !self.kept {
            self.pool.live.fetch_sub(1, Ordering::AcqRel);
        }
        self.pool.wake();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The shelf index of this thread.
fn home() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static HOME: Cell<Option<usize>> = const { Cell::new(None) });
    HOME.with(|home| {
        home.get().unwrap_or_else(|| {
            let mine = NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS;
            home.set(Some(mine));
            mine
        })
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn an_instance_is_used_again() {
        let pool = Pool::new(2);
        let mut place = pool.take(Duration::ZERO).unwrap();
        assert_eq!(place.item, None);
        place.item = Some(7);
        place.keep();
        assert_eq!(pool.take(Duration::ZERO).unwrap().item, Some(7));
    }

    #[test]
    fn a_dropped_instance_frees_its_slot() {
        let pool = Pool::<u8>::new(1);
        drop(pool.take(Duration::ZERO).unwrap());
        assert!(pool.take(Duration::ZERO).is_some());
    }

    #[test]
    fn instances_never_exceed_the_limit() {
        let pool = Pool::<u8>::new(2);
        let _one = pool.take(Duration::ZERO).unwrap();
        let _two = pool.take(Duration::ZERO).unwrap();
        let started = Instant::now();
        assert!(pool.take(Duration::from_millis(20)).is_none());
        assert!(started.elapsed() >= Duration::from_millis(20));
    }

    #[test]
    fn a_waiting_thread_gets_a_returned_instance() {
        let pool = Arc::new(Pool::new(1));
        let mut place = pool.take(Duration::ZERO).unwrap();
        place.item = Some(1);
        let other = std::thread::spawn({
            let pool = pool.clone();
            move || {
                pool.take(Duration::from_secs(10))
                    .and_then(|mut place| place.item.take())
            }
        });
        std::thread::sleep(Duration::from_millis(10));
        place.keep();
        assert_eq!(other.join().unwrap(), Some(1));
    }
}
