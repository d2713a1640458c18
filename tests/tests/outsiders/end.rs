//! Clients that would hold up the end of a shop, and the ways to ask for it.
#![cfg(unix)]

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    process::Command,
    time::{Duration, Instant},
};

use mercato_tests::{Server, left_out, shop::Shop, wait_until};

/// Half of the time that a request at work may take to finish at the end.
const END_TIME_MAX: Duration = Duration::from_secs(10);

fn connect(server: &Server) -> TcpStream {
    let address = server.base_url().trim_start_matches("http://");
    let stream = TcpStream::connect(address).expect("a connection");
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .expect("a limit");
    stream
}

/// A connection over which that was sent, and answered as far as it can be.
fn sent(server: &Server, text: &str) -> TcpStream {
    let mut stream = connect(server);
    stream.write_all(text.as_bytes()).expect("bytes are sent");
    stream
}

#[test]
fn a_request_that_was_not_sent_whole_does_not_hold_up_the_end() {
    let _alone = mercato_tests::load::alone();
    let mut server = Server::start();
    let token = Shop::on(&server).admin().token;
    let post = format!(
        "POST /api/v1/products HTTP/1.1\r\nHost: shop\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
    );
    let mut idle = sent(
        &server,
        "GET /api/health/live HTTP/1.1\r\nHost: shop\r\n\r\n",
    );
    let mut answer = [0; 12];
    idle.read_exact(&mut answer).expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 200");
    let held = [
        connect(&server),
        idle,
        sent(&server, "GET /api/health/li"),
        sent(&server, &post),
        sent(&server, &format!("{post}Content-Length: 1000\r\n\r\n{{")),
        sent(
            &server,
            &format!(
                "{post}Content-Length: 2000000\r\n\r\n{}",
                " ".repeat(1_500_000)
            ),
        ),
        sent(
            &server,
            &format!("{post}Transfer-Encoding: chunked\r\n\r\n1\r\n{{\r\n"),
        ),
    ];
    // Whoever connects is accepted in turn: these are when a later one is answered.
    server.client().get("/api/health/live").expect(200);
    let started = Instant::now();
    assert!(server.stop(), "the exit code is 0: {}", server.log());
    let took = started.elapsed();
    assert!(took < END_TIME_MAX, "it took {took:?}");
    assert!(!server.log().contains("were cut off"), "{}", server.log());
    drop(held);
}

/// Whether the tests run under `nohup`, and with them every shop that they start.
fn is_hangup_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & 1 != 0)
}

#[test]
fn a_hangup_ends_the_shop_as_sigterm_does() {
    let _alone = mercato_tests::load::alone();
    if is_hangup_ignored() {
        left_out("the tests run with hangups ignored");
        return;
    }
    let mut server = Server::start();
    let asked = Command::new("kill")
        .args(["-HUP", &server.process_id().to_string()])
        .status();
    assert!(asked.is_ok_and(|status| status.success()), "kill works");
    let status = wait_until("the end of the server", || server.ended());
    assert!(status.success(), "{status}");
    assert!(server.log().contains("\"closed\""), "{}", server.log());
}
