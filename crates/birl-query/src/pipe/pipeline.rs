//! The query that steps make: what they have added to it, and what is known of its rows.

use std::ops::ControlFlow;

use birl_record::query::Error;
use datafusion::sql::sqlparser::ast::helpers::attached_token::AttachedToken;
use datafusion::sql::sqlparser::ast::{
    self, Distinct, ExceptSelectItem, Expr, GroupByExpr, Ident, OrderBy, OrderByExpr, OrderByKind,
    OrderByOptions, PipeOperator, Query, ReplaceSelectElement, ReplaceSelectItem, Select,
    SelectFlavor, SelectItem, SetExpr, SetOperator, SetQuantifier, TableFactor, TableWithJoins,
    VisitMut, VisitorMut, WildcardAdditionalOptions, With,
};

use super::functions::{self, Context, POSITION};
use super::levels;
use super::names::Tables;
use super::piece::{Piece, ident};
use super::{Chart, Known, Lookup, reader};
use crate::{numbers, walk};

/// What is known of the columns that rows have.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Columns {
    /// Those of the table `logs`, but for some that were left out, and with some more.
    Logs {
        without: Vec<String>,
        with: Vec<String>,
    },
    /// These, in this order.
    Known(Vec<String>),
    /// Nothing.
    Unknown,
}

impl Columns {
    /// All columns of `logs`.
    pub(super) fn logs() -> Self {
        Self::Logs {
            without: Vec::new(),
            with: Vec::new(),
        }
    }

    /// Whether there is a column `name`, as far as is known.
    fn has(&self, name: &str, known: Known<'_>) -> bool {
        self.called(name, known).is_some_and(|it| it == name)
    }

    /// The column that `name` means, as far as is known: the one that is called so, or else the only one
    /// that is but for the case.
    fn called(&self, name: &str, known: Known<'_>) -> Option<String> {
        match self {
            Self::Logs { without, with } => {
                let field = (known.field)(name).filter(|it| !without.contains(it));
                let is_exact = field.as_ref().is_some_and(|it| it == name);
                match only_alike(with, name) {
                    Some(it) if it == name || !is_exact => Some(it.to_owned()),
                    _ => field,
                }
            }
            Self::Known(names) => only_alike(names, name).map(str::to_owned),
            Self::Unknown => None,
        }
    }

    /// The same with other names for some.
    pub(super) fn renamed(&self, renamed: &[(Ident, Ident)]) -> Self {
        let mut columns = self.clone();
        match &mut columns {
            Self::Known(names) => {
                for name in names {
                    if let Some((_, new)) = renamed.iter().find(|(old, _)| old.value == *name) {
                        name.clone_from(&new.value);
                    }
                }
            }
            _ => {
                for (old, new) in renamed {
                    columns.remove(&old.value);
                    columns.add(&new.value);
                }
            }
        }
        columns
    }

    pub(super) fn add(&mut self, name: &str) {
        match self {
            Self::Logs { with: names, .. } | Self::Known(names) => {
                if !names.iter().any(|it| it == name) {
                    names.push(name.to_owned());
                }
            }
            Self::Unknown => {}
        }
    }

    fn remove(&mut self, name: &str) {
        match self {
            Self::Logs { without, with } => {
                with.retain(|it| it != name);
                without.push(name.to_owned());
            }
            Self::Known(names) => names.retain(|it| it != name),
            Self::Unknown => {}
        }
    }
}

/// The one of `names` that is `name`, or else the only one that is but for the case.
fn only_alike<'n>(names: &'n [String], name: &str) -> Option<&'n str> {
    if let Some(exact) = names.iter().find(|it| *it == name) {
        return Some(exact);
    }
    let mut alike = names.iter().filter(|it| it.eq_ignore_ascii_case(name));
    match (alike.next(), alike.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}

/// What the last aggregate shows.
#[derive(Clone, Debug)]
pub(super) struct Aggregated {
    /// The columns of its aggregates, and whether each is never null.
    pub(super) values: Vec<(String, bool)>,
    /// The columns of what rows are grouped by.
    pub(super) keys: Vec<String>,
}

