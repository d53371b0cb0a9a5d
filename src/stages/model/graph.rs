//! The order of models, from the tables their SQL reads.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use crate::config::model::ModelSpec;
use crate::domain::TableName;
use crate::sql::SqlError;
use crate::sql::dependencies::{TableReferences, position_of};
use crate::sql::error::QueryPosition;

/// Models with what each reads, in an order in which they can be built.
#[derive(Debug, Clone, Default)]
pub struct ModelGraph {
    /// Positions in the list of models.
    pub order: Vec<usize>,
    /// By position in the list of models.
    pub reads: Vec<TableReferences>,
    /// Positions of the models that each model waits for, by its own position: those it reads tonight, and the one whose
    /// keys cut it.
    pub inputs: Vec<BTreeSet<usize>>,
}

/// Something wrong with a model's place in the graph; `position` is inside its SQL, unless a key of its YAML file is
/// named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphProblem {
    pub model: usize,
    pub message: String,
    pub key: Option<&'static str>,
    pub position: Option<QueryPosition>,
    pub hint: Option<String>,
}

impl ModelGraph {
    /// Orders the models. `parsed` says of each, by position, which tables its SQL names; `given` are tables that exist
    /// without a model: staging, reference, those of other stages.
    ///
    /// # Errors
    /// All problems: SQL that does not parse, tables nobody makes, cycles.
    pub fn try_new(
        models: &[ModelSpec],
        parsed: Vec<Result<TableReferences, SqlError>>,
        given: &BTreeSet<TableName>,
    ) -> Result<Self, Vec<GraphProblem>> {
        let by_table: BTreeMap<&TableName, usize> = models
            .iter()
            .enumerate()
            .map(|(position, model)| (&model.table, position))
            .collect();
        let known: BTreeSet<&TableName> = by_table.keys().copied().chain(given).collect();
        let mut problems = Vec::new();
        let mut reads = Vec::with_capacity(models.len());
        for (position, (model, parsed)) in models.iter().zip(parsed).enumerate() {
            match parsed {
                Ok(references) => {
                    let all = references.tonight.iter().chain(&references.base);
                    problems.extend(
                        all.filter(|table| !known.contains(table))
                            .map(|table| unknown_table(position, model, table, &known)),
                    );
                    let keys = model.keys_from.as_ref();
                    if let Some(keys) = keys.filter(|table| !known.contains(table)) {
                        problems.push(GraphProblem {
                            message: format!(
                                "no model can be cut by the keys of {keys}: nothing makes it before"
                            ),
                            key: Some("keys_from"),
                            position: None,
                            ..unknown_table(position, model, keys, &known)
                        });
                    }
                    reads.push(references);
                }
                Err(error) => {
                    problems.push(unreadable(position, error));
                    reads.push(TableReferences::default());
                }
            }
        }
        let inputs: Vec<BTreeSet<usize>> = models
            .iter()
            .zip(&reads)
            .map(|(model, references)| {
                // What only says where a large table is cut has to be there too.
                let tables = references.tonight.iter().chain(&model.keys_from);
                tables
                    .filter_map(|table| by_table.get(table).copied())
                    .collect()
            })
            .collect();
        let order = order(&inputs);
        if order.len() < models.len() {
            problems.push(cycle(models, &inputs, &order));
        }
        if problems.is_empty() {
            Ok(Self {
                order,
                reads,
                inputs,
            })
        } else {
            Err(problems)
        }
    }
}

/// By position of each node, the positions of those that have it among their inputs.
#[must_use]
pub fn readers(inputs: &[BTreeSet<usize>]) -> Vec<Vec<usize>> {
    let mut readers = vec![Vec::new(); inputs.len()];
    for (reader, inputs) in inputs.iter().enumerate() {
        for input in inputs {
            readers[*input].push(reader);
        }
    }
    readers
}

