//! What numbered pages and totals may cost: both read entries that nobody sees.

/// Most entries that a numbered page may skip: the database reads each of them.
pub const SKIPPED_ROWS_MAX: u64 = 10_000;

/// Most entries of a list that are counted.
pub const COUNTED_ROWS_MAX: u64 = 10_000;

/// How many entries a list has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Total {
    /// Their number, [`COUNTED_ROWS_MAX`] at most.
    pub entries: u64,
    /// Whether that is their number; if not, there are more.
    pub is_exact: bool,
}

impl Total {
    /// So many rows that a statement counts at most: one more than [`COUNTED_ROWS_MAX`] says that there are more.
    pub const LIMIT_ROWS: u64 = COUNTED_ROWS_MAX + 1;

    /// The total of a list of which a statement counted so many rows and stopped at [`Self::LIMIT_ROWS`].
    #[must_use]
    pub const fn counted(rows: u64) -> Self {
        if rows > COUNTED_ROWS_MAX {
            Self {
                entries: COUNTED_ROWS_MAX,
                is_exact: false,
            }
        } else {
            Self {
                entries: rows,
                is_exact: true,
            }
        }
    }
}

/// A numbered page begins after more than [`SKIPPED_ROWS_MAX`] entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must not skip more than {SKIPPED_ROWS_MAX} entries: walk on with after, the next of the page before"
)]
pub struct PageTooDeep;

/// How many entries stand before a page, numbered from 1, of a list with so many on each.
///
/// # Errors
/// [`PageTooDeep`] when they are more than [`SKIPPED_ROWS_MAX`].
pub fn skipped_rows(page: u32, limit: u32) -> Result<u64, PageTooDeep> {
    let skipped = u64::from(page.saturating_sub(1)) * u64::from(limit);
    if skipped > SKIPPED_ROWS_MAX {
        Err(PageTooDeep)
    } else {
        Ok(skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_total_is_exact_up_to_the_bound() {
        let total = |entries, is_exact| Total { entries, is_exact };
        assert_eq!(Total::counted(0), total(0, true));
        assert_eq!(Total::counted(COUNTED_ROWS_MAX), total(10_000, true));
        assert_eq!(Total::counted(Total::LIMIT_ROWS), total(10_000, false));
    }

    #[test]
    fn a_page_skips_ten_thousand_entries_at_most() {
        assert_eq!(skipped_rows(1, 100), Ok(0));
        assert_eq!(skipped_rows(101, 100), Ok(10_000));
        assert_eq!(skipped_rows(10_001, 1), Ok(10_000));
        assert_eq!(skipped_rows(102, 100), Err(PageTooDeep));
        assert_eq!(skipped_rows(u32::MAX, u32::MAX), Err(PageTooDeep));
    }

    #[test]
    fn the_last_page_of_what_is_counted_can_be_asked_for() {
        for limit in 1..=100 {
            let last = u32::try_from(COUNTED_ROWS_MAX.div_ceil(u64::from(limit))).unwrap();
            assert!(skipped_rows(last, limit).is_ok(), "{limit}");
        }
    }
}
