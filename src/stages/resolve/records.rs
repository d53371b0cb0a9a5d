//! Records as columns, sorted by source, feed and key; and, apart from them, what may link them.
//!
//! A record takes about twenty bytes here, so that tens of millions of them stand in memory at once.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::ResolveError;
use super::names::name_parts;
use super::rows::{CustomerType, Files, Place, Rows};
use super::similarity::Attributes;
use super::similarity::apply::basis;
use super::similarity::attributes::MISSING;
use super::similarity::block::mix;
use super::staging::{Wanted, count_rows, read_rows};
use super::texts::{SortedTexts, SortedTextsReader, TextList};
use super::tokens::{TokenAt, TokenHash, first_holders};
use crate::config::matching::{ExactRule, MatchingSpec, RecordSource};
use crate::domain::TableName;

/// A feed whose records stand together.
#[derive(Debug, Clone)]
pub struct FeedRecords {
    pub source: String,
    pub feed: String,
    pub trust_rank: u32,
    /// One past its last record.
    pub end: u32,
}

/// Persons and organisations as one source knows them, by number.
#[derive(Debug, Default)]
pub struct Records {
    pub feeds: Vec<FeedRecords>,
    pub customer_types: Vec<CustomerType>,
    places: Vec<Place>,
    keys: SortedTexts,
    files: Files,
}

/// What the rules compare.
#[derive(Debug, Default)]
pub struct Evidence {
    /// By record: the first record with the same valid national id.
    pub national_ids: Vec<u32>,
    /// By record: a number of the scheme that its national id follows.
    pub schemes: Vec<u8>,
    /// Records with a card, ascending.
    pub card_holders: Vec<u32>,
    /// By position among the card holders: the first position with the same card.
    pub cards: Vec<u32>,
    names: TextList,
    /// What similarity compares.
    pub attributes: Attributes,
    /// By record: a hash of all that similarity compares in it, and of how it compares; empty without similarity.
    pub contents: Vec<u64>,
}

impl Evidence {
    /// The parts of a card holder's name.
    #[must_use]
    pub fn name_parts(&self, position: usize) -> Vec<String> {
        parts_of(self.names.get(position))
    }
}

fn parts_of(name: &[u8]) -> Vec<String> {
    name_parts(str::from_utf8(name).unwrap_or_default())
}

/// Tokens while records are read.
#[derive(Debug, Default)]
struct Tokens {
    national_ids: Vec<TokenAt>,
    cards: Vec<TokenAt>,
    card_holders: Vec<u32>,
    names: TextList,
    attributes: Attributes,
    schemes: Vec<u8>,
}

/// Reads the records of all staging tables that `spec` names.
///
/// Rows with the same key are one record: the row with the smallest file and line describes it, later rows fill what
/// it lacks.
pub fn read_records(
    spec: &MatchingSpec,
    staging: &BTreeMap<TableName, Vec<PathBuf>>,
) -> Result<(Records, Evidence), ResolveError> {
    let mut by_feed: BTreeMap<(&str, &str), Vec<&RecordSource>> = BTreeMap::new();
    for source in &spec.records {
        let feed = (source.source.as_str(), source.feed.as_str());
        by_feed.entry(feed).or_default().push(source);
    }
    let compares_cards = spec.rules.contains(&ExactRule::Card);
    let paths = |source: &RecordSource| staging.get(&source.table).map_or(&[][..], Vec::as_slice);
    let counts = spec
        .records
        .iter()
        .map(|source| count_rows(source, paths(source)));
    let n_rows = counts.sum::<Result<usize, ResolveError>>()?;
    let mut records = Records::default();
    let mut tokens = Tokens {
        attributes: Attributes::new(spec.similarity.as_ref()),
        ..Tokens::default()
    };
    records.reserve(n_rows);
    tokens.attributes.reserve(n_rows);
    for ((name, feed), sources) in by_feed {
        let wanted = Wanted {
            cards: compares_cards && sources.iter().any(|source| source.card.is_some()),
            national_ids: sources.iter().any(|source| source.national_id.is_some()),
        };
        let mut rows = Rows::default();
        for source in &sources {
            read_rows(
                source,
                paths(source),
                wanted,
                &mut records.files,
                &mut tokens.attributes,
                &mut rows,
            )?;
        }
        let order = rows.sorted(&records.files)?;
        records.append(&rows, &order, &mut tokens)?;
        let scheme = sources.iter().find_map(|source| source.national_id_scheme);
        let scheme = scheme.map_or(0, |scheme| scheme as u8 + 1);
        tokens.schemes.resize(records.len(), scheme);
        records.feeds.push(FeedRecords {
            source: name.to_owned(),
            feed: feed.to_owned(),
            trust_rank: sources.first().map_or(0, |source| source.trust_rank),
            end: number_of(records.len())?,
        });
    }
    tokens.attributes.close();
    let contents = match &spec.similarity {
        Some(similarity) => contents(&records, &tokens, basis(similarity)),
        None => Vec::new(),
    };
    let national_ids = first_holders(tokens.national_ids, records.len());
    let cards = first_holders(tokens.cards, tokens.card_holders.len());
    let evidence = Evidence {
        national_ids,
        card_holders: tokens.card_holders,
        cards,
        names: tokens.names,
        attributes: tokens.attributes,
        schemes: tokens.schemes,
        contents,
    };
    Ok((records, evidence))
}

/// By record: a hash of its type, its national id with its scheme, and its values, upon a common basis.
fn contents(records: &Records, tokens: &Tokens, basis: u64) -> Vec<u64> {
    let kinds = records.customer_types.iter().zip(&tokens.schemes);
    let kinds = kinds.map(|(kind, scheme)| mix(u64::from(*scheme) << 8 | *kind as u64));
    let mut contents: Vec<u64> = kinds.collect();
    for held in &tokens.national_ids {
        let content = &mut contents[held.holder as usize];
        *content = mix(*content ^ held.token.first_word());
    }
    tokens.attributes.add_to(&mut contents);
    for content in &mut contents {
        *content = mix(*content ^ basis);
    }
    contents
}

