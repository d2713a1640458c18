//! What the customer should know about a quote.

use checkout::domain::CodeProblem;
use checkout::domain::quote::Message;
use mercato_edge::Price;
use mercato_kernel::ProductId;
use serde::Serialize;
use utoipa::ToSchema;

/// What the customer should know. `insufficient-stock` and `unknown-product` stand in the way of an order; the others do not.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CheckoutMessage)]
pub struct MessageResource {
    code: MessageCode,
    /// Which of the `lines`, counted from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, example = 0)]
    line: Option<usize>,
    /// With `unknown-product`: which one; it is in no line.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    product_id: Option<ProductId>,
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
    /// Nothing that is offered fits where the order goes, what it weighs or what it is worth.
    NoShippingOption,
    /// The option that was chosen is not offered any more.
    ShippingOptionGone,
}

impl MessageResource {
    const fn new(code: MessageCode) -> Self {
        Self {
            code,
            line: None,
            product_id: None,
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
        }
    }
}

impl From<Message> for MessageResource {
    fn from(message: Message) -> Self {
        match message {
            Message::PriceChanged { line, was, is } => Self {
                line: Some(line),
                was: Some(was.into()),
                is: Some(is.into()),
                ..Self::new(MessageCode::PriceChanged)
            },
            Message::InsufficientStock { line, available } => Self {
                line: Some(line),
                available: Some(available),
                ..Self::new(MessageCode::InsufficientStock)
            },
            Message::UnknownProduct { product_id } => Self {
                product_id: Some(product_id),
                ..Self::new(MessageCode::UnknownProduct)
            },
            Message::Code { code, problem } => Self {
                discount_code: Some(code),
                ..Self::new(problem.into())
            },
            Message::NoShippingOption => Self::new(MessageCode::NoShippingOption),
            Message::ShippingOptionGone { code } => Self {
                shipping_option: Some(code),
                ..Self::new(MessageCode::ShippingOptionGone)
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_message_has_a_code_and_what_belongs_to_it() {
        let shown =
            |message: Message| serde_json::to_value(MessageResource::from(message)).unwrap();
        let (was, is) = ("9.5".parse().unwrap(), "11.9".parse().unwrap());
        assert_eq!(
            shown(Message::PriceChanged { line: 0, was, is }),
            json!({"code": "price-changed", "line": 0, "was": 9.5, "is": 11.9})
        );
        let available = 1;
        assert_eq!(
            shown(Message::InsufficientStock { line: 1, available }),
            json!({"code": "insufficient-stock", "line": 1, "available": 1})
        );
        let problem = CodeProblem::UsedUp;
        let code = "TEN".to_owned();
        assert_eq!(
            shown(Message::Code { code, problem }),
            json!({"code": "code-used-up", "discountCode": "TEN"})
        );
        assert_eq!(
            shown(Message::NoShippingOption),
            json!({"code": "no-shipping-option"})
        );
    }
}
