//! Candidate pairs: block by block, each pair once, in parallel; blocks above the limit are cut by further keys.

use std::collections::HashSet;

use rayon::prelude::*;

use super::block::{Block, Refinement};

/// What became of the blocks of one rule that were too large.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Large {
    /// Cut by further keys into smaller ones.
    pub refined_blocks: u64,
    /// Too large after the last further key: their pairs are passed over.
    pub refused_blocks: u64,
    pub refused_records: u64,
    /// Hashes of all of them.
    hashes: HashSet<u64>,
}

impl Large {
    #[must_use]
    pub const fn is_some(&self) -> bool {
        self.refined_blocks + self.refused_blocks > 0
    }
}

/// By record and rule, how many further keys cut its blocks, four bits each; `REFUSED` if not even all of them were
/// enough. A record with several keys has the highest of its levels.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Levels(pub Vec<u64>);

/// Stands above every other level.
const REFUSED: usize = 15;

/// Rules from the sixteenth on share one place: then more pairs are due, never fewer.
const fn shift(rule: usize) -> usize {
    4 * if rule < 15 { rule } else { 15 }
}

impl Levels {
    fn of(&self, record: u32, rule: usize) -> usize {
        let level = (self.0[record as usize] >> shift(rule)) & REFUSED as u64;
        usize::try_from(level).unwrap_or(REFUSED)
    }

    fn raise(&mut self, record: u32, rule: usize, level: usize) {
        if level > self.of(record, rule) {
            let levels = &mut self.0[record as usize];
            *levels &= !((REFUSED as u64) << shift(rule));
            *levels |= (level as u64) << shift(rule);
        }
    }
}

/// Of which pairs an earlier night knows nothing.
#[derive(Debug, Default)]
pub struct Due {
    /// By record: it is new since then, or not the same.
    pub is_changed: Vec<bool>,
    /// As they were then. Two records that were not compared because their block was too large are due when it is cut
    /// by fewer keys tonight.
    pub levels: Levels,
}

/// All blocking rules of a kind.
pub struct Blocks<'a> {
    pub blocks: Vec<Block<'a>>,
    /// By rule, as far as they have been shown.
    pub large: Vec<Large>,
    pub limit: usize,
    /// A rule that has more keys, as position tokens are, goes through the records several times and takes the blocks of
    /// one share of all hashes at a time.
    pub keys_at_once: usize,
    /// What cuts blocks above the limit, one after the other.
    pub refinements: Vec<Refinement<'a>>,
    /// Without it, every pair is due.
    pub due: Option<&'a Due>,
}

/// A record of the block of this hash, in twelve bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Keyed {
    high: u32,
    low: u32,
    record: u32,
}

impl Keyed {
    const fn new(hash: u64, record: u32) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "the halves of a word")]
        let (high, low) = ((hash >> 32) as u32, hash as u32);
        Self { high, low, record }
    }

    const fn hash(self) -> u64 {
        (self.high as u64) << 32 | self.low as u64
    }
}

/// Groups that one task looks at, and tasks whose findings are handed over at once.
const GROUPS_A_TASK: usize = 512;
const TASKS_AT_ONCE: usize = 64;

/// Keys that are looked at together: a hundred megabytes of them, or four a record.
#[must_use]
pub fn keys_at_once(n_records: usize) -> usize {
    (4 * n_records).max(1 << 23)
}

/// Records that tell how many keys a record has.
const RECORDS_LOOKED_AT: usize = 4096;

/// Records whose keys are found side by side.
const RECORDS_AT_ONCE: usize = 1 << 18;

