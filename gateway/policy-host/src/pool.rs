//! A bounded pool of instances, with one shelf per group of threads, and the line of those who wait for one.

use std::cell::Cell;
use std::collections::VecDeque;
use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

const SHARDS: usize = 16;

/// Idle instances and a limit on how many exist. Each thread has its own shelf, so the common path does not contend. `W` is someone who waits.
pub(crate) struct Pool<T, W> {
    shelves: [Mutex<Vec<T>>; SHARDS],
    /// The number of instances, idle and busy.
    live: AtomicUsize,
    limit: usize,
    /// The length of the line: it is looked at only where there is one.
    waiting: AtomicUsize,
    line: Mutex<VecDeque<W>>,
    /// Tells who waits longest that there is an instance, perhaps.
    call: Box<dyn Fn(W) + Send + Sync>,
}

/// A slot of the pool, empty or holding an instance. Dropping it destroys the instance and frees the slot.
pub(crate) struct Slot<P: Deref<Target = Pool<T, W>>, T, W> {
    pool: P,
    pub(crate) item: Option<T>,
    /// Whether the slot is still this one's to free.
    owned: bool,
}

impl<T, W> Pool<T, W> {
    pub(crate) fn new(limit: usize, call: impl Fn(W) + Send + Sync + 'static) -> Pool<T, W> {
        Pool {
            shelves: std::array::from_fn(|_| Mutex::new(Vec::new())),
            live: AtomicUsize::new(0),
            limit: limit.max(1),
            waiting: AtomicUsize::new(0),
            line: Mutex::default(),
            call: Box::new(call),
        }
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// An idle instance, or an empty slot to create one in. `None`: all are busy, or others were there first.
    pub(crate) fn take(&self) -> Option<Slot<&Self, T, W>> {
        match self.waiting.load(Ordering::SeqCst) {
            0 => self.take_in_turn(),
            _ => None,
        }
    }

    /// The same for one who was called.
    pub(crate) fn take_in_turn(&self) -> Option<Slot<&Self, T, W>> {
        self.idle().or_else(|| self.claim())
    }

    /// Waits behind the others until called, or in front of them for one who was called in vain.
    pub(crate) fn wait(&self, who: W, in_front: bool) {
        let mut line = lock(&self.line);
        match in_front {
            true => line.push_front(who),
            false => line.push_back(who),
        }
        self.waiting.fetch_add(1, Ordering::SeqCst);
        drop(line);
        // Who gave an instance back just before has seen nobody.
        self.pass_on();
    }

    /// One who was called has no use for the instance.
    pub(crate) fn pass_on(&self) {
        if let Some(slot) = self.take_in_turn() {
            slot.keep();
        }
    }

    fn idle(&self) -> Option<Slot<&Self, T, W>> {
        let home = home();
        (0..SHARDS).find_map(|step| {
            let item = match self.shelves[(home + step) % SHARDS].try_lock() {
                Ok(mut shelf) => shelf.pop(),
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner().pop(),
                Err(TryLockError::WouldBlock) => None,
            }?;
            Some(Slot::new(self, Some(item)))
        })
    }

    fn claim(&self) -> Option<Slot<&Self, T, W>> {
        self.live
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |live| {
                (live < self.limit).then_some(live + 1)
            })
            .ok()
            .map(|_| Slot::new(self, None))
    }

    fn call_next(&self) {
        // Who waits first says so and then looks for an instance; here it is the other way round, so one sees the other.
        if self.waiting.load(Ordering::SeqCst) == 0 {
            return;
        }
        let next = {
            let mut line = lock(&self.line);
            let next = line.pop_front();
            if next.is_some() {
                self.waiting.fetch_sub(1, Ordering::SeqCst);
            }
            next
        };
        if let Some(next) = next {
            (self.call)(next);
        }
    }
}

impl<P: Deref<Target = Pool<T, W>>, T, W> Slot<P, T, W> {
    fn new(pool: P, item: Option<T>) -> Self {
        Slot {
            pool,
            item,
            owned: true,
        }
    }