/// A query, as far as its steps have been read.
pub(super) struct Pipeline<'f> {
    query: Query,
    pub(super) columns: Columns,
    pub(super) tables: Tables,
    /// What rows are sorted by; `None` if by nothing.
    order: Option<Vec<OrderByExpr>>,
    /// Whether the last operator sorts by what goes without saying, so that another order may take
    /// its place.
    order_is_default: bool,
    pub(super) aggregated: Option<Aggregated>,
    pub(super) chart: Option<Chart>,
    pub(super) lookups: Vec<Lookup>,
    /// Columns of levels that have another name.
    pub(super) levels: Vec<String>,
    /// Columns of texts that may be numbers: those that were taken out of others.
    pub(super) parsed: Vec<String>,
    /// Whether rows have columns of several tables, or of one that has another name than `logs`.
    pub(super) is_named: bool,
    /// Where the operators begin behind which only columns have changed, and what was known there.
    rows_end: Option<RowsEnd>,
    /// The tables that steps make.
    with: Option<With>,
    pub(super) known: Known<'f>,
}

struct RowsEnd {
    operators: usize,
    columns: Columns,
}

impl<'f> Pipeline<'f> {
    /// One that begins with a query whose columns are known as far as that.
    pub(super) fn new(query: Query, columns: Columns, known: Known<'f>) -> Self {
        let mut tables = Tables::default();
        tables.add_of(&query);
        let is_named = query.body != from_logs().body && !is_nameless(&query);
        Self {
            query,
            columns,
            tables,
            order: None,
            order_is_default: false,
            aggregated: None,
            chart: None,
            lookups: Vec::new(),
            levels: Vec::new(),
            parsed: Vec::new(),
            is_named,
            rows_end: None,
            with: None,
            known,
        }
    }

    pub(super) fn into_query(self) -> Query {
        let mut query = self.query;
        match (&mut query.with, self.with) {
            (Some(with), Some(made)) => add_tables(with, made),
            (with, made) => *with = with.take().or(made),
        }
        query
    }

    /// Makes tables, for the steps that follow.
    pub(super) fn add_with(&mut self, made: With) {
        match &mut self.with {
            Some(with) => add_tables(with, made),
            None => self.with = Some(made),
        }
    }

    /// Whether the rows are sorted by anything.
    pub(super) fn is_sorted(&self) -> bool {
        self.order.is_some() || self.query.order_by.is_some()
    }

    /// Whether there is a column `name`, as far as is known.
    pub(super) fn has(&self, name: &str) -> bool {
        self.columns.has(name, self.known)
    }

    /// What is within an object that a column has, where that is all that is known: `request.status` of
    /// `request`.
    pub(super) fn within(&self, name: &Ident) -> Option<Expr> {
        let Columns::Known(names) = &self.columns else {
            return None;
        };
        let is_known = |name: &str| names.iter().any(|it| it == name);
        if is_known(&name.value) {
            return None;
        }
        let mut dots = name.value.match_indices('.');
        let (at, _) = dots.find(|(at, _)| is_known(&name.value[..*at]))?;
        let (object, path) = (&name.value[..at], &name.value[at + 1..]);
        let path = Expr::Value(ast::Value::SingleQuotedString(path.to_owned()).into());
        let object = Expr::Identifier(ident(object));
        Some(reader::template("json_field($1, $2)", &[&object, &path]))
    }

    /// The name of a column as the column has it, as far as is known.
    pub(super) fn called(&self, name: Ident) -> Ident {
        match self.columns.called(&name.value, self.known) {
            Some(called) if called != name.value => Ident {
                span: name.span,
                ..ident(&called)
            },
            _ => name,
        }
    }

    /// Whether there may be a column `name`, one of birl's own.
    pub(super) fn shows(&self, name: &str) -> bool {
        match &self.columns {
            Columns::Logs { without, .. } => !without.iter().any(|it| it == name),
            Columns::Known(names) => names.iter().any(|it| it == name),
            Columns::Unknown => true,
        }
    }