impl Blocks<'_> {
    /// Shows every due pair of the next rule's blocks that `may` be one, the smaller record first, and whether no earlier
    /// rule showed it. Hands over what each task gathered, in an order that depends on the records alone; false after the
    /// last rule.
    pub fn next_rule<A: Send, V>(
        &mut self,
        records: &[u32],
        levels: &mut Levels,
        may: impl Fn(u32, u32) -> bool + Sync,
        start: impl Fn() -> A + Sync,
        visit: V,
        mut take: impl FnMut(A),
    ) -> bool
    where
        V: Fn(&mut A, u32, u32, bool) + Sync,
    {
        let rule = self.large.len();
        let Some(block) = self.blocks.get(rule) else {
            return false;
        };
        let mut large = Large::default();
        let n_keys = keys_a_record(block, records) * records.len();
        let n_shares = n_keys.div_ceil(self.keys_at_once) as u64;
        for share in 0..n_shares {
            let keyed = keyed(block, records, |hash| share_of(hash, n_shares) == share);
            let by_level = self.cut(rule, keyed, levels, &mut large);
            self.show(rule, &by_level, &may, &start, &visit, &mut take);
        }
        self.large.push(large);
        true
    }

    /// Shows the pairs of these blocks.
    fn show<A: Send, V>(
        &self,
        rule: usize,
        by_level: &[Vec<Keyed>],
        may: &(impl Fn(u32, u32) -> bool + Sync),
        start: &(impl Fn() -> A + Sync),
        visit: &V,
        take: &mut impl FnMut(A),
    ) where
        V: Fn(&mut A, u32, u32, bool) + Sync,
    {
        let block = &self.blocks[rule];
        let mut groups = Vec::new();
        for (level, keyed) in by_level.iter().enumerate() {
            let same = keyed.chunk_by(|left, right| left.hash() == right.hash());
            let fit = same.filter(|group| (2..=self.limit).contains(&group.len()));
            groups.extend(fit.map(|group| (level, group)));
        }
        let task = |groups: &[(usize, &[Keyed])]| {
            let mut gathered = start();
            for (level, group) in groups {
                // Of a group that is all due one look at each record spares one at each pair.
                let is_one =
                    self.due.is_none() && block.is_one(group.iter().map(|keyed| keyed.record));
                let mut show = |left: u32, right: u32| {
                    if may(left, right) && (is_one || block.agree(left, right)) {
                        let is_new = !self.shows(left, right);
                        visit(&mut gathered, left, right, is_new);
                    }
                };
                match self.due {
                    Some(due) => due.each(group, rule, *level, &mut show),
                    None => all_pairs(group, &mut show),
                }
            }
            gathered
        };
        for groups in groups.chunks(GROUPS_A_TASK * TASKS_AT_ONCE) {
            let tasks = groups.par_chunks(GROUPS_A_TASK).map(task);
            tasks.collect::<Vec<A>>().into_iter().for_each(&mut *take);
        }
    }

    /// Cuts what is too large by one further key after the other: by level, the records with the hashes of their blocks.
    fn cut(
        &self,
        rule: usize,
        keyed: Vec<Keyed>,
        levels: &mut Levels,
        large: &mut Large,
    ) -> Vec<Vec<Keyed>> {
        let mut by_level = vec![keyed];
        loop {
            let level = by_level.len() - 1;
            let mut cut: Vec<Keyed> = Vec::new();
            for group in by_level[level].chunk_by(|left, right| left.hash() == right.hash()) {
                let fits = group.len() <= self.limit;
                let own = if fits { level } else { REFUSED };
                let refinement = self.refinements.get(level).filter(|_| !fits);
                if own > 0 && refinement.is_none() {
                    for keyed in group {
                        levels.raise(keyed.record, rule, own);
                    }
                }
                if fits {
                    continue;
                }
                large.hashes.insert(group[0].hash());
                match refinement {
                    Some(further) => {
                        large.refined_blocks += 1;
                        cut.extend(group.iter().map(|keyed| {
                            let hash = further.hash(keyed.hash(), keyed.record);
                            Keyed::new(hash, keyed.record)
                        }));
                    }
                    None => {
                        large.refused_blocks += 1;
                        large.refused_records += group.len() as u64;
                    }
                }
            }
            if cut.is_empty() {
                return by_level;
            }
            cut.par_sort_unstable();
            by_level.push(cut);
        }
    }

    /// Whether one of the rules so far shows this pair when it is due.
    #[must_use]
    pub fn shows(&self, left: u32, right: u32) -> bool {
        let earlier = self.blocks.iter().zip(&self.large);
        earlier.into_iter().any(|(block, large)| {
            block.agree(left, right)
                && (large.hashes.is_empty()
                    // With several keys each, one that both have must have been small enough.
                    || block.any_shared(left, right, |hash| self.fits(large, hash, left, right)))
        })
    }

    /// Whether both stand in one block that is small enough, once the block of this hash is cut.
    fn fits(&self, large: &Large, mut hash: u64, left: u32, right: u32) -> bool {
        let mut further = self.refinements.iter();
        while large.hashes.contains(&hash) {
            let Some(further) = further.next() else {
                return false;
            };
            let (one, other) = (further.hash(hash, left), further.hash(hash, right));
            if one != other {
                return false;
            }
            hash = one;
        }
        true
    }
}

