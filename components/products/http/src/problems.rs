//! What the catalogue's errors are in HTTP: the whole table.

use mercato_edge::Problem;
use mercato_money::Currency;
use mercato_platform::log;
use products::domain::error::{ProductError, StoreError};
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
        ProductError::VersionMismatch => Problem::precondition_failed(),
        ProductError::InsufficientStock => {
            let detail = "the stock would be less than 0: read the product again and choose a smaller change";
            Problem::conflict("insufficient-stock", detail)
        }
        ProductError::TooMuchStock => {
            let detail = "the stock would be more than 1000000000: read the product again and choose a smaller change";
            Problem::conflict("too-much-stock", detail)
        }
        ProductError::Store(error) => {
            log_cause(&error);
            unreadable(&error)
        }
    }
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
    use mercato_kernel::FieldError;

    use super::*;

    #[test]
    fn every_error_has_its_status_and_code() {
        let cause = || "the cause".to_owned();
        for (error, status, code) in [
            (ProductError::Invalid(vec![]), 400, "validation"),
            (ProductError::NotFound, 404, "not-found"),
            (ProductError::SkuTaken, 409, "sku-taken"),
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
    fn invalid_fields_are_named_as_the_domain_names_them() {
        let field = FieldError::new("price", "min", "price must not be less than 0");
        let document = problem(ProductError::Invalid(vec![field])).document("/", "r", "t");
        let expected = serde_json::json!([
            {"field": "price", "code": "min", "message": "price must not be less than 0"}
        ]);
        assert_eq!(document["errors"], expected);
    }
}
