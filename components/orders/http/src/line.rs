//! Lines of orders that have a name and a price.

use mercato_edge::Price;
use mercato_kernel::ProductId;
use mercato_quote_view::ChoiceView;
use orders::domain::{LineProblem, OrderItem, Quantity, RejectedLine};
use serde::Serialize;
use utoipa::ToSchema;

/// A line as it was at some moment. Lines of different moments differ in nothing but what is said of that.
macro_rules! line {
    (
        $(#[$line_is:meta])* $line:ident as $schema:ident {
            $(#[$name_is:meta])* name,
            $(#[$price_is:meta])* price,
        }
    ) => {
        $(#[$line_is])*
        #[derive(Debug, Serialize, ToSchema)]
        #[serde(rename_all = "camelCase")]
        #[schema(as = $schema)]
        pub struct $line {
            product_id: ProductId,
            /// The other name of `productId`.
            variant_id: ProductId,
            $(#[$name_is])*
            #[schema(min_length = 1, max_length = 200, example = "Espresso cup")]
            name: String,
            /// What was chosen of the product's options, in their order; empty for a product without options.
            #[schema(max_items = 3)]
            options: Vec<ChoiceView>,
            $(#[$price_is])*
            price: Price,
            #[schema(value_type = u32, minimum = 1, maximum = 10_000, example = 2)]
            quantity: Quantity,
        }

        impl From<OrderItem> for $line {
            fn from(item: OrderItem) -> Self {
                Self {
                    product_id: item.product_id,
                    variant_id: item.product_id,
                    name: item.name,
                    options: item.choices.into_iter().map(Into::into).collect(),
                    price: item.unit_price.into(),
                    quantity: item.quantity,
                }
            }
        }
    };
}

line! {
    /// A line of an order.
    ItemResource as OrderItem {
        /// The product's name when it was ordered.
        name,
        /// Price of one unit when it was ordered.
        price,
    }
}

line! {
    /// A line of an order whose total is not the expected one.
    PricedLine as PricedLine {
        /// The product's name as it is now.
        name,
        /// Price of one unit as it is now.
        price,
    }
}

/// A line that cannot be served.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RejectedLine)]
pub struct RejectedResource {
    product_id: ProductId,
    /// The other name of `productId`.
    variant_id: ProductId,
    code: LineProblem,
    /// Units asked for, lines of the same product together.
    #[schema(minimum = 1, maximum = 10_000, example = 3)]
    requested: u32,
    /// Units there are; 0 for an unknown product.
    #[schema(minimum = 0, example = 1)]
    available: u64,
}

impl From<RejectedLine> for RejectedResource {
    fn from(line: RejectedLine) -> Self {
        Self {
            product_id: line.product_id,
            variant_id: line.product_id,
            code: line.code,
            requested: line.requested,
            available: line.available,
        }
    }
}
