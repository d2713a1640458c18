//! A second server that has all that the first one has, and takes over when that dies.

use std::fs;
use std::os::unix::fs::chown;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::{Launcher, PATIENCE, Server, USER, free_port, user};

/// How often a server is asked whether it is so far.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

impl Server {
    /// Starts a standby with a copy of everything, in a temporary folder. From then on the server answers a commit once the standby has
    /// it, too (PostgreSQL's documentation, section 27.2.8).
    ///
    /// # Errors
    /// When the programs fail.
    pub fn standby(&self) -> Result<Self> {
        let temporary = tempfile::Builder::new()
            .prefix("mercato-standby-")
            .tempdir()?;
        let folder = temporary.path().to_path_buf();
        let user = user()?;
        if let Some((user, group)) = user {
            chown(&folder, Some(user), Some(group))?;
        }
        let launcher = Launcher {
            programs: self.launcher.programs.clone(),
            folder,
            user,
            has_own_group: false,
        };
        let mut copy = launcher.run("pg_basebackup");
        copy.env("PGPASSWORD", USER)
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", USER])
            .args(["-D", "data", "--checkpoint=fast", "--no-sync"]);
        let copied = copy.output().context("pg_basebackup cannot be started")?;
        if !copied.status.success() {
            let said = String::from_utf8_lossy(&copied.stderr);
            bail!("pg_basebackup failed: {said}");
        }
        fs::write(launcher.folder.join("data/standby.signal"), "")?;
        let primary = format!(
            "primary_conninfo=host=127.0.0.1 port={} user={USER} password={USER}",
            self.port
        );
        let mut options = self.options.clone();
        options.push(primary);
        let mut standby = Self {
            process: None,
            launcher,
            port: free_port()?,
            options,
            temporary: Some(temporary),
        };
        standby.launch()?;
        // Not in the options that both are started with: the standby waits for nobody once it has taken over.
        self.run(USER, "ALTER SYSTEM SET synchronous_standby_names = '*'")?;
        self.run(USER, "SELECT pg_reload_conf()")?;
        let started = Instant::now();
        while self.run(USER, "SELECT sync_state FROM pg_stat_replication")? != "sync" {
            if started.elapsed() > PATIENCE {
                bail!("the standby does not follow");
            }
            sleep(POLL_INTERVAL);
        }
        Ok(standby)
    }

    /// Lets a standby take over.
    ///
    /// # Errors
    /// When it is none, or does not come to it.
    pub fn promote(&self) -> Result<()> {
        let seconds = PATIENCE.as_secs();
        let promoted = self.run(USER, &format!("SELECT pg_promote(true, {seconds})"))?;
        if promoted != "t" {
            bail!("the standby does not take over");
        }
        Ok(())
    }

    /// Keeps the database of a context in a folder of its own, which is this server's alone. Nobody may be connected to it.
    ///
    /// # Errors
    /// What the server says.
    pub fn keep_in(&self, label: &str, folder: &std::path::Path) -> Result<()> {
        if let Some((user, group)) = self.launcher.user {
            chown(folder, Some(user), Some(group))?;
        }
        let name = crate::name(label);
        let folder = folder.display();
        self.run(
            USER,
            &format!("CREATE TABLESPACE {name} LOCATION '{folder}'"),
        )?;
        self.run(
            USER,
            &format!("ALTER DATABASE {name} SET TABLESPACE {name}"),
        )?;
        Ok(())
    }
}
