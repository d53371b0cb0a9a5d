//! The room that a query has in memory: beside others, and where it does not fit there, with no other beside it, and at
//! last with joins that spill.

use std::sync::{PoisonError, RwLockReadGuard, RwLockWriteGuard};

use datafusion::execution::context::SessionState;

use super::{Session, SqlError};

/// While it is held, no other query runs but in rooms of the first kind beside one of the first kind.
pub(super) enum Room<'s> {
    BesideOthers(RwLockReadGuard<'s, ()>),
    Alone {
        guard: RwLockWriteGuard<'s, ()>,
        /// The engine's hash join is fast, and does not spill: instead both sides are sorted.
        sorts: bool,
    },
}

impl Room<'_> {
    pub fn is_beside_others(&self) -> bool {
        matches!(self, Self::BesideOthers(_))
    }
}

impl Session {
    /// Waits for a query that runs alone.
    pub(super) fn room(&self) -> Room<'_> {
        Room::BesideOthers(self.alone.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The room for what did not fit into this one, if there is any. Waits for the queries beside.
    pub(super) fn larger<'s>(&'s self, room: Room<'s>) -> Option<Room<'s>> {
        match room {
            Room::BesideOthers(others) => {
                drop(others);
                let guard = self.alone.write().unwrap_or_else(PoisonError::into_inner);
                let sorts = !self.has_others;
                Some(Room::Alone { guard, sorts })
            }
            Room::Alone {
                guard,
                sorts: false,
            } => Some(Room::Alone { guard, sorts: true }),
            Room::Alone { sorts: true, .. } => None,
        }
    }

    pub(super) fn state_in(&self, room: &Room<'_>) -> SessionState {
        let mut state = self.context.state();
        let options = state.config_mut().options_mut();
        let sorts = matches!(room, Room::Alone { sorts: true, .. });
        options.optimizer.prefer_hash_join = !sorts;
        if sorts {
            // The engine sorts only where it spreads.
            let partitions = &mut options.execution.target_partitions;
            *partitions = (*partitions).max(2);
        }
        state
    }

    /// Runs a query in the first room that it fits into.
    pub(super) fn within_memory<T>(
        &self,
        mut run: impl FnMut(SessionState) -> Result<T, SqlError>,
    ) -> Result<T, SqlError> {
        let mut room = self.room();
        loop {
            let done = run(self.state_in(&room));
            if !matches!(done, Err(SqlError::Memory { .. })) {
                return done;
            }
            match self.larger(room) {
                Some(larger) => room = larger,
                None => return done,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::DataFrame;

    use super::*;
    use crate::domain::TableName;
    use crate::sql::catalog::Catalogue;
    use crate::sql::stored_for_tests::session;
    use crate::sql::write::Partitioning;
    use crate::sql::{Bindings, Cell, TableSource};
    use crate::store::Warehouse;

    const JOIN: &str = "select count(*), sum(one.id) from core.one \
                        join core.other on other.note = one.note";

    /// Two tables of 200,000 rows of some seventy bytes.
    fn with_tables(memory: Option<usize>, folder: &std::path::Path) -> Session {
        let rows = "select value as id, 'a text that takes its room, and more room than its number ' || value as note \
                    from (select unnest(generate_series(1, 200000)) as value) as series";
        session(memory, folder, &[("one", rows), ("other", rows)])
    }

    fn joined(session: &Session) -> Result<String, SqlError> {
        let rows = session.query(JOIN, &Bindings::default())?.rows()?;
        let cells = rows.iter().flatten().map(Cell::to_text);
        Ok(cells.collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn a_join_that_does_not_fit_into_memory_spills_and_one_that_cannot_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let expected = "200000 20000100000";
        assert_eq!(joined(&with_tables(None, folder.path())).unwrap(), expected);
        let small = with_tables(Some(1 << 20), folder.path());
        let error = joined(&small).unwrap_err();
        assert!(matches!(error, SqlError::Memory { .. }), "{error}");

        let session = with_tables(Some(12 << 20), folder.path());
        let plan = session.plan(JOIN, &Bindings::default()).unwrap();
        let held = DataFrame::new(session.context.state(), plan.logical);
        let held = session.runtime.block_on(held.collect());
        let error = SqlError::execution(&held.unwrap_err());
        assert!(matches!(error, SqlError::Memory { .. }), "{error}");
        assert_eq!(joined(&session).unwrap(), expected);
    }

    /// As the table of one query, or of several.
    #[test]
    fn a_table_of_which_a_query_ran_again_has_every_row_once() {
        let folder = tempfile::tempdir().unwrap();
        let session = with_tables(Some(12 << 20), folder.path());
        let warehouse = Warehouse::open_or_create(&folder.path().join("warehouse")).unwrap();
        let table = TableName::try_new("marts", "joined").unwrap();
        let few = "select id from core.one where id <= 1000";
        let joined =
            "select one.id + 1000 as id from core.one join core.other on other.note = one.note";
        let in_one = format!("{few} union all {joined}");
        for (queries, order) in [
            (vec![few, joined], vec!["id".to_owned()]),
            // Its rows are written as they come.
            (vec![&in_one], Vec::new()),
        ] {
            let plans = queries
                .iter()
                .map(|sql| session.plan(sql, &Bindings::default()));
            let plans: Vec<_> = plans.map(Result::unwrap).collect();
            let written = session
                .write_ranges(&[plans], &order, &Partitioning::None, &warehouse, &table)
                .unwrap();
            assert_eq!(written.ran_again.len(), 1);
            let told = &written.ran_again[0];
            assert!(told.contains("wants"), "{told}");
            let source = TableSource::of(&warehouse, &written.table);
            session.add_table(Catalogue::Tonight, &table, source);
            let sql = "select count(*), sum(id) from marts.joined";
            let found = session
                .query(sql, &Bindings::default())
                .unwrap()
                .rows()
                .unwrap();
            let found: Vec<String> = found.iter().flatten().map(Cell::to_text).collect();
            // 1 + 2 + … + 201,000.
            assert_eq!(found, ["201000", "20200600500"]);
        }
    }
}