    /// Where functions stand in the next step.
    pub(super) fn context(&self) -> Context {
        Context {
            bin: None,
            position: position(&self.columns),
        }
    }

    /// An expression, with its names and functions as SQL has them.
    pub(super) fn expr(&self, piece: Piece<'_>) -> Result<Expr, Error> {
        let mut expr = reader::expr(piece)?;
        self.resolve(&mut expr);
        functions::rewrite(&mut expr, &self.context())?;
        Ok(expr)
    }

    /// Takes what reads like the name of a column, such as `avg(latency_ms)`, for it, and each name
    /// with dots for one.
    pub(super) fn resolve(&self, part: &mut impl VisitMut) {
        self.tables.join_names(part);
        let Columns::Known(names) = &self.columns else {
            return;
        };
        let mut visitor = |expr: &mut Expr| {
            if let Expr::Identifier(name) = expr {
                *name = self.called(name.clone());
                if let Some(within) = self.within(name) {
                    *expr = within;
                }
            }
            let is_plain = matches!(
                expr,
                Expr::Identifier(_) | Expr::CompoundIdentifier(_) | Expr::Value(_)
            );
            if !is_plain {
                let typed = spelled(&expr.to_string());
                let named = |is: fn(&str, &str) -> bool| {
                    names.iter().find(|name| is(&spelled(name), &typed))
                };
                let name = named(|name, typed| name == typed).or_else(|| named(alike));
                if let Some(name) = name {
                    *expr = Expr::Identifier(ident(name));
                }
            }
            std::ops::ControlFlow::<()>::Continue(())
        };
        let _ = walk::change_exprs(part, &mut visitor);
    }

    /// Keeps the rows of which `expr` is true.
    pub(super) fn filter(&mut self, expr: Expr) {
        self.rows(PipeOperator::Where { expr });
    }

    /// Adds a step that leaves the columns as they are.
    pub(super) fn rows(&mut self, operator: PipeOperator) {
        self.rows_end = None;
        self.push(operator);
    }

    fn push(&mut self, operator: PipeOperator) {
        self.order_is_default = false;
        if let Some(chart) = &mut self.chart {
            chart.fills_gaps = false;
        }
        if self.query.pipe_operators.is_empty() && is_distinct_on(&self.query) {
            // An order that stands right behind would be taken for the one of `distinct on`.
            self.query.pipe_operators.push(all_columns());
        }
        self.query.pipe_operators.push(operator);
    }

    /// Sorts the rows.
    pub(super) fn sort(&mut self, exprs: Vec<OrderByExpr>) {
        // Numbers among texts that were taken out of others go by their values.
        let by_value = |order: &OrderByExpr| {
            let is_parsed = matches!(&order.expr, Expr::Identifier(name)
                if self.parsed.contains(&name.value));
            is_parsed.then(|| OrderByExpr {
                expr: numbers::number_of(&order.expr),
                ..order.clone()
            })
        };
        let exprs = exprs.into_iter();
        let mut exprs: Vec<_> = exprs
            .flat_map(|it| by_value(&it).into_iter().chain([it]))
            .collect();
        for order in &mut exprs {
            let is_level = matches!(&order.expr, Expr::Identifier(name)
                if self.levels.contains(&name.value));
            if is_level {
                order.expr = levels::rank(&order.expr);
            }
        }
        if self.order_is_default {
            self.query.pipe_operators.pop();
        }
        self.order = Some(exprs.clone());
        self.rows(PipeOperator::OrderBy { exprs });
    }

    /// Sorts the rows by what goes without saying.
    pub(super) fn sort_by_default(&mut self, exprs: Vec<OrderByExpr>) {
        if !exprs.is_empty() {
            self.sort(exprs);
            self.order_is_default = true;
        }
    }

    /// The order that rows have, as a window has it; nothing where that is not known.
    pub(super) fn order_as_sql(&self) -> String {
        let order = self.order.clone().unwrap_or_else(|| {
            let position = position(&self.columns).into_iter();
            position.map(|name| ascending(ident(name))).collect()
        });
        match order.is_empty() {
            true => String::new(),
            false => {
                let keys: Vec<_> = order.iter().map(OrderByExpr::to_string).collect();
                format!("ORDER BY {} ", keys.join(", "))
            }
        }
    }

