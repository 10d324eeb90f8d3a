//! A bounded pool of instances, with one shelf per group of threads, and the line of those who wait for one. What comes back goes to who waits
//! longest, and lies on a shelf only where nobody waits: so nobody who comes later overtakes.

use std::cell::Cell;
use std::collections::VecDeque;
use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

const SHARDS: usize = 16;

/// Idle instances and a limit on how many exist. Each thread has its own shelf, so the common path does not contend.
pub(crate) struct Pool<T> {
    shelves: [Mutex<Vec<T>>; SHARDS],
    /// The number of instances, idle and busy.
    live: AtomicUsize,
    limit: usize,
    /// The length of the line: it is looked at only where there is one.
    waiting: AtomicUsize,
    line: Mutex<Line<T>>,
}

/// Who waits for an instance. Called where it comes free, so neither may take long.
pub(crate) trait Waiter<T>: Send {
    /// Nobody needs it any more.
    fn is_withdrawn(&self) -> bool;
    /// The place is this one's now, with an instance or to create one in. It must make a slot of it (`Slot::given`), which gives it back.
    fn serve(self: Box<Self>, item: Option<T>);
}

struct Line<T> {
    waiters: VecDeque<Box<dyn Waiter<T>>>,
    /// How many have left it and are still in it, about.
    withdrawn: usize,
}

/// A slot of the pool, empty or holding an instance. Dropping it destroys the instance and frees the slot.
pub(crate) struct Slot<P: Deref<Target = Pool<T>>, T> {
    pool: P,
    pub(crate) item: Option<T>,
    /// Whether the slot is still this one's to free.
    owned: bool,
}

impl<T> Pool<T> {
    pub(crate) fn new(limit: usize) -> Pool<T> {
        Pool {
            shelves: std::array::from_fn(|_| Mutex::new(Vec::new())),
            live: AtomicUsize::new(0),
            limit: limit.max(1),
            waiting: AtomicUsize::new(0),
            line: Mutex::new(Line {
                waiters: VecDeque::new(),
                withdrawn: 0,
            }),
        }
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// An idle instance, or an empty slot to create one in. `None`: all are busy, or others were there first.
    pub(crate) fn take(&self) -> Option<Slot<&Self, T>> {
        if self.waiting.load(Ordering::SeqCst) > 0 {
            return None;
        }
        let item = self.idle_on_free_shelf().map(Some);
        let item = item.or_else(|| self.claim().then_some(None))?;
        Some(Slot::given(self, item))
    }

    /// Waits behind the others.
    pub(crate) fn wait(&self, who: Box<dyn Waiter<T>>) {
        let mut line = lock(&self.line);
        line.waiters.push_back(who);
        self.waiting.fetch_add(1, Ordering::SeqCst);
        drop(line);
        // Who gave an instance back just before has seen nobody.
        if let Some(item) = self.take_back() {
            self.give(item);
        }
    }

    /// One who waits was withdrawn. What it holds is dropped soon, not only when it would have its turn.
    pub(crate) fn one_was_withdrawn(&self) {
        let mut line = lock(&self.line);
        line.withdrawn += 1;
        if 2 * line.withdrawn <= line.waiters.len() {
            return;
        }
        line.withdrawn = 0;
        let (left, stay) = std::mem::take(&mut line.waiters)
            .into_iter()
            .partition(|waiter| waiter.is_withdrawn());
        line.waiters = stay;
        let left: VecDeque<Box<dyn Waiter<T>>> = left;
        self.waiting.fetch_sub(left.len(), Ordering::SeqCst);
        drop(line);
        // Whatever that does, it does not do it under the lock.
        drop(left);
    }

    /// A place that is free, with its instance: to who waits longest, or back to where the next call finds it.
    fn give(&self, item: Option<T>) {
        let mut item = item;
        loop {
            if self.waiting.load(Ordering::SeqCst) > 0
                && let Some(next) = self.next()
            {
                return next.serve(item);
            }
            match item {
                Some(item) => lock(&self.shelves[home()]).push(item),
                None => {
                    self.live.fetch_sub(1, Ordering::SeqCst);
                }
            }
            // Who waits first says so and then looks for an instance; here it is the other way round, so one sees the other.
            if self.waiting.load(Ordering::SeqCst) == 0 {
                return;
            }
            match self.take_back() {
                Some(found) => item = found,
                // Another has it, and comes by here with it.
                None => return,
            }
        }
    }

    /// Who waits longest.
    fn next(&self) -> Option<Box<dyn Waiter<T>>> {
        // Dropped behind the lock.
        let mut left = Vec::new();
        let mut line = lock(&self.line);
        while let Some(next) = line.waiters.pop_front() {
            self.waiting.fetch_sub(1, Ordering::SeqCst);
            if !next.is_withdrawn() {
                return Some(next);
            }
            line.withdrawn = line.withdrawn.saturating_sub(1);
            left.push(next);
        }
        None
    }

    /// An idle instance, or the right to create one: for one who waits, so it looks behind every lock.
    fn take_back(&self) -> Option<Option<T>> {
        let home = home();
        let idle = (0..SHARDS).find_map(|step| lock(&self.shelves[(home + step) % SHARDS]).pop());
        match idle {
            Some(item) => Some(Some(item)),
            None => self.claim().then_some(None),
        }
    }

    fn idle_on_free_shelf(&self) -> Option<T> {
        let home = home();
        (0..SHARDS).find_map(
            |step| match self.shelves[(home + step) % SHARDS].try_lock() {
                Ok(mut shelf) => shelf.pop(),
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner().pop(),
                Err(TryLockError::WouldBlock) => None,
            },
        )
    }

    /// Whether there may be another instance. Then it is counted.
    fn claim(&self) -> bool {
        let live = &self.live;
        live.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |live| {
            (live < self.limit).then_some(live + 1)
        })
        .is_ok()
    }
}

