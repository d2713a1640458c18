//! Pages of lists, and what numbered pages and totals may cost: both read entries that nobody sees.

use crate::{Cursor, FieldError, Key, NotACursor};

/// Entries on a page when the client does not say.
pub const DEFAULT_PAGE_LIMIT: u32 = 10;

/// Most entries on a page.
pub const PAGE_LIMIT_MAX: u32 = 100;

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

/// Which page of a list is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// From 1; does not count with `after`.
    pub page: u32,
    /// 1 to [`PAGE_LIMIT_MAX`].
    pub limit: u32,
    /// The `next` of the page before, instead of a number.
    pub after: Option<String>,
}

/// Where a page begins; `K` is what its list is sorted by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PageStart<K> {
    /// After so many entries.
    Offset(u64),
    /// After the place of the entry that has these keys, which need not be there any more.
    After(K),
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The entries of this page.
    pub entries: Vec<T>,
    /// Number of entries on all pages.
    pub total: Total,
    /// Number of this page, from 1.
    pub page: u32,
    /// Most entries on a page.
    pub limit: u32,
    /// Cursor of the next page; none on the last one.
    pub next: Option<String>,
}

impl PageRequest {
    /// How many entries to read: one more than is shown says that there is a next page.
    #[must_use]
    pub const fn rows_to_read(&self) -> u32 {
        self.limit.saturating_add(1)
    }

    /// The number of the page, and where it begins in the list that has this scope (its name and order). `keys` reads the
    /// keys of a cursor.
    ///
    /// # Errors
    /// The field at fault: a page that skips too many entries, or a cursor that no page of this list gave.
    pub fn start<K>(
        &self,
        scope: &str,
        keys: impl FnOnce(&[Key]) -> Option<K>,
    ) -> Result<(u32, PageStart<K>), FieldError> {
        let Some(after) = &self.after else {
            return skipped_rows(self.page, self.limit)
                .map(|skipped| (self.page, PageStart::Offset(skipped)))
                .map_err(|too_deep| FieldError::new("page", "max", format!("page {too_deep}")));
        };
        let cursor = Cursor::decode(after, scope).ok();
        cursor
            .and_then(|cursor| Some((cursor.page, PageStart::After(keys(&cursor.keys)?))))
            .ok_or_else(|| FieldError::new("after", "format", format!("after {NotACursor}")))
    }

    /// The page of that number, out of the [`Self::rows_to_read`] entries from its start on. `keys` is what the list is
    /// sorted by, most significant first.
    #[must_use]
    pub fn page<T>(
        &self,
        number: u32,
        mut entries: Vec<T>,
        total: Total,
        scope: &str,
        keys: impl FnOnce(&T) -> Vec<Key>,
    ) -> Page<T> {
        let shown = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let has_next = entries.len() > shown;
        entries.truncate(shown);
        let next = entries.last().filter(|_| has_next).map(|last| {
            let cursor = Cursor {
                scope: scope.to_owned(),
                page: number.saturating_add(1),
                keys: keys(last),
            };
            cursor.encode()
        });
        Page {
            entries,
            total,
            page: number,
            limit: self.limit,
            next,
        }
    }
}

impl<T> Page<T> {
    /// The same page of something else.
    #[must_use]
    pub fn map<U>(self, convert: impl FnMut(T) -> U) -> Page<U> {
        Page {
            entries: self.entries.into_iter().map(convert).collect(),
            total: self.total,
            page: self.page,
            limit: self.limit,
            next: self.next,
        }
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

    fn request(page: u32, after: Option<String>) -> PageRequest {
        PageRequest {
            page,
            limit: 2,
            after,
        }
    }

    fn one_text(keys: &[Key]) -> Option<String> {
        match keys {
            [Key::Text(text)] => Some(text.clone()),
            _ => None,
        }
    }

    #[test]
    fn a_list_is_walked_by_the_next_of_each_page() {
        let first = request(1, None);
        assert_eq!(
            first.start("letters", one_text),
            Ok((1, PageStart::Offset(0)))
        );
        let total = Total::counted(3);
        let page = first.page(1, vec!["a", "b", "c"], total, "letters", |last| {
            vec![(*last).into()]
        });
        assert_eq!(
            (page.entries.as_slice(), page.page, page.limit),
            (&["a", "b"][..], 1, 2)
        );
        let second = request(1, page.next.clone());
        assert_eq!(
            second.start("letters", one_text),
            Ok((2, PageStart::After("b".to_owned())))
        );
        let last = second.page(2, vec!["c"], total, "letters", |last| vec![(*last).into()]);
        assert_eq!((last.page, last.next.clone()), (2, None));
        assert_eq!(last.map(str::len).entries, [1]);
        for (request, field) in [
            (request(1, Some("?".to_owned())), "after"),
            (request(5_002, None), "page"),
        ] {
            assert_eq!(request.start("letters", one_text).unwrap_err().field, field);
        }
        // A cursor of another list, or with other keys.
        assert!(second.start("words", one_text).is_err());
        assert!(second.start("letters", |_| None::<()>).is_err());
    }
}
