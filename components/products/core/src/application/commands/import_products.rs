//! Imports rows of a price list.

use std::collections::{BTreeMap, BTreeSet};

use mercato_kernel::{FieldError, FromJson as _, ProductId};

use super::save;
use crate::application::locks;
use crate::application::ports::{Clock as _, Ports, StockEntry, Store as _, Transaction};
use crate::domain::category::{CategoryId, CategoryPath, Tree};
use crate::domain::error::{ProductError, StoreError, broken};
use crate::domain::presentation::{Medium, MediumDraft};
use crate::domain::product::{Product, ProductChanges, ProductView};
use crate::domain::slug::Slug;
use crate::domain::values::Sku;
use crate::domain::variant::{DrawsDraft, Means, ProductOption, StockItem, Variant, VariantDraft};

/// Most rows that are imported in one transaction. Buyers wait for it, so it lasts some hundredths of a second.
pub const IMPORT_BATCH_ROWS_MAX: usize = 250;

/// A row of a price list: of a product, or of one of its variants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportRow {
    /// What it says of the product, and of what is sold: the number, the price, the weight and the stock are the variant's, if it is of
    /// one. Without a number it is about the product of that slug.
    pub changes: ProductChanges,
    /// The options of a variant and its values of them; of none when the product has none.
    pub choices: Vec<(String, String)>,
    /// The stock that the variant is taken from.
    pub draws: Option<DrawsDraft>,
    /// A medium that the product gets unless it has one of that address.
    pub medium: Option<MediumDraft>,
    /// All categories of the product.
    pub categories: Option<Vec<CategoryPath>>,
}

impl From<ProductChanges> for ImportRow {
    fn from(changes: ProductChanges) -> Self {
        Self {
            changes,
            ..Self::default()
        }
    }
}

impl ImportRow {
    fn sku(&self) -> Option<&Sku> {
        self.changes.sku.as_ref()?.as_ref()
    }

    /// What it says of one variant.
    fn draft(&self) -> VariantDraft {
        let changes = &self.changes;
        VariantDraft {
            id: None,
            sku: changes.sku.clone(),
            price: changes.price,
            weight: changes.weight,
            options: (!self.choices.is_empty()).then(|| self.choices.clone()),
            stock: changes.stock,
            draws: self.draws.clone().map(Some),
        }
    }

    /// What it says of a product, which has these media.
    fn changes(&self, media: &[Medium], tree: &Tree) -> Result<ProductChanges, ProductError> {
        Ok(ProductChanges {
            media: self.media(media),
            categories: self.categories(tree)?,
            ..self.changes.clone()
        })
    }

    /// What it says of the product as a whole, where the rest is a variant's.
    fn of_product(&self, media: &[Medium], tree: &Tree) -> Result<ProductChanges, ProductError> {
        Ok(ProductChanges {
            sku: None,
            price: None,
            weight: None,
            stock: None,
            ..self.changes(media, tree)?
        })
    }

    fn categories(&self, tree: &Tree) -> Result<Option<Vec<CategoryId>>, ProductError> {
        let Some(paths) = &self.categories else {
            return Ok(None);
        };
        let id = |path: &CategoryPath| {
            let rule = format!("has {}, which is the path of no category", path.as_str());
            let unknown = || ProductError::Invalid(vec![broken("categories", "unknown", rule)]);
            tree.at(path)
                .map(|category| category.id)
                .ok_or_else(unknown)
        };
        paths.iter().map(id).collect::<Result<_, _>>().map(Some)
    }

    /// All media of a product that has these.
    fn media(&self, media: &[Medium]) -> Option<Vec<MediumDraft>> {
        let Some(medium) = &self.medium else {
            return self.changes.media.clone();
        };
        if media.iter().any(|one| one.url() == medium.url.trim()) {
            return None;
        }
        let draft = |one: &Medium| MediumDraft {
            url: one.url().to_owned(),
            alt: one.alt().to_owned(),
        };
        Some(media.iter().map(draft).chain([medium.clone()]).collect())
    }
}

/// What became of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowOutcome {
    /// There was no product or variant of that number.
    Created,
    /// The product or variant of that number has a new version.
    Updated,
    /// The product or variant of that number says this already.
    Unchanged,
    /// Nothing, for these fields break a rule.
    Refused(Vec<FieldError>),
}

