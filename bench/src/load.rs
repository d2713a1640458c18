//! A load generator: some connections, each with one request at a time, every answer checked.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use http::{Request, header::HOST};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::JoinSet};

/// How hard and how long.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Open connections.
    pub connections: usize,
    /// How long requests are sent.
    pub duration: Duration,
}

/// What came of it.
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    /// Answered requests per second.
    pub per_second: f64,
    /// Half of the answers took at most this long, in microseconds.
    pub median_us: u64,
    /// All but one in a hundred took at most this long, in microseconds.
    pub p99_us: u64,
}

/// Sends GET requests of one path and compares every body with the expected one.
///
/// # Errors
/// When a connection breaks or an answer is not the expected one.
pub async fn run(server: SocketAddr, path: &str, expected: &Bytes, load: Load) -> Result<Outcome> {
    let mut connections = JoinSet::new();
    let started = Instant::now();
    for _ in 0..load.connections {
        let (path, expected) = (path.to_owned(), expected.clone());
        connections.spawn(one_connection(
            server,
            path,
            expected,
            started + load.duration,
        ));
    }
    let mut latencies = Vec::new();
    while let Some(connection) = connections.join_next().await {
        latencies.extend(connection.context("a connection's task ended early")??);
    }
    let seconds = started.elapsed().as_secs_f64();
    latencies.sort_unstable();
    Ok(Outcome {
        per_second: latencies.len() as f64 / seconds,
        median_us: quantile(&latencies, 50),
        p99_us: quantile(&latencies, 99),
    })
}

/// The latencies of one connection in microseconds.
async fn one_connection(
    server: SocketAddr,
    path: String,
    expected: Bytes,
    end: Instant,
) -> Result<Vec<u64>> {
    let stream = TcpStream::connect(server).await.context("cannot connect")?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let mut latencies = Vec::new();
    while Instant::now() < end {
        let started = Instant::now();
        let body = get(&mut sender, server, &path).await?;
        let elapsed = started.elapsed();
        ensure!(
            body == expected,
            "GET {path} answered other bytes than before"
        );
        latencies.push(u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX));
    }
    Ok(latencies)
}

async fn get(
    sender: &mut SendRequest<Empty<Bytes>>,
    server: SocketAddr,
    path: &str,
) -> Result<Bytes> {
    let request = Request::get(path)
        .header(HOST, server.to_string())
        .body(Empty::new())?;
    sender.ready().await?;
    let answer = sender.send_request(request).await?;
    ensure!(
        answer.status() == 200,
        "GET {path} answered {}",
        answer.status()
    );
    Ok(answer.into_body().collect().await?.to_bytes())
}

/// A quantile of sorted values, in percent; 0 without values.
fn quantile(sorted: &[u64], percent: usize) -> u64 {
    let index = sorted.len().saturating_sub(1) * percent / 100;
    sorted.get(index).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_occurred() {
        let values: Vec<u64> = (1..=101).collect();
        assert_eq!(quantile(&values, 50), 51);
        assert_eq!(quantile(&values, 99), 100);
        assert_eq!(quantile(&[7], 99), 7);
        assert_eq!(quantile(&[], 50), 0);
    }

    #[test]
    fn answers_are_counted_and_wrong_ones_are_an_error() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let body = Bytes::from_static(b"same");
            let server = crate::yardstick::start(body.clone()).await.unwrap();
            let load = Load {
                connections: 2,
                duration: Duration::from_millis(50),
            };
            let outcome = run(server, "/", &body, load).await.unwrap();
            assert!(outcome.per_second > 0.0);
            assert!(outcome.p99_us >= outcome.median_us);
            let other = Bytes::from_static(b"other");
            assert!(run(server, "/", &other, load).await.is_err());
        });
    }
}
