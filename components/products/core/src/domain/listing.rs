//! Which products a list shows, in which order, and how much of it.

use std::collections::BTreeSet;

use mercato_kernel::named::schema_of;
use mercato_kernel::read::named;
use mercato_kernel::{
    FieldError, Key, Named, Page, PageRequest, PageStart, ProductId, Total, read_from_text,
};
use mercato_money::Money;
use utoipa::PartialSchema;
use utoipa::openapi::{RefOr, Schema};

use crate::domain::category::{CategoryId, CategoryKey};
use crate::domain::error::{ProductError, broken};
use crate::domain::facet::{self, Facet, Wanted};
use crate::domain::presentation::Status;
use crate::domain::product::ProductView;
use crate::domain::search::{Search, SearchWords};
use crate::domain::values::{Price, Sku};

/// Most products that are asked for by their identifiers at a time.
pub const IDS_MAX: usize = 100;

/// What a list is sorted by; equal ones stand in the order of their identifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortKey {
    /// Time of creation.
    Created,
    /// Time of the last change that made a version.
    Updated,
    /// Name, by the root collation of Unicode, numbers in it by their value.
    Name,
    /// Price.
    Price,
    /// Free units.
    Stock,
    /// How well it fits what is searched for, best first: see [`Search`].
    Relevance,
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// What by.
    pub key: SortKey,
    /// Whether the largest comes first.
    pub descending: bool,
}

impl Sort {
    /// Smallest first.
    pub const fn ascending(key: SortKey) -> Self {
        Self {
            key,
            descending: false,
        }
    }

    /// Largest first.
    pub const fn descending(key: SortKey) -> Self {
        Self {
            key,
            descending: true,
        }
    }

    /// The name of the list in this order, which its cursors bear.
    pub(crate) fn scope(self, ranking: Option<Ranking>) -> String {
        let name = self.name();
        match (self.key, ranking) {
            (SortKey::Relevance, Some(Ranking::Newest)) => format!("products:{name}:newest"),
            // Cursors of the time when names were sorted by their letters lead nowhere.
            (SortKey::Name, _) => format!("products:{name}:collated"),
            _ => format!("products:{name}"),
        }
    }

    /// The place that the keys of a cursor name, if they are what this order sorts by.
    fn place(self, keys: &[Key]) -> Option<Place> {
        match keys {
            [key, Key::Text(id)] => {
                let is_sorted_by = matches!(key, Key::Text(_)) == (self.key == SortKey::Name);
                is_sorted_by.then(|| (key.clone(), id.clone()))
            }
            _ => None,
        }
    }
}

impl Named for Sort {
    const ALL: &'static [Self] = &[
        Self::ascending(SortKey::Created),
        Self::descending(SortKey::Created),
        Self::ascending(SortKey::Updated),
        Self::descending(SortKey::Updated),
        Self::ascending(SortKey::Name),
        Self::descending(SortKey::Name),
        Self::ascending(SortKey::Price),
        Self::descending(SortKey::Price),
        Self::ascending(SortKey::Stock),
        Self::descending(SortKey::Stock),
        Self::ascending(SortKey::Relevance),
    ];

    /// What is sorted by; a minus turns it round.
    fn name(self) -> &'static str {
        match (self.key, self.descending) {
            (SortKey::Created, false) => "createdAt",
            (SortKey::Created, true) => "-createdAt",
            (SortKey::Updated, false) => "updatedAt",
            (SortKey::Updated, true) => "-updatedAt",
            (SortKey::Name, false) => "name",
            (SortKey::Name, true) => "-name",
            (SortKey::Price, false) => "price",
            (SortKey::Price, true) => "-price",
            (SortKey::Stock, false) => "stock",
            (SortKey::Stock, true) => "-stock",
            (SortKey::Relevance, false) => "relevance",
            (SortKey::Relevance, true) => "-relevance",
        }
    }
}

read_from_text!(Sort, named, Self::ascending(SortKey::Created));

impl PartialSchema for Sort {
    fn schema() -> RefOr<Schema> {
        schema_of::<Self>()
    }
}

/// The sort key and the identifier of a product, which need not be there any more.
pub type Place = (Key, String);

/// Which of its two orders a list by relevance has: see [`Search`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ranking {
    /// What fits best first.
    Best,
    /// Newest first: for searches that find too much to be ranked.
    Newest,
}

/// Conditions as they came; what is absent does not restrict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Words that a product must have.
    pub query: Option<SearchWords>,
    /// Lowest price.
    pub min_price: Option<Money>,
    /// Highest price.
    pub max_price: Option<Money>,
    /// Only products that have free units, or only those that have none.
    pub in_stock: Option<bool>,
    /// Only products of these identifiers.
    pub ids: Option<Vec<ProductId>>,
    /// Only the product of that number.
    pub sku: Option<Sku>,
    /// Only products of that category and of those inside of it.
    pub category: Option<CategoryKey>,
    /// Only products that have all of these.
    pub choices: Vec<Wanted>,
    /// Only products of that status; without it those that are published.
    pub status: Option<Status>,
    /// Whether products of any status are found that are asked for by name: by their identifiers or their number.
    pub sees_all: bool,
}

