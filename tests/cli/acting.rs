//! What people do about the alerts of a `birl run`: `birl ack`, `silence` and `why`, over its socket.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use libtest_mimic::{Failed, Trial};
use serde_json::Value;

use crate::diff::compare;
use crate::process::Process;
use crate::sandbox::Sandbox;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test(
            "acting::an_ack_stops_repeats_over_reloads_and_kills_until_it_is_taken_back",
            an_ack_stops_repeats_over_reloads_and_kills_until_it_is_taken_back,
        ),
        Trial::test(
            "acting::the_end_of_an_acked_alert_is_told_and_the_next_one_is_new",
            the_end_of_an_acked_alert_is_told_and_the_next_one_is_new,
        ),
        Trial::test(
            "acting::a_silence_holds_back_its_group_over_kills_until_it_is_ended",
            a_silence_holds_back_its_group_over_kills_until_it_is_ended,
        ),
        Trial::test(
            "acting::what_nobody_looks_after_is_escalated_once_also_over_a_kill",
            what_nobody_looks_after_is_escalated_once_also_over_a_kill,
        ),
        Trial::test(
            "acting::a_dead_letter_is_sent_again_once_its_place_is_mended",
            a_dead_letter_is_sent_again_once_its_place_is_mended,
        ),
        Trial::test(
            "acting::why_says_all_that_is_known_of_an_alert",
            why_says_all_that_is_known_of_an_alert,
        ),
        Trial::test(
            "acting::what_cannot_be_done_is_an_error_with_what_to_do",
            what_cannot_be_done_is_an_error_with_what_to_do,
        ),
    ]
}

/// Records are of the past, and time goes on by them alone.
const AROUND: &str = "state = 'state.db'\nstatus = 'birl.sock'\n\
     [source.app]\nfrom = 'app.log'\nstart = 'beginning'\nidle = '1h'\nlateness = '100ms'\n\
     [place.out]\nstdout = true\nformat = 'json'\n";

/// What is told again is so with each record of another time.
const RULES: &str = "[rule.panic]\nkind = 'any'\nquery = 'panic'\ngroup_by = 'host'\nrepeat = '1ns'\n\
     window = '10000d'\nsend = 'out'\n";

/// A log, and a birl that watches it.
struct Watched {
    sandbox: Sandbox,
    process: Process,
    /// The number of the last record.
    records: u64,
    /// How many alerts have been told by processes that are gone.
    lines: usize,
}

impl Watched {
    fn start(rules: &str) -> Self {
        let sandbox = Sandbox::new();
        sandbox.write("app.log", b"");
        sandbox.write("birl.toml", format!("{AROUND}{rules}").as_bytes());
        let process = Process::start(sandbox.birl(&["run"]), Vec::new());
        process.wait_for_stderr("running");
        Self {
            sandbox,
            process,
            records: 0,
            lines: 0,
        }
    }

    /// Adds a record to the log, a second later than the last.
    fn say(&mut self, line: &str) -> Result<(), Failed> {
        self.records += 1;
        let path = self.sandbox.path().join("app.log");
        let mut file = OpenOptions::new().append(true).open(path)?;
        let (minutes, seconds) = (self.records / 60, self.records % 60);
        Ok(writeln!(
            file,
            "2026-03-14T14:{minutes:02}:{seconds:02}Z {line}"
        )?)
    }

    /// What has been told since the last time, shortly: up to a record of another host, whose alert is told when
    /// all are that were found before it.
    fn told(&mut self) -> Result<Vec<String>, Failed> {
        let mark = format!("mark{}", self.records);
        self.say(&format!("panic host={mark}"))?;
        self.process
            .wait_for_stdout_to_contain(&format!("\"{mark}\""));
        let stdout = String::from_utf8(self.process.stdout())?;
        let new: Vec<_> = stdout.lines().skip(self.lines).collect();
        self.lines += new.len();
        let told = new.iter().map(|line| {
            let alert: Value = serde_json::from_str(line).expect("alerts are JSON");
            let (state, host) = (&alert["state"], &alert["group"][0][1]);
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            format!("{} {}", text(state), text(host))
        });
        Ok(told.filter(|told| !told.contains("mark")).collect())
    }

    /// Ends it as `kill -9` does, and begins again.
    fn kill(self) -> Self {
        let Self {
            sandbox,
            process,
            records,
            ..
        } = self;
        drop(process);
        let process = Process::start(sandbox.birl(&["run"]), Vec::new());
        process.wait_for_stderr("running");
        Self {
            sandbox,
            process,
            records,
            lines: 0,
        }
    }

