//! A product and how it changes.

use mercato_money::Money;

use crate::domain::error::{FieldCode, FieldError, ProductError};
use crate::domain::stock::{STOCK_UNITS_MAX, Stock, StockError};
use crate::domain::values::{Description, Name, Price, ProductId, Sku};

/// A product of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// Identifier.
    pub id: ProductId,
    /// Name.
    pub name: Name,
    /// Description, perhaps empty.
    pub description: Description,
    /// The shop's own number, unique among products that are not deleted.
    pub sku: Option<Sku>,
    /// Price of one unit.
    pub price: Price,
    /// Free, reserved and sold units.
    pub stock: Stock,
    /// Grows by one with every change of the catalogue, from 1. Orders that move stock do not count.
    pub version: u64,
    /// Milliseconds since the Unix epoch.
    pub created_at: u64,
    /// Milliseconds since the Unix epoch; never goes back.
    pub updated_at: u64,
    /// When it was taken out of the catalogue, in milliseconds since the Unix epoch.
    pub deleted_at: Option<u64>,
}

/// What somebody typed for a new product.
#[derive(Debug, Clone, Default)]
pub struct NewProduct {
    /// Name.
    pub name: String,
    /// Description, perhaps empty.
    pub description: String,
    /// The shop's own number.
    pub sku: Option<String>,
    /// Price of one unit.
    pub price: Money,
    /// Units free to sell at first.
    pub stock: u64,
}

/// What somebody has seen of a product. Orders move units without a new version, so the counts are a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Version.
    pub version: u64,
    /// Free units.
    pub free: u64,
    /// Reserved and sold units, where they were shown.
    pub of_orders: Option<(u64, u64)>,
}

/// How a change sets the free stock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StockChange {
    /// The new number of free units.
    Absolute(u64),
    /// The new number of units on hand, the free ones and those that are reserved.
    OnHand(u64),
    /// Added to the free units.
    Delta(i64),
}

/// What somebody typed to change a product; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct ProductChanges {
    /// Name.
    pub name: Option<String>,
    /// Description.
    pub description: Option<String>,
    /// The shop's own number; `Some(None)` takes it away.
    pub sku: Option<Option<String>>,
    /// Price of one unit.
    pub price: Option<Money>,
    /// Free units.
    pub stock: Option<StockChange>,
}

impl ProductChanges {
    /// Whether nothing is to be changed.
    pub fn is_empty(&self) -> bool {
        self.name.is_none()
            && self.description.is_none()
            && self.sku.is_none()
            && self.price.is_none()
            && self.stock.is_none()
    }
}

/// Gathers the rules that are broken, so that a form shows them all at once.
#[derive(Default)]
struct Checks(Vec<FieldError>);

impl Checks {
    fn take<T>(&mut self, checked: Result<T, FieldError>) -> Option<T> {
        checked.map_err(|error| self.0.push(error)).ok()
    }

    fn refusal(self) -> ProductError {
        ProductError::Invalid(self.0)
    }
}

impl Product {
    /// A new product, if every field keeps its rules; otherwise all that break one.
    pub fn create(id: ProductId, new: &NewProduct, now: u64) -> Result<Self, ProductError> {
        let mut checks = Checks::default();
        let name = checks.take(Name::parse(&new.name));
        let description = checks.take(Description::parse(&new.description));
        let sku = checks.take(new.sku.as_deref().map(Sku::parse).transpose());
        let price = checks.take(Price::parse("price", new.price));
        let stock = checks.take(
            Stock::default()
                .set_free(new.stock)
                .map_err(|_| too_much_stock()),
        );
        let (Some(name), Some(description), Some(sku), Some(price), Some(stock)) =
            (name, description, sku, price, stock)
        else {
            return Err(checks.refusal());
        };
        let (version, created_at, updated_at, deleted_at) = (1, now, now, None);
        Ok(Self {
            id,
            name,
            description,
            sku,
            price,
            stock,
            version,
            created_at,
            updated_at,
            deleted_at,
        })
    }

    /// Which fields of a new product break a rule.
    pub fn check(new: &NewProduct) -> Vec<FieldError> {
        refused_fields(Self::create(ProductId::stored(String::new()), new, 0))
    }

