//! Pages of lists.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::{Problem, Query, Reply};

/// Entries on a page when the client does not say.
pub const DEFAULT_PAGE_LIMIT: u32 = 10;

/// Most entries on a page.
pub const MAX_PAGE_LIMIT: u32 = 100;

/// Which page of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// From 1.
    pub page: u32,
    /// 1 to [`MAX_PAGE_LIMIT`].
    pub limit: u32,
}

impl PageRequest {
    pub(crate) fn from_query(query: &mut Query) -> Self {
        let page = query.optional("page", "a whole number from 1").unwrap_or(1);
        let limit = query
            .optional("limit", "a whole number from 1 to 100")
            .unwrap_or(DEFAULT_PAGE_LIMIT);
        if page == 0 {
            query.reject("page", "min", "must not be less than 1");
        }
        if limit == 0 || limit > MAX_PAGE_LIMIT {
            query.reject(
                "limit",
                if limit == 0 { "min" } else { "max" },
                "must be from 1 to 100",
            );
        }
        Self { page, limit }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Meta {
    total: u64,
    page: u32,
    last_page: u64,
    limit: u32,
    next: Option<Box<RawValue>>,
}

#[derive(Serialize)]
struct Envelope<'a, T> {
    data: &'a [T],
    meta: Meta,
}

/// The answer to a request for a page: `{data, meta}`.
///
/// # Errors
/// [`Problem::internal`] when the entries cannot be written as JSON.
pub fn paged<T: Serialize>(data: &[T], total: u64, request: PageRequest) -> Result<Reply, Problem> {
    let last_page = total.div_ceil(u64::from(request.limit)).max(1);
    let meta = Meta {
        total,
        page: request.page,
        last_page,
        limit: request.limit,
        next: None,
    };
    Reply::json(&Envelope { data, meta })
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
        assert_eq!(page("").unwrap(), PageRequest { page: 1, limit: 10 });
        assert_eq!(
            page("page=3&limit=100").unwrap(),
            PageRequest {
                page: 3,
                limit: 100
            }
        );
        for wrong in [
            "page=0",
            "limit=0",
            "limit=101",
            "page=-1",
            "page=1.5",
            "limit=ten",
            "page=99999999999",
        ] {
            assert!(page(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_envelope_counts_pages() {
        let reply = paged(&[1, 2], 12, PageRequest { page: 3, limit: 5 }).unwrap();
        let text = String::from_utf8(reply.body().to_vec()).unwrap();
        assert_eq!(
            text,
            r#"{"data":[1,2],"meta":{"total":12,"page":3,"lastPage":3,"limit":5,"next":null}}"#
        );
        let empty = paged::<u8>(&[], 0, PageRequest { page: 1, limit: 5 }).unwrap();
        assert!(
            String::from_utf8(empty.body().to_vec())
                .unwrap()
                .contains(r#""lastPage":1"#)
        );
    }
}