    /// What birl prints that is asked to do something.
    fn ask(&self, arguments: &[&str]) -> Result<String, Failed> {
        let ended = self.asked(arguments);
        assert_eq!(String::from_utf8_lossy(&ended.stderr), "", "{arguments:?}");
        Ok(String::from_utf8(ended.stdout)?)
    }

    fn asked(&self, arguments: &[&str]) -> crate::process::Ended {
        let arguments = [arguments, &["--socket", "birl.sock"]].concat();
        Process::start(self.sandbox.birl(&arguments), Vec::new()).end()
    }

    /// The id of the open alert of a host.
    fn id(&self, host: &str) -> Result<String, Failed> {
        let answer: Value = serde_json::from_str(&self.ask(&["alerts", "-o", "json"])?)?;
        let mut alerts = answer["alerts"].as_array().into_iter().flatten();
        let alert = alerts.find(|alert| alert["group"][0][1] == host);
        let id = alert.and_then(|alert| alert["id"].as_str());
        Ok(id
            .ok_or_else(|| format!("none is open: {answer}"))?
            .to_owned())
    }
}

fn write_rules(sandbox: &Path, rules: &str) -> Result<(), Failed> {
    Ok(std::fs::write(
        sandbox.join("birl.toml"),
        format!("{AROUND}{rules}"),
    )?)
}

fn an_ack_stops_repeats_over_reloads_and_kills_until_it_is_taken_back() -> Result<(), Failed> {
    let mut watched = Watched::start(RULES);
    watched.say("panic host=a")?;
    watched.say("panic host=a")?;
    assert_eq!(watched.told()?, ["firing a", "firing a"]);
    let id = watched.id("a")?;
    let said = watched.ask(&["ack", &id[..4], "--by", "ann", "--comment", "I look"])?;
    compare(
        "stdout",
        format!("{} panic host=a is looked after by ann\n", &id[..6]).as_bytes(),
        said.as_bytes(),
    )?;
    watched.say("panic host=a")?;
    watched.say("panic host=b")?;
    assert_eq!(watched.told()?, ["firing b"]);
    write_rules(
        watched.sandbox.path(),
        &RULES.replace("'panic'\ng", "'panic OR fatal'\ng"),
    )?;
    watched.process.wait_for_stderr("reloaded");
    watched.say("fatal host=a")?;
    watched.say("fatal host=c")?;
    assert_eq!(watched.told()?, ["firing c"]);
    watched = watched.kill();
    watched.say("panic host=a")?;
    assert_eq!(watched.told()?, [""; 0]);
    let open = watched.ask(&["alerts"])?;
    assert!(open.contains("acked by ann: I look"), "{open}");
    watched.ask(&["unack", &id])?;
    watched.say("panic host=a")?;
    assert_eq!(watched.told()?, ["firing a"]);
    watched = watched.kill();
    watched.say("panic host=a")?;
    assert_eq!(watched.told()?, ["firing a"]);
    Ok(())
}

fn the_end_of_an_acked_alert_is_told_and_the_next_one_is_new() -> Result<(), Failed> {
    let rules = RULES.replace(
        "kind = 'any'",
        "kind = 'frequency'\nat_least = 1\nslide = '4s'",
    );
    let mut watched = Watched::start(&rules.replace("10000d", "4s"));
    watched.say("panic host=a")?;
    assert_eq!(watched.told()?, ["firing a"]);
    let id = watched.id("a")?;
    let acked = watched.ask(&["ack", &id])?;
    // Who it is, nobody knows in an empty environment.
    assert!(acked.ends_with("is looked after by somebody\n"), "{acked}");
    watched.records += 4;
    watched.say("panic host=a")?;
    assert_eq!(watched.told()?, [""; 0]);
    watched.records += 12;
    let mut told = watched.told()?;
    // The end may come behind what is found early.
    watched
        .process
        .wait_for_stdout_to_contain("\"state\":\"resolved\",\"group\":[[\"host\",\"a\"]]");
    told.extend(watched.told()?);
    assert_eq!(told, ["resolved a"]);
    watched = watched.kill();
    watched.records += 12;
    watched.say("panic host=a")?;
    watched.records += 4;
    watched.say("panic host=a")?;
    assert_eq!(watched.told()?, ["firing a", "firing a"]);
    assert_ne!(watched.id("a")?, id);
    Ok(())
}

