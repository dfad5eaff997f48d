//! `birl alerts`, `ack`, `silence` and `why`: the `birl run` on this machine is asked, and told.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context as _, Result, anyhow, bail};
use birl_watch::control::{Error, HeldBack, Letter, Letters, OpenAlert, Remote, Silence};
use birl_watch::status::paths;
use birl_watch::words::moment;
use birl_watch::{Alert, Matcher};
use serde::Serialize;
use serde_json::json;

use crate::args::{Asked, Asking, LettersArgs, Remark, SilenceArgs, StatusFormat};
use crate::config::Environment;
use crate::formats::harmless;
use crate::status::{Cell, age, table};

/// Asks, and writes the answer.
///
/// # Errors
///
/// Fails where nobody answers, what is asked for cannot be done, or `out` fails.
pub(crate) fn ask(
    asked: &Asked,
    environment: &Environment,
    out: &mut dyn Write,
) -> Result<ExitCode> {
    let answer = answer(asked, environment).map_err(|error| {
        let unanswered = error
            .downcast_ref::<Error>()
            .filter(|it| it.is_unanswered());
        match unanswered {
            // Each of these was a query before it was a command.
            Some(error) => anyhow!(
                "{error}\nhint: to search for the word: birl -e {}",
                name(asked)
            ),
            None => error,
        }
    });
    let (text, code) = answer?;
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        written => written.context("cannot write to standard output")?,
    }
    Ok(code)
}

fn name(asked: &Asked) -> &'static str {
    match asked {
        Asked::Alerts(_) => "alerts",
        Asked::Ack(_) => "ack",
        Asked::Unack(_) => "unack",
        Asked::Silence(_) => "silence",
        Asked::Unsilence(_) => "unsilence",
        Asked::Why(_) => "why",
        Asked::Letters(_) => "dead-letters",
    }
}

fn answer(asked: &Asked, environment: &Environment) -> Result<(String, ExitCode)> {
    Ok(match asked {
        Asked::Alerts(args) => alerts(&args.asking, environment)?,
        Asked::Ack(args) => {
            let by = by(&args.remark, environment);
            each(&args.alerts, &args.asking, environment, |remote, alert| {
                let alert = remote.ack(alert, &by, &args.remark.comment)?;
                let text = format!("{} is looked after by {by}", alert.words());
                Ok((alert, text))
            })?
        }
        Asked::Unack(args) => each(&args.alerts, &args.asking, environment, |remote, alert| {
            let alert = remote.unack(alert)?;
            let text = format!("{} is looked after by nobody", alert.words());
            Ok((alert, text))
        })?,
        Asked::Silence(args) => silence(args, environment)?,
        Asked::Unsilence(args) => each(
            &args.numbers,
            &args.asking,
            environment,
            |remote, number| {
                let silence = remote.unsilence(*number)?;
                let silence = silence.ok_or_else(|| {
                    anyhow!("there is no silence {number}\n\nhint: birl alerts prints those that there are")
                })?;
                let text = format!("silence {number} is over: {silence}");
                Ok((silence, text))
            },
        )?,
        Asked::Letters(args) => letters(args, environment)?,
        Asked::Why(args) => {
            let why = remote(&args.asking, environment).why(&args.name)?;
            (
                printed(&args.asking, &why, || why.to_string())?,
                ExitCode::SUCCESS,
            )
        }
    })
}

fn remote(asking: &Asking, environment: &Environment) -> Remote {
    Remote::new(match &asking.socket {
        Some(socket) => vec![socket.clone()],
        None => paths(environment.variable),
    })
}

/// Does something with each, and says so. The first that fails is the last.
fn each<T, A: Serialize>(
    these: &[T],
    asking: &Asking,
    environment: &Environment,
    act: impl Fn(&Remote, &T) -> Result<(A, String)>,
) -> Result<(String, ExitCode)> {
    let remote = remote(asking, environment);
    let mut text = String::new();
    for this in these {
        let done = act(&remote, this);
        let printed = done.and_then(|(answer, words)| printed(asking, &answer, || words + "\n"));
        match printed {
            Ok(printed) => text += &printed,
            Err(error) => {
                // What was done before is told as well.
                io::stdout().write_all(text.as_bytes())?;
                return Err(error);
            }
        }
    }
    Ok((text, ExitCode::SUCCESS))
}

