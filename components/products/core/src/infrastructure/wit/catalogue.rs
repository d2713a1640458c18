use std::cell::OnceCell;

use mercato_money::{Currency, Money};
use mercato_platform::clock::SystemClock;
use mercato_platform::ids::RandomIds;
use mercato_platform::log;

use super::{log_cause, with_store};
use crate::Component;
use crate::application::{commands, queries};
use crate::bindings::exports::mercato::products::catalogue;
use crate::bindings::spin::variables::variables::{self, Error as VariableError};
use crate::domain::error::{FieldError, ProductError};
use crate::domain::import::{ImportRow, RowOutcome, StockCount};
use crate::domain::listing::{Filter, LOW_STOCK_UNITS, PageRequest, Sort, SortKey};
use crate::domain::product::{NewProduct, Product, ProductChanges, Seen, StockChange};
use crate::domain::values::Sku;
use crate::infrastructure::settings::{CURRENCY_VARIABLE, SettingsError, parse_currency};
use crate::ports::{Store, StoreError};

thread_local! {
    static CURRENCY: OnceCell<Currency> = const { OnceCell::new() };
}

/// The shop's currency; asks the host once per instance.
async fn currency() -> Result<Currency, SettingsError> {
    if let Some(currency) = CURRENCY.with(|cell| cell.get().copied()) {
        return Ok(currency);
    }
    let text = variables::get(CURRENCY_VARIABLE.to_owned()).await;
    let currency = parse_currency(&text.map_err(unreadable)?)?;
    Ok(CURRENCY.with(|cell| *cell.get_or_init(|| currency)))
}

fn unreadable(error: VariableError) -> SettingsError {
    match error {
        VariableError::InvalidName(text)
        | VariableError::Undefined(text)
        | VariableError::Provider(text)
        | VariableError::Other(text) => SettingsError::Unreadable(text),
    }
}

/// The shop's currency for the catalogue, which cannot show a price without it.
async fn catalogue_currency() -> Result<Currency, catalogue::ProductError> {
    currency().await.map_err(|error| {
        log::error(
            "the catalogue is not configured",
            &[("error", &error.to_string())],
        );
        catalogue::ProductError::Internal
    })
}

impl catalogue::Guest for Component {
    fn check_product(product: catalogue::NewProduct) -> Vec<catalogue::FieldError> {
        let errors = Product::check(&product.into());
        errors.into_iter().map(Into::into).collect()
    }

    fn check_changes(changes: catalogue::ProductChanges) -> Vec<catalogue::FieldError> {
        let errors = Product::check_changes(&changes.into());
        errors.into_iter().map(Into::into).collect()
    }

    async fn create(
        product: catalogue::NewProduct,
    ) -> Result<catalogue::Product, catalogue::ProductError> {
        let currency = catalogue_currency().await?;
        let new = NewProduct::from(product);
        let created =
            with_store(|store| commands::create_product(store, &SystemClock, &RandomIds, &new))?;
        Ok(to_wit_product(created, currency))
    }

    async fn find(id: String) -> Result<catalogue::Product, catalogue::ProductError> {
        let currency = catalogue_currency().await?;
        let product = with_store(|store| queries::find_product(store, &id))?;
        Ok(to_wit_product(product, currency))
    }

    async fn list_products(
        filter: catalogue::Filter,
        sort: Option<catalogue::Sort>,
        page: catalogue::PageRequest,
    ) -> Result<catalogue::ProductPage, catalogue::ProductError> {
        let currency = catalogue_currency().await?;
        let (filter, sort, page) = (filter.into(), sort.map(Into::into), page.into());
        let list = with_store(|store| queries::list_products(store, &filter, sort, &page))?;
        Ok(catalogue::ProductPage {
            products: to_wit_products(list.products, currency),
            total: list.total.entries,
            total_is_exact: list.total.is_exact,
            page: list.page,
            next: list.next,
        })
    }

    async fn update(
        id: String,
        changes: catalogue::ProductChanges,
        seen: Option<catalogue::Seen>,
    ) -> Result<catalogue::Product, catalogue::ProductError> {
        let currency = catalogue_currency().await?;
        let changes = ProductChanges::from(changes);
        let changed = with_store(|store| {
            commands::update_product(store, &SystemClock, &id, &changes, seen.map(Into::into))
        })?;
        Ok(to_wit_product(changed, currency))
    }

