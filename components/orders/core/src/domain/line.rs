use mercato_kernel::{FieldError, ProductId, QUANTITY_MAX, Quantity, named};
use mercato_money::Money;
use serde::Serialize;
use utoipa::ToSchema;

use super::OrderError;

/// Lines an order can have.
pub const LINES_MAX: usize = 100;

/// A line that can be asked of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The product, or the variant of one, only once in an order.
    pub product_id: ProductId,
    /// How many of it.
    pub quantity: Quantity,
}

impl Line {
    /// Units of several lines together.
    #[must_use]
    pub fn units_of(lines: &[Self]) -> u64 {
        let units = lines.iter().map(|line| line.quantity.get());
        units.map(u64::from).sum()
    }
}

/// A line as the catalogue is asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demand {
    /// What and how many.
    pub line: Line,
    /// What one unit has to cost, if it was quoted.
    pub expected_price: Option<Money>,
}

/// A line that cannot be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedLine {
    /// The product, or the variant of one.
    pub product_id: ProductId,
    /// Why.
    pub code: LineProblem,
    /// Units asked for, lines of the same product together.
    pub requested: u32,
    /// Units there are; 0 for an unknown product.
    pub available: u64,
}

/// Why a line cannot be served.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    strum::VariantArray,
    strum::IntoStaticStr,
    Serialize,
    ToSchema,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
#[schema(as = RejectedLineCode, example = "insufficient-stock")]
pub enum LineProblem {
    /// The catalogue has no such product or variant, or a variant of the product must be chosen.
    UnknownProduct,
    /// There are fewer units.
    InsufficientStock,
}

named!(LineProblem);

/// Checks the lines of a request and merges those of the same product, in the order of their first mention.
///
/// # Errors
/// [`OrderError::Invalid`] with every line that breaks a rule.
pub fn merge_lines(requested: &[Line]) -> Result<Vec<Line>, OrderError> {
    if requested.is_empty() {
        return Err(OrderError::field(
            "items",
            "required",
            "items must not be empty",
        ));
    }
    if requested.len() > LINES_MAX {
        let message = format!("items must not have more than {LINES_MAX} lines");
        return Err(OrderError::field("items", "max", message));
    }
    let lines: Vec<_> = requested
        .iter()
        .map(|line| (line.product_id, line.quantity))
        .collect();
    let merged = mercato_kernel::merge_lines(&lines).map_err(|too_much| {
        let error = |index| {
            let message = format!("quantity of one product must not be more than {QUANTITY_MAX}");
            FieldError::new(format!("items[{index}].quantity"), "max", message)
        };
        OrderError::Invalid(too_much.into_iter().map(error).collect())
    })?;
    let line = |(product_id, quantity)| Line {
        product_id,
        quantity,
    };
    Ok(merged.into_iter().map(line).collect())
}

#[cfg(test)]
mod tests {
    use mercato_kernel::named::is_written_by_name;

    use super::*;

    #[test]
    fn names_are_the_same_for_all_who_read_them() {
        assert!(is_written_by_name::<LineProblem>());
    }

    const A: &str = "01939f6e-8a00-7000-8000-00000000000a";
    const B: &str = "01939f6e-8a00-7000-8000-00000000000b";

    fn line(product_id: &str, quantity: u32) -> Line {
        Line {
            product_id: ProductId::parse(product_id).unwrap(),
            quantity: Quantity::new(quantity).unwrap(),
        }
    }

    fn errors(lines: &[Line]) -> Vec<(String, String)> {
        match merge_lines(lines) {
            Err(OrderError::Invalid(errors)) => errors
                .into_iter()
                .map(|error| (error.field, error.code.into_owned()))
                .collect(),
            other => panic!("{other:?}"),
        }
    }

    fn max_of(field: &str) -> (String, String) {
        (field.to_owned(), "max".to_owned())
    }

    #[test]
    fn lines_of_one_product_are_merged_where_it_was_first_named() {
        let merged = merge_lines(&[line(A, 1), line(B, 2), line(&A.to_uppercase(), 3)]);
        assert_eq!(merged, Ok(vec![line(A, 4), line(B, 2)]));
    }

    #[test]
    fn every_line_that_is_too_much_is_named() {
        let broken = errors(&[line(A, 10_000), line(B, 9_999), line(A, 1), line(B, 2)]);
        assert_eq!(
            broken,
            [max_of("items[2].quantity"), max_of("items[3].quantity")]
        );
        assert!(merge_lines(&[line(B, 9_999), line(B, 1)]).is_ok());
    }

    #[test]
    fn an_order_has_1_to_100_lines() {
        assert_eq!(errors(&[]), [("items".to_owned(), "required".to_owned())]);
        assert!(merge_lines(&vec![line(A, 1); 100]).is_ok());
        assert_eq!(errors(&vec![line(A, 1); 101]), [max_of("items")]);
    }
}