    /// Keeps the first rows.
    pub(super) fn head(&mut self, count: u64) {
        let expr = number(count);
        self.rows(PipeOperator::Limit { expr, offset: None });
    }

    /// Keeps the last rows; `false` if nothing tells which are.
    pub(super) fn tail(&mut self, count: u64) -> bool {
        let (at, columns) = match &self.rows_end {
            Some(end) => (end.operators, &end.columns),
            None => (self.query.pipe_operators.len(), &self.columns),
        };
        let order = match &self.order {
            Some(order) => order.clone(),
            None => {
                let position = position(columns);
                if position.is_empty() || self.query.order_by.is_some() {
                    return false;
                }
                position
                    .into_iter()
                    .map(|name| ascending(ident(name)))
                    .collect()
            }
        };
        let operators = &mut self.query.pipe_operators;
        let is_sorted_there = at > 0
            && matches!(&operators[at - 1], PipeOperator::OrderBy { exprs } if *exprs == order);
        let from = at - usize::from(is_sorted_there);
        let last = [
            PipeOperator::OrderBy {
                exprs: order.iter().map(reversed).collect(),
            },
            PipeOperator::Limit {
                expr: number(count),
                offset: None,
            },
            PipeOperator::OrderBy { exprs: order },
        ];
        operators.splice(from..at, last);
        if let Some(end) = &mut self.rows_end {
            end.operators = from + 3;
        }
        self.order_is_default = false;
        if let Some(chart) = &mut self.chart {
            chart.fills_gaps = false;
        }
        true
    }

    /// Puts these columns in the place of those that there are.
    pub(super) fn select(&mut self, items: Vec<SelectItem>) {
        let columns = shown_columns(&items, &self.columns);
        self.select_as(items, columns);
    }

    /// The same, where it is known what columns these are.
    pub(super) fn select_as(&mut self, items: Vec<SelectItem>, columns: Columns) {
        self.project(PipeOperator::Select { exprs: items }, columns);
    }

    /// The same, and of rows that are alike one.
    pub(super) fn select_distinct(&mut self, items: Vec<SelectItem>) {
        let columns = shown_columns(&items, &self.columns);
        self.nest(items, Some(Distinct::Distinct));
        self.columns = columns;
        self.order = None;
        self.forget_what_is_gone();
    }

    /// Keeps one of the rows that are alike in `keys`: the first, in the order that there is.
    pub(super) fn first_of_each(&mut self, keys: Vec<Expr>) {
        let order = self.order.clone().unwrap_or_else(|| {
            let position = position(&self.columns).into_iter();
            position.map(|name| ascending(ident(name))).collect()
        });
        let by_keys = keys.iter().map(|key| ordered(key.clone(), None, None));
        let exprs = by_keys.chain(order.iter().cloned()).collect();
        let all = SelectItem::Wildcard(WildcardAdditionalOptions::default());
        self.nest(vec![all], Some(Distinct::On(keys)));
        if !order.is_empty() {
            let kind = OrderByKind::Expressions(exprs);
            self.query.order_by = Some(OrderBy {
                kind,
                interpolate: None,
            });
            self.rows(PipeOperator::OrderBy {
                exprs: order.clone(),
            });
            self.order = Some(order);
        }
    }

    /// Adds a column, or puts it in the place of the one of that name. All are made of what there was before.
    pub(super) fn extend(&mut self, items: Vec<(Expr, Ident)>) {
        let named = items
            .into_iter()
            .map(|(expr, name)| (expr, self.called(name)));
        let (known, new): (Vec<_>, Vec<_>) = named.partition(|(_, name)| self.has(&name.value));
        // What is within an object is no column as long as nobody asks for it.
        let (within, known): (Vec<_>, Vec<_>) = known
            .into_iter()
            .partition(|(_, name)| name.value.contains('.'));
        if !new.is_empty() {
            self.add(new);
        }
        if !known.is_empty() {
            self.replace(known);
        }
        if !within.is_empty() {
            let columns = self.columns.clone();
            let others = all_but(within.iter().map(|(_, name)| name.clone()).collect());
            let exprs = std::iter::once(others).chain(within.into_iter().map(named_item));
            let exprs = exprs.collect();
            self.project(PipeOperator::Select { exprs }, columns);
        }
    }

