//! Names with dots: a column of a table, or one field.

use std::collections::HashSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    AccessExpr, BinaryOperator, Expr, Ident, ObjectName, Query, Subscript, TableFactor, Value,
    Visit, VisitMut, Visitor, VisitorMut,
};

use super::piece::{ident, located, place};
use crate::walk;

/// The names that tables have in a query. They count all over it, also where SQL would not see them.
#[derive(Debug, Default)]
pub(super) struct Tables(HashSet<String>);

impl Tables {
    /// Adds a name.
    pub(super) fn add(&mut self, name: &str) {
        self.0.insert(name.to_owned());
    }

    /// Adds all that are named in `part`.
    pub(super) fn add_of(&mut self, part: &impl Visit) {
        let ControlFlow::Continue(()) = walk::look(part, &mut Collect(self));
    }

    /// Makes one name of each in `part` that begins like no column of a table: the table `logs` offers
    /// fields by their whole paths.
    pub(super) fn join_names(&self, part: &mut impl VisitMut) {
        let ControlFlow::Continue(()) = walk::change(part, &mut JoinNames(self));
    }

    /// Whether a table is called so.
    pub(super) fn has(&self, ident: &Ident) -> bool {
        self.0.contains(&ident.value)
    }
}

struct Collect<'t>(&'t mut Tables);

impl Visitor for Collect<'_> {
    type Break = std::convert::Infallible;

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<Self::Break> {
        if let Some(name) = relation.0.last().and_then(|part| part.as_ident()) {
            self.0.add(&name.value);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<Self::Break> {
        let alias = match factor {
            TableFactor::Table { alias, .. }
            | TableFactor::Derived { alias, .. }
            | TableFactor::TableFunction { alias, .. }
            | TableFactor::Function { alias, .. }
            | TableFactor::UNNEST { alias, .. }
            | TableFactor::NestedJoin { alias, .. } => alias.as_ref(),
            _ => None,
        };
        if let Some(alias) = alias {
            self.0.add(&alias.name.value);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Self::Break> {
        for table in query.with.iter().flat_map(|with| &with.cte_tables) {
            self.0.add(&table.alias.name.value);
        }
        ControlFlow::Continue(())
    }
}

struct JoinNames<'t>(&'t Tables);

impl VisitorMut for JoinNames<'_> {
    type Break = std::convert::Infallible;

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        match expr {
            Expr::CompoundIdentifier(parts) => {
                let columns = match self.0.has(&parts[0]) {
                    true => parts.split_off(1),
                    false => std::mem::take(parts),
                };
                let name = joined(&columns);
                match parts.pop() {
                    Some(table) => *parts = vec![table, name],
                    None => *expr = Expr::Identifier(name),
                }
            }
            Expr::CompoundFieldAccess { root, access_chain } => {
                let first = match &**root {
                    Expr::Identifier(first) if !self.0.has(first) => first,
                    _ => return ControlFlow::Continue(()),
                };
                let behind = access_chain.iter().map_while(|access| match access {
                    AccessExpr::Dot(Expr::Identifier(name)) => Some(name.clone()),
                    AccessExpr::Subscript(Subscript::Index { index }) => key(index),
                    _ => None,
                });
                let parts: Vec<_> = std::iter::once(first.clone()).chain(behind).collect();
                access_chain.drain(..parts.len() - 1);
                let name = Expr::Identifier(joined(&parts));
                match access_chain.is_empty() {
                    true => *expr = name,
                    false => **root = name,
                }
            }
            // What is in an object is a field of its own, which has a type.
            Expr::BinaryOp {
                left,
                op: BinaryOperator::Arrow | BinaryOperator::LongArrow,
                right,
            } => {
                if let (Expr::Identifier(object), Some(key)) = (&**left, key(right)) {
                    *expr = Expr::Identifier(joined(&[object.clone(), key]));
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// The name that is asked for by `request['status']` or `request->>'status'`.
fn key(index: &Expr) -> Option<Ident> {
    match index {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(name) => {
                let mut key = ident(name);
                key.span = value.span;
                Some(key)
            }
            _ => None,
        },
        _ => None,
    }
}

/// The parts of a name with dots as one.
fn joined(parts: &[Ident]) -> Ident {
    if let [only] = parts {
        return only.clone();
    }
    let names: Vec<_> = parts.iter().map(|part| part.value.as_str()).collect();
    let mut name = ident(&names.join("."));
    let first = parts.first().and_then(|part| place(part.span));
    let last = parts.last().and_then(|part| place(part.span));
    if let (Some(first), Some(last)) = (first, last) {
        name.span = located(first.start..last.end);
    }
    name
}