    async fn delete(
        id: String,
        seen: Option<catalogue::Seen>,
    ) -> Result<(), catalogue::ProductError> {
        Ok(with_store(|store| {
            commands::delete_product(store, &SystemClock, &id, seen.map(Into::into))
        })?)
    }

    async fn import_products(
        rows: Vec<catalogue::ImportRow>,
        stock: catalogue::StockCount,
    ) -> Result<Vec<catalogue::RowOutcome>, catalogue::ProductError> {
        let rows: Vec<ImportRow> = rows.into_iter().map(Into::into).collect();
        let outcomes = with_store(|store| {
            commands::import_products(store, &SystemClock, &RandomIds, &rows, stock.into())
        })?;
        Ok(outcomes.into_iter().map(Into::into).collect())
    }

    async fn stats() -> Result<catalogue::CatalogueStats, catalogue::ProductError> {
        let currency = catalogue_currency().await?;
        let stats = with_store(|store| queries::stock_stats(store))?;
        Ok(catalogue::CatalogueStats {
            products: stats.products,
            out_of_stock: stats.out_of_stock,
            low_stock: to_wit_products(stats.low_stock, currency),
            low_stock_threshold: LOW_STOCK_UNITS,
        })
    }

    async fn measure() -> Result<catalogue::Figures, catalogue::ProductError> {
        let figures = with_store(|store| queries::figures(store, &SystemClock))?;
        Ok(catalogue::Figures {
            held_reservations: figures.held_reservations,
            oldest_held_ms: figures.oldest_held_ms,
        })
    }

    async fn ready() -> Result<(), catalogue::ProductError> {
        catalogue_currency().await?;
        with_store(|store| store.ready()).map_err(ProductError::from)?;
        Ok(())
    }
}

fn to_wit_products(products: Vec<Product>, currency: Currency) -> Vec<catalogue::Product> {
    products
        .into_iter()
        .map(|product| to_wit_product(product, currency))
        .collect()
}

fn to_wit_product(product: Product, currency: Currency) -> catalogue::Product {
    catalogue::Product {
        id: product.id.as_str().to_owned(),
        name: product.name.as_str().to_owned(),
        description: product.description.as_str().to_owned(),
        sku: product.sku.as_ref().map(Sku::as_str).map(str::to_owned),
        price: product.price.amount().units(),
        currency: currency.code().to_owned(),
        stock: product.stock.free(),
        reserved: product.stock.reserved(),
        sold: product.stock.sold(),
        version: product.version,
        created_at: product.created_at,
        updated_at: product.updated_at,
    }
}

impl From<catalogue::NewProduct> for NewProduct {
    fn from(new: catalogue::NewProduct) -> Self {
        Self {
            name: new.name,
            description: new.description,
            sku: new.sku,
            price: Money::from_units(new.price),
            stock: new.stock,
        }
    }
}

impl From<catalogue::ProductChanges> for ProductChanges {
    fn from(changes: catalogue::ProductChanges) -> Self {
        Self {
            name: changes.name,
            description: changes.description,
            sku: changes.sku,
            price: changes.price.map(Money::from_units),
            stock: changes.stock.map(|stock| match stock {
                catalogue::StockChange::Absolute(units) => StockChange::Absolute(units),
                catalogue::StockChange::Delta(units) => StockChange::Delta(units),
            }),
        }
    }
}

impl From<catalogue::Seen> for Seen {
    fn from(seen: catalogue::Seen) -> Self {
        Self {
            version: seen.version,
            free: seen.stock,
            of_orders: seen.of_orders.map(|units| (units.reserved, units.sold)),
        }
    }
}

impl From<catalogue::Filter> for Filter {
    fn from(filter: catalogue::Filter) -> Self {
        Self {
            query: filter.query,
            min_price: filter.min_price.map(Money::from_units),
            max_price: filter.max_price.map(Money::from_units),
            in_stock: filter.in_stock,
            ids: filter.ids,
            sku: filter.sku,
        }
    }
}