/// An answer in the form that was asked for. What stands in a log may be in the words.
fn printed(
    asking: &Asking,
    answer: &impl Serialize,
    words: impl FnOnce() -> String,
) -> Result<String> {
    Ok(match asking.output {
        StatusFormat::Json => {
            serde_json::to_string(answer).context("cannot write the answer")? + "\n"
        }
        StatusFormat::Table => {
            let words = words();
            let lines = words.lines().map(|line| harmless(line.as_bytes()) + "\n");
            lines.collect()
        }
    })
}

/// Who asks: as the flag says, or the login.
fn by(remark: &Remark, environment: &Environment) -> String {
    let login = || {
        ["USER", "LOGNAME"]
            .into_iter()
            .find_map(environment.variable)
    };
    let login = || login().map(|login| login.to_string_lossy().into_owned());
    let name = remark.by.clone().or_else(login);
    name.unwrap_or_else(|| "somebody".to_owned())
}

fn silence(args: &SilenceArgs, environment: &Environment) -> Result<(String, ExitCode)> {
    // A word alone may be typed as one of the file, or in a chat.
    let matcher = match &args.matcher[..] {
        [one] => one.parse()?,
        words => Matcher::of_words(words.iter().cloned())?,
    };
    let silence = Silence {
        matcher,
        from: environment.now,
        until: environment.now.saturating_add(args.length),
        by: by(&args.remark, environment),
        comment: args.remark.comment.clone(),
    };
    let number = remote(&args.asking, environment).silence(silence.clone())?;
    let answer = json!({ "number": number, "silence": silence });
    let words = || format!("silence {number}: {silence}\n");
    Ok((printed(&args.asking, &answer, words)?, ExitCode::SUCCESS))
}

fn letters(args: &LettersArgs, environment: &Environment) -> Result<(String, ExitCode)> {
    let what = match (args.resend, args.drop) {
        (true, _) => Letters::Resend,
        (_, true) => Letters::Drop,
        _ => Letters::Look,
    };
    if what != Letters::Look && args.numbers.is_empty() && !args.all {
        bail!("nothing says which dead letters\n\nhint: name their numbers, or all: --all");
    }
    let remote = remote(&args.asking, environment);
    let letters = remote.letters(what, &args.numbers)?;
    let missing = args.numbers.iter();
    let mut missing = missing.filter(|number| letters.iter().all(|it| it.number != **number));
    let missing = missing.next().copied();
    let text = match (args.asking.output, what) {
        (StatusFormat::Json, _) => {
            serde_json::to_string(&letters).context("cannot write the answer")? + "\n"
        }
        (StatusFormat::Table, Letters::Look) => letters_table(&letters, environment.now),
        (StatusFormat::Table, Letters::Resend) => {
            format!("{} waits to be sent again\n", count(letters.len()))
        }
        (StatusFormat::Table, Letters::Drop) => format!("{} is forgotten\n", count(letters.len())),
    };
    if let Some(missing) = missing {
        // What was done is told as well.
        io::stdout().write_all(text.as_bytes())?;
        bail!("there is no dead letter {missing}");
    }
    let code = match letters.is_empty() {
        true => ExitCode::from(1),
        false => ExitCode::SUCCESS,
    };
    Ok((text, code))
}

fn count(letters: usize) -> String {
    match letters {
        0 => "no dead letter".to_owned(),
        1 => "1 dead letter".to_owned(),
        count => format!("each of {count} dead letters"),
    }
}

