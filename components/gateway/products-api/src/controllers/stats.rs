use mercato_edge::{Context, Problem, Reply};
use serde::Serialize;

use crate::bindings::mercato::products::catalogue::{self, CatalogueStats};
use crate::problems::problem;
use crate::resource::{ProductResource, Viewer, resources};

/// `GET /products/stats`: what an admin must buy soon.
pub async fn stats(context: Context) -> Result<Reply, Problem> {
    context.query().finish()?;
    let stats = catalogue::stats().await.map_err(problem)?;
    Reply::json(&StatsResource::new(&stats))
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct StatsResource<'a> {
    products: u64,
    out_of_stock: u64,
    low_stock_threshold: u64,
    low_stock: Vec<ProductResource<'a>>,
}

impl<'a> StatsResource<'a> {
    fn new(stats: &'a CatalogueStats) -> Self {
        Self {
            products: stats.products,
            out_of_stock: stats.out_of_stock,
            low_stock_threshold: stats.low_stock_threshold,
            low_stock: resources(&stats.low_stock, Viewer::Admin),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::tests::tea;

    #[test]
    fn the_members_are_those_of_the_api() {
        let stats = CatalogueStats {
            products: 9,
            out_of_stock: 1,
            low_stock: vec![tea()],
            low_stock_threshold: 10,
        };
        let value = serde_json::to_value(StatsResource::new(&stats)).unwrap();
        assert_eq!(value["products"], 9);
        assert_eq!(value["outOfStock"], 1);
        assert_eq!(value["lowStockThreshold"], 10);
        assert_eq!(value["lowStock"][0]["reserved"], 2);
    }
}
