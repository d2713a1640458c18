//! Clients that send slowly, too much, or what can be read in two ways, and those that take no answers.

use mercato::Limits;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use crate::{Accounts, Client, LOGIN, PATIENCE, SHORT, exchange, login};

const MEBIBYTE: usize = 1 << 20;

#[tokio::test]
async fn a_client_that_sends_its_body_slowly_keeps_no_instance_busy() {
    let accounts = Accounts::new();
    let shop = accounts
        .start(Limits {
            instances_per_component: 1,
            ..Limits::default()
        })
        .await;
    let mut slow = Client::new(shop.addr()).await;
    slow.send(format!(
        "{LOGIN}Connection: close\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    ))
    .await;
    // The shop waits for the body now.
    slow.read_to("HTTP/1.1 100 Continue\r\n\r\n").await;
    slow.send("{").await;
    assert_eq!(login(shop.addr(), "ada@example.com").await.status(), "401");
    slow.send("}").await;
    assert_eq!(slow.read().await.body()["detail"], "2 fields are invalid");
    assert!(shop.stop().await);
}

#[tokio::test]
async fn a_body_that_does_not_come_in_time_is_answered_408() {
    let accounts = Accounts::new();
    let shop = accounts
        .start(Limits {
            request_body_time: SHORT,
            ..Limits::default()
        })
        .await;
    for framing in [
        "Content-Length: 100\r\n\r\n{",
        "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
    ] {
        let mut slow = Client::new(shop.addr()).await;
        slow.send(format!("{LOGIN}{framing}")).await;
        slow.read().await.expect_last("408", "request-timeout");
    }
    shop.kill().await;
}

#[tokio::test]
async fn a_head_that_does_not_come_in_time_ends_the_connection() {
    let accounts = Accounts::new();
    let shop = accounts
        .start(Limits {
            request_head_time: SHORT,
            linger_time: SHORT,
            ..Limits::default()
        })
        .await;
    for begun in ["", "POST / HT", "GET / HTTP/1.1\r\nHost: h\r\nA: "] {
        assert_eq!(exchange(shop.addr(), begun).await.0, "", "{begun}");
    }
    assert!(shop.stop().await);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_a_bad_request() {
    let accounts = Accounts::new();
    let shop = accounts.start(Limits::default()).await;
    let answer = exchange(
        shop.addr(),
        format!("{LOGIN}Transfer-Encoding: chunked\r\n\r\nnonsense\r\n"),
    )
    .await;
    answer.expect_last("400", "incomplete-body");
    let mut client = Client::new(shop.addr()).await;
    client
        .send(format!("{LOGIN}Content-Length: 100\r\n\r\n{{"))
        .await;
    client.0.shutdown().await.unwrap();
    client.read().await.expect_last("400", "incomplete-body");
    shop.kill().await;
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_and_the_client_reads_why() {
    let accounts = Accounts::new();
    let shop = accounts
        .start(Limits {
            request_body_bytes: u64::try_from(2 * MEBIBYTE).unwrap(),
            ..Limits::default()
        })
        .await;
    // Announced: refused before anything was read, without an invitation to send it.
    let announced = format!(
        "{LOGIN}Content-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        8 * MEBIBYTE
    );
    let mut client = Client::new(shop.addr()).await;
    client.send(&announced).await;
    client.read_to("\r\n\r\n").await;
    // All of it sent before the answer is looked at: announced, in chunks, and too long only for the component.
    let body = vec![b' '; 8 * MEBIBYTE];
    let chunk = format!("{:x}\r\n", body.len());
    let fits_the_runner = 2 * MEBIBYTE - 1;
    let mut requests = vec![
        [
            format!("{LOGIN}Content-Length: {}\r\n\r\n", body.len()).as_bytes(),
            &body,
        ]
        .concat(),
        [
            format!("{LOGIN}Transfer-Encoding: chunked\r\n\r\n{chunk}").as_bytes(),
            &body,
        ]
        .concat(),
    ];
    requests.push(
        [
            format!("{LOGIN}Content-Length: {fits_the_runner}\r\n\r\n").as_bytes(),
            &body[..fits_the_runner],
        ]
        .concat(),
    );
    for request in requests {
        exchange(shop.addr(), request)
            .await
            .expect_last("413", "payload-too-large");
    }
    // Nothing of it disturbs the next client.
    assert_eq!(login(shop.addr(), "ada@example.com").await.status(), "401");
    shop.kill().await;
}

#[tokio::test]
async fn a_client_that_takes_no_answers_is_cut_off() {
    let accounts = Accounts::new();
    let shop = accounts
        .start(Limits {
            response_write_time: SHORT,
            linger_time: SHORT,
            ..Limits::default()
        })
        .await;
    let mut client = Client::new(shop.addr()).await;
    let requests = "GET /nowhere HTTP/1.1\r\nHost: h\r\n\r\n".repeat(1000);
    let sending = async {
        // It never reads; so the shop's answers get stuck, then the shop takes no more requests.
        while client.0.write_all(requests.as_bytes()).await.is_ok() {}
    };
    timeout(PATIENCE, sending).await.expect("the shop closes");
    assert!(shop.stop().await);
}

#[tokio::test]
async fn requests_that_can_be_cut_in_two_ways_are_refused() {
    let accounts = Accounts::new();
    let shop = accounts.start(Limits::default()).await;
    let chunks = "2\r\n{}\r\n0\r\n\r\n";
    for framing in [
        format!("Transfer-Encoding: gzip, chunked\r\n\r\n{chunks}"),
        format!("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}"),
        format!("Transfer-Encoding: chunked, identity\r\n\r\n{chunks}"),
        format!("Transfer-Encoding : chunked\r\n\r\n{chunks}"),
        "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}".into(),
        "Content-Length: 2, 2\r\n\r\n{}".into(),
        "Content-Length: +2\r\n\r\n{}".into(),
        "A: 1\r\n 2\r\nContent-Length: 2\r\n\r\n{}".into(),
        "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}".into(),
        "Content-Length: 2\nA: b\r\n\r\n{}".into(),
        "Content-Length: 2\r\n\n{}".into(),
        "Content-Length : 2\r\n\r\n{}".into(),
        format!("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n{chunks}"),
        format!("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}"),
    ] {
        let answer = exchange(shop.addr(), format!("{LOGIN}{framing}")).await;
        assert!(
            !answer.0.contains("fields are invalid"),
            "{framing}: {answer:?}"
        );
        answer.expect_last("400", "bad-request");
    }
    // Neither does what comes before the fields.
    let login = LOGIN.replacen("\r\n", "\n", 1);
    let answer = exchange(shop.addr(), format!("{login}Content-Length: 2\r\n\r\n{{}}")).await;
    answer.expect_last("400", "bad-request");
    // What follows chunks is not taken for a request, however they end.
    for chunks in [
        chunks,
        "2;a=b\r\n{}\r\n0\r\nTrailer: a\n\nGET / HTTP/1.1\r\n\r\n",
    ] {
        let next = format!("{LOGIN}Content-Length: 2\r\n\r\n{{}}");
        let smuggled = format!("{LOGIN}Transfer-Encoding: chunked\r\n\r\n{chunks}{next}");
        let answer = exchange(shop.addr(), smuggled).await;
        assert_eq!(answer.0.matches("HTTP/1.1 ").count(), 1, "{answer:?}");
        answer.expect_last("400", "validation");
    }
    // Requests one behind the other are all looked at.
    let ok = format!("{LOGIN}Content-Length: 2\r\n\r\n{{}}");
    let answer = exchange(
        shop.addr(),
        format!("{ok}{LOGIN}Content-Length: 2\n\r\n{{}}"),
    )
    .await;
    assert_eq!(answer.0.matches("HTTP/1.1 400 ").count(), 2, "{answer:?}");
    assert_eq!(
        answer.0.matches("problems/validation").count(),
        1,
        "{answer:?}"
    );
    shop.kill().await;
}
