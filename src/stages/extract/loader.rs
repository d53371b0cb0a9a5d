//! Clean batches, in file order -> staging and quarantine. Here, and only here, a row is found to be a duplicate.

use std::io::Write;

use fixedbitset::FixedBitSet;
use polars::prelude::*;

use super::clean_batch::CleanBatch;
use super::dedupe::Dedupe;
use super::error::{ExtractError, engine};
use super::quarantine::QuarantineWriter;
use super::totals::Totals;
use crate::config::feed::{Delivery, FeedSpec};
use crate::domain::BusinessDate;
use crate::stages::clean::batch::staging_schema;
use crate::stages::row_groups::RowGroupWriter;

pub struct Loader<'a> {
    feed: &'a FeedSpec,
    business_date: BusinessDate,
    file_id: i64,
    staging: RowGroupWriter<&'a mut dyn Write>,
    quarantine: QuarantineWriter<&'a mut dyn Write>,
    dedupe: Dedupe<'a>,
    pub totals: Totals,
}

impl<'a> Loader<'a> {
    /// # Errors
    /// When a handle cannot be written.
    pub fn try_new(
        feed: &'a FeedSpec,
        business_date: BusinessDate,
        dedupe: Dedupe<'a>,
        staging: &'a mut dyn Write,
        quarantine: &'a mut dyn Write,
    ) -> Result<Self, ExtractError> {
        let opened = || {
            Ok(Self {
                feed,
                business_date,
                file_id: 0,
                staging: RowGroupWriter::try_new(staging, &staging_schema(feed))?,
                quarantine: QuarantineWriter::try_new(quarantine, feed)?,
                dedupe,
                totals: Totals::new(feed),
            })
        };
        opened().map_err(|source| engine(feed, "opening the outputs", source))
    }

    pub fn enter_file(&mut self, relative_path: &str, file_id: i64) {
        self.file_id = file_id;
        self.totals.enter_file(self.feed);
        self.quarantine.enter_file(relative_path);
    }

    /// # Errors
    /// When an output cannot be written.
    pub fn take(&mut self, batch: CleanBatch) -> Result<(), ExtractError> {
        let feed = self.feed;
        self.totals.add(&batch.totals);
        for row in &batch.rejected {
            self.quarantine
                .push(row)
                .map_err(|source| engine(feed, "writing quarantine", source))?;
        }
        let admitted = self
            .dedupe
            .admit(&batch.keys, batch.ranks)
            .map_err(|source| engine(feed, "comparing keys", source))?;
        self.write(batch.rows, batch.lines, &admitted)
            .map_err(|source| engine(feed, "writing staging", source))
    }

    fn write(
        &mut self,
        mut rows: DataFrame,
        mut lines: Vec<i64>,
        admitted: &[bool],
    ) -> PolarsResult<()> {
        if admitted.contains(&false) {
            let mask: BooleanChunked = admitted.iter().copied().map(Some).collect();
            self.totals.leave_out(&rows.filter(&!&mask)?)?;
            rows = rows.filter(&mask)?;
            let mut keep = admitted.iter().copied();
            lines.retain(|_| keep.next().unwrap_or(true));
        }
        let height = lines.len();
        // Summed from what is written, not from what was counted.
        self.totals.load(&rows)?;
        rows.with_column(Column::new_scalar(
            "_file_id".into(),
            Scalar::from(self.file_id),
            height,
        ))?;
        rows.with_column(Column::new("_line".into(), lines))?;
        if self.feed.delivery == Delivery::Append {
            let days = vec![self.business_date.days_since_epoch(); height];
            let dates = Int32Chunked::from_vec("_business_date".into(), days).into_date();
            rows.with_column(dates.into_column())?;
        }
        self.staging.push(&rows)
    }

    /// Writes what is left; gives the rows of staging that must be taken out again, by their places.
    ///
    /// # Errors
    /// When an output cannot be written.
    pub fn finish(self) -> Result<(Totals, FixedBitSet), ExtractError> {
        let failed = |doing| move |source| engine(self.feed, doing, source);
        self.staging.finish().map_err(failed("writing staging"))?;
        self.quarantine
            .finish()
            .map_err(failed("writing quarantine"))?;
        let repeated = self.dedupe.finish();
        let repeated = repeated.map_err(|source| failed("comparing keys")(source.into()))?;
        Ok((self.totals, repeated))
    }
}
