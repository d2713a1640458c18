use super::{FieldError, OrderError, ProductId};

/// Lines an order can have.
pub const LINES_MAX: usize = 100;

/// Units of one product in an order.
pub const QUANTITY_MAX: u32 = 10_000;

/// A number of units, 1 to [`QUANTITY_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quantity(u32);

impl Quantity {
    /// So many units, if an order may hold them.
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

/// A line as a client sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestedLine {
    /// Should be a product's id.
    pub product_id: String,
    /// Should be 1 to [`QUANTITY_MAX`].
    pub quantity: u32,
}

/// A line that can be asked of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The product, only once in an order.
    pub product_id: ProductId,
    /// How many of it.
    pub quantity: Quantity,
}

/// Checks the lines of a request and merges those of the same product, in the order of their first mention.
///
/// # Errors
/// [`OrderError::Invalid`] with every line that breaks a rule.
pub fn merge_lines(requested: &[RequestedLine]) -> Result<Vec<Line>, OrderError> {
    if requested.is_empty() {
        return Err(OrderError::Invalid(vec![FieldError::new(
            "items",
            "required",
            "items must not be empty",
        )]));
    }
    if requested.len() > LINES_MAX {
        let message = format!("items must not have more than {LINES_MAX} lines");
        return Err(OrderError::Invalid(vec![FieldError::new(
            "items", "max", message,
        )]));
    }
    let mut merged: Vec<Line> = Vec::new();
    let mut errors = Vec::new();
    for (index, line) in requested.iter().enumerate() {
        if let Err(error) = merge_line(&mut merged, line) {
            errors.push(FieldError {
                field: format!("items[{index}].{}", error.field),
                ..error
            });
        }
    }
    if errors.is_empty() {
        Ok(merged)
    } else {
        Err(OrderError::Invalid(errors))
    }
}

fn merge_line(merged: &mut Vec<Line>, line: &RequestedLine) -> Result<(), FieldError> {
    let Ok(product_id) = ProductId::parse(&line.product_id) else {
        return Err(FieldError::new(
            "productId",
            "format",
            "productId must be a UUID",
        ));
    };
    if line.quantity == 0 {
        return Err(FieldError::new(
            "quantity",
            "min",
            "quantity must not be less than 1",
        ));
    }
    let known = merged
        .iter_mut()
        .find(|known| known.product_id == product_id);
    let sum = known
        .as_ref()
        .map_or(0, |known| known.quantity.get())
        .saturating_add(line.quantity);
    let Some(quantity) = Quantity::new(sum) else {
        let message = format!("quantity of one product must not be more than {QUANTITY_MAX}");
        return Err(FieldError::new("quantity", "max", message));
    };
    match known {
        Some(known) => known.quantity = quantity,
        None => merged.push(Line {
            product_id,
            quantity,
        }),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "01939f6e-8a00-7000-8000-00000000000a";
    const B: &str = "01939f6e-8a00-7000-8000-00000000000b";

    fn line(product_id: &str, quantity: u32) -> RequestedLine {
        RequestedLine {
            product_id: product_id.into(),
            quantity,
        }
    }

    fn errors(lines: &[RequestedLine]) -> Vec<(String, &'static str)> {
        match merge_lines(lines) {
            Err(OrderError::Invalid(errors)) => errors
                .into_iter()
                .map(|error| (error.field, error.code))
                .collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn lines_of_one_product_are_merged_where_it_was_first_named() {
        let merged = merge_lines(&[line(A, 1), line(B, 2), line(&A.to_uppercase(), 3)]).unwrap();
        let pairs: Vec<_> = merged
            .iter()
            .map(|line| (line.product_id.as_str(), line.quantity.get()))
            .collect();
        assert_eq!(pairs, [(A, 4), (B, 2)]);
    }

    #[test]
    fn every_broken_line_is_named() {
        let broken = errors(&[
            line("x", 1),
            line(A, 0),
            line(A, 10_001),
            line(A, 10_000),
            line(A, 1),
        ]);
        let expected = [
            ("items[0].productId", "format"),
            ("items[1].quantity", "min"),
            ("items[2].quantity", "max"),
            ("items[4].quantity", "max"),
        ];
        assert_eq!(
            broken,
            expected.map(|(field, code)| (field.to_owned(), code))
        );
        assert_eq!(errors(&[line(A, u32::MAX), line(A, u32::MAX)]).len(), 2);
    }

    #[test]
    fn an_order_has_1_to_100_lines() {
        assert_eq!(errors(&[]), [("items".to_owned(), "required")]);
        assert!(merge_lines(&vec![line(A, 1); 100]).is_ok());
        assert_eq!(
            errors(&vec![line(A, 1); 101]),
            [("items".to_owned(), "max")]
        );
    }
}
