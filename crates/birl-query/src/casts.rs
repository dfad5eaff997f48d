//! Texts that are to be of another type: null where one cannot be, which is counted and told.

use std::fmt::Display;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::compute::{CastOptions, cast, cast_with_options, concat};
use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result, ScalarValue, internal_err};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    Cast, ColumnarValue, Expr, ExprSchemable, LogicalPlan, ReturnFieldArgs, ScalarFunctionArgs,
    ScalarUDF, ScalarUDFImpl, Signature, TryCast, Volatility,
};
use datafusion::optimizer::AnalyzerRule;

use crate::rewritten::rewritten;
use crate::scan::Told;

/// Functions that fail, or give null, where a text is no time, or numbers are none of a date.
const OF_TIMES: [&str; 11] = [
    "make_date",
    "make_time",
    crate::moments::NAME,
    "to_date",
    "to_time",
    "to_timestamp",
    "to_timestamp_micros",
    "to_timestamp_millis",
    "to_timestamp_nanos",
    "to_timestamp_seconds",
    "to_unixtime",
];
/// No more of a value is kept as an example.
const VALUE_CHARS_MAX: usize = 80;

/// Values that are null since they cannot be read as what a query wants of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misread {
    /// The field or the column; `None` where it is what a query has made of some.
    pub name: Option<String>,
    /// How many values.
    pub count: u64,
    /// One of them: the first in the alphabet.
    pub value: String,
    wanted: Wanted,
}

/// What values were to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Number,
    WholeNumber,
    Time,
    Flag,
}

impl Wanted {
    fn of(ty: &DataType) -> Self {
        match ty {
            DataType::Boolean => Self::Flag,
            ty if ty.is_integer() => Self::WholeNumber,
            ty if ty.is_numeric() => Self::Number,
            _ => Self::Time,
        }
    }
}

impl Misread {
    /// That values are no numbers, say, and null; `count` is how many, for people.
    pub fn words(&self, count: impl Display) -> String {
        let of = match &self.name {
            Some(name) => format!(" of {name:?}"),
            None => " that the query makes".to_owned(),
        };
        let (values, are, s) = match self.count {
            1 => ("value", "is", ""),
            _ => ("values", "are", "s"),
        };
        let none = match self.wanted {
            Wanted::Number => format!("no number{s}"),
            Wanted::WholeNumber => format!("no whole number{s}"),
            Wanted::Time => format!("no time{s}"),
            Wanted::Flag => "neither true nor false".to_owned(),
        };
        let counts = match self.count {
            1 => "counts",
            _ => "count",
        };
        let words = format!(
            "{count} {values}{of} {are} {none} and {counts} as null: {:?}",
            self.value
        );
        match self.number_in_it() {
            Some(step) => format!("{words}; to take the number out of it: {step}"),
            None => words,
        }
    }

    /// The step that takes the number out of a value, where it has a unit behind it.
    fn number_in_it(&self) -> Option<String> {
        let name = self.name.as_ref()?;
        let digits = self
            .value
            .trim_end_matches(|c: char| c.is_alphabetic() || c == '%');
        let unit = &self.value[digits.len()..];
        let is_one = matches!(self.wanted, Wanted::Number | Wanted::WholeNumber)
            && !unit.is_empty()
            && digits.trim_end().parse::<f64>().is_ok();
        let is_plain = |c: char| c.is_alphanumeric() || "_.@".contains(c);
        (is_one && name.chars().all(is_plain))
            .then(|| format!("parse \"*{unit}\" as number from {name}"))
    }
}

/// Counts the values that one expression cannot read.
#[derive(Debug)]
pub(crate) struct Counter {
    name: OnceLock<String>,
    wanted: Wanted,
    found: Mutex<Found>,
}

#[derive(Debug, Default)]
struct Found {
    count: u64,
    value: Option<String>,
}