/// A list that keeps the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// What is searched for.
    pub search: Option<Search>,
    /// Lowest price.
    pub min_price: Option<Price>,
    /// Highest price.
    pub max_price: Option<Price>,
    /// Whether there must be free units, or must be none.
    pub in_stock: Option<bool>,
    /// Only these products.
    pub ids: Option<Vec<ProductId>>,
    /// Only the product of that number.
    pub sku: Option<Sku>,
    /// Only products of that category and of those inside of it.
    pub category: Option<CategoryId>,
    /// Only products that have all of these.
    pub choices: Vec<Wanted>,
    /// What of the products is counted.
    pub facets: Vec<Facet>,
    /// Only products of that status; none when it does not matter.
    pub status: Option<Status>,
    /// In which order.
    pub sort: Sort,
    /// Which order by relevance the page before had; none on a first page and in other orders.
    pub ranking: Option<Ranking>,
    /// Number of the page, from 1.
    pub number: u32,
    /// Where it begins.
    pub start: PageStart<Place>,
    /// The page as it was asked for.
    pub request: PageRequest,
}

impl Listing {
    /// Checks what somebody asked for. Without an order, what is searched for comes by relevance and everything else
    /// newest first, as it does when there is nothing that could be relevant.
    pub fn new(
        filter: &Filter,
        facets: &[Facet],
        sort: Option<Sort>,
        request: PageRequest,
    ) -> Result<Self, ProductError> {
        let mut errors = facet::check(&filter.choices, facets);
        let mut note = |error: FieldError| errors.push(error);
        let search = filter.query.as_ref().map(Search::new);
        let mut price = |field, amount: Option<Money>| {
            let price = amount.map(|amount| Price::parse(field, amount)).transpose();
            price.map_err(&mut note).unwrap_or_default()
        };
        let min_price = price("minPrice", filter.min_price);
        let max_price = price("maxPrice", filter.max_price);
        if let (Some(min), Some(max)) = (filter.min_price, filter.max_price)
            && min > max
        {
            note(broken("maxPrice", "min", "must not be less than minPrice"));
        }
        let ids = filter.ids.clone();
        if let Some(Err(error)) = ids.as_deref().map(check_ids) {
            note(error);
        }
        let sku = filter.sku.clone();
        for (field, is_given) in [("ids", ids.is_some()), ("sku", sku.is_some())] {
            if is_given && search.is_some() {
                note(broken(field, "format", "must not be given together with q"));
            }
        }
        let status = match filter.status {
            None if filter.sees_all && (ids.is_some() || sku.is_some()) => None,
            status => Some(status.unwrap_or_default()),
        };
        if search.is_some() && status != Some(Status::Published) {
            let rule =
                "must be published when it is given together with q: nothing else is searched";
            note(broken("status", "format", rule));
        }
        let sort = chosen_sort(sort, search.is_some());
        let (number, start, ranking) =
            start(sort, &request)
                .map_err(&mut note)
                .unwrap_or((1, PageStart::Offset(0), None));
        if !errors.is_empty() {
            return Err(ProductError::Invalid(errors));
        }
        Ok(Self {
            search,
            min_price,
            max_price,
            in_stock: filter.in_stock,
            ids,
            sku,
            category: None,
            choices: filter.choices.clone(),
            facets: distinct(facets),
            status,
            sort,
            ranking,
            number,
            start,
            request,
        })
    }

    /// The page, out of the products from its start on with what they are sorted by. `ranking` is the one that they have,
    /// if it is by relevance.
    pub fn page(
        &self,
        ranking: Option<Ranking>,
        total: Total,
        found: Vec<(ProductView, Key)>,
    ) -> Page<ProductView> {
        let scope = self.sort.scope(ranking);
        let place =
            |(product, key): &(ProductView, Key)| vec![key.clone(), (&*product.id.text()).into()];
        let page = self.request.page(self.number, found, total, &scope, place);
        page.map(|(product, _)| product)
    }
}

/// Each facet once, for what is counted twice is the same.
fn distinct(facets: &[Facet]) -> Vec<Facet> {
    let facets: BTreeSet<Facet> = facets.iter().cloned().collect();
    facets.into_iter().collect()
}

fn check_ids(ids: &[ProductId]) -> Result<(), FieldError> {
    if (1..=IDS_MAX).contains(&ids.len()) {
        return Ok(());
    }
    let rule = format!("must be 1 to {IDS_MAX} identifiers, separated by commas");
    let code = if ids.is_empty() { "required" } else { "max" };
    Err(broken("ids", code, rule))
}

