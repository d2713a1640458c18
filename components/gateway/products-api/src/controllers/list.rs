use mercato_edge::{Context, PageInfo, PageRequest, Problem, Query, Reply, paged};
use mercato_money::Money;

use crate::bindings::mercato::products::catalogue::{self, Filter, Sort};
use crate::problems::problem;
use crate::resource::{Viewer, resources};

/// The orders of a list by their names in the query; a minus turns them round.
const SORTS: [(&str, Sort); 6] = [
    ("createdAt", Sort::OldestFirst),
    ("-createdAt", Sort::NewestFirst),
    ("name", Sort::NameAscending),
    ("-name", Sort::NameDescending),
    ("price", Sort::PriceAscending),
    ("-price", Sort::PriceDescending),
];

/// `GET /products`: one page of the catalogue.
pub async fn list(context: Context) -> Result<Reply, Problem> {
    let Listing { filter, sort, page } = Listing::parse(context.query())?;
    let request = catalogue::PageRequest {
        page: page.page,
        limit: page.limit,
        after: page.after,
    };
    let list = catalogue::list_products(filter, sort, request)
        .await
        .map_err(problem)?;
    let info = PageInfo {
        total: list.total,
        page: list.page,
        next: list.next,
    };
    paged(
        &resources(&list.products, Viewer::of(context.is_admin())),
        info,
        page.limit,
    )
}

/// What the query asks for.
#[derive(Debug)]
struct Listing {
    filter: Filter,
    sort: Sort,
    page: PageRequest,
}

impl Listing {
    fn parse(mut query: Query) -> Result<Self, Problem> {
        let mut price = |name| {
            query
                .optional::<Money>(name, "an amount such as 12.50")
                .map(Money::units)
        };
        let (min_price, max_price) = (price("minPrice"), price("maxPrice"));
        let in_stock = query.optional("inStock", "true or false");
        let (sort, page) = (sort(&mut query), query.page());
        query.finish()?;
        Ok(Self {
            filter: Filter {
                min_price,
                max_price,
                in_stock,
            },
            sort,
            page,
        })
    }
}

fn sort(query: &mut Query) -> Sort {
    let Some(wanted) = query.text("sort") else {
        return Sort::NewestFirst;
    };
    let known = SORTS.into_iter().find(|(name, _)| *name == wanted);
    if known.is_none() {
        let names = SORTS.map(|(name, _)| name).join(", ");
        query.reject("sort", "format", &format!("must be one of {names}"));
    }
    known.map_or(Sort::NewestFirst, |(_, sort)| sort)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(query: &str) -> Result<Listing, Problem> {
        Listing::parse(Query::parse(query))
    }

    #[test]
    fn without_a_query_the_newest_ten_are_shown() {
        let listing = parse("").unwrap();
        assert_eq!(
            listing.page,
            PageRequest {
                page: 1,
                limit: 10,
                after: None
            }
        );
        assert_eq!(listing.sort, Sort::NewestFirst);
        let Filter {
            min_price,
            max_price,
            in_stock,
        } = listing.filter;
        assert_eq!((min_price, max_price, in_stock), (None, None, None));
    }

    #[test]
    fn every_condition_can_be_given() {
        let listing =
            parse("page=2&limit=5&minPrice=0.5&maxPrice=10&inStock=false&sort=-price").unwrap();
        let Filter {
            min_price,
            max_price,
            in_stock,
        } = listing.filter;
        assert_eq!(
            (min_price, max_price, in_stock),
            (Some(5_000), Some(100_000), Some(false))
        );
        assert_eq!(
            (listing.sort, listing.page),
            (
                Sort::PriceDescending,
                PageRequest {
                    page: 2,
                    limit: 5,
                    after: None
                }
            )
        );
    }

    #[test]
    fn what_is_unknown_or_malformed_is_named() {
        let wrong =
            parse("minPrice=cheap&maxPrice=0.00001&inStock=yes&sort=stock&limit=101&colour=red")
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
                .contains("createdAt, -createdAt, name")
        );
    }
}