    /// Adds columns behind those that there are.
    fn add(&mut self, items: Vec<(Expr, Ident)>) {
        let mut columns = self.columns.clone();
        items.iter().for_each(|(_, name)| columns.add(&name.value));
        let items: Vec<_> = items.into_iter().map(named_item).collect();
        if items.iter().any(needs_select) {
            let all = SelectItem::Wildcard(WildcardAdditionalOptions::default());
            self.nest(std::iter::once(all).chain(items).collect(), None);
            self.columns = columns;
        } else {
            self.project(PipeOperator::Extend { exprs: items }, columns);
        }
    }

    /// Puts expressions in the places of columns.
    pub(super) fn replace(&mut self, items: Vec<(Expr, Ident)>) {
        let items = items.into_iter().map(|(expr, column_name)| {
            Box::new(ReplaceSelectElement {
                expr,
                column_name,
                as_keyword: true,
            })
        });
        let options = WildcardAdditionalOptions {
            opt_replace: Some(ReplaceSelectItem {
                items: items.collect(),
            }),
            ..WildcardAdditionalOptions::default()
        };
        let columns = self.columns.clone();
        let exprs = vec![SelectItem::Wildcard(options)];
        self.project(PipeOperator::Select { exprs }, columns);
    }

    /// Leaves out columns.
    pub(super) fn drop(&mut self, names: Vec<Ident>) {
        let mut columns = self.columns.clone();
        names.iter().for_each(|name| columns.remove(&name.value));
        let exprs = vec![all_but(names)];
        self.project(PipeOperator::Select { exprs }, columns);
    }

    fn project(&mut self, operator: PipeOperator, columns: Columns) {
        let end = self.rows_end.take().unwrap_or_else(|| RowsEnd {
            operators: self.query.pipe_operators.len(),
            columns: self.columns.clone(),
        });
        let exprs = match &operator {
            PipeOperator::Select { exprs } | PipeOperator::Extend { exprs } => &exprs[..],
            _ => &[],
        };
        if exprs.iter().any(needs_select) {
            self.nest(exprs.to_vec(), None);
        } else {
            self.push(operator);
            self.rows_end = Some(end);
        }
        self.columns = columns;
        self.forget_what_is_gone();
    }

    /// Groups the rows.
    pub(super) fn aggregate(&mut self, operator: PipeOperator, aggregated: Aggregated) {
        self.rows(operator);
        self.order = None;
        self.chart = None;
        let values = aggregated.values.iter().map(|(name, _)| name);
        self.columns = Columns::Known(aggregated.keys.iter().chain(values).cloned().collect());
        self.aggregated = Some(aggregated);
    }

    /// Keeps so many rows, by chance.
    pub(super) fn sample(&mut self, count: u64) {
        let name = Ident::with_quote('"', "\u{1}chance");
        self.extend(vec![(reader::template("random()", &[]), name.clone())]);
        let chance = Expr::Identifier(name.clone());
        let is_among = "row_number() OVER (ORDER BY $1) <= $2";
        self.qualify(reader::template(is_among, &[&chance, &number(count)]));
        self.drop(vec![name]);
    }

    /// Keeps the rows of which `condition`, on what is over windows, is true.
    pub(super) fn qualify(&mut self, condition: Expr) {
        let all = SelectItem::Wildcard(WildcardAdditionalOptions::default());
        self.nest_with(vec![all], None, Some(condition));
        if let Some(exprs) = self.order.clone() {
            self.rows(PipeOperator::OrderBy { exprs });
        }
    }

