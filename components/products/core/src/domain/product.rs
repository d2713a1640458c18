//! A product and how it changes.

use mercato_kernel::{FieldError, FromJson as _, ProductId};
use mercato_money::Money;

use crate::domain::category::CategoryId;
use crate::domain::checked::Checked;
use crate::domain::error::{ProductError, broken};
use crate::domain::presentation::{Attributes, Medium, MediumDraft, Status};
use crate::domain::slug::Slug;
use crate::domain::stock::Stock;
use crate::domain::values::{Description, Name, Price, Sku, TaxClass, Weight};
use crate::domain::variant::{self, Means, Owner, ProductOption, Variant, VariantDraft};

/// What is known of a product of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductView {
    /// Identifier.
    pub id: ProductId,
    /// Name.
    pub name: Name,
    /// Its readable address.
    pub slug: Slug,
    /// Whether it is shown and sold.
    pub status: Status,
    /// Description, perhaps empty.
    pub description: Description,
    /// Pictures and other media, in their order.
    pub media: Vec<Medium>,
    /// What is said of it by name.
    pub attributes: Attributes,
    /// The categories it was put in, in the order of their identifiers.
    pub categories: Vec<CategoryId>,
    /// The shop's own number, unique among products that are not deleted.
    pub sku: Option<Sku>,
    /// Price of one unit; the lowest of its variants' if it has some.
    pub price: Price,
    /// The highest price of its variants, if it has some.
    pub price_to: Option<Price>,
    /// How it is taxed.
    pub tax_class: TaxClass,
    /// Of one unit.
    pub weight: Weight,
    /// Free, reserved and sold units of its own: those of a product with options are sold only by variants that draw on them.
    pub stock: Stock,
    /// What customers choose of it.
    pub options: Vec<ProductOption>,
    /// Units of its variants that could be sold now, if it has options.
    pub offered: Option<u64>,
    /// What it is sold as, if it has options; none where nobody has looked.
    pub variants: Option<Vec<Variant>>,
    /// Grows by one with every change of the catalogue, from 1. Orders that move stock do not count.
    pub version: u64,
    /// Milliseconds since the Unix epoch.
    pub created_at: u64,
    /// Milliseconds since the Unix epoch; never goes back.
    pub updated_at: u64,
}

impl ProductView {
    /// Whether customers choose between variants of it.
    #[must_use]
    pub const fn has_options(&self) -> bool {
        !self.options.is_empty()
    }

    /// Units that could be sold now.
    #[must_use]
    pub fn available(&self) -> u64 {
        self.offered.unwrap_or_else(|| self.stock.free())
    }

    /// Its variants, as far as they were read.
    #[must_use]
    pub fn variants(&self) -> &[Variant] {
        self.variants.as_deref().unwrap_or_default()
    }

    /// What stands for where all units are in what [`Seen`] names: the counts, or what is made of those of all variants.
    #[must_use]
    pub fn counts(&self) -> (u64, (u64, u64)) {
        let of_orders = (self.stock.reserved(), self.stock.sold());
        if !self.has_options() {
            return (self.stock.free(), of_orders);
        }
        let variants = self.variants();
        let free = variants.iter().map(Variant::available);
        let reserved = variants.iter().map(|variant| variant.stock.reserved());
        let sold = variants.iter().map(|variant| variant.stock.sold());
        (
            digest([self.stock.free()].into_iter().chain(free)),
            (
                digest([of_orders.0].into_iter().chain(reserved)),
                digest([of_orders.1].into_iter().chain(sold)),
            ),
        )
    }
}

/// A number that stands for others, which is another one when they are (FNV-1a of 64 bits, RFC 9923 section 5).
fn digest(numbers: impl Iterator<Item = u64>) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let bytes = numbers.flat_map(u64::to_le_bytes);
    bytes.fold(OFFSET, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(PRIME)
    })
}

