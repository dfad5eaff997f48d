//! Whether rows are records as they stand in the sources, and none of their columns is made by the query.

use datafusion::common::{Column, JoinType};
use datafusion::datasource::source_as_provider;
use datafusion::logical_expr::{Expr, LogicalPlan};

use crate::table::Logs;

/// Whether a column of a plan's rows is the one of the table `logs` that is called so.
pub(crate) fn stands(column: &Column, plan: &LogicalPlan) -> bool {
    let index = plan.schema().maybe_index_of_column(column);
    index.is_some_and(|index| stands_at(index, &column.name, plan))
}

fn stands_at(index: usize, name: &str, plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::TableScan(scan) => {
            let is_logs = source_as_provider(&scan.source)
                .is_ok_and(|provider| provider.downcast_ref::<Logs>().is_some());
            is_logs && scan.projected_schema.field(index).name() == name
        }
        LogicalPlan::Projection(projection) => {
            match projection.expr[index].clone().unalias_nested().data {
                Expr::Column(column) => {
                    let below = projection.input.schema().maybe_index_of_column(&column);
                    below.is_some_and(|below| stands_at(below, name, &projection.input))
                }
                _ => false,
            }
        }
        LogicalPlan::Union(union) => union
            .inputs
            .iter()
            .all(|input| stands_at(index, name, input)),
        LogicalPlan::Join(join) => {
            let left = join.left.schema().fields().len();
            match join.join_type {
                JoinType::RightSemi | JoinType::RightAnti => stands_at(index, name, &join.right),
                JoinType::LeftMark | JoinType::RightMark => false,
                _ if index < left => stands_at(index, name, &join.left),
                _ => stands_at(index - left, name, &join.right),
            }
        }
        LogicalPlan::Window(window) => {
            let is_below = index < window.input.schema().fields().len();
            is_below && stands_at(index, name, &window.input)
        }
        // What leaves out rows, sorts them, or gives them a name.
        plan => match plan.inputs()[..] {
            [input] if input.schema().fields().len() == plan.schema().fields().len() => {
                !matches!(plan, LogicalPlan::Aggregate(_)) && stands_at(index, name, input)
            }
            _ => false,
        },
    }
}
