//! The bodies that clients send.

use mercato_edge::{Fields, Problem};

use crate::bindings::mercato::orders::commands::Line;
use crate::bindings::mercato::orders::types::OrderStatus;
use crate::status::{STATUS_RULE, parse_order_status};

/// Reads the lines of a new order: `{items: [{productId, quantity}]}`.
///
/// # Errors
/// 400 naming every field that is missing, unknown or of the wrong type; the rules are the domain's.
pub fn new_order(mut fields: Fields) -> Result<Vec<Line>, Problem> {
    let lines = fields.objects("items", |item| Line {
        product_id: item.required("productId"),
        quantity: item.required("quantity"),
    });
    fields.finish()?;
    Ok(lines)
}

/// Reads a change of status: `{status, reason?}`.
///
/// # Errors
/// 400 naming every field that is missing, unknown or of the wrong type.
pub fn status_change(mut fields: Fields) -> Result<(OrderStatus, Option<String>), Problem> {
    let given = fields.contains("status");
    let text: String = fields.required("status");
    let status = parse_order_status(&text);
    if status.is_none() && given {
        fields.reject("status", "format", STATUS_RULE);
    }
    let reason = fields.optional("reason");
    fields.finish()?;
    // Without a status, `finish` has failed.
    Ok((status.unwrap_or(OrderStatus::Pending), reason))
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
        let lines = new_order(fields(
            r#"{"items":[{"productId":"a","quantity":2},{"productId":"b","quantity":1}]}"#,
        ));
        let pairs: Vec<_> = lines
            .unwrap()
            .into_iter()
            .map(|line| (line.product_id, line.quantity))
            .collect();
        assert_eq!(pairs, [("a".to_owned(), 2), ("b".to_owned(), 1)]);
    }

    #[test]
    fn every_wrong_field_of_an_order_is_named() {
        let body =
            r#"{"items":[{"productId":1,"quantity":1.5},{"quantity":-1,"price":0}],"coupon":"x"}"#;
        let expected = [
            "items[0].productId",
            "items[0].quantity",
            "items[1].productId",
            "items[1].quantity",
            "items[1].price",
            "coupon",
        ];
        assert_eq!(named(&new_order(fields(body)).unwrap_err()), expected);
        assert_eq!(named(&new_order(fields("{}")).unwrap_err()), ["items"]);
    }

    #[test]
    fn a_change_names_a_status() {
        let (status, reason) =
            status_change(fields(r#"{"status":"delivered","reason":"by hand"}"#)).unwrap();
        assert_eq!(
            (status, reason.as_deref()),
            (OrderStatus::Delivered, Some("by hand"))
        );
        assert_eq!(
            named(&status_change(fields(r#"{"status":"OPEN","to":1}"#)).unwrap_err()),
            ["status", "to"]
        );
        assert_eq!(
            named(&status_change(fields(r#"{"reason":null}"#)).unwrap_err()),
            ["status", "reason"]
        );
    }
}
