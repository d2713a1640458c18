//! The linear memory of all instances together. One instance has a limit of its own; this keeps many of them from taking
//! all the memory of the machine. What an instance begins with does not count: most of it is never touched, and the
//! number of instances has a limit.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;
use wasmtime::ResourceLimiter;

use crate::limits::{INSTANCE_GROWTH_BYTES, Limits, TABLE_ELEMENTS_MAX};
use crate::observe::metrics::Metrics;

/// What all instances share.
pub(crate) struct Memory {
    max_bytes: usize,
    used_bytes: AtomicUsize,
    metrics: Arc<Metrics>,
    freed: Notify,
    /// Where idle instances are found.
    pools: OnceLock<Vec<Weak<dyn IdleInstances>>>,
}

/// Instances that may be ended when memory is short.
pub(crate) trait IdleInstances: Send + Sync {
    /// Ends those that have been idle for at least so long.
    fn drop_idle(&self, at_least: Duration);
}

/// What one instance has of it, all its parts together.
pub(crate) struct InstanceMemory {
    shared: Arc<Memory>,
    max_bytes: usize,
    used_bytes: usize,
    /// What it began with.
    first_bytes: usize,
    was_refused: bool,
}

impl Memory {
    pub(crate) fn new(limits: &Limits, metrics: Arc<Metrics>) -> Self {
        Self {
            max_bytes: limits.instances_memory_bytes,
            used_bytes: AtomicUsize::default(),
            metrics,
            freed: Notify::new(),
            pools: OnceLock::new(),
        }
    }

    /// Says where idle instances are found.
    pub(crate) fn watch(&self, pools: impl Iterator<Item = Weak<dyn IdleInstances>>) {
        // There is one set of them.
        let _ = self.pools.set(pools.collect());
    }

    /// In bytes.
    pub(crate) fn used_bytes(&self) -> usize {
        self.used_bytes.load(Ordering::Relaxed)
    }

    /// Waits until further requests may begin, at most so long; says whether they may.
    pub(crate) async fn has_room(&self, within: Duration) -> bool {
        if self.used_bytes() <= self.max_bytes {
            return true;
        }
        let wait = async {
            loop {
                let freed = self.freed.notified();
                if self.make_room() {
                    return;
                }
                freed.await;
            }
        };
        timeout(within, wait).await.is_ok()
    }

    /// Ends idle instances while there is too little; says whether there is enough then.
    fn make_room(&self) -> bool {
        let pools = self.pools.get().map(Vec::as_slice).unwrap_or_default();
        for pool in pools.iter().filter_map(Weak::upgrade) {
            if self.used_bytes() <= self.max_bytes {
                break;
            }
            pool.drop_idle(Duration::ZERO);
        }
        self.used_bytes() <= self.max_bytes
    }

    fn report(&self, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.metrics.instances_memory_bytes.set(bytes);
    }

    fn take(&self, bytes: usize) {
        let before = self.used_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.report(before.saturating_add(bytes));
    }

    fn give_back(&self, bytes: usize) {
        let before = self.used_bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.report(before.saturating_sub(bytes));
        self.freed.notify_waiters();
    }
}

impl InstanceMemory {
    pub(crate) fn new(shared: &Arc<Memory>, max_bytes: usize) -> Self {
        Self {
            shared: Arc::clone(shared),
            max_bytes,
            used_bytes: 0,
            first_bytes: 0,
            was_refused: false,
        }
    }

    /// What the instance has now is what it began with.
    pub(crate) fn begins(&mut self) {
        self.shared.give_back(self.grown_to(self.used_bytes));
        self.first_bytes = self.used_bytes;
    }

    /// Whether it has grown so much that it is not worth keeping: linear memory never shrinks.
    pub(crate) fn is_large(&self) -> bool {
        self.grown_to(self.used_bytes) > INSTANCE_GROWTH_BYTES
    }

    /// Whether it wanted more than there was.
    pub(crate) fn was_refused(&self) -> bool {
        self.was_refused
    }

