//! Where it was measured: nothing that names the machine or its owner.

use std::{
    fs::{self, File},
    io::{Seek as _, Write as _},
    num::NonZero,
    process::Command,
    thread,
    time::Instant,
};

use anyhow::Result;

use crate::{figures::median, wrk};

const SYNCS: usize = 50;
const PAGE_BYTES: usize = 4_096;

/// What the figures depend on, by name.
///
/// # Errors
/// When wrk is missing or the disk cannot be written.
pub fn describe() -> Result<Vec<(&'static str, String)>> {
    let cores = cores();
    Ok(vec![
        ("processor", format!("{}, {cores} cores", processor())),
        ("kernel", said("uname", &["-sr"])),
        (
            "a page written to the disk",
            format!("{:.0} µs (write, then fdatasync)", sync_us()?),
        ),
        ("compiler", said("rustc", &["--version"])),
        (
            "commit",
            said("git", &["describe", "--always", "--dirty", "--abbrev=10"]),
        ),
        ("load", wrk::version()?),
    ])
}

/// How many threads run at the same time.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let model = model.map(|rest| rest.trim_start_matches([' ', '\t', ':']).to_owned());
    model.unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    text.unwrap_or_else(|_| "?".to_owned())
}

/// What durability costs here: the median of some single pages.
fn sync_us() -> Result<f64> {
    let folder = tempfile::TempDir::new_in("target/bench")?;
    let mut file = File::create(folder.path().join("page"))?;
    let mut times = Vec::new();
    for _ in 0..SYNCS {
        let began = Instant::now();
        file.rewind()?;
        file.write_all(&[7; PAGE_BYTES])?;
        file.sync_data()?;
        times.push(began.elapsed().as_secs_f64() * 1e6);
    }
    Ok(median(times).unwrap_or_default())
}
