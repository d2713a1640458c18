//! Pages of files that only the start has used.
//!
//! The program and the compiled components are mapped from files: each page that is used counts as the process's memory from then on, and
//! brings its neighbours along. Much of it is used once, when a shop starts. Linux drops such pages where memory is short; here they are
//! given back as soon as the start is over, and whatever is used again comes back from the system's cache of files.

#[cfg(target_os = "linux")]
pub(crate) use linux::give_back;

/// Only Linux lists what is mapped.
#[cfg(not(target_os = "linux"))]
pub(crate) fn give_back(_cache_folder: &std::path::Path) {}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;
    use std::ops::Range;
    use std::path::Path;

    use rustix::mm::{Advice, madvise};

    /// What is mapped into this process, with what of it is resident.
    /// Source: proc_pid_smaps(5), <https://man7.org/linux/man-pages/man5/proc_pid_smaps.5.html>.
    const SMAPS: &str = "/proc/self/smaps";

    /// Rights of what is read or executed and never written. (Memory of components is mapped from their files too, and has other rights,
    /// also while no instance uses it.)
    const READ_ONLY: [&str; 2] = ["r--p", "r-xp"];

    /// Gives back the pages of this program and of the compiled components of that folder that hold what the file holds.
    pub(crate) fn give_back(cache_folder: &Path) {
        // Who cannot look gives nothing back.
        let Ok(smaps) = fs::read_to_string(SMAPS) else {
            return;
        };
        let program = std::env::current_exe().ok();
        let cache_folder = fs::canonicalize(cache_folder).ok();
        let is_ours = |path: &Path| {
            Some(path) == program.as_deref() || path.parent() == cache_folder.as_deref()
        };
        unchanged(&smaps, is_ours).for_each(drop_pages);
    }

    /// Where files are mapped that `is_wanted` says, can only be read or executed, and have no page that differs from the file.
    pub(super) fn unchanged(
        smaps: &str,
        is_wanted: impl Fn(&Path) -> bool,
    ) -> impl Iterator<Item = Range<usize>> {
        let mut wanted = None;
        smaps.lines().filter_map(move |line| {
            if let Some((range, is_read_only, path)) = header(line) {
                wanted = (is_read_only && is_wanted(path)).then_some(range);
                return None;
            }
            // Pages that are not the file's any more.
            let changed = line.strip_prefix("Anonymous:")?;
            wanted.take().filter(|_| changed.trim() == "0 kB")
        })
    }

    /// The first line of a mapping of a file: `from-to rights offset device inode path`.
    fn header(line: &str) -> Option<(Range<usize>, bool, &Path)> {
        let (range, rest) = line.split_once(' ')?;
        let (from, to) = range.split_once('-')?;
        let address = |digits| usize::from_str_radix(digits, 16).ok();
        let range = address(from)?..address(to)?;
        let (rights, _) = rest.split_once(' ')?;
        let path = rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("");
        Some((range, READ_ONLY.contains(&rights), Path::new(path)))
    }

    #[expect(
        unsafe_code,
        reason = "there is no other way to give pages back; see the safety comment"
    )]
    fn drop_pages(range: Range<usize>) {
        let start = std::ptr::with_exposed_provenance_mut(range.start);
        // SAFETY: the pages are those of a file which this process has mapped for good, without the right to write, and has not written
        // to before: the next access finds the same bytes in the file. (The program and the components stay mapped until the process
        // ends, and neither is mapped anew elsewhere.) An error changes nothing.
        let _ = unsafe { madvise(start, range.len(), Advice::LinuxDontNeed) };
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::path::Path;

    use super::*;

    const SMAPS: &str = "\
55d0-55e0 r--p 00000000 fe:00 11 /usr/bin/mercato
Rss:                  64 kB
Anonymous:             0 kB
55e0-55f0 r-xp 00010000 fe:00 11 /usr/bin/mercato
Rss:                  64 kB
Anonymous:             0 kB
55f0-5600 r--p 00020000 fe:00 11 /usr/bin/mercato
Rss:                  64 kB
Anonymous:             4 kB
5600-5610 rw-p 00030000 fe:00 11 /usr/bin/mercato
Anonymous:             0 kB
5610-5620 rw-p 00000000 00:00 0
Anonymous:             0 kB
7f00-7f10 r-xp 00000000 fe:00 12 /data/my shop/cache/compiled-1
Anonymous:             0 kB
7f10-7f18 ---p 00000000 fe:00 12 /data/my shop/cache/compiled-1
Anonymous:             0 kB
7f18-7f20 r-xp 00000000 fe:00 13 /lib/libc.so.6
Anonymous:             0 kB
";

    #[test]
    fn only_what_the_file_holds_too_is_given_back() {
        let is_ours = |path: &Path| {
            path == Path::new("/usr/bin/mercato") || path.starts_with("/data/my shop/cache")
        };
        let given: Vec<_> = linux::unchanged(SMAPS, is_ours).collect();
        assert_eq!(given, [0x55d0..0x55e0, 0x55e0..0x55f0, 0x7f00..0x7f10]);
    }

    #[test]
    fn a_program_goes_on_without_its_pages() {
        let sum = || (0..1_000_u64).map(std::hint::black_box).sum::<u64>();
        let before = sum();
        give_back(Path::new("/nowhere"));
        assert_eq!(sum(), before);
    }
}