fn a_silence_holds_back_its_group_over_kills_until_it_is_ended() -> Result<(), Failed> {
    let mut watched = Watched::start(RULES);
    watched.say("panic host=a")?;
    assert_eq!(watched.told()?, ["firing a"]);
    let silence = ["silence", "panic", "host=a", "--for", "1h", "--by", "ann"];
    let said = watched.ask(&silence)?;
    assert!(said.starts_with("silence 1: panic host=a from "), "{said}");
    watched.say("panic host=a")?;
    watched.say("panic host=b")?;
    assert_eq!(watched.told()?, ["firing b"]);
    watched = watched.kill();
    watched.say("panic host=a")?;
    watched.say("panic host=b")?;
    assert_eq!(watched.told()?, ["firing b"]);
    let open: Value = serde_json::from_str(&watched.ask(&["alerts", "-o", "json"])?)?;
    let held = |host: &str| {
        let mut alerts = open["alerts"].as_array()?.iter();
        let alert = alerts.find(|alert| alert["group"][0][1] == host)?;
        Some(alert["held_back"].as_array()?.len())
    };
    assert_eq!((held("a"), held("b")), (Some(1), Some(0)), "{open}");
    assert_eq!(open["silences"]["1"]["by"], "ann");
    watched.ask(&["unsilence", "1"])?;
    watched.say("panic host=a")?;
    assert_eq!(watched.told()?, ["firing a"]);
    let gone = watched.asked(&["unsilence", "1"]);
    let expected = "birl: there is no silence 1\n\nhint: birl alerts prints those that there are\n";
    compare("stderr", expected.as_bytes(), &gone.stderr)?;
    assert_eq!(gone.status.code(), Some(2));
    watched = watched.kill();
    watched.say("panic host=a")?;
    assert_eq!(watched.told()?, ["firing a"]);
    Ok(())
}

fn what_nobody_looks_after_is_escalated_once_also_over_a_kill() -> Result<(), Failed> {
    let rules = RULES.replace(
        "repeat = '1ns'",
        "escalate = { after = '2s', to = 'pager' }",
    );
    let mut watched = Watched::start(&format!(
        "{rules}[place.pager]\nstdout = true\nformat = 'json'\n"
    ));
    watched.say("panic host=a")?;
    assert_eq!(watched.told()?, ["firing a"]);
    watched = watched.kill();
    let escalated = "\"group\":[[\"host\",\"a\"]]";
    watched.process.wait_for_stdout_to_contain(escalated);
    let stdout = String::from_utf8(watched.process.stdout())?;
    let mut lines = stdout.lines().filter(|line| line.contains(escalated));
    let alert: Value = serde_json::from_str(lines.next().ok_or("it is told")?)?;
    assert_eq!(alert["escalated"], true);
    assert_eq!(
        alert["text"],
        "not acknowledged: panic: host=a: a record matches"
    );
    let id = watched.id("a")?;
    watched = watched.kill();
    // The other is escalated behind what would be so before it.
    watched.say("panic host=b")?;
    watched
        .process
        .wait_for_stdout_to_contain("not acknowledged: panic: host=b");
    let stdout = String::from_utf8(watched.process.stdout())?;
    // It may have been sent without that being noted, when birl was killed.
    let again = stdout.lines().filter(|line| line.contains(escalated));
    assert!(again.count() <= 1, "{stdout}");
    assert_eq!(alert["id"], id);
    Ok(())
}

fn a_dead_letter_is_sent_again_once_its_place_is_mended() -> Result<(), Failed> {
    let rules = RULES.replace("send = 'out'", "send = ['out', 'phone']");
    let phone =
        "[place.phone]\ncommand = ['sh', '-c', 'test -e mended && cat >> got || exit 65']\n";
    let mut watched = Watched::start(&format!("{rules}{phone}"));
    watched.say("panic host=a")?;
    watched.process.wait_for_stderr("kept as a dead letter");
    let letters: Value = serde_json::from_str(&watched.ask(&["dead-letters", "-o", "json"])?)?;
    assert_eq!(letters[0]["place"], "phone", "{letters}");
    let shown = watched.ask(&["dead-letters"])?;
    let names = shown.lines().next().ok_or("it has names")?;
    assert_eq!(
        names.split_whitespace().collect::<Vec<_>>(),
        ["letter", "place", "given", "up", "rule", "text", "reason"]
    );
    assert!(shown.contains("panic: host=a: a record matches"), "{shown}");
    let gone = watched.asked(&["dead-letters", "99", "--resend"]);
    compare(
        "stderr",
        b"birl: there is no dead letter 99\n",
        &gone.stderr,
    )?;
    watched.sandbox.write("mended", b"");
    let sent = watched.ask(&["dead-letters", "--all", "--resend"])?;
    compare(
        "stdout",
        b"1 dead letter waits to be sent again\n",
        sent.as_bytes(),
    )?;
    let none = watched.asked(&["dead-letters"]);
    assert_eq!(none.status.code(), Some(1));
    compare("stdout", b"there is no dead letter\n", &none.stdout)?;
    watched.process.terminate();
    let Watched {
        sandbox, process, ..
    } = watched;
    assert_eq!(process.end().status.code(), Some(0));
    let got: Value = serde_json::from_slice(&std::fs::read(sandbox.path().join("got"))?)?;
    assert_eq!(got["text"], "panic: host=a: a record matches");
    Ok(())
}