impl From<catalogue::PageRequest> for PageRequest {
    fn from(request: catalogue::PageRequest) -> Self {
        Self {
            page: request.page,
            limit: request.limit,
            after: request.after,
        }
    }
}

impl From<catalogue::Sort> for Sort {
    fn from(sort: catalogue::Sort) -> Self {
        match sort {
            catalogue::Sort::NewestFirst => Self::descending(SortKey::Created),
            catalogue::Sort::OldestFirst => Self::ascending(SortKey::Created),
            catalogue::Sort::RecentlyUpdatedFirst => Self::descending(SortKey::Updated),
            catalogue::Sort::LongUnchangedFirst => Self::ascending(SortKey::Updated),
            catalogue::Sort::NameAscending => Self::ascending(SortKey::Name),
            catalogue::Sort::NameDescending => Self::descending(SortKey::Name),
            catalogue::Sort::PriceAscending => Self::ascending(SortKey::Price),
            catalogue::Sort::PriceDescending => Self::descending(SortKey::Price),
            catalogue::Sort::StockAscending => Self::ascending(SortKey::Stock),
            catalogue::Sort::StockDescending => Self::descending(SortKey::Stock),
            catalogue::Sort::Relevance => Self::ascending(SortKey::Relevance),
        }
    }
}

impl From<catalogue::ImportRow> for ImportRow {
    fn from(row: catalogue::ImportRow) -> Self {
        Self {
            sku: row.sku,
            name: row.name,
            description: row.description,
            price: row.price.map(Money::from_units),
            stock: row.stock,
        }
    }
}

impl From<catalogue::StockCount> for StockCount {
    fn from(count: catalogue::StockCount) -> Self {
        match count {
            catalogue::StockCount::Free => Self::Free,
            catalogue::StockCount::OnHand => Self::OnHand,
        }
    }
}

impl From<RowOutcome> for catalogue::RowOutcome {
    fn from(outcome: RowOutcome) -> Self {
        match outcome {
            RowOutcome::Created => Self::Created,
            RowOutcome::Updated => Self::Updated,
            RowOutcome::Unchanged => Self::Unchanged,
            RowOutcome::Refused(errors) => {
                Self::Refused(errors.into_iter().map(Into::into).collect())
            }
        }
    }
}

impl From<FieldError> for catalogue::FieldError {
    fn from(error: FieldError) -> Self {
        Self {
            field: error.field.to_owned(),
            code: error.code.as_str().to_owned(),
            message: error.message,
        }
    }
}

