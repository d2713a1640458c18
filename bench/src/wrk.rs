//! The load generator, <https://github.com/wg/wrk>: starts it and reads its result.

use std::{
    io::ErrorKind,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, anyhow, bail};
use serde::Deserialize;

use crate::machine;

/// Where the scripts are, seen from the root of the repository.
const SCRIPTS: &str = "bench/wrk";

/// An answer that takes longer counts as an error.
const ANSWER_LIMIT: &str = "30s";

/// What the line begins with that the scripts print at the end.
const RESULT: &str = "RESULT ";

const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Looking at the server costs a little, so it is done only now and then.
const POLLS_BETWEEN_LOOKS: u32 = 20;

/// What came of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Outcome {
    /// Answers.
    pub requests: u64,
    /// How long it really took, in microseconds.
    pub duration_us: u64,
    /// Half of the answers took at most this long, in microseconds.
    pub p50_us: u64,
    /// All but one in a hundred took at most this long, in microseconds.
    pub p99_us: u64,
    /// Answers of another status than the expected one.
    pub wrong: u64,
    /// Connections that could not be made, read or written.
    pub broken: u64,
    /// Answers that did not come in time.
    pub late: u64,
}

impl Outcome {
    /// Everything that went wrong; no answer at all is one error more.
    pub fn errors(&self) -> u64 {
        self.wrong + self.broken + self.late + u64::from(self.requests == 0)
    }
}

/// One run: where to, how hard, how long.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// The script in `bench/wrk` that says what is sent.
    pub script: &'a str,
    /// Where to.
    pub base_url: &'a str,
    /// What is in the shop, as Lua; an absolute path.
    pub data: &'a Path,
    /// Different from that of every other run.
    pub tag: &'a str,
    /// Open connections.
    pub connections: usize,
    /// How long requests are sent.
    pub seconds: u64,
}

impl Run<'_> {
    /// Runs wrk, and `watch` now and then meanwhile.
    ///
    /// # Errors
    /// When wrk is not installed, or fails.
    pub fn run(&self, watch: impl FnMut()) -> Result<Outcome> {
        let child = Command::new("wrk")
            .current_dir(SCRIPTS)
            .args(["--threads", &threads(self.connections).to_string()])
            .args(["--connections", &self.connections.to_string()])
            .args(["--duration", &format!("{}s", self.seconds)])
            .args(["--timeout", ANSWER_LIMIT])
            .args(["--script", self.script, self.base_url, "--"])
            .arg(self.data)
            .arg(self.tag)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(explained)?;
        outcome(child, watch)
    }
}

/// The first line of what it says of itself.
pub fn version() -> Result<String> {
    let output = Command::new("wrk").arg("-v").output().map_err(explained)?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    let words: Vec<_> = text.split_whitespace().take(2).collect();
    Ok(words.join(" "))
}

fn explained(error: std::io::Error) -> anyhow::Error {
    if error.kind() == ErrorKind::NotFound {
        return anyhow!(
            "wrk is missing: install it, for example with `apt-get install wrk` or `brew install wrk`"
        );
    }
    anyhow::Error::new(error).context("cannot start wrk")
}

/// Half of the cores are left to the server.
fn threads(connections: usize) -> usize {
    (machine::cores() / 2).clamp(1, connections)
}

fn outcome(mut child: Child, mut watch: impl FnMut()) -> Result<Outcome> {
    // What it prints fits into the pipes.
    let mut polls = 0_u32;
    while child.try_wait()?.is_none() {
        polls += 1;
        if polls.is_multiple_of(POLLS_BETWEEN_LOOKS) {
            watch();
        }
        thread::sleep(POLL_INTERVAL);
    }
    let output = child.wait_with_output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        bail!(
            "wrk failed: {text}{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    read(&text).with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Finds the line of the scripts among those of wrk.
fn read(output: &str) -> Result<Outcome> {
    let line = output.lines().find_map(|line| line.strip_prefix(RESULT));
    let line = line.with_context(|| format!("wrk gave no result: {output}"))?;
    let outcome = serde_json::from_str(line).context("wrk's result cannot be read")?;
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"RESULT {"requests":240,"duration_us":1000100,"p50_us":410,"p99_us":9800,"wrong":2,"broken":1,"late":3}"#;

    #[test]
    fn the_result_is_found_among_what_wrk_prints() {
        let text = format!(
            "Running 1s test @ http://127.0.0.1:1\n  1 threads\nRequests/sec: 240\n{LINE}\n"
        );
        let outcome = read(&text).unwrap();
        assert_eq!((outcome.requests, outcome.p99_us), (240, 9_800));
        assert_eq!(outcome.errors(), 6);
    }

    #[test]
    fn no_answer_is_an_error_that_is_counted() {
        let outcome = read(&LINE.replace("240", "0")).unwrap();
        assert_eq!(outcome.errors(), 7);
    }

    #[test]
    fn no_result_ends_the_run() {
        assert!(read("Running 1s test\n").is_err());
        assert!(read("RESULT {\"requests\":1}").is_err());
    }

    #[test]
    fn no_connection_is_without_a_thread() {
        assert_eq!(threads(1), 1);
        assert!((1..=64).contains(&threads(64)));
    }
}
