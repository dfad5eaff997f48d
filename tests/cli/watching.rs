//! `birl run` over files that grow, where what is told when matters.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use bstr::ByteSlice;
use libtest_mimic::{Failed, Trial};

use crate::process::Process;
use crate::sandbox::Sandbox;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test(
            "watching::an_alert_reaches_its_place_before_its_window_closes",
            an_alert_reaches_its_place_before_its_window_closes,
        ),
        Trial::test(
            "watching::a_changed_file_is_taken_up_and_a_bad_one_is_not",
            a_changed_file_is_taken_up_and_a_bad_one_is_not,
        ),
        Trial::test(
            "watching::a_rule_that_changes_misses_nothing",
            a_rule_that_changes_misses_nothing,
        ),
        Trial::test(
            "watching::a_line_that_has_begun_is_of_the_rule_that_takes_over",
            a_line_that_has_begun_is_of_the_rule_that_takes_over,
        ),
        Trial::test(
            "watching::files_that_are_added_to_a_source_are_read_beside_those_that_were_there",
            files_that_are_added_to_a_source_are_read_beside_those_that_were_there,
        ),
        Trial::test(
            "watching::windows_that_are_open_go_on_where_no_more_than_the_bound_changes",
            windows_that_are_open_go_on_where_no_more_than_the_bound_changes,
        ),
        Trial::test(
            "watching::more_alerts_than_are_held_are_told_once_and_in_order",
            more_alerts_than_are_held_are_told_once_and_in_order,
        ),
        Trial::test(
            "watching::a_query_that_fails_is_asked_again_and_no_silence_is_told",
            a_query_that_fails_is_asked_again_and_no_silence_is_told,
        ),
        Trial::test(
            "watching::what_listens_goes_on_over_a_changed_file",
            what_listens_goes_on_over_a_changed_file,
        ),
        Trial::test(
            "watching::what_cannot_be_read_yet_is_tried_again",
            what_cannot_be_read_yet_is_tried_again,
        ),
        Trial::test(
            "watching::what_the_file_says_again_as_it_was_at_the_start_waits_for_no_other",
            what_the_file_says_again_as_it_was_at_the_start_waits_for_no_other,
        ),
        Trial::test(
            "watching::windows_that_are_open_go_on_after_a_restart",
            windows_that_are_open_go_on_after_a_restart,
        ),
        Trial::test(
            "watching::an_alert_that_is_open_is_not_told_again_after_a_restart",
            an_alert_that_is_open_is_not_told_again_after_a_restart,
        ),
        Trial::test(
            "watching::terms_are_known_after_a_restart",
            terms_are_known_after_a_restart,
        ),
        Trial::test(
            "watching::silence_is_noticed_where_nothing_has_ever_come",
            silence_is_noticed_where_nothing_has_ever_come,
        ),
        Trial::test(
            "watching::systemd_is_told_of_the_beginning_and_the_end",
            systemd_is_told_of_the_beginning_and_the_end,
        ),
    ]
}

/// A source that is read from its beginning, so that it does not matter what is written first, the
/// file or what it is to be; and a place whose alerts can be waited for.
const AROUND: &str = "state = 'state.db'\n[source.app]\nfrom = 'app.log'\nstart = 'beginning'\n\
     idle = '200ms'\nlateness = '100ms'\n[place.out]\nstdout = true\nformat = 'json'\n";

fn start(sandbox: &Sandbox, rules: &str) -> Process {
    sandbox.write("birl.toml", format!("{AROUND}{rules}").as_bytes());
    Process::start(sandbox.birl(&["run"]), Vec::new())
}

/// The rules and states of the alerts that a process has told, in order.
fn told(stdout: &[u8]) -> Vec<(String, String)> {
    let lines = stdout
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let alert: serde_json::Value = serde_json::from_slice(line).expect("alerts are JSON");
            let text = |key: &str| alert[key].as_str().unwrap_or_default().to_owned();
            (text("rule"), text("state"))
        })
        .collect()
}

fn add(path: &Path, lines: &[&str]) -> Result<(), Failed> {
    let mut file = OpenOptions::new().append(true).open(path)?;
    for line in lines {
        writeln!(file, "{line}")?;
    }
    Ok(())
}

fn pair(rule: &str, state: &str) -> (String, String) {
    (rule.to_owned(), state.to_owned())
}

const BURST: &str = "[rule.burst]\nkind = 'frequency'\nquery = 'timeout'\nat_least = 2\n\
     window = '1h'\nsend = 'out'\n";

