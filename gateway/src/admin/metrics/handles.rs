//! Handles of metrics that every statement touches: making one from its labels costs more than counting.

/// Handles by key, in the order of first use; there are few.
pub(super) struct Handles<K, H>(Vec<(K, H)>);

impl<K, H> Handles<K, H> {
    pub const fn new() -> Self {
        Handles(Vec::new())
    }

    pub fn of(&mut self, is: impl Fn(&K) -> bool, make: impl FnOnce() -> (K, H)) -> &H {
        let index = self.0.iter().position(|(key, _)| is(key));
        let index = index.unwrap_or_else(|| {
            self.0.push(make());
            self.0.len() - 1
        });
        &self.0[index].1
    }
}