fn unknown_table(
    position: usize,
    model: &ModelSpec,
    table: &TableName,
    known: &BTreeSet<&TableName>,
) -> GraphProblem {
    let written = table.to_string();
    let similar = known
        .iter()
        .map(|candidate| (candidate, candidate.to_string()))
        // A name can be no nearer than the difference in length.
        .filter(|(_, name)| name.len().abs_diff(written.len()) <= 3)
        .map(|(candidate, name)| (distance(&name, &written), candidate))
        .filter(|(distance, _)| *distance <= 3)
        .min();
    GraphProblem {
        model: position,
        message: format!("`{}` reads `{table}`, which nothing makes", model.table),
        key: None,
        position: position_of(&model.sql, &table.to_string()),
        hint: similar.map(|(_, candidate)| format!("did you mean `{candidate}`?")),
    }
}

fn unreadable(position: usize, error: SqlError) -> GraphProblem {
    match error {
        SqlError::Query {
            message,
            position: at,
            hint,
        } => GraphProblem {
            model: position,
            message,
            key: None,
            position: at,
            hint,
        },
        other => GraphProblem {
            model: position,
            message: other.to_string(),
            key: None,
            position: None,
            hint: None,
        },
    }
}

/// Repeatedly takes the first model whose inputs are all taken; what is left stands in or behind a cycle.
fn order(inputs: &[BTreeSet<usize>]) -> Vec<usize> {
    let readers = readers(inputs);
    let mut n_missing: Vec<usize> = inputs.iter().map(BTreeSet::len).collect();
    let mut ready: BinaryHeap<Reverse<usize>> = (0..inputs.len())
        .filter(|position| n_missing[*position] == 0)
        .map(Reverse)
        .collect();
    let mut order = Vec::with_capacity(inputs.len());
    while let Some(Reverse(taken)) = ready.pop() {
        order.push(taken);
        for &reader in &readers[taken] {
            n_missing[reader] -= 1;
            if n_missing[reader] == 0 {
                ready.push(Reverse(reader));
            }
        }
    }
    order
}

fn cycle(models: &[ModelSpec], inputs: &[BTreeSet<usize>], ordered: &[usize]) -> GraphProblem {
    let mut left: BTreeSet<usize> = (0..models.len()).collect();
    for position in ordered {
        left.remove(position);
    }
    let mut path = Vec::new();
    let mut at = left.first().copied().unwrap_or_default();
    while !path.contains(&at) {
        path.push(at);
        at = inputs[at]
            .iter()
            .copied()
            .find(|next| left.contains(next))
            .unwrap_or(at);
    }
    let start = path.iter().position(|step| *step == at).unwrap_or(0);
    let circle: Vec<&ModelSpec> = path[start..]
        .iter()
        .chain([&at])
        .map(|step| &models[*step])
        .collect();
    let names: Vec<String> = circle.iter().map(|model| model.table.to_string()).collect();
    let names = names.join(" -> ");
    let mut steps = path[start..].iter().zip(circle.windows(2));
    let by_keys = steps.find(|(_, pair)| pair[0].keys_from.as_ref() == Some(&pair[1].table));
    match by_keys {
        Some((step, _)) => GraphProblem {
            model: *step,
            message: format!("models wait for each other in a circle: {names}"),
            key: Some("keys_from"),
            position: None,
            hint: Some(
                "name a table that is made without this one, such as one of staging".to_owned(),
            ),
        },
        None => GraphProblem {
            model: at,
            message: format!("models read each other in a circle: {names}"),
            key: None,
            position: None,
            hint: Some(
                "read last night's state as `base.<schema>.<table>` where that is meant".to_owned(),
            ),
        },
    }
}

fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, letter) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, other) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_stand_behind_what_they_read_and_otherwise_in_their_own_order() {
        let inputs = [&[2][..], &[], &[1], &[]].map(|inputs| inputs.iter().copied().collect());
        assert_eq!(order(&inputs), [1, 2, 0, 3]);
    }

    #[test]
    fn what_stands_in_a_circle_or_behind_one_has_no_place() {
        let inputs = [&[1][..], &[0], &[0], &[], &[4]].map(|it| it.iter().copied().collect());
        assert_eq!(order(&inputs), [3]);
    }
}