/// Imports some rows of a price list in one transaction, in their order, and returns what became of each.
///
/// A row is about the product or variant that has its number, or the product that has its slug; without one it makes a new one. A row
/// that breaks a rule fails by itself. Imported again, the same rows change nothing.
///
/// # Errors
/// [`ProductError::Invalid`] when there are more than [`IMPORT_BATCH_ROWS_MAX`] rows, [`ProductError::Store`]: none of
/// the rows is imported then.
pub fn handle(ports: &impl Ports, rows: &[ImportRow]) -> Result<Vec<RowOutcome>, ProductError> {
    import(ports, rows, Batch::write)
}

/// What [`handle`] would return, as things are now. Changes nothing.
///
/// # Errors
/// As [`handle`].
pub fn rehearse(ports: &impl Ports, rows: &[ImportRow]) -> Result<Vec<RowOutcome>, ProductError> {
    import(ports, rows, |_, _| Ok(()))
}

fn import(
    ports: &impl Ports,
    rows: &[ImportRow],
    write: impl Fn(&mut Batch, &dyn Transaction) -> Result<(), StoreError>,
) -> Result<Vec<RowOutcome>, ProductError> {
    if rows.len() > IMPORT_BATCH_ROWS_MAX {
        let rule = format!("must not be more than {IMPORT_BATCH_ROWS_MAX}");
        return Err(ProductError::Invalid(vec![broken("rows", "max", rule)]));
    }
    let drawn = rows.iter().filter_map(|row| row.draws.as_ref());
    let skus = rows.iter().filter_map(ImportRow::sku);
    let skus: Vec<&Sku> = skus.chain(drawn.map(|draws| &draws.sku)).collect();
    let given: Vec<&Slug> = rows
        .iter()
        .filter_map(|row| row.changes.slug.as_ref())
        .collect();
    let names = rows.iter().filter_map(|row| row.changes.name.as_ref());
    let made = names.map(|name| Slug::from_name(name, ProductId::placeholder()));
    let slugs: Vec<Slug> = made
        .chain(given.iter().map(|slug| (*slug).clone()))
        .collect();
    let has_categories = rows.iter().any(|row| row.categories.is_some());
    let mut locks = locks::skus(skus.iter().copied()).and(locks::slugs(&slugs));
    if has_categories {
        locks = locks.and(locks::categories());
    }
    ports.store().write(locks, |transaction| {
        let mut batch = Batch::read(transaction, &skus, &given)?;
        if has_categories {
            batch.tree = transaction.tree()?;
        }
        let mut outcomes = Vec::with_capacity(rows.len());
        for row in rows {
            outcomes.push(match batch.import(ports, row) {
                Err(ProductError::Invalid(errors)) => RowOutcome::Refused(errors),
                outcome => outcome?,
            });
        }
        write(&mut batch, transaction)?;
        Ok(outcomes)
    })
}

/// The products that some rows are about: read together, and written together when all rows have been looked at.
#[derive(Default)]
struct Batch {
    /// In the order of the rows that made them or were the first to change them.
    products: Vec<Imported>,
    /// Where they are in that order, by their numbers and those of their variants.
    places: BTreeMap<String, usize>,
    /// The same by their slugs.
    slugs: BTreeMap<Slug, usize>,
    stock_entries: Vec<StockEntry>,
    /// All categories, where a row names some.
    tree: Tree,
}

struct Imported {
    product: Product,
    /// As it is stored; nothing of a new one.
    before: Option<ProductView>,
    /// Whether its slug was made of its name, which another product may have, too.
    slug_was_made: bool,
}

impl Imported {
    fn is_changed(&self) -> bool {
        let before = self.before.as_ref();
        before.is_some_and(|before| before.version != self.product.view().version)
    }
}

impl Batch {
    fn read(
        transaction: &dyn Transaction,
        skus: &[&Sku],
        slugs: &[&Slug],
    ) -> Result<Self, StoreError> {
        let mut batch = Self::default();
        let mut found = transaction.products_by_sku(skus)?;
        for product in transaction.products_by_slug(slugs)? {
            if !found
                .iter()
                .any(|other| other.view().id == product.view().id)
            {
                found.push(product);
            }
        }
        for product in found {
            let before = Some(product.view().clone());
            batch.add(Imported {
                product,
                before,
                slug_was_made: false,
            });
        }
        Ok(batch)
    }

