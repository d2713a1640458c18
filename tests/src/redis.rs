//! Redis servers as child processes, each with a port and a folder of its own.

use std::{
    net::{Ipv4Addr, TcpStream},
    process::{Command, Stdio},
};

use crate::{Folder, Guarded, free_port, wait_until};

/// A Redis server of its own; killed when dropped. Keeps nothing on disk.
#[derive(Debug)]
pub struct Redis {
    child: Option<Guarded>,
    port: u16,
    folder: Folder,
}

impl Redis {
    /// Starts `redis-server` from `PATH` and waits until it answers.
    ///
    /// # Panics
    /// When there is none: it is a prerequisite of the tests that need it.
    pub fn start() -> Self {
        let mut redis = Self {
            child: None,
            port: free_port(),
            folder: Folder::new("redis"),
        };
        redis.launch();
        redis
    }

    /// The server's address, for `--redis`.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends the server without warning.
    pub fn kill(&mut self) {
        self.child = None;
    }

    /// Starts the server again on the same port.
    pub fn restart(&mut self) {
        self.kill();
        self.launch();
    }

    fn launch(&mut self) {
        let mut command = Command::new("redis-server");
        command
            .args(["--port", &self.port.to_string()])
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let child = Guarded::spawn_in(&mut command, Some(self.folder.path()));
        self.child =
            Some(child.expect("redis-server is on PATH (Debian: apt-get install redis-server)"));
        wait_until("the start of Redis", || {
            TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).ok()
        });
    }
}
