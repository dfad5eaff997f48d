//! The status as Prometheus reads it, over HTTP on an address of this machine.

use std::convert::Infallible;
use std::fmt;
use std::fmt::Write;
use std::net::SocketAddr;
use std::time::Duration;

use birl_source::error::refusal;
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

use super::{Place, Rule, Source, Status};

/// How long a connection may take, from its first byte to its last.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(10);

/// So many are answered at once.
const CONNECTIONS_MAX: usize = 16;

/// Of Prometheus' text format.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Why there are no metrics.
#[derive(Debug)]
pub struct MetricsError(String);

impl fmt::Display for MetricsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for MetricsError {}

/// An address that answers with metrics. Dropping it ends that.
#[derive(Debug)]
pub struct Metrics {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Metrics {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Metrics {
    /// Answers `GET /metrics` at `address`, which is of this machine alone, by what is in `status` then.
    /// Port 0 is any that is free.
    ///
    /// # Errors
    ///
    /// If others could reach the address, or as the system says.
    pub async fn bind(
        address: SocketAddr,
        status: watch::Receiver<Status>,
    ) -> Result<Self, MetricsError> {
        let cannot = |why: &str| MetricsError(format!("cannot give metrics at {address}: {why}"));
        if !address.ip().is_loopback() {
            return Err(cannot(
                "others could read them there\n\nhint: take an address of this machine alone, such as \
                 127.0.0.1:9464, and a server before it that knows who may",
            ));
        }
        let bound = TcpListener::bind(address).await;
        let listener = bound.map_err(|error| {
            cannot(&format!(
                "{}\n\nhint: another birl run may be at work there; or take another address: \
                 metrics = \"127.0.0.1:9465\"",
                refusal(&error)
            ))
        })?;
        let address = listener
            .local_addr()
            .map_err(|error| cannot(&refusal(&error)))?;
        Ok(Self {
            address,
            task: tokio::spawn(answer(listener, status)),
        })
    }

