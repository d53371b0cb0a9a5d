//! Matching apart from the night: training, evaluation against a truth, and what links two records.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::chain::{History, load_tokens};
use super::deliveries::delivered_dates;
use super::feeds::{FeedContext, inputs_by_feed, load_feeds};
use super::progress::Progress;
use super::tables::own_table;
use super::{RunError, RunSettings};
use crate::config::match_model::{KindModel, MatchModel};
use crate::config::matching::{ExactRule, MatchingSpec, SimilaritySpec};
use crate::config::project::Project;
use crate::domain::{BusinessDate, TableName};
use crate::sql::schema::columns_of;
use crate::stages::resolve::ResolveOutput;
use crate::stages::resolve::cluster::{Clusters, cluster};
use crate::stages::resolve::records::{Evidence, Records, read_records};
use crate::stages::resolve::rows::CustomerType;
use crate::stages::resolve::similarity::Comparer;
use crate::stages::resolve::similarity::apply::{kinds, may_pair, numbers_of, score};
use crate::stages::resolve::similarity::edges::{EDGE_COLUMNS, EDGE_GRAIN};
use crate::stages::resolve::similarity::evaluate::{BCubed, PairCounts, b_cubed, pair_counts};
use crate::stages::resolve::similarity::levels::levels;
use crate::stages::resolve::similarity::link::{
    Decisions, KeyedDecision, Linking, RecordName, Verdict, link, national_ids_part,
};
use crate::stages::resolve::similarity::scores::{MATCH_PAIR_COLUMNS, MATCH_RECORD_COLUMNS};
use crate::stages::resolve::similarity::train::{Training, train};
use crate::stages::resolve::similarity::weights::{Weights, probability, weight_of};
use crate::stages::resolve::tables::{EVENT_COLUMNS, XREF_COLUMNS};
use crate::store::landing_output::write_output;
use crate::store::{
    FileEntry, Journal, JournalEvent, RecordPlace, TableEntry, Warehouse, WarehouseLock,
};

/// The tables of a resolve step; events are added to those of the base.
pub(super) fn resolved_tables(
    output: ResolveOutput,
    mut events: Vec<FileEntry>,
) -> BTreeMap<TableName, TableEntry> {
    let table = |columns: &[(&str, &str)], grain: &[&str], files| TableEntry {
        columns: columns_of(columns),
        sorted_by: grain.iter().map(|name| (*name).to_owned()).collect(),
        files,
    };
    let own = |name| own_table("core", name);
    events.extend(output.events);
    let grain = ["source_code", "feed", "source_key"];
    let xref = table(XREF_COLUMNS, &grain, vec![output.xref]);
    let mut tables = BTreeMap::from([
        (own("customer_xref"), xref),
        (
            own("customer_id_event"),
            table(EVENT_COLUMNS, &["event_seq"], events),
        ),
    ]);
    if let Some(edges) = output.edges {
        for (name, file) in [("match_edge", edges.linked), ("match_review", edges.review)] {
            tables.insert(own(name), table(EDGE_COLUMNS, &EDGE_GRAIN, vec![file]));
        }
    }
    if let Some(scores) = output.scores {
        let records = table(MATCH_RECORD_COLUMNS, &["record"], vec![scores.records]);
        tables.insert(own("match_record"), records);
        let grain = ["left_record", "right_record"];
        let pairs = table(MATCH_PAIR_COLUMNS, &grain, vec![scores.pairs]);
        tables.insert(own("match_pair"), pairs);
    }
    tables
}

/// What people decided about pairs of records, as resolve wants it.
pub(super) fn match_decisions(journal: &Journal) -> Vec<KeyedDecision> {
    let name = |place: &crate::store::RecordPlace| {
        (place.source.clone(), place.feed.clone(), place.key.clone())
    };
    let decided = journal
        .match_decisions()
        .map(|(left, right, is_same)| KeyedDecision {
            left: name(left),
            right: name(right),
            verdict: if is_same {
                Verdict::Same
            } else {
                Verdict::Different
            },
        });
    decided.collect()
}

/// The records of one business date.
pub struct Loaded<'p> {
    pub date: BusinessDate,
    spec: &'p MatchingSpec,
    similarity: &'p SimilaritySpec,
    records: Records,
    evidence: Evidence,
}