    fn add(&mut self, imported: Imported) {
        self.products.push(imported);
        self.index(self.products.len() - 1);
    }

    /// A product is found by what it is called now.
    fn index(&mut self, place: usize) {
        let Some(imported) = self.products.get(place) else {
            return;
        };
        let view = imported.product.view();
        let of_variants = view.variants().iter().map(|variant| variant.sku.as_ref());
        for sku in of_variants.chain([view.sku.as_ref()]).flatten() {
            self.places.insert(sku.as_str().to_owned(), place);
        }
        if !imported.slug_was_made {
            self.slugs.insert(view.slug.clone(), place);
        }
    }

    /// Looks what a row changes. One that breaks a rule changes nothing.
    fn import(&mut self, ports: &impl Ports, row: &ImportRow) -> Result<RowOutcome, ProductError> {
        let now = ports.clock().now_ms();
        let Some(place) = self.place(row)? else {
            let product = self.create(ports, row, now)?;
            self.stock_entries
                .extend(save::stock_entries(None, product.view()));
            self.add(Imported {
                product,
                before: None,
                slug_was_made: row.changes.slug.is_none(),
            });
            return Ok(RowOutcome::Created);
        };
        let Some(known) = self.products.get(place) else {
            return Ok(RowOutcome::Unchanged);
        };
        let before = known.product.view();
        let after = self.change(ports, &known.product, row, now)?;
        if after.says_the_same_as(before) {
            return Ok(RowOutcome::Unchanged);
        }
        let outcome = if after.view().variants().len() > before.variants().len() {
            RowOutcome::Created
        } else {
            RowOutcome::Updated
        };
        let entries = save::stock_entries(Some(before), after.view());
        self.stock_entries.extend(entries);
        if let Some(known) = self.products.get_mut(place) {
            known.product = after;
        }
        self.index(place);
        Ok(outcome)
    }

    /// Where the product is that a row is about.
    fn place(&self, row: &ImportRow) -> Result<Option<usize>, ProductError> {
        let invalid =
            |field, code, rule: &str| Err(ProductError::Invalid(vec![broken(field, code, rule)]));
        let (sku, slug) = (row.sku(), row.changes.slug.as_ref());
        if sku.is_none() && slug.is_none() {
            return invalid("sku", "required", "is required, unless there is a slug");
        }
        let by_sku = sku.and_then(|sku| self.places.get(sku.as_str()).copied());
        let by_slug = slug.and_then(|slug| self.slugs.get(slug).copied());
        match (by_sku, by_slug) {
            (Some(known), Some(other)) if known != other => {
                invalid("slug", "taken", "is that of another product than the sku")
            }
            (Some(known), None) if slug.is_some() && self.is_of_variant(known, row) => invalid(
                "sku",
                "taken",
                "is that of a variant of a product with another slug",
            ),
            (None, Some(_)) if sku.is_some() && row.choices.is_empty() => {
                let rule = "is that of a product with another sku, and the row has no options of a variant";
                invalid("slug", "taken", rule)
            }
            (by_sku, by_slug) => Ok(by_sku.or(by_slug)),
        }
    }

    /// Whether a row is about a variant of the product at that place.
    fn is_of_variant(&self, place: usize, row: &ImportRow) -> bool {
        let Some(known) = self.products.get(place) else {
            return false;
        };
        let variants = known.product.view().variants();
        let sku = row.sku();
        !row.choices.is_empty()
            || sku.is_some_and(|_| variants.iter().any(|one| one.sku.as_ref() == sku))
    }

    fn create(
        &self,
        ports: &impl Ports,
        row: &ImportRow,
        now: u64,
    ) -> Result<Product, ProductError> {
        let id = save::new_id(ports.ids())?;
        if row.choices.is_empty() {
            if row.draws.is_some() {
                let rule = "is for variants, which have options";
                return Err(ProductError::Invalid(vec![broken(
                    "draws", "options", rule,
                )]));
            }
            return Product::create(id, &row.changes(&[], &self.tree)?, now);
        }
        let mut changes = row.of_product(&[], &self.tree)?;
        changes.options = Some(with_choices(&[], &row.choices));
        changes.variants = Some(vec![row.draft()]);
        let means = self.means(ports, row, now)?;
        Product::create_with(id, &changes, &means).map_err(of_row)
    }