impl Counter {
    fn new(name: Option<&str>, wanted: Wanted) -> Arc<Self> {
        let known = OnceLock::new();
        if let Some(name) = name {
            let _ = known.set(name.to_owned());
        }
        Arc::new(Self {
            name: known,
            wanted,
            found: Mutex::default(),
        })
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts the values that are null among `read`, and not among those that it was read from.
    fn count(&self, values: &ArrayRef, read: &ArrayRef) {
        if read.logical_null_count() == values.logical_null_count() {
            return;
        }
        let (nulls, read_nulls) = (values.logical_nulls(), read.logical_nulls());
        let is_null = |nulls: &Option<_>, row: usize| {
            let nulls: &Option<datafusion::arrow::buffer::NullBuffer> = nulls;
            nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
        };
        let misread =
            (0..values.len()).filter(|&row| is_null(&read_nulls, row) && !is_null(&nulls, row));
        let texts = cast(values, &DataType::Utf8View).ok();
        let texts = texts.as_ref().map(|texts| texts.as_string_view());
        let mut found = self.found();
        for row in misread {
            found.count += 1;
            let Some(texts) = texts else {
                continue;
            };
            let text = texts.value(row);
            if found.value.as_ref().is_none_or(|value| text < &**value) {
                found.value = Some(text.chars().take(VALUE_CHARS_MAX).collect());
            }
        }
    }

    fn misread(&self) -> Option<Misread> {
        let found = self.found();
        (found.count > 0).then(|| Misread {
            name: self.name.get().cloned(),
            count: found.count,
            value: found.value.clone().unwrap_or_default(),
            wanted: self.wanted,
        })
    }
}

/// What several have counted. Expressions over the same field meet the same values, so the one that has met
/// the most tells of it.
pub(crate) fn misread(counters: &[Arc<Counter>]) -> Vec<Misread> {
    let mut all: Vec<Misread> = Vec::new();
    for misread in counters.iter().filter_map(|counter| counter.misread()) {
        let same = |it: &&mut Misread| (&it.name, it.wanted) == (&misread.name, misread.wanted);
        match all.iter_mut().find(same) {
            Some(known) if known.count < misread.count => *known = misread,
            Some(_) => {}
            None => all.push(misread),
        }
    }
    all
}

/// What comes of casts of texts that planning has put where other types are wanted, or that the query
/// asks for, and of functions that read times: null where a text is none, as long as it is not the query's own.
#[derive(Debug)]
pub(crate) struct LenientCasts;

impl AnalyzerRule for LenientCasts {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        // What a cast may make null is null from there on.
        rewritten(plan, lenient)?.recompute_schema()
    }

    fn name(&self) -> &'static str {
        "lenient_casts"
    }
}

fn lenient(expr: Expr, schema: &DFSchema) -> Transformed<Expr> {
    match expr {
        Expr::Cast(Cast { expr, field })
            if expr.any_column_refs() && is_lossy(&expr, field.data_type(), schema) =>
        {
            let reads = Reads {
                as_type: field.data_type().clone(),
                signature: Signature::any(1, Volatility::Immutable),
                counter: Counter::new(column(&expr), Wanted::of(field.data_type())),
            };
            Transformed::yes(call(reads, vec![*expr]))
        }
        Expr::ScalarFunction(function)
            if OF_TIMES.contains(&function.name())
                && function.args.iter().any(Expr::any_column_refs) =>
        {
            let ScalarFunction { func, args } = function;
            let spared = Spared {
                function: func,
                signature: Signature::variadic_any(Volatility::Immutable),
                counter: Counter::new(column(&args[0]), Wanted::Time),
            };
            Transformed::yes(call(spared, args))
        }
        // What has no name of its own is called as the column that it becomes.
        Expr::Alias(alias) => {
            if let Expr::ScalarFunction(function) = &*alias.expr
                && let Some(reads) = function.func.inner().downcast_ref::<Reads>()
            {
                reads.counter.name.get_or_init(|| alias.name.clone());
            }
            Transformed::no(Expr::Alias(alias))
        }
        expr => Transformed::no(expr),
    }
}

/// The same plan, of which each expression tells `told` of the values that it cannot read. Planning makes
/// several of one, which meet the same values: so each counts for itself.
pub(crate) fn counted(plan: LogicalPlan, told: &Told) -> Result<LogicalPlan> {
    rewritten(plan, |expr, _| {
        let Expr::ScalarFunction(function) = expr else {
            return Transformed::no(expr);
        };
        let inner = function.func.inner();
        let (reads, spared) = (
            inner.downcast_ref::<Reads>(),
            inner.downcast_ref::<Spared>(),
        );
        let own = |counter: &Counter| {
            let name = counter.name.get().map(String::as_str);
            let own = Counter::new(name, counter.wanted);
            told.counts(Arc::clone(&own));
            own
        };
        match (reads, spared) {
            (Some(reads), _) => {
                let reads = Reads {
                    as_type: reads.as_type.clone(),
                    signature: reads.signature.clone(),
                    counter: own(&reads.counter),
                };
                Transformed::yes(call(reads, function.args))
            }
            (_, Some(spared)) => {
                let spared = Spared {
                    function: Arc::clone(&spared.function),
                    signature: spared.signature.clone(),
                    counter: own(&spared.counter),
                };
                Transformed::yes(call(spared, function.args))
            }
            _ => Transformed::no(Expr::ScalarFunction(function)),
        }
    })
}