    /// Which changes break a rule, whatever the product is.
    pub fn check_changes(changes: &ProductChanges) -> Vec<FieldError> {
        let any = NewProduct {
            name: "any".to_owned(),
            ..NewProduct::default()
        };
        let changed = Self::create(ProductId::stored(String::new()), &any, 0)
            .and_then(|product| product.change(changes, 0));
        refused_fields(changed)
    }

    /// The product with the changes, as its next version. No change at all leaves it as it is.
    pub fn change(self, changes: &ProductChanges, now: u64) -> Result<Self, ProductError> {
        if changes.is_empty() {
            return Ok(self);
        }
        let mut checks = Checks::default();
        let name = checks.take(changes.name.as_deref().map(Name::parse).transpose());
        let description = checks.take(
            changes
                .description
                .as_deref()
                .map(Description::parse)
                .transpose(),
        );
        let sku = checks.take(
            changes
                .sku
                .as_ref()
                .map(|sku| sku.as_deref().map(Sku::parse).transpose())
                .transpose(),
        );
        let price = checks.take(
            changes
                .price
                .map(|price| Price::parse("price", price))
                .transpose(),
        );
        let stock = match changes
            .stock
            .map_or(Ok(self.stock), |change| changed_stock(self.stock, change))
        {
            Ok(stock) => Some(stock),
            Err(ProductError::Invalid(errors)) => {
                checks.0.extend(errors);
                None
            }
            // Not a fault of the form: what is wrong with the form comes first.
            Err(other) if checks.0.is_empty() => return Err(other),
            Err(_) => None,
        };
        let (Some(name), Some(description), Some(sku), Some(price), Some(stock)) =
            (name, description, sku, price, stock)
        else {
            return Err(checks.refusal());
        };
        Ok(Self {
            name: name.unwrap_or(self.name),
            description: description.unwrap_or(self.description),
            sku: sku.unwrap_or(self.sku),
            price: price.unwrap_or(self.price),
            stock,
            version: self.version + 1,
            updated_at: now.max(self.updated_at),
            ..self
        })
    }

    /// Whether it says the same as another version of itself.
    pub fn says_the_same_as(&self, other: &Self) -> bool {
        self.name == other.name
            && self.description == other.description
            && self.sku == other.sku
            && self.price == other.price
            && self.stock == other.stock
    }

    /// The product out of the catalogue; orders that hold it keep it.
    pub fn delete(self, now: u64) -> Self {
        let now = now.max(self.updated_at);
        Self {
            version: self.version + 1,
            updated_at: now,
            deleted_at: Some(now),
            ..self
        }
    }

    /// The product, if it is in the catalogue and, where the caller tells what they have seen, still just that.
    pub fn expect(self, seen: Option<Seen>) -> Result<Self, ProductError> {
        if self.deleted_at.is_some() {
            return Err(ProductError::NotFound);
        }
        if seen.is_none_or(|seen| self.is_as_seen(seen)) {
            Ok(self)
        } else {
            Err(ProductError::VersionMismatch)
        }
    }

    fn is_as_seen(&self, seen: Seen) -> bool {
        let of_orders = (self.stock.reserved(), self.stock.sold());
        seen.version == self.version
            && seen.free == self.stock.free()
            && seen.of_orders.is_none_or(|seen| seen == of_orders)
    }
}

fn refused_fields(result: Result<Product, ProductError>) -> Vec<FieldError> {
    match result {
        Err(ProductError::Invalid(errors)) => errors,
        Ok(_) | Err(_) => Vec::new(),
    }
}

/// The stock after a change. A number that no stock can have is a fault of the form; what this stock does not allow is
/// not.
fn changed_stock(stock: Stock, change: StockChange) -> Result<Stock, ProductError> {
    match change {
        StockChange::Absolute(units) => stock
            .set_free(units)
            .map_err(|_| ProductError::Invalid(vec![too_much_stock()])),
        StockChange::OnHand(units) => stock.set_on_hand(units).map_err(|error| {
            ProductError::Invalid(vec![match error {
                StockError::Insufficient => fewer_than_reserved(stock),
                StockError::TooMany => too_much_stock(),
            }])
        }),
        StockChange::Delta(delta) => {
            check_delta(delta).map_err(|error| ProductError::Invalid(vec![error]))?;
            stock.adjust(delta).map_err(|error| match error {
                StockError::Insufficient => ProductError::InsufficientStock,
                StockError::TooMany => ProductError::TooMuchStock,
            })
        }
    }
}

