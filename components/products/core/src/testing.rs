//! A shop on a database in memory with its use cases at hand, for tests.

use std::cell::Cell;

use mercato_sql::{Error, params};
use mercato_testing::CountingIds;

use crate::application::commands::import_products::{ImportRow, RowOutcome};
use crate::application::commands::{
    create_category, create_product, delete_product, import_products, purge_reservations,
    reserve_stock, settle_reservations, update_product,
};
use crate::application::ports::{Clock, Store as _};
use crate::application::queries::{list_categories, list_products};
use crate::domain::category::{CategoryChanges, CategoryKey, CategoryView};
use crate::domain::error::ProductError;
use crate::domain::facet::Facet;
use crate::domain::listing::{Filter, Sort, SortKey};
use crate::domain::presentation::Status;
use crate::domain::product::{ProductChanges, ProductView, Seen, StockChange};
use crate::domain::reservation::{InventoryError, RequestedLine, ReservedLine, Settlement};
use crate::domain::search::FoundPage;
use crate::domain::stock::Stock;
use crate::instance::Products;
use crate::store::SqlStore;
use mercato_kernel::{CheckoutId, OrderId, Page, PageRequest, ProductId};

/// A clock that goes on by one millisecond each time it is read.
#[derive(Default)]
pub struct TickingClock(Cell<u64>);

impl Clock for TickingClock {
    fn now_ms(&self) -> u64 {
        self.0.set(self.0.get() + 1);
        self.0.get()
    }
}

/// A shop on a database of its own.
pub struct Shop {
    /// Its ports.
    pub products: Products<TickingClock, CountingIds>,
}

impl Shop {
    /// An empty shop.
    pub fn new() -> Self {
        Self::with(SqlStore::for_test())
    }

    /// An empty shop on SQLite, for tests of how that goes about statements.
    pub fn on_sqlite() -> Self {
        Self::with(SqlStore::on_sqlite())
    }

    /// A shop on that database.
    pub fn with(store: SqlStore) -> Self {
        let mut products = Products::new(TickingClock::default(), CountingIds::default());
        products.store = store;
        Self { products }
    }

    /// Adds a product.
    pub fn create(&self, new: &ProductChanges) -> Result<ProductView, ProductError> {
        create_product::handle(&self.products, new)
    }

    /// Adds a product of that name and price.
    pub fn add(&self, name: &str, price: &str, stock: u64) -> ProductView {
        let price = Some(price.parse().unwrap());
        self.create(&ProductChanges {
            price,
            ..new_product(name, stock)
        })
        .unwrap()
    }

    /// Adds a category, at the top or inside of another one.
    pub fn category(&self, name: &str, parent: Option<&CategoryView>) -> CategoryView {
        let more = CategoryChanges {
            parent: Some(parent.map(|parent| parent.id)),
            ..CategoryChanges::default()
        };
        create_category::handle(&self.products, &name.parse().unwrap(), &more).unwrap()
    }

    /// The paths of all categories in their order.
    pub fn category_paths(&self) -> Vec<String> {
        let all = list_categories::handle(&self.products).unwrap();
        all.iter().map(|one| one.path.as_str().to_owned()).collect()
    }

    /// The names of the products that a category and those inside of it have, in their order.
    pub fn names_in(&self, category: &CategoryView) -> Vec<String> {
        let filter = Filter {
            category: Some(CategoryKey::Id(category.id)),
            ..Filter::default()
        };
        let request = PageRequest {
            page: 1,
            limit: 100,
            after: None,
        };
        let page = self.list(&filter, Some(Sort::ascending(SortKey::Name)), request);
        let page = page.unwrap();
        let names: Vec<_> = page
            .entries
            .iter()
            .map(|one| one.name.as_str().to_owned())
            .collect();
        assert_eq!(page.total.entries, names.len() as u64);
        names
    }

    /// Changes a product.
    pub fn update(
        &self,
        product: &ProductView,
        changes: &ProductChanges,
        seen: Option<Seen>,
    ) -> Result<ProductView, ProductError> {
        let id = product.id;
        update_product::handle(
            &self.products,
            &update_product::Command { id, changes, seen },
        )
    }

    /// Deletes a product.
    pub fn delete(&self, product: &ProductView, seen: Option<Seen>) -> Result<(), ProductError> {
        let id = product.id;
        delete_product::handle(&self.products, &delete_product::Command { id, seen })
    }

    /// Imports rows of a price list.
    pub fn import(&self, rows: &[ProductChanges]) -> Result<Vec<RowOutcome>, ProductError> {
        let rows: Vec<ImportRow> = rows.iter().cloned().map(Into::into).collect();
        import_products::handle(&self.products, &rows)
    }

    /// One page of the catalogue.
    pub fn list(
        &self,
        filter: &Filter,
        sort: Option<Sort>,
        page: PageRequest,
    ) -> Result<Page<ProductView>, ProductError> {
        Ok(self.find_counted(filter, &[], sort, page)?.page)
    }

    /// One page of the catalogue, with counts of facets.
    pub fn find_counted(
        &self,
        filter: &Filter,
        facets: &[Facet],
        sort: Option<Sort>,
        page: PageRequest,
    ) -> Result<FoundPage, ProductError> {
        let query = list_products::Query {
            filter: filter.clone(),
            facets: facets.to_vec(),
            sort,
            page,
        };
        list_products::handle(&self.products, query)
    }

    /// Reserves lines for an order.
    pub fn reserve(
        &self,
        number: u64,
        lines: &[RequestedLine],
    ) -> Result<Vec<ReservedLine>, InventoryError> {
        self.reserve_for(None, number, lines)
    }

