//! Pages of lists.

use serde::Serialize;
use utoipa::ToSchema;

use mercato_kernel::{DEFAULT_PAGE_LIMIT, PAGE_LIMIT_MAX, Page, PageRequest};

use crate::{Problem, Query, Reply};

pub(crate) fn from_query(query: &mut Query) -> PageRequest {
    let numbered = query.optional("page", "a whole number from 1");
    let page = numbered.unwrap_or(1);
    let after = query.text("after");
    if after.is_some() && numbered.is_some() {
        query.reject("after", "exclusive", "must not be given together with page");
    }
    let limit = query
        .optional("limit", "a whole number from 1 to 100")
        .unwrap_or(DEFAULT_PAGE_LIMIT);
    if page == 0 {
        query.reject("page", "min", "must not be less than 1");
    }
    if limit == 0 || limit > PAGE_LIMIT_MAX {
        query.reject(
            "limit",
            if limit == 0 { "min" } else { "max" },
            "must be from 1 to 100",
        );
    }
    PageRequest { page, limit, after }
}

/// What an answer says of a list beside its entries.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PageMeta {
    /// Entries on all pages, counted up to 10,000.
    #[schema(maximum = 10_000, example = 42)]
    total: u64,
    /// Whether `total` is their number; if not, there are more.
    total_is_exact: bool,
    /// Number of this page, from 1.
    #[schema(minimum = 1, example = 1)]
    page: u32,
    /// Number of the last page of so many entries, from 1; when `totalIsExact` is false, more follow by `next`.
    #[schema(minimum = 1, example = 5)]
    last_page: u64,
    /// Most entries on a page.
    #[schema(minimum = 1, maximum = 100, example = 10)]
    limit: u32,
    /// Cursor of the next page for `after`; null on the last page.
    #[schema(required = true, example = "WyJwcm9kdWN0cyIsMiwiVGVhIl0")]
    next: Option<String>,
}

/// A page as the domain answered it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageInfo {
    /// Entries on all pages, as far as they are counted.
    pub total: u64,
    /// Whether that is their number; if not, there are more.
    pub total_is_exact: bool,
    /// Number of this page, from 1.
    pub page: u32,
    /// Cursor of the next page; none on the last one.
    pub next: Option<String>,
}

impl<T> From<&Page<T>> for PageInfo {
    fn from(page: &Page<T>) -> Self {
        Self {
            total: page.total.entries,
            total_is_exact: page.total.is_exact,
            page: page.page,
            next: page.next.clone(),
        }
    }
}

#[derive(Serialize)]
struct Envelope<'a, T, M> {
    data: &'a [T],
    meta: PageMeta,
    #[serde(flatten)]
    more: M,
}

/// The answer to a request for at most `limit` entries: `{data, meta}`.
///
/// # Errors
/// [`Problem::internal`] when the entries cannot be written as JSON.
pub fn paged<T: Serialize>(data: &[T], info: PageInfo, limit: u32) -> Result<Reply, Problem> {
    paged_with(data, info, limit, ())
}

/// The same with further members: `{data, meta, …}`.
///
/// # Errors
/// [`Problem::internal`] when the entries cannot be written as JSON.
pub fn paged_with<T: Serialize, M: Serialize>(
    data: &[T],
    info: PageInfo,
    limit: u32,
    more: M,
) -> Result<Reply, Problem> {
    let last_page = info.total.div_ceil(u64::from(limit.max(1))).max(1);
    let meta = PageMeta {
        total: info.total,
        total_is_exact: info.total_is_exact,
        page: info.page,
        last_page,
        limit,
        next: info.next,
    };
    Reply::json(&Envelope { data, meta, more })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(query: &str) -> Result<PageRequest, Problem> {
        let mut query = Query::parse(query);
        let page = query.page();
        query.finish().map(|()| page)
    }

    #[test]
    fn a_page_has_defaults_and_bounds() {
        assert_eq!(
            page("").unwrap(),
            PageRequest {
                page: 1,
                limit: 10,
                after: None
            }
        );
        assert_eq!(
            page("page=3&limit=100").unwrap(),
            PageRequest {
                page: 3,
                limit: 100,
                after: None,
            }
        );
        assert_eq!(page("after=abc").unwrap().after.as_deref(), Some("abc"));
        for wrong in [
            "page=0",
            "limit=0",
            "limit=101",
            "page=-1",
            "page=1.5",
            "limit=ten",
            "page=99999999999",
            "page=1&after=abc",
        ] {
            assert!(page(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_envelope_counts_pages() {
        let info = |total, next: Option<&str>| PageInfo {
            total,
            total_is_exact: total < 10_000,
            page: 3,
            next: next.map(str::to_owned),
        };
        let reply = paged(&[1, 2], info(12, Some("abc")), 5).unwrap();
        let text = String::from_utf8(reply.body().to_vec()).unwrap();
        assert_eq!(
            text,
            r#"{"data":[1,2],"meta":{"total":12,"totalIsExact":true,"page":3,"lastPage":3,"limit":5,"next":"abc"}}"#
        );
        let empty = paged::<u8>(&[], info(0, None), 5).unwrap();
        let text = String::from_utf8(empty.body().to_vec()).unwrap();
        assert!(
            text.contains(r#""lastPage":1,"limit":5,"next":null"#),
            "{text}"
        );
    }
}
