use std::collections::BTreeMap;

use mercato_edge::{
    DEFAULT_PAGE_LIMIT, Draft, FacetCount, PAGE_LIMIT_MAX, PageLimit, PageNumber, PageRequest,
    Paged, Price, Problem, Public, Query, endpoint, query,
};
use mercato_kernel::{Caller, ProductId};
use products::application::queries::list_products;
use products::domain::category::CategoryKey;
use products::domain::facet::{CountedFacet, Facet};
use products::domain::listing::{Filter, Sort};
use products::domain::presentation::Status;
use products::domain::search::SearchWords;
use products::domain::values::Sku;

use crate::choices::Choices;
use crate::problems::{currency, max_age_seconds, problem};
use crate::product::{Audience, ProductResource, public};

/// What the query of a list may ask for; what is absent does not restrict.
#[query(exclusive(page, after))]
#[derive(Debug, Clone)]
pub struct ListQuery {
    /// Words that name, sku or description must have, the last one perhaps only as the beginning of a word there. Capitals, accents and
    /// marks do not matter, nor whether letters are wide or narrow; `ø` is `o`, `ß` is `ss`, and so on. `250g` is `250 g`, and hyphens and
    /// apostrophes may be missing: `tshirt` is `T-Shirt`. Chinese, Japanese, Korean and Thai are found anywhere in what is written
    /// together. When no product has a word of five letters or more, it may have one typo; `meta.corrected` says then what was searched
    /// for. What has no letter and no digit is no word, and without any word nothing is found. A word counts once, and what follows the
    /// first eight does not count.
    #[param(value_type = SearchWords, inline, required = false)]
    q: Option<SearchWords>,
    /// Lowest price.
    min_price: Option<Price>,
    /// Highest price, not less than `minPrice`.
    max_price: Option<Price>,
    /// Only products that have free units (`true`), or only those that have none (`false`).
    in_stock: Option<bool>,
    /// Only products of these ids, at most 100, separated by commas. Those that are unknown or deleted are left out, and those that are not
    /// published, unless an admin asks. Not together with `q`.
    #[param(value_type = Vec<ProductId>, required = false, style = Form, explode = false, min_items = 1, max_items = 100)]
    ids: Option<Vec<ProductId>>,
    /// Only the product of that number. Not together with `q`.
    #[param(value_type = String, required = false, min_length = 1, max_length = 64)]
    sku: Option<Sku>,
    /// Only products of that category, by its id or its path, and of the categories inside of it; none when there is no such category.
    #[param(value_type = String, required = false, min_length = 1, max_length = 807)]
    category: Option<CategoryKey>,
    #[query(flatten)]
    choices: Choices,
    /// What of the products found is counted, at most 10, separated by commas: `category`, and attributes and options by the names of their
    /// parameters, such as `facets=category,attribute.Origin,option.Size`. `meta.facets` has their values then.
    #[param(value_type = Vec<String>, required = false, style = Form, explode = false, min_items = 1, max_items = 10,
        pattern = r"^(category|(attribute|option)\.[^\s,\x00-\x1f\x7f-\x9f]([^,\x00-\x1f\x7f-\x9f]{0,48}[^\s,\x00-\x1f\x7f-\x9f])?)$")]
    facets: Option<Vec<Facet>>,
    /// Only products of that status; for admins alone. Without it those that are published, and with `ids` or `sku` all. With `q` only what
    /// is published is found.
    #[query(admin)]
    #[param(value_type = Status, inline, required = false)]
    status: Option<Status>,
    /// The order; a minus turns it round. Without it, `relevance` when there is `q`, else `-createdAt`. More than 10,000 products that
    /// match `q` are not ranked: the newest come first.
    #[param(value_type = Sort, inline, required = false)]
    sort: Option<Sort>,
    /// Number of the page, from 1; the first one when neither it nor `after` is given. Skips 10,000 products at most: go on with `after`. Not together with `after`.
    #[param(value_type = u64, required = false, minimum = 1, maximum = 10_001)]
    page: Option<PageNumber>,
    /// Most products on a page; 100 with `ids` when it is not given.
    #[param(value_type = u32, required = false, minimum = 1, maximum = 100, default = 10)]
    limit: Option<PageLimit>,
    /// The `next` of the page before, of the same list in the same order: costs the same on every page, and whoever walks so sees every
    /// product that stays exactly once.
    #[param(value_type = String, required = false, max_length = 4096, pattern = "^[A-Za-z0-9_-]+$")]
    after: Option<String>,
}

