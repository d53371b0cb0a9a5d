//! The order of models, from the tables their SQL reads.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::model::ModelSpec;
use crate::domain::TableName;
use crate::sql::SqlError;
use crate::sql::dependencies::{TableReferences, position_of, table_references};
use crate::sql::error::QueryPosition;

/// Models with what each reads, in an order in which they can be built.
#[derive(Debug, Clone, Default)]
pub struct ModelGraph {
    /// Positions in the list of models.
    pub order: Vec<usize>,
    /// By position in the list of models.
    pub reads: Vec<TableReferences>,
}

/// Something wrong with a model's place in the graph; `position` is inside its SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphProblem {
    pub model: usize,
    pub message: String,
    pub position: Option<QueryPosition>,
    pub hint: Option<String>,
}

impl ModelGraph {
    /// Orders the models. `given` are tables that exist without a model: staging, reference, those of other stages.
    ///
    /// # Errors
    /// All problems: SQL that does not parse, tables nobody makes, cycles.
    pub fn try_new(
        models: &[ModelSpec],
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
        for (position, model) in models.iter().enumerate() {
            match table_references(&model.sql) {
                Ok(references) => {
                    let all = references.tonight.iter().chain(&references.base);
                    problems.extend(
                        all.filter(|table| !known.contains(table))
                            .map(|table| unknown_table(position, model, table, &known)),
                    );
                    reads.push(references);
                }
                Err(error) => {
                    problems.push(unreadable(position, error));
                    reads.push(TableReferences::default());
                }
            }
        }
        let edges: Vec<BTreeSet<usize>> = reads
            .iter()
            .map(|references| {
                references
                    .tonight
                    .iter()
                    .filter_map(|table| by_table.get(table).copied())
                    .collect()
            })
            .collect();
        let order = order(&edges);
        if order.len() < models.len() {
            problems.push(cycle(models, &edges, &order));
        }
        if problems.is_empty() {
            Ok(Self { order, reads })
        } else {
            Err(problems)
        }
    }
}

fn unknown_table(
    position: usize,
    model: &ModelSpec,
    table: &TableName,
    known: &BTreeSet<&TableName>,
) -> GraphProblem {
    let similar = known
        .iter()
        .map(|candidate| {
            (
                distance(&candidate.to_string(), &table.to_string()),
                candidate,
            )
        })
        .filter(|(distance, _)| *distance <= 3)
        .min();
    GraphProblem {
        model: position,
        message: format!("`{}` reads `{table}`, which nothing makes", model.table),
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
            position: at,
            hint,
        },
        other => GraphProblem {
            model: position,
            message: other.to_string(),
            position: None,
            hint: None,
        },
    }
}

/// Repeatedly takes the first model whose inputs are all taken; what is left stands in or behind a cycle.
fn order(edges: &[BTreeSet<usize>]) -> Vec<usize> {
    let mut waiting: BTreeMap<usize, BTreeSet<usize>> = edges.iter().cloned().enumerate().collect();
    let mut order = Vec::with_capacity(edges.len());
    while let Some(ready) = waiting
        .iter()
        .find(|(_, inputs)| inputs.is_empty())
        .map(|(position, _)| *position)
    {
        waiting.remove(&ready);
        for inputs in waiting.values_mut() {
            inputs.remove(&ready);
        }
        order.push(ready);
    }
    order
}

fn cycle(models: &[ModelSpec], edges: &[BTreeSet<usize>], ordered: &[usize]) -> GraphProblem {
    let left: BTreeSet<usize> = (0..models.len())
        .filter(|position| !ordered.contains(position))
        .collect();
    let mut path = Vec::new();
    let mut at = left.first().copied().unwrap_or_default();
    while !path.contains(&at) {
        path.push(at);
        at = edges[at]
            .iter()
            .copied()
            .find(|next| left.contains(next))
            .unwrap_or(at);
    }
    let start = path.iter().position(|step| *step == at).unwrap_or(0);
    let names: Vec<String> = path[start..]
        .iter()
        .chain([&at])
        .map(|step| models[*step].table.to_string())
        .collect();
    GraphProblem {
        model: at,
        message: format!("models read each other in a circle: {}", names.join(" -> ")),
        position: None,
        hint: Some(
            "read last night's state as `base.<schema>.<table>` where that is meant".to_owned(),
        ),
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
