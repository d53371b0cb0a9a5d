//! Clean batches, in file order -> staging and quarantine. Here, and only here, a row is found to be a duplicate.

use std::io::Write;

use polars::prelude::*;

use super::clean_batch::CleanBatch;
use super::dedupe::{Dedupe, Rank, Survey};
use super::error::{ExtractError, engine};
use super::quarantine::QuarantineWriter;
use super::totals::Totals;
use crate::config::feed::{Delivery, FeedSpec};
use crate::domain::BusinessDate;
use crate::stages::clean::batch::staging_schema;
use crate::stages::row_groups::RowGroupWriter;

/// Where decided rows go.
enum Purpose<'w> {
    /// The first of two passes, for `last` and `latest`: only keys are noted.
    Survey(Survey),
    Load(Box<Outputs<'w>>),
}

struct Outputs<'w> {
    staging: RowGroupWriter<&'w mut dyn Write>,
    quarantine: QuarantineWriter<&'w mut dyn Write>,
    dedupe: Dedupe<'w>,
}

pub struct Loader<'a> {
    feed: &'a FeedSpec,
    business_date: BusinessDate,
    file_id: i64,
    /// Sound rows seen so far: both passes number them alike.
    ordinal: u64,
    purpose: Purpose<'a>,
    pub totals: Totals,
}

impl<'a> Loader<'a> {
    /// A pass that only finds survivors.
    pub fn surveying(feed: &'a FeedSpec, business_date: BusinessDate) -> Self {
        Self {
            feed,
            business_date,
            file_id: 0,
            ordinal: 0,
            purpose: Purpose::Survey(Survey::new(feed.survivor.clone())),
            totals: Totals::new(feed),
        }
    }

    /// The pass that writes.
    ///
    /// # Errors
    /// When a handle cannot be written.
    pub fn loading(
        feed: &'a FeedSpec,
        business_date: BusinessDate,
        dedupe: Dedupe<'a>,
        staging: &'a mut dyn Write,
        quarantine: &'a mut dyn Write,
    ) -> Result<Self, ExtractError> {
        let outputs = || {
            Ok(Outputs {
                staging: RowGroupWriter::try_new(staging, &staging_schema(feed))?,
                quarantine: QuarantineWriter::try_new(quarantine, feed)?,
                dedupe,
            })
        };
        let outputs = outputs().map_err(|source| engine(feed, "opening the outputs", source))?;
        Ok(Self {
            purpose: Purpose::Load(Box::new(outputs)),
            ..Self::surveying(feed, business_date)
        })
    }

    pub fn enter_file(&mut self, relative_path: &str, file_id: i64) {
        self.file_id = file_id;
        self.totals.enter_file(self.feed);
        if let Purpose::Load(outputs) = &mut self.purpose {
            outputs.quarantine.enter_file(relative_path);
        }
    }

    /// # Errors
    /// When an output cannot be written.
    pub fn take(&mut self, batch: CleanBatch) -> Result<(), ExtractError> {
        self.totals.add(&batch.totals);
        let first = self.ordinal;
        self.ordinal += batch.lines.len() as u64;
        match &mut self.purpose {
            Purpose::Survey(survey) => {
                let mut ranks = batch.ranks.into_iter();
                for (ordinal, key) in (first..).zip(batch.keys) {
                    survey.see(key, ordinal, ranks.next().unwrap_or(Rank::Null));
                }
                Ok(())
            }
            Purpose::Load(outputs) => {
                for row in &batch.rejected {
                    outputs
                        .quarantine
                        .push(row)
                        .map_err(|source| engine(self.feed, "writing quarantine", source))?;
                }
                let admitted = outputs.dedupe.admit(first, &batch.keys);
                let admitted = admitted.map_err(|source| {
                    engine(self.feed, "reading the keys of earlier nights", source)
                })?;
                self.write(batch.rows, batch.lines, &admitted)
                    .map_err(|source| engine(self.feed, "writing staging", source))
            }
        }
    }

    fn write(
        &mut self,
        mut rows: DataFrame,
        mut lines: Vec<i64>,
        admitted: &[bool],
    ) -> PolarsResult<()> {
        let Purpose::Load(outputs) = &mut self.purpose else {
            return Ok(());
        };
        if admitted.contains(&false) {
            let mask: BooleanChunked = admitted.iter().copied().map(Some).collect();
            let duplicates = rows.filter(&!&mask)?;
            self.totals.rows.duplicate += duplicates.height() as u64;
            for (index, units) in sums(&self.totals, &duplicates)?.into_iter().enumerate() {
                self.totals.money[index].duplicate += units;
            }
            rows = rows.filter(&mask)?;
            let mut keep = admitted.iter().copied();
            lines.retain(|_| keep.next().unwrap_or(true));
        }
        let height = lines.len();
        self.totals.rows.loaded += rows.height() as u64;
        // Summed from what is written, not from what was counted.
        for (index, units) in sums(&self.totals, &rows)?.into_iter().enumerate() {
            self.totals.money[index].loaded += units;
        }
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
        outputs.staging.push(&rows)
    }

    /// Writes what is left; gives the survey of a surveying pass.
    ///
    /// # Errors
    /// When an output cannot be written.
    pub fn finish(self) -> Result<(Totals, Option<Survey>), ExtractError> {
        let feed = self.feed;
        match self.purpose {
            Purpose::Survey(survey) => Ok((self.totals, Some(survey))),
            Purpose::Load(outputs) => {
                let Outputs {
                    staging,
                    quarantine,
                    ..
                } = *outputs;
                staging
                    .finish()
                    .map_err(|source| engine(feed, "writing staging", source))?;
                quarantine
                    .finish()
                    .map_err(|source| engine(feed, "writing quarantine", source))?;
                Ok((self.totals, None))
            }
        }
    }
}

/// Of each money column, in units of its scale.
fn sums(totals: &Totals, rows: &DataFrame) -> PolarsResult<Vec<i128>> {
    let columns = totals.columns.iter();
    columns
        .map(|column| {
            let units = rows.column(&column.name)?.decimal()?.physical();
            Ok(units.iter().flatten().sum())
        })
        .collect()
}