fn check_delta(delta: i64) -> Result<(), FieldError> {
    if delta.unsigned_abs() <= STOCK_UNITS_MAX {
        return Ok(());
    }
    let (code, rule) = if delta < 0 {
        let rule = format!("must not be less than -{STOCK_UNITS_MAX}");
        (FieldCode::Min, rule)
    } else {
        (
            FieldCode::Max,
            format!("must not be more than {STOCK_UNITS_MAX}"),
        )
    };
    Err(FieldError::new("stockDelta", code, rule))
}

fn fewer_than_reserved(stock: Stock) -> FieldError {
    let reserved = stock.reserved();
    let rule = format!("must not be less than {reserved}, the units that are reserved for orders");
    FieldError::new("stock", FieldCode::Min, rule)
}

fn too_much_stock() -> FieldError {
    let rule = format!("must not be more than {STOCK_UNITS_MAX}");
    FieldError::new("stock", FieldCode::Max, rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> ProductId {
        ProductId::parse("01890a5d-ac96-774b-bcce-b302099a8057").unwrap()
    }

    fn new() -> NewProduct {
        NewProduct {
            name: "Tea".to_owned(),
            description: String::new(),
            sku: Some("T-1".to_owned()),
            price: "4.99".parse().unwrap(),
            stock: 10,
        }
    }

    fn tea() -> Product {
        Product::create(id(), &new(), 1_000).unwrap()
    }

    fn broken(error: ProductError) -> Vec<(&'static str, FieldCode)> {
        match error {
            ProductError::Invalid(errors) => errors
                .into_iter()
                .map(|error| (error.field, error.code))
                .collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_breaks_a_rule_is_told_without_a_product() {
        let fields = |errors: Vec<FieldError>| -> Vec<_> {
            errors.into_iter().map(|error| error.field).collect()
        };
        let new = NewProduct {
            price: Money::from_units(-1),
            ..NewProduct::default()
        };
        assert_eq!(fields(Product::check(&new)), ["name", "price"]);
        let changes = ProductChanges {
            name: Some(String::new()),
            price: Some(Money::from_units(-1)),
            stock: Some(StockChange::Delta(-5)),
            ..ProductChanges::default()
        };
        assert_eq!(fields(Product::check_changes(&changes)), ["name", "price"]);
        let none = ProductChanges::default();
        assert!(fields(Product::check_changes(&none)).is_empty());
    }

    #[test]
    fn a_new_product_is_version_one_with_all_its_stock_free() {
        let tea = tea();
        assert_eq!(
            (tea.version, tea.created_at, tea.updated_at, tea.deleted_at),
            (1, 1_000, 1_000, None)
        );
        assert_eq!(tea.stock, Stock::restore(10, 0, 0));
    }

    #[test]
    fn every_field_that_breaks_a_rule_is_named() {
        let bad = NewProduct {
            name: " ".to_owned(),
            description: "\u{7}".to_owned(),
            sku: Some(String::new()),
            price: Money::from_units(-1),
            stock: STOCK_UNITS_MAX + 1,
        };
        let expected = [
            ("name", FieldCode::Required),
            ("description", FieldCode::ControlCharacters),
            ("sku", FieldCode::Required),
            ("price", FieldCode::Min),
            ("stock", FieldCode::Max),
        ];
        assert_eq!(
            broken(Product::create(id(), &bad, 0).unwrap_err()),
            expected
        );
        let changes = ProductChanges {
            name: Some(bad.name),
            description: Some(bad.description),
            sku: Some(bad.sku),
            price: Some(bad.price),
            stock: Some(StockChange::Absolute(bad.stock)),
        };
        assert_eq!(broken(tea().change(&changes, 0).unwrap_err()), expected);
    }

    #[test]
    fn absent_fields_stay_and_the_version_grows_by_one() {
        let changes = ProductChanges {
            price: Some("5".parse().unwrap()),
            ..ProductChanges::default()
        };
        let changed = tea().change(&changes, 2_000).unwrap();
        let price = Price::parse("price", "5".parse().unwrap()).unwrap();
        assert_eq!(
            changed,
            Product {
                price,
                version: 2,
                updated_at: 2_000,
                ..tea()
            }
        );
    }

    #[test]
    fn no_change_makes_no_version() {
        assert_eq!(
            tea().change(&ProductChanges::default(), 2_000).unwrap(),
            tea()
        );
    }

    #[test]
    fn a_clock_that_goes_back_does_not_take_the_product_along() {
        let changes = ProductChanges {
            description: Some("x".to_owned()),
            ..ProductChanges::default()
        };
        assert_eq!(tea().change(&changes, 500).unwrap().updated_at, 1_000);
        assert_eq!(tea().delete(500).deleted_at, Some(1_000));
    }

    #[test]
    fn a_sku_can_be_taken_away() {
        let changes = ProductChanges {
            sku: Some(None),
            ..ProductChanges::default()
        };
        assert_eq!(tea().change(&changes, 2_000).unwrap().sku, None);
    }

    #[test]
    fn stock_changes_by_number_or_by_difference_but_not_below_zero() {
        let change = |stock| {
            tea().change(
                &ProductChanges {
                    stock: Some(stock),
                    ..ProductChanges::default()
                },
                2_000,
            )
        };
        assert_eq!(change(StockChange::Absolute(3)).unwrap().stock.free(), 3);
        assert_eq!(change(StockChange::Delta(-10)).unwrap().stock.free(), 0);
        assert_eq!(
            change(StockChange::Delta(-11)),
            Err(ProductError::InsufficientStock)
        );
        let most = STOCK_UNITS_MAX.cast_signed();
        assert_eq!(
            change(StockChange::Delta(most - 10)).unwrap().stock.free(),
            STOCK_UNITS_MAX
        );
        assert_eq!(
            change(StockChange::Delta(most - 9)),
            Err(ProductError::TooMuchStock)
        );
        assert_eq!(
            change(StockChange::Delta(-most)),
            Err(ProductError::InsufficientStock)
        );
    }

    #[test]
    fn a_difference_that_no_stock_can_have_is_a_fault_of_the_form() {
        let most = STOCK_UNITS_MAX.cast_signed();
        for (delta, code) in [
            (most + 1, FieldCode::Max),
            (i64::MAX, FieldCode::Max),
            (-most - 1, FieldCode::Min),
            (i64::MIN, FieldCode::Min),
        ] {
            let changes = ProductChanges {
                stock: Some(StockChange::Delta(delta)),
                ..ProductChanges::default()
            };
            let refused = broken(tea().change(&changes, 0).unwrap_err());
            assert_eq!(refused, [("stockDelta", code)]);
        }
    }

    #[test]
    fn what_is_wrong_with_the_form_comes_before_a_lack_of_stock() {
        let changes = ProductChanges {
            name: Some(String::new()),
            stock: Some(StockChange::Delta(-11)),
            ..ProductChanges::default()
        };
        assert_eq!(
            broken(tea().change(&changes, 0).unwrap_err()),
            [("name", FieldCode::Required)]
        );
    }

    #[test]
    fn a_product_is_expected_to_be_just_what_was_seen_of_it() {
        let tea = || Product {
            stock: Stock::restore(5, 2, 3),
            ..tea()
        };
        let seen = |version, free, of_orders| Seen {
            version,
            free,
            of_orders,
        };
        assert_eq!(tea().expect(None), Ok(tea()));
        for right in [seen(1, 5, None), seen(1, 5, Some((2, 3)))] {
            assert_eq!(tea().expect(Some(right)), Ok(tea()));
        }
        for other in [
            seen(2, 5, None),
            seen(0, 5, None),
            seen(1, 4, None),
            seen(1, 5, Some((1, 3))),
            seen(1, 5, Some((2, 4))),
        ] {
            let refused = tea().expect(Some(other));
            assert_eq!(refused, Err(ProductError::VersionMismatch), "{other:?}");
        }
        assert_eq!(
            tea().delete(2_000).expect(None),
            Err(ProductError::NotFound)
        );
    }
}
