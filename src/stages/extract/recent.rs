//! The keys that came last: a row that is sent twice mostly comes again soon, and then is never written.

use super::key_table::KeyHash;
use super::survivor::{Judge, Rank, Verdict};
use crate::config::feed::Survivor;

/// Of each half: a hundred thousand keys that stay in the processor's cache.
const BYTES: usize = 2 << 20;

pub struct Recent<'a> {
    young: Judge<'a>,
    /// What was young before, and takes nothing new.
    old: Judge<'a>,
}

impl<'a> Recent<'a> {
    pub fn new(survivor: &'a Survivor) -> Self {
        let (young, mut old) = (Judge::new(survivor, BYTES), Judge::new(survivor, BYTES));
        old.close();
        Self { young, old }
    }

    /// What stands among these keys may repeat a row that came long before.
    pub fn see(&mut self, key: KeyHash, row: Option<usize>, rank: Rank) -> Verdict {
        let rank = match self.old.see(key, row, rank) {
            Verdict::NoRoom(rank) => rank,
            verdict => return verdict,
        };
        let rank = match self.young.see(key, row, rank) {
            Verdict::NoRoom(rank) => rank,
            verdict => return verdict,
        };
        std::mem::swap(&mut self.young, &mut self.old);
        self.old.close();
        self.young.forget();
        self.young.see(key, row, rank)
    }
}