    /// Where it answers.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn answer(listener: TcpListener, status: watch::Receiver<Status>) {
    let mut connections = JoinSet::new();
    loop {
        while connections.len() >= CONNECTIONS_MAX {
            connections.join_next().await;
        }
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve(stream, status.clone()));
                }
                // Too many files are open, for instance.
                Err(_) => sleep(Duration::from_secs(1)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, status: watch::Receiver<Status>) {
    let service = service_fn(|request| {
        let response = respond(&request, &status);
        async { Ok::<_, Infallible>(response) }
    });
    let connection = http1::Builder::new()
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    // Whoever asked has gone, or is too slow.
    let _ = timeout(CONNECTION_TIMEOUT, connection).await;
}

fn respond(request: &Request<Incoming>, status: &watch::Receiver<Status>) -> Response<String> {
    let (code, text) = match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/metrics") => (StatusCode::OK, text(&status.borrow())),
        (_, "/metrics") => (StatusCode::METHOD_NOT_ALLOWED, "GET it\n".to_owned()),
        _ => (
            StatusCode::NOT_FOUND,
            "metrics are at /metrics\n".to_owned(),
        ),
    };
    let mut response = Response::new(text);
    *response.status_mut() = code;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(TEXT));
    if code == StatusCode::METHOD_NOT_ALLOWED {
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    response
}

/// One metric of many things of a kind: its name, its type, what it is, and its value.
type Metric<T> = (
    &'static str,
    &'static str,
    &'static str,
    fn(&T) -> Option<f64>,
);

const OF_SOURCES: &[Metric<Source>] = &[
    (
        "birl_source_lines_total",
        "counter",
        "Lines that the source has given.",
        |it| it.lines.and_then(whole),
    ),
    (
        "birl_source_bytes_total",
        "counter",
        "Bytes that the source has given.",
        |it| it.bytes.and_then(whole),
    ),
    (
        "birl_source_gaps_total",
        "counter",
        "Times that something of the source was missed.",
        |it| it.gaps.and_then(whole),
    ),
    (
        "birl_source_dropped_total",
        "counter",
        "Records of the source that were dropped, having come too fast.",
        |it| it.dropped.and_then(whole),
    ),
    (
        "birl_source_unread_bytes",
        "gauge",
        "Bytes that are known to be there, and have not been read.",
        |it| it.unread_bytes.and_then(whole),
    ),
    (
        "birl_source_lag_seconds",
        "gauge",
        "How far what was read is behind the clock.",
        |it| it.lag_seconds,
    ),
    (
        "birl_source_newest_timestamp_seconds",
        "gauge",
        "How far the rules have come in the source.",
        |it| it.newest.map(seconds),
    ),
    (
        "birl_source_healthy",
        "gauge",
        "Whether the source can be read.",
        |it| truth(it.problem.is_none()),
    ),
];

const OF_RULES: &[Metric<Rule>] = &[
    (
        "birl_rule_alerts_total",
        "counter",
        "Alerts that the rule has given.",
        |it| whole(it.alerts),
    ),
    (
        "birl_rule_silenced_total",
        "counter",
        "Alerts of the rule that were not sent, being silenced.",
        |it| whole(it.silenced),
    ),
    (
        "birl_rule_forgotten_total",
        "counter",
        "Groups or terms that the rule has forgotten, for want of room.",
        |it| whole(it.forgotten),
    ),
    (
        "birl_rule_open_alerts",
        "gauge",
        "Alerts of the rule that are not over.",
        |it| whole(it.open),
    ),
    (
        "birl_rule_last_answer_timestamp_seconds",
        "gauge",
        "When the rule last had an answer.",
        |it| it.last.as_ref().map(|last| seconds(last.at)),
    ),
    (
        "birl_rule_healthy",
        "gauge",
        "Whether the rule can be asked.",
        |it| truth(it.problem.is_none()),
    ),
];

const OF_PLACES: &[Metric<Place>] = &[
    (
        "birl_place_taken_total",
        "counter",
        "Alerts that the place has taken.",
        |it| whole(it.taken),
    ),
    (
        "birl_place_held_back_total",
        "counter",
        "Alerts for the place that were told of together, being too many.",
        |it| whole(it.held_back),
    ),
    (
        "birl_place_waiting_alerts",
        "gauge",
        "Alerts that wait for the place.",
        |it| whole(it.waiting),
    ),
    (
        "birl_place_dead_letters",
        "gauge",
        "Alerts that the place would never take.",
        |it| whole(it.dead),
    ),
    (
        "birl_place_failures",
        "gauge",
        "Times in a row that the place has not taken an alert.",
        |it| whole(it.failures.into()),
    ),
    (
        "birl_place_last_taken_timestamp_seconds",
        "gauge",
        "When the place last took an alert.",
        |it| it.last_taken.map(seconds),
    ),
    (
        "birl_place_healthy",
        "gauge",
        "Whether the place took what it was last sent.",
        |it| truth(it.problem.is_none()),
    ),
];

/// The status in Prometheus' text format.
fn text(status: &Status) -> String {
    let mut text = String::new();
    head(&mut text, "birl_info", "gauge", "The version that runs.");
    line(
        &mut text,
        "birl_info",
        Some(("version", &status.version)),
        1.0,
    );
    head(
        &mut text,
        "birl_start_time_seconds",
        "gauge",
        "When birl began.",
    );
    line(
        &mut text,
        "birl_start_time_seconds",
        None,
        seconds(status.since),
    );
    head(
        &mut text,
        "birl_state_healthy",
        "gauge",
        "Whether birl can remember, and so reads on.",
    );
    let is_healthy = if status.problem.is_none() { 1.0 } else { 0.0 };
    line(&mut text, "birl_state_healthy", None, is_healthy);
    family(&mut text, OF_SOURCES, "source", &status.sources, |it| {
        &it.name
    });
    family(&mut text, OF_RULES, "rule", &status.rules, |it| &it.name);
    family(&mut text, OF_PLACES, "place", &status.places, |it| &it.name);
    text
}

fn family<T>(
    text: &mut String,
    metrics: &[Metric<T>],
    label: &str,
    things: &[T],
    name_of: fn(&T) -> &String,
) {
    for (name, kind, help, value) in metrics {
        let values = things
            .iter()
            .filter_map(|thing| Some((name_of(thing), value(thing)?)));
        let mut values = values.peekable();
        if values.peek().is_none() {
            continue;
        }
        head(text, name, kind, help);
        for (thing, value) in values {
            line(text, name, Some((label, thing)), value);
        }
    }
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn line(text: &mut String, name: &str, label: Option<(&str, &str)>, value: f64) {
    let label = label.map_or(String::new(), |(label, value)| {
        let value = value
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n");
        format!("{{{label}=\"{value}\"}}")
    });
    let _ = writeln!(text, "{name}{label} {value}");
}

#[expect(
    clippy::cast_precision_loss,
    reason = "Prometheus knows no other numbers"
)]
fn whole(number: u64) -> Option<f64> {
    Some(number as f64)
}

#[expect(clippy::cast_precision_loss, reason = "it is exact to a microsecond")]
fn seconds(nanoseconds: i64) -> f64 {
    nanoseconds as f64 / 1e9
}