    /// Does something to the rows after which their order is not known, and no more of their columns
    /// than is told.
    pub(super) fn combine(&mut self, operator: PipeOperator, columns: Columns) {
        self.rows(operator);
        self.order = None;
        self.chart = None;
        self.aggregated = None;
        self.columns = columns;
    }

    /// Holds the rows against those of `queries`, each as often as it is there.
    pub(super) fn combine_all(&mut self, op: SetOperator, queries: Vec<Query>, columns: Columns) {
        for other in queries {
            let rows = std::mem::replace(&mut self.query, query(empty_select()));
            *self.query.body = SetExpr::SetOperation {
                op,
                set_quantifier: SetQuantifier::All,
                left: Box::new(SetExpr::Query(Box::new(rows))),
                right: Box::new(SetExpr::Query(Box::new(other))),
            };
        }
        self.rows_end = None;
        self.order_is_default = false;
        self.order = None;
        self.chart = None;
        self.aggregated = None;
        self.columns = columns;
    }

    /// Gives the rows the name that their table has, where their columns have been made by steps: beside
    /// those of another table, a column of no table would be told from none that is called so.
    pub(super) fn name_rows(&mut self) {
        let keeps = |operator: &PipeOperator| {
            matches!(
                operator,
                PipeOperator::Where { .. }
                    | PipeOperator::Limit { .. }
                    | PipeOperator::OrderBy { .. }
            )
        };
        let are_made =
            self.query.body != from_logs().body || !self.query.pipe_operators.iter().all(keeps);
        if are_made && !self.is_named {
            let alias = Ident::new("logs");
            self.rows(PipeOperator::As { alias });
        }
        self.is_named = true;
    }

    /// Puts the query so far into parentheses, and a `select` in front of it.
    pub(super) fn nest(&mut self, projection: Vec<SelectItem>, distinct: Option<Distinct>) {
        self.nest_with(projection, distinct, None);
    }

    /// The same, which keeps only the rows that `qualify` is true of, when windows are known.
    pub(super) fn nest_with(
        &mut self,
        projection: Vec<SelectItem>,
        distinct: Option<Distinct>,
        qualify: Option<Expr>,
    ) {
        let body = select(
            projection,
            TableFactor::Derived {
                lateral: false,
                subquery: Box::new(std::mem::replace(&mut self.query, query(empty_select()))),
                alias: None,
                sample: None,
            },
        );
        let body = Select {
            distinct,
            qualify,
            ..body
        };
        self.query = query(body);
        self.rows_end = None;
        self.order_is_default = false;
        if let Some(chart) = &mut self.chart {
            chart.fills_gaps = false;
        }
    }

    /// No chart can be drawn, nor rows counted, of columns that are not there any more.
    fn forget_what_is_gone(&mut self) {
        let has = |name: &str| self.columns.has(name, self.known);
        let is_whole = |chart: &Chart| {
            let series = chart.series.iter();
            has(&chart.time) && series.chain(&chart.values).all(|name| has(name))
        };
        if !self.chart.as_ref().is_none_or(is_whole) {
            self.chart = None;
        }
        let has = |name: &str| self.columns.has(name, self.known);
        if let Some(aggregated) = &mut self.aggregated {
            aggregated.values.retain(|(name, _)| has(name));
            aggregated.keys.retain(|name| has(name));
        }
    }
}

fn add_tables(with: &mut With, made: With) {
    with.recursive |= made.recursive;
    with.cte_tables.extend(made.cte_tables);
}

/// All columns, as they are.
fn all_columns() -> PipeOperator {
    let all = SelectItem::Wildcard(WildcardAdditionalOptions::default());
    PipeOperator::Select { exprs: vec![all] }
}

/// Puts a step between each limit and an order that stands right behind it. DataFusion would take the
/// numbers in the order that are that of the limit for a column.
pub(super) fn part_orders_from_limits(query: &mut Query) {
    let _ = walk::change(query, &mut PartsOrders);
}

struct PartsOrders;

