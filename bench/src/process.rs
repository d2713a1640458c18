//! What Linux tells about processes (proc(5)). Elsewhere nothing is told, and the report leaves it out.

use std::{collections::BTreeMap, fs, iter::Sum};

/// Clock ticks in a second: 100 on every architecture that Rust's standard library runs on.
const TICK_US: u64 = 10_000;

/// What a process and those that it has started have used up since their starts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Time on processors, in microseconds.
    pub cpu_us: u64,
    /// Bytes that were to be written to a disk.
    pub written_bytes: u64,
}

impl Usage {
    /// What was used up since then.
    pub fn since(self, earlier: Self) -> Self {
        Self {
            cpu_us: self.cpu_us.saturating_sub(earlier.cpu_us),
            written_bytes: self.written_bytes.saturating_sub(earlier.written_bytes),
        }
    }
}

impl Sum for Usage {
    fn sum<I: Iterator<Item = Self>>(usages: I) -> Self {
        usages.fold(Self::default(), |sum, usage| Self {
            cpu_us: sum.cpu_us + usage.cpu_us,
            written_bytes: sum.written_bytes + usage.written_bytes,
        })
    }
}

/// Of a process and those below it.
pub fn usage(root: u32) -> Option<Usage> {
    let mut sum = Usage::default();
    for id in tree(root)? {
        // One that has just ended counts no more.
        let read = |file| fs::read_to_string(format!("/proc/{id}/{file}")).unwrap_or_default();
        sum.cpu_us += cpu_us(&read("stat")).unwrap_or_default();
        sum.written_bytes += number_after(&read("io"), "write_bytes:").unwrap_or_default();
    }
    Some(sum)
}

/// Time on processors of the threads that a process and those below it have, in microseconds. Finer than clock ticks, but
/// without the time of threads that have ended.
pub fn precise_cpu_us(root: u32) -> Option<u64> {
    let mut nanoseconds = 0;
    for id in tree(root)? {
        for thread in fs::read_dir(format!("/proc/{id}/task")).ok()?.flatten() {
            // One that has just ended counts no more.
            let text = fs::read_to_string(thread.path().join("schedstat")).unwrap_or_default();
            let spent = text.split_whitespace().next();
            nanoseconds += spent
                .and_then(|spent| spent.parse::<u64>().ok())
                .unwrap_or_default();
        }
    }
    Some(nanoseconds / 1_000)
}

/// The memory that a process and those below it hold in RAM, in bytes.
pub fn resident_bytes(root: u32) -> Option<u64> {
    let of = |id| {
        number_after(
            &fs::read_to_string(format!("/proc/{id}/status")).ok()?,
            "VmRSS:",
        )
    };
    let kib: u64 = tree(root)?.into_iter().filter_map(of).sum();
    Some(kib * 1_024)
}

/// A process, its children, theirs and so on. Not every kernel lists children, so parents are asked for.
fn tree(root: u32) -> Option<Vec<u32>> {
    fs::metadata(format!("/proc/{root}")).ok()?;
    let mut children: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
    for entry in fs::read_dir("/proc").ok()?.flatten() {
        let id = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        let Some(id) = id else { continue };
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        if let Some(parent) = field(&stat, 1) {
            children.entry(parent).or_default().push(id);
        }
    }
    let mut tree = vec![root];
    let mut index = 0;
    while let Some(id) = tree.get(index) {
        let below = children.remove(&u64::from(*id)).unwrap_or_default();
        tree.extend(below);
        index += 1;
    }
    Some(tree)
}

fn cpu_us(stat: &str) -> Option<u64> {
    let (user, system) = (field(stat, 11)?, field(stat, 12)?);
    Some((user + system) * TICK_US)
}

/// A field of `stat`, counted from the one behind the program's name, which may hold anything.
fn field(stat: &str, index: usize) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(index)?.parse().ok()
}

fn number_after(text: &str, label: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(label))?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str = "7 (a) b (c)) S 3 7 7 0 -1 4194560 100 0 0 0 25 17 1 1 20 0 4 0 100 1 2";

    #[test]
    fn times_are_read_behind_any_name() {
        assert_eq!(cpu_us(STAT), Some(420_000));
        assert_eq!(cpu_us("7 (a"), None);
    }

    #[test]
    fn labelled_numbers_are_found() {
        let text = "rchar: 1\nwrite_bytes: 4096\ncancelled_write_bytes: 5\n";
        assert_eq!(number_after(text, "write_bytes:"), Some(4_096));
        assert_eq!(number_after("VmRSS:\t  12 kB\n", "VmRSS:"), Some(12));
        assert_eq!(number_after(text, "VmRSS:"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn children_belong_to_their_process() {
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let tree = tree(std::process::id()).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(tree.contains(&child.id()), "{tree:?}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_used_memory() {
        assert!(resident_bytes(std::process::id()).unwrap() > 1_000_000);
        assert!(usage(std::process::id()).is_some());
        assert_eq!(usage(u32::MAX), None);
        assert!(precise_cpu_us(std::process::id()).unwrap() > 0);
    }
}
