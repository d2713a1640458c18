use mercato_edge::{Json, Problem, endpoint};
use mercato_kernel::ProductId;
use mercato_money::Currency;
use products::application::ports::{LOW_STOCK_UNITS, StockStats};
use products::application::queries::stock_stats;
use serde::Serialize;
use utoipa::ToSchema;

use crate::problems::{currency, problem};
use crate::product::{Audience, ChoiceResource, ProductResource};

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
    /// Of what can be ordered, stocks without a free unit: of products without options, and of variants that have units of their own.
    #[schema(minimum = 0, example = 3)]
    out_of_stock: u64,
    /// Free units from which on downwards a stock counts as running out.
    #[schema(minimum = 0, example = 10)]
    low_stock_threshold: u64,
    /// Products and variants whose own stock is running out, fewest units first.
    #[schema(max_items = 50)]
    low_stock: Vec<LowStockResource>,
}

/// A stock that is running out: of a product, or of a variant, which is shown as its product with what is its own.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = LowStock)]
pub struct LowStockResource {
    #[serde(flatten)]
    product: ProductResource,
    /// The product that it is a variant of, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = ProductId, required = false)]
    variant_of: Option<ProductId>,
    /// What the variant has of its product's options.
    #[schema(max_items = 3)]
    choices: Vec<ChoiceResource>,
}

impl StatsResource {
    /// The numbers of the catalogue.
    pub fn new(stats: StockStats, currency: Currency) -> Self {
        let low = stats.low_stock.into_iter();
        let shown = low.map(|low| LowStockResource {
            product: ProductResource::new(low.product, currency, Audience::Admins),
            variant_of: low.variant_of,
            choices: low.choices.iter().map(Into::into).collect(),
        });
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
    use products::application::ports::LowStock;

    use super::*;
    use crate::product::tests::{euro, tea};

    #[test]
    fn the_members_are_those_of_the_api() {
        let stats = StockStats {
            products: 9,
            out_of_stock: 1,
            low_stock: vec![LowStock {
                product: tea(),
                variant_of: None,
                choices: vec![],
            }],
        };
        let value = serde_json::to_value(StatsResource::new(stats, euro())).unwrap();
        assert_eq!(value["products"], 9);
        assert_eq!(value["outOfStock"], 1);
        assert_eq!(value["lowStockThreshold"], 10);
        assert_eq!(value["lowStock"][0]["reserved"], 2);
    }
}