    fn change(
        &self,
        ports: &impl Ports,
        product: &Product,
        row: &ImportRow,
        now: u64,
    ) -> Result<Product, ProductError> {
        let view = product.view();
        let sku = row.sku();
        let is_known = |variant: &&Variant| sku.is_some() && variant.sku.as_ref() == sku;
        let known = view.variants().iter().find(is_known).map(|one| one.id);
        if known.is_none() && row.choices.is_empty() {
            let mut changes = row.changes(&view.media, &self.tree)?;
            // The lowest price of its variants follows from theirs.
            if view.has_options() && changes.price == Some(view.price.amount()) {
                changes.price = None;
            }
            return product.clone().change(&changes, now);
        }
        if sku.is_some() && view.sku.as_ref() == sku {
            let rule = "is that of the product itself, and a variant needs another one";
            return Err(ProductError::Invalid(vec![broken("sku", "taken", rule)]));
        }
        let mut changes = row.of_product(&view.media, &self.tree)?;
        let options = with_choices(&view.options, &row.choices);
        changes.options = (options != view.options).then_some(options);
        let named = |variant: &Variant| VariantDraft {
            id: Some(variant.id),
            ..VariantDraft::default()
        };
        let mut drafts: Vec<VariantDraft> = view.variants().iter().map(named).collect();
        let same_choices = |variant: &&Variant| {
            let choices = variant.choices.iter();
            let mut pairs = choices.map(|one| (one.name.as_str(), one.value.as_str()));
            pairs.all(|(name, value)| {
                let given =
                    |(own, text): &(String, String)| own.trim() == name && text.trim() == value;
                row.choices.iter().any(given)
            })
        };
        let known = known.or_else(|| view.variants().iter().find(same_choices).map(|one| one.id));
        let draft = VariantDraft {
            id: known,
            ..row.draft()
        };
        match drafts
            .iter_mut()
            .find(|one| known.is_some() && one.id == known)
        {
            Some(place) => *place = draft,
            None => drafts.push(draft),
        }
        changes.variants = Some(drafts);
        let means = self.means(ports, row, now)?;
        product
            .clone()
            .change_with(&changes, &means)
            .map_err(of_row)
    }

    /// What a row about a variant needs besides.
    fn means(&self, ports: &impl Ports, row: &ImportRow, now: u64) -> Result<Means, ProductError> {
        let item = row.draws.as_ref().and_then(|draws| {
            let place = self.places.get(draws.sku.as_str())?;
            let view = self.products.get(*place)?.product.view();
            let is_it = |variant: &&Variant| variant.sku.as_ref() == Some(&draws.sku);
            let variant = view.variants().iter().find(is_it);
            Some(StockItem {
                id: variant.map_or(view.id, |variant| variant.id),
                sku: draws.sku.clone(),
                free: variant.map_or(view.stock, |variant| variant.stock).free(),
                draws: variant.is_some_and(|variant| variant.draws.is_some()),
            })
        });
        Ok(Means {
            now,
            ids: vec![save::new_id(ports.ids())?],
            items: item.into_iter().collect(),
        })
    }

    /// Two products may have the same name, but not the same slug.
    fn tell_apart(&mut self, transaction: &dyn Transaction) -> Result<(), StoreError> {
        let made = self
            .products
            .iter_mut()
            .filter(|imported| imported.slug_was_made);
        let mut made: Vec<_> = made.collect();
        let slugs: Vec<_> = made.iter().map(|new| &new.product.view().slug).collect();
        let taken = transaction.taken_slugs(&slugs)?.into_iter();
        let mut taken: BTreeSet<Slug> = taken.chain(self.slugs.keys().cloned()).collect();
        for imported in &mut made {
            if !taken.insert(imported.product.view().slug.clone()) {
                imported.product = imported.product.clone().told_apart();
            }
        }
        Ok(())
    }