fn letters_table(letters: &[Letter], now: i64) -> String {
    let rows = letters.iter().map(|letter| {
        let alert: Option<Alert> = serde_json::from_str(&letter.alert).ok();
        let (rule, text) = match &alert {
            Some(alert) => (alert.rule.as_str(), alert.text.as_str()),
            None => ("-", letter.alert.as_str()),
        };
        vec![
            Cell::number(letter.number.unsigned_abs()),
            Cell::text(&letter.place),
            Cell::text(&format!("{} ago", age(letter.at, now))),
            Cell::text(rule),
            Cell::text(text.lines().next().unwrap_or_default()),
            Cell::text(&letter.reason),
        ]
    });
    let names = ["letter", "place", "given up", "rule", "text", "reason"];
    match letters.is_empty() {
        true => "there is no dead letter\n".to_owned(),
        false => table(&names, rows.collect())
            .trim_start_matches('\n')
            .to_owned(),
    }
}

fn alerts(asking: &Asking, environment: &Environment) -> Result<(String, ExitCode)> {
    let remote = remote(asking, environment);
    let (alerts, silences) = (remote.alerts()?, remote.silences()?);
    let code = match alerts.is_empty() {
        true => ExitCode::from(1),
        false => ExitCode::SUCCESS,
    };
    let text = match asking.output {
        StatusFormat::Table => tables(&alerts, &silences, environment.now),
        StatusFormat::Json => {
            let answer = json!({ "alerts": alerts, "silences": silences });
            format!("{answer}\n")
        }
    };
    Ok((text, code))
}

/// What is shown to people: a table each for alerts and silences.
fn tables(alerts: &[OpenAlert], silences: &BTreeMap<i64, Silence>, now: i64) -> String {
    let rows = alerts.iter().map(|alert| alert_row(alert, now));
    let names = ["alert", "rule", "group", "since", "found", "text", "state"];
    let alerts = table(&names, rows.collect());
    let rows = silences.iter().map(|(number, silence)| {
        vec![
            Cell::number(number.unsigned_abs()),
            Cell::text(&silence.matcher.to_string()),
            Cell::text(&when(silence, now)),
            Cell::text(&silence.by),
            Cell::text(&silence.comment),
        ]
    });
    let names = ["silence", "of", "until", "by", "comment"];
    let silences = table(&names, rows.collect());
    let alerts = match alerts.is_empty() {
        true => "\nno alert is open\n".to_owned(),
        false => alerts,
    };
    // The first table needs no line before it.
    format!("{}{silences}", alerts.trim_start_matches('\n'))
}

fn alert_row(alert: &OpenAlert, now: i64) -> Vec<Cell> {
    vec![
        Cell::text(alert.short_id()),
        Cell::text(&alert.rule),
        Cell::text(&alert.group_words()),
        Cell::text(&format!("{} ago", age(alert.since, now))),
        Cell::number(alert.found),
        Cell::text(alert.text.lines().next().unwrap_or_default()),
        Cell::text(&state(alert)),
    ]
}

/// Whether it is told, and if not, why.
fn state(alert: &OpenAlert) -> String {
    let mut words = Vec::new();
    if let Some(ack) = &alert.acked {
        words.push(match ack.comment.as_str() {
            "" => format!("acked by {}", ack.by),
            comment => format!("acked by {}: {comment}", ack.by),
        });
    }
    words.extend(alert.held_back.iter().map(|held| match held {
        HeldBack::Silence { number, silence } => format!("silence {number} of {}", silence.by),
        HeldBack::ConfiguredSilence { name, .. } => format!("silence {name}"),
        HeldBack::Rule { name } => format!("rule {name} fires"),
    }));
    if alert.escalated {
        words.push("escalated".to_owned());
    }
    if alert.quiet.is_some() {
        words.push("not found any more".to_owned());
    }
    match words.is_empty() {
        true => "firing".to_owned(),
        false => words.join("; "),
    }
}

/// When a silence is over, or begins.
fn when(silence: &Silence, now: i64) -> String {
    let until = moment(silence.until);
    match silence.from > now {
        true => format!("{until}, in {}", age(now, silence.from)),
        false => until,
    }
}