/// Loads the feeds of a date as its night does (a later run reuses them) and reads their records.
///
/// Without a date, the newest release's, else the first delivered one's: later ones stand upon it.
pub fn load<'p>(
    project: &'p Project,
    settings: &RunSettings,
    date: Option<BusinessDate>,
    progress: &dyn Progress,
) -> Result<Loaded<'p>, RunError> {
    let (spec, similarity) = specs(project)?;
    let warehouse = Warehouse::open_or_create(&settings.warehouse)?;
    let lock = warehouse.lock()?;
    warehouse.clear_temporary(&lock)?;
    let history = History::read(&warehouse)?;
    let first_delivered = || -> Result<Option<BusinessDate>, RunError> {
        Ok(delivered_dates(project, &settings.landing)?
            .first()
            .copied())
    };
    let date = match date.or_else(|| history.newest()) {
        Some(date) => date,
        None => first_delivered()?.ok_or_else(|| RunError::NothingDelivered {
            landing: settings.landing.clone(),
            example: project
                .feeds()
                .next()
                .map_or_else(String::new, |feed| feed.path.0.clone()),
        })?,
    };
    let base = history.base_of(&warehouse, date)?;
    let tokens = load_tokens(project)?;
    let journal = warehouse.journal()?;
    let feeds = load_feeds(&FeedContext {
        project,
        settings,
        warehouse: &warehouse,
        journal: &journal,
        tokens: &tokens,
        date,
        base: base.as_ref(),
        base_inputs: &inputs_by_feed(base.as_ref()),
        progress,
    })?;
    let mut staging = BTreeMap::new();
    for feed in &feeds {
        let (table, entry) = &feed.staging;
        staging.insert(table.clone(), paths_of(&warehouse, entry));
    }
    let (records, evidence) = read_records(spec, &staging)?;
    Ok(Loaded {
        date,
        spec,
        similarity,
        records,
        evidence,
    })
}

/// The records of the current release, as its night read them.
pub fn load_released<'p>(
    project: &'p Project,
    settings: &RunSettings,
) -> Result<Loaded<'p>, RunError> {
    let (spec, similarity) = specs(project)?;
    let warehouse = Warehouse::open(&settings.warehouse)?;
    let manifest = warehouse.manifest(warehouse.require_current()?)?;
    let mut staging = BTreeMap::new();
    for (table, entry) in &manifest.tables {
        staging.insert(table.clone(), paths_of(&warehouse, entry));
    }
    let (records, evidence) = read_records(spec, &staging)?;
    Ok(Loaded {
        date: manifest.business_date,
        spec,
        similarity,
        records,
        evidence,
    })
}

fn paths_of(warehouse: &Warehouse, entry: &TableEntry) -> Vec<PathBuf> {
    let files = entry.files.iter();
    files
        .map(|file| warehouse.root().join(&file.path))
        .collect()
}

/// The parts of `matching.yml` that similarity needs.
fn specs(project: &Project) -> Result<(&MatchingSpec, &SimilaritySpec), RunError> {
    let missing = |message: &str, hint: &str| RunError::Usage {
        message: message.to_owned(),
        hint: hint.to_owned(),
    };
    let Some(spec) = &project.matching else {
        return Err(missing(
            "the project has no matching.yml",
            "matching.yml says which feeds name customers",
        ));
    };
    let Some(similarity) = &spec.similarity else {
        return Err(missing(
            "matching.yml has no `similarity`",
            "add `similarity` with blocks and comparisons",
        ));
    };
    Ok((spec, similarity))
}

/// How much a training draws by chance, and from which seed.
#[derive(Debug, Clone, Copy)]
pub struct TrainingOptions {
    pub sampled_pairs: u64,
    pub seed: u64,
}

