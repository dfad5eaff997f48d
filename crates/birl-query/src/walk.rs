//! Walks over SQL.
//!
//! sqlparser's walk over its whole tree is generic over what visits it: a thousand functions, made
//! anew for each type of visitor and each closure. These are given one type for each kind of walk,
//! which calls the visitor through a pointer; compiling this crate takes a fraction of the time.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, ObjectName, Query, Select, Statement, TableFactor, ValueWithSpan, Visit, VisitMut,
    Visitor, VisitorMut,
};

/// Shows `visitor` the parts of `part`, until it breaks off.
pub(crate) fn look<B>(part: &impl Visit, visitor: &mut dyn Visitor<Break = B>) -> ControlFlow<B> {
    let mut kept = Kept {
        visitor,
        given: None,
    };
    let _ = part.visit(&mut Any(&mut kept as &mut dyn Visitor<Break = ()>));
    broken(kept.given)
}

/// Lets `visitor` change the parts of `part`, until it breaks off.
pub(crate) fn change<B>(
    part: &mut impl VisitMut,
    visitor: &mut dyn VisitorMut<Break = B>,
) -> ControlFlow<B> {
    let mut kept = Kept {
        visitor,
        given: None,
    };
    let _ = part.visit(&mut Any(&mut kept as &mut dyn VisitorMut<Break = ()>));
    broken(kept.given)
}

/// Shows each expression in `part`, those that hold others before these, until `look` breaks off.
pub(crate) fn look_at_exprs<B>(
    part: &impl Visit,
    look_at: impl FnMut(&Expr) -> ControlFlow<B>,
) -> ControlFlow<B> {
    look(part, &mut Exprs(look_at))
}

/// Lets `change` change each expression in `part`, those that hold others behind these, until it
/// breaks off.
pub(crate) fn change_exprs<B>(
    part: &mut impl VisitMut,
    change_it: impl FnMut(&mut Expr) -> ControlFlow<B>,
) -> ControlFlow<B> {
    change(part, &mut Exprs(change_it))
}

fn broken<B>(given: Option<B>) -> ControlFlow<B> {
    match given {
        Some(given) => ControlFlow::Break(given),
        None => ControlFlow::Continue(()),
    }
}

struct Exprs<F>(F);

impl<B, F: FnMut(&Expr) -> ControlFlow<B>> Visitor for Exprs<F> {
    type Break = B;

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<B> {
        self.0(expr)
    }
}

impl<B, F: FnMut(&mut Expr) -> ControlFlow<B>> VisitorMut for Exprs<F> {
    type Break = B;

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<B> {
        self.0(expr)
    }
}

/// The only type of visitor that sqlparser's walks are made for.
struct Any<V>(V);

/// Keeps what a visitor breaks off with.
struct Kept<V, B> {
    visitor: V,
    given: Option<B>,
}

impl<V, B> Kept<V, B> {
    fn keep(&mut self, flow: ControlFlow<B>) -> ControlFlow<()> {
        match flow {
            ControlFlow::Continue(()) => ControlFlow::Continue(()),
            ControlFlow::Break(given) => {
                self.given = Some(given);
                ControlFlow::Break(())
            }
        }
    }
}

/// Writes both visitors of one kind, which hand on all parts.
macro_rules! hand_on {
    ($visitor:ident, $($before:ident $behind:ident $part:ty,)*) => {
        impl $visitor for Any<&mut dyn $visitor<Break = ()>> {
            type Break = ();
            $(
                fn $before(&mut self, part: $part) -> ControlFlow<()> {
                    self.0.$before(part)
                }
                fn $behind(&mut self, part: $part) -> ControlFlow<()> {
                    self.0.$behind(part)
                }
            )*
        }

        impl<B> $visitor for Kept<&mut dyn $visitor<Break = B>, B> {
            type Break = ();
            $(
                fn $before(&mut self, part: $part) -> ControlFlow<()> {
                    let flow = self.visitor.$before(part);
                    self.keep(flow)
                }
                fn $behind(&mut self, part: $part) -> ControlFlow<()> {
                    let flow = self.visitor.$behind(part);
                    self.keep(flow)
                }
            )*
        }
    };
}

hand_on!(
    Visitor,
    pre_visit_query post_visit_query &Query,
    pre_visit_select post_visit_select &Select,
    pre_visit_relation post_visit_relation &ObjectName,
    pre_visit_table_factor post_visit_table_factor &TableFactor,
    pre_visit_expr post_visit_expr &Expr,
    pre_visit_statement post_visit_statement &Statement,
    pre_visit_value post_visit_value &ValueWithSpan,
);

hand_on!(
    VisitorMut,
    pre_visit_query post_visit_query &mut Query,
    pre_visit_select post_visit_select &mut Select,
    pre_visit_relation post_visit_relation &mut ObjectName,
    pre_visit_table_factor post_visit_table_factor &mut TableFactor,
    pre_visit_expr post_visit_expr &mut Expr,
    pre_visit_statement post_visit_statement &mut Statement,
    pre_visit_value post_visit_value &mut ValueWithSpan,
);
