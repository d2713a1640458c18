//! How many of a product somebody buys.

use serde::Serialize;

use crate::{FromJson, ProductId, Refusal};

/// Units of one product in a checkout or an order.
pub const QUANTITY_MAX: u32 = 10_000;

/// A number of units, 1 to [`QUANTITY_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Quantity(u32);

impl Quantity {
    /// So many units, if one may buy them.
    #[must_use]
    pub fn new(units: u32) -> Option<Self> {
        (1..=QUANTITY_MAX).contains(&units).then_some(Self(units))
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// Lines of a request with those of the same product merged, in the order of their first mention.
///
/// # Errors
/// The numbers, from 0, of the lines that make more than [`QUANTITY_MAX`] of one product.
pub fn merge_lines(
    lines: &[(ProductId, Quantity)],
) -> Result<Vec<(ProductId, Quantity)>, Vec<usize>> {
    let mut merged: Vec<(ProductId, Quantity)> = Vec::new();
    let mut too_much = Vec::new();
    for (index, (product, quantity)) in lines.iter().enumerate() {
        match merged.iter_mut().find(|(known, _)| known == product) {
            None => merged.push((*product, *quantity)),
            Some((_, known)) => match Quantity::new(known.0 + quantity.0) {
                Some(sum) => *known = sum,
                None => too_much.push(index),
            },
        }
    }
    if too_much.is_empty() {
        Ok(merged)
    } else {
        Err(too_much)
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
            let rule = format!("must not be more than {QUANTITY_MAX}");
            ("max", rule.into())
        };
        let quantity = u32::try_from(units).ok().and_then(Self::new);
        quantity.ok_or_else(too_many)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantity_is_1_to_10000() {
        for (json, code) in [
            ("0", "min"),
            ("-1", "min"),
            ("10001", "max"),
            ("4294967297", "max"),
            ("1.5", "type"),
            ("\"1\"", "type"),
        ] {
            assert_eq!(Quantity::from_json(json).unwrap_err().0, code, "{json}");
        }
        for (json, units) in [("1", 1), ("2.0", 2), ("10000", QUANTITY_MAX)] {
            assert_eq!(Quantity::from_json(json).unwrap().get(), units);
        }
    }

    fn line(product: u32, units: u32) -> (ProductId, Quantity) {
        let id = format!("01890a5d-ac96-774b-bcce-{product:012x}");
        let quantity = Quantity::new(units).unwrap();
        (ProductId::parse(&id).unwrap(), quantity)
    }

    #[test]
    fn lines_of_one_product_are_merged_where_it_was_first_named() {
        let merged = merge_lines(&[line(1, 1), line(2, 2), line(1, 3)]);
        assert_eq!(merged, Ok(vec![line(1, 4), line(2, 2)]));
        assert_eq!(merge_lines(&[]), Ok(vec![]));
    }

    #[test]
    fn every_line_that_is_too_much_is_named() {
        let lines = [line(1, 10_000), line(2, 9_999), line(1, 1), line(2, 2)];
        assert_eq!(merge_lines(&lines), Err(vec![2, 3]));
        assert!(merge_lines(&[line(2, 9_999), line(2, 1)]).is_ok());
    }
}