    fn write(&mut self, transaction: &dyn Transaction) -> Result<(), StoreError> {
        self.tell_apart(transaction)?;
        let is_new = |imported: &&Imported| imported.before.is_none();
        let new = self.products.iter().filter(is_new);
        let new: Vec<&Product> = new.map(|imported| &imported.product).collect();
        transaction.insert_products(&new)?;
        for imported in &self.products {
            let product = &imported.product;
            match &imported.before {
                Some(before) if imported.is_changed() => {
                    if before.slug != product.view().slug {
                        let until = product.view().updated_at;
                        transaction.remember_slug(before.id, &before.slug, until)?;
                    }
                    transaction.save_product(product)?;
                    transaction.save_variants(product, before.variants())?;
                }
                Some(_) => {}
                None => transaction.save_variants(product, &[])?,
            }
            let before = imported
                .before
                .as_ref()
                .map_or(&[][..], |before| &before.categories);
            let categories = &product.view().categories;
            if before != categories {
                save::put_into(transaction, product.view().id, categories, &self.tree)?;
            }
        }
        transaction.record(&self.stock_entries)
    }
}

/// Options that have the values of a variant, too. Only what has none yet gets new ones.
fn with_choices(options: &[ProductOption], choices: &[(String, String)]) -> Vec<ProductOption> {
    if options.is_empty() {
        let option = |(name, value): &(String, String)| ProductOption {
            name: name.clone(),
            values: vec![value.clone()],
        };
        return choices.iter().map(option).collect();
    }
    let mut options = options.to_vec();
    for option in &mut options {
        let chosen = choices.iter().find(|(name, _)| name.trim() == option.name);
        if let Some((_, value)) = chosen
            && !option.values.iter().any(|known| known == value.trim())
        {
            option.values.push(value.trim().to_owned());
        }
    }
    options
}

