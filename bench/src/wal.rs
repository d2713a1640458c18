//! Commits, counted in SQLite's write-ahead logs (<https://sqlite.org/fileformat2.html#walformat>): the last page that a
//! transaction writes says how large the database is then, and all others say 0. No server has to tell anything for it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Result;

const HEADER_BYTES: usize = 32;
const FRAME_HEADER_BYTES: usize = 24;

/// What stands in one log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Log {
    /// Changes whenever the log begins anew.
    salt: u64,
    /// Transactions.
    pub commits: u64,
    /// Pages that they wrote.
    pub pages: u64,
}

/// The logs of all databases in a folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Logs(Vec<(PathBuf, Log)>);

impl Logs {
    /// Reads them.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn read(folder: &Path) -> Result<Self> {
        let mut logs = Vec::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.to_string_lossy().ends_with("-wal") {
                let log = log(&fs::read(&path)?).unwrap_or_default();
                logs.push((path, log));
            }
        }
        logs.sort_by(|one, other| one.0.cmp(&other.0));
        Ok(Self(logs))
    }

    /// What was added since then; nothing when a log has begun anew, which hides what was in it.
    pub fn since(&self, earlier: &Self) -> Option<Log> {
        let mut sum = Log::default();
        for ((path, now), (old_path, old)) in self.0.iter().zip(&earlier.0) {
            if path != old_path || now.salt != old.salt {
                return None;
            }
            sum.commits += now.commits.checked_sub(old.commits)?;
            sum.pages += now.pages.checked_sub(old.pages)?;
        }
        (self.0.len() == earlier.0.len()).then_some(sum)
    }
}

/// Reads up to the first frame that is left over from before the log began anew.
fn log(bytes: &[u8]) -> Option<Log> {
    let header = bytes.get(..HEADER_BYTES)?;
    let page_bytes = usize::try_from(number(header, 8)?).ok()?;
    let salt = header.get(16..24)?;
    let mut log = Log {
        salt: u64::from_be_bytes(salt.try_into().ok()?),
        ..Log::default()
    };
    let mut pages = 0;
    for frame in bytes
        .get(HEADER_BYTES..)?
        .chunks_exact(FRAME_HEADER_BYTES + page_bytes)
    {
        if frame.get(8..16)? != salt {
            break;
        }
        pages += 1;
        if number(frame, 4)? != 0 {
            log.commits += 1;
            log.pages = pages;
        }
    }
    Some(log)
}

fn number(bytes: &[u8], offset: usize) -> Option<u32> {
    let bytes = bytes.get(offset..offset + 4)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE_BYTES: usize = 512;

    fn frame(salt: u8, size: u8) -> Vec<u8> {
        let mut frame = vec![0; FRAME_HEADER_BYTES + PAGE_BYTES];
        frame[7] = size;
        frame[8..16].fill(salt);
        frame
    }

    fn file(salt: u8, frames: &[Vec<u8>]) -> Vec<u8> {
        let mut file = vec![0; HEADER_BYTES];
        file[10] = 2; // 512
        file[16..24].fill(salt);
        file.extend(frames.concat());
        file
    }

    #[test]
    fn a_commit_is_a_frame_with_the_size_of_the_database() {
        let frames = [
            frame(7, 0),
            frame(7, 3),
            frame(7, 3),
            frame(7, 0),
            frame(6, 9),
        ];
        let log = log(&file(7, &frames)).unwrap();
        assert_eq!((log.commits, log.pages), (2, 3));
        assert_eq!(super::log(&[]), None);
    }

    #[test]
    fn what_was_added_is_known_unless_a_log_began_anew() {
        let folder = tempfile::tempdir().unwrap();
        let write = |bytes: &[u8]| {
            fs::write(folder.path().join("a.db-wal"), bytes).unwrap();
            Logs::read(folder.path()).unwrap()
        };
        let before = write(&file(7, &[frame(7, 1)]));
        let after = write(&file(7, &[frame(7, 1), frame(7, 0), frame(7, 2)]));
        let added = after.since(&before).unwrap();
        assert_eq!((added.commits, added.pages), (1, 2));
        let anew = write(&file(8, &[frame(8, 1), frame(8, 2)]));
        assert_eq!(anew.since(&before), None);
    }
}
