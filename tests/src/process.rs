//! Child processes that end with the test program.

use std::{
    env,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
};

/// A child process that ends with this one: when this is dropped, and also when the test program just goes away, which
/// drops no statics.
#[derive(Debug)]
pub struct Guarded {
    child: Child,
    /// Waits for the end of its standard input, which only this program holds, then kills the child.
    guard: Child,
}

impl Guarded {
    /// Starts a process.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn(command: &mut Command) -> std::io::Result<Self> {
        Self::spawn_in(command, None)
    }

    /// Starts a process that owns a folder: when the test program just goes away, the folder goes too.
    pub(crate) fn spawn_in(command: &mut Command, folder: Option<&Path>) -> std::io::Result<Self> {
        let mut child = command.spawn()?;
        let guard = guard_command(child.id(), folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        match guard {
            Ok(guard) => Ok(Self { child, guard }),
            Err(error) => {
                child.kill()?;
                Err(error)
            }
        }
    }

    /// The number of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How the process ended, if it has.
    ///
    /// # Panics
    /// When the operating system does not say.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("look at the process")
    }

    /// Asks the process to end (SIGTERM).
    ///
    /// # Panics
    /// When it cannot be asked.
    #[cfg(unix)]
    pub fn ask_to_end(&self) {
        let asked = Command::new("kill")
            .arg(self.child.id().to_string())
            .status();
        assert!(asked.is_ok_and(|status| status.success()), "kill works");
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // The guard first: it must not kill whoever gets the child's number next.
        for child in [&mut self.guard, &mut self.child] {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

#[cfg(not(windows))]
fn guard_command(process_id: u32, folder: Option<&Path>) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", "cat; kill -9 \"$0\"; rm -rf -- \"$@\""])
        .arg(process_id.to_string())
        .args(folder);
    command
}

#[cfg(windows)]
fn guard_command(process_id: u32, folder: Option<&Path>) -> Command {
    let mut steps = format!("more & taskkill /f /pid {process_id}");
    if let Some(folder) = folder {
        steps.push_str(&format!(" & rmdir /s /q {}", folder.display()));
    }
    let mut command = Command::new("cmd");
    command.args(["/c", &steps]);
    command
}

/// The runner that `cargo xtask` built beside the test programs, or the one named by `MERCATO_RUNNER`.
///
/// # Panics
/// When there is none.
pub fn runner() -> PathBuf {
    if let Some(path) = env::var_os("MERCATO_RUNNER") {
        return path.into();
    }
    let program = env::current_exe().expect("the path of the test program");
    let folder = program
        .ancestors()
        .nth(2)
        .expect("test programs lie in TARGET/PROFILE/deps");
    let path = folder.join(format!("mercato{}", env::consts::EXE_SUFFIX));
    assert!(
        path.is_file(),
        "{} is missing: run the tests with `cargo xtask test`",
        path.display()
    );
    path
}

/// A port that nobody listens on.
///
/// # Panics
/// When there is none.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("its number").port()
}
