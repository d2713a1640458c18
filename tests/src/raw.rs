//! Connections that know nothing of HTTP, from addresses of their choice.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    time::Duration,
};

use socket2::{Domain, Socket, Type};

use crate::PATIENCE;

/// A connection to a server.
#[derive(Debug)]
pub struct Raw(TcpStream);

impl Raw {
    /// Connects from the machine's own address.
    ///
    /// # Panics
    /// When the server takes no connection.
    pub fn connect(base_url: &str) -> Self {
        Self::connect_from(base_url, Ipv4Addr::LOCALHOST).expect("a connection")
    }

    /// Connects from an address of this machine; on Linux all of `127.0.0.0/8` are.
    ///
    /// # Errors
    /// When the system or the server refuses.
    pub fn connect_from(base_url: &str, source: Ipv4Addr) -> io::Result<Self> {
        let address = base_url.trim_start_matches("http://");
        let address: SocketAddr = address.parse().map_err(io::Error::other)?;
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&SocketAddr::from((source, 0)).into())?;
        socket.connect_timeout(&address.into(), PATIENCE)?;
        let stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Self(stream))
    }

    /// Lets the system keep only so much of what the server sends.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn keep_little(&self, bytes: usize) -> io::Result<()> {
        socket2::SockRef::from(&self.0).set_recv_buffer_size(bytes)
    }

    /// Sends bytes.
    ///
    /// # Errors
    /// When the server has closed, or takes nothing for [`PATIENCE`].
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.0.write_all(bytes.as_ref())
    }

    /// Reads to the end of an answer's head.
    ///
    /// # Errors
    /// When the connection ends before, or nothing comes for [`PATIENCE`].
    pub fn read_head(&mut self) -> io::Result<String> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.0.read_exact(&mut byte)?;
            head.extend(byte);
        }
        String::from_utf8(head).map_err(io::Error::other)
    }

    /// Reads to the end of an answer's head and gives the status.
    ///
    /// # Errors
    /// When the connection ends before, or nothing comes for [`PATIENCE`].
    pub fn read_status(&mut self) -> io::Result<u16> {
        let head = self.read_head()?;
        let status = head.split(' ').nth(1).unwrap_or_default();
        status.parse().map_err(io::Error::other)
    }

    /// Reads an answer that says how long it is.
    ///
    /// # Errors
    /// When the connection ends before, or nothing comes for [`PATIENCE`].
    pub fn read_answer(&mut self) -> io::Result<String> {
        let mut answer = String::new();
        let mut piece = [0; 4096];
        while !is_whole(&answer) {
            match self.0.read(&mut piece)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                length => answer += &String::from_utf8_lossy(&piece[..length]),
            }
        }
        Ok(answer)
    }

    /// Reads all that comes until the server closes.
    ///
    /// # Errors
    /// When it does not close for [`PATIENCE`].
    pub fn read_to_end(&mut self) -> io::Result<String> {
        let mut bytes = Vec::new();
        self.0.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Whether the server has closed the connection, or does so within a time.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn is_closed_within(&mut self, time: Duration) -> io::Result<bool> {
        self.0.set_read_timeout(Some(time))?;
        let read = self.0.read(&mut [0; 1024]);
        self.0.set_read_timeout(Some(PATIENCE))?;
        match read {
            Ok(0) => Ok(true),
            Ok(_) => Ok(false),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                ) =>
            {
                Ok(false)
            }
            Err(_) => Ok(true),
        }
    }
}

fn is_whole(answer: &str) -> bool {
    let Some((head, body)) = answer.split_once("\r\n\r\n") else {
        return false;
    };
    let head = head.to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"));
    let length: Option<usize> = length.and_then(|length| length.trim().parse().ok());
    body.len() >= length.expect("a length")
}
