//! The bodies that clients send. The rules are the domain's.

use mercato_edge::{Amount, body};
use mercato_kernel::{OrderId, ProductId};
use orders::domain::{Line, OrderStatus, Quantity};

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

/// So many units of one product.
#[body]
#[derive(Debug)]
pub struct NewOrderLine {
    product_id: ProductId,
    #[schema(value_type = u32, minimum = 1, maximum = 10_000, example = 2)]
    quantity: Quantity,
}

impl From<NewOrderLine> for Line {
    fn from(line: NewOrderLine) -> Self {
        Self {
            product_id: line.product_id,
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