fn an_alert_reaches_its_place_before_its_window_closes() -> Result<(), Failed> {
    let sandbox = Sandbox::new();
    let log = sandbox.write("app.log", b"");
    let mut process = start(&sandbox, BURST);
    add(&log, &["timeout", "fine", "timeout"])?;
    // The windows end in an hour.
    process.wait_for_lines(1);
    process.terminate();
    let ended = process.end();
    assert_eq!(told(&ended.stdout), [pair("burst", "firing")]);
    assert_eq!(ended.status.code(), Some(0));
    Ok(())
}

fn a_changed_file_is_taken_up_and_a_bad_one_is_not() -> Result<(), Failed> {
    let sandbox = Sandbox::new();
    let log = sandbox.write("app.log", b"");
    let mut process = start(&sandbox, BURST);
    process.wait_for_stderr("running");
    sandbox.write(
        "birl.toml",
        format!("{AROUND}[rule.burst]\nkind = 'brust'\n").as_bytes(),
    );
    process.wait_for_stderr("there is no kind \"brust\"");
    add(&log, &["timeout", "timeout"])?;
    process.wait_for_lines(1);
    let more = "[rule.panic]\nkind = 'any'\nquery = 'panic'\nwindow = '1h'\nsend = 'out'\n";
    sandbox.write("birl.toml", format!("{AROUND}{BURST}{more}").as_bytes());
    process.wait_for_stderr("reloaded");
    add(&log, &["panic"])?;
    process.wait_for_lines(2);
    process.terminate();
    let ended = process.end();
    // The first rule is as it was, so that its alert goes on.
    assert_eq!(
        told(&ended.stdout),
        [pair("burst", "firing"), pair("panic", "firing")]
    );
    Ok(())
}

