//! Who may hold how much while a query runs within a memory limit.
//!
//! The engine's own fair pool gives every operator that could spill the same share, though most of a large plan's
//! operators hold nothing at any one time: a sort spilled its rows twice over while nine tenths of the memory stood idle.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use datafusion::common::resources_datafusion_err;
use datafusion::error::Result;
use datafusion::execution::memory_pool::{
    MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation, human_readable_size,
};

/// What part of the limit an operator holds that has hardly begun.
const LITTLE: usize = 32;

/// Operators that can spill take what they need of three quarters of the limit. Between those and fifteen sixteenths they
/// take no more than an equal share, as if there were four of them where there are fewer: one sort by itself held
/// everything, and what began beside it had to wait for its end. The last sixteenth is left to those that cannot spill,
/// and to those that hold so little that they could not begin: equal shares of all together were everything, too.
#[derive(Debug)]
pub(super) struct SharedPool {
    limit: usize,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    bytes: usize,
    /// Operators that can spill, whether they hold anything or not.
    n_spilling: usize,
}

impl SharedPool {
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            held: Mutex::default(),
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // A number that a panicking thread left behind is still that number.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MemoryPool for SharedPool {
    fn name(&self) -> &'static str {
        "shared"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        if consumer.can_spill() {
            self.held().n_spilling += 1;
        }
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        if consumer.can_spill() {
            let mut held = self.held();
            held.n_spilling = held.n_spilling.saturating_sub(1);
        }
    }

    fn grow(&self, _reservation: &MemoryReservation, additional: usize) {
        self.held().bytes += additional;
    }

    fn shrink(&self, _reservation: &MemoryReservation, shrink: usize) {
        let mut held = self.held();
        held.bytes = held.bytes.saturating_sub(shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let mut held = self.held();
        let share = self.limit / held.n_spilling.max(4);
        let size = reservation.size() + additional;
        let reach = if !reservation.consumer().can_spill() || size <= self.limit / LITTLE {
            self.limit
        } else if size <= share {
            self.limit / 16 * 15
        } else {
            self.limit / 4 * 3
        };
        if held.bytes + additional > reach {
            // Some tell all that they compute, values of the query among it.
            let consumer = reservation.consumer().name();
            let consumer = consumer.split(" (").next().unwrap_or(consumer);
            let (wanted, holds) = (additional, reservation.size());
            let free = reach.saturating_sub(held.bytes);
            return Err(resources_datafusion_err!(
                "{consumer} holds {} and wants {} more, {} are free of {}",
                human_readable_size(holds),
                human_readable_size(wanted),
                human_readable_size(free),
                human_readable_size(self.limit)
            ));
        }
        held.bytes += additional;
        Ok(())
    }

    fn reserved(&self) -> usize {
        self.held().bytes
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.limit)
    }
}

impl fmt::Display for SharedPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shared({})", human_readable_size(self.limit))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn what_begins_beside_a_sort_that_takes_all_it_gets_finds_room() {
        let pool: Arc<dyn MemoryPool> = Arc::new(SharedPool::new(1000));
        let spilling = |name: &str| {
            let consumer = MemoryConsumer::new(name).with_can_spill(true);
            consumer.register(&pool)
        };
        let first = spilling("first");
        while first.try_grow(10).is_ok() {}
        assert_eq!(first.size(), 750);
        let second = spilling("second");
        while second.try_grow(10).is_ok() {}
        assert_eq!(second.size(), 180);
        let third = spilling("third");
        while third.try_grow(1).is_ok() {}
        assert_eq!(third.size(), 1000 / LITTLE);
    }

    #[test]
    fn what_can_spill_leaves_room_for_what_cannot_and_for_what_comes_last() {
        let pool: Arc<dyn MemoryPool> = Arc::new(SharedPool::new(1000));
        let spilling = |name: &str| MemoryConsumer::new(name).with_can_spill(true);
        let idle: Vec<MemoryReservation> =
            (0..18).map(|_| spilling("idle").register(&pool)).collect();
        let hungry = spilling("hungry").register(&pool);
        assert!(hungry.try_grow(700).is_ok());
        assert!(hungry.try_grow(100).is_err());
        assert!(hungry.try_grow(50).is_ok());
        // Twenty of them: an equal share is 50.
        let last = spilling("last").register(&pool);
        assert!(last.try_grow(50).is_ok());
        assert!(last.try_grow(1).is_err());
        let held = MemoryConsumer::new("held").register(&pool);
        assert!(held.try_grow(200).is_ok());
        assert!(held.try_grow(1).is_err());
        drop(hungry);
        assert_eq!(pool.reserved(), 250);
        drop(idle);
    }
}
