//! What the catalogue's errors are in HTTP: the whole table.

use mercato_edge::{FieldError, Problem};
use mercato_money::Currency;
use mercato_platform::log;
use products::application::commands::change_category::MOVED_PRODUCTS_MAX;
use products::domain::category::{CATEGORIES_MAX, CATEGORY_DEPTH_MAX, TreeError};
use products::domain::error::{CategoryError, ProductError, StoreError};
use products::{SettingsError, log_cause};

/// The shop's currency, without which the catalogue cannot show a price.
///
/// # Errors
/// 500 when the setting cannot be used: the log says why.
pub async fn currency() -> Result<Currency, Problem> {
    products::currency().await.map_err(unconfigured)
}

/// For how many seconds caches may keep what everyone sees.
///
/// # Errors
/// 500 when the setting cannot be used: the log says why.
pub async fn max_age_seconds() -> Result<u64, Problem> {
    products::max_age_seconds().await.map_err(unconfigured)
}

fn unconfigured(error: SettingsError) -> Problem {
    let fields = [("error", &*error.to_string())];
    log::error("the catalogue is not configured", &fields);
    Problem::internal()
}

/// The problem that a client sees.
pub fn problem(error: ProductError) -> Problem {
    match error {
        ProductError::Invalid(fields) => Problem::validation(fields),
        ProductError::NotFound => Problem::not_found("product"),
        ProductError::SkuTaken => Problem::conflict(
            "sku-taken",
            "another product has this sku: choose a free one",
        ),
        ProductError::SlugTaken => Problem::conflict(
            "slug-taken",
            "another product has this slug: choose a free one",
        ),
        ProductError::StockIsDrawn => Problem::conflict(
            "stock-drawn",
            "variants draw on this stock, so it cannot be deleted or draw on another one: let them draw on another one first",
        ),
        ProductError::LastVariant => Problem::conflict(
            "last-variant",
            "the product is published and has no other variant: delete the product, or make it a draft first",
        ),
        ProductError::VersionMismatch => Problem::precondition_failed(),
        ProductError::InsufficientStock => {
            let detail = "the stock would be less than 0: read the product again and choose a smaller change";
            Problem::conflict("insufficient-stock", detail)
        }
        ProductError::TooMuchStock => {
            let detail = "the stock would be more than 1000000000: read the product again and choose a smaller change";
            Problem::conflict("too-much-stock", detail)
        }
        ProductError::Store(error) => store_problem(error),
    }
}

/// The problem that a client of the tree of categories sees.
pub fn category_problem(error: CategoryError) -> Problem {
    match error {
        CategoryError::Tree(error) => tree_problem(error),
        CategoryError::VersionMismatch => Problem::precondition_failed(),
        CategoryError::NotEmpty => Problem::conflict(
            "category-not-empty",
            "products or other categories are in it: put them elsewhere first",
        ),
        CategoryError::TooManyProducts => Problem::conflict(
            "category-too-large",
            format!(
                "more than {MOVED_PRODUCTS_MAX} products are in it, too many to be put elsewhere at once: make a category there and put the products into it"
            ),
        ),
        CategoryError::Store(error) => store_problem(error),
    }
}

fn tree_problem(error: TreeError) -> Problem {
    match error {
        TreeError::NotFound => Problem::not_found("category"),
        TreeError::NoParent => {
            let message = "parent is the id of no category";
            Problem::validation(vec![FieldError::new("parent", "unknown", message)])
        }
        TreeError::Cycle => Problem::conflict(
            "category-cycle",
            "parent is the category itself, or inside of it: choose another one",
        ),
        TreeError::TooDeep => Problem::conflict(
            "category-too-deep",
            format!("more than {CATEGORY_DEPTH_MAX} categories would be one inside the other"),
        ),
        TreeError::PathTaken => Problem::conflict(
            "path-taken",
            "a category beside it has this slug: choose a free one",
        ),
        TreeError::TooMany => Problem::conflict(
            "too-many-categories",
            format!("there are {CATEGORIES_MAX} categories already: remove one first"),
        ),
    }
}

/// The problem when something cannot be read or written; the cause goes to the log.
pub fn store_problem(error: StoreError) -> Problem {
    log_cause(&error);
    unreadable(&error)
}

/// The problem when the products cannot be read or written.
pub fn unreadable(error: &StoreError) -> Problem {
    match error {
        StoreError::TooExpensive(_) => Problem::too_expensive(
            "this list takes too long to make: ask for rarer words or narrower conditions, or try again later",
        ),
        StoreError::Unavailable(_) => {
            Problem::unavailable("the catalogue cannot be changed at the moment: try again")
        }
        StoreError::Fault(_) => Problem::internal(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_its_status_and_code() {
        let cause = || "the cause".to_owned();
        for (error, status, code) in [
            (ProductError::Invalid(vec![]), 400, "validation"),
            (ProductError::NotFound, 404, "not-found"),
            (ProductError::SkuTaken, 409, "sku-taken"),
            (ProductError::SlugTaken, 409, "slug-taken"),
            (ProductError::VersionMismatch, 412, "version-mismatch"),
            (ProductError::InsufficientStock, 409, "insufficient-stock"),
            (ProductError::TooMuchStock, 409, "too-much-stock"),
            (
                StoreError::TooExpensive(cause()).into(),
                503,
                "too-expensive",
            ),
            (StoreError::Unavailable(cause()).into(), 503, "unavailable"),
            (StoreError::Fault(cause()).into(), 500, "internal"),
        ] {
            let problem = problem(error);
            assert_eq!((problem.status().as_u16(), problem.code()), (status, code));
        }
    }

    #[test]
    fn every_error_of_the_tree_has_its_status_and_code() {
        let store = StoreError::Unavailable("busy".to_owned());
        for (error, status, code) in [
            (TreeError::NotFound.into(), 404, "not-found"),
            (TreeError::NoParent.into(), 400, "validation"),
            (TreeError::Cycle.into(), 409, "category-cycle"),
            (TreeError::TooDeep.into(), 409, "category-too-deep"),
            (TreeError::PathTaken.into(), 409, "path-taken"),
            (TreeError::TooMany.into(), 409, "too-many-categories"),
            (CategoryError::VersionMismatch, 412, "version-mismatch"),
            (CategoryError::NotEmpty, 409, "category-not-empty"),
            (CategoryError::TooManyProducts, 409, "category-too-large"),
            (store.into(), 503, "unavailable"),
        ] {
            let problem = category_problem(error);
            assert_eq!((problem.status().as_u16(), problem.code()), (status, code));
        }
    }

    #[test]
    fn invalid_fields_are_named_as_the_domain_names_them() {
        let field = FieldError::new("price", "min", "price must not be less than 0");
        let document = problem(ProductError::Invalid(vec![field])).document("/", "r", "t");
        let expected = serde_json::json!([
            {"field": "price", "code": "min", "message": "price must not be less than 0"}
        ]);
        assert_eq!(document["errors"], expected);
    }
}
