//! Which products a list shows, in which order, and how much of it.

use mercato_kernel::{Cursor, Key, NotACursor, Total, skipped_rows};
use mercato_money::Money;

use crate::domain::error::{FieldCode, FieldError, ProductError};
use crate::domain::product::Product;
use crate::domain::search::Search;
use crate::domain::values::{Price, ProductId, Sku};

/// Most products on a page.
pub const PAGE_LIMIT_MAX: u32 = 100;
/// Most products that are asked for by their identifiers at a time.
pub const IDS_MAX: usize = 100;
/// Free units from which on downwards a product counts as running out.
pub const LOW_STOCK_UNITS: u64 = 10;
/// Most products that [`Stats`] names.
pub const LOW_STOCK_PRODUCTS_MAX: u32 = 50;

/// What a list is sorted by; equal ones stand in the order of their identifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortKey {
    /// Time of creation.
    Created,
    /// Time of the last change that made a version.
    Updated,
    /// Name, without regard to capitals.
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
    fn scope(self, ranking: Option<Ranking>) -> String {
        let sign = if self.descending { "-" } else { "" };
        let key = match self.key {
            SortKey::Created => "createdAt",
            SortKey::Updated => "updatedAt",
            SortKey::Name => "name",
            SortKey::Price => "price",
            SortKey::Stock => "stock",
            SortKey::Relevance if ranking == Some(Ranking::Newest) => "relevance:newest",
            SortKey::Relevance => "relevance",
        };
        format!("products:{sign}{key}")
    }

    /// Whether a key from a cursor is what this order sorts by.
    fn takes(self, key: &Key) -> bool {
        matches!(key, Key::Text(_)) == (self.key == SortKey::Name)
    }
}

/// Which of its two orders a list by relevance has: see [`Search`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ranking {
    /// What fits best first.
    Best,
    /// Newest first, after those that have all the words in their names: for searches that find too much to be ranked.
    Newest,
}

/// Conditions as they came; what is absent does not restrict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Words that a product must have.
    pub query: Option<String>,
    /// Lowest price.
    pub min_price: Option<Money>,
    /// Highest price.
    pub max_price: Option<Money>,
    /// Only products that have free units, or only those that have none.
    pub in_stock: Option<bool>,
    /// Only products of these identifiers.
    pub ids: Option<Vec<String>>,
    /// Only the product of that number.
    pub sku: Option<String>,
}

/// Which part of a list, as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// From 1; does not count when there is a cursor.
    pub page: u32,
    /// 1 to [`PAGE_LIMIT_MAX`].
    pub limit: u32,
    /// The cursor that the page before ended with.
    pub after: Option<String>,
}

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// After so many products.
    Offset(u64),
    /// After the product that has, or had, this sort key and this identifier.
    After(Key, String),
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
    /// In which order.
    pub sort: Sort,
    /// Which order by relevance the page before had; none on a first page and in other orders.
    pub ranking: Option<Ranking>,
    /// Number of the page, from 1.
    pub page: u32,
    /// Where it begins.
    pub start: Start,
    /// Most products on it.
    pub limit: u32,
}

