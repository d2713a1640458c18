//! The bodies that clients send. The rules are the domain's.

use mercato_edge::{Amount, Fields, FromFields, body};
use mercato_kernel::{CheckoutId, OrderId};
use mercato_quote_view::line_body;
use orders::domain::{Line, OrderStatus, QuoteId};
use utoipa::ToSchema;

/// What is ordered: products, or a checkout.
#[derive(Debug, ToSchema)]
#[serde(untagged)]
#[schema(as = OrderRequest)]
pub enum OrderBody {
    /// Products, at the prices of the catalogue.
    Items(NewOrder),
    /// A checkout, for what its customer saw.
    Checkout(NewCheckoutOrder),
}

impl FromFields for OrderBody {
    const NAMES: &'static [&'static str] = NewOrder::NAMES;

    fn from_fields(fields: &mut Fields) -> Self {
        if fields.contains(CHECKOUT) {
            return Self::Checkout(NewCheckoutOrder::from_fields(fields));
        }
        if fields.contains(ITEMS) {
            return Self::Items(NewOrder::from_fields(fields));
        }
        let rest =
            "is required, or checkout and quote: products, or a checkout as its customer saw it";
        fields.reject(ITEMS, "required", rest);
        Self::Items(NewOrder {
            items: Vec::new(),
            expected_total: fields.optional("expectedTotal"),
            replaces: fields.optional("replaces"),
        })
    }
}

/// The member that tells an order of a checkout from one of products.
const CHECKOUT: &str = "checkout";

/// The member that an order of products has.
const ITEMS: &str = "items";

/// A checkout as its customer saw it.
#[body]
#[derive(Debug)]
pub struct NewCheckoutOrder {
    /// The checkout, of the account or of the guest whose token comes with the request.
    pub checkout: CheckoutId,
    /// The `quote` that the customer saw. With another one nothing is ordered.
    pub quote: QuoteId,
}

/// What is ordered.
#[body]
#[derive(Debug)]
pub struct NewOrder {
    /// 1 to 100 lines as sent. Lines of the same product are then merged; their quantities together must not exceed 10,000.
    #[schema(min_items = 1, max_items = 100)]
    pub items: Vec<NewOrderLine>,
    /// The total that the customer saw: `totalAmount`, or what it comes to in the currency's minor unit. With another one nothing
    /// is ordered.
    pub expected_total: Option<Amount>,
    /// A `PENDING` order of one's own that ends before this one begins: its units are free then, and nobody can pay it any more.
    pub replaces: Option<OrderId>,
}

line_body! {
    /// So many units of one product without options, or of one variant.
    #[body(as = NewOrderLine, either(product_id, variant_id))]
    #[derive(Debug)]
    NewOrderLine
}

impl From<NewOrderLine> for Line {
    fn from(line: NewOrderLine) -> Self {
        Self {
            product_id: line.product_id(),
            quantity: line.quantity,
        }
    }
}

/// What an order should become.
#[body(as = OrderStatusPatch)]
#[derive(Debug, PartialEq, Eq)]
pub struct StatusChange {
    pub status: OrderStatus,
    /// Why, for the order's history; a sentence of ours when absent or empty.
    #[schema(
        value_type = String,
        required = false,
        max_length = 500,
        pattern = r"^[^\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]*$",
        example = "Ordered twice"
    )]
    pub reason: Option<String>,
}

#[cfg(test)]
mod tests {
    use mercato_edge::Problem;
    use mercato_edge::examples::from_json;
    use mercato_money::Money;

    use super::*;

    fn named(problem: &Problem) -> Vec<String> {
        let document = problem.document("/", "r", "t");
        let errors = document["errors"].as_array().unwrap();
        errors
            .iter()
            .map(|error| error["field"].as_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn an_order_is_a_list_of_lines() {
        let order = from_json::<NewOrder>(
            r#"{"items":[
                {"productId":"01890a5d-ac96-774b-bcce-b302099a8057","quantity":2},
                {"productId":"01890a5d-ac96-774b-bcce-b302099a8058","quantity":10000}]}"#,
        );
        let order = order.unwrap();
        assert_eq!((order.expected_total, order.replaces), (None, None));
        let pairs: Vec<_> = order
            .items
            .into_iter()
            .map(Line::from)
            .map(|line| (line.product_id.to_string(), line.quantity.get()))
            .collect();
        let id = |end| format!("01890a5d-ac96-774b-bcce-b302099a805{end}");
        assert_eq!(pairs, [(id(7), 2), (id(8), 10_000)]);
    }