    fn grown_to(&self, bytes: usize) -> usize {
        bytes.saturating_sub(self.first_bytes)
    }

    /// Takes more. An instance that needs little gets it in any case: a large one must not make others fail.
    fn grow(&mut self, more_bytes: usize) -> bool {
        let used_bytes = self.used_bytes.saturating_add(more_bytes);
        let fits = used_bytes <= self.max_bytes;
        if fits {
            self.shared.take(more_bytes);
            let is_ordinary = self.grown_to(used_bytes) <= INSTANCE_GROWTH_BYTES;
            if is_ordinary || self.shared.make_room() {
                self.used_bytes = used_bytes;
                return true;
            }
            self.shared.give_back(more_bytes);
        }
        self.was_refused = true;
        false
    }
}

impl Drop for InstanceMemory {
    fn drop(&mut self) {
        self.shared.give_back(self.grown_to(self.used_bytes));
    }
}

impl ResourceLimiter for InstanceMemory {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.grow(desired.saturating_sub(current)))
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST_BYTES: usize = 1 << 20;
    const LONG: Duration = Duration::from_secs(60);

    fn memory(max_bytes: usize) -> Arc<Memory> {
        let limits = Limits {
            instances_memory_bytes: max_bytes,
            ..Limits::default()
        };
        Arc::new(Memory::new(&limits, Arc::new(Metrics::default())))
    }

    fn instance(shared: &Arc<Memory>) -> InstanceMemory {
        let mut instance = InstanceMemory::new(shared, 8 * INSTANCE_GROWTH_BYTES);
        assert!(instance.memory_growing(0, FIRST_BYTES, None).unwrap());
        instance.begins();
        instance
    }

    #[test]
    fn what_all_have_is_a_metric() {
        let memory = memory(usize::MAX);
        let (mut one, mut other) = (instance(&memory), instance(&memory));
        assert!(one.grow(7) && other.grow(5));
        drop(other);
        let text = memory.metrics.render();
        let line = "mercato_instances_memory_bytes 7";
        assert!(text.lines().any(|shown| shown == line), "{text}");
    }

    #[test]
    fn an_instance_has_a_limit_of_its_own() {
        let memory = memory(usize::MAX);
        let mut instance = instance(&memory);
        assert!(instance.grow(2 * INSTANCE_GROWTH_BYTES) && instance.is_large());
        assert!(!instance.was_refused());
        assert!(!instance.grow(6 * INSTANCE_GROWTH_BYTES) && instance.was_refused());
        assert!(!instance.grow(usize::MAX));
        drop(instance);
        assert_eq!(memory.used_bytes(), 0);
    }

    #[test]
    fn a_large_instance_is_refused_what_an_ordinary_one_gets() {
        let memory = memory(3 * INSTANCE_GROWTH_BYTES);
        let (mut large, mut ordinary) = (instance(&memory), instance(&memory));
        assert!(large.grow(3 * INSTANCE_GROWTH_BYTES));
        assert!(!large.grow(1) && large.was_refused());
        assert!(ordinary.grow(INSTANCE_GROWTH_BYTES));
        assert!(!ordinary.was_refused() && !ordinary.is_large());
        drop(large);
        assert!(ordinary.grow(INSTANCE_GROWTH_BYTES) && ordinary.is_large());
    }

    #[tokio::test]
    async fn requests_wait_while_there_is_too_little() {
        let memory = memory(INSTANCE_GROWTH_BYTES);
        let (mut large, mut other) = (instance(&memory), instance(&memory));
        assert!(large.grow(INSTANCE_GROWTH_BYTES));
        assert!(memory.has_room(LONG).await);
        assert!(other.grow(1));
        assert!(!memory.has_room(Duration::from_millis(20)).await);
        let (has_room, ()) = tokio::join!(memory.has_room(LONG), async { drop(large) });
        assert!(has_room);
    }
}
