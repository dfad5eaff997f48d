//! IRC over a WebSocket, on InspIRCd as the tests start it, seen by another client.

use std::time::Instant;

use birl_bench::targets::{Row, Wanted};
use tokio::runtime::Builder;

use self::ircd::{Ircd, Person, Setup};
use super::peer::{self, ANSWER, Peer};
use super::times::{Times, percentiles};
use crate::Plan;

#[expect(dead_code, reason = "the tests need more of it")]
#[path = "../../../birl-chat/tests/ircd/mod.rs"]
mod ircd;

/// So many messages come before those that are measured.
const WARM_UP: usize = 100;

pub(crate) fn without_echo_message(plan: &Plan, name: &str) {
    measure(plan, name, false);
}

pub(crate) fn with_echo_message(plan: &Plan, name: &str) {
    measure(plan, name, true);
}

fn measure(plan: &Plan, name: &str, echo_message: bool) {
    let setup = Setup {
        echo_message,
        ..Setup::default()
    };
    let Some(ircd) = Ircd::start(setup) else {
        println!("{name:<40} skipped: InspIRCd is not installed");
        return;
    };
    let place = format!(
        "irc = \"ws://127.0.0.1:{}/\"\nnick = \"birl\"\nrooms = [\"#ops\"]",
        ircd.ws
    );
    let runtime = Builder::new_current_thread().enable_all().build();
    let rounds = runtime.expect("a runtime can be built").block_on(async {
        let mut ann = Person::enter(&ircd, "ann", "#ops").await;
        let _birl = Peer::birl(&plan.birl, "chat", &peer::chat(&place), &[]);
        ann.hears(":birl!").await;
        round(&mut ann, WARM_UP).await;
        let mut rounds = Vec::new();
        for _ in 0..plan.rounds {
            rounds.push(round(&mut ann, plan.messages / 5).await);
        }
        rounds
    });
    for (percent, wanted) in [(50, Wanted::Within(1000.0)), (99, Wanted::Nothing)] {
        let name = &format!("{name}: p{percent}");
        let row = Row {
            name,
            unit: "us",
            ours: percentiles(&rounds, percent),
            rivals: Vec::new(),
            wanted,
        };
        println!("{row}");
    }
}

/// How long reactions take, where each message is sent when the one before is answered.
async fn round(ann: &mut Person, messages: usize) -> Times {
    let mut times = Vec::new();
    for _ in 0..messages {
        let begun = Instant::now();
        ann.say("PRIVMSG #ops :hello birl, what is wrong with shop?")
            .await;
        let answer = ann.hears_from("birl", "#ops").await;
        times.push(begun.elapsed());
        assert_eq!(answer, ANSWER);
    }
    Times::of(times)
}