/// List and search products
///
/// One page of the products that are published. All conditions hold together. Equal ones stand in the order of their ids. A
/// product whose sort key changes during a walk by `after` may be met twice or not at all; others are not.
#[endpoint(
    GET "/api/v1/products", access = Optional, tag = "Catalogue", id = "listProducts",
    returns = "A page of the catalogue",
)]
pub async fn list(
    caller: Option<Caller>,
    query: Draft<Query<ListQuery>>,
) -> Result<Public<Paged<ProductResource>>, Problem> {
    let audience = Audience::of(caller);
    let asked = |query: ListQuery| query.for_audience(audience);
    let Query(query) = query.check(|Query(query)| list_products::check(&asked(query.clone())))?;
    let (currency, max_age) = (currency().await?, max_age_seconds().await?);
    let found = list_products::handle(&*products::instance(), asked(query)).map_err(problem)?;
    let shown = Paged::of(found.page, |product| {
        Ok(ProductResource::new(product, currency, audience))
    })?;
    let shown = shown
        .corrected(found.corrected)
        .counted(counts(found.facets));
    Ok(public(shown, caller, max_age))
}

/// Counted facets by their names.
fn counts(facets: Vec<CountedFacet>) -> BTreeMap<String, Vec<FacetCount>> {
    let facets = facets.into_iter().map(|facet| {
        let values = facet.values.into_iter().map(|count| FacetCount {
            value: count.value,
            count: count.products,
        });
        (facet.facet.to_string(), values.collect())
    });
    facets.collect()
}