/// What is wrong with the one variant of a row is wrong with the row.
fn of_row(error: ProductError) -> ProductError {
    let ProductError::Invalid(errors) = error else {
        return error;
    };
    let of_row = |error: FieldError| {
        let of_variant = error.field.strip_prefix("variants[");
        let field = of_variant.and_then(|rest| Some(rest.split_once("].")?.1.to_owned()));
        match field {
            Some(field) => FieldError {
                message: error.message.replacen(&error.field, &field, 1),
                field,
                ..error
            },
            None => error,
        }
    };
    ProductError::Invalid(errors.into_iter().map(of_row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::product::StockChange;
    use crate::domain::reservation::Settlement;
    use crate::domain::stock::{STOCK_UNITS_MAX, Stock};
    use crate::testing::{Shop, line};

    fn row(sku: &str, name: &str, price: i64, stock: u64) -> ProductChanges {
        ProductChanges {
            sku: Some(Some(sku.parse().unwrap())),
            name: Some(name.parse().unwrap()),
            price: Some(mercato_money::Money::from_units(price)),
            stock: Some(StockChange::Absolute(stock)),
            ..ProductChanges::default()
        }
    }

    fn refused(outcome: &RowOutcome) -> Vec<(&str, &str)> {
        match outcome {
            RowOutcome::Refused(errors) => errors
                .iter()
                .map(|error| (&*error.field, &*error.code))
                .collect(),
            other => panic!("{other:?}"),
        }
    }

    fn only(shop: &Shop) -> ProductView {
        let products = shop.all();
        assert_eq!(products.len(), 1);
        products[0].clone()
    }

    #[test]
    fn an_unknown_sku_makes_a_product_and_a_known_one_changes_it() {
        let shop = Shop::new();
        assert_eq!(
            shop.import(&[row("T-1", "Tea", 49_900, 3)]),
            Ok(vec![RowOutcome::Created])
        );
        assert_eq!(
            shop.import(&[row(" T-1 ", "Chai", 50_000, 5)]),
            Ok(vec![RowOutcome::Updated])
        );
        let tea = only(&shop);
        assert_eq!(
            (tea.name.as_str(), tea.version, tea.stock.free()),
            ("Chai", 2, 5)
        );
        assert_eq!(shop.book_total(), 5);
    }

    #[test]
    fn the_same_rows_again_change_nothing() {
        let shop = Shop::new();
        let rows = [row("T-1", "Tea", 49_900, 3), row("M-1", "Milk", 1, 0)];
        shop.import(&rows).unwrap();
        let before = shop.all();
        assert_eq!(
            shop.import(&rows),
            Ok(vec![RowOutcome::Unchanged, RowOutcome::Unchanged])
        );
        assert_eq!(shop.all(), before);
    }

    #[test]
    fn of_two_rows_with_the_same_sku_the_later_one_wins() {
        let shop = Shop::new();
        let outcomes = shop.import(&[row("T-1", "Tea", 1, 3), row("T-1", "Chai", 1, 4)]);
        assert_eq!(outcomes, Ok(vec![RowOutcome::Created, RowOutcome::Updated]));
        assert_eq!(only(&shop).name.as_str(), "Chai");
        assert_eq!(shop.book_total(), 4);
    }

    #[test]
    fn many_rows_are_read_and_written_with_few_statements() {
        let shop = Shop::on_sqlite();
        let rows = |price: i64| -> Vec<_> {
            let rows = 0..u64::try_from(IMPORT_BATCH_ROWS_MAX).unwrap();
            rows.map(|number| row(&format!("T-{number}"), "Tea", price, number))
                .collect()
        };
        let cost = |price| shop.statements(|| drop(shop.import(&rows(price)).unwrap()));
        assert_eq!(shop.all(), [], "the database is open");
        // What begins and ends the transaction, two that read, three that write for each table, and two that index all words.
        assert_eq!(cost(1), 12);
        assert_eq!(shop.all().len(), IMPORT_BATCH_ROWS_MAX);
        assert_eq!(cost(1), 3);
    }

    #[test]
    fn what_a_row_does_not_say_stays_as_it_is() {
        let shop = Shop::new();
        let described = ProductChanges {
            description: Some("Leaves".parse().unwrap()),
            ..row("T-1", "Tea", 49_900, 3)
        };
        shop.import(&[described]).unwrap();
        let cheaper = ProductChanges {
            sku: Some(Some("T-1".parse().unwrap())),
            price: Some("3.99".parse().unwrap()),
            ..ProductChanges::default()
        };
        assert_eq!(shop.import(&[cheaper]), Ok(vec![RowOutcome::Updated]));
        let tea = only(&shop);
        assert_eq!(
            (tea.name.as_str(), tea.description.as_str()),
            ("Tea", "Leaves")
        );
        assert_eq!((tea.price.amount().units(), tea.stock.free()), (39_900, 3));
    }

    #[test]
    fn a_row_that_breaks_a_rule_fails_by_itself() {
        let shop = Shop::new();
        let outcomes = shop
            .import(&[
                row("A", "Tea", -1, STOCK_UNITS_MAX + 1),
                row("B", "Tea", 1, 1),
                ProductChanges {
                    sku: Some(Some("C".parse().unwrap())),
                    ..ProductChanges::default()
                },
                row("B", "Chai", -1, 9),
            ])
            .unwrap();
        let expected = [("price", "min"), ("stock", "max")];
        assert_eq!(refused(&outcomes[0]), expected);
        assert_eq!(outcomes[1], RowOutcome::Created);
        assert_eq!(
            refused(&outcomes[2]),
            [("name", "required"), ("price", "required")]
        );
        assert_eq!(refused(&outcomes[3]), [("price", "min")]);
        assert_eq!(only(&shop).stock.free(), 1);
    }

    #[test]
    fn the_stock_of_a_row_is_what_is_free_whatever_orders_hold() {
        let shop = Shop::new();
        shop.import(&[row("T-1", "Tea", 1, 10)]).unwrap();
        let tea = only(&shop);
        shop.reserve(1, &[line(&tea, 4)]).unwrap();
        shop.settle(1, Settlement::Commit).unwrap();
        shop.reserve(2, &[line(&tea, 1)]).unwrap();
        shop.import(&[row("T-1", "Tea", 1, 7)]).unwrap();
        assert_eq!(shop.stock(&tea), Stock::restore(7, 1, 4));
        assert_eq!(shop.book_total(), 12);
    }

    #[test]
    fn units_on_hand_are_free_but_for_the_reserved_ones() {
        let shop = Shop::new();
        let import = |price, stock| {
            let on_hand = ProductChanges {
                stock: Some(StockChange::OnHand(stock)),
                ..row("T-1", "Tea", price, 0)
            };
            shop.import(&[on_hand]).unwrap()
        };
        assert_eq!(import(1, 10), [RowOutcome::Created]);
        let tea = only(&shop);
        assert_eq!(shop.stock(&tea), Stock::restore(10, 0, 0));
        shop.reserve(1, &[line(&tea, 4)]).unwrap();
        shop.settle(1, Settlement::Commit).unwrap();
        shop.reserve(2, &[line(&tea, 3)]).unwrap();
        assert_eq!(import(1, 6), [RowOutcome::Unchanged]);
        assert_eq!(import(1, 7), [RowOutcome::Updated]);
        assert_eq!(shop.stock(&tea), Stock::restore(4, 3, 4));
        assert_eq!(import(1, 3), [RowOutcome::Updated]);
        assert_eq!(shop.stock(&tea), Stock::restore(0, 3, 4));
        // The price of a row that fails stays, too.
        let outcomes = import(2, 2);
        assert_eq!(refused(&outcomes[0]), [("stock", "min")]);
        let refused_most = import(2, STOCK_UNITS_MAX + 4);
        assert_eq!(refused(&refused_most[0]), [("stock", "max")]);
        assert_eq!(only(&shop).price.amount().units(), 1);
        assert_eq!(shop.stock(&tea), Stock::restore(0, 3, 4));
        assert_eq!(shop.book_total(), 7);
    }

    #[test]
    fn the_sku_of_a_deleted_product_makes_a_new_one() {
        let shop = Shop::new();
        shop.import(&[row("T-1", "Tea", 1, 10)]).unwrap();
        shop.delete(&only(&shop), None).unwrap();
        assert_eq!(
            shop.import(&[row("T-1", "Tea", 1, 1)]),
            Ok(vec![RowOutcome::Created])
        );
        assert_eq!(shop.number("SELECT COUNT(*) FROM products"), 2);
    }

    #[test]
    fn rows_of_the_same_name_have_slugs_of_their_own() {
        let shop = Shop::new();
        shop.import(&[row("T-1", "Tea", 1, 1)]).unwrap();
        let more = [
            row("T-2", "Tea", 1, 1),
            row("T-3", "Tea", 1, 1),
            row("T-4", "Chai", 1, 1),
        ];
        assert_eq!(shop.import(&more), Ok(vec![RowOutcome::Created; 3]));
        let made = |product: &ProductView| {
            let tail = &product.id.text()[24..];
            product.slug.as_str().replace(tail, "TAIL")
        };
        let slugs: Vec<String> = shop.all().iter().map(made).collect();
        assert_eq!(slugs, ["tea", "tea-TAIL", "tea-TAIL", "chai"]);
    }

    #[test]
    fn a_rehearsal_says_what_would_be_and_changes_nothing() {
        let shop = Shop::new();
        shop.import(&[row("T-1", "Tea", 1, 10), row("M-1", "Milk", 1, 1)])
            .unwrap();
        let before = shop.all();
        let rows = [
            row("T-1", "Tea", 2, 3),
            row("M-1", "Milk", 1, 1),
            row("C-1", "Cocoa", 1, 1),
            row("C-1", "Cocoa", 2, 1),
            row("X-1", "Nothing", -1, 1),
        ];
        let rehearsed = rehearse(&shop.products, &rows.clone().map(Into::into)).unwrap();
        assert_eq!((shop.all(), shop.book_total()), (before, 11));
        assert_eq!(shop.import(&rows), Ok(rehearsed));
    }

    #[test]
    fn a_row_without_a_sku_is_about_no_product() {
        let row = ProductChanges {
            sku: None,
            ..row("T-1", "Tea", 1, 1)
        };
        let outcomes = Shop::new().import(&[row]).unwrap();
        assert_eq!(refused(&outcomes[0]), [("sku", "required")]);
    }

    #[test]
    fn more_rows_than_a_transaction_takes_are_refused() {
        let shop = Shop::new();
        let rows = vec![row("T-1", "Tea", 1, 1); IMPORT_BATCH_ROWS_MAX + 1];
        assert!(matches!(shop.import(&rows), Err(ProductError::Invalid(_))));
        assert_eq!(shop.all(), []);
    }
}
