use mercato_edge::{
    Context, Id, PAGE_LIMIT_MAX, PageInfo, PageRequest, Price, Problem, Query, Reply, paged,
};
use mercato_money::Money;
use utoipa::ToSchema;

use crate::bindings::mercato::products::catalogue::{self, Filter, Sort};
use crate::problems::problem;
use crate::resource::{ProductPage, Viewer, resources};
use crate::schemas::SearchWords;

/// The orders of a list as they are named in the query; a minus turns them round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
#[schema(as = ProductSort)]
pub enum SortName {
    /// Oldest first.
    #[schema(rename = "createdAt")]
    OldestFirst,
    /// Newest first.
    #[schema(rename = "-createdAt")]
    NewestFirst,
    /// Longest unchanged first.
    #[schema(rename = "updatedAt")]
    LongUnchangedFirst,
    /// Changed last first.
    #[schema(rename = "-updatedAt")]
    RecentlyUpdatedFirst,
    /// By name, capitals and small letters alike.
    #[schema(rename = "name")]
    NameAscending,
    /// By name, backwards.
    #[schema(rename = "-name")]
    NameDescending,
    /// Cheapest first.
    #[schema(rename = "price")]
    PriceAscending,
    /// Dearest first.
    #[schema(rename = "-price")]
    PriceDescending,
    /// Fewest free units first.
    #[schema(rename = "stock")]
    StockAscending,
    /// Most free units first.
    #[schema(rename = "-stock")]
    StockDescending,
    /// What fits `q` best first; without `q`, newest first.
    #[schema(rename = "relevance")]
    Relevance,
}

/// Every order with its name in the query.
const SORTS: [(&str, SortName, Sort); 11] = [
    ("createdAt", SortName::OldestFirst, Sort::OldestFirst),
    ("-createdAt", SortName::NewestFirst, Sort::NewestFirst),
    (
        "updatedAt",
        SortName::LongUnchangedFirst,
        Sort::LongUnchangedFirst,
    ),
    (
        "-updatedAt",
        SortName::RecentlyUpdatedFirst,
        Sort::RecentlyUpdatedFirst,
    ),
    ("name", SortName::NameAscending, Sort::NameAscending),
    ("-name", SortName::NameDescending, Sort::NameDescending),
    ("price", SortName::PriceAscending, Sort::PriceAscending),
    ("-price", SortName::PriceDescending, Sort::PriceDescending),
    ("stock", SortName::StockAscending, Sort::StockAscending),
    ("-stock", SortName::StockDescending, Sort::StockDescending),
    ("relevance", SortName::Relevance, Sort::Relevance),
];

/// Most products that are asked for by their ids at a time.
const IDS_MAX: usize = 100;

/// What the query of a list may ask for; what is absent does not restrict.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct ListQuery {
    /// Words that name, sku or description must have, the last one perhaps only as the beginning of a word there; capitals and
    /// accents do not matter. What has no letter and no digit is no word, and without any word nothing is found. A word counts once,
    /// and what follows the first eight does not count.
    #[param(value_type = SearchWords, inline, required = false)]
    q: Option<String>,
    /// Lowest price.
    #[param(value_type = Price, required = false)]
    min_price: Option<Money>,
    /// Highest price, not less than `minPrice`.
    #[param(value_type = Price, required = false)]
    max_price: Option<Money>,
    /// Only products that have free units (`true`), or only those that have none (`false`).
    #[param(value_type = bool, required = false)]
    in_stock: Option<bool>,
    /// Only products of these ids, at most 100, separated by commas. Those that are unknown or deleted are left out. Not together with
    /// `q`.
    #[param(value_type = Vec<Id>, required = false, style = Form, explode = false, min_items = 1, max_items = 100)]
    ids: Option<Vec<String>>,
    /// Only the product of that number. Not together with `q`.
    #[param(value_type = String, required = false, min_length = 1, max_length = 64)]
    sku: Option<String>,
    /// The order; a minus turns it round. Without it, `relevance` when there is `q`, else `-createdAt`. More than 10,000 products that
    /// match `q` are not ranked: those with all words in their names come first, then the others, the newest first.
    #[param(value_type = SortName, inline, required = false)]
    sort: Option<SortName>,
    /// Number of the page, from 1; the first one when neither it nor `after` is given. Skips 10,000 products at most: go on with `after`. Not together with `after`.
    #[param(value_type = u64, required = false, minimum = 1, maximum = 10_001)]
    page: u32,
    /// Most products on a page; 100 with `ids` when it is not given.
    #[param(value_type = u32, required = false, minimum = 1, maximum = 100, default = 10)]
    limit: u32,
    /// The `next` of the page before, of the same list in the same order: costs the same on every page, and whoever walks so sees every
    /// product that stays exactly once.
    #[param(value_type = String, required = false, max_length = 4096, pattern = "^[A-Za-z0-9_-]+$")]
    after: Option<String>,
}

/// `GET /products`: one page of the catalogue.
#[utoipa::path(
    get,
    path = "/api/v1/products",
    tag = "Catalogue",
    operation_id = "listProducts",
    summary = "List and search products",
    description = "One page of the products that are not deleted. All conditions hold together. Equal ones stand in the order of their ids. \
        A product whose sort key changes during a walk by `after` may be met twice or not at all; others are not.",
    params(ListQuery),
    responses((status = 200, description = "A page of the catalogue", body = ProductPage))
)]
pub async fn list(context: Context) -> Result<Reply, Problem> {
    let query = ListQuery::parse(context.query())?;
    let limit = query.limit;
    let (filter, sort, request) = query.into();
    let list = catalogue::list_products(filter, sort, request)
        .await
        .map_err(problem)?;
    let info = PageInfo {
        total: list.total,
        total_is_exact: list.total_is_exact,
        page: list.page,
        next: list.next,
    };
    paged(
        &resources(&list.products, Viewer::of(context.is_admin())),
        info,
        limit,
    )
}

