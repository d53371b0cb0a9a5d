//! What a condition on a text with a constant before it says of the text itself.
//!
//! Keys of the warehouse are those of a source with its name in front (`'deposits:' || account_no`), and files stand in
//! the order of what follows it. The engine looks for a range of keys in a file by its columns alone: so
//! `'deposits:' || account_no >= 'deposits:4711'` is turned into `account_no >= '4711'`, and where the constants alone
//! decide, the rows of a source are all taken, or left out.

use std::cmp::Ordering;

use datafusion::common::tree_node::Transformed;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{BinaryExpr, Expr, Filter, LogicalPlan, Operator, binary_expr, lit};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};

#[derive(Debug)]
pub(super) struct Prefixes;

impl OptimizerRule for Prefixes {
    fn name(&self) -> &'static str {
        "prefixes"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::TopDown)
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        _: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        match plan {
            LogicalPlan::Filter(filter) => match without_prefixes(&filter.predicate) {
                Some(predicate) => Filter::try_new(predicate, filter.input)
                    .map(|filter| Transformed::yes(LogicalPlan::Filter(filter))),
                None => Ok(Transformed::no(LogicalPlan::Filter(filter))),
            },
            LogicalPlan::TableScan(mut scan) => {
                let mut is_changed = false;
                for condition in &mut scan.filters {
                    if let Some(without) = without_prefixes(condition) {
                        *condition = without;
                        is_changed = true;
                    }
                }
                let scan = LogicalPlan::TableScan(scan);
                Ok(if is_changed {
                    Transformed::yes(scan)
                } else {
                    Transformed::no(scan)
                })
            }
            other => Ok(Transformed::no(other)),
        }
    }
}

/// A condition that lets the same rows through, if it compares a text with a constant before it. What is null and what
/// is false are both left out, below `and` and `or` too, so the one may stand for the other.
fn without_prefixes(condition: &Expr) -> Option<Expr> {
    let BinaryExpr { left, op, right } = match condition {
        Expr::BinaryExpr(both) => both,
        Expr::IsNull(inner) => return Some(prefixed_text(inner)?.1.clone().is_null()),
        Expr::IsNotNull(inner) => return Some(prefixed_text(inner)?.1.clone().is_not_null()),
        _ => return None,
    };
    if matches!(op, Operator::And | Operator::Or) {
        let sides = (without_prefixes(left), without_prefixes(right));
        if sides == (None, None) {
            return None;
        }
        let (new_left, new_right) = sides;
        let left = new_left.unwrap_or_else(|| left.as_ref().clone());
        let right = new_right.unwrap_or_else(|| right.as_ref().clone());
        return Some(binary_expr(left, *op, right));
    }
    let compared = |prefixed: &Expr, op: Operator, constant: &Expr| {
        let (prefix, text) = prefixed_text(prefixed)?;
        decided(prefix, text, op, text_of(constant)?)
    };
    compared(left, *op, right).or_else(|| compared(right, op.swap()?, left))
}

/// A constant text, and what stands behind it.
fn prefixed_text(expression: &Expr) -> Option<(&str, &Expr)> {
    match expression {
        Expr::BinaryExpr(BinaryExpr {
            left,
            op: Operator::StringConcat,
            right,
        }) => Some((text_of(left)?, right)),
        _ => None,
    }
}

fn text_of(expression: &Expr) -> Option<&str> {
    match expression {
        Expr::Literal(ScalarValue::Utf8(Some(text)), _) => Some(text),
        _ => None,
    }
}

/// What `prefix || text op constant` says of the text. Texts compare byte by byte.
fn decided(prefix: &str, text: &Expr, op: Operator, constant: &str) -> Option<Expr> {
    let holds: fn(Ordering) -> bool = match op {
        Operator::Eq => Ordering::is_eq,
        Operator::NotEq => Ordering::is_ne,
        Operator::Lt => Ordering::is_lt,
        Operator::LtEq => Ordering::is_le,
        Operator::Gt => Ordering::is_gt,
        Operator::GtEq => Ordering::is_ge,
        _ => return None,
    };
    if let Some(rest) = constant.strip_prefix(prefix) {
        return Some(binary_expr(text.clone(), op, lit(rest)));
    }
    // They differ within the prefix, or the constant ends there: no text changes which is the greater.
    Some(if holds(prefix.cmp(constant)) {
        text.clone().is_not_null()
    } else {
        lit(false)
    })
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::col;

    use super::*;

    const OPERATORS: [Operator; 6] = [
        Operator::Eq,
        Operator::NotEq,
        Operator::Lt,
        Operator::LtEq,
        Operator::Gt,
        Operator::GtEq,
    ];

    /// What the rewritten condition, as `decided` writes it, says of a text.
    fn says(condition: &Expr, text: &str) -> bool {
        match condition {
            Expr::BinaryExpr(BinaryExpr { op, right, .. }) => {
                holds(text, *op, text_of(right).unwrap())
            }
            Expr::IsNotNull(_) => true,
            Expr::Literal(ScalarValue::Boolean(Some(decided)), _) => *decided,
            other => panic!("{other}"),
        }
    }

    fn holds(left: &str, op: Operator, right: &str) -> bool {
        match op {
            Operator::Eq => left == right,
            Operator::NotEq => left != right,
            Operator::Lt => left < right,
            Operator::LtEq => left <= right,
            Operator::Gt => left > right,
            _ => left >= right,
        }
    }

    #[test]
    fn a_condition_without_its_prefix_says_the_same_of_every_text() {
        let constants = [
            "", "c", "ca", "ca:", "ca:4", "ca:47", "ca;", "cb", "d", "C", "\u{e4}",
        ];
        let texts = ["", "4", "47", "5", ":", "\u{e4}", "a"];
        for prefix in ["", "ca:", "c", "\u{e4}"] {
            for op in OPERATORS {
                for constant in constants {
                    let with = binary_expr(lit(prefix), Operator::StringConcat, col("text"));
                    let condition = binary_expr(with.clone(), op, lit(constant));
                    let turned = binary_expr(lit(constant), op.swap().unwrap(), with);
                    let without = without_prefixes(&condition).unwrap();
                    assert_eq!(without_prefixes(&turned).unwrap(), without);
                    for text in texts {
                        let expected = holds(&format!("{prefix}{text}"), op, constant);
                        assert_eq!(
                            says(&without, text),
                            expected,
                            "{condition} {text}: {without}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn what_compares_no_prefix_stays() {
        let with = binary_expr(lit("ca:"), Operator::StringConcat, col("text"));
        let like = binary_expr(with.clone(), Operator::LikeMatch, lit("ca:%"));
        assert_eq!(without_prefixes(&like), None);
        assert_eq!(without_prefixes(&col("text").eq(lit("ca:1"))), None);
        assert_eq!(without_prefixes(&with.clone().eq(col("text"))), None);
        // Not: what is null there must stay null.
        let not = Expr::Not(Box::new(with.clone().eq(lit("d"))));
        assert_eq!(without_prefixes(&not), None);
        assert_eq!(
            without_prefixes(&with.clone().is_null()),
            Some(col("text").is_null())
        );
        let both = with.eq(lit("ca:1")).or(col("other").eq(lit(1)));
        let expected = col("text").eq(lit("1")).or(col("other").eq(lit(1)));
        assert_eq!(without_prefixes(&both), Some(expected));
    }
}
