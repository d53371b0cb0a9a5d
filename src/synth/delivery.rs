//! One delivered file with its controls, and the dirt that comes with it.
//!
//! Dirt never loses anything: a broken row is an additional copy of a good one (a sender's failed first attempt), so
//! the bank's truth can always be found again. Controls count what was physically sent, broken copies included.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;

use chrono::NaiveDate;

use crate::domain::Money;
use crate::synth::Output;
use crate::synth::coded::{Charset, CodedFile};
use crate::synth::draw::{Draw, Purpose};
use crate::synth::error::SynthError;
use crate::synth::window::day_key;

/// How the fields of a row become a line.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// Fields that hold the delimiter, a quote or a line end are quoted.
    Delimited {
        delimiter: &'static str,
        line_end: &'static str,
    },
    /// Fields are already padded; `D` comes first, a header and a trailer record frame the file.
    Framed,
    /// The only field is the whole line.
    Line,
}

/// What can be wrong with a row.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    /// The row is sent twice.
    Twice,
    /// A copy without its last two fields.
    Ragged,
    /// A copy with this text in the field.
    Wrong(usize, &'static str),
    /// A copy with a quote in the middle of the unquoted field.
    BrokenQuote(usize),
    /// The row itself has a quote in the middle of the unquoted field.
    StrayQuote(usize),
    /// A copy cut in the middle.
    Cut,
}

/// Names in the control file.
#[derive(Debug, Clone, Copy)]
pub struct ControlNames {
    /// File name; empty where the file has its own frame.
    pub file: &'static str,
    pub rows: &'static str,
    pub date: &'static str,
    pub sum: &'static str,
    /// Sum of the digits of the row's first field.
    pub hash: &'static str,
}

impl ControlNames {
    pub const NONE: Self = Self {
        file: "",
        rows: "",
        date: "",
        sum: "",
        hash: "",
    };

    #[must_use]
    pub const fn plain(file: &'static str) -> Self {
        Self {
            file,
            rows: "rows",
            date: "date",
            sum: "",
            hash: "",
        }
    }

    #[must_use]
    pub const fn summed(file: &'static str, sum: &'static str) -> Self {
        Self {
            file,
            rows: "rows",
            date: "date",
            sum,
            hash: "",
        }
    }
}

/// A feed's file: everything but its rows.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    pub source: &'static str,
    /// `{}` stands for the date as YYYYMMDD.
    pub file: &'static str,
    pub shape: Shape,
    pub charset: Charset,
    pub header: &'static str,
    pub control: ControlNames,
    pub faults: &'static [Fault],
    /// At least this many rows for each dirty one, so that the feed's reject limit holds for any size.
    pub clean_per_dirty: u64,
}

/// For feeds with a reject limit of half a percent or less.
pub const RARELY_DIRTY: u64 = 400;
/// For logs, whose limit is two percent.
pub const OFTEN_DIRTY: u64 = 80;

/// Whose rows are being written, and whether they are sent.
#[derive(Debug, Clone, Copy, Default)]
pub struct Turn {
    pub customer: u64,
    /// Rows are noted as they stood the night before; what stands the same tonight is not sent.
    pub is_rehearsal: bool,
}

pub struct Delivery {
    /// Shared by all deliveries of the night.
    turn: Rc<Cell<Turn>>,
    noted: BTreeSet<String>,
    noted_of: Option<u64>,
    layout: Layout,
    night: NaiveDate,
    path: String,
    file: CodedFile,
    dirt: Draw,
    rows: u64,
    dirty: u64,
    sum: i64,
    hash: u128,
}

impl Delivery {
    pub fn open(
        output: &mut dyn Output,
        seed: u64,
        night: NaiveDate,
        layout: Layout,
        turn: Rc<Cell<Turn>>,
    ) -> Result<Self, SynthError> {
        let name = layout
            .file
            .replace("{}", &night.format("%Y%m%d").to_string());
        let path = format!("landing/{}/{night}/{name}", layout.source);
        let failed = |source| SynthError::Write {
            path: path.clone(),
            source,
        };
        let mut file = CodedFile::create(output, &path, layout.charset).map_err(failed)?;
        let start = match layout.shape {
            Shape::Framed => format!("H{}{:<24}\n", night.format("%Y%m%d"), layout.header),
            Shape::Delimited { line_end, .. } if !layout.header.is_empty() => {
                format!("{}{line_end}", layout.header)
            }
            _ => String::new(),
        };
        file.text(&start).map_err(failed)?;
        let key = layout
            .file
            .bytes()
            .chain(layout.source.bytes())
            .fold(7_u64, |hash, byte| {
                hash.wrapping_mul(31).wrapping_add(u64::from(byte))
            });
        Ok(Self {
            turn,
            noted: BTreeSet::new(),
            noted_of: None,
            layout,
            night,
            file,
            dirt: Draw::new(seed, Purpose::Dirt, key, day_key(night)),
            path,
            rows: 0,
            dirty: 0,
            sum: 0,
            hash: 0,
        })
    }

