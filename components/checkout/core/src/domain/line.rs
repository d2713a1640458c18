//! What is in a checkout.

use mercato_kernel::{FieldError, ProductId, QUANTITY_MAX, Quantity, merge_lines};
use mercato_money::Money;

/// Lines that a checkout can have.
pub const LINES_MAX: usize = 100;

/// So many units of one product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The product, or the variant of one, only once in a checkout.
    pub product_id: ProductId,
    /// How many of it.
    pub quantity: Quantity,
    /// The price of one unit when the customer last changed the checkout; none while nobody has looked it up.
    pub seen_price: Option<Money>,
}

/// The lines of a request, those of the same product merged, in the order of their first mention. A checkout may be empty.
///
/// # Errors
/// Every line that breaks a rule, under its path.
pub fn merged(requested: &[(ProductId, Quantity)]) -> Result<Vec<Line>, Vec<FieldError>> {
    if requested.len() > LINES_MAX {
        let message = format!("items must not have more than {LINES_MAX} entries");
        return Err(vec![FieldError::new("items", "max", message)]);
    }
    let merged = merge_lines(requested).map_err(|too_much| {
        let error = |index| {
            let field = format!("items[{index}].quantity");
            let message = format!("{field} must not make more than {QUANTITY_MAX} of one product");
            FieldError::new(field, "max", message)
        };
        too_much.into_iter().map(error).collect::<Vec<_>>()
    })?;
    let line = |(product_id, quantity)| Line {
        product_id,
        quantity,
        seen_price: None,
    };
    Ok(merged.into_iter().map(line).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product(number: u32) -> ProductId {
        ProductId::parse(&format!("01890a5d-ac96-774b-bcce-{number:012x}")).unwrap()
    }

    fn units(units: u32) -> Quantity {
        Quantity::new(units).unwrap()
    }

    #[test]
    fn lines_of_one_product_are_merged() {
        let lines = merged(&[
            (product(2), units(1)),
            (product(1), units(4)),
            (product(2), units(2)),
        ]);
        let pairs = lines.unwrap();
        let pairs = pairs.iter().map(|line| (line.product_id, line.quantity));
        assert_eq!(
            pairs.collect::<Vec<_>>(),
            [(product(2), units(3)), (product(1), units(4))]
        );
        assert_eq!(merged(&[]), Ok(vec![]));
    }

    #[test]
    fn too_many_units_and_lines_are_named() {
        let errors = merged(&[(product(1), units(1)), (product(1), units(QUANTITY_MAX))]);
        assert_eq!(errors.unwrap_err()[0].field, "items[1].quantity");
        let many: Vec<_> = (0..=100)
            .map(|number| (product(number), units(1)))
            .collect();
        assert_eq!(merged(&many).unwrap_err()[0].code, "max");
    }
}
