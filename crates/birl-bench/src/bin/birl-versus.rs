//! Times commands beside each other and prints one row of a table.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context;
use birl_bench::versus::{CommandLine, Measured, measure, median, output};
use lexopt::prelude::{Long, Short, Value, ValueExt};

const USAGE: &str = "\
birl-versus: time commands beside each other

  birl-versus --header
  birl-versus --case NAME [OPTIONS] -- COMMAND... -- RIVAL... [-- RIVAL...]

  --header            print the table's head and end
  --case NAME         what the row is called
  --rounds N          how often each command runs, in turns (default 7)
  --unordered         the same lines in another order are the same output
  --unchecked         outputs are not compared
  --at-least RATIO    wanted: the first rival's time by the command's
  --within-ms N       wanted: the command's time
  --rss-mib N         wanted: the command's peak resident memory

Each command runs once before the rounds, so that files are in the page cache; in that run outputs
are compared. The exit code is 2 where outputs differ or a command fails. A target that is missed
is marked, and no error.
";

fn main() -> ExitCode {
    match parse_args().and_then(|args| run(&args)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to tell when standard error is closed too.
            let _ = writeln!(io::stderr(), "birl-versus: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(args: &Args) -> anyhow::Result<()> {
    let text = match args {
        Args::Help => USAGE.to_owned(),
        Args::Header => header(),
        Args::Case(case) => {
            case.warm_up()?;
            let runs = measure(&case.commands, case.rounds)?;
            case.row(&runs)
        }
    };
    io::stdout()
        .write_all(text.as_bytes())
        .context("cannot write the table")
}

enum Args {
    Help,
    Header,
    Case(Case),
}

struct Case {
    name: String,
    rounds: usize,
    order: Order,
    targets: Vec<Target>,
    commands: Vec<CommandLine>,
}

/// What makes two outputs the same.
enum Order {
    Same,
    Any,
    Unchecked,
}

enum Target {
    AtLeast(f64),
    WithinMs(f64),
    RssMib(f64),
}

impl Case {
    /// Runs each command once, so that what it reads is in memory, and compares what they print.
    fn warm_up(&self) -> anyhow::Result<()> {
        let outputs: Vec<_> = self
            .commands
            .iter()
            .map(output)
            .collect::<anyhow::Result<_, _>>()?;
        for (command, other) in self.commands.iter().zip(&outputs).skip(1) {
            let same = match self.order {
                Order::Same => *other == outputs[0],
                Order::Any => other.same_lines(&outputs[0]),
                Order::Unchecked => true,
            };
            if !same {
                let (ours, theirs) = (outputs[0], *other);
                anyhow::bail!(
                    "outputs differ in {:?}:\n  {:?}\n    {ours:?}\n  {command:?}\n    {theirs:?}",
                    self.name,
                    self.commands[0],
                );
            }
        }
        Ok(())
    }

    fn row(&self, runs: &[Vec<Measured>]) -> String {
        let seconds: Vec<f64> = runs.iter().map(|runs| median(walls(runs))).collect();
        let rss: Vec<f64> = runs.iter().map(|runs| rss_peak_mib(runs)).collect();
        let ratio = runs.get(1).map(|rival| pair_ratio(&runs[0], rival));
        let verdicts: Vec<String> = self
            .targets
            .iter()
            .map(|target| target.verdict(seconds[0], rss[0], ratio))
            .collect();
        format!(
            "{:<44} {} {} {} {:>6}  {:>7.1} {}  {}\n",
            self.name,
            cell(seconds.first(), 9, 4),
            cell(seconds.get(1), 9, 4),
            cell(seconds.get(2), 9, 4),
            ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2}")),
            rss[0],
            cell(rss.get(1), 7, 1),
            verdicts.join(", "),
        )
    }
}

impl Target {
    fn verdict(&self, seconds: f64, rss_mib: f64, ratio: Option<f64>) -> String {
        let (wanted, met) = match *self {
            Target::AtLeast(least) => (
                format!("ratio >= {least}"),
                ratio.is_some_and(|ratio| ratio >= least),
            ),
            Target::WithinMs(most) => (format!("<= {most} ms"), seconds * 1e3 <= most),
            Target::RssMib(most) => (format!("<= {most} MiB"), rss_mib <= most),
        };
        format!("{wanted}: {}", if met { "met" } else { "MISSED" })
    }
}

fn header() -> String {
    format!(
        "{:<44} {:>9} {:>9} {:>9} {:>6}  {:>7} {:>7}  {}\n",
        "case (times in s, peak memory in MiB)",
        "birl",
        "rg",
        "grep",
        "rg/us",
        "birl",
        "rg",
        "wanted"
    )
}

fn cell(value: Option<&f64>, width: usize, digits: usize) -> String {
    match value {
        Some(value) => format!("{value:>width$.digits$}"),
        None => format!("{:>width$}", "-"),
    }
}

fn walls(runs: &[Measured]) -> Vec<f64> {
    runs.iter().map(|run| run.wall.as_secs_f64()).collect()
}

/// The median over the rounds of the rival's time by ours: a slow spell of the machine hits both
/// halves of a pair.
fn pair_ratio(ours: &[Measured], theirs: &[Measured]) -> f64 {
    median(
        walls(theirs)
            .iter()
            .zip(walls(ours))
            .map(|(theirs, ours)| theirs / ours)
            .collect(),
    )
}

/// The highest peak of all runs: a bound on memory holds always or not at all.
fn rss_peak_mib(runs: &[Measured]) -> f64 {
    let peak = runs
        .iter()
        .map(|run| run.rss_peak)
        .max()
        .expect("each command runs at least once");
    peak as f64 / f64::from(1 << 20)
}

fn parse_args() -> anyhow::Result<Args> {
    let mut case = Case {
        name: String::new(),
        rounds: 7,
        order: Order::Same,
        targets: Vec::new(),
        commands: Vec::new(),
    };
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("case") => case.name = parser.value()?.string()?,
            Long("rounds") => case.rounds = parser.value()?.parse()?,
            Long("unordered") => case.order = Order::Any,
            Long("unchecked") => case.order = Order::Unchecked,
            Long("at-least") => case.targets.push(Target::AtLeast(parser.value()?.parse()?)),
            Long("within-ms") => case
                .targets
                .push(Target::WithinMs(parser.value()?.parse()?)),
            Long("rss-mib") => case.targets.push(Target::RssMib(parser.value()?.parse()?)),
            Long("header") => return Ok(Args::Header),
            Long("help") | Short('h') => return Ok(Args::Help),
            Value(program) => {
                case.commands = split_commands(program, parser.raw_args()?);
                break;
            }
            _ => return Err(arg.unexpected().into()),
        }
    }
    if case.rounds == 0 || case.commands.is_empty() || case.commands.iter().any(Vec::is_empty) {
        anyhow::bail!("give at least one round and one command; --help says more");
    }
    Ok(Args::Case(case))
}

fn split_commands(program: OsString, rest: impl Iterator<Item = OsString>) -> Vec<CommandLine> {
    let mut commands = vec![vec![program]];
    for arg in rest {
        if arg == "--" {
            commands.push(Vec::new());
        } else {
            let last = commands
                .last_mut()
                .expect("there is a command from the start");
            last.push(arg);
        }
    }
    commands
}