fn truth(is: bool) -> Option<f64> {
    Some(if is { 1.0 } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::super::{Answer, Problem};
    use super::*;

    fn status() -> Status {
        let problem = Problem {
            at: 1,
            reason: "no".to_owned(),
        };
        Status {
            version: "0.1.0".to_owned(),
            since: 1_500_000_000,
            sources: vec![Source {
                name: "a\\\"b\nc".to_owned(),
                lines: Some(3),
                newest: Some(2_000_000_000),
                problem: Some(problem.clone()),
                ..Source::default()
            }],
            rules: vec![Rule {
                name: "burst".to_owned(),
                alerts: 2,
                last: Some(Answer {
                    at: 4_000_000_000,
                    text: "count: 3".to_owned(),
                }),
                ..Rule::default()
            }],
            places: vec![Place {
                name: "ops".to_owned(),
                waiting: 7,
                problem: Some(problem),
                ..Place::default()
            }],
            ..Status::default()
        }
    }

    #[test]
    fn the_text_has_a_line_a_value_and_names_are_escaped() {
        let text = text(&status());
        let lines: Vec<_> = text
            .lines()
            .filter(|line| !line.starts_with("# "))
            .collect();
        assert_eq!(
            lines,
            [
                "birl_info{version=\"0.1.0\"} 1",
                "birl_start_time_seconds 1.5",
                "birl_state_healthy 1",
                "birl_source_lines_total{source=\"a\\\\\\\"b\\nc\"} 3",
                "birl_source_newest_timestamp_seconds{source=\"a\\\\\\\"b\\nc\"} 2",
                "birl_source_healthy{source=\"a\\\\\\\"b\\nc\"} 0",
                "birl_rule_alerts_total{rule=\"burst\"} 2",
                "birl_rule_silenced_total{rule=\"burst\"} 0",
                "birl_rule_forgotten_total{rule=\"burst\"} 0",
                "birl_rule_open_alerts{rule=\"burst\"} 0",
                "birl_rule_last_answer_timestamp_seconds{rule=\"burst\"} 4",
                "birl_rule_healthy{rule=\"burst\"} 1",
                "birl_place_taken_total{place=\"ops\"} 0",
                "birl_place_held_back_total{place=\"ops\"} 0",
                "birl_place_waiting_alerts{place=\"ops\"} 7",
                "birl_place_dead_letters{place=\"ops\"} 0",
                "birl_place_failures{place=\"ops\"} 0",
                "birl_place_healthy{place=\"ops\"} 0",
            ]
        );
    }

    /// What Prometheus' own check of names asks for: counters end in `_total`, and nothing else does.
    #[test]
    fn each_metric_says_what_it_is_before_its_values() {
        let text = text(&status());
        let mut known = None;
        for line in text.lines() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                assert!(help.ends_with('.'), "{line}");
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                known = kind.split_once(' ');
                let (name, kind) = known.unwrap();
                assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            } else {
                let name = line.split(['{', ' ']).next();
                assert_eq!(name, known.map(|(name, _)| name), "{line}");
            }
        }
    }

    async fn get(metrics: &Metrics, request: &str) -> String {
        let mut stream = TcpStream::connect(metrics.address()).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn metrics_are_got_over_http_as_they_are_then() {
        let sender = watch::Sender::new(Status::default());
        let any = "127.0.0.1:0".parse().unwrap();
        let metrics = Metrics::bind(any, sender.subscribe()).await.unwrap();
        sender.send_replace(status());
        let answer = get(&metrics, "GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n").await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        assert!(
            head.contains("content-type: text/plain; version=0.0.4; charset=utf-8"),
            "{head}"
        );
        assert_eq!(body, text(&status()));
        let missing = get(&metrics, "GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
        assert!(missing.starts_with("HTTP/1.1 404 "), "{missing}");
        let posted = get(&metrics, "POST /metrics HTTP/1.1\r\nHost: h\r\n\r\n").await;
        assert!(posted.starts_with("HTTP/1.1 405 "), "{posted}");
    }

    #[tokio::test]
    async fn an_address_that_others_reach_is_refused() {
        for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:9464"] {
            let status = watch::Sender::new(Status::default());
            let refused = Metrics::bind(address.parse().unwrap(), status.subscribe()).await;
            let message = refused.unwrap_err().to_string();
            let begin =
                format!("cannot give metrics at {address}: others could read them there\n\nhint: ");
            assert!(message.starts_with(&begin), "{message}");
        }
    }
}
