//! The sockets that a shop listens on.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use socket2::SockRef;
use tokio::net::TcpListener;

use crate::error::{Error, Result};
use crate::limits::{LISTEN_QUEUE, SEND_BUFFER_BYTES};

pub(super) async fn bind(address: &str) -> Result<TcpListener> {
    let fault = |cause| Error::Listen {
        address: address.to_owned(),
        cause,
    };
    let listener = TcpListener::bind(address).await.map_err(fault)?;
    let socket = SockRef::from(&listener);
    // What it accepts inherits that.
    socket
        .set_send_buffer_size(SEND_BUFFER_BYTES)
        .and_then(|()| socket.listen(LISTEN_QUEUE))
        .map_err(fault)?;
    Ok(listener)
}

pub(super) fn local_address(listener: &TcpListener) -> Result<SocketAddr> {
    listener
        .local_addr()
        .map_err(|cause| Error::Machine(format!("cannot tell the listener's address: {cause}")))
}

/// An address that a browser on this machine can open: a listener on all interfaces is also at the loopback one.
pub(super) fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() {
            Ipv4Addr::LOCALHOST.into()
        } else {
            Ipv6Addr::LOCALHOST.into()
        });
    }
    address
}