/// What somebody wrote of a product; what is absent stays. A new product needs a name and a price. Price, stock, media,
/// attributes, options and variants are as they were sent: [`Product::change`] holds them against their rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProductChanges {
    /// Name.
    pub name: Option<Name>,
    /// The readable address; that of a new product is made from its name.
    pub slug: Option<Slug>,
    /// Whether it is shown and sold; a new product is published.
    pub status: Option<Status>,
    /// Description.
    pub description: Option<Description>,
    /// All media.
    pub media: Option<Vec<MediumDraft>>,
    /// All attributes: names and values.
    pub attributes: Option<Vec<(String, String)>>,
    /// All categories.
    pub categories: Option<Vec<CategoryId>>,
    /// The shop's own number; `Some(None)` takes it away.
    pub sku: Option<Option<Sku>>,
    /// Price of one unit.
    pub price: Option<Money>,
    /// How it is taxed; a new product is taxed as [`TaxClass::standard`].
    pub tax_class: Option<TaxClass>,
    /// Of one unit.
    pub weight: Option<Weight>,
    /// Free units.
    pub stock: Option<StockChange>,
    /// All options.
    pub options: Option<Vec<ProductOption>>,
    /// All variants: what is not named is deleted.
    pub variants: Option<Vec<VariantDraft>>,
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

/// What somebody has seen of a product. Orders move units without a new version, so the counts are a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Version.
    pub version: u64,
    /// Free units, or what stands for those of its variants: see [`ProductView::counts`].
    pub free: u64,
    /// The same of reserved and sold units, where they were shown.
    pub of_orders: Option<(u64, u64)>,
}

/// A product of the catalogue, or one that is taken out of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    view: ProductView,
    deleted_at: Option<u64>,
}

impl Product {
    /// A new product, if every field keeps its rules; otherwise all that break one.
    ///
    /// # Errors
    /// [`ProductError::Invalid`].
    pub fn create(id: ProductId, new: &ProductChanges, now: u64) -> Result<Self, ProductError> {
        Self::create_with(id, new, &Means::at(now))
    }

    /// The same of a product that may have variants.
    ///
    /// # Errors
    /// [`ProductError::Invalid`].
    pub fn create_with(
        id: ProductId,
        new: &ProductChanges,
        means: &Means,
    ) -> Result<Self, ProductError> {
        let variants = new.variants.as_deref().unwrap_or_default();
        let is_priced = !variants.is_empty() && variants.iter().all(|one| one.price.is_some());
        let required = [
            ("name", new.name.is_none()),
            ("price", new.price.is_none() && !is_priced),
        ];
        let missing = required.into_iter().filter(|(_, is_missing)| *is_missing);
        let rule = "is required, for there is no product of this sku yet";
        let errors: Vec<_> = missing
            .map(|(field, _)| broken(field, "required", rule))
            .collect();
        if !errors.is_empty() {
            return Err(ProductError::Invalid(errors));
        }
        let mut product = Self::blank(id, means.now).change_with(new, means)?;
        if new.slug.is_none() {
            product.view.slug = Slug::from_name(&product.view.name, id);
        }
        Ok(product)
    }

    /// The product with a slug that no other product has, for a slug that was made from its name and is another one's.
    #[must_use]
    pub fn told_apart(mut self) -> Self {
        self.view.slug = self.view.slug.apart(self.view.id);
        self
    }

    /// Version 0, before anything is known of the product.
    fn blank(id: ProductId, now: u64) -> Self {
        Self::restore(ProductView {
            id,
            name: Name::stored(String::new()),
            slug: Slug::placeholder(),
            status: Status::default(),
            description: Description::stored(String::new()),
            media: Vec::new(),
            attributes: Attributes::default(),
            categories: Vec::new(),
            sku: None,
            price: Price::stored(Money::ZERO),
            price_to: None,
            tax_class: TaxClass::standard(),
            weight: Weight::default(),
            stock: Stock::default(),
            options: Vec::new(),
            offered: None,
            variants: Some(Vec::new()),
            version: 0,
            created_at: now,
            updated_at: now,
        })
    }