/// Learns a model of each kind and writes it beside `matching.yml`.
pub fn train_model(loaded: &Loaded<'_>, options: TrainingOptions) -> Result<MatchModel, RunError> {
    let (records, evidence) = (&loaded.records, &loaded.evidence);
    let comparer = Comparer::new(evidence);
    let feeds: Vec<u16> = records.feed_numbers().collect();
    let pairing = loaded.similarity.pairs;
    let may_pair = |left, right| may_pair(pairing, &feeds, left, right);
    let mut model = MatchModel {
        format: 1,
        version: String::new(),
        person: None,
        organisation: None,
    };
    for kind in kinds(loaded.similarity, None, &records.customer_types) {
        let found = train(&Training {
            spec: kind.spec,
            comparer: &comparer,
            records: &kind.records,
            block_limit: loaded.similarity.block_limit as usize,
            sampled_pairs: options.sampled_pairs,
            seed: options.seed,
            may_pair: &may_pair,
        });
        let Some(found) = found else {
            return Err(RunError::Usage {
                message: format!(
                    "{} has fewer than two records of type {}: nothing can be learnt from them",
                    loaded.date,
                    kind.customer_type.as_str()
                ),
                hint: "choose another --date, or remove that kind from `similarity`".to_owned(),
            });
        };
        match kind.customer_type {
            CustomerType::Person => model.person = Some(found),
            CustomerType::Organisation => model.organisation = Some(found),
        }
    }
    let parameters = serde_json::to_string(&(&model.person, &model.organisation));
    let hash = blake3::hash(parameters.map_err(RunError::Report)?.as_bytes());
    model.version = format!("fs-{}", &hash.to_hex()[..12]);
    let mut text = serde_json::to_string_pretty(&model).map_err(RunError::Report)?;
    text.push('\n');
    write_output(&loaded.similarity.model_path, text.as_bytes())?;
    Ok(model)
}

/// How good the clusters of one threshold are.
#[derive(Debug, Clone, Serialize)]
pub struct Quality {
    pub threshold: f64,
    #[serde(flatten)]
    pub pairs: PairCounts,
    pub precision: f64,
    pub recall: f64,
    pub f1: f64,
    pub b_cubed: BCubed,
}

/// How good they are among some records only.
#[derive(Debug, Clone, Serialize)]
pub struct GroupQuality {
    pub group: String,
    #[serde(flatten)]
    pub pairs: PairCounts,
    pub precision: f64,
    pub recall: f64,
    pub f1: f64,
}

#[derive(Debug, Clone, Serialize)]
pub struct Evaluation {
    pub business_date: BusinessDate,
    pub model_version: String,
    /// Records that the truth knows.
    pub records: u64,
    /// Records it does not know; they are left out.
    pub unknown: u64,
    /// By threshold, ascending; the project's own is marked by `chosen`.
    pub thresholds: Vec<Quality>,
    pub chosen: Quality,
    /// At the project's threshold: persons, organisations, and for each feed the pairs with a record of it.
    pub groups: Vec<GroupQuality>,
}

/// Thresholds beside the project's own.
const THRESHOLDS: [f64; 11] = [
    0.5,
    0.8,
    0.9,
    0.95,
    0.99,
    0.999,
    0.9999,
    0.999_99,
    0.999_999,
    0.999_999_9,
    0.999_999_99,
];

