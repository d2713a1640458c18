//! The exports of the world `products`: from WIT's types to the use cases and back.

use std::cell::OnceCell;

use mercato_money::{Currency, Money};
use mercato_platform::clock::SystemClock;
use mercato_platform::ids::RandomIds;
use mercato_platform::log;
use mercato_sqlite::Database;

use crate::Component;
use crate::application::{commands, queries};
use crate::bindings::exports::mercato::products::{catalogue, inventory};
use crate::bindings::spin::variables::variables;
use crate::domain::error::{FieldError, InventoryError, ProductError};
use crate::domain::listing::{Filter, LOW_STOCK_UNITS, PageRequest, Sort};
use crate::domain::product::{NewProduct, Product, ProductChanges, StockChange};
use crate::domain::reservation::{
    Rejection, RejectionReason, RequestedLine, ReservationState, ReservedLine, Settlement,
};
use crate::domain::values::{OrderId, Sku};
use crate::infrastructure::settings::{CURRENCY_VARIABLE, SettingsError, parse_currency};
use crate::infrastructure::sqlite::{DATABASE_LABEL, MIGRATIONS, SqliteStore};
use crate::ports::{Store, StoreError};

thread_local! {
    static DATABASE: Database = const { Database::new(DATABASE_LABEL, MIGRATIONS) };
    static CURRENCY: OnceCell<Currency> = const { OnceCell::new() };
}