impl Listing {
    /// Checks what somebody asked for. Without an order, what is searched for comes by relevance and everything else
    /// newest first, as it does when there is nothing that could be relevant.
    pub fn new(
        filter: &Filter,
        sort: Option<Sort>,
        request: &PageRequest,
    ) -> Result<Self, ProductError> {
        let mut errors = Vec::new();
        let mut note = |error: FieldError| errors.push(error);
        let search = filter.query.as_deref().map(Search::parse).transpose();
        let search = search.map_err(&mut note).unwrap_or_default();
        let mut price = |field, amount: Option<Money>| {
            let price = amount.map(|amount| Price::parse(field, amount)).transpose();
            price.map_err(&mut note).unwrap_or_default()
        };
        let min_price = price("minPrice", filter.min_price);
        let max_price = price("maxPrice", filter.max_price);
        if let (Some(min), Some(max)) = (filter.min_price, filter.max_price)
            && min > max
        {
            let rule = "must not be less than minPrice";
            note(FieldError::new("maxPrice", FieldCode::Min, rule));
        }
        let ids = filter.ids.as_deref().map(parse_ids).transpose();
        let ids = ids.map_err(&mut note).unwrap_or_default();
        let sku = filter.sku.as_deref().map(Sku::parse).transpose();
        let sku = sku.map_err(&mut note).unwrap_or_default();
        for (field, is_given) in [("ids", ids.is_some()), ("sku", sku.is_some())] {
            if is_given && search.is_some() {
                let rule = "must not be given together with q";
                note(FieldError::new(field, FieldCode::Format, rule));
            }
        }
        let sort = chosen_sort(sort, search.is_some());
        let (page, start, ranking) =
            start(sort, request)
                .map_err(&mut note)
                .unwrap_or((1, Start::Offset(0), None));
        check_limit(request.limit).map_err(&mut note).ok();
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
            sort,
            ranking,
            page,
            start,
            limit: request.limit,
        })
    }

    /// The cursor of the page after this one, which has that ranking if it is by relevance and ends with a product that
    /// has this sort key.
    pub fn next(&self, ranking: Option<Ranking>, key: Key, id: &str) -> String {
        Cursor {
            scope: self.sort.scope(ranking),
            page: self.page.saturating_add(1),
            keys: vec![key, id.into()],
        }
        .encode()
    }
}

fn parse_ids(ids: &[String]) -> Result<Vec<ProductId>, FieldError> {
    if !(1..=IDS_MAX).contains(&ids.len()) {
        let rule = format!("must be 1 to {IDS_MAX} identifiers, separated by commas");
        let code = if ids.is_empty() {
            FieldCode::Required
        } else {
            FieldCode::Max
        };
        return Err(FieldError::new("ids", code, rule));
    }
    let parse = |id: &String| {
        ProductId::parse(id).ok_or_else(|| {
            let rule =
                "must be UUIDs such as 01890a5d-ac96-774b-bcce-b302099a8057, separated by commas";
            FieldError::new("ids", FieldCode::Format, rule)
        })
    };
    ids.iter().map(parse).collect()
}

fn chosen_sort(wanted: Option<Sort>, is_search: bool) -> Sort {
    match wanted {
        Some(sort) if is_search || sort.key != SortKey::Relevance => sort,
        None if is_search => Sort::ascending(SortKey::Relevance),
        _ => Sort::descending(SortKey::Created),
    }
}

fn start(sort: Sort, request: &PageRequest) -> Result<(u32, Start, Option<Ranking>), FieldError> {
    if let Some(text) = &request.after {
        let (cursor, ranking) = decode(sort, text).map_err(not_a_cursor)?;
        let (page, key, id) = place(sort, cursor).map_err(not_a_cursor)?;
        return Ok((page, Start::After(key, id), ranking));
    }
    if request.page == 0 {
        let rule = "must not be less than 1";
        return Err(FieldError::new("page", FieldCode::Min, rule));
    }
    let before = skipped_rows(request.page, request.limit)
        .map_err(|too_deep| FieldError::new("page", FieldCode::Max, too_deep.to_string()))?;
    Ok((request.page, Start::Offset(before), None))
}

fn not_a_cursor(refusal: NotACursor) -> FieldError {
    FieldError::new("after", FieldCode::Format, refusal.to_string())
}

/// A cursor of a list in that order, and its ranking.
fn decode(sort: Sort, text: &str) -> Result<(Cursor, Option<Ranking>), NotACursor> {
    let of = |ranking| Ok((Cursor::decode(text, &sort.scope(ranking))?, ranking));
    if sort.key == SortKey::Relevance {
        of(Some(Ranking::Best)).or_else(|_| of(Some(Ranking::Newest)))
    } else {
        of(None)
    }
}

