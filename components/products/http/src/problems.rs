//! What the catalogue's errors are in HTTP: the whole table.

use mercato_edge::{FieldError, Problem};

use crate::bindings::mercato::products::catalogue::{self, ProductError};

/// The fields at fault, as clients see them.
pub fn field_errors(fields: Vec<catalogue::FieldError>) -> Vec<FieldError> {
    let to_error =
        |error: catalogue::FieldError| FieldError::new(error.field, error.code, error.message);
    fields.into_iter().map(to_error).collect()
}

/// The problem that a client sees.
pub fn problem(error: ProductError) -> Problem {
    match error {
        ProductError::Invalid(fields) => Problem::validation(field_errors(fields)),
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
        ProductError::TooExpensive => Problem::too_expensive(
            "this list takes too long to make: ask for rarer words or narrower conditions, or try again later",
        ),
        ProductError::Unavailable => {
            Problem::unavailable("the catalogue cannot be changed at the moment: try again")
        }
        ProductError::Internal => Problem::internal(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_its_status_and_code() {
        for (error, status, code) in [
            (ProductError::Invalid(vec![]), 400, "validation"),
            (ProductError::NotFound, 404, "not-found"),
            (ProductError::SkuTaken, 409, "sku-taken"),
            (ProductError::VersionMismatch, 412, "version-mismatch"),
            (ProductError::InsufficientStock, 409, "insufficient-stock"),
            (ProductError::TooMuchStock, 409, "too-much-stock"),
            (ProductError::TooExpensive, 503, "too-expensive"),
            (ProductError::Unavailable, 503, "unavailable"),
            (ProductError::Internal, 500, "internal"),
        ] {
            let problem = problem(error);
            assert_eq!((problem.status().as_u16(), problem.code()), (status, code));
        }
    }

    #[test]
    fn invalid_fields_are_named_as_the_domain_names_them() {
        let field = catalogue::FieldError {
            field: "price".to_owned(),
            code: "min".to_owned(),
            message: "price must not be less than 0".to_owned(),
        };
        let document = problem(ProductError::Invalid(vec![field])).document("/", "r", "t");
        let expected = serde_json::json!([
            {"field": "price", "code": "min", "message": "price must not be less than 0"}
        ]);
        assert_eq!(document["errors"], expected);
    }
}