/// How many keys a record has on average, by some of them; at least one.
fn keys_a_record(block: &Block<'_>, records: &[u32]) -> usize {
    let some = records
        .iter()
        .step_by(records.len() / RECORDS_LOOKED_AT + 1);
    let mut hashes = Vec::new();
    let n_records = some
        .map(|record| block.hashes(*record, &mut hashes))
        .count();
    hashes.len().div_ceil(n_records.max(1)).max(1)
}

/// Which of so many equal shares of all hashes this one is in.
fn share_of(hash: u64, n_shares: u64) -> u64 {
    ((hash >> 32) * n_shares) >> 32
}

/// The records with the hashes of their keys, as far as these are wanted, sorted.
fn keyed(block: &Block<'_>, records: &[u32], is_wanted: impl Fn(u64) -> bool + Sync) -> Vec<Keyed> {
    let mut keyed = Vec::with_capacity(records.len());
    for records in records.chunks(RECORDS_AT_ONCE) {
        let some = records.par_chunks(RECORDS_AT_ONCE / 64).map(|records| {
            let (mut some, mut hashes) = (Vec::with_capacity(records.len()), Vec::new());
            for record in records {
                hashes.clear();
                block.hashes(*record, &mut hashes);
                let wanted = hashes.iter().filter(|hash| is_wanted(**hash));
                some.extend(wanted.map(|hash| Keyed::new(*hash, *record)));
            }
            some
        });
        some.collect::<Vec<_>>()
            .iter()
            .for_each(|some| keyed.extend(some));
    }
    keyed.par_sort_unstable();
    keyed
}

fn all_pairs(group: &[Keyed], show: &mut impl FnMut(u32, u32)) {
    for (position, left) in group.iter().enumerate() {
        for right in &group[position + 1..] {
            show(left.record, right.record);
        }
    }
}