/// Number of the page, sort key and identifier of a cursor.
fn place(sort: Sort, cursor: Cursor) -> Result<(u32, Key, String), NotACursor> {
    let [key, Key::Text(id)] = <[Key; 2]>::try_from(cursor.keys).map_err(|_| NotACursor)? else {
        return Err(NotACursor);
    };
    if sort.takes(&key) {
        Ok((cursor.page, key, id))
    } else {
        Err(NotACursor)
    }
}

fn check_limit(limit: u32) -> Result<(), FieldError> {
    match limit {
        0 => {
            let rule = "must not be less than 1";
            Err(FieldError::new("limit", FieldCode::Min, rule))
        }
        1..=PAGE_LIMIT_MAX => Ok(()),
        _ => {
            let rule = format!("must not be more than {PAGE_LIMIT_MAX}");
            Err(FieldError::new("limit", FieldCode::Max, rule))
        }
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductPage {
    /// The products of the page.
    pub products: Vec<Product>,
    /// Number of products on all pages.
    pub total: Total,
    /// Number of this page, from 1.
    pub page: u32,
    /// Cursor of the next page; none on the last one.
    pub next: Option<String>,
}

/// The state of the stock as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stats {
    /// Products in the catalogue.
    pub products: u64,
    /// Those of them without a free unit.
    pub out_of_stock: u64,
    /// Those with at most [`LOW_STOCK_UNITS`] free units, fewest first, [`LOW_STOCK_PRODUCTS_MAX`] at the most.
    pub low_stock: Vec<Product>,
}

#[cfg(test)]
mod tests {
    use super::*;

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
        Listing::new(&filter, None, &numbered(page, limit))
    }

    fn sorted(
        query: Option<&str>,
        sort: Option<Sort>,
        after: Option<String>,
    ) -> Result<Listing, ProductError> {
        let filter = Filter {
            query: query.map(str::to_owned),
            ..Filter::default()
        };
        let request = PageRequest {
            after,
            ..numbered(1, 10)
        };
        Listing::new(&filter, sort, &request)
    }

    fn named(error: ProductError) -> Vec<(&'static str, &'static str)> {
        match error {
            ProductError::Invalid(errors) => errors
                .iter()
                .map(|error| (error.field, error.code.as_str()))
                .collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn products_are_named_by_few_well_formed_identifiers_and_not_searched_for() {
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        let listing = |ids: Option<Vec<String>>, sku: Option<&str>, query: Option<&str>| {
            let filter = Filter {
                ids,
                sku: sku.map(str::to_owned),
                query: query.map(str::to_owned),
                ..Filter::default()
            };
            Listing::new(&filter, None, &numbered(1, 10))
        };
        let ids = |count: usize| Some(vec![id.to_uppercase(); count]);
        let named_ids = listing(ids(100), Some(" A-1 "), None).unwrap();
        assert_eq!(named_ids.ids.unwrap()[99].as_str(), id);
        assert_eq!(named_ids.sku.unwrap().as_str(), "A-1");
        for (ids, sku, query, field) in [
            (ids(0), None, None, ("ids", "required")),
            (ids(101), None, None, ("ids", "max")),
            (Some(vec!["x".to_owned()]), None, None, ("ids", "format")),
            (None, Some(""), None, ("sku", "required")),
            (ids(1), None, Some("tea"), ("ids", "format")),
            (None, Some("A"), Some("tea"), ("sku", "format")),
        ] {
            assert_eq!(named(listing(ids, sku, query).unwrap_err()), [field]);
        }
    }

    #[test]
    fn what_is_out_of_bounds_is_named() {
        let errors = list(Some(-1), Some(i64::MAX), 0, PAGE_LIMIT_MAX + 1).unwrap_err();
        assert_eq!(
            named(errors),
            [
                ("minPrice", "min"),
                ("maxPrice", "max"),
                ("page", "min"),
                ("limit", "max")
            ]
        );
        assert_eq!(
            named(list(Some(2), Some(1), 1, 1).unwrap_err()),
            [("maxPrice", "min")]
        );
        assert_eq!(
            named(list(None, None, 1, 0).unwrap_err()),
            [("limit", "min")]
        );
        assert_eq!(
            named(sorted(Some(" "), None, None).unwrap_err()),
            [("q", "required")]
        );
        assert!(list(Some(1), Some(1), 1, PAGE_LIMIT_MAX).is_ok());
    }

    #[test]
    fn a_page_too_deep_is_refused_and_told_of_the_cursor() {
        let start = |page, limit| list(None, None, page, limit).unwrap().start;
        assert_eq!(start(1, 10), Start::Offset(0));
        assert_eq!(start(101, PAGE_LIMIT_MAX), Start::Offset(10_000));
        for (page, limit) in [
            (102, PAGE_LIMIT_MAX),
            (u32::MAX, PAGE_LIMIT_MAX),
            (10_002, 1),
        ] {
            let ProductError::Invalid(errors) = list(None, None, page, limit).unwrap_err() else {
                panic!("not Invalid")
            };
            assert_eq!((errors[0].field, errors[0].code), ("page", FieldCode::Max));
            assert!(errors[0].message.contains("after"), "{}", errors[0].message);
        }
    }

    #[test]
    fn what_is_searched_for_comes_by_relevance_and_everything_else_newest_first() {
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

    #[test]
    fn a_cursor_leads_to_where_the_page_before_ended() {
        let sort = Sort::ascending(SortKey::Price);
        let first = sorted(None, Some(sort), None).unwrap();
        let next = first.next(None, 7.into(), "an id");
        let second = sorted(None, Some(sort), Some(next)).unwrap();
        assert_eq!(second.page, 2);
        assert_eq!(second.start, Start::After(7.into(), "an id".to_owned()));
    }

    #[test]
    fn a_cursor_of_another_order_or_with_other_keys_is_refused() {
        let (name, price) = (
            Sort::ascending(SortKey::Name),
            Sort::ascending(SortKey::Price),
        );
        let cursor = |sort: Sort, keys: &[Key]| {
            let (scope, page, keys) = (sort.scope(None), 2, keys.to_vec());
            Some(Cursor { scope, page, keys }.encode())
        };
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
            assert_eq!(named(refused), [("after", "format")]);
        }
        assert!(sorted(None, Some(name), cursor(name, &["tea".into(), id()])).is_ok());
    }

    #[test]
    fn a_cursor_by_relevance_tells_the_ranking_it_goes_on_with() {
        let first = sorted(Some("tea"), None, None).unwrap();
        assert_eq!(first.ranking, None);
        for ranking in [Ranking::Best, Ranking::Newest] {
            let next = first.next(Some(ranking), 7.into(), "an id");
            let second = sorted(Some("tea"), None, Some(next)).unwrap();
            assert_eq!(second.ranking, Some(ranking));
        }
        let price = Sort::ascending(SortKey::Price);
        let next = first.next(Some(Ranking::Newest), 7.into(), "an id");
        assert!(sorted(Some("tea"), Some(price), Some(next)).is_err());
    }

    #[test]
    fn every_order_has_a_scope_of_its_own() {
        use SortKey::{Created, Name, Price, Relevance, Stock, Updated};
        let scopes: std::collections::BTreeSet<String> =
            [Created, Updated, Name, Price, Stock, Relevance]
                .into_iter()
                .flat_map(|key| [Sort::ascending(key), Sort::descending(key)])
                .flat_map(|sort| [sort.scope(None), sort.scope(Some(Ranking::Newest))])
                .collect();
        assert_eq!(scopes.len(), 14);
        assert!(scopes.contains("products:-price"));
    }
}