impl VisitorMut for PartsOrders {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        let operators = &mut query.pipe_operators;
        let stands_behind_limit = |at: &usize| {
            let is_limit = matches!(operators[at - 1], PipeOperator::Limit { .. });
            is_limit
                && matches!(&operators[*at], PipeOperator::OrderBy { exprs } if is_calculated(exprs))
        };
        let places: Vec<_> = (1..operators.len()).filter(stands_behind_limit).collect();
        for at in places.into_iter().rev() {
            operators.insert(at, all_columns());
        }
        ControlFlow::Continue(())
    }
}

/// Whether rows are sorted by more than columns.
fn is_calculated(order: &[OrderByExpr]) -> bool {
    let is_column =
        |it: &OrderByExpr| matches!(it.expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_));
    !order.iter().all(is_column)
}

fn is_distinct_on(query: &Query) -> bool {
    matches!(&*query.body, SetExpr::Select(select) if matches!(select.distinct, Some(Distinct::On(_))))
}

/// The columns that tell where a row stands among the others, of those that there are.
fn position(columns: &Columns) -> Vec<&'static str> {
    let is_there = |name: &&str| match columns {
        Columns::Logs { without, .. } => !without.iter().any(|it| it == name),
        Columns::Known(names) => names.iter().any(|it| it == name),
        Columns::Unknown => false,
    };
    POSITION.into_iter().filter(is_there).collect()
}

/// What columns there are behind a `select` of these.
pub(super) fn shown_columns(items: &[SelectItem], before: &Columns) -> Columns {
    let mut names = Vec::new();
    for item in items {
        match item {
            SelectItem::ExprWithAlias { alias, .. } => names.push(alias.value.clone()),
            SelectItem::UnnamedExpr(Expr::Identifier(name)) => names.push(name.value.clone()),
            SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) => {
                names.extend(parts.last().map(|name| name.value.clone()));
            }
            SelectItem::Wildcard(options) if items.len() == 1 => {
                let is_plain = *options == WildcardAdditionalOptions::default();
                return match is_plain {
                    true => before.clone(),
                    false => Columns::Unknown,
                };
            }
            _ => return Columns::Unknown,
        }
    }
    Columns::Known(names)
}

/// What was typed, without the white space outside of quotes.
fn spelled(text: &str) -> String {
    let mut quote = None;
    text.chars()
        .filter(|it| is_in_quotes(&mut quote, *it) || !it.is_whitespace())
        .collect()
}

/// Whether two are the same but for the case of what stands outside of quotes: keywords and types are written
/// in capitals when SQL is printed, and not always when it is typed.
fn alike(one: &str, other: &str) -> bool {
    let mut quote = None;
    let alike = |(a, b): (char, char)| match is_in_quotes(&mut quote, a) {
        true => a == b,
        false => a.eq_ignore_ascii_case(&b),
    };
    one.len() == other.len() && one.chars().zip(other.chars()).all(alike)
}

/// Whether a character is in quotes, or closes them; `quote` is what was opened before.
fn is_in_quotes(quote: &mut Option<char>, character: char) -> bool {
    match *quote {
        Some(open) => {
            if character == open {
                *quote = None;
            }
            true
        }
        None => {
            *quote = matches!(character, '\'' | '"').then_some(character);
            false
        }
    }
}

/// Whether a column can only be worked out in a `select` of its own: over windows, or by making more
/// rows.
fn needs_select(item: &SelectItem) -> bool {
    let found = walk::look_at_exprs(item, |expr| {
        let makes_rows = matches!(expr, Expr::Function(function)
            if functions::name_of(function).is_some_and(|name| name.eq_ignore_ascii_case("unnest")));
        match makes_rows || is_over_window(expr) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    });
    found.is_break()
}

/// Whether an expression has a part that is over a window.
pub(super) fn has_window(expr: &Expr) -> bool {
    let found = walk::look_at_exprs(expr, |expr| match is_over_window(expr) {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    });
    found.is_break()
}

fn is_over_window(expr: &Expr) -> bool {
    matches!(expr, Expr::Function(function) if function.over.is_some())
}