/// Each record is of the rule as it was, or as it is then; and what was known stays known.
fn a_rule_that_changes_misses_nothing() -> Result<(), Failed> {
    let sandbox = Sandbox::new();
    let log = sandbox.write("app.log", b"");
    let rules = |change: usize| {
        let query = ["n:*", "n:* OR n:never"][change % 2];
        format!(
            "[rule.each]\nkind = 'new_term'\nquery = '{query}'\nfield = 'n'\nlearn = '0s'\nsend = 'out'\n"
        )
    };
    let mut process = start(&sandbox, &rules(0));
    process.wait_for_stderr("running");
    const CHANGES: usize = 4;
    const LINES: usize = 600;
    let (sender, done) = std::sync::mpsc::channel::<()>();
    let writer = std::thread::spawn(move || -> std::io::Result<usize> {
        let mut number = 0;
        // It goes on through all of the changes.
        while done.try_recv() != Err(std::sync::mpsc::TryRecvError::Disconnected) || number < LINES
        {
            let mut file = OpenOptions::new().append(true).open(&log)?;
            // Each is written twice, and is new once.
            writeln!(file, "n={number}\nn={number}")?;
            number += 1;
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        Ok(number)
    });
    for change in 1..=CHANGES {
        // Each second one is of the source as well.
        let around = AROUND.replace("100ms", ["100ms", "110ms"][change / 2 % 2]);
        sandbox.write("birl.toml", format!("{around}{}", rules(change)).as_bytes());
        process.wait_for_stderr_times("reloaded", change);
    }
    drop(sender);
    let lines = writer.join().expect("writing does not panic")?;
    process.wait_for_lines(lines);
    process.terminate();
    let ended = process.end();
    // In this order, so that neither what is missing nor what is told twice escapes.
    assert_eq!(
        numbers(&ended.stdout),
        (0..lines).map(Ok).collect::<Vec<_>>()
    );
    Ok(())
}

/// The numbers of the alerts that were told; as they stand where they are none.
fn numbers(stdout: &[u8]) -> Vec<Result<usize, String>> {
    let values = values(stdout, "n").into_iter();
    values.map(|it| it.parse().map_err(|_| it)).collect()
}

/// Each line is cut by a change, and is of what the file says then.
fn a_line_that_has_begun_is_of_the_rule_that_takes_over() -> Result<(), Failed> {
    let sandbox = Sandbox::new();
    let log = sandbox.write("app.log", b"n=10\nn=1");
    sandbox.write("other.log", b"");
    let file = |sources: &str, query: &str| {
        format!(
            "state = 'state.db'\n[place.out]\nstdout = true\nformat = 'json'\n\
             [source.app]\nstart = 'beginning'\n{sources}[rule.each]\nkind = 'new_term'\n\
             field = 'n'\nlearn = '0s'\nsend = 'out'\nquery = '{query}'\n"
        )
    };
    let both = "from = ['app.log', 'other.log']\n";
    let one = "from = 'app.log'\n";
    let changes = [
        file(both, "n:*"),
        // Another query; another way to wait; fewer files; one more source; one less.
        file(both, "n:* OR n:never"),
        file(&format!("{both}lateness = '1s'\n"), "n:* OR n:never"),
        file(one, "n:* OR n:never"),
        file(
            &format!("{one}[source.a]\nfrom = 'a.log'\n"),
            "n:* OR n:never",
        ),
        file(one, "n:*"),
    ];
    sandbox.write("birl.toml", changes[0].as_bytes());
    let mut process = Process::start(sandbox.birl(&["run"]), Vec::new());
    process.wait_for_lines(1);
    for (number, change) in changes.iter().enumerate().skip(1) {
        sandbox.write("birl.toml", change.as_bytes());
        process.wait_for_stderr_times("reloaded", number);
        let mut log = OpenOptions::new().append(true).open(&log)?;
        write!(log, "{number}\nn=1")?;
        process.wait_for_lines(1 + number);
    }
    process.terminate();
    let mut ended = process.end();
    // So it is when birl is started again to ask something else.
    sandbox.write("birl.toml", file(one, "n:* OR n:never").as_bytes());
    let mut process = Process::start(sandbox.birl(&["run"]), Vec::new());
    process.wait_for_stderr("running");
    add(&log, &["6"])?;
    process.wait_for_lines(1);
    process.terminate();
    ended.stdout.extend(process.end().stdout);
    assert_eq!(numbers(&ended.stdout), (10..17).map(Ok).collect::<Vec<_>>());
    Ok(())
}

fn files_that_are_added_to_a_source_are_read_beside_those_that_were_there() -> Result<(), Failed> {
    let sandbox = Sandbox::new();
    let log = sandbox.write("app.log", b"n=1\nn=2");
    let file = |from: &str| {
        format!(
            "state = 'state.db'\n[place.out]\nstdout = true\nformat = 'json'\n\
             [source.app]\nstart = 'beginning'\nfrom = [{from}'app.log']\n\
             [rule.each]\nkind = 'new_term'\nfield = 'n'\nlearn = '0s'\nsend = 'out'\nquery = 'n:*'\n\
             [rule.twice]\nkind = 'frequency'\nat_least = 2\ngroup_by = 'n'\nwindow = '1h'\nsend = 'out'\n\
             query = 'n:*'\n"
        )
    };
    sandbox.write("birl.toml", file("").as_bytes());
    let mut process = Process::start(sandbox.birl(&["run"]), Vec::new());
    process.wait_for_lines(1);
    sandbox.write("second.log", b"n=5\n");
    sandbox.write("birl.toml", file("'second.log', ").as_bytes());
    process.wait_for_lines(2);
    add(&log, &["0"])?;
    process.wait_for_lines(3);
    process.terminate();
    let mut stdout = process.end().stdout;
    // So it is where birl is started again.
    sandbox.write("third.log", b"n=6\n");
    sandbox.write("birl.toml", file("'third.log', 'second.log', ").as_bytes());
    let mut process = Process::start(sandbox.birl(&["run"]), Vec::new());
    process.wait_for_lines(1);
    add(&log, &["n=7"])?;
    process.wait_for_lines(2);
    process.terminate();
    stdout.extend(process.end().stdout);
    // And nothing twice.
    assert_eq!(numbers(&stdout), [1, 5, 20, 6, 7].map(Ok));
    Ok(())
}

fn windows_that_are_open_go_on_where_no_more_than_the_bound_changes() -> Result<(), Failed> {
    let sandbox = Sandbox::new();
    let log = sandbox.write("app.log", b"timeout\ntimeout\nmark\n");
    let seen = "[rule.seen]\nkind = 'any'\nquery = 'mark'\nwindow = '1h'\nsend = 'out'\n";
    let rules = |at_least: usize| {
        let burst = BURST.replace("at_least = 2", &format!("at_least = {at_least}"));
        format!("{AROUND}{burst}{seen}")
    };
    sandbox.write("birl.toml", rules(4).as_bytes());
    let mut process = Process::start(sandbox.birl(&["run"]), Vec::new());
    process.wait_for_lines(1);
    sandbox.write("birl.toml", rules(3).as_bytes());
    process.wait_for_stderr("reloaded");
    add(&log, &["timeout"])?;
    process.wait_for_lines(2);
    process.terminate();
    let stdout = process.end().stdout;
    assert_eq!(
        told(&stdout),
        [pair("seen", "firing"), pair("burst", "firing")]
    );
    assert_eq!(values(&stdout, "count")[1], "3");
    Ok(())
}

fn more_alerts_than_are_held_are_told_once_and_in_order() -> Result<(), Failed> {
    const LINES: usize = 2500;
    let sandbox = Sandbox::new();
    let lines: String = (0..LINES).map(|number| format!("n={number}\n")).collect();
    sandbox.write("app.log", lines.as_bytes());
    let mut process = start(
        &sandbox,
        "[rule.each]\nkind = 'new_term'\nquery = 'n:*'\nfield = 'n'\nlearn = '0s'\nsend = 'out'\n",
    );
    process.wait_for_lines(LINES);
    process.wait_for_stderr("more alerts were found than are held");
    process.terminate();
    let ended = process.end();
    assert_eq!(ended.status.code(), Some(0));
    assert_eq!(
        numbers(&ended.stdout),
        (0..LINES).map(Ok).collect::<Vec<_>>()
    );
    Ok(())
}

/// What came while it was not asked is not taken for silence.
fn a_query_that_fails_is_asked_again_and_no_silence_is_told() -> Result<(), Failed> {
    let sandbox = Sandbox::new();
    let log = sandbox.write("app.log", b"u=1\n");
    let rules = "[rule.silent]\nkind = 'flatline'\nwindow = '2s'\nslide = '1s'\nsend = 'out'\n\
         query = '* |> where cast(u as bigint) * 5000000000000000000 > 0'\n\
         [rule.last]\nkind = 'any'\nquery = 'last'\nsend = 'out'\n";
    let mut process = start(&sandbox, rules);
    process.wait_for_stderr("running");
    let (sender, done) = std::sync::mpsc::channel::<()>();
    let writer = std::thread::spawn(move || -> std::io::Result<()> {
        for number in 0.. {
            let mut file = OpenOptions::new().append(true).open(&log)?;
            // Four times that is more than 64 bits hold.
            let u = if number == 20 { "4" } else { "1" };
            writeln!(file, "u={u}")?;
            std::thread::sleep(std::time::Duration::from_millis(100));
            if done.try_recv() == Err(std::sync::mpsc::TryRecvError::Disconnected) {
                return writeln!(file, "last u=1");
            }
        }
        Ok(())
    });
    process.wait_for_stderr("is asked again");
    // It is asked again ten seconds later, and some windows close after that.
    std::thread::sleep(std::time::Duration::from_secs(16));
    drop(sender);
    writer.join().expect("writing does not panic")?;
    process.wait_for_lines(1);
    process.terminate();
    assert_eq!(told(&process.end().stdout), [pair("last", "firing")]);
    Ok(())
}

fn what_listens_goes_on_over_a_changed_file() -> Result<(), Failed> {
    let sandbox = Sandbox::new();
    // Some port that is free.
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let file = |rule: &str| {
        format!(
            "state = 'state.db'\n[source.in]\nfrom = 'tcp-listen://{address}'\n[place.out]\nstdout = true\n\
             format = 'json'\n[rule.panic]\nkind = 'any'\nwindow = '1h'\nsend = 'out'\ngroup_by = 'host'\n{rule}"
        )
    };
    let say = |line: &str| -> Result<(), Failed> {
        let mut stream = TcpStream::connect(address)?;
        Ok(writeln!(stream, "{line}")?)
    };
    sandbox.write("birl.toml", file("query = 'panic'\n").as_bytes());
    let mut process = Process::start(sandbox.birl(&["run"]), Vec::new());
    process.wait_for_stderr("listening on");
    say("panic host=a")?;
    process.wait_for_lines(1);
    // Only what is said is another.
    sandbox.write(
        "birl.toml",
        file("query = 'panic'\nrepeat = '2h'\n").as_bytes(),
    );
    process.wait_for_stderr("reloaded");
    say("panic host=b")?;
    process.wait_for_lines(2);
    // What is asked is another, and it listens all the same: even to a line that has begun.
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(b"panic host=c\npanic ho")?;
    process.wait_for_lines(3);
    sandbox.write("birl.toml", file("query = 'panic OR fatal'\n").as_bytes());
    process.wait_for_stderr_times("reloaded", 2);
    stream.write_all(b"st=d\n")?;
    process.wait_for_lines(4);
    drop(stream);
    say("fatal host=e")?;
    process.wait_for_lines(5);
    // The source is another one, so that it listens anew.
    let other = "overflow = 'drop-oldest'\n[place";
    let other = file("query = 'panic OR fatal'\n").replace("[place", other);
    sandbox.write("birl.toml", other.as_bytes());
    process.wait_for_stderr_times("listening on", 2);
    say("fatal host=f")?;
    process.wait_for_lines(6);
    process.terminate();
    let stdout = process.end().stdout;
    assert_eq!(told(&stdout), vec![pair("panic", "firing"); 6]);
    assert_eq!(values(&stdout, "host"), ["a", "b", "c", "d", "e", "f"]);
    Ok(())
}

/// A field of the alerts that were told, in order.
fn values(stdout: &[u8], field: &str) -> Vec<String> {
    let lines = stdout
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    let values = lines.map(|line| {
        let alert: serde_json::Value = serde_json::from_slice(line).expect("alerts are JSON");
        let value = &alert["values"][field];
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    });
    values.collect()
}

fn what_cannot_be_read_yet_is_tried_again() -> Result<(), Failed> {
    let sandbox = Sandbox::new();
    let program = sandbox.path().join("feed");
    // Nobody else can take it meanwhile, as a port.
    let socket = sandbox.path().join("in.sock");
    let other = UnixListener::bind(&socket)?;
    let file = format!(
        "state = 'state.db'\n[source.in]\nfrom = 'unix-listen://{}'\n[source.fed]\nexec = '{}'\n\
         [place.out]\nstdout = true\nformat = 'json'\n\
         [rule.panic]\nkind = 'any'\nquery = 'panic'\ngroup_by = 'host'\nsend = 'out'\n",
        socket.display(),
        program.display()
    );
    sandbox.write("birl.toml", file.as_bytes());
    let mut process = Process::start(sandbox.birl(&["run"]), Vec::new());
    process.wait_for_stderr("no such file or directory; trying again");
    process.wait_for_stderr("address already in use; trying again");
    drop(other);
    process.wait_for_stderr("listening");
    writeln!(UnixStream::connect(&socket)?, "panic host=a")?;
    process.wait_for_lines(1);
    // As a whole, or it would be run before it can be.
    let whole = sandbox.write(
        "feed.new",
        b"#!/bin/sh\necho panic host=b\nexec sleep 1000\n",
    );
    fs::set_permissions(&whole, fs::Permissions::from_mode(0o755))?;
    fs::rename(&whole, &program)?;
    process.wait_for_lines(2);
    process.terminate();
    let told = told(&process.end().stdout);
    assert_eq!(told, vec![pair("panic", "firing"); 2]);
    Ok(())
}

fn what_the_file_says_again_as_it_was_at_the_start_waits_for_no_other() -> Result<(), Failed> {
    let sandbox = Sandbox::new();
    sandbox.write("app.log", b"");
    let rules = "[rule.r]\nkind = 'any'\nquery = 'panic'\nsend = 'out'\n";
    let mut process = start(&sandbox, rules);
    process.wait_for_stderr("running");
    let file = format!("{AROUND}{rules}");
    let other = file.replace("state.db", "other.db");
    for (text, reloaded) in [(&other, 1), (&file, 2)] {
        sandbox.write("birl.toml", text.as_bytes());
        process.wait_for_stderr_times("reloaded", reloaded);
    }
    process.terminate();
    let stderr = process.end().stderr;
    let times = stderr
        .find_iter("is taken up when birl is started again")
        .count();
    assert_eq!(times, 1, "{}", stderr.as_bstr());
    Ok(())
}

fn windows_that_are_open_go_on_after_a_restart() -> Result<(), Failed> {
    let sandbox = Sandbox::new();
    let log = sandbox.write("app.log", b"");
    // A mean may fall again, so that it is looked at when a window closes.
    let rules = "[rule.slow]\nquery = 'ms:* |> stats avg(ms) as mean, count'\nwhen = 'mean > 5'\n\
         window = '4s'\nslide = '4s'\nsend = 'out'\n\
         [rule.seen]\nkind = 'any'\nquery = 'ms:*'\ngroup_by = 'ms'\nwindow = '1h'\nsend = 'out'\n";
    // All within one window.
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let at = (now + 8) / 4 * 4;
    let line = |ms: u64| format!("{{\"time\":{at},\"ms\":{ms}}}");
    let mut process = start(&sandbox, rules);
    add(&log, &[&line(5)])?;
    process.wait_for_lines(1);
    process.terminate();
    assert_eq!(told(&process.end().stdout), [pair("seen", "firing")]);
    // It is written while nobody is there.
    add(&log, &[&line(6)])?;
    let mut process = start(&sandbox, rules);
    process.wait_for_lines(1);
    add(&log, &[&line(7)])?;
    process.wait_for_lines(3);
    process.terminate();
    let stdout = process.end().stdout;
    let mut told = told(&stdout);
    told.sort();
    let seen = pair("seen", "firing");
    assert_eq!(told, [seen.clone(), seen, pair("slow", "firing")]);
    let stdout = String::from_utf8_lossy(&stdout);
    assert!(stdout.contains("\"count\":3,\"mean\":6.0"), "{stdout}");
    Ok(())
}

fn an_alert_that_is_open_is_not_told_again_after_a_restart() -> Result<(), Failed> {
    let sandbox = Sandbox::new();
    let log = sandbox.write("app.log", b"");
    let rules = "[rule.panic]\nkind = 'any'\nquery = 'panic'\nwindow = '1h'\nsend = 'out'\n\
         [rule.other]\nkind = 'any'\nquery = 'other'\nwindow = '1h'\nsend = 'out'\n";
    let mut process = start(&sandbox, rules);
    add(&log, &["panic"])?;
    process.wait_for_lines(1);
    process.terminate();
    assert_eq!(told(&process.end().stdout), [pair("panic", "firing")]);
    fs::write(&log, "")?;
    let mut process = start(&sandbox, rules);
    process.wait_for_stderr("running");
    add(&log, &["panic", "other"])?;
    process.wait_for_lines(1);
    process.terminate();
    assert_eq!(told(&process.end().stdout), [pair("other", "firing")]);
    Ok(())
}

fn terms_are_known_after_a_restart() -> Result<(), Failed> {
    let sandbox = Sandbox::new();
    let log = sandbox.write("app.log", b"");
    let rules = "[rule.users]\nkind = 'new_term'\nquery = 'user:*'\nfield = 'user'\nlearn = '0s'\n\
         send = 'out'\n";
    let mut process = start(&sandbox, rules);
    add(&log, &["user=ann", "user=bob", "user=ann"])?;
    process.wait_for_lines(2);
    process.terminate();
    assert_eq!(told(&process.end().stdout).len(), 2);
    fs::write(&log, "")?;
    let mut process = start(&sandbox, rules);
    process.wait_for_stderr("running");
    add(&log, &["user=bob", "user=ann", "user=eve"])?;
    process.wait_for_lines(1);
    process.terminate();
    let ended = process.end();
    assert_eq!(told(&ended.stdout), [pair("users", "firing")]);
    assert!(String::from_utf8_lossy(&ended.stdout).contains("user is eve"));
    Ok(())
}

fn silence_is_noticed_where_nothing_has_ever_come() -> Result<(), Failed> {
    let sandbox = Sandbox::new();
    let log = sandbox.write("app.log", b"");
    let rules = "[rule.silent]\nkind = 'flatline'\nquery = 'fine'\nwindow = '1s'\nslide = '1s'\n\
         send = 'out'\n";
    let mut process = start(&sandbox, rules);
    process.wait_for_lines(1);
    add(&log, &["fine"])?;
    process.wait_for_lines(2);
    process.terminate();
    let told = told(&process.end().stdout);
    assert_eq!(
        told[..2],
        [pair("silent", "firing"), pair("silent", "resolved")]
    );
    Ok(())
}

fn systemd_is_told_of_the_beginning_and_the_end() -> Result<(), Failed> {
    let sandbox = Sandbox::new();
    sandbox.write("app.log", b"");
    sandbox.write("birl.toml", format!("{AROUND}{BURST}").as_bytes());
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("notify");
    let socket = std::os::unix::net::UnixDatagram::bind(&path)?;
    let mut command = sandbox.birl(&["run"]);
    command.env("NOTIFY_SOCKET", &path);
    let mut process = Process::start(command, Vec::new());
    let mut state = [0; 64];
    let mut next = || -> Result<String, Failed> {
        let length = socket.recv(&mut state)?;
        Ok(String::from_utf8_lossy(&state[..length]).into_owned())
    };
    assert_eq!(next()?, "READY=1");
    process.terminate();
    assert_eq!(next()?, "STOPPING=1");
    assert_eq!(process.end().status.code(), Some(0));
    Ok(())
}
