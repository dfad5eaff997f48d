//! What is done to the statement that a query is before it is planned.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use birl_record::query::{parse_search, tree::Term};
use datafusion::sql::sqlparser::ast::{self, Visitor, VisitorMut};

use crate::Error;
use crate::pipe::template;
use crate::walk;

/// What a column is called that tells whether a search finds the record.
pub(crate) fn search_column(text: &str) -> String {
    format!("search('{text}')")
}

/// Lets `from logs` alone give all columns, as it does before a pipe, and calls columns as they are
/// typed: `ms / 1000`, and not as the plan has them.
pub(crate) fn name_columns(statement: &mut ast::Statement) {
    struct Names;
    impl VisitorMut for Names {
        type Break = ();
        fn pre_visit_select(&mut self, select: &mut ast::Select) -> ControlFlow<()> {
            if select.flavor == ast::SelectFlavor::FromFirstNoSelect {
                select.projection = vec![ast::SelectItem::Wildcard(Default::default())];
            }
            for item in &mut select.projection {
                if let ast::SelectItem::UnnamedExpr(expr) = item
                    && !matches!(
                        expr,
                        ast::Expr::Identifier(_) | ast::Expr::CompoundIdentifier(_)
                    )
                {
                    let alias = ast::Ident::with_quote('"', expr.to_string());
                    let expr = expr.clone();
                    *item = ast::SelectItem::ExprWithAlias { expr, alias };
                }
            }
            ControlFlow::Continue(())
        }
    }
    let _ = walk::change(statement, &mut Names);
}

/// The tables that a statement names and does not make itself.
pub(crate) fn tables(statement: &ast::Statement) -> BTreeSet<String> {
    #[derive(Default)]
    struct Tables {
        named: BTreeSet<String>,
        made: BTreeSet<String>,
    }
    impl Visitor for Tables {
        type Break = ();
        fn pre_visit_relation(&mut self, relation: &ast::ObjectName) -> ControlFlow<()> {
            if let [ast::ObjectNamePart::Identifier(name)] = &relation.0[..] {
                self.named.insert(name.value.clone());
            }
            ControlFlow::Continue(())
        }
        fn pre_visit_query(&mut self, query: &ast::Query) -> ControlFlow<()> {
            let tables = query.with.iter().flat_map(|with| &with.cte_tables);
            self.made
                .extend(tables.map(|cte| cte.alias.name.value.clone()));
            ControlFlow::Continue(())
        }
    }
    let mut tables = Tables::default();
    let _ = walk::look(statement, &mut tables);
    &tables.named - &tables.made
}

/// The names that tables have in a statement beside their own, each with the table's own behind it.
pub(crate) fn aliases(statement: &ast::Statement) -> Vec<(String, String)> {
    struct Aliases(Vec<(String, String)>);
    impl Visitor for Aliases {
        type Break = ();
        fn pre_visit_table_factor(&mut self, factor: &ast::TableFactor) -> ControlFlow<()> {
            if let ast::TableFactor::Table {
                name,
                alias: Some(alias),
                ..
            } = factor
                && let [ast::ObjectNamePart::Identifier(name)] = &name.0[..]
            {
                self.0.push((alias.name.value.clone(), name.value.clone()));
            }
            ControlFlow::Continue(())
        }
    }
    let mut aliases = Aliases(Vec::new());
    let _ = walk::look(statement, &mut aliases);
    aliases.0
}

/// The columns that a statement names with their table, by both; `*` are all of a table.
pub(crate) fn mentioned(statement: &ast::Statement) -> BTreeSet<(String, String)> {
    struct Mentioned(BTreeSet<(String, String)>);
    impl Mentioned {
        fn add(&mut self, items: &[ast::SelectItem]) {
            for item in items {
                if let ast::SelectItem::QualifiedWildcard(
                    ast::SelectItemQualifiedWildcardKind::ObjectName(name),
                    _,
                ) = item
                    && let Some(ast::ObjectNamePart::Identifier(table)) = name.0.last()
                {
                    self.0.insert((table.value.clone(), "*".to_owned()));
                }
            }
        }
    }
    impl Visitor for Mentioned {
        type Break = ();
        fn pre_visit_select(&mut self, select: &ast::Select) -> ControlFlow<()> {
            self.add(&select.projection);
            ControlFlow::Continue(())
        }
        fn pre_visit_query(&mut self, query: &ast::Query) -> ControlFlow<()> {
            for operator in &query.pipe_operators {
                if let ast::PipeOperator::Select { exprs } = operator {
                    self.add(exprs);
                }
            }
            ControlFlow::Continue(())
        }
        fn pre_visit_expr(&mut self, expr: &ast::Expr) -> ControlFlow<()> {
            if let ast::Expr::CompoundIdentifier(parts) = expr
                && let [.., table, column] = &parts[..]
            {
                self.0.insert((table.value.clone(), column.value.clone()));
            }
            ControlFlow::Continue(())
        }
    }
    let mut mentioned = Mentioned(BTreeSet::new());
    let _ = walk::look(statement, &mut mentioned);
    mentioned.0
}

