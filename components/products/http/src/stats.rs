use mercato_edge::{Json, Problem, endpoint};
use mercato_money::Currency;
use products::application::ports::{LOW_STOCK_UNITS, StockStats};
use products::application::queries::stock_stats;
use serde::Serialize;
use utoipa::ToSchema;

use crate::problems::{currency, problem};
use crate::product::{Audience, ProductResource};

/// What runs out
///
/// The state of the stock as a whole, and the products that must be bought soon.
#[endpoint(
    GET "/api/v1/products/stats", access = Admin, tag = "Catalogue", id = "productStats",
    returns = "The state of the stock",
)]
pub async fn stats() -> Result<Json<StatsResource>, Problem> {
    let currency = currency().await?;
    let stats = stock_stats::handle(&*products::instance()).map_err(problem)?;
    Ok(Json(StatsResource::new(stats, currency)))
}

/// The state of the stock as a whole.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CatalogueStats)]
pub struct StatsResource {
    /// Products in the catalogue.
    #[schema(minimum = 0, example = 250)]
    products: u64,
    /// Those of them without a free unit.
    #[schema(minimum = 0, example = 3)]
    out_of_stock: u64,
    /// Free units from which on downwards a product counts as running out.
    #[schema(minimum = 0, example = 10)]
    low_stock_threshold: u64,
    /// Products that are running out, fewest units first.
    #[schema(max_items = 50)]
    low_stock: Vec<ProductResource>,
}

impl StatsResource {
    /// The numbers of the catalogue.
    pub fn new(stats: StockStats, currency: Currency) -> Self {
        let products = stats.low_stock.into_iter();
        let shown =
            products.map(|product| ProductResource::new(product, currency, Audience::Admins));
        Self {
            products: stats.products,
            out_of_stock: stats.out_of_stock,
            low_stock_threshold: LOW_STOCK_UNITS,
            low_stock: shown.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::product::tests::{euro, tea};

    #[test]
    fn the_members_are_those_of_the_api() {
        let stats = StockStats {
            products: 9,
            out_of_stock: 1,
            low_stock: vec![tea()],
        };
        let value = serde_json::to_value(StatsResource::new(stats, euro())).unwrap();
        assert_eq!(value["products"], 9);
        assert_eq!(value["outOfStock"], 1);
        assert_eq!(value["lowStockThreshold"], 10);
        assert_eq!(value["lowStock"][0]["reserved"], 2);
    }
}
