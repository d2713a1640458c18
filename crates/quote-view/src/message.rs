//! What the customer should know about a quote.

use mercato_contracts::checkout::types::{CodeProblem, Message};
use mercato_edge::{Price, Problem};
use mercato_kernel::ProductId;
use mercato_money::Money;
use serde::Serialize;
use utoipa::ToSchema;

use crate::not_shown;

/// What the customer should know. `insufficient-stock` and `unknown-product` stand in the way of an order; the others do not.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CheckoutMessage)]
pub struct MessageView {
    code: MessageCode,
    /// Which of the `lines`, counted from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, example = 0)]
    line: Option<u32>,
    /// With `unknown-product`: which one; it is in no line.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    product_id: Option<ProductId>,
    /// The other name of `productId`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    variant_id: Option<ProductId>,
    /// With `price-changed`: the price when the customer last changed something.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    was: Option<Price>,
    /// With `price-changed`: the price now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    is: Option<Price>,
    /// With `insufficient-stock`: units there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, example = 1)]
    available: Option<u64>,
    /// With `code-…`: which discount code.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "ROAST10")]
    discount_code: Option<String>,
    /// With `shipping-option-gone`: which one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "at-post")]
    shipping_option: Option<String>,
}

/// What it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = CheckoutMessageCode)]
pub enum MessageCode {
    /// A price is another one than when the customer last changed something.
    PriceChanged,
    /// There are fewer units.
    InsufficientStock,
    /// The catalogue does not have the product any more.
    UnknownProduct,
    /// There is no such discount code.
    CodeUnknown,
    /// Its time is over.
    CodeExpired,
    /// It was used as often as it may be, in all or by this customer.
    CodeUsedUp,
    /// It cannot stand beside those before it.
    CodeNotCombinable,
    /// The lines are worth less than it asks for.
    CodeBelowMinimum,
    /// It is for none of the lines.
    CodeNotApplicable,
    /// There is nothing that it could take off: others have taken all of it, or shipping costs nothing anyway.
    CodeNoEffect,
    /// Nothing that is offered fits where the order goes, what it weighs or what it is worth.
    NoShippingOption,
    /// The option that was chosen is not offered any more.
    ShippingOptionGone,
}

impl MessageView {
    const fn new(code: MessageCode) -> Self {
        Self {
            code,
            line: None,
            product_id: None,
            variant_id: None,
            was: None,
            is: None,
            available: None,
            discount_code: None,
            shipping_option: None,
        }
    }
}

impl From<CodeProblem> for MessageCode {
    fn from(problem: CodeProblem) -> Self {
        match problem {
            CodeProblem::Unknown => Self::CodeUnknown,
            CodeProblem::Expired => Self::CodeExpired,
            CodeProblem::UsedUp => Self::CodeUsedUp,
            CodeProblem::NotCombinable => Self::CodeNotCombinable,
            CodeProblem::BelowMinimum => Self::CodeBelowMinimum,
            CodeProblem::NotApplicable => Self::CodeNotApplicable,
            CodeProblem::NoEffect => Self::CodeNoEffect,
        }
    }
}

impl MessageView {
    /// A message as its customer sees it.
    ///
    /// # Errors
    /// 500 when it names what is no product.
    pub fn shown(message: Message) -> Result<Self, Problem> {
        Ok(match message {
            Message::PriceChanged(change) => Self {
                line: Some(change.line),
                was: Some(Money::from_units(change.was).into()),
                is: Some(Money::from_units(change.now).into()),
                ..Self::new(MessageCode::PriceChanged)
            },
            Message::InsufficientStock(shortage) => Self {
                line: Some(shortage.line),
                available: Some(shortage.available),
                ..Self::new(MessageCode::InsufficientStock)
            },
            Message::UnknownProduct(id) => {
                let id = Some(ProductId::parse(&id).map_err(not_shown)?);
                Self {
                    product_id: id,
                    variant_id: id,
                    ..Self::new(MessageCode::UnknownProduct)
                }
            }
            Message::Code(idle) => Self {
                discount_code: Some(idle.code),
                ..Self::new(idle.problem.into())
            },
            Message::NoShippingOption => Self::new(MessageCode::NoShippingOption),
            Message::ShippingOptionGone(code) => Self {
                shipping_option: Some(code),
                ..Self::new(MessageCode::ShippingOptionGone)
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use mercato_contracts::checkout::types::{IdleCode, PriceChange, Shortage};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_message_has_a_code_and_what_belongs_to_it() {
        let shown =
            |message: Message| serde_json::to_value(MessageView::shown(message).unwrap()).unwrap();
        let change = PriceChange {
            line: 0,
            was: 95_000,
            now: 119_000,
        };
        assert_eq!(
            shown(Message::PriceChanged(change)),
            json!({"code": "price-changed", "line": 0, "was": 9.5, "is": 11.9})
        );
        let shortage = Shortage {
            line: 1,
            available: 1,
        };
        assert_eq!(
            shown(Message::InsufficientStock(shortage)),
            json!({"code": "insufficient-stock", "line": 1, "available": 1})
        );
        for (problem, code) in [
            (CodeProblem::UsedUp, "code-used-up"),
            (CodeProblem::NoEffect, "code-no-effect"),
        ] {
            let idle = IdleCode {
                code: "TEN".to_owned(),
                problem,
            };
            assert_eq!(
                shown(Message::Code(idle)),
                json!({"code": code, "discountCode": "TEN"})
            );
        }
        assert_eq!(
            shown(Message::NoShippingOption),
            json!({"code": "no-shipping-option"})
        );
        let id = "019c0e3c-edc0-7d3a-bcac-d34e0ddd853b";
        assert_eq!(
            shown(Message::UnknownProduct(id.to_owned())),
            json!({"code": "unknown-product", "productId": id, "variantId": id})
        );
        assert!(MessageView::shown(Message::UnknownProduct("7".to_owned())).is_err());
    }
}
