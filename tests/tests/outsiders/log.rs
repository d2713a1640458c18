//! A log that cannot be written, and clients that would fill one.

use std::{
    fs,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use mercato_tests::{
    Server,
    disk::disk,
    load::{Crowd, Latencies},
    metrics::Listener,
    wait_until,
};
use serde_json::Value;

/// Requests that are timed, one after the other.
const REQUESTS: usize = 200;

/// How many times as long as in an idle shop a request may take.
const RATIO_MAX: f64 = 10.0;

/// Longest line about one request, in bytes, whatever the client sends.
const LINE_BYTES_MAX: usize = 1_500;

/// A path of nearly as much as the head of a request may have.
const LONG_PATH_CHARS: usize = 31_000;

const LIVE: &str = "/api/health/live";
const PRODUCTS: &str = "/api/v1/products?limit=1";
const READY: &str = "/api/health/ready";

/// How long an answer takes.
fn pace_of(server: &Server, path: &str) -> Latencies {
    let client = server.client();
    Latencies::of(REQUESTS, || {
        client.get(path).expect(200);
    })
}

/// How long liveness and a list take.
fn pace(server: &Server) -> [Latencies; 2] {
    [LIVE, PRODUCTS].map(|path| pace_of(server, path))
}

/// The pace of a shop whose log can be written.
fn idle_pace() -> [Latencies; 2] {
    let server = Server::start();
    // The first requests make instances.
    pace(&server);
    pace(&server)
}

#[track_caller]
fn assert_as_quick_as(idle: &[Latencies; 2], server: &Server) {
    for (idle, path) in idle.iter().zip([LIVE, PRODUCTS]) {
        idle.expect_no_slower(99, RATIO_MAX, || pace_of(server, path));
    }
}

fn lines_lost(metrics: &Listener) -> f64 {
    metrics.read().sum("mercato_log_lines_lost_total")
}

/// Readiness says that lines were lost, and that the shop is ready all the same.
#[track_caller]
fn assert_ready_with_a_warning(server: &Server) {
    let ready = server.client().get(READY).expect_json(200);
    assert_eq!(ready["status"], "ok", "{ready}");
    let warning = ready["warnings"][0].as_str().unwrap_or_default();
    assert!(warning.contains("log lines were lost"), "{ready}");
}

#[test]
fn a_pipe_whose_reader_is_gone_costs_only_the_log() {
    let _alone = mercato_tests::load::alone();
    let idle = idle_pace();
    let (reader, writer) = io::pipe().expect("a pipe");
    drop(reader);
    let (metrics, builder) = Listener::on(Server::builder().standard_error(writer));
    let mut server = builder.start();
    pace(&server);
    assert_as_quick_as(&idle, &server);
    wait_until("losses", || {
        (lines_lost(&metrics) >= REQUESTS as f64).then_some(())
    });
    assert_ready_with_a_warning(&server);
    assert!(server.stop(), "the exit code is 0");
}

#[test]
fn a_pipe_that_nobody_reads_costs_only_the_log() {
    let _alone = mercato_tests::load::alone();
    let idle = idle_pace();
    let (reader, writer) = io::pipe().expect("a pipe");
    let (metrics, builder) = Listener::on(Server::builder().standard_error(writer));
    let mut server = builder.start();
    let client = server.client();
    assert!(client.get(READY).expect_json(200)["warnings"].is_null());
    let path = format!("/{}", "x".repeat(LONG_PATH_CHARS));
    let crowd = Crowd::start(4, move |_| {
        client.get(&path).expect(404);
    });
    wait_until("losses", || (lines_lost(&metrics) > 0.0).then_some(()));
    drop(crowd);
    assert_as_quick_as(&idle, &server);
    assert_ready_with_a_warning(&server);

    // Somebody reads again.
    let lines: Arc<Mutex<Vec<String>>> = Arc::default();
    let theirs = Arc::clone(&lines);
    let reading = thread::spawn(move || {
        for line in BufReader::new(reader).lines() {
            theirs.lock().unwrap().push(line.expect("text"));
        }
    });
    wait_until("a line about the losses", || {
        let lines = lines.lock().unwrap();
        lines
            .iter()
            .any(|line| line.contains("log lines were lost"))
            .then_some(())
    });
    let lost = lines_lost(&metrics);
    pace(&server);
    assert_eq!(lines_lost(&metrics), lost, "nothing more is lost");
    assert!(server.stop(), "the exit code is 0");
    reading.join().expect("the log is read to its end");
    let lines = lines.lock().unwrap();
    let reported: u64 = lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}")))
        .filter_map(|line: Value| line["lines_lost"].as_u64())
        .sum();
    assert_eq!(reported as f64, lost);
    assert!(lines.last().is_some_and(|line| line.contains("closed")));
}

