//! PostgreSQL servers as child processes, each with a port and a folder of its own.

use std::path::Path;

use mercato_postgres_server::{Programs, Server};

use crate::{folder::database_labels as labels, tools::missing};

/// The password of all roles.
const PASSWORD: &str = "role-5a4b3c2d1e0f";

/// Whether the database at an address lets its role in.
pub fn postgres_answers(address: &str) -> bool {
    mercato_postgres_server::answers(address)
}

/// A PostgreSQL of its own; killed when dropped. Writes nothing through to the disk.
#[derive(Debug)]
pub struct Postgres(Server);

impl Postgres {
    /// Whether there are programs; says so where there are none.
    ///
    /// # Panics
    /// When `MERCATO_TEST_TOOLS` is `required` and there are none.
    pub fn is_there() -> bool {
        let is_there = Programs::find().is_some();
        if !is_there {
            missing(&Programs::advice());
        }
        is_there
    }

    /// Starts a server; none, which is said, where there are no programs and no tool is required.
    ///
    /// # Panics
    /// When the programs fail, or `MERCATO_TEST_TOOLS` is `required` and there are none.
    pub fn start_if_there() -> Option<Self> {
        Self::start_with(&[])
    }

    /// The same with settings of PostgreSQL's, as in `fsync=on`.
    ///
    /// # Panics
    /// As [`Self::start_if_there`].
    pub fn start_with(options: &[&str]) -> Option<Self> {
        let server = Server::temporary(options).expect("PostgreSQL starts");
        if server.is_none() {
            missing(&Programs::advice());
        }
        server.map(Self)
    }

    /// The superuser's address.
    pub fn url(&self) -> String {
        self.0.address()
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.0.port()
    }

    /// Makes the roles and databases of a shop, if they are not there, with new passwords, and gives the variables that name them. The
    /// shop reaches the server through that port: its own, or a proxy's.
    ///
    /// # Panics
    /// When they cannot be made.
    pub fn shop(&self, port: u16) -> Vec<(String, String)> {
        let server = format!("127.0.0.1:{port}");
        self.variables(&[&server], "")
    }

    /// The same for a shop that reaches the server at that address.
    ///
    /// # Panics
    /// When they cannot be made.
    pub fn shop_at(&self, address: &str) -> Vec<(String, String)> {
        let server = format!("{address}:{}", self.port());
        self.variables(&[&server], "")
    }

    /// The same with a standby: the shop goes to the one of both that takes changes.
    ///
    /// # Panics
    /// When the roles and databases cannot be made.
    pub fn shop_with(&self, standby: &Self) -> Vec<(String, String)> {
        let servers = [self, standby].map(|server| format!("127.0.0.1:{}", server.port()));
        let servers = servers.each_ref().map(String::as_str);
        self.variables(&servers, "&target_session_attrs=read-write")
    }

    fn variables(&self, servers: &[&str], more: &str) -> Vec<(String, String)> {
        let own = format!("127.0.0.1:{}/", self.port());
        let host = |server: Option<&&str>| {
            let server = server.copied().unwrap_or_default();
            format!("postgres://{server}")
        };
        let mut variables = vec![
            ("database_host".to_owned(), host(servers.first())),
            ("database_standby_host".to_owned(), host(servers.last())),
        ];
        let servers = format!("{}/", servers.join(","));
        for label in labels() {
            let address = self
                .0
                .set_up(&label, PASSWORD)
                .expect("a role and its database");
            let address = address.replace(&own, &servers) + more;
            variables.push((format!("{label}_database_url"), address));
        }
        variables
    }

    /// Runs statements as the superuser and gives what they find, a row a line, columns apart by `|`.
    ///
    /// # Panics
    /// When they fail.
    pub fn run(&self, database: &str, statements: &str) -> String {
        self.0
            .run(database, statements)
            .expect("the statements run")
    }

    /// Starts a standby that has all that this one has, and everything from now on before this one answers.
    ///
    /// # Panics
    /// When the programs fail.
    pub fn standby(&self) -> Self {
        Self(self.0.standby().expect("a standby"))
    }

    /// Lets this standby take over.
    ///
    /// # Panics
    /// When it does not.
    pub fn promote(&self) {
        self.0.promote().expect("the standby takes over");
    }

    /// Keeps the database of a context in that folder, before a shop uses it.
    ///
    /// # Panics
    /// When it cannot be moved there.
    pub fn keep_in(&self, label: &str, folder: &Path) {
        self.0.set_up(label, PASSWORD).expect("a role");
        self.0.keep_in(label, folder).expect("a folder of its own");
    }

    /// Ends the server without warning.
    pub fn kill(&mut self) {
        self.0.kill();
    }

    /// Ends the server, if it runs, and starts it again on the same files and port.
    ///
    /// # Panics
    /// When it does not end or begin.
    pub fn restart(&mut self) {
        self.0.stop().expect("PostgreSQL ends");
        self.0.launch().expect("PostgreSQL begins again");
    }
}