    /// Reserves lines for an order of a checkout.
    pub fn reserve_for(
        &self,
        checkout_id: Option<CheckoutId>,
        number: u64,
        lines: &[RequestedLine],
    ) -> Result<Vec<ReservedLine>, InventoryError> {
        let command = reserve_stock::Command {
            order_id: order(number),
            checkout_id,
            lines,
        };
        reserve_stock::handle(&self.products, &command)
    }

    /// Ends the reservation of an order.
    pub fn settle(&self, number: u64, settlement: Settlement) -> Result<(), InventoryError> {
        settle_reservations::handle_one(&self.products, order(number), settlement)
    }

    /// Ends the reservations of several orders.
    pub fn settle_all(
        &self,
        order_ids: &[OrderId],
        settlement: Settlement,
    ) -> Result<Vec<Result<(), InventoryError>>, InventoryError> {
        let command = settle_reservations::Command {
            order_ids,
            settlement,
        };
        settle_reservations::handle(&self.products, &command)
    }

    /// Removes old reservations.
    pub fn purge(&self, released_for_ms: u64, limit: u32) -> Result<u64, InventoryError> {
        let command = purge_reservations::Command {
            released_for_ms,
            limit,
        };
        purge_reservations::handle(&self.products, &command)
    }

    /// A product as it is now, unless it is deleted.
    pub fn find(&self, product: &ProductView) -> Option<ProductView> {
        self.products.store.product(product.id).unwrap()
    }

    /// All products that are not deleted, oldest first.
    pub fn all(&self) -> Vec<ProductView> {
        let ids = self.texts(
            "SELECT id FROM products WHERE deleted_at IS NULL AND variant_of IS NULL ORDER BY id",
        );
        let find = |id: &str| self.products.store.product(ProductId::parse(id).unwrap());
        ids.iter().map(|id| find(id).unwrap().unwrap()).collect()
    }

    /// Where the units of a product are now, deleted or not.
    pub fn stock(&self, product: &ProductView) -> Stock {
        let id = product.id;
        let units =
            |column: &str| self.number(&format!("SELECT {column} FROM products WHERE id = '{id}'"));
        Stock::restore(units("stock"), units("reserved"), units("sold"))
    }

    /// What the stock book says was put in, less what was taken out.
    pub fn book_total(&self) -> u64 {
        self.number(
            "SELECT CAST(COALESCE(SUM(free_after - free_before), 0) AS BIGINT) FROM stock_book",
        )
    }

    /// The name of the state in which the reservation of an order is.
    pub fn state(&self, number: u64) -> Option<String> {
        let id = order(number);
        let query = format!("SELECT state FROM reservations WHERE order_id = '{id}'");
        self.texts(&query).pop()
    }

    /// How many statements that runs.
    pub fn statements(&self, work: impl FnOnce()) -> u64 {
        let count = || self.products.store.0.statements();
        let before = count();
        work();
        count() - before
    }

    /// What the statements of that take, in steps of SQLite's virtual machine.
    pub fn steps(&self, work: impl FnOnce()) -> u64 {
        let count = || self.products.store.0.steps();
        let before = count();
        work();
        count() - before
    }

    /// The number that a query gives.
    pub fn number(&self, sql: &str) -> u64 {
        let read = |connection: &mercato_sql::Connection| connection.query_one(sql, params![]);
        let row = self.products.store.0.read::<_, Error>(read);
        row.unwrap().unwrap().get(0).unwrap()
    }

    /// As if nobody had made the words of products yet, which are found by words of ASCII then.
    pub fn forget_words(&self) {
        let forget = |connection: &mercato_sql::Connection| {
            let forgotten = "UPDATE catalogue_entries SET words_version = 0";
            connection.execute(forgotten, params![])
        };
        let locks = mercato_sql::Locks::name("test", "");
        self.products
            .store
            .0
            .write::<_, Error>(locks, forget)
            .unwrap();
    }

    fn texts(&self, sql: &str) -> Vec<String> {
        let read = |connection: &mercato_sql::Connection| connection.query(sql, params![]);
        let rows = self.products.store.0.read::<_, Error>(read).unwrap();
        rows.iter().map(|row| row.get(0).unwrap()).collect()
    }
}

/// A product that costs 4.99, without a number.
pub fn new_product(name: &str, stock: u64) -> ProductChanges {
    ProductChanges {
        name: Some(name.parse().unwrap()),
        price: Some("4.99".parse().unwrap()),
        stock: Some(StockChange::Absolute(stock)),
        ..ProductChanges::default()
    }
}

/// A product with that number, of which there is one.
pub fn numbered(name: &str, sku: &str) -> ProductChanges {
    ProductChanges {
        sku: Some(Some(sku.parse().unwrap())),
        ..new_product(name, 1)
    }
}

/// A product in these categories.
pub fn in_categories(product: ProductChanges, categories: &[&CategoryView]) -> ProductChanges {
    let ids = categories.iter().map(|category| category.id);
    ProductChanges {
        categories: Some(ids.collect()),
        ..product
    }
}

/// The change to that status.
pub fn set(status: Status) -> ProductChanges {
    ProductChanges {
        status: Some(status),
        ..ProductChanges::default()
    }
}

/// A line of a request.
pub fn line(product: &ProductView, quantity: u32) -> RequestedLine {
    RequestedLine {
        product_id: product.id.to_string(),
        quantity,
        expected_price: None,
    }
}

/// What an admin sees of a product.
pub fn seen(product: &ProductView) -> Seen {
    let (free, of_orders) = product.counts();
    Seen {
        version: product.version,
        free,
        of_orders: Some(of_orders),
    }
}

/// The order of that number.
pub fn order(number: u64) -> OrderId {
    OrderId::parse(&format!("01890a5d-ac96-774b-bccf-{number:012x}")).unwrap()
}