impl ListQuery {
    /// What that audience asks for.
    fn for_audience(self, audience: Audience) -> list_products::Query {
        let query = self;
        let most = if query.ids.is_some() {
            PAGE_LIMIT_MAX
        } else {
            DEFAULT_PAGE_LIMIT
        };
        list_products::Query {
            filter: Filter {
                query: query.q,
                min_price: query.min_price.map(|price| price.0),
                max_price: query.max_price.map(|price| price.0),
                in_stock: query.in_stock,
                ids: query.ids,
                sku: query.sku,
                category: query.category,
                choices: query.choices.0,
                status: query.status,
                sees_all: audience == Audience::Admins,
            },
            facets: query.facets.unwrap_or_default(),
            sort: query.sort,
            page: PageRequest {
                page: query.page.map_or(1, |page| page.0),
                limit: query.limit.map_or(most, |limit| limit.0),
                after: query.after,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use mercato_edge::examples::from_query;
    use mercato_kernel::{FromText as _, Named as _};
    use mercato_money::Money;
    use products::domain::listing::SortKey;

    use super::*;

    /// All orders by their names, as they are listed.
    const SORTS: [(&str, Sort); 11] = [
        ("createdAt", Sort::ascending(SortKey::Created)),
        ("-createdAt", Sort::descending(SortKey::Created)),
        ("updatedAt", Sort::ascending(SortKey::Updated)),
        ("-updatedAt", Sort::descending(SortKey::Updated)),
        ("name", Sort::ascending(SortKey::Name)),
        ("-name", Sort::descending(SortKey::Name)),
        ("price", Sort::ascending(SortKey::Price)),
        ("-price", Sort::descending(SortKey::Price)),
        ("stock", Sort::ascending(SortKey::Stock)),
        ("-stock", Sort::descending(SortKey::Stock)),
        ("relevance", Sort::ascending(SortKey::Relevance)),
    ];

    fn parse(query: &str) -> Result<ListQuery, Problem> {
        from_query(query)
    }

    /// Field and code of what is wrong.
    fn only_error(query: &str) -> (String, String) {
        let document = parse(query).unwrap_err().document("/", "r", "t");
        let errors = document["errors"].as_array().unwrap();
        assert_eq!(errors.len(), 1, "{query}");
        let text = |member| errors[0][member].as_str().unwrap().to_owned();
        (text("field"), text("code"))
    }

    fn read(query: &str) -> list_products::Query {
        parse(query).unwrap().for_audience(Audience::Everyone)
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
        let query = "q=green+tea&page=2&limit=5&minPrice=0.5&maxPrice=10&inStock=false&sort=-price&category=coffee/espresso";
        let list_products::Query {
            filter, sort, page, ..
        } = read(query);
        let expected = Filter {
            query: Some("green tea".parse().unwrap()),
            min_price: Some(Money::from_units(5_000)),
            max_price: Some(Money::from_units(100_000)),
            in_stock: Some(false),
            category: CategoryKey::from_text("coffee/espresso").ok(),
            ..Filter::default()
        };
        assert_eq!(filter, expected);
        assert_eq!(sort, Some(Sort::descending(SortKey::Price)));
        assert_eq!((page.page, page.limit), (2, 5));
        assert_eq!(read("after=abc").page.after.as_deref(), Some("abc"));
    }

    #[test]
    fn products_are_asked_for_by_ids_or_by_number() {
        let texts =
            ["a", "b", "c"].map(|last| format!("01890a5d-ac96-774b-bcce-b302099a805{last}"));
        let [one, two, three] = &texts;
        let query = format!("ids={one},{}%2C{three}&sku=CUP-1", two.to_uppercase());
        let list_products::Query { filter, page, .. } = read(&query);
        let ids = texts.each_ref().map(|text| ProductId::parse(text).unwrap());
        assert_eq!(
            (filter.ids, filter.sku, page.limit),
            (Some(ids.to_vec()), Some("CUP-1".parse().unwrap()), 100)
        );
        assert_eq!(read(&format!("ids={one}&limit=3")).page.limit, 3);
        let many = format!("ids={}", vec![&**one; 101].join(","));
        for (wrong, code) in [
            ("ids=", "required"),
            (&many, "max"),
            ("ids=x", "format"),
            (&format!("ids={one},"), "format"),
            (&format!("ids={one},x,{two}"), "format"),
        ] {
            assert_eq!(
                only_error(wrong),
                ("ids".to_owned(), code.to_owned()),
                "{wrong}"
            );
        }
    }

    #[test]
    fn attributes_and_options_are_asked_for_and_counted() {
        let query = read("option.Size=S&facets=category,option.Size&q=tea&attribute.Origin=Kenya");
        let names: Vec<_> = query
            .filter
            .choices
            .iter()
            .map(|choice| choice.name.as_str())
            .collect();
        assert_eq!(names, ["option.Size", "attribute.Origin"]);
        let facets: Vec<_> = query.facets.iter().map(Facet::as_str).collect();
        assert_eq!(facets, ["category", "option.Size"]);
        let many = format!("facets={}", ["category"; 11].join(","));
        for (wrong, code) in [
            ("facets=", "required"),
            ("facets=colour", "format"),
            ("facets=category,", "format"),
            ("facets=option.", "required"),
            (&*many, "max"),
        ] {
            assert_eq!(
                only_error(wrong),
                ("facets".to_owned(), code.to_owned()),
                "{wrong}"
            );
        }
    }

    #[test]
    fn admins_alone_ask_for_a_status_and_find_all_by_name() {
        let unknown = ("status".to_owned(), "unknown".to_owned());
        assert_eq!(only_error("status=draft"), unknown);
        let sees_all = |audience| {
            let query = parse("sku=A").unwrap().for_audience(audience);
            query.filter.sees_all
        };
        assert!(sees_all(Audience::Admins) && !sees_all(Audience::Everyone));
    }

    #[test]
    fn words_and_numbers_must_not_be_empty() {
        for (query, field) in [("q=+", "q"), ("sku=", "sku")] {
            let expected = (field.to_owned(), "required".to_owned());
            assert_eq!(only_error(query), expected);
        }
    }

    #[test]
    fn a_page_is_asked_for_by_its_number_or_by_a_cursor() {
        let expected = ("after".to_owned(), "exclusive".to_owned());
        assert_eq!(only_error("page=1&after=abc"), expected);
    }

    #[test]
    fn every_order_has_one_name_which_the_document_lists_too() {
        use utoipa::PartialSchema as _;
        let schema = serde_json::to_value(Sort::schema()).unwrap();
        let names: Vec<_> = SORTS.iter().map(|(name, _)| *name).collect();
        assert_eq!(schema["enum"], serde_json::json!(names));
        for (name, expected) in SORTS {
            let sort = read(&format!("sort={name}")).sort;
            assert_eq!(sort, Some(expected), "{name}");
        }
        assert_eq!(SORTS.len(), Sort::ALL.len());
        assert!(parse("sort=-relevance").is_err());
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