/// The text with what the clock says left out.
fn without_now(text: &str) -> String {
    let year = jiff::Timestamp::now().to_string();
    let words = text
        .split(' ')
        .map(|word| match word.starts_with(&year[..8]) {
            true => format!("NOW{}", if word.ends_with('\n') { "\n" } else { "" }),
            false => word.to_owned(),
        });
    words.collect::<Vec<_>>().join(" ")
}

fn why_says_all_that_is_known_of_an_alert() -> Result<(), Failed> {
    let mut watched = Watched::start(RULES);
    watched.say("panic host=a")?;
    watched.say("panic host=a n=2")?;
    watched.told()?;
    let id = watched.id("a")?;
    watched.ask(&["ack", &id, "--by", "ann", "--comment", "I look"])?;
    watched.ask(&["silence", "host=a", "--for", "1h", "--by", "bob"])?;
    let why = without_now(&watched.ask(&["why", &id])?);
    let expected = format!(
        "\
rule panic: any
  asks    panic
  of      app
  fires   at each record, once until it is over
  ends    when none has come for 10000d, and tells so
  tells   out
  last    2026-03-14T14:00:03Z panic host=mark2 at 2026-03-14T14:00:03Z
  silent  silence 1, host=a from NOW until NOW by bob
  open    2 alerts
alert {} host=a
  says    panic: host=a: a record matches
  found   host=a level=fatal message=host=a n=2 offset=34 severity=21 source=app.log timestamp=2026-03-14T14:00:02Z
  since   2026-03-14T14:00:01Z
  last    2026-03-14T14:00:02Z, found 2 times
  acked   by ann at NOW I look
  held    back by silence 1, host=a from NOW until NOW by bob
  told    out: taken at NOW
  record  2026-03-14T14:00:01Z panic host=a
  record  2026-03-14T14:00:02Z panic host=a n=2
  more    birl --since 2026-03-14T14:00:01Z --until 2026-03-14T14:00:02.000000001Z \"panic |> where cast(host as varchar) = 'a'\" app.log
",
        &id[..6]
    );
    compare("stdout", expected.as_bytes(), why.as_bytes())?;
    let of_rule = watched.ask(&["why", &id, "-o", "json"])?;
    let of_rule: Value = serde_json::from_str(&of_rule)?;
    assert_eq!(of_rule["alerts"][0]["id"], id);
    assert_eq!(
        of_rule["alerts"][0]["samples"].as_array().map(Vec::len),
        Some(2)
    );
    Ok(())
}

fn what_cannot_be_done_is_an_error_with_what_to_do() -> Result<(), Failed> {
    let mut watched = Watched::start(RULES);
    let none = watched.asked(&["alerts"]);
    compare("stdout", b"no alert is open\n", &none.stdout)?;
    assert_eq!(none.status.code(), Some(1));
    watched.say("panic host=a")?;
    watched.process.wait_for_lines(1);
    let id = watched.id("a")?;
    let short = &id[..6];
    let cases: [(&[&str], String); 5] = [
        (
            &["ack", "zzzz"],
            format!("no open alert begins with \"zzzz\"\n\nhint: open are {short} panic host=a"),
        ),
        (
            &["why", "zzzz"],
            format!(
                "no open alert begins with \"zzzz\"\n\n\
                 hint: open are {short} panic host=a; the rules are panic"
            ),
        ),
        (&["unack", &id], format!("nobody looks after alert {short}")),
        (
            &["silence", "panik", "--for", "1h"],
            "there is no rule \"panik\"\n\nhint: the rules are panic".to_owned(),
        ),
        (
            &["silence", "hots=a", "--for", "1h"],
            "no rule groups by hots\n\nhint: the fields of groups are host".to_owned(),
        ),
    ];
    for (arguments, expected) in cases {
        let ended = watched.asked(arguments);
        let expected = format!("birl: {expected}\n");
        compare("stderr", expected.as_bytes(), &ended.stderr)?;
        assert_eq!(ended.status.code(), Some(2));
    }
    // Nothing of that has changed anything.
    watched.say("panic host=a")?;
    assert_eq!(watched.told()?, ["firing a", "firing a"]);
    Ok(())
}
