//! The bodies that clients send.

use std::ops::RangeInclusive;

use mercato_edge::{Amount, Fields, Id, Problem};
use mercato_kernel::{OrderId, ProductId};
use mercato_money::Money;
use orders::domain::{LINES_MAX, Line, OrderStatus, QUANTITY_MAX, Quantity};
use utoipa::ToSchema;

use crate::status::{OrderStatusName, STATUS_RULE, parse_order_status};

/// Units in one line.
const QUANTITY: RangeInclusive<u32> = 1..=QUANTITY_MAX;

/// What is ordered.
#[derive(Debug, PartialEq, Eq, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct NewOrder {
    /// 1 to 100 lines as sent. Lines of the same product are then merged; their quantities together must not exceed 10,000.
    #[schema(value_type = Vec<NewOrderLine>, rename = "items", min_items = 1, max_items = 100)]
    pub lines: Vec<Line>,
    /// The total that the customer saw: `totalAmount`, or what it comes to in the currency's minor unit. With another one nothing
    /// is ordered.
    #[schema(value_type = Amount, required = false, nullable = false)]
    pub expected_total: Option<Money>,
    /// A `PENDING` order of one's own that ends before this one begins: its units are free then, and nobody can pay it any more.
    #[schema(value_type = Id, required = false, nullable = false)]
    pub replaces: Option<OrderId>,
}

/// So many units of one product.
#[derive(Debug, PartialEq, Eq, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct NewOrderLine {
    #[schema(value_type = Id)]
    product_id: String,
    #[schema(minimum = 1, maximum = 10_000, example = 2)]
    quantity: u32,
}

impl NewOrderLine {
    fn read(line: &mut Fields) -> Self {
        Self {
            product_id: line.required_id("productId"),
            quantity: line.required_within("quantity", QUANTITY),
        }
    }

    fn into_line(self) -> Option<Line> {
        Some(Line {
            product_id: ProductId::parse(&self.product_id).ok()?,
            quantity: Quantity::new(self.quantity)?,
        })
    }
}

impl NewOrder {
    /// Reads `{items: [{productId, quantity}], expectedTotal?, replaces?}`.
    ///
    /// # Errors
    /// 400 naming every field that is missing, unknown or of the wrong type; the other rules are the domain's.
    pub fn read(mut fields: Fields) -> Result<Self, Problem> {
        let items = fields.objects("items", LINES_MAX, NewOrderLine::read);
        let expected_total = fields.optional::<Money>("expectedTotal");
        if expected_total.is_some_and(|total| total < Money::ZERO) {
            fields.reject("expectedTotal", "min", "must not be less than 0");
        }
        let replaces = fields.optional_id("replaces");
        fields.finish()?;
        // What is no id, or no quantity, has made `finish` fail.
        let lines = items.into_iter().map(NewOrderLine::into_line);
        Ok(Self {
            lines: lines.collect::<Option<_>>().ok_or_else(Problem::internal)?,
            expected_total,
            replaces: replaces.and_then(|id| OrderId::parse(&id).ok()),
        })
    }
}

/// What an order should become.
#[derive(Debug, PartialEq, Eq, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OrderStatusPatch)]
pub struct StatusChange {
    #[schema(value_type = OrderStatusName)]
    pub status: OrderStatus,
    /// Why, for the order's history; a sentence of ours when absent or empty.
    #[schema(
        nullable = false,
        max_length = 500,
        pattern = r"^[^\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]*$",
        example = "Ordered twice"
    )]
    pub reason: Option<String>,
}

impl StatusChange {
    /// Reads `{status, reason?}`.
    ///
    /// # Errors
    /// 400 naming every field that is missing, unknown or of the wrong type.
    pub fn read(mut fields: Fields) -> Result<Self, Problem> {
        let given = fields.contains("status");
        let text: String = fields.required("status");
        let status = parse_order_status(&text);
        if status.is_none() && given {
            fields.reject("status", "format", STATUS_RULE);
        }
        let reason = fields.optional("reason");
        fields.finish()?;
        // Without a status, `finish` has failed.
        Ok(Self {
            status: status.unwrap_or(OrderStatus::Pending),
            reason,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(json: &str) -> Fields {
        Fields::parse(json.as_bytes()).unwrap()
    }

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
        let order = NewOrder::read(fields(
            r#"{"items":[
                {"productId":"01890a5d-ac96-774b-bcce-b302099a8057","quantity":2},
                {"productId":"01890a5d-ac96-774b-bcce-b302099a8058","quantity":10000}]}"#,
        ));
        let order = order.unwrap();
        assert_eq!((order.expected_total, order.replaces), (None, None));
        let pairs: Vec<_> = order
            .lines
            .into_iter()
            .map(|line| (line.product_id.to_string(), line.quantity.get()))
            .collect();
        let id = |end| format!("01890a5d-ac96-774b-bcce-b302099a805{end}");
        assert_eq!(pairs, [(id(7), 2), (id(8), 10_000)]);
    }

    #[test]
    fn an_order_may_say_its_total_and_which_one_it_replaces() {
        let body = |more: &str| {
            let line = r#"{"productId":"01890a5d-ac96-774b-bcce-b302099a8057","quantity":2}"#;
            NewOrder::read(fields(&format!(r#"{{"items":[{line}],{more}}}"#)))
        };
        let id = "01890a5d-ac96-774b-bcce-b302099a8058";
        let order = body(&format!(r#""expectedTotal":12.5,"replaces":"{id}""#)).unwrap();
        assert_eq!(
            (order.expected_total, order.replaces),
            (Some(Money::from_units(125_000)), OrderId::parse(id).ok())
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
        assert_eq!(named(&NewOrder::read(fields(body)).unwrap_err()), expected);
        assert_eq!(named(&NewOrder::read(fields("{}")).unwrap_err()), ["items"]);
    }

    #[test]
    fn a_change_names_a_status() {
        assert_eq!(
            StatusChange::read(fields(r#"{"status":"delivered","reason":"by hand"}"#)).unwrap(),
            StatusChange {
                status: OrderStatus::Delivered,
                reason: Some("by hand".to_owned()),
            }
        );
        assert_eq!(
            named(&StatusChange::read(fields(r#"{"status":"OPEN","to":1}"#)).unwrap_err()),
            ["status", "to"]
        );
        assert_eq!(
            named(&StatusChange::read(fields(r#"{"reason":null}"#)).unwrap_err()),
            ["status", "reason"]
        );
    }
}
