//! What a line is of, as clients send and see it: a product without options, or a variant of one.

use mercato_contracts::checkout::types::Choice;
use serde::Serialize;
use utoipa::ToSchema;

/// Makes a struct a body that says how many units of which product or variant, and gives it `product_id` and `quantity`. Use it with
/// `#[body(either(product_id, variant_id))]` of the edge library among the attributes.
#[macro_export]
macro_rules! line_body {
    ($(#[$attribute:meta])* $name:ident) => {
        $(#[$attribute])*
        pub struct $name {
            /// A product without options, or a variant.
            product_id: Option<::mercato_kernel::ProductId>,
            /// The other name of `productId`.
            variant_id: Option<::mercato_kernel::ProductId>,
            #[schema(value_type = u32, minimum = 1, maximum = 10_000, example = 2)]
            quantity: ::mercato_kernel::Quantity,
        }

        impl $name {
            /// What was asked for: a body with neither name is refused before anybody asks.
            fn product_id(&self) -> ::mercato_kernel::ProductId {
                let named = self.product_id.or(self.variant_id);
                named.unwrap_or_else(<::mercato_kernel::ProductId as ::mercato_kernel::FromJson>::placeholder)
            }
        }
    };
}

/// The value that a variant has of one option.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Choice)]
pub struct ChoiceView {
    #[schema(min_length = 1, max_length = 50, example = "Size")]
    name: String,
    #[schema(min_length = 1, max_length = 100, example = "250 g")]
    value: String,
}

impl From<Choice> for ChoiceView {
    fn from(choice: Choice) -> Self {
        Self {
            name: choice.name,
            value: choice.value,
        }
    }
}
