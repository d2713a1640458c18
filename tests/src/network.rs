//! A network of its own: hosts that are network namespaces of Linux, each with a cable to one switch, which can be cut. It takes root
//! and the program `ip`, of Debian's package `iproute2`.

use std::{
    env, fs,
    path::PathBuf,
    process::{Command, Stdio, id},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};

use rustix::{
    fd::AsFd as _,
    process::geteuid,
    thread::{LinkNameSpaceType, move_into_link_name_space},
};

use crate::{left_out, tools::missing};

/// The switch, in a namespace of its own.
const BRIDGE: &str = "bridge";

/// How a cable is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Packets vanish, and nobody can tell.
    Silent,
    /// The host sees that there is nothing at the other end.
    Unplugged,
}

/// Hosts that reach each other. They are gone when it is dropped.
#[derive(Debug)]
pub struct Network {
    switch: String,
    hosts: Vec<Arc<Host>>,
}

/// A network namespace.
#[derive(Debug)]
pub struct Host {
    namespace: String,
    address: String,
    switch: String,
    /// The cable's end at the switch.
    port: String,
}

impl Network {
    /// So many hosts; none, which is said, where that cannot be had.
    ///
    /// # Panics
    /// When it cannot be had by root and `MERCATO_TEST_TOOLS` is `required`.
    pub fn of(hosts: u8) -> Option<Self> {
        if !geteuid().is_root() {
            left_out("only root makes network namespaces");
            return None;
        }
        static NETWORKS: AtomicU32 = AtomicU32::new(0);
        let number = NETWORKS.fetch_add(1, Ordering::Relaxed);
        let switch = format!("mercato-{}-{number}", id());
        let mut network = Self {
            switch: switch.clone(),
            hosts: Vec::new(),
        };
        let made = add(&switch)
            .and_then(|()| ip(&["-n", &switch, "link", "add", BRIDGE, "type", "bridge"]))
            .and_then(|()| ip(&["-n", &switch, "link", "set", BRIDGE, "up"]));
        let made = made.and_then(|()| {
            (1..=hosts).try_for_each(|number| {
                let host = Host::new(&switch, number)?;
                network.hosts.push(Arc::new(host));
                Ok(())
            })
        });
        if let Err(cause) = made {
            missing(&format!(
                "there can be no network namespaces: {cause}; on Debian, as root: apt-get install --no-install-recommends iproute2"
            ));
            return None;
        }
        Some(network)
    }

    /// The host of that place, from 0.
    pub fn host(&self, place: usize) -> &Arc<Host> {
        &self.hosts[place]
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let hosts = self.hosts.iter().map(|host| &host.namespace);
        for namespace in hosts.chain([&self.switch]) {
            ip(&["netns", "del", namespace]).ok();
        }
    }
}

impl Host {
    fn new(switch: &str, number: u8) -> Result<Self, String> {
        let host = Self {
            namespace: format!("{switch}-{number}"),
            address: format!("10.77.0.{number}"),
            switch: switch.to_owned(),
            port: format!("port{number}"),
        };
        let Self {
            namespace,
            address,
            port,
            ..
        } = &host;
        add(namespace)?;
        let cable = ["-n", switch, "link", "add", port, "type", "veth"];
        ip(&[&cable[..], &["peer", "name", "eth0", "netns", namespace]].concat())?;
        ip(&["-n", switch, "link", "set", port, "master", BRIDGE, "up"])?;
        let own = format!("{address}/24");
        ip(&["-n", namespace, "address", "add", &own, "dev", "eth0"])?;
        ip(&["-n", namespace, "link", "set", "eth0", "up"])?;
        Ok(host)
    }

    /// Where the others reach it.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// From now on the sockets of this thread are this host's, and so are those of the processes that it starts.
    ///
    /// # Panics
    /// When the host is gone.
    pub fn enter(&self) {
        let file = PathBuf::from("/run/netns").join(&self.namespace);
        let file = fs::File::open(file).expect("a namespace");
        let kind = Some(LinkNameSpaceType::Network);
        move_into_link_name_space(file.as_fd(), kind).expect("root enters a namespace");
    }

    /// Does something on this host.
    ///
    /// # Panics
    /// When that panics.
    pub fn inside<T: Send>(&self, act: impl FnOnce() -> T + Send) -> T {
        thread::scope(|scope| {
            let acting = scope.spawn(|| {
                self.enter();
                act()
            });
            let acted = acting.join();
            acted.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Cuts its cable.
    ///
    /// # Panics
    /// When that does not work.
    pub fn cut(&self, cut: Cut) {
        let how: &[&str] = match cut {
            Cut::Silent => &["nomaster"],
            Cut::Unplugged => &["down"],
        };
        self.set_port(how);
    }

    /// Mends its cable.
    ///
    /// # Panics
    /// When that does not work.
    pub fn mend(&self) {
        self.set_port(&["master", BRIDGE, "up"]);
    }

    fn set_port(&self, how: &[&str]) {
        let port = ["-n", &self.switch, "link", "set", &self.port];
        ip(&[&port[..], how].concat()).expect("a port is set");
    }
}

/// A namespace in which 127.0.0.1 can be reached.
fn add(namespace: &str) -> Result<(), String> {
    ip(&["netns", "add", namespace])?;
    ip(&["-n", namespace, "link", "set", "lo", "up"])
}

/// Runs `ip`; what it said when it failed.
fn ip(arguments: &[&str]) -> Result<(), String> {
    let mut command = Command::new(program());
    let output = command.args(arguments).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("ip: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("ip {}: {}", arguments.join(" "), said.trim_end()))
}

/// Programs for administrators may not be on the path.
fn program() -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    let mut programs = folders.map(|folder| folder.join("ip"));
    programs
        .find(|program| program.is_file())
        .unwrap_or_else(|| "ip".into())
}
