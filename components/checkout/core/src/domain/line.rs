//! What is in a checkout.

use mercato_kernel::{FieldError, FromJson, ProductId, Refusal};
use mercato_money::Money;

/// Lines that a checkout can have.
pub const LINES_MAX: usize = 100;

/// Units of one product in a checkout.
pub const QUANTITY_MAX: u32 = 10_000;

/// A number of units, 1 to [`QUANTITY_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity(u32);

impl Quantity {
    /// So many units, if a checkout may hold them.
    #[must_use]
    pub fn new(units: u32) -> Option<Self> {
        (1..=QUANTITY_MAX).contains(&units).then_some(Self(units))
    }

    /// The number.
    #[must_use]
    pub const fn units(self) -> u32 {
        self.0
    }
}

impl FromJson for Quantity {
    fn placeholder() -> Self {
        Self(1)
    }

    fn from_json(json: &str) -> Result<Self, Refusal> {
        let units = i64::from_json(json)?;
        if units < 1 {
            return Err(("min", "must not be less than 1".into()));
        }
        let too_many = || {
            let rest = format!("must not be more than {QUANTITY_MAX}");
            ("max", rest.into())
        };
        let quantity = u32::try_from(units).ok().and_then(Self::new);
        quantity.ok_or_else(too_many)
    }
}

/// So many units of one product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The product, only once in a checkout.
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
    let mut lines: Vec<Line> = Vec::new();
    let mut errors = Vec::new();
    for (index, (product_id, quantity)) in requested.iter().enumerate() {
        let known = lines.iter_mut().find(|line| line.product_id == *product_id);
        let Some(known) = known else {
            lines.push(Line {
                product_id: *product_id,
                quantity: *quantity,
                seen_price: None,
            });
            continue;
        };
        match Quantity::new(known.quantity.units() + quantity.units()) {
            Some(sum) => known.quantity = sum,
            None => {
                let field = format!("items[{index}].quantity");
                let message =
                    format!("{field} must not make more than {QUANTITY_MAX} of one product");
                errors.push(FieldError::new(field, "max", message));
            }
        }
    }
    if errors.is_empty() {
        Ok(lines)
    } else {
        Err(errors)
    }
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

    #[test]
    fn a_quantity_is_1_to_10000() {
        for (json, code) in [("0", "min"), ("10001", "max"), ("1.5", "type")] {
            assert_eq!(Quantity::from_json(json).unwrap_err().0, code);
        }
        assert_eq!(Quantity::from_json("2.0").unwrap(), units(2));
    }
}
