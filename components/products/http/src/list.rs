use mercato_edge::{
    Context, Id, PAGE_LIMIT_MAX, PageInfo, PageRequest, Price, Problem, Query, Reply, paged,
};
use mercato_money::Money;
use products::application::queries::list_products;
use products::domain::listing::{Filter, IDS_MAX, Sort, SortKey};
use utoipa::ToSchema;

use crate::problems::{currency, problem};
use crate::product::{Audience, ProductPage, resources};
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
const SORTS: [(&str, SortName, Sort); 11] = {
    use SortKey::{Created, Name, Price, Relevance, Stock, Updated};
    const fn up(key: SortKey) -> Sort {
        Sort::ascending(key)
    }
    const fn down(key: SortKey) -> Sort {
        Sort::descending(key)
    }
    [
        ("createdAt", SortName::OldestFirst, up(Created)),
        ("-createdAt", SortName::NewestFirst, down(Created)),
        ("updatedAt", SortName::LongUnchangedFirst, up(Updated)),
        ("-updatedAt", SortName::RecentlyUpdatedFirst, down(Updated)),
        ("name", SortName::NameAscending, up(Name)),
        ("-name", SortName::NameDescending, down(Name)),
        ("price", SortName::PriceAscending, up(Price)),
        ("-price", SortName::PriceDescending, down(Price)),
        ("stock", SortName::StockAscending, up(Stock)),
        ("-stock", SortName::StockDescending, down(Stock)),
        ("relevance", SortName::Relevance, up(Relevance)),
    ]
};

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
    let currency = currency().await?;
    let page = list_products::handle(&*products::instance(), query.into()).map_err(problem)?;
    let audience = Audience::of(context.is_admin());
    let shown = resources(&page.entries, &currency, audience);
    paged(&shown, PageInfo::from(&page), limit)
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

impl From<ListQuery> for list_products::Query {
    fn from(query: ListQuery) -> Self {
        let named = |wanted: SortName| SORTS.into_iter().find(|(_, name, _)| *name == wanted);
        let (page, limit, after) = (query.page, query.limit, query.after);
        Self {
            filter: Filter {
                query: query.q,
                min_price: query.min_price,
                max_price: query.max_price,
                in_stock: query.in_stock,
                ids: query.ids,
                sku: query.sku,
            },
            sort: query.sort.and_then(named).map(|(.., sort)| sort),
            page: PageRequest { page, limit, after },
        }
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

    fn read(query: &str) -> list_products::Query {
        parse(query).unwrap().into()
    }

    #[test]
    fn without_a_query_the_first_ten_are_shown() {
        let query = read("");
        let (page, limit, after) = (1, 10, None);
        assert_eq!(query.page, PageRequest { page, limit, after });
        assert_eq!((query.sort, query.filter), (None, Filter::default()));
    }

    #[test]
    fn every_condition_can_be_given() {
        let query = "q=green+tea&page=2&limit=5&minPrice=0.5&maxPrice=10&inStock=false&sort=-price";
        let list_products::Query { filter, sort, page } = read(query);
        let expected = Filter {
            query: Some("green tea".to_owned()),
            min_price: Some(Money::from_units(5_000)),
            max_price: Some(Money::from_units(100_000)),
            in_stock: Some(false),
            ..Filter::default()
        };
        assert_eq!(filter, expected);
        assert_eq!(sort, Some(Sort::descending(SortKey::Price)));
        assert_eq!((page.page, page.limit), (2, 5));
        assert_eq!(read("after=abc").page.after.as_deref(), Some("abc"));
    }

    #[test]
    fn products_are_asked_for_by_ids_or_by_number() {
        let list_products::Query { filter, page, .. } = read("ids=a,b%2Cc&sku=CUP-1");
        let ids: Vec<String> = ["a", "b", "c"].map(str::to_owned).into();
        assert_eq!(
            (filter.ids, filter.sku.as_deref(), page.limit),
            (Some(ids), Some("CUP-1"), 100)
        );
        assert_eq!(read("ids=a&limit=3").page.limit, 3);
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
            let sort = read(&format!("sort={name}")).sort;
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