/// Clusters the records at several thresholds and compares them with the truth: a CSV file with the columns source,
/// feed, `record_key` and customer, in any order. What last night and people decided is left out.
pub fn evaluate(loaded: &Loaded<'_>, truth: &Path) -> Result<Evaluation, RunError> {
    let (records, evidence, spec) = (&loaded.records, &loaded.evidence, loaded.similarity);
    let Some(model) = &spec.model else {
        return Err(untrained());
    };
    let truth = read_truth(truth, records)?;
    let n_records = records.len();
    let rules: Vec<ExactRule> = loaded.spec.rules.clone();
    let nobody = vec![None; n_records];
    let mut exact = cluster(&records.customer_types, evidence, &rules, &nobody);
    let lowest = SimilaritySpec {
        review_above: THRESHOLDS[0].min(spec.review_above),
        ..spec.clone()
    };
    let scored = score(&lowest, model, records, evidence, &mut exact, None);
    let comparer = Comparer::new(evidence);
    let feeds: Vec<u16> = records.feed_numbers().collect();
    let linking = Linking {
        spec,
        comparer: &comparer,
        types: &records.customer_types,
        feeds: &feeds,
        decisions: &Decisions::default(),
    };
    let clusters_at = |threshold: f64| -> Vec<u32> {
        let mut clusters: Clusters = exact.clone();
        link(&linking, &mut clusters, &scored.pairs, weight_of(threshold));
        clusters.numbered().0
    };
    let labels = |clusters: &[u32], keep: &dyn Fn(usize) -> bool| {
        let both = clusters.iter().zip(&truth);
        let kept = both.enumerate().filter(|(record, _)| keep(*record));
        kept.filter_map(|(_, (cluster, customer))| Some((*cluster, (*customer)?)))
            .collect::<Vec<(u32, u32)>>()
    };
    let quality = |threshold: f64, clusters: &[u32]| {
        let labels = labels(clusters, &|_| true);
        let pairs = pair_counts(labels.iter().copied());
        Quality {
            threshold,
            pairs,
            precision: pairs.precision(),
            recall: pairs.recall(),
            f1: pairs.f1(),
            b_cubed: b_cubed(labels.into_iter()),
        }
    };
    let thresholds = THRESHOLDS.map(|threshold| quality(threshold, &clusters_at(threshold)));
    let chosen = clusters_at(spec.match_above);
    let all = pair_counts(labels(&chosen, &|_| true).into_iter());
    let group = |group: String, pairs: PairCounts| GroupQuality {
        group,
        pairs,
        precision: pairs.precision(),
        recall: pairs.recall(),
        f1: pairs.f1(),
    };
    let types = &records.customer_types;
    let mut groups = Vec::new();
    for customer_type in [CustomerType::Person, CustomerType::Organisation] {
        let of_type = labels(&chosen, &|record| types[record] == customer_type);
        groups.push(group(
            customer_type.as_str().to_owned(),
            pair_counts(of_type.into_iter()),
        ));
    }
    for (number, feed) in (0_u16..).zip(&records.feeds) {
        let others = labels(&chosen, &|record| feeds[record] != number);
        let pairs = all.without(&pair_counts(others.into_iter()));
        groups.push(group(format!("{}.{}", feed.source, feed.feed), pairs));
    }
    let known = truth.iter().flatten().count() as u64;
    Ok(Evaluation {
        business_date: loaded.date,
        model_version: model.version.clone(),
        records: known,
        unknown: n_records as u64 - known,
        thresholds: thresholds.to_vec(),
        chosen: quality(spec.match_above, &chosen),
        groups,
    })
}

fn untrained() -> RunError {
    RunError::Usage {
        message: "similarity has no trained model that fits matching.yml".to_owned(),
        hint: "salenet match train".to_owned(),
    }
}

/// By record, the number of its true customer.
fn read_truth(path: &Path, records: &Records) -> Result<Vec<Option<u32>>, RunError> {
    let unreadable = |error: csv::Error| RunError::Usage {
        message: format!("the truth {} cannot be read: {error}", path.display()),
        hint: "a CSV file with the columns source, feed, record_key and customer".to_owned(),
    };
    let mut reader = csv::Reader::from_path(path).map_err(unreadable)?;
    let header = reader.headers().map_err(unreadable)?.clone();
    let mut positions = [0; 4];
    for (position, name) in positions
        .iter_mut()
        .zip(["source", "feed", "record_key", "customer"])
    {
        let found = header.iter().position(|column| column == name);
        *position = found.ok_or_else(|| RunError::Usage {
            message: format!("{}:1: the truth has no column `{name}`", path.display()),
            hint: "expected the columns source, feed, record_key and customer".to_owned(),
        })?;
    }
    let mut customers: HashMap<String, u32> = HashMap::new();
    let mut named: Vec<(RecordName, u32)> = Vec::new();
    for row in reader.records() {
        let row = row.map_err(unreadable)?;
        let field = |position: usize| row.get(positions[position]).unwrap_or_default().to_owned();
        let next = u32::try_from(customers.len()).unwrap_or(u32::MAX);
        let customer = *customers.entry(field(3)).or_insert(next);
        named.push(((field(0), field(1), field(2)), customer));
    }
    let numbers = numbers_of(records, named.iter().map(|(name, _)| name));
    let mut truth = vec![None; records.len()];
    for (name, customer) in &named {
        if let Some(record) = numbers.get(name) {
            truth[*record as usize] = Some(*customer);
        }
    }
    Ok(truth)
}

/// One comparison of two records.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ComparedPart {
    pub comparison: String,
    pub level: String,
    /// log2(m / u) of the level.
    pub weight: f64,
    /// What the value's frequency adds.
    pub frequency: f64,
    /// The sum so far, prior included.
    pub sum: f64,
}