/// One number below the last is kept free: it stands for none.
fn number_of(count: usize) -> Result<u32, ResolveError> {
    let number = u32::try_from(count).ok().filter(|n| *n < u32::MAX);
    let found = i64::try_from(count).unwrap_or(i64::MAX);
    number.ok_or_else(|| ResolveError::out_of_range("record", found, u64::from(u32::MAX) - 1))
}

impl Records {
    #[must_use]
    pub const fn len(&self) -> usize {
        self.places.len()
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    fn reserve(&mut self, n_records: usize) {
        self.customer_types.reserve_exact(n_records);
        self.places.reserve_exact(n_records);
    }

    /// File id and line of the row that describes a record.
    #[must_use]
    pub fn place(&self, record: u32) -> (i64, i64) {
        self.files.of(self.places[record as usize])
    }

    #[must_use]
    pub fn read(&self) -> RecordReader<'_> {
        RecordReader {
            records: self,
            keys: self.keys.read(),
            next: 0,
            feed: 0,
        }
    }

    /// A reader that stands at this record.
    #[must_use]
    pub fn at(&self, record: u32) -> RecordReader<'_> {
        RecordReader {
            records: self,
            keys: self.keys.at(record as usize),
            next: record + 1,
            feed: self.feed_of(record),
        }
    }

    fn feed_of(&self, record: u32) -> usize {
        self.feeds.partition_point(|feed| feed.end <= record)
    }

    /// By record: the number of its feed.
    pub fn feed_numbers(&self) -> impl Iterator<Item = u16> {
        let mut start = 0;
        (0..).zip(&self.feeds).flat_map(move |(number, feed)| {
            let n_records = feed.end - start;
            start = feed.end;
            std::iter::repeat_n(number, n_records as usize)
        })
    }

    /// How much a record's source is trusted, 1 the most.
    #[must_use]
    pub fn trust_rank(&self, record: u32) -> u32 {
        self.feeds
            .get(self.feed_of(record))
            .map_or(u32::MAX, |feed| feed.trust_rank)
    }

    /// By record: how much its source is trusted, 1 the most.
    pub fn trust_ranks(&self) -> impl Iterator<Item = u32> {
        let mut start = 0;
        self.feeds.iter().flat_map(move |feed| {
            let n_records = feed.end - start;
            start = feed.end;
            std::iter::repeat_n(feed.trust_rank, n_records as usize)
        })
    }

    /// Rows of one key become one record; `order` has them side by side, the one that describes it first.
    fn append(
        &mut self,
        rows: &Rows,
        order: &[u32],
        tokens: &mut Tokens,
    ) -> Result<(), ResolveError> {
        let mut start = 0;
        while start < order.len() {
            let first = order[start] as usize;
            let key = rows.keys.get(first);
            let others = order[start + 1..].iter();
            let n_others = others.take_while(|row| rows.keys.get(**row as usize) == key);
            let same_key = &order[start..=start + n_others.count()];
            start += same_key.len();

            let record = number_of(self.len())?;
            self.keys.push(key);
            self.places.push(rows.places[first]);
            self.customer_types.push(rows.customer_types[first]);
            tokens.attributes.push(rows.values.iter().map(|column| {
                let mut values = same_key.iter().map(|row| column[*row as usize]);
                values.find(|value| *value != MISSING).unwrap_or(MISSING)
            }));
            let held = |column: &[TokenHash], holder: u32, into: &mut Vec<TokenAt>| {
                let found = same_key.iter().filter_map(|row| column.get(*row as usize));
                let token = found.copied().find(|token| *token != TokenHash::NOTHING);
                into.extend(token.map(|token| TokenAt { token, holder }));
                token.is_some()
            };
            held(&rows.national_ids, record, &mut tokens.national_ids);
            let position = number_of(tokens.card_holders.len())?;
            if held(&rows.cards, position, &mut tokens.cards) {
                tokens.card_holders.push(record);
                let mut names = same_key.iter().map(|row| rows.names.get(*row as usize));
                let name = match same_key.len() {
                    1 => names.next(),
                    _ => names.find(|name| !parts_of(name).is_empty()),
                };
                tokens.names.push(name.unwrap_or_default());
            }
        }
        Ok(())
    }
}

/// Goes through the records in their order.
#[derive(Debug)]
pub struct RecordReader<'a> {
    records: &'a Records,
    keys: SortedTextsReader<'a>,
    /// The number of the record after this one.
    next: u32,
    feed: usize,
}

impl<'a> RecordReader<'a> {
    /// Goes to the next record; false after the last. Call it before looking at the first.
    pub fn advance(&mut self) -> bool {
        if self.next as usize == self.records.len() {
            return false;
        }
        self.next += 1;
        while self.records.feeds[self.feed].end < self.next {
            self.feed += 1;
        }
        self.keys.advance()
    }

    #[must_use]
    pub const fn number(&self) -> u32 {
        self.next - 1
    }

    #[must_use]
    pub fn feed(&self) -> &'a FeedRecords {
        &self.records.feeds[self.feed]
    }

    #[must_use]
    pub fn key(&self) -> &str {
        str::from_utf8(self.keys.text()).unwrap_or_default()
    }

    /// Source, feed and key: what records are sorted by.
    #[must_use]
    pub fn place_in_order(&self) -> (&str, &str, &[u8]) {
        let feed = self.feed();
        (&feed.source, &feed.feed, self.keys.text())
    }
}
