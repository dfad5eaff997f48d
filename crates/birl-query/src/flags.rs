//! Fields that are true or false in some records, and something else in others, as conditions.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator as Op, Expr, PipeOperator, Query, Select, UnaryOperator, Value, VisitMut,
    VisitorMut,
};

use crate::pipe::template;
use crate::walk;

/// Takes each field for true or false that is a condition of `of`, where `may_be_flag` says of its name that it
/// may be one; what is neither becomes null.
pub(crate) fn of_conditions(of: &mut impl VisitMut, may_be_flag: &dyn Fn(&str) -> bool) {
    let _ = walk::change(of, &mut Flags { may_be_flag });
}

struct Flags<'f> {
    may_be_flag: &'f dyn Fn(&str) -> bool,
}

impl Flags<'_> {
    fn condition(&self, expr: &mut Expr) {
        let name = match expr {
            Expr::Nested(inner) => return self.condition(inner),
            Expr::Identifier(name) => &name.value,
            Expr::CompoundIdentifier(parts) => match parts.last() {
                Some(name) => &name.value,
                None => return,
            },
            _ => return,
        };
        if (self.may_be_flag)(name) {
            *expr = template("CAST($1 AS BOOLEAN)", &[expr]);
        }
    }
}

impl VisitorMut for Flags<'_> {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        let conditions = [
            &mut select.selection,
            &mut select.having,
            &mut select.qualify,
        ];
        for condition in conditions.into_iter().flatten() {
            self.condition(condition);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        for operator in &mut query.pipe_operators {
            if let PipeOperator::Where { expr } = operator {
                self.condition(expr);
            }
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::BinaryOp {
                left,
                op: Op::And | Op::Or | Op::Xor,
                right,
            } => {
                self.condition(left);
                self.condition(right);
            }
            Expr::BinaryOp {
                left,
                op: Op::Eq | Op::NotEq,
                right,
            } => match (is_flag(left), is_flag(right)) {
                (_, true) => self.condition(left),
                (true, _) => self.condition(right),
                (false, false) => {}
            },
            Expr::UnaryOp {
                op: UnaryOperator::Not,
                expr,
            }
            | Expr::IsTrue(expr)
            | Expr::IsNotTrue(expr)
            | Expr::IsFalse(expr)
            | Expr::IsNotFalse(expr) => self.condition(expr),
            Expr::Case {
                operand: None,
                conditions,
                ..
            } => {
                for when in conditions {
                    self.condition(&mut when.condition);
                }
            }
            Expr::Function(function) => {
                if let Some(filter) = &mut function.filter {
                    self.condition(filter);
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

fn is_flag(expr: &Expr) -> bool {
    matches!(expr, Expr::Value(value) if matches!(value.value, Value::Boolean(_)))
}
