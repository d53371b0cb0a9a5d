//! The keys that came last: a row that is sent twice mostly comes again soon, and then is never written.

use super::key_table::KeyHash;
use super::survivor::{Judge, Rank, Verdict};
use crate::config::feed::Survivor;

pub struct Recent<'a> {
    young: Judge<'a>,
    /// What was young before, and takes nothing new.
    old: Judge<'a>,
}

impl<'a> Recent<'a> {
    /// Each half takes at most `bytes`.
    pub fn new(survivor: &'a Survivor, bytes: usize) -> Self {
        let (young, mut old) = (Judge::new(survivor, bytes), Judge::new(survivor, bytes));
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

#[cfg(test)]
mod tests {
    use super::{Recent, Verdict};
    use crate::config::feed::Survivor;
    use crate::stages::clean::value::Value;
    use crate::stages::extract::key_table::hash_key;
    use crate::stages::extract::survivor::Rank;

    #[test]
    fn what_came_last_is_known_and_what_came_long_before_forgotten() {
        let mut recent = Recent::new(&Survivor::First, 16 << 10);
        let mut see = |number: usize| {
            let value = Value::Integer(number.cast_signed() as i64);
            let key = hash_key([value].iter(), &mut Vec::new());
            recent.see(key, Some(number), Rank::Null)
        };
        for number in 0..20_000 {
            assert_eq!(see(number), Verdict::Stands, "{number}");
            for before in [0, 1, 50] {
                let again = number.saturating_sub(before);
                assert_eq!(see(again), Verdict::Repeats, "{again} after {number}");
            }
        }
        // Too long ago for both halves.
        assert_eq!(see(10_000), Verdict::Stands);
    }
}