    #[test]
    fn a_line_names_what_it_is_of_by_one_of_two_names() {
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        let order = |names: &str| {
            from_json::<NewOrder>(&format!(r#"{{"items":[{{{names}"quantity":1}}]}}"#))
        };
        for name in ["productId", "variantId"] {
            let line = order(&format!(r#""{name}":"{id}","#))
                .unwrap()
                .items
                .remove(0);
            assert_eq!(Line::from(line).product_id.to_string(), id);
        }
        for (names, field, code) in [
            (String::new(), "items[0].productId", "required"),
            (
                format!(r#""productId":"{id}","variantId":"{id}","#),
                "items[0].variantId",
                "exclusive",
            ),
            (
                r#""variantId":null,"#.to_owned(),
                "items[0].variantId",
                "type",
            ),
        ] {
            let problem = order(&names).unwrap_err();
            let document = problem.document("/", "r", "t");
            let error = &document["errors"][0];
            assert_eq!(
                (&error["field"], &error["code"]),
                (&field.into(), &code.into())
            );
            assert_eq!(
                document["errors"].as_array().unwrap().len(),
                1,
                "{document}"
            );
        }
    }

    #[test]
    fn an_order_may_say_its_total_and_which_one_it_replaces() {
        let body = |more: &str| {
            let line = r#"{"productId":"01890a5d-ac96-774b-bcce-b302099a8057","quantity":2}"#;
            from_json::<NewOrder>(&format!(r#"{{"items":[{line}],{more}}}"#))
        };
        let id = "01890a5d-ac96-774b-bcce-b302099a8058";
        let order = body(&format!(r#""expectedTotal":12.5,"replaces":"{id}""#)).unwrap();
        assert_eq!(
            (order.expected_total, order.replaces),
            (
                Some(Amount(Money::from_units(125_000))),
                OrderId::parse(id).ok()
            )
        );
        for wrong in [
            r#""expectedTotal":-1"#,
            r#""expectedTotal":1.00001"#,
            r#""expectedTotal":"12""#,
            r#""expectedTotal":null"#,
            r#""replaces":"M-1""#,
            r#""replaces":null"#,
        ] {
            let named = named(&body(wrong).unwrap_err());
            assert!(wrong.contains(&named[0]) && named.len() == 1, "{wrong}");
        }
    }

    #[test]
    fn an_order_of_a_checkout_names_its_quote() {
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        let quote = format!("q_{}", "0".repeat(40));
        let body = format!(r#"{{"checkout":"{id}","quote":"{quote}"}}"#);
        let OrderBody::Checkout(order) = from_json(&body).unwrap() else {
            panic!("items")
        };
        assert_eq!(order.checkout.to_string(), id);
        assert_eq!(order.quote.as_str(), quote);
        for (body, expected) in [
            (r#"{"checkout":"7"}"#.to_owned(), vec!["checkout", "quote"]),
            (
                format!(r#"{{"checkout":"{id}","quote":"q_7"}}"#),
                vec!["quote"],
            ),
            (
                format!(r#"{{"checkout":"{id}","quote":"{quote}","items":[],"replaces":"{id}"}}"#),
                vec!["items", "replaces"],
            ),
            ("{}".to_owned(), vec!["items"]),
            (format!(r#"{{"quote":"{quote}"}}"#), vec!["items", "quote"]),
        ] {
            assert_eq!(
                named(&from_json::<OrderBody>(&body).unwrap_err()),
                expected,
                "{body}"
            );
        }
    }

    #[test]
    fn an_empty_order_says_what_can_be_ordered() {
        for body in [
            "{}",
            r#"{"expectedTotal":1,"replaces":"01890a5d-ac96-774b-bcce-b302099a8057"}"#,
        ] {
            let problem = from_json::<OrderBody>(body).unwrap_err();
            let document = problem.document("/", "r", "t");
            let errors = document["errors"].as_array().unwrap();
            assert_eq!(errors.len(), 1, "{document}");
            assert_eq!(errors[0]["code"], "required");
            let message = errors[0]["message"].as_str().unwrap();
            assert!(
                message.starts_with("items is required, or checkout and quote"),
                "{message}"
            );
        }
    }

    #[test]
    fn every_wrong_field_of_an_order_is_named() {
        let body = r#"{"items":[{"productId":"a","quantity":1.5},{"quantity":-1,"price":0}],"coupon":"x"}"#;
        let expected = [
            "items[0].productId",
            "items[0].quantity",
            "items[1].productId",
            "items[1].quantity",
            "items[1].price",
            "coupon",
        ];
        assert_eq!(named(&from_json::<NewOrder>(body).unwrap_err()), expected);
        assert_eq!(named(&from_json::<NewOrder>("{}").unwrap_err()), ["items"]);
    }

    #[test]
    fn a_change_names_a_status() {
        assert_eq!(
            from_json::<StatusChange>(r#"{"status":"delivered","reason":"by hand"}"#).unwrap(),
            StatusChange {
                status: OrderStatus::Delivered,
                reason: Some("by hand".to_owned()),
            }
        );
        assert_eq!(
            named(&from_json::<StatusChange>(r#"{"status":"OPEN","to":1}"#).unwrap_err()),
            ["status", "to"]
        );
        assert_eq!(
            named(&from_json::<StatusChange>(r#"{"reason":null}"#).unwrap_err()),
            ["status", "reason"]
        );
    }
}