/// Calls a table by its own name where it was typed otherwise, which goes on being a name for it.
pub(crate) fn name_table(statement: &mut ast::Statement, typed: &str, known: &str) {
    struct Names<'n>(&'n str, &'n str);
    impl VisitorMut for Names<'_> {
        type Break = ();
        fn pre_visit_table_factor(&mut self, factor: &mut ast::TableFactor) -> ControlFlow<()> {
            if let ast::TableFactor::Table { name, alias, .. } = factor
                && let [ast::ObjectNamePart::Identifier(ident)] = &mut name.0[..]
                && ident.value == self.0
            {
                let typed = std::mem::replace(ident, ast::Ident::with_quote('"', self.1));
                alias.get_or_insert(ast::TableAlias {
                    explicit: true,
                    name: typed,
                    columns: Vec::new(),
                    at: None,
                });
            }
            ControlFlow::Continue(())
        }
    }
    let _ = walk::change(statement, &mut Names(typed, known));
}

/// The searches that a statement asks for by `search('…')`, which then names a column instead.
pub(crate) fn take_searches(statement: &mut ast::Statement) -> Result<Vec<Term>, Error> {
    let mut terms: Vec<Term> = Vec::new();
    let flow = walk::change_exprs(statement, |expr| {
        let Some(text) = searched(expr) else {
            return ControlFlow::Continue(());
        };
        match parse_search(&text) {
            Ok(term) => {
                let name = search_column(&term.to_string());
                *expr = ast::Expr::Identifier(ast::Ident::with_quote('"', name));
                if !terms
                    .iter()
                    .any(|known| known.to_string() == term.to_string())
                {
                    terms.push(term);
                }
                ControlFlow::Continue(())
            }
            Err(error) => ControlFlow::Break(error),
        }
    });
    match flow {
        ControlFlow::Continue(()) => Ok(terms),
        ControlFlow::Break(error) => Err(error.into()),
    }
}

/// The text of `search('text')`.
fn searched(expr: &ast::Expr) -> Option<String> {
    let ast::Expr::Function(function) = expr else {
        return None;
    };
    let [ast::ObjectNamePart::Identifier(name)] = &function.name.0[..] else {
        return None;
    };
    let ast::FunctionArguments::List(list) = &function.args else {
        return None;
    };
    let [ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(ast::Expr::Value(value)))] =
        &list.args[..]
    else {
        return None;
    };
    match (&value.value, name.value.eq_ignore_ascii_case("search")) {
        (ast::Value::SingleQuotedString(text), true) => Some(text.clone()),
        _ => None,
    }
}

/// The columns that a statement shows by their own names, at any place.
pub(crate) fn shown(statement: &ast::Statement) -> BTreeSet<String> {
    struct Shown(BTreeSet<String>);
    impl Shown {
        fn add_expr(&mut self, expr: &ast::Expr) {
            match expr {
                ast::Expr::Identifier(name) => _ = self.0.insert(name.value.clone()),
                ast::Expr::CompoundIdentifier(parts) => {
                    self.0.extend(parts.last().map(|name| name.value.clone()));
                }
                _ => {}
            }
        }
        fn add(&mut self, items: &[ast::SelectItem]) {
            for item in items {
                match item {
                    ast::SelectItem::UnnamedExpr(expr) => self.add_expr(expr),
                    ast::SelectItem::ExprWithAlias { alias, .. } => {
                        self.0.insert(alias.value.clone());
                    }
                    _ => {}
                }
            }
        }
    }
    impl Visitor for Shown {
        type Break = ();
        fn pre_visit_select(&mut self, select: &ast::Select) -> ControlFlow<()> {
            self.add(&select.projection);
            ControlFlow::Continue(())
        }
        fn pre_visit_query(&mut self, query: &ast::Query) -> ControlFlow<()> {
            for operator in &query.pipe_operators {
                match operator {
                    ast::PipeOperator::Select { exprs } | ast::PipeOperator::Extend { exprs } => {
                        self.add(exprs);
                    }
                    ast::PipeOperator::Aggregate {
                        full_table_exprs,
                        group_by_expr,
                    } => {
                        for item in full_table_exprs.iter().chain(group_by_expr) {
                            self.add_expr(&item.expr.expr);
                            let alias = item.expr.alias.iter();
                            self.0.extend(alias.map(|name| name.value.clone()));
                        }
                    }
                    _ => {}
                }
            }
            ControlFlow::Continue(())
        }
    }
    let mut shown = Shown(BTreeSet::new());
    let _ = walk::look(statement, &mut shown);
    shown.0
}

