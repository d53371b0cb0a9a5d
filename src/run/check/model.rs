//! A model's own SQL: it must plan, repeat, and produce the columns that its YAML describes.

use std::collections::{BTreeMap, BTreeSet};

use super::planner::{Planner, diagnostic};
use super::walk::PlannedModel;
use crate::config::model::{Materialisation, ModelSpec};
use crate::diagnostic::Diagnostics;
use crate::run::types::{declared_type, stored_type};
use crate::sql::catalog::Catalogue;
use crate::sql::dependencies::TableReferences;
use crate::sql::lineage::Lineage;
use crate::sql::{SqlError, TableSource};
use crate::store::manifest::ColumnEntry;

impl Planner<'_> {
    /// Plans the model and registers it for its readers.
    pub fn plan_model(&self, model: &ModelSpec, reads: &TableReferences) -> PlannedModel {
        let mut problems = Diagnostics::default();
        let report = |problems: &mut Diagnostics, error: &SqlError| {
            let place = self.project.locations.model_sql(&model.table);
            problems.push(diagnostic(place, &model.sql_path, error));
        };
        let plan = self
            .session
            .plan(&model.sql, &self.bindings)
            .and_then(|plan| {
                self.session.validate(&plan)?;
                self.session.require_repeatable(&plan)?;
                let lineage = Lineage::of(&plan)?;
                Ok((plan, lineage))
            });
        let (plan, lineage) = match plan {
            Ok(planned) => planned,
            Err(error) => {
                report(&mut problems, &error);
                return PlannedModel {
                    problems,
                    ..PlannedModel::default()
                };
            }
        };
        let columns = plan.columns();
        self.compare_columns(model, &columns, &mut problems);
        self.check_months(model, reads, &mut problems);
        self.check_keys(model, &columns, &mut problems);
        if model.materialisation == Materialisation::View {
            let added =
                self.session
                    .add_planned_view(Catalogue::Tonight, &model.table, &model.sql, plan);
            if let Err(error) = added {
                report(&mut problems, &error);
            }
        } else {
            let source = TableSource::declared(columns.clone());
            self.session
                .add_table(Catalogue::Tonight, &model.table, source);
        }
        PlannedModel {
            problems,
            columns: Some(columns),
            lineage,
        }
    }

    /// What names the months to make is read by the query anyway, and has them as text.
    fn check_months(&self, model: &ModelSpec, reads: &TableReferences, problems: &mut Diagnostics) {
        let Some(months) = &model.months_from else {
            return;
        };
        let message = if reads.tonight.contains(months) {
            let months_sql = format!("select month from {months}");
            let plan = self.session.plan(&months_sql, &self.bindings);
            if plan.is_ok_and(|plan| plan.columns()[0].data_type == "Utf8") {
                return;
            }
            format!("{months} has no text column `month`")
        } else {
            format!("the query of {} does not read {months}", model.table)
        };
        let hint = "name a table that the query reads and that has one row a month, such as core.month_to_build";
        problems.push(self.at_model(model, "months_from", message).hint(hint));
    }

    /// What has the keys of a table has them in a column of the same name and type.
    fn check_keys(&self, model: &ModelSpec, produced: &[ColumnEntry], problems: &mut Diagnostics) {
        let (Some(keys), Some(column)) = (&model.keys_from, model.first_key()) else {
            return;
        };
        let Some(own) = produced.iter().find(|produced| produced.name == column) else {
            return;
        };
        let columns = |sql: String| {
            let plan = self.session.plan(&sql, &self.bindings);
            plan.map(|plan| plan.columns()).ok()
        };
        let found = columns(format!("select \"{column}\" from {keys}"));
        let message = match found {
            // A range has no place for what is not a number.
            Some(_) if own.data_type.starts_with("Float") => {
                format!("`{column}` is a floating-point number, by which no table is cut")
            }
            Some(found) if found[0].data_type == own.data_type => return,
            Some(_) => format!(
                "`{column}` of {keys} has another type than that of {}",
                model.table
            ),
            None => format!("{keys} has no column `{column}`"),
        };
        let hint = format!("name a table that has the column `{column}`, or leave `keys_from` out");
        problems.push(self.at_model(model, "keys_from", message).hint(hint));
    }

    fn compare_columns(
        &self,
        model: &ModelSpec,
        produced: &[ColumnEntry],
        problems: &mut Diagnostics,
    ) {
        let in_yml: BTreeSet<&str> = model.columns.iter().map(|it| it.name.as_str()).collect();
        let in_sql: BTreeMap<&str, &str> = produced
            .iter()
            .rev()
            .map(|it| (it.name.as_str(), it.data_type.as_str()))
            .collect();
        for column in produced {
            if !in_yml.contains(column.name.as_str()) {
                let message = format!(
                    "column `{}` of {} is not described",
                    column.name, model.table
                );
                problems.push(self.at_model(model, "columns", message).hint(format!(
                    "add `{}: {{description: ...}}` to {}",
                    column.name,
                    model.yml_path.display()
                )));
            }
            if column.data_type == "Null" {
                let message = format!("column `{}` of {} has no type", column.name, model.table);
                problems.push(
                    self.at_model(model, "columns", message)
                        .hint("write `cast(null as <type>)` in the SQL"),
                );
            }
        }
        for column in &model.columns {
            match (in_sql.get(column.name.as_str()), &column.data_type) {
                (None, _) => problems.push(self.at_column(
                    model,
                    &column.name,
                    &format!(
                        "the SQL of {} produces no column `{}`",
                        model.table, column.name
                    ),
                )),
                (Some(found), Some(declared))
                    if stored_type(declared).as_deref() != Some(found) =>
                {
                    let message = format!(
                        "`{}` is declared {declared}, the SQL produces {}",
                        column.name,
                        declared_type(found)
                    );
                    problems.push(self.at_column(model, &column.name, &message));
                }
                _ => {}
            }
        }
        for column in &model.grain {
            if in_sql.contains_key(column.as_str()) {
                continue;
            }
            let message = format!(
                "the grain names `{column}`, which {} does not produce",
                model.table
            );
            problems.push(self.at_model(model, "grain", message));
        }
        if model.materialisation == Materialisation::Month
            && in_sql.get("month").is_none_or(|month| *month != "Utf8")
        {
            let message = format!(
                "{} is materialised by month but has no text column `month`",
                model.table
            );
            problems.push(self.at_model(model, "materialised", message));
        }
    }
}