fn chosen_sort(wanted: Option<Sort>, is_search: bool) -> Sort {
    match wanted {
        Some(sort) if is_search || sort.key != SortKey::Relevance => sort,
        None if is_search => Sort::ascending(SortKey::Relevance),
        _ => Sort::descending(SortKey::Created),
    }
}

/// Number and start of a page, and the ranking of the page before, which its cursor bears.
fn start(
    sort: Sort,
    request: &PageRequest,
) -> Result<(u32, PageStart<Place>, Option<Ranking>), FieldError> {
    let of = |ranking| {
        let (number, start) = request.start(&sort.scope(ranking), |keys| sort.place(keys))?;
        let ranking = ranking.filter(|_| request.after.is_some());
        Ok((number, start, ranking))
    };
    if sort.key == SortKey::Relevance {
        of(Some(Ranking::Best)).or_else(|_| of(Some(Ranking::Newest)))
    } else {
        of(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use mercato_kernel::{Cursor, PAGE_LIMIT_MAX};

    fn numbered(page: u32, limit: u32) -> PageRequest {
        PageRequest {
            page,
            limit,
            after: None,
        }
    }

    fn list(
        min: Option<i64>,
        max: Option<i64>,
        page: u32,
        limit: u32,
    ) -> Result<Listing, ProductError> {
        let filter = Filter {
            min_price: min.map(Money::from_units),
            max_price: max.map(Money::from_units),
            ..Filter::default()
        };
        Listing::new(&filter, &[], None, numbered(page, limit))
    }

    fn sorted(
        query: Option<&str>,
        sort: Option<Sort>,
        after: Option<String>,
    ) -> Result<Listing, ProductError> {
        let filter = Filter {
            query: query.map(|query| query.parse().unwrap()),
            ..Filter::default()
        };
        let request = PageRequest {
            after,
            ..numbered(1, 10)
        };
        Listing::new(&filter, &[], sort, request)
    }

    fn named(error: ProductError) -> Vec<String> {
        match error {
            ProductError::Invalid(errors) => errors
                .iter()
                .map(|error| format!("{} {}", error.field, error.code))
                .collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_list_is_of_one_status_unless_admins_name_products() {
        let listing = |status, sees_all, sku: Option<&str>, query: Option<&str>| {
            let filter = Filter {
                status,
                sees_all,
                sku: sku.map(|sku| sku.parse().unwrap()),
                query: query.map(|query| query.parse().unwrap()),
                ..Filter::default()
            };
            Listing::new(&filter, &[], None, numbered(1, 10)).map(|listing| listing.status)
        };
        let published = Ok(Some(Status::Published));
        let draft = Some(Status::Draft);
        assert_eq!(listing(None, false, None, None), published);
        assert_eq!(listing(None, false, Some("A"), None), published);
        assert_eq!(listing(None, true, None, None), published);
        assert_eq!(listing(None, true, Some("A"), None), Ok(None));
        assert_eq!(listing(draft, true, Some("A"), None), Ok(draft));
        assert_eq!(listing(None, true, None, Some("tea")), published);
        let refused = listing(draft, true, None, Some("tea"));
        assert_eq!(named(refused.unwrap_err()), ["status format"]);
    }

    #[test]
    fn products_are_named_by_few_identifiers() {
        let id = ProductId::parse("01890a5d-ac96-774b-bcce-b302099a8057").unwrap();
        let listing = |ids: Option<Vec<ProductId>>, sku: Option<&str>, query: Option<&str>| {
            let filter = Filter {
                ids,
                sku: sku.map(|sku| sku.parse().unwrap()),
                query: query.map(|query| query.parse().unwrap()),
                ..Filter::default()
            };
            Listing::new(&filter, &[], None, numbered(1, 10))
        };
        let ids = |count: usize| Some(vec![id; count]);
        let named_ids = listing(ids(100), Some(" A-1 "), None).unwrap();
        assert_eq!(named_ids.ids, ids(100));
        assert_eq!(named_ids.sku.unwrap().as_str(), "A-1");
        for (ids, sku, query, field) in [
            (ids(0), None, None, "ids required"),
            (ids(101), None, None, "ids max"),
            (ids(1), None, Some("tea"), "ids format"),
            (None, Some("A"), Some("tea"), "sku format"),
        ] {
            assert_eq!(named(listing(ids, sku, query).unwrap_err()), [field]);
        }
    }

    #[test]
    fn what_is_out_of_bounds_is_named() {
        let errors = list(Some(-1), Some(i64::MAX), 10_002, 1).unwrap_err();
        assert_eq!(named(errors), ["minPrice min", "maxPrice max", "page max"]);
        let turned = list(Some(2), Some(1), 1, 1).unwrap_err();
        assert_eq!(named(turned), ["maxPrice min"]);
        assert!(list(Some(1), Some(1), 1, PAGE_LIMIT_MAX).is_ok());
    }

    #[test]
    fn a_page_too_deep_is_refused_and_told_of_the_cursor() {
        let start = |page, limit| list(None, None, page, limit).unwrap().start;
        assert_eq!(start(1, 10), PageStart::Offset(0));
        assert_eq!(start(101, PAGE_LIMIT_MAX), PageStart::Offset(10_000));
        for (page, limit) in [
            (102, PAGE_LIMIT_MAX),
            (u32::MAX, PAGE_LIMIT_MAX),
            (10_002, 1),
        ] {
            let ProductError::Invalid(errors) = list(None, None, page, limit).unwrap_err() else {
                panic!("not Invalid")
            };
            assert_eq!((&*errors[0].field, &*errors[0].code), ("page", "max"));
            assert!(errors[0].message.contains("after"), "{}", errors[0].message);
        }
    }

    #[test]
    fn searches_come_by_relevance_and_other_lists_newest_first() {
        let (newest, relevance) = (
            Sort::descending(SortKey::Created),
            Sort::ascending(SortKey::Relevance),
        );
        let sort = |query, sort| sorted(query, sort, None).unwrap().sort;
        assert_eq!(sort(None, None), newest);
        assert_eq!(sort(Some("tea"), None), relevance);
        assert_eq!(sort(Some("tea"), Some(newest)), newest);
        assert_eq!(sort(None, Some(relevance)), newest);
    }

    fn cursor(sort: Sort, ranking: Option<Ranking>, keys: &[Key]) -> String {
        let (scope, page, keys) = (sort.scope(ranking), 2, keys.to_vec());
        Cursor { scope, page, keys }.encode()
    }

    #[test]
    fn a_cursor_leads_to_where_the_page_before_ended() {
        let sort = Sort::ascending(SortKey::Price);
        let next = cursor(sort, None, &[7.into(), "an id".into()]);
        let second = sorted(None, Some(sort), Some(next)).unwrap();
        assert_eq!(second.number, 2);
        let place = (7.into(), "an id".to_owned());
        assert_eq!(second.start, PageStart::After(place));
    }

    #[test]
    fn a_cursor_of_another_order_or_with_other_keys_is_refused() {
        let (name, price) = (
            Sort::ascending(SortKey::Name),
            Sort::ascending(SortKey::Price),
        );
        let cursor = |sort: Sort, keys: &[Key]| Some(cursor(sort, None, keys));
        let id = || Key::from("an id");
        for (sort, after) in [
            (
                price,
                cursor(Sort::descending(SortKey::Price), &[7.into(), id()]),
            ),
            (
                price,
                cursor(Sort::ascending(SortKey::Stock), &[7.into(), id()]),
            ),
            (price, cursor(price, &["tea".into(), id()])),
            (price, cursor(price, &[7.into(), 7.into()])),
            (price, cursor(price, &[7.into()])),
            (price, cursor(price, &[7.into(), id(), id()])),
            (name, cursor(name, &[7.into(), id()])),
            (name, Some(String::new())),
            (name, Some("{}".to_owned())),
        ] {
            let refused = sorted(None, Some(sort), after).unwrap_err();
            assert_eq!(named(refused), ["after format"]);
        }
        assert!(sorted(None, Some(name), cursor(name, &["tea".into(), id()])).is_ok());
    }

    #[test]
    fn a_cursor_by_relevance_tells_the_ranking_it_goes_on_with() {
        let first = sorted(Some("tea"), None, None).unwrap();
        assert_eq!(first.ranking, None);
        let next = |ranking| cursor(first.sort, Some(ranking), &[7.into(), "an id".into()]);
        for ranking in [Ranking::Best, Ranking::Newest] {
            let next = next(ranking);
            let second = sorted(Some("tea"), None, Some(next)).unwrap();
            assert_eq!(second.ranking, Some(ranking));
        }
        let price = Sort::ascending(SortKey::Price);
        let next = next(Ranking::Newest);
        assert!(sorted(Some("tea"), Some(price), Some(next)).is_err());
    }

    #[test]
    fn every_order_has_a_scope_of_its_own() {
        use SortKey::{Created, Name, Price, Relevance, Stock, Updated};
        let scopes: BTreeSet<String> = [Created, Updated, Name, Price, Stock, Relevance]
            .into_iter()
            .flat_map(|key| [Sort::ascending(key), Sort::descending(key)])
            .flat_map(|sort| [sort.scope(None), sort.scope(Some(Ranking::Newest))])
            .collect();
        assert_eq!(scopes.len(), 14);
        assert!(scopes.contains("products:-price"));
    }
}