/// Why two records are one customer, or are not.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PairExplanation {
    pub model_version: String,
    pub prior: f64,
    pub parts: Vec<ComparedPart>,
    pub weight: f64,
    pub probability: f64,
    /// What forbids the two to be one customer, whatever the weight.
    pub is_forbidden: bool,
}

/// Compares two records by the trained model.
pub fn explain_pair(
    loaded: &Loaded<'_>,
    left: &RecordName,
    right: &RecordName,
) -> Result<PairExplanation, RunError> {
    let (records, evidence, spec) = (&loaded.records, &loaded.evidence, loaded.similarity);
    let model = spec.model.as_ref().ok_or_else(untrained)?;
    let [left, right] = both_numbers(loaded, left, right)?;
    let types = &records.customer_types;
    if !same_kind(loaded, left, right) {
        return Err(two_kinds());
    }
    let kind = kinds(spec, Some(model), types)
        .into_iter()
        .find(|kind| kind.customer_type == types[left as usize]);
    let Some((kind, trained)) = kind.and_then(|kind| {
        let trained: &KindModel = kind.model?;
        Some((kind, trained))
    }) else {
        return Err(untrained());
    };
    let comparer = Comparer::new(evidence);
    let weights = Weights::new(trained, &evidence.attributes, &kind.records);
    let pattern = comparer.pattern(weights.comparisons(), left, right);
    let mut sum = weights.prior();
    let parts = weights.parts(pattern, left).map(|part| {
        sum += part.weight + part.frequency;
        ComparedPart {
            comparison: part.comparison.name().to_owned(),
            level: part
                .level
                .map_or("missing", |level| levels(part.comparison)[level])
                .to_owned(),
            weight: part.weight,
            frequency: part.frequency,
            sum,
        }
    });
    let parts: Vec<ComparedPart> = parts.collect();
    let weight = weights.weight(pattern, left);
    Ok(PairExplanation {
        model_version: model.version.clone(),
        prior: weights.prior(),
        parts,
        weight,
        probability: probability(weight),
        is_forbidden: national_ids_part(kind.spec, &comparer, left, right),
    })
}

/// Keeps in the journal what a person says about two records; the next run of a night applies it.
pub fn decide(
    warehouse: &Warehouse,
    lock: &WarehouseLock,
    known: &Loaded<'_>,
    decision: Decision,
) -> Result<(), RunError> {
    let names = [&decision.left, &decision.right]
        .map(|place| (place.source.clone(), place.feed.clone(), place.key.clone()));
    if names[0] == names[1] {
        return Err(RunError::Usage {
            message: "both are the same record".to_owned(),
            hint: "name the two records of a pair, as `salenet match review list` shows them"
                .to_owned(),
        });
    }
    let [left, right] = both_numbers(known, &names[0], &names[1])?;
    if !decision.is_same || same_kind(known, left, right) {
        let event = JournalEvent::MatchDecided {
            left: decision.left,
            right: decision.right,
            is_same: decision.is_same,
            decided_by: decision.by,
            reason: decision.reason,
        };
        warehouse.append_to_journal(lock, vec![event])?;
        return Ok(());
    }
    Err(two_kinds())
}

/// What a person says about two records.
#[derive(Debug, Clone)]
pub struct Decision {
    pub left: RecordPlace,
    pub right: RecordPlace,
    pub is_same: bool,
    pub by: String,
    pub reason: String,
}

fn same_kind(loaded: &Loaded<'_>, left: u32, right: u32) -> bool {
    let types = &loaded.records.customer_types;
    types[left as usize] == types[right as usize]
}

fn two_kinds() -> RunError {
    RunError::Usage {
        message: "a person and an organisation are never one customer".to_owned(),
        hint: "name two records of one kind".to_owned(),
    }
}

fn both_numbers(
    loaded: &Loaded<'_>,
    left: &RecordName,
    right: &RecordName,
) -> Result<[u32; 2], RunError> {
    let numbers = numbers_of(&loaded.records, [left, right].into_iter());
    let number = |name: &RecordName| {
        numbers.get(name).copied().ok_or_else(|| RunError::Usage {
            message: format!(
                "{} has no record {}.{}:{}",
                loaded.date, name.0, name.1, name.2
            ),
            hint: "records are named source.feed:key, as `salenet match review list` shows them"
                .to_owned(),
        })
    };
    Ok([number(left)?, number(right)?])
}