    /// The product of the catalogue as it was stored.
    #[must_use]
    pub const fn restore(view: ProductView) -> Self {
        Self {
            view,
            deleted_at: None,
        }
    }

    /// What is known of it.
    #[must_use]
    pub const fn view(&self) -> &ProductView {
        &self.view
    }

    /// What is known of it.
    #[must_use]
    pub fn into_view(self) -> ProductView {
        self.view
    }

    /// When it was taken out of the catalogue, in milliseconds since the Unix epoch.
    #[must_use]
    pub const fn deleted_at(&self) -> Option<u64> {
        self.deleted_at
    }

    /// Which changes break a rule, whatever the product is now.
    #[must_use]
    pub fn check(changes: &ProductChanges) -> Vec<FieldError> {
        let options = changes.options.as_deref().map(ProductOption::parse_all);
        let of_options = options.and_then(Result::err).unwrap_or_default();
        let of_variants = changes.variants.as_deref().map(variant::check);
        // What options and variants have to do with each other is seen when they are written.
        let others = ProductChanges {
            options: None,
            variants: None,
            ..changes.clone()
        };
        let blank = Self::blank(ProductId::placeholder(), 0);
        let mut errors = match blank.change(&others, 0) {
            Err(ProductError::Invalid(errors)) => errors,
            Ok(_) | Err(_) => Vec::new(),
        };
        errors.extend(of_options);
        errors.extend(of_variants.unwrap_or_default());
        errors
    }

    /// The product with the changes, as its next version. No change at all leaves it as it is.
    ///
    /// # Errors
    /// [`ProductError::Invalid`] with every field that breaks a rule; [`ProductError::InsufficientStock`],
    /// [`ProductError::TooMuchStock`].
    pub fn change(self, changes: &ProductChanges, now: u64) -> Result<Self, ProductError> {
        self.change_with(changes, &Means::at(now))
    }

    /// The same of a product whose variants may change.
    ///
    /// # Errors
    /// As [`Self::change`].
    pub fn change_with(
        self,
        changes: &ProductChanges,
        means: &Means,
    ) -> Result<Self, ProductError> {
        if *changes == ProductChanges::default() {
            return Ok(self);
        }
        let view = self.view;
        let Checked {
            price,
            stock,
            media,
            attributes,
            categories,
            options,
        } = Checked::of(changes, &view)?;
        let sku = changes.sku.clone().unwrap_or(view.sku);
        let is_new = view.version == 0;
        let had_options = !view.options.is_empty();
        let variants = view.variants.unwrap_or_default();
        let options = options.unwrap_or(view.options);
        let owner = Owner {
            id: view.id,
            sku: sku.as_ref(),
            free: stock.free(),
            options: &options,
            price: (changes.price.is_some() || !is_new).then_some(price),
            variants: &variants,
        };
        let variants = match &changes.variants {
            Some(drafts) => owner.replace(drafts, means)?,
            None => owner.keep().map_err(ProductError::Invalid)?,
        };
        if had_options
            && !options.is_empty()
            && changes.price.is_some()
            && changes.variants.is_none()
        {
            let rule = "is that of each variant: send variants, or change the variant by its id";
            let error = broken("price", "variants", rule);
            return Err(ProductError::Invalid(vec![error]));
        }
        let view = ProductView {
            name: changes.name.clone().unwrap_or(view.name),
            slug: changes.slug.clone().unwrap_or(view.slug),
            status: changes.status.unwrap_or(view.status),
            description: changes.description.clone().unwrap_or(view.description),
            media: media.unwrap_or(view.media),
            attributes: attributes.unwrap_or(view.attributes),
            categories: categories.unwrap_or(view.categories),
            sku,
            price,
            tax_class: changes.tax_class.clone().unwrap_or(view.tax_class),
            weight: changes.weight.unwrap_or(view.weight),
            stock,
            options,
            variants: Some(variants),
            version: view.version + 1,
            updated_at: means.now.max(view.updated_at),
            ..view
        };
        Self { view, ..self }.summed_up()
    }

