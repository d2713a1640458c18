//! Pages of lists.

use std::collections::BTreeMap;

use mercato_edge_macros::query;
use mercato_kernel::{DEFAULT_PAGE_LIMIT, FromText, PAGE_LIMIT_MAX, Page, PageRequest, Refusal};
use serde::Serialize;
use utoipa::ToSchema;
#[cfg(not(target_family = "wasm"))]
use utoipa::openapi::path::Parameter;

use crate::{FromQuery, QueryString};

/// Which page of a list is wanted, as clients say it.
#[query(exclusive(page, after))]
#[derive(Debug)]
struct PageParameters {
    /// Number of the page, from 1; the first one when neither it nor `after` is given. Skips 10,000 entries at most: go on with
    /// `after`, which is cheaper, and nothing is seen twice or missed.
    #[param(value_type = u64, required = false, minimum = 1, maximum = 10_001)]
    page: Option<PageNumber>,
    /// Most entries on a page.
    #[param(value_type = u32, required = false, minimum = 1, maximum = 100, default = 10)]
    limit: Option<PageLimit>,
    /// The `meta.next` of the page before, instead of `page`.
    #[param(min_length = 1, max_length = 4_096, pattern = "^[A-Za-z0-9_-]+$")]
    after: Option<String>,
}

/// Number of a page, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageNumber(pub u32);

/// Most entries on a page, 1 to [`PAGE_LIMIT_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageLimit(pub u32);

impl FromQuery for PageRequest {
    fn from_query(query: &mut QueryString) -> Self {
        let PageParameters { page, limit, after } = PageParameters::from_query(query);
        Self {
            page: page.map_or(1, |page| page.0),
            limit: limit.map_or(DEFAULT_PAGE_LIMIT, |limit| limit.0),
            after,
        }
    }

    #[cfg(not(target_family = "wasm"))]
    fn parameters() -> Vec<Parameter> {
        PageParameters::parameters()
    }
}

impl FromText for PageNumber {
    fn from_text(text: &str) -> Result<Self, Refusal> {
        match u32::from_text(text) {
            Ok(0) => Err(("min", "must not be less than 1".into())),
            Ok(number) => Ok(Self(number)),
            Err(_) => Err(("type", "must be a whole number from 1".into())),
        }
    }
}

impl FromText for PageLimit {
    fn from_text(text: &str) -> Result<Self, Refusal> {
        match u32::from_text(text) {
            Ok(0) => Err(("min", "must be from 1 to 100".into())),
            Ok(limit @ 1..=PAGE_LIMIT_MAX) => Ok(Self(limit)),
            Ok(_) => Err(("max", "must be from 1 to 100".into())),
            Err(_) => Err(("type", "must be a whole number from 1 to 100".into())),
        }
    }
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
    /// What was searched for instead of what was typed, because no entry has that: the same with a typo made good. Absent otherwise.
    #[schema(required = false, example = "espresso cup")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) corrected: Option<String>,
    /// The facets that were asked for by `facets`, each with its most frequent values first, 100 at the most. They are counted among all
    /// that the list finds; when `totalIsExact` is false, among 10,000 of it. Absent where nothing was asked for.
    #[schema(value_type = BTreeMap<String, Vec<FacetCount>>, required = false,
        example = json!({"attribute.Origin": [{"value": "Kenya", "count": 3}]}))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) facets: Option<BTreeMap<String, Vec<FacetCount>>>,
}

/// A value of a facet.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FacetCount {
    /// The value; of categories the path.
    #[schema(min_length = 1, max_length = 807, example = "Kenya")]
    pub value: String,
    /// How many of the entries have it.
    #[schema(minimum = 1, maximum = 10_000, example = 3)]
    pub count: u64,
}

impl<T> From<&Page<T>> for PageMeta {
    fn from(page: &Page<T>) -> Self {
        let pages = page.total.entries.div_ceil(u64::from(page.limit.max(1)));
        Self {
            total: page.total.entries,
            total_is_exact: page.total.is_exact,
            page: page.page,
            last_page: pages.max(1),
            limit: page.limit,
            next: page.next.clone(),
            corrected: None,
            facets: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use mercato_kernel::Total;

    use super::*;
    use crate::{Paged, Problem};

    fn page(query: &str) -> Result<PageRequest, Problem> {
        let mut query = QueryString::parse(query);
        let page = PageRequest::from_query(&mut query);
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
        let written = |entries: Vec<u8>, total, next: Option<&str>| {
            let total = Total {
                entries: total,
                is_exact: total < 10_000,
            };
            let page = Page {
                entries,
                total,
                page: 3,
                limit: 5,
                next: next.map(str::to_owned),
            };
            serde_json::to_string(&Paged::of(page, Ok).unwrap()).unwrap()
        };
        assert_eq!(
            written(vec![1, 2], 12, Some("abc")),
            r#"{"data":[1,2],"meta":{"total":12,"totalIsExact":true,"page":3,"lastPage":3,"limit":5,"next":"abc"}}"#
        );
        let text = written(vec![], 0, None);
        assert!(
            text.contains(r#""lastPage":1,"limit":5,"next":null"#),
            "{text}"
        );
    }
}