impl<P: Deref<Target = Pool<T>>, T> Slot<P, T> {
    /// The place that a waiter was served.
    pub(crate) fn given(pool: P, item: Option<T>) -> Self {
        Slot {
            pool,
            item,
            owned: true,
        }
    }

    /// The same slot of the same pool, reached in another way.
    pub(crate) fn by_way_of<Q: Deref<Target = Pool<T>>>(mut self, pool: Q) -> Slot<Q, T> {
        self.owned = false;
        Slot::given(pool, self.item.take())
    }

    /// Returns the instance, if there is one, to the pool for the next call.
    pub(crate) fn keep(mut self) {
        if let Some(item) = self.item.take() {
            self.owned = false;
            self.pool.give(Some(item));
        }
    }
}

impl<P: Deref<Target = Pool<T>>, T> Drop for Slot<P, T> {
    fn drop(&mut self) {
        drop(self.item.take());
        if self.owned {
            self.pool.give(None);
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
    use std::time::Duration;

    use super::*;

    /// Tells that it was served, and with what.
    struct Client {
        name: u32,
        withdrawn: Arc<AtomicBool>,
        served: mpsc::Sender<(u32, Option<u8>)>,
    }

    impl Waiter<u8> for Client {
        fn is_withdrawn(&self) -> bool {
            self.withdrawn.load(Ordering::SeqCst)
        }

        fn serve(self: Box<Self>, item: Option<u8>) {
            self.served.send((self.name, item)).unwrap();
        }
    }

    struct Stage {
        pool: Arc<Pool<u8>>,
        served: mpsc::Sender<(u32, Option<u8>)>,
        seen: mpsc::Receiver<(u32, Option<u8>)>,
    }

    impl Stage {
        fn new(limit: usize) -> Stage {
            let (served, seen) = mpsc::channel();
            Stage {
                pool: Arc::new(Pool::new(limit)),
                served,
                seen,
            }
        }

        /// Returns what withdraws it.
        fn wait(&self, name: u32) -> Arc<AtomicBool> {
            let withdrawn: Arc<AtomicBool> = Arc::default();
            self.pool.wait(Box::new(Client {
                name,
                withdrawn: Arc::clone(&withdrawn),
                served: self.served.clone(),
            }));
            withdrawn
        }

        fn withdraw(&self, who: &AtomicBool) {
            who.store(true, Ordering::SeqCst);
            self.pool.one_was_withdrawn();
        }

        fn waiters(&self) -> usize {
            let line = lock(&self.pool.line);
            assert_eq!(line.waiters.len(), self.pool.waiting.load(Ordering::SeqCst));
            line.waiters.len()
        }
    }

    #[test]
    fn an_instance_is_used_again() {
        let pool = Pool::new(2);
        let mut place = pool.take().unwrap();
        assert_eq!(place.item, None);
        place.item = Some(7);
        place.keep();
        assert_eq!(pool.take().unwrap().item, Some(7));
    }

    #[test]
    fn a_dropped_instance_frees_its_slot() {
        let pool = Pool::<u8>::new(1);
        drop(pool.take().unwrap());
        assert!(pool.take().is_some());
    }

    #[test]
    fn instances_never_exceed_the_limit() {
        let pool = Pool::<u8>::new(2);
        let _one = pool.take().unwrap();
        let _two = pool.take().unwrap();
        assert!(pool.take().is_none());
    }

    #[test]
    fn who_waits_longest_is_served_first_and_nobody_overtakes() {
        let stage = Stage::new(1);
        let mut place = stage.pool.take().unwrap();
        place.item = Some(1);
        stage.wait(10);
        stage.wait(11);
        assert!(stage.seen.try_recv().is_err());
        place.keep();
        assert_eq!(stage.seen.try_recv(), Ok((10, Some(1))));
        assert!(stage.pool.take().is_none(), "another waits");
        // The instance of that one was destroyed: there is room for another.
        drop(Slot::given(&*stage.pool, None));
        assert_eq!(stage.seen.try_recv(), Ok((11, None)));
        // It was served, and has not come to use it yet.
        assert_eq!(stage.waiters(), 0);
        assert!(stage.pool.take().is_none(), "11 has the place");
        drop(Slot::given(&*stage.pool, None));
        assert!(stage.pool.take().is_some());
    }

    #[test]
    fn who_was_withdrawn_is_passed_over_and_not_kept_in_line() {
        let stage = Stage::new(1);
        let place = stage.pool.take().unwrap();
        let stays = stage.wait(0);
        let left: Vec<_> = (1..=100).map(|name| stage.wait(name)).collect();
        stage.wait(101);
        for who in &left {
            stage.withdraw(who);
        }
        assert!(stage.waiters() <= 2 + 2, "two wait");
        stays.store(true, Ordering::SeqCst);
        drop(place);
        assert_eq!(stage.seen.try_recv(), Ok((101, None)));
        assert!(stage.seen.try_recv().is_err());
    }

    #[test]
    fn a_slot_reached_in_another_way_is_freed_once() {
        let pool = Arc::new(Pool::<u8>::new(1));
        let place = pool.take().unwrap().by_way_of(Arc::clone(&pool));
        assert!(pool.take().is_none());
        drop(place);
        assert!(pool.take().is_some());
        assert_eq!(pool.live.load(Ordering::SeqCst), 0);
    }

    /// Whoever waits is served, however waiting and giving back fall together.
    #[test]
    fn nobody_waits_beside_an_idle_instance() {
        const CALLS: u32 = 2000;
        let stage = Stage::new(2);
        let stop = Arc::new(AtomicBool::new(false));
        let others = [(); 2].map(|()| {
            let (pool, stop) = (Arc::clone(&stage.pool), Arc::clone(&stop));
            thread::spawn(move || {
                while !stop.load(Ordering::SeqCst) {
                    if let Some(mut place) = pool.take() {
                        place.item.get_or_insert(1);
                        place.keep();
                    }
                }
            })
        });
        for who in 0..CALLS {
            stage.wait(who);
            let (served, item) = stage.seen.recv_timeout(Duration::from_secs(30)).unwrap();
            assert_eq!(served, who);
            Slot::given(&*stage.pool, item).keep();
        }
        stop.store(true, Ordering::SeqCst);
        for other in others {
            other.join().unwrap();
        }
        assert!(stage.pool.live.load(Ordering::SeqCst) <= 2);
    }
}