#[test]
fn a_log_on_a_full_disk_costs_only_the_log() {
    let _alone = mercato_tests::load::alone();
    let Some(disk) = disk("log::a_log_on_a_full_disk_costs_only_the_log") else {
        return;
    };
    let idle = idle_pace();
    let path = disk.path().join("log");
    let file = fs::File::create(&path).expect("a file");
    let (metrics, builder) = Listener::on(Server::builder().standard_error(file));
    let mut server = builder.start();
    disk.fill();
    pace(&server);
    assert_as_quick_as(&idle, &server);
    wait_until("losses", || {
        (lines_lost(&metrics) >= REQUESTS as f64).then_some(())
    });
    assert_ready_with_a_warning(&server);
    disk.make_room();
    wait_until("a line about the losses", || {
        server.client().get(LIVE).expect(200);
        let log = fs::read_to_string(&path).expect("the log");
        log.contains("log lines were lost").then_some(())
    });
    assert!(server.stop(), "the exit code is 0");
}

#[test]
fn an_unread_pipe_does_not_hold_up_the_end() {
    let _alone = mercato_tests::load::alone();
    let (reader, writer) = io::pipe().expect("a pipe");
    let (metrics, builder) = Listener::on(Server::builder().standard_error(writer));
    let mut server = builder.start();
    let client = server.client();
    let path = format!("/{}", "x".repeat(LONG_PATH_CHARS));
    let crowd = Crowd::start(4, move |_| {
        client.get(&path).expect(404);
    });
    wait_until("losses", || (lines_lost(&metrics) > 0.0).then_some(()));
    drop(crowd);
    assert!(server.stop(), "the exit code is 0");
    drop(reader);
}

/// Sends bytes and reads what comes back until the connection ends.
fn exchange(server: &Server, bytes: &[u8]) -> String {
    let address = server.base_url().trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .expect("a limit");
    stream.write_all(bytes).expect("the request is sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    String::from_utf8_lossy(&answer).into_owned()
}

/// The lines about the requests that were made with that `User-Agent`… of which only the id is logged.
fn lines_with(server: &Server, text: &str, count: usize) -> Vec<String> {
    wait_until("lines of the log", || {
        let log = server.log();
        let lines: Vec<String> = log
            .lines()
            .filter(|line| line.contains(text))
            .map(ToOwned::to_owned)
            .collect();
        (lines.len() >= count).then_some(lines)
    })
}

#[test]
fn nothing_a_client_sends_makes_a_long_line() {
    let _alone = mercato_tests::load::alone();
    const COUNT: usize = 50;
    let server = Server::start();
    let client = server.client();
    let path = format!("/long{}", "x".repeat(LONG_PATH_CHARS));
    for _ in 0..COUNT {
        client
            .get(&path)
            .header("user-agent", &"u".repeat(500))
            .expect(404);
    }
    let half = LONG_PATH_CHARS / 2;
    let (method, path) = ("M".repeat(half), "p".repeat(half));
    let request = format!(
        "{method} /long{path} HTTP/1.1\r\nHost: shop\r\nX-Request-Id: {}\r\nConnection: close\r\n\r\n",
        "i".repeat(1_000)
    );
    let answer = exchange(&server, request.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    for line in lines_with(&server, "/long", COUNT + 1) {
        assert!(line.len() <= LINE_BYTES_MAX, "{} bytes: {line}", line.len());
    }
}

#[test]
fn what_a_terminal_obeys_does_not_reach_the_log() {
    let _alone = mercato_tests::load::alone();
    let server = Server::start();
    let strange = [
        "\u{202e}", "\u{2066}", "\u{9b}", "\u{2028}", "\u{7f}", "\u{feff}",
    ];
    let path = strange.concat();
    let request = format!("GET /strange{path} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n");
    let answer = exchange(&server, request.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    let client = server.client();
    // Percent signs stay as they are.
    client.get("/strange%E2%80%AE%1B").expect(404);
    lines_with(&server, "/strange%E2%80%AE%1B", 1);
    let log = server.log();
    for character in strange {
        assert!(!log.contains(character), "{:?}", character);
    }
}

#[test]
fn a_client_cannot_pass_for_the_runner() {
    let _alone = mercato_tests::load::alone();
    let server = Server::start();
    let client = server.client();
    for id in ["timer-1", "message-1", "Metrics-1"] {
        let answer = client.get(LIVE).header("x-request-id", id).expect(200);
        assert_ne!(answer.header("x-request-id"), Some(id));
    }
    let forged = client.get(READY).header("mercato-log-lines-lost", "7");
    assert!(forged.expect_json(200)["warnings"].is_null());
}