fn call(function: impl ScalarUDFImpl + 'static, args: Vec<Expr>) -> Expr {
    let func = Arc::new(ScalarUDF::from(function));
    Expr::ScalarFunction(ScalarFunction { func, args })
}

/// The name of the column that an expression is.
fn column(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Column(column) => Some(&column.name),
        Expr::Cast(Cast { expr, .. }) | Expr::TryCast(TryCast { expr, .. }) => column(expr),
        _ => None,
    }
}

/// Whether a cast turns texts into what not every text is.
fn is_lossy(expr: &Expr, to: &DataType, schema: &DFSchema) -> bool {
    let is_text = expr.get_type(schema).is_ok_and(|ty| ty.is_string());
    is_text && (to.is_numeric() || to.is_temporal() || *to == DataType::Boolean)
}

/// A cast, which is null where a text cannot be cast.
#[derive(Debug)]
struct Reads {
    as_type: DataType,
    signature: Signature,
    counter: Arc<Counter>,
}

// Two that read the same are one: what they have counted is not what they are.
impl PartialEq for Reads {
    fn eq(&self, other: &Self) -> bool {
        self.as_type == other.as_type
    }
}

impl Eq for Reads {}

impl Hash for Reads {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_type.hash(state);
    }
}

impl ScalarUDFImpl for Reads {
    fn name(&self) -> &str {
        match self.counter.wanted {
            Wanted::Number => "as_number",
            Wanted::WholeNumber => "as_whole_number",
            Wanted::Time => "as_time",
            Wanted::Flag => "as_flag",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.as_type.clone())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value] = &args.args[..] else {
            return internal_err!("{} takes one value", self.name());
        };
        let safe = CastOptions {
            safe: true,
            ..CastOptions::default()
        };
        let values = value.to_array(args.number_rows)?;
        let read = cast_with_options(&values, &self.as_type, &safe)?;
        self.counter.count(&values, &read);
        Ok(ColumnarValue::Array(read))
    }
}

/// A function that fails where a value is none for it, which gives null there.
#[derive(Debug)]
struct Spared {
    function: Arc<ScalarUDF>,
    signature: Signature,
    counter: Arc<Counter>,
}

impl PartialEq for Spared {
    fn eq(&self, other: &Self) -> bool {
        self.function == other.function
    }
}

impl Eq for Spared {}

impl Hash for Spared {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.function.hash(state);
    }
}

impl ScalarUDFImpl for Spared {
    fn name(&self) -> &str {
        self.function.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.function.return_type(types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let field = self.function.return_field_from_args(args)?;
        Ok(Arc::new(field.as_ref().clone().with_nullable(true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let ty = args.return_type().clone();
        let given = args.args[0].to_array(rows)?;
        let read = self.spared(args)?;
        let read = match read {
            Some(read) => read.to_array(rows)?,
            None => ScalarValue::try_from(&ty)?.to_array_of_size(rows)?,
        };
        self.counter.count(&given, &read);
        Ok(ColumnarValue::Array(read))
    }
}

impl Spared {
    /// What the function gives; where it fails, of each half of the rows; `None` of one for which it does.
    fn spared(&self, args: ScalarFunctionArgs) -> Result<Option<ColumnarValue>> {
        let failed = match self.function.invoke_with_args(args.clone()) {
            Ok(read) => return Ok(Some(read)),
            Err(failed) => failed,
        };
        let rows = args.number_rows;
        if !args
            .args
            .iter()
            .any(|it| matches!(it, ColumnarValue::Array(_)))
        {
            return Err(failed);
        }
        if rows <= 1 {
            return Ok(None);
        }
        let ty = args.return_type().clone();
        let half = |from: usize, count: usize| -> Result<ArrayRef> {
            let part = |value: &ColumnarValue| match value {
                ColumnarValue::Array(values) => ColumnarValue::Array(values.slice(from, count)),
                scalar => scalar.clone(),
            };
            let args = ScalarFunctionArgs {
                args: args.args.iter().map(part).collect(),
                number_rows: count,
                ..args.clone()
            };
            match self.spared(args)? {
                Some(read) => read.to_array(count),
                None => ScalarValue::try_from(&ty)?.to_array_of_size(count),
            }
        };
        let (first, second) = (half(0, rows / 2)?, half(rows / 2, rows - rows / 2)?);
        let read = concat(&[&*first, &*second])?;
        Ok(Some(ColumnarValue::Array(read)))
    }
}