impl Due {
    /// Shows the due pairs of a block, whose records ascend.
    fn each(&self, group: &[Keyed], rule: usize, level: usize, show: &mut impl FnMut(u32, u32)) {
        let is_changed = |keyed: &Keyed| self.is_changed[keyed.record as usize];
        for (position, one) in group.iter().enumerate() {
            if !is_changed(one) {
                continue;
            }
            // A changed one before this has shown their pair.
            let before = group[..position].iter().filter(|other| !is_changed(other));
            before.for_each(|other| show(other.record, one.record));
            let after = group[position + 1..].iter();
            after.for_each(|other| show(one.record, other.record));
        }
        let was_cut =
            |keyed: &&Keyed| !is_changed(keyed) && self.levels.of(keyed.record, rule) > level;
        if group.iter().filter(was_cut).nth(1).is_some() {
            let released: Vec<Keyed> = group.iter().filter(was_cut).copied().collect();
            all_pairs(&released, show);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::matching::{BlockKey, Detail};
    use crate::stages::resolve::similarity::attributes::{Attributes, Slot};
    use crate::stages::resolve::tokens::NONE;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// City, state and postcode of each record.
    fn attributes(records: &[(u8, u8, u8)]) -> Attributes {
        let slots = [Detail::City, Detail::State, Detail::Postcode].map(Slot::of);
        let mut attributes = Attributes::of(&slots);
        for (city, state, postcode) in records {
            let texts = [city, state, postcode].map(|value| match value {
                0 => String::new(),
                value => format!("V{value}"),
            });
            let numbers: Vec<u32> = slots
                .iter()
                .zip(&texts)
                .map(|(slot, text)| attributes.number(*slot, text))
                .collect();
            attributes.push(numbers.into_iter());
        }
        attributes
    }

    type Pairs = BTreeSet<(u32, u32)>;

    fn shown(records: &[(u8, u8, u8)], due: Option<&Due>) -> (Pairs, Levels, Vec<Large>) {
        let attributes = attributes(records);
        let nobody = vec![NONE; records.len()];
        let rules = [vec![BlockKey::City], vec![BlockKey::Postcode]];
        let blocks = rules
            .iter()
            .map(|keys| Block::new(keys, &attributes, &nobody));
        let mut blocks = Blocks {
            blocks: blocks.collect(),
            large: Vec::new(),
            limit: 3,
            keys_at_once: 4,
            refinements: vec![Refinement::new(BlockKey::Postcode, &attributes, &nobody)],
            due,
        };
        let everybody: Vec<u32> = (0..).take(records.len()).collect();
        let mut levels = Levels(vec![0; records.len()]);
        let mut pairs = Pairs::new();
        loop {
            let mut of_rule = Vec::new();
            let has_rule = blocks.next_rule(
                &everybody,
                &mut levels,
                |_, _| true,
                Vec::new,
                |pairs, left, right, is_new| {
                    if is_new {
                        pairs.push((left, right));
                    }
                },
                |pairs| of_rule.extend(pairs),
            );
            if !has_rule {
                break;
            }
            for pair in of_rule {
                assert!(pairs.insert(pair), "{pair:?} came twice");
                assert!(blocks.shows(pair.0, pair.1));
            }
        }
        (pairs, levels, blocks.large)
    }

    #[test]
    fn a_large_block_is_cut_by_a_further_key_or_refused() {
        let in_one_city = [
            (1, 0, 1),
            (1, 0, 1),
            (1, 0, 2),
            (1, 0, 2),
            (2, 0, 3),
            (2, 0, 4),
        ];
        let (pairs, _, large) = shown(&in_one_city, None);
        assert_eq!(pairs, Pairs::from([(0, 1), (2, 3), (4, 5)]));
        assert_eq!((large[0].refined_blocks, large[0].refused_blocks), (1, 0));
        let all_alike = [(1, 0, 1); 4];
        let (pairs, levels, large) = shown(&all_alike, None);
        assert!(pairs.is_empty());
        assert_eq!((large[0].refused_blocks, large[0].refused_records), (1, 4));
        assert_eq!(levels.of(0, 0), REFUSED);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn due_pairs_and_those_of_last_night_are_all_pairs(
            before in proptest::collection::vec((0_u8..4, 0_u8..2, 0_u8..4), 2..16),
            changes in proptest::collection::vec((0_usize..16, (0_u8..4, 0_u8..2, 0_u8..4)), 0..5),
            new in proptest::collection::vec((0_u8..4, 0_u8..2, 0_u8..4), 0..4),
        ) {
            let (known, levels, _) = shown(&before, None);
            let mut after = before.clone();
            for (at, record) in changes {
                let at = at % before.len();
                after[at] = record;
            }
            let mut is_changed: Vec<bool> =
                before.iter().zip(&after).map(|(one, other)| one != other).collect();
            after.extend(new);
            is_changed.resize(after.len(), true);
            let mut levels = levels;
            levels.0.resize(after.len(), 0);
            let due = Due { is_changed, levels };
            let (all, levels_of_all, _) = shown(&after, None);
            let (due_pairs, levels_of_due, _) = shown(&after, Some(&due));
            let changed = |record: u32| due.is_changed[record as usize];
            let kept = known.iter().filter(|(one, other)| {
                !changed(*one) && !changed(*other) && all.contains(&(*one, *other))
            });
            let together: Pairs = kept.copied().chain(due_pairs).collect();
            prop_assert_eq!(together, all);
            prop_assert_eq!(levels_of_due, levels_of_all);
        }
    }
}
