//! Invented people in households, each with one to three records, and the errors that records have.

use std::fs::File;
use std::path::Path;

use polars::prelude::*;
use salenet::stages::row_groups::RowGroupWriter;

use super::Outcome;

/// One record as it is delivered; an empty text is a value that is missing.
struct Record {
    key: String,
    given: String,
    family: String,
    born: String,
    street: String,
    postcode: String,
    phone: String,
}

/// Writes the records of a night. On the second night one record in a hundred is spelled otherwise than on the first.
///
/// A key is the person's number, a hyphen and the number of the record: the truth, which nothing compares.
#[expect(clippy::disallowed_methods, reason = "a benchmark writes its input")]
pub fn write(path: &Path, n_records: u64, night: u64) -> Outcome<()> {
    const BATCH: usize = 131_072;
    let n_people = n_records / 2;
    let keys = (0..n_people).flat_map(|person| {
        let n_own = 1 + mixed(person, 1) % 3;
        (0..n_own).map(move |number| (person, number))
    });
    let keys: Vec<(u64, u64)> = keys.take(usize::try_from(n_records)?).collect();
    let file = std::io::BufWriter::new(File::create(path)?);
    let mut writer = RowGroupWriter::try_new(file, frame(&[], 0)?.schema())?;
    for (part, keys) in (0..).zip(keys.chunks(BATCH)) {
        let records = keys
            .iter()
            .map(|(person, number)| record(*person, *number, n_people, night));
        let records: Vec<Record> = records.collect();
        writer.push(&frame(&records, part * i64::try_from(BATCH)?)?)?;
    }
    writer.finish()?;
    Ok(())
}

fn frame(records: &[Record], first_line: i64) -> PolarsResult<DataFrame> {
    let text = |name: &str, of: &dyn Fn(&Record) -> &str| {
        let values = records.iter().map(of);
        let values = values.map(|text| (!text.is_empty()).then_some(text));
        Column::new(name.into(), values.collect::<Vec<_>>())
    };
    let lines: Vec<i64> = (first_line + 1..).take(records.len()).collect();
    DataFrame::new(
        records.len(),
        vec![
            text("key", &|record| &record.key),
            text("given", &|record| &record.given),
            text("family", &|record| &record.family),
            text("born", &|record| &record.born),
            text("street", &|record| &record.street),
            text("postcode", &|record| &record.postcode),
            text("phone", &|record| &record.phone),
            Column::new("_file_id".into(), vec![1_i64; records.len()]),
            Column::new("_line".into(), lines),
        ],
    )
}

fn record(person: u64, number: u64, n_people: u64, night: u64) -> Record {
    // One person in three lives in a pair that shares family name, address and phone.
    let home = if person % 6 < 2 {
        person - person % 6
    } else {
        person
    };
    let own = mixed(person, 20 + number);
    let is_respelled = night == 2 && mixed(own, 21).is_multiple_of(100);
    let mut drawn = Draw(mixed(own, if is_respelled { 31 } else { 30 }));
    let moved = if drawn.one_in(12) { 1_000_003 } else { 0 };
    let place = mixed(home + moved, 40);
    let n_postcodes = (n_people / 400).max(20);
    let mut record = Record {
        key: format!("{person:09}-{number}"),
        given: name(skewed(mixed(person, 50), 4_000), 51),
        family: name(skewed(mixed(home, 60), 60_000), 61),
        born: date(mixed(person, 70)),
        street: format!(
            "{} {} Street",
            1 + place % 400,
            name(place / 400 % 3_000, 81)
        ),
        postcode: format!("{:05}", 10_000 + place / 7 % n_postcodes),
        phone: format!(
            "+1{:010}",
            2_000_000_000 + mixed(home + moved, 90) % 8_000_000_000
        ),
    };
    let fields = [
        &mut record.given,
        &mut record.family,
        &mut record.born,
        &mut record.street,
        &mut record.postcode,
        &mut record.phone,
    ];
    for field in fields {
        if drawn.one_in(16) {
            misspell(field, &mut drawn);
        } else if drawn.one_in(30) {
            field.clear();
        }
    }
    if drawn.one_in(60) {
        std::mem::swap(&mut record.given, &mut record.family);
    }
    record
}

/// Small numbers are drawn more often, as common names are.
const fn skewed(drawn: u64, limit: u64) -> u64 {
    let part = drawn % 100_000;
    limit * part / 100_000 * part / 100_000
}

fn name(number: u64, salt: u64) -> String {
    const SYLLABLES: [&str; 24] = [
        "ba", "ker", "lo", "min", "sa", "ta", "ri", "no", "vel", "don", "mar", "el", "wi", "son",
        "ha", "gre", "ton", "ne", "ka", "ril", "os", "tim", "ber", "ly",
    ];
    let mut state = mixed(number, salt);
    let n_syllables = 2 + state % 3;
    let mut name = String::new();
    for _ in 0..n_syllables {
        state = mixed(state, 7);
        name.push_str(SYLLABLES[(state % 24) as usize]);
    }
    name[..1].make_ascii_uppercase();
    name
}

fn date(drawn: u64) -> String {
    let (year, month, day) = (1930 + drawn % 75, 1 + drawn / 75 % 12, 1 + drawn / 900 % 28);
    format!("{year}-{month:02}-{day:02}")
}

/// One character changed, left out, or exchanged with the next.
fn misspell(text: &mut String, drawn: &mut Draw) {
    let mut letters: Vec<char> = text.chars().collect();
    let at = drawn.below(letters.len());
    match drawn.below(3) {
        0 => {
            let others = if letters[at].is_ascii_digit() {
                '0'..='9'
            } else {
                'a'..='z'
            };
            let others: Vec<char> = others.collect();
            letters[at] = others[drawn.below(others.len())];
        }
        1 if letters.len() > 2 => {
            letters.remove(at);
        }
        _ if at + 1 < letters.len() => letters.swap(at, at + 1),
        _ => {}
    }
    *text = letters.into_iter().collect();
}

struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = mixed(self.0, 3);
        self.0
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).unwrap_or_default()
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.next().is_multiple_of(n)
    }
}

/// Numbers that look drawn and are the same every time (`SplitMix64`).
fn mixed(number: u64, salt: u64) -> u64 {
    let mut state = number
        .wrapping_add(salt << 48)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .wrapping_add(salt);
    state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}