impl ListQuery {
    /// Reads the query.
    ///
    /// # Errors
    /// 400 naming every parameter at fault.
    pub fn parse(mut query: Query) -> Result<Self, Problem> {
        let q = query.text("q");
        let mut price = |name| query.optional::<Money>(name, "an amount such as 12.50");
        let (min_price, max_price) = (price("minPrice"), price("maxPrice"));
        let in_stock = query.optional("inStock", "true or false");
        let ids = query.list("ids", IDS_MAX);
        let sku = query.text("sku");
        let sort = sort(&mut query);
        let is_limited = query.has("limit");
        let PageRequest { page, limit, after } = query.page();
        query.finish()?;
        let limit = if ids.is_some() && !is_limited {
            PAGE_LIMIT_MAX
        } else {
            limit
        };
        Ok(Self {
            q,
            min_price,
            max_price,
            in_stock,
            ids,
            sku,
            sort,
            page,
            limit,
            after,
        })
    }
}

impl From<ListQuery> for (Filter, Option<Sort>, catalogue::PageRequest) {
    fn from(query: ListQuery) -> Self {
        let filter = Filter {
            query: query.q,
            min_price: query.min_price.map(Money::units),
            max_price: query.max_price.map(Money::units),
            in_stock: query.in_stock,
            ids: query.ids,
            sku: query.sku,
        };
        let named = |wanted: SortName| SORTS.into_iter().find(|(_, name, _)| *name == wanted);
        let sort = query.sort.and_then(named).map(|(.., sort)| sort);
        let request = catalogue::PageRequest {
            page: query.page,
            limit: query.limit,
            after: query.after,
        };
        (filter, sort, request)
    }
}

fn sort(query: &mut Query) -> Option<SortName> {
    let wanted = query.text("sort")?;
    let known = SORTS.into_iter().find(|(name, ..)| *name == wanted);
    if known.is_none() {
        let names = SORTS.map(|(name, ..)| name).join(", ");
        query.reject("sort", "format", &format!("must be one of {names}"));
    }
    known.map(|(_, name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(query: &str) -> Result<ListQuery, Problem> {
        ListQuery::parse(Query::parse(query))
    }

    #[test]
    fn without_a_query_the_first_ten_are_shown_in_the_order_of_the_catalogue() {
        let (filter, sort, page) = parse("").unwrap().into();
        assert_eq!((page.page, page.limit, page.after), (1, 10, None));
        assert_eq!(sort, None);
        let Filter {
            query,
            min_price,
            max_price,
            in_stock,
            ids,
            sku,
        } = filter;
        assert_eq!(
            (query, min_price, max_price, in_stock),
            (None, None, None, None)
        );
        assert_eq!((ids, sku), (None, None));
    }

    #[test]
    fn every_condition_can_be_given() {
        let query = "q=green+tea&page=2&limit=5&minPrice=0.5&maxPrice=10&inStock=false&sort=-price";
        let (filter, sort, page) = parse(query).unwrap().into();
        assert_eq!(filter.query.as_deref(), Some("green tea"));
        assert_eq!(
            (filter.min_price, filter.max_price, filter.in_stock),
            (Some(5_000), Some(100_000), Some(false))
        );
        assert_eq!(sort, Some(Sort::PriceDescending));
        assert_eq!((page.page, page.limit), (2, 5));
        let (_, _, page) = parse("after=abc").unwrap().into();
        assert_eq!(page.after.as_deref(), Some("abc"));
    }

    #[test]
    fn products_are_asked_for_by_ids_or_by_number() {
        let (filter, _, page) = parse("ids=a,b%2Cc&sku=CUP-1").unwrap().into();
        let ids: Vec<String> = ["a", "b", "c"].map(str::to_owned).into();
        assert_eq!(
            (filter.ids, filter.sku.as_deref(), page.limit),
            (Some(ids), Some("CUP-1"), 100)
        );
        let (_, _, page) = parse("ids=a&limit=3").unwrap().into();
        assert_eq!(page.limit, 3);
        let many = format!("ids={}", vec!["a"; 101].join(","));
        for wrong in ["ids=", &many] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_order_has_one_name_which_the_document_lists_too() {
        use utoipa::PartialSchema as _;
        let schema = serde_json::to_value(SortName::schema()).unwrap();
        let names: Vec<_> = SORTS.iter().map(|(name, ..)| *name).collect();
        assert_eq!(schema["enum"], serde_json::json!(names));
        for (name, _, expected) in SORTS {
            let (_, sort, _) = parse(&format!("sort={name}")).unwrap().into();
            assert_eq!(sort, Some(expected), "{name}");
        }
    }

    #[test]
    fn what_is_unknown_or_malformed_is_named() {
        let wrong =
            parse("minPrice=cheap&maxPrice=0.00001&inStock=yes&sort=colour&limit=101&colour=red")
                .unwrap_err();
        let document = wrong.document("/", "r", "t");
        let errors = document["errors"].as_array().unwrap();
        let fields: Vec<_> = errors
            .iter()
            .map(|error| error["field"].as_str().unwrap())
            .collect();
        assert_eq!(
            fields,
            ["minPrice", "maxPrice", "inStock", "sort", "limit", "colour"]
        );
        assert!(
            errors[3]["message"]
                .as_str()
                .unwrap()
                .contains("createdAt, -createdAt, updatedAt")
        );
    }
}