    /// The product with one of its variants changed, as its next version.
    ///
    /// # Errors
    /// [`ProductError::Invalid`] also for what is not a variant's own, [`ProductError::NotFound`] when it has no such variant, and as
    /// [`Self::change`].
    pub fn change_variant(
        self,
        id: ProductId,
        changes: &ProductChanges,
        means: &Means,
    ) -> Result<Self, ProductError> {
        let draft = VariantDraft {
            id: Some(id),
            sku: changes.sku.clone(),
            price: changes.price,
            weight: changes.weight,
            stock: changes.stock,
            ..VariantDraft::default()
        };
        let of_a_variant = ProductChanges {
            sku: draft.sku.clone(),
            price: draft.price,
            weight: draft.weight,
            stock: draft.stock,
            ..ProductChanges::default()
        };
        if *changes != of_a_variant {
            let rule = "is a variant's, of which sku, price, weightGrams and stock can be changed: all else is its product's";
            let error = broken("id", "variant", rule);
            return Err(ProductError::Invalid(vec![error]));
        }
        if draft.stock.is_some()
            && self
                .view
                .variants()
                .iter()
                .any(|one| one.id == id && one.draws.is_some())
        {
            let rule =
                "cannot be set of a variant that draws on another stock: set that of the other one";
            let error = broken("stock", "draws", rule);
            return Err(ProductError::Invalid(vec![error]));
        }
        if of_a_variant == ProductChanges::default() {
            return Ok(self);
        }
        let variants = self.owner().change_one(id, &draft, means)?;
        self.with_variants(variants, means.now)
    }

    /// The product without one of its variants, as its next version.
    ///
    /// # Errors
    /// [`ProductError::LastVariant`] when it is published and has no other one, [`ProductError::NotFound`].
    pub fn without_variant(self, id: ProductId, now: u64) -> Result<Self, ProductError> {
        let mut variants = self.view.variants().to_vec();
        let before = variants.len();
        variants.retain(|variant| variant.id != id);
        if variants.len() == before {
            return Err(ProductError::NotFound);
        }
        if variants.is_empty() && self.view.status == Status::Published {
            return Err(ProductError::LastVariant);
        }
        self.with_variants(variants, now)
    }

