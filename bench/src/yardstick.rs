//! The yardstick: a native server that answers every request with the same bytes, on the same machine at the same time.
//! Ratios to it say more than absolute numbers, which differ from machine to machine and from hour to hour.

use std::{
    convert::Infallible,
    net::{Ipv4Addr, SocketAddr},
};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::{Response, header::CONTENT_TYPE};
use http_body_util::Full;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// Starts the server; it ends with the runtime.
///
/// # Errors
/// When there is no free port.
pub async fn start(body: Bytes) -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .context("there is no free port for the yardstick")?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).ok();
            let body = body.clone();
            let service = service_fn(move |_| {
                let mut answer = Response::new(Full::new(body.clone()));
                let json = http::HeaderValue::from_static("application/json");
                answer.headers_mut().insert(CONTENT_TYPE, json);
                async move { Ok::<_, Infallible>(answer) }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    Ok(address)
}
