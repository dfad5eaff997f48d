//! Pipes of which only the beginning is known when a query is planned.

use libtest_mimic::{Failed, Trial};

use crate::diff::compare;
use crate::process::Process;
use crate::sandbox::Sandbox;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("pipes::numbers_are_numbers", numbers_are_numbers),
        Trial::test(
            "pipes::a_redirected_file_is_a_file",
            a_redirected_file_is_a_file,
        ),
        Trial::test(
            "pipes::answers_are_those_of_a_file",
            answers_are_those_of_a_file,
        ),
    ]
}

/// More than a pipe holds: whole costs, then others.
fn long() -> Vec<u8> {
    let mut text = String::new();
    for n in 0..3_000 {
        let status = if n % 3 == 0 { 500 } else { 200 };
        let cost = 7 + n % 5;
        text += &format!(
            "{{\"status\":{status},\"cost\":{cost},\"ok\":{},\"n\":{n}}}\n",
            n % 2 == 0
        );
    }
    text += "{\"status\":200,\"cost\":0.5,\"ok\":true,\"n\":3000}\n";
    text += "{\"status\":404,\"cost\":1102,\"ok\":true,\"n\":3001}\n";
    text += "{\"status\":404,\"cost\":\"none\",\"ok\":true,\"n\":3002}\n";
    assert!(text.len() > 100 << 10);
    text.into_bytes()
}

fn numbers_are_numbers() -> Result<(), Failed> {
    let sandbox = Sandbox::new();
    let cases = [
        (
            "* |> stats max(cost), min(cost), max(cost) - min(cost) as spread",
            r#"{"max(cost)":1102,"min(cost)":0.5,"spread":1101.5}"#,
        ),
        (
            "* |> stats max(cost) as most, min(cost) as least",
            r#"{"most":1102,"least":0.5}"#,
        ),
        (
            "* |> where cost >= 11 |> sort -cost, n |> limit 2 |> fields n, cost",
            "{\"n\":3001,\"cost\":1102}\n{\"n\":4,\"cost\":11}",
        ),
        (
            "* |> where n < 4 |> stats values(status), values(ok)",
            r#"{"values(status)":["200","500"],"values(ok)":[false,true]}"#,
        ),
        (
            "* |> where n < 4 |> extend max(cost) over (partition by ok) as most |> limit 2 |> fields n, most",
            "{\"n\":0,\"most\":9.0}\n{\"n\":1,\"most\":10.0}",
        ),
        (
            "* |> count by status",
            "{\"status\":200,\"count\":2001}\n{\"status\":500,\"count\":1000}\n{\"status\":404,\"count\":2}",
        ),
        (
            "* |> where ok |> where status > 400 and status < 500 |> fields status, cost",
            "{\"status\":404,\"cost\":1102}\n{\"status\":404,\"cost\":\"none\"}",
        ),
    ];
    for (query, rows) in cases {
        let ended = Process::start(sandbox.birl(&["-o", "json", query]), vec![long()]).end();
        compare(query, format!("{rows}\n").as_bytes(), &ended.stdout)?;
        assert_eq!(ended.status.code(), Some(0), "{query}");
    }
    Ok(())
}

fn answers_are_those_of_a_file() -> Result<(), Failed> {
    let sandbox = Sandbox::new();
    let whole: Vec<u8> = (0..20_000)
        .flat_map(|n| format!("{{\"n\":{n},\"of\":{}}}\n", n % 7).into_bytes())
        .collect();
    sandbox.write("app.log", &whole);
    for query in [
        "* |> count by of",
        "* |> sort -of, n |> fields of, n |> limit 20",
        "* |> stats avg(of), max(n), min(n)",
        "* |> top 3 n by of",
        "select of, max(n) as most from logs group by of order by most desc",
        "* |> where n = of |> select n, of",
    ] {
        for output in ["json", "table"] {
            let of_file = sandbox.birl(&["-o", output, query, "app.log"]);
            let of_file = Process::start(of_file, Vec::new()).end();
            let of_pipe = sandbox.birl(&["-o", output, query]);
            let of_pipe = Process::start(of_pipe, vec![whole.clone()]).end();
            assert!(!of_file.stdout.is_empty(), "{query}");
            compare(query, &of_file.stdout, &of_pipe.stdout)?;
        }
    }
    Ok(())
}

fn a_redirected_file_is_a_file() -> Result<(), Failed> {
    let sandbox = Sandbox::new();
    let path = sandbox.write("app.log", b"{\"n\":1}\n{\"n\":3}\n");
    let cases = [
        ("* |> stats max(n), sum(n)", "{\"max(n)\":3,\"sum(n)\":4}\n"),
        (
            "select n from logs union all select n from logs order by n",
            "{\"n\":1}\n{\"n\":1}\n{\"n\":3}\n{\"n\":3}\n",
        ),
    ];
    for (query, rows) in cases {
        let stdin = std::fs::File::open(&path)?;
        let ended = sandbox.birl(&["-o", "json", query]).stdin(stdin).output()?;
        compare("stderr", b"", &ended.stderr)?;
        compare(query, rows.as_bytes(), &ended.stdout)?;
    }
    Ok(())
}