    fn owner(&self) -> Owner<'_> {
        let view = &self.view;
        Owner {
            id: view.id,
            sku: view.sku.as_ref(),
            free: view.stock.free(),
            options: &view.options,
            price: Some(view.price),
            variants: view.variants(),
        }
    }

    fn with_variants(self, variants: Vec<Variant>, now: u64) -> Result<Self, ProductError> {
        let view = ProductView {
            variants: Some(variants),
            version: self.view.version + 1,
            updated_at: now.max(self.view.updated_at),
            ..self.view
        };
        Self { view, ..self }.summed_up()
    }

    /// What is known of the product as a whole follows from its variants.
    fn summed_up(self) -> Result<Self, ProductError> {
        let view = self.view;
        if !view.has_options() {
            let view = ProductView {
                price_to: None,
                offered: None,
                ..view
            };
            return Ok(Self { view, ..self });
        }
        let prices = || view.variants().iter().map(|variant| variant.price.amount());
        let (least, most) = (prices().min(), prices().max());
        if least.is_none() && view.status == Status::Published {
            let rule = "must have at least 1 entry of a product that is published and has options";
            let error = broken("variants", "min", rule);
            return Err(ProductError::Invalid(vec![error]));
        }
        let view = ProductView {
            price: least.map_or(view.price, Price::stored),
            price_to: most.map(Price::stored),
            offered: Some(variant::offered(view.variants())),
            ..view
        };
        Ok(Self { view, ..self })
    }

    /// Whether it says the same as another version of itself.
    #[must_use]
    pub fn says_the_same_as(&self, other: &ProductView) -> bool {
        let same_version = ProductView {
            version: other.version,
            updated_at: other.updated_at,
            ..self.view.clone()
        };
        same_version == *other
    }

    /// The product out of the catalogue; orders that hold it keep it.
    #[must_use]
    pub fn delete(self, now: u64) -> Self {
        let now = now.max(self.view.updated_at);
        Self {
            view: ProductView {
                version: self.view.version + 1,
                updated_at: now,
                variants: Some(Vec::new()),
                ..self.view
            },
            deleted_at: Some(now),
        }
    }

    /// The product, if it is still just what the caller has seen, where they say what that is.
    ///
    /// # Errors
    /// [`ProductError::VersionMismatch`].
    pub fn expect(self, seen: Option<Seen>) -> Result<Self, ProductError> {
        if seen.is_none_or(|seen| self.is_as_seen(seen)) {
            Ok(self)
        } else {
            Err(ProductError::VersionMismatch)
        }
    }

    fn is_as_seen(&self, seen: Seen) -> bool {
        let (free, of_orders) = self.view.counts();
        seen.version == self.view.version
            && seen.free == free
            && seen.of_orders.is_none_or(|seen| seen == of_orders)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::stock::STOCK_UNITS_MAX;

    fn id() -> ProductId {
        ProductId::parse("01890a5d-ac96-774b-bcce-b302099a8057").unwrap()
    }

    fn tea() -> Product {
        let new = ProductChanges {
            name: Some("Tea".parse().unwrap()),
            sku: Some(Some("T-1".parse().unwrap())),
            price: Some("4.99".parse().unwrap()),
            stock: Some(StockChange::Absolute(10)),
            ..ProductChanges::default()
        };
        Product::create(id(), &new, 1_000).unwrap()
    }

    fn codes(errors: &[FieldError]) -> Vec<(&str, &str)> {
        errors
            .iter()
            .map(|error| (&*error.field, &*error.code))
            .collect()
    }

    fn invalid(error: ProductError) -> Vec<FieldError> {
        match error {
            ProductError::Invalid(errors) => errors,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_breaks_a_rule_is_told_without_a_product() {
        let changes = ProductChanges {
            price: Some(Money::from_units(-1)),
            stock: Some(StockChange::Delta(-5)),
            ..ProductChanges::default()
        };
        let broken = Product::check(&changes);
        assert_eq!(codes(&broken), [("price", "min")]);
        assert_eq!(Product::check(&ProductChanges::default()), []);
    }

    #[test]
    fn a_new_product_needs_a_name_and_a_price() {
        let unnamed = ProductChanges {
            sku: Some(Some("T-1".parse().unwrap())),
            stock: Some(StockChange::Absolute(3)),
            ..ProductChanges::default()
        };
        let missing = invalid(Product::create(id(), &unnamed, 0).unwrap_err());
        let expected = [("name", "required"), ("price", "required")];
        assert_eq!(codes(&missing), expected);
        let named = ProductChanges {
            name: Some("Tea".parse().unwrap()),
            price: Some(Money::ZERO),
            ..unnamed
        };
        let tea = Product::create(id(), &named, 0).unwrap().into_view();
        assert_eq!((tea.name.as_str(), tea.stock.free()), ("Tea", 3));
        assert_eq!(tea.sku.unwrap().as_str(), "T-1");
    }

    #[test]
    fn a_new_product_is_version_one_with_all_its_stock_free() {
        let tea = tea();
        let view = tea.view();
        assert_eq!(
            (view.version, view.created_at, view.updated_at),
            (1, 1_000, 1_000)
        );
        assert_eq!(
            (view.stock, tea.deleted_at()),
            (Stock::restore(10, 0, 0), None)
        );
    }

    #[test]
    fn every_field_that_breaks_a_rule_is_named() {
        let bad = ProductChanges {
            name: Some("Tea".parse().unwrap()),
            price: Some(Money::from_units(-1)),
            stock: Some(StockChange::Absolute(STOCK_UNITS_MAX + 1)),
            ..ProductChanges::default()
        };
        let expected = [("price", "min"), ("stock", "max")];
        let created = invalid(Product::create(id(), &bad, 0).unwrap_err());
        assert_eq!(codes(&created), expected);
        let changed = invalid(tea().change(&bad, 0).unwrap_err());
        assert_eq!(codes(&changed), expected);
    }

    #[test]
    fn absent_fields_stay_and_the_version_grows_by_one() {
        let changes = ProductChanges {
            price: Some("5".parse().unwrap()),
            ..ProductChanges::default()
        };
        let changed = tea().change(&changes, 2_000).unwrap();
        let price = Price::parse("price", "5".parse().unwrap()).unwrap();
        let expected = ProductView {
            price,
            version: 2,
            updated_at: 2_000,
            ..tea().into_view()
        };
        assert_eq!(changed.view(), &expected);
        assert!(!changed.says_the_same_as(tea().view()));
        let again = ProductChanges {
            name: Some("Tea".parse().unwrap()),
            ..ProductChanges::default()
        };
        let same = tea().change(&again, 2_000).unwrap();
        assert!(same.says_the_same_as(tea().view()));
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
            description: Some("x".parse().unwrap()),
            ..ProductChanges::default()
        };
        let changed = tea().change(&changes, 500).unwrap();
        assert_eq!(changed.view().updated_at, 1_000);
        assert_eq!(tea().delete(500).deleted_at(), Some(1_000));
    }

    #[test]
    fn a_sku_can_be_taken_away() {
        let changes = ProductChanges {
            sku: Some(None),
            ..ProductChanges::default()
        };
        let changed = tea().change(&changes, 2_000).unwrap();
        assert_eq!(changed.view().sku, None);
    }

    fn stock(change: StockChange) -> ProductChanges {
        ProductChanges {
            stock: Some(change),
            ..ProductChanges::default()
        }
    }

    #[test]
    fn stock_changes_by_number_or_by_difference_but_not_below_zero() {
        let change = |change| {
            let changed = tea().change(&stock(change), 2_000)?;
            Ok(changed.view().stock.free())
        };
        let most = STOCK_UNITS_MAX.cast_signed();
        for (wanted, expected) in [
            (StockChange::Absolute(3), Ok(3)),
            (StockChange::Delta(-10), Ok(0)),
            (
                StockChange::Delta(-11),
                Err(ProductError::InsufficientStock),
            ),
            (StockChange::Delta(most - 10), Ok(STOCK_UNITS_MAX)),
            (
                StockChange::Delta(most - 9),
                Err(ProductError::TooMuchStock),
            ),
            (
                StockChange::Delta(-most),
                Err(ProductError::InsufficientStock),
            ),
        ] {
            assert_eq!(change(wanted), expected, "{wanted:?}");
        }
    }

    #[test]
    fn a_difference_that_no_stock_can_have_is_a_fault_of_the_form() {
        let most = STOCK_UNITS_MAX.cast_signed();
        for (delta, code) in [
            (most + 1, "max"),
            (i64::MAX, "max"),
            (-most - 1, "min"),
            (i64::MIN, "min"),
        ] {
            let refused = tea().change(&stock(StockChange::Delta(delta)), 0);
            let errors = invalid(refused.unwrap_err());
            assert_eq!(codes(&errors), [("stockDelta", code)]);
        }
    }

    #[test]
    fn what_is_wrong_with_the_form_comes_before_a_lack_of_stock() {
        let changes = ProductChanges {
            price: Some(Money::from_units(-1)),
            ..stock(StockChange::Delta(-11))
        };
        let errors = invalid(tea().change(&changes, 0).unwrap_err());
        assert_eq!(codes(&errors), [("price", "min")]);
    }

    #[test]
    fn a_product_is_expected_to_be_just_what_was_seen_of_it() {
        let tea = || {
            Product::restore(ProductView {
                stock: Stock::restore(5, 2, 3),
                ..tea().into_view()
            })
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
    }
}