    /// Writes a row, now and then with a dirty companion; `amount` is what the control's sum adds up.
    ///
    /// In a rehearsal the row is only noted, and a row noted of the same customer is not written again.
    pub fn row(&mut self, fields: &[&str], amount: i64) -> Result<(), SynthError> {
        if self.is_known(fields) {
            return Ok(());
        }
        let is_dirty = self.dirt.below(self.layout.clean_per_dirty * 3 / 2) == 0
            && !self.layout.faults.is_empty()
            && self.rows >= (self.dirty + 1) * self.layout.clean_per_dirty;
        if !is_dirty {
            return self.line(&self.joined(fields, None), fields, amount);
        }
        self.dirty += 1;
        let faults = self.layout.faults;
        match *self.dirt.pick(faults) {
            Fault::Twice => self.line(&self.joined(fields, None), fields, amount)?,
            Fault::Ragged => {
                let kept = &fields[..fields.len().saturating_sub(2)];
                self.line(&self.joined(kept, None), fields, amount)?;
            }
            Fault::Wrong(place, text) => {
                let mut wrong = fields.to_vec();
                wrong[place] = text;
                self.line(&self.joined(&wrong, None), fields, amount)?;
            }
            Fault::BrokenQuote(place) => {
                self.line(&self.joined(fields, Some(place)), fields, amount)?;
            }
            Fault::StrayQuote(place) => {
                return self.line(&self.joined(fields, Some(place)), fields, amount);
            }
            Fault::Cut => {
                let line = self.joined(fields, None);
                let half = line.chars().count() / 2;
                self.line(&line.chars().take(half).collect::<String>(), fields, amount)?;
            }
        }
        self.line(&self.joined(fields, None), fields, amount)
    }

    fn is_known(&mut self, fields: &[&str]) -> bool {
        let turn = self.turn.get();
        if turn.is_rehearsal {
            if self.noted_of.replace(turn.customer) != Some(turn.customer) {
                self.noted.clear();
            }
            self.noted.insert(self.joined(fields, None));
            return true;
        }
        self.noted_of == Some(turn.customer) && self.noted.contains(&self.joined(fields, None))
    }

    fn joined(&self, fields: &[&str], stray_quote: Option<usize>) -> String {
        let Shape::Delimited { delimiter, .. } = self.layout.shape else {
            let start = if matches!(self.layout.shape, Shape::Framed) {
                "D"
            } else {
                ""
            };
            return format!("{start}{}", fields.concat());
        };
        let quoted: Vec<String> = fields
            .iter()
            .enumerate()
            .map(|(place, field)| match stray_quote {
                Some(at) if at == place => with_stray_quote(field),
                _ if field.contains(delimiter) || field.contains(['"', '\n']) => {
                    format!("\"{}\"", field.replace('"', "\"\""))
                }
                _ => (*field).to_owned(),
            })
            .collect();
        quoted.join(delimiter)
    }

    fn line(&mut self, line: &str, fields: &[&str], amount: i64) -> Result<(), SynthError> {
        self.rows += 1;
        self.sum += amount;
        if !self.layout.control.hash.is_empty() {
            self.hash += fields[0].parse::<u128>().unwrap_or(0);
        }
        let line_end = match self.layout.shape {
            Shape::Delimited { line_end, .. } => line_end,
            Shape::Framed | Shape::Line => "\n",
        };
        self.file
            .text(line)
            .and_then(|()| self.file.text(line_end))
            .map_err(|source| SynthError::Write {
                path: self.path.clone(),
                source,
            })
    }

    /// Closes the file and writes its controls; returns the rows sent.
    pub fn finish(mut self, output: &mut dyn Output) -> Result<u64, SynthError> {
        let Self {
            rows,
            sum,
            hash,
            night,
            ..
        } = self;
        let failed = |source| SynthError::Write {
            path: self.path.clone(),
            source,
        };
        if matches!(self.layout.shape, Shape::Framed) {
            self.file
                .text(&format!("T{rows:09}{sum:018}\n"))
                .map_err(failed)?;
        }
        self.file.finish().map_err(failed)?;
        let names = self.layout.control;
        if names.file.is_empty() {
            return Ok(rows);
        }
        let mut text = format!("{}={night}\n{}={rows}\n", names.date, names.rows);
        if !names.sum.is_empty() {
            let sum = Money(i128::from(sum)).to_decimal(2);
            text.push_str(
                &[
                    names.sum, "=", &sum, "
",
                ]
                .concat(),
            );
        }
        if !names.hash.is_empty() {
            text.push_str(
                &[
                    names.hash,
                    "=",
                    &hash.to_string(),
                    "
",
                ]
                .concat(),
            );
        }
        let path = format!("landing/{}/{night}/{}", self.layout.source, names.file);
        let written = CodedFile::create(output, &path, Charset::Utf8).and_then(|mut file| {
            file.text(&text)?;
            file.finish()
        });
        written.map_err(|source| SynthError::Write { path, source })?;
        Ok(rows)
    }
}

fn with_stray_quote(field: &str) -> String {
    let half = field.chars().count().div_ceil(2);
    let (head, tail): (String, String) = (
        field.chars().take(half).collect(),
        field.chars().skip(half).collect(),
    );
    format!("{head}\"{tail}")
}

/// Cents as `123.45`.
#[must_use]
pub fn money(cents: i64) -> String {
    Money(i128::from(cents)).to_decimal(2)
}

/// Millionths as `0.035000`.
#[must_use]
pub fn ratio(millionths: i64) -> String {
    Money(i128::from(millionths)).to_decimal(6)
}

/// Text padded with blanks and cut to `width` characters.
#[must_use]
pub fn padded(text: &str, width: usize) -> String {
    let kept: String = text.chars().take(width).collect();
    format!("{kept:<width$}")
}