impl From<ProductError> for catalogue::ProductError {
    fn from(error: ProductError) -> Self {
        match error {
            ProductError::Invalid(fields) => {
                Self::Invalid(fields.into_iter().map(Into::into).collect())
            }
            ProductError::NotFound => Self::NotFound,
            ProductError::SkuTaken => Self::SkuTaken,
            ProductError::VersionMismatch => Self::VersionMismatch,
            ProductError::InsufficientStock => Self::InsufficientStock,
            ProductError::TooMuchStock => Self::TooMuchStock,
            ProductError::Store(error) => {
                log_cause(&error);
                match error {
                    StoreError::Unavailable(_) => Self::Unavailable,
                    StoreError::TooExpensive(_) => Self::TooExpensive,
                    StoreError::Fault(_) => Self::Internal,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::memory::new_product;
    use crate::domain::error::FieldCode;
    use crate::domain::stock::Stock;
    use crate::domain::values::ProductId;

    #[test]
    fn a_product_is_told_field_by_field() {
        let id = ProductId::parse("01890a5d-ac96-774b-bcce-b302099a8057").unwrap();
        let new = NewProduct {
            sku: Some("T-1".to_owned()),
            ..new_product("Tea", 1)
        };
        let product = Product::create(id, &new, 7).unwrap();
        let product = Product {
            stock: Stock::restore(1, 2, 3),
            version: 4,
            updated_at: 8,
            ..product
        };
        let told = to_wit_product(product, "EUR".parse().unwrap());
        assert_eq!(told.id, "01890a5d-ac96-774b-bcce-b302099a8057");
        assert_eq!(
            (&*told.name, &*told.description, told.sku.as_deref()),
            ("Tea", "", Some("T-1"))
        );
        assert_eq!((told.price, &*told.currency), (49_900, "EUR"));
        assert_eq!(
            (told.stock, told.reserved, told.sold, told.version),
            (1, 2, 3, 4)
        );
        assert_eq!((told.created_at, told.updated_at), (7, 8));
    }

    #[test]
    fn changes_keep_the_difference_between_absent_and_taken_away() {
        let changes = ProductChanges::from(catalogue::ProductChanges {
            name: None,
            description: Some(String::new()),
            sku: Some(None),
            price: Some(-1),
            stock: Some(catalogue::StockChange::Delta(-2)),
        });
        assert_eq!((changes.name, changes.sku), (None, Some(None)));
        assert_eq!(changes.description.as_deref(), Some(""));
        assert_eq!(changes.price, Some(Money::from_units(-1)));
        assert_eq!(changes.stock, Some(StockChange::Delta(-2)));
    }

    #[test]
    fn what_was_seen_is_free_reserved_and_sold_units() {
        let units = catalogue::UnitsOfOrders {
            reserved: 3,
            sold: 4,
        };
        let seen = Seen::from(catalogue::Seen {
            version: 1,
            stock: 2,
            of_orders: Some(units),
        });
        assert_eq!((seen.version, seen.free), (1, 2));
        assert_eq!(seen.of_orders, Some((3, 4)));
    }

    #[test]
    fn every_outcome_of_a_row_keeps_its_name() {
        use catalogue::RowOutcome as Told;
        let told = |outcome: RowOutcome| Told::from(outcome);
        assert!(matches!(told(RowOutcome::Created), Told::Created));
        assert!(matches!(told(RowOutcome::Updated), Told::Updated));
        assert!(matches!(told(RowOutcome::Unchanged), Told::Unchanged));
        let error = FieldError::new("sku", FieldCode::Required, "must not be empty");
        let Told::Refused(errors) = told(RowOutcome::Refused(vec![error])) else {
            panic!("not refused")
        };
        assert_eq!((&*errors[0].field, &*errors[0].code), ("sku", "required"));
    }

    #[test]
    fn every_order_is_the_one_it_says() {
        use SortKey::{Created, Name, Price, Relevance, Stock, Updated};
        use catalogue::Sort as Asked;
        for (asked, key, descending) in [
            (Asked::NewestFirst, Created, true),
            (Asked::OldestFirst, Created, false),
            (Asked::RecentlyUpdatedFirst, Updated, true),
            (Asked::LongUnchangedFirst, Updated, false),
            (Asked::NameAscending, Name, false),
            (Asked::NameDescending, Name, true),
            (Asked::PriceAscending, Price, false),
            (Asked::PriceDescending, Price, true),
            (Asked::StockAscending, Stock, false),
            (Asked::StockDescending, Stock, true),
            (Asked::Relevance, Relevance, false),
        ] {
            assert_eq!(Sort::from(asked), Sort { key, descending });
        }
    }

    #[test]
    fn every_error_keeps_its_name() {
        use catalogue::ProductError as Told;
        let told = |error: ProductError| Told::from(error);
        assert!(matches!(told(ProductError::NotFound), Told::NotFound));
        assert!(matches!(told(ProductError::SkuTaken), Told::SkuTaken));
        assert!(matches!(
            told(ProductError::VersionMismatch),
            Told::VersionMismatch
        ));
        assert!(matches!(
            told(ProductError::InsufficientStock),
            Told::InsufficientStock
        ));
        assert!(matches!(
            told(ProductError::TooMuchStock),
            Told::TooMuchStock
        ));
        assert!(matches!(
            told(StoreError::Unavailable("busy".to_owned()).into()),
            Told::Unavailable
        ));
        assert!(matches!(
            told(StoreError::TooExpensive("interrupted".to_owned()).into()),
            Told::TooExpensive
        ));
        assert!(matches!(
            told(StoreError::Fault("no such table".to_owned()).into()),
            Told::Internal
        ));
        let field = FieldError::new("price", FieldCode::Min, "must not be less than 0");
        let Told::Invalid(fields) = told(ProductError::Invalid(vec![field])) else {
            panic!("not invalid")
        };
        assert_eq!((&*fields[0].field, &*fields[0].code), ("price", "min"));
    }
}