fn with_store<T>(work: impl FnOnce(&SqliteStore<'_>) -> T) -> T {
    DATABASE.with(|database| work(&SqliteStore(database)))
}

/// The shop's currency; asks the host once per instance.
async fn currency() -> Result<Currency, SettingsError> {
    if let Some(currency) = CURRENCY.with(|cell| cell.get().copied()) {
        return Ok(currency);
    }
    let text = variables::get(CURRENCY_VARIABLE.to_owned()).await;
    let currency =
        parse_currency(&text.map_err(|error| SettingsError::Unreadable(error.to_string()))?)?;
    Ok(CURRENCY.with(|cell| *cell.get_or_init(|| currency)))
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
        sort: catalogue::Sort,
        page: catalogue::PageRequest,
    ) -> Result<catalogue::ProductPage, catalogue::ProductError> {
        let currency = catalogue_currency().await?;
        let page = PageRequest {
            page: page.page,
            limit: page.limit,
        };
        let list =
            with_store(|store| queries::list_products(store, filter.into(), sort.into(), page))?;
        Ok(catalogue::ProductPage {
            products: to_wit_products(list.products, currency),
            total: list.total,
        })
    }

    async fn update(
        id: String,
        changes: catalogue::ProductChanges,
        expected_version: Option<u64>,
    ) -> Result<catalogue::Product, catalogue::ProductError> {
        let currency = catalogue_currency().await?;
        let changes = ProductChanges::from(changes);
        let changed = with_store(|store| {
            commands::update_product(store, &SystemClock, &id, &changes, expected_version)
        })?;
        Ok(to_wit_product(changed, currency))
    }

    async fn delete(
        id: String,
        expected_version: Option<u64>,
    ) -> Result<(), catalogue::ProductError> {
        Ok(with_store(|store| {
            commands::delete_product(store, &SystemClock, &id, expected_version)
        })?)
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

    async fn ready() -> Result<(), catalogue::ProductError> {
        catalogue_currency().await?;
        with_store(|store| store.ready()).map_err(ProductError::from)?;
        Ok(())
    }
}

impl inventory::Guest for Component {
    async fn reserve(
        order_id: String,
        lines: Vec<inventory::Line>,
    ) -> Result<Vec<inventory::ReservedLine>, inventory::InventoryError> {
        let order_id = parse_order_id(&order_id)?;
        let to_line = |line: inventory::Line| RequestedLine {
            product_id: line.product_id,
            quantity: line.quantity,
        };
        let lines: Vec<_> = lines.into_iter().map(to_line).collect();
        let reserved =
            with_store(|store| commands::reserve_stock(store, &SystemClock, &order_id, &lines))?;
        Ok(reserved.into_iter().map(Into::into).collect())
    }

    async fn commit(order_id: String) -> Result<(), inventory::InventoryError> {
        settle(&order_id, Settlement::Commit)
    }

    async fn release(order_id: String) -> Result<(), inventory::InventoryError> {
        settle(&order_id, Settlement::Release)
    }

    async fn restock(order_id: String) -> Result<(), inventory::InventoryError> {
        settle(&order_id, Settlement::Restock)
    }
}

fn settle(order_id: &str, settlement: Settlement) -> Result<(), inventory::InventoryError> {
    let order_id = parse_order_id(order_id)?;
    Ok(with_store(|store| {
        commands::settle_reservation(store, &SystemClock, &order_id, settlement)
    })?)
}

fn parse_order_id(text: &str) -> Result<OrderId, InventoryError> {
    OrderId::parse(text)
        .ok_or_else(|| InventoryError::Contract("the order's id is no UUID".to_owned()))
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

impl From<catalogue::Filter> for Filter {
    fn from(filter: catalogue::Filter) -> Self {
        Self {
            min_price: filter.min_price.map(Money::from_units),
            max_price: filter.max_price.map(Money::from_units),
            in_stock: filter.in_stock,
        }
    }
}

impl From<catalogue::Sort> for Sort {
    fn from(sort: catalogue::Sort) -> Self {
        match sort {
            catalogue::Sort::NewestFirst => Self::NewestFirst,
            catalogue::Sort::OldestFirst => Self::OldestFirst,
            catalogue::Sort::NameAscending => Self::NameAscending,
            catalogue::Sort::NameDescending => Self::NameDescending,
            catalogue::Sort::PriceAscending => Self::PriceAscending,
            catalogue::Sort::PriceDescending => Self::PriceDescending,
        }
    }
}

impl From<ReservedLine> for inventory::ReservedLine {
    fn from(line: ReservedLine) -> Self {
        Self {
            product_id: line.product_id.as_str().to_owned(),
            name: line.name.as_str().to_owned(),
            unit_price: line.unit_price.amount().units(),
            quantity: line.quantity.units(),
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
            ProductError::Store(error) => {
                log_store_error(&error);
                if matches!(error, StoreError::Unavailable(_)) {
                    Self::Unavailable
                } else {
                    Self::Internal
                }
            }
        }
    }
}

impl From<InventoryError> for inventory::InventoryError {
    fn from(error: InventoryError) -> Self {
        match error {
            InventoryError::Rejected(lines) => {
                Self::Rejected(lines.into_iter().map(Into::into).collect())
            }
            InventoryError::Conflict(state) => Self::Conflict(state.into()),
            InventoryError::NotFound => Self::NotFound,
            InventoryError::Contract(_) => {
                log::error(
                    "a request to the inventory was refused",
                    &[("error", &error.to_string())],
                );
                Self::Internal
            }
            InventoryError::Store(error) => {
                log_store_error(&error);
                if matches!(error, StoreError::Unavailable(_)) {
                    Self::Unavailable
                } else {
                    Self::Internal
                }
            }
        }
    }
}

fn log_store_error(error: &StoreError) {
    let text = error.to_string();
    let fields = [("database", DATABASE_LABEL), ("error", text.as_str())];
    match error {
        StoreError::Unavailable(_) => log::warn("the products database did not answer", &fields),
        StoreError::Fault(_) => log::error("the products database failed", &fields),
    }
}

impl From<Rejection> for inventory::Rejection {
    fn from(rejection: Rejection) -> Self {
        Self {
            product_id: rejection.product_id,
            reason: match rejection.reason {
                RejectionReason::UnknownProduct => inventory::RejectionReason::UnknownProduct,
                RejectionReason::InsufficientStock => inventory::RejectionReason::InsufficientStock,
            },
            requested: rejection.requested,
            available: rejection.available,
        }
    }
}

impl From<ReservationState> for inventory::ReservationState {
    fn from(state: ReservationState) -> Self {
        match state {
            ReservationState::Held => Self::Held,
            ReservationState::Committed => Self::Committed,
            ReservationState::Released => Self::Released,
            ReservationState::Restocked => Self::Restocked,
        }
    }
}