/// Lets the planner look for the columns that `* replace (… as name)` names, which it would not replace without
/// a word where they are called otherwise.
pub(crate) fn name_replaced(statement: &mut ast::Statement) {
    struct Replaced;
    impl Replaced {
        fn name(items: &mut [ast::SelectItem]) {
            for item in items {
                let (table, options) = match item {
                    ast::SelectItem::Wildcard(options) => (None, options),
                    ast::SelectItem::QualifiedWildcard(
                        ast::SelectItemQualifiedWildcardKind::ObjectName(name),
                        options,
                    ) => (name.0.last().and_then(|it| it.as_ident()).cloned(), options),
                    _ => continue,
                };
                let replaced = options.opt_replace.iter_mut();
                for element in replaced.flat_map(|it| &mut it.items) {
                    let column = element.column_name.clone();
                    let column = match &table {
                        Some(table) => ast::Expr::CompoundIdentifier(vec![table.clone(), column]),
                        None => ast::Expr::Identifier(column),
                    };
                    // Whether anything is null is never null.
                    element.expr = template(
                        "CASE WHEN $1 IS NULL IS NULL THEN NULL ELSE $2 END",
                        &[&column, &element.expr],
                    );
                }
            }
        }
    }
    impl VisitorMut for Replaced {
        type Break = ();
        fn pre_visit_select(&mut self, select: &mut ast::Select) -> ControlFlow<()> {
            Self::name(&mut select.projection);
            ControlFlow::Continue(())
        }
        fn pre_visit_query(&mut self, query: &mut ast::Query) -> ControlFlow<()> {
            for operator in &mut query.pipe_operators {
                if let ast::PipeOperator::Select { exprs } = operator {
                    Self::name(exprs);
                }
            }
            ControlFlow::Continue(())
        }
    }
    let _ = walk::change(statement, &mut Replaced);
}

/// Names a field as it is called where it was typed otherwise; returns whether it was anywhere.
pub(crate) fn rename(statement: &mut ast::Statement, typed: &str, known: &str) -> bool {
    let mut is_there = false;
    let _ = walk::change_exprs(statement, |expr| {
        let ident = match expr {
            ast::Expr::Identifier(ident) => Some(ident),
            ast::Expr::CompoundIdentifier(parts) => parts.last_mut(),
            _ => None,
        };
        if let Some(ident) = ident
            && ident.value == typed
        {
            *ident = ast::Ident::with_quote('"', known);
            is_there = true;
        }
        ControlFlow::<()>::Continue(())
    });
    name_in_wildcards(statement, &mut |name| {
        (name == typed).then(|| {
            is_there = true;
            known.to_owned()
        })
    });
    is_there
}

/// Calls the columns that wildcards leave out or replace, `* exclude (a)`, as `called` tells, where it does.
fn name_in_wildcards(
    statement: &mut ast::Statement,
    called: &mut dyn FnMut(&str) -> Option<String>,
) {
    struct Names<'n>(&'n mut dyn FnMut(&str) -> Option<String>);
    impl Names<'_> {
        fn name(&mut self, items: &mut [ast::SelectItem]) {
            for item in items {
                let (ast::SelectItem::Wildcard(options)
                | ast::SelectItem::QualifiedWildcard(_, options)) = item
                else {
                    continue;
                };
                for ident in names_in(options) {
                    if let Some(name) = (self.0)(&ident.value) {
                        *ident = ast::Ident::with_quote('"', name);
                    }
                }
            }
        }
    }
    impl VisitorMut for Names<'_> {
        type Break = ();
        fn pre_visit_select(&mut self, select: &mut ast::Select) -> ControlFlow<()> {
            self.name(&mut select.projection);
            ControlFlow::Continue(())
        }
        fn pre_visit_query(&mut self, query: &mut ast::Query) -> ControlFlow<()> {
            for operator in &mut query.pipe_operators {
                if let ast::PipeOperator::Select { exprs } = operator {
                    self.name(exprs);
                }
            }
            ControlFlow::Continue(())
        }
    }
    let _ = walk::change(statement, &mut Names(called));
}

/// The names that a wildcard leaves out or replaces.
fn names_in(options: &mut ast::WildcardAdditionalOptions) -> Vec<&mut ast::Ident> {
    let mut names = Vec::new();
    if let Some(except) = &mut options.opt_except {
        names.push(&mut except.first_element);
        names.extend(&mut except.additional_elements);
    }
    if let Some(replace) = &mut options.opt_replace {
        names.extend(replace.items.iter_mut().map(|it| &mut it.column_name));
    }
    match &mut options.opt_exclude {
        Some(ast::ExcludeSelectItem::Single(name)) => names.extend(single(name)),
        Some(ast::ExcludeSelectItem::Multiple(all)) => {
            names.extend(all.iter_mut().filter_map(single));
        }
        None => {}
    }
    names
}

fn single(name: &mut ast::ObjectName) -> Option<&mut ast::Ident> {
    match &mut name.0[..] {
        [ast::ObjectNamePart::Identifier(name)] => Some(name),
        _ => None,
    }
}