/// Whether a query is of no table that has a name: `select 1`, `(select 1)`.
fn is_nameless(query: &Query) -> bool {
    match &*query.body {
        SetExpr::Select(select) => select.from.is_empty(),
        SetExpr::Query(query) => is_nameless(query),
        _ => false,
    }
}

/// `* except (…)`
pub(super) fn all_but(names: Vec<Ident>) -> SelectItem {
    let mut seen: Vec<String> = Vec::new();
    // A name must not be said twice there.
    let mut names = names.into_iter().filter(|name| {
        let is_new = !seen.contains(&name.value);
        seen.push(name.value.clone());
        is_new
    });
    let opt_except = names.next().map(|first_element| ExceptSelectItem {
        first_element,
        additional_elements: names.collect(),
    });
    SelectItem::Wildcard(WildcardAdditionalOptions {
        opt_except,
        ..WildcardAdditionalOptions::default()
    })
}

/// An expression as a column of this name.
fn named_item((expr, alias): (Expr, Ident)) -> SelectItem {
    SelectItem::ExprWithAlias { expr, alias }
}

/// A column that shows an expression.
pub(super) fn column(name: Ident) -> SelectItem {
    SelectItem::UnnamedExpr(Expr::Identifier(name))
}

pub(super) fn number(count: u64) -> Expr {
    Expr::Value(ast::Value::Number(count.to_string(), false).into())
}

/// In the order of `name`, with what has none at the end.
pub(super) fn ascending(name: Ident) -> OrderByExpr {
    ordered(Expr::Identifier(name), None, None)
}

/// An expression to sort by.
pub(super) fn ordered(expr: Expr, asc: Option<bool>, nulls_first: Option<bool>) -> OrderByExpr {
    OrderByExpr {
        expr,
        options: OrderByOptions { asc, nulls_first },
        with_fill: None,
    }
}

/// The other way round.
fn reversed(order: &OrderByExpr) -> OrderByExpr {
    let is_ascending = order.options.asc != Some(false);
    OrderByExpr {
        options: OrderByOptions {
            asc: is_ascending.then_some(false),
            nulls_first: order.options.nulls_first.map(|first| !first),
        },
        ..order.clone()
    }
}

/// `FROM logs`
pub(super) fn from_logs() -> Query {
    let table = TableFactor::Table {
        name: vec![Ident::new("logs")].into(),
        alias: None,
        args: None,
        with_hints: Vec::new(),
        version: None,
        with_ordinality: false,
        partitions: Vec::new(),
        json_path: None,
        sample: None,
        index_hints: Vec::new(),
    };
    let select = select(Vec::new(), table);
    query(Select {
        flavor: SelectFlavor::FromFirstNoSelect,
        ..select
    })
}

fn query(select: Select) -> Query {
    Query {
        with: None,
        body: Box::new(SetExpr::Select(Box::new(select))),
        order_by: None,
        limit_clause: None,
        fetch: None,
        locks: Vec::new(),
        for_clause: None,
        settings: None,
        format_clause: None,
        pipe_operators: Vec::new(),
    }
}

fn select(projection: Vec<SelectItem>, from: TableFactor) -> Select {
    Select {
        projection,
        from: vec![TableWithJoins {
            relation: from,
            joins: Vec::new(),
        }],
        ..empty_select()
    }
}

fn empty_select() -> Select {
    Select {
        select_token: AttachedToken::empty(),
        optimizer_hints: Vec::new(),
        distinct: None,
        select_modifiers: None,
        top: None,
        top_before_distinct: false,
        projection: Vec::new(),
        exclude: None,
        into: None,
        from: Vec::new(),
        lateral_views: Vec::new(),
        prewhere: None,
        selection: None,
        connect_by: Vec::new(),
        group_by: GroupByExpr::Expressions(Vec::new(), Vec::new()),
        cluster_by: Vec::new(),
        distribute_by: Vec::new(),
        sort_by: Vec::new(),
        having: None,
        named_window: Vec::new(),
        qualify: None,
        window_before_qualify: false,
        value_table_mode: None,
        flavor: SelectFlavor::Standard,
    }
}
