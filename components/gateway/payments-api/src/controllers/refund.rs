use mercato_edge::{Context, Fields, Problem, Reply};
use mercato_money::{Currency, Money};
use serde_json::{Value, json};

use super::viewer;
use crate::bindings::mercato::payments::types::PaymentError;
use crate::bindings::mercato::payments::{commands, queries};
use crate::problems::problem;
use crate::resource::{currency, decimal, reply};

/// `POST /payments/{id}/refund`: 200 with the payment as it is then. Without an amount, or without any body, all that
/// is left goes back. `Idempotency-Key` makes repeating safe.
pub async fn refund(context: Context) -> Result<Reply, Problem> {
    context.query().finish()?;
    let id = context.id("id")?;
    let key = context.idempotency_key()?;
    let fields = if context.body().is_empty() {
        Fields::parse(b"{}")?
    } else {
        context.json()?
    };
    let payment = queries::find(viewer(&context)?, id.clone())
        .await
        .map_err(problem)?;
    let request = Request::read(fields, currency(&payment.currency)?)?;
    match commands::refund(id, request.amount, request.reason, key).await {
        Ok(refunded) => reply(&refunded),
        Err(PaymentError::RefundExceedsAmount(left)) => {
            let refundable = decimal(left, &payment.currency)?;
            Err(exceeds(left, refundable))
        }
        Err(error) => Err(problem(error)),
    }
}

/// The problem names what can still be refunded.
fn exceeds(left: i64, refundable: Money) -> Problem {
    let number = serde_json::to_value(refundable).unwrap_or(Value::Null);
    problem(PaymentError::RefundExceedsAmount(left)).with_member("refundable", json!(number))
}

#[derive(Debug, PartialEq, Eq)]
struct Request {
    /// Whole minor units.
    amount: Option<i64>,
    reason: Option<String>,
}

impl Request {
    fn read(mut fields: Fields, currency: Currency) -> Result<Self, Problem> {
        let reason = fields.optional("reason");
        let given: Option<Money> = fields.optional("amount");
        let amount = given.and_then(|amount| amount.to_minor_exact(currency));
        if given.is_some() && amount.is_none() {
            let rest = format!(
                "must not have more than {} decimal places in {currency}",
                currency.decimals()
            );
            fields.reject("amount", "precision", &rest);
        }
        if given.is_some_and(|amount| amount <= Money::ZERO) {
            fields.reject("amount", "min", "must be more than 0");
        }
        fields.finish()?;
        Ok(Self { amount, reason })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str, code: &str) -> Result<Request, String> {
        let fields = Fields::parse(body.as_bytes()).unwrap();
        Request::read(fields, code.parse().unwrap()).map_err(|problem| {
            let document = problem.document("/", "r", "t");
            document["errors"][0]["code"].as_str().unwrap().to_owned()
        })
    }

    #[test]
    fn amounts_are_whole_minor_units_of_the_currency() {
        for (body, code, amount) in [
            ("{}", "USD", None),
            (r#"{"amount":12.34}"#, "USD", Some(1_234)),
            (r#"{"amount":0.5}"#, "USD", Some(50)),
            (r#"{"amount":7}"#, "JPY", Some(7)),
            (r#"{"amount":1.234}"#, "KWD", Some(1_234)),
        ] {
            assert_eq!(
                read(body, code),
                Ok(Request {
                    amount,
                    reason: None
                }),
                "{body}"
            );
        }
    }

    #[test]
    fn anything_finer_or_not_positive_is_refused() {
        for (body, code, error) in [
            (r#"{"amount":0.001}"#, "USD", "precision"),
            (r#"{"amount":0.5}"#, "JPY", "precision"),
            (r#"{"amount":0.00001}"#, "KWD", "precision"),
            (r#"{"amount":0}"#, "USD", "min"),
            (r#"{"amount":-1}"#, "USD", "min"),
            (r#"{"amount":"1"}"#, "USD", "type"),
            (r#"{"reason":1}"#, "USD", "type"),
            (r#"{"all":true}"#, "USD", "unknown"),
        ] {
            assert_eq!(read(body, code), Err(error.to_owned()), "{body}");
        }
    }

    #[test]
    fn a_refund_that_is_too_large_is_told_what_is_left() {
        let left: Money = "9.99".parse().unwrap();
        let document = exceeds(999, left).document("/", "r", "t");
        assert_eq!(
            (
                document["status"].as_u64(),
                document["refundable"].to_string()
            ),
            (Some(409), "9.99".to_owned())
        );
    }
}
