//! JSON over a WebSocket, beside an echo: by turns, so that whatever slows the machine slows both.

use birl_bench::targets::{Row, Wanted};
use birl_bench::versus::median;

use super::peer::{self, Peer};
use super::room::{Address, Room};
use super::times::percentiles;
use crate::Plan;

/// So many messages come before those that are measured.
const WARM_UP: usize = 500;

pub(crate) fn reply(plan: &Plan, name: &str) {
    measure(plan, name, "hello birl, what is wrong with shop?");
}

pub(crate) fn command(plan: &Plan, name: &str) {
    measure(plan, name, "!oncall");
}

fn measure(plan: &Plan, name: &str, said: &str) {
    let address = Address::new();
    let config = peer::chat(&address.place());
    let mut birl = Room::open(&address, Peer::birl(&plan.birl, "chat", &config, &[]));
    let mut echo = (!plan.ours_only).then(|| {
        let address = Address::new();
        Room::open(&address, Peer::echo(&address.url))
    });
    birl.round(said, WARM_UP);
    if let Some(echo) = &mut echo {
        echo.round(said, WARM_UP);
    }
    let (mut ours, mut least) = (Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        least.extend(echo.as_mut().map(|echo| echo.round(said, plan.messages)));
        ours.push(birl.round(said, plan.messages));
    }
    tell(
        &format!("{name}: p50"),
        percentiles(&ours, 50),
        percentiles(&least, 50),
    );
    if echo.is_some() {
        tell_promises(name, &percentiles(&ours, 50), &percentiles(&least, 50));
    }
    tell(
        &format!("{name}: p99"),
        percentiles(&ours, 99),
        percentiles(&least, 99),
    );
}

fn tell(name: &str, ours: Vec<f64>, rivals: Vec<f64>) {
    let row = Row {
        name,
        unit: "us",
        ours,
        rivals,
        wanted: Wanted::Nothing,
    };
    println!("{row}");
}

/// What is promised is about each round, in which the machine was as slow for one as for the other.
fn tell_promises(name: &str, ours: &[f64], echoes: &[f64]) {
    let rounds = || ours.iter().zip(echoes);
    let percent = Row {
        name: &format!("{name}: p50 of the echo's"),
        unit: "%",
        ours: rounds().map(|(us, echo)| 100.0 * us / echo).collect(),
        rivals: Vec::new(),
        wanted: Wanted::Within(130.0),
    };
    let more = Row {
        name: &format!("{name}: p50 above the echo's"),
        unit: "us",
        ours: rounds().map(|(us, echo)| us - echo).collect(),
        rivals: Vec::new(),
        wanted: Wanted::Within(15.0),
    };
    println!("{percent}\n{more}");
    tell_noise(echoes.to_vec());
}

/// Says so where the machine is too noisy to judge.
fn tell_noise(mut echoes: Vec<f64>) {
    echoes.sort_by(f64::total_cmp);
    let at = |quarter: usize| echoes[(echoes.len() - 1) * quarter / 4];
    let spread = at(3) / at(1);
    if spread > 1.3 {
        println!(
            "  the machine is too noisy to judge: the echo's p50 is {:.1} us, and varies by {spread:.2}",
            median(echoes)
        );
    }
}
