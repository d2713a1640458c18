//! How many files and connections the process may have open.

use crate::limits::{CONNECTIONS_MIN, FILES_RESERVED};

/// Raises the limit of open files as far as the process may, and says what it is then. Does nothing where there is no
/// such limit.
pub(crate) fn raise_limit() -> Option<u64> {
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) => Some(limit),
        Err(cause) => {
            tracing::warn!("cannot raise the limit of open files: {cause}");
            rlimit::getrlimit(rlimit::Resource::NOFILE)
                .ok()
                .map(|(soft, _)| soft)
        }
    }
}

/// How many client connections there is room for beside the files that the shop needs itself: databases, the cache,
/// Redis, and what its own requests open. Never more than `wanted`.
pub(crate) fn connections_max(files: Option<u64>, wanted: usize) -> usize {
    let files = files.map_or(usize::MAX, |files| {
        usize::try_from(files).unwrap_or(usize::MAX)
    });
    let reserved = FILES_RESERVED.min(files / 2);
    (files - reserved).max(CONNECTIONS_MIN).min(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::CONNECTIONS_MAX;

    #[test]
    fn connections_leave_room_for_files() {
        let of = |files| connections_max(files, CONNECTIONS_MAX);
        assert_eq!(of(Some(256)), 128);
        assert_eq!(of(Some(1024)), 512);
        assert_eq!(of(Some(4096)), 4096 - FILES_RESERVED);
        assert_eq!(of(Some(1 << 20)), CONNECTIONS_MAX);
        assert_eq!(of(None), CONNECTIONS_MAX);
        assert_eq!(of(Some(0)), CONNECTIONS_MIN);
        assert_eq!(connections_max(None, 7), 7);
    }

    #[test]
    fn the_soft_limit_becomes_the_hard_one() {
        let raised = raise_limit();
        let (soft, hard) = rlimit::getrlimit(rlimit::Resource::NOFILE).unwrap();
        assert_eq!(soft, hard);
        assert_eq!(raised, Some(hard));
    }
}