    /// The same slot of the same pool, reached in another way.
    pub(crate) fn by_way_of<Q: Deref<Target = Pool<T, W>>>(mut self, pool: Q) -> Slot<Q, T, W> {
        self.owned = false;
        Slot::new(pool, self.item.take())
    }

    /// Returns the instance, if there is one, to the pool for the next call.
    pub(crate) fn keep(mut self) {
        if let Some(item) = self.item.take() {
            lock(&self.pool.shelves[home()]).push(item);
            self.owned = false;
            self.pool.call_next();
        }
    }
}

impl<P: Deref<Target = Pool<T, W>>, T, W> Drop for Slot<P, T, W> {
    fn drop(&mut self) {
        drop(self.item.take());
        if self.owned {
            self.pool.live.fetch_sub(1, Ordering::SeqCst);
            self.pool.call_next();
        }
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
    use std::sync::atomic::AtomicBool;
    use std::sync::{Arc, mpsc};
    use std::thread;

    use super::*;

    fn pool<T>(limit: usize) -> (Pool<T, u32>, mpsc::Receiver<u32>) {
        let (called, calls) = mpsc::channel();
        let call = move |who| called.send(who).unwrap();
        (Pool::new(limit, call), calls)
    }

    #[test]
    fn an_instance_is_used_again() {
        let (pool, _calls) = pool(2);
        let mut place = pool.take().unwrap();
        assert_eq!(place.item, None);
        place.item = Some(7);
        place.keep();
        assert_eq!(pool.take().unwrap().item, Some(7));
    }

    #[test]
    fn a_dropped_instance_frees_its_slot() {
        let (pool, _calls) = pool::<u8>(1);
        drop(pool.take().unwrap());
        assert!(pool.take().is_some());
    }

    #[test]
    fn instances_never_exceed_the_limit() {
        let (pool, _calls) = pool::<u8>(2);
        let _one = pool.take().unwrap();
        let _two = pool.take().unwrap();
        assert!(pool.take().is_none());
    }

    #[test]
    fn who_waits_longest_is_called_first_and_nobody_overtakes() {
        let (pool, calls) = pool(1);
        let mut place = pool.take().unwrap();
        place.item = Some(1);
        pool.wait(10, false);
        pool.wait(11, false);
        pool.wait(9, true);
        assert!(calls.try_recv().is_err());
        place.keep();
        assert_eq!(calls.try_recv(), Ok(9));
        assert!(pool.take().is_none(), "others wait");
        assert_eq!(pool.take_in_turn().unwrap().item, Some(1));
        // That one was dropped: its place is free.
        assert_eq!(calls.try_recv(), Ok(10));
        pool.pass_on();
        assert_eq!(calls.try_recv(), Ok(11));
        assert!(pool.take().is_some());
    }

    #[test]
    fn a_slot_reached_in_another_way_is_freed_once() {
        let (pool, _calls) = pool::<u8>(1);
        let pool = Arc::new(pool);
        let place = pool.take().unwrap().by_way_of(Arc::clone(&pool));
        assert!(pool.take().is_none());
        drop(place);
        assert!(pool.take().is_some());
        assert_eq!(pool.live.load(Ordering::SeqCst), 0);
    }

    /// Whoever waits is called, however waiting and giving back fall together.
    #[test]
    fn nobody_waits_beside_an_idle_instance() {
        const CALLS: u32 = 2000;
        let (called, calls) = mpsc::channel();
        let pool = Arc::new(Pool::<u8, u32>::new(1, move |who| {
            called.send(who).unwrap();
        }));
        let stop = Arc::new(AtomicBool::new(false));
        let others = thread::spawn({
            let (pool, stop) = (Arc::clone(&pool), Arc::clone(&stop));
            move || {
                while !stop.load(Ordering::SeqCst) {
                    if let Some(mut place) = pool.take() {
                        place.item.get_or_insert(1);
                        place.keep();
                    }
                }
            }
        });
        for who in 0..CALLS {
            pool.wait(who, false);
            let called = calls.recv_timeout(std::time::Duration::from_secs(30));
            assert_eq!(called, Ok(who));
        }
        stop.store(true, Ordering::SeqCst);
        others.join().unwrap();
    }
}
