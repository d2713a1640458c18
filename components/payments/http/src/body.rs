//! The bodies that clients send.

use mercato_edge::{
    Amount, FieldError, FromJson, FromText as _, Problem, QueryString, Refusal, body,
};
use mercato_kernel::OrderId;
use mercato_money::{Currency, Money};
use payments::domain::CheckoutOutcome;

/// Which order is to be paid.
#[body()]
#[derive(Debug, PartialEq, Eq)]
pub struct SessionRequest {
    pub order_id: OrderId,
}

/// How much of a payment goes back, and why. All that is left, without an amount.
#[body(example = json!({"amount": 5.5, "reason": "One cup was broken"}))]
#[derive(Debug, Default, PartialEq, Eq)]
pub struct RefundRequest {
    /// More than 0, at most what is left, and whole minor units of the payment's currency: 5.5 or 5.25 in EUR, 5 in JPY.
    #[schema(
        value_type = f64,
        required = false,
        exclusive_minimum = 0,
        maximum = 922_337_203_685_477_i64,
        multiple_of = 0.0001,
        example = 5.5
    )]
    pub amount: Option<RefundAmount>,
    /// For the record and the payment provider.
    #[schema(
        min_length = 1,
        max_length = 500,
        pattern = r"^[^\u0000-\u001F\u007F-\u009F]*[^\u0000-\u001F\u007F-\u009F\s][^\u0000-\u001F\u007F-\u009F]*$",
        example = "One cup was broken"
    )]
    pub reason: Option<String>,
}

impl RefundRequest {
    /// The amount in whole minor units of the payment's currency.
    ///
    /// # Errors
    /// 400 when it is finer than the currency.
    pub fn minor_units(&self, currency: Currency) -> Result<Option<i64>, Problem> {
        let minor = self.amount.map(|RefundAmount(amount)| {
            amount.to_minor_exact(currency).ok_or_else(|| {
                let decimals = currency.decimals();
                let rule = format!(
                    "amount must not have more than {decimals} decimal places in {currency}"
                );
                Problem::validation(vec![FieldError::new("amount", "precision", rule)])
            })
        });
        minor.transpose()
    }
}

/// An amount of money that is more than nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefundAmount(Money);

impl FromJson for RefundAmount {
    fn placeholder() -> Self {
        Self(Money::ZERO)
    }

    fn from_json(json: &str) -> Result<Self, Refusal> {
        match Amount::from_json(json) {
            Ok(Amount(amount)) if amount > Money::ZERO => Ok(Self(amount)),
            Ok(_) | Err(("min", _)) => Err(("min", "must be more than 0".into())),
            Err(refusal) => Err(refusal),
        }
    }
}

/// What the customer does.
#[body(example = json!({"outcome": "succeed"}))]
#[derive(Debug, PartialEq, Eq)]
pub struct Simulation {
    pub outcome: CheckoutOutcome,
}

impl Simulation {
    /// Reads `outcome=…` as a browser's form sends it (URL standard, section 5.1: it is written like a query string).
    ///
    /// # Errors
    /// 400 naming every field at fault.
    pub fn from_form(body: &[u8]) -> Result<Self, Problem> {
        let text = std::str::from_utf8(body)
            .map_err(|_| Problem::bad_request("malformed-form", "the form is not UTF-8"))?;
        let mut form = QueryString::parse(text);
        let named = form.text("outcome").unwrap_or_default();
        form.finish()?;
        let refused = |(code, rest): Refusal| {
            let rule = format!("outcome {rest}");
            Problem::validation(vec![FieldError::new("outcome", code, rule)])
        };
        let outcome = CheckoutOutcome::from_text(&named).map_err(refused)?;
        Ok(Self { outcome })
    }
}

#[cfg(test)]
mod tests {
    use mercato_edge::examples::from_json;
    use mercato_kernel::Named as _;

    use super::*;

    const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    /// The first field at fault and its code.
    fn fault(problem: &Problem) -> String {
        let document = problem.document("/", "r", "t");
        let error = &document["errors"][0];
        format!(
            "{}: {}",
            error["field"].as_str().unwrap(),
            error["code"].as_str().unwrap()
        )
    }

    #[test]
    fn an_order_is_named_by_its_id() {
        let body = format!(r#"{{"orderId":"{}"}}"#, ID.to_uppercase());
        let order_id = OrderId::parse(ID).unwrap();
        let read = from_json::<SessionRequest>(&body).unwrap();
        assert_eq!(read, SessionRequest { order_id });
        for (body, error) in [
            ("{}".to_owned(), "orderId: required"),
            (r#"{"orderId":""}"#.to_owned(), "orderId: format"),
            (r#"{"orderId":"7"}"#.to_owned(), "orderId: format"),
            (r#"{"orderId":7}"#.to_owned(), "orderId: type"),
            (
                format!(r#"{{"orderId":"{ID}","amount":1}}"#),
                "amount: unknown",
            ),
        ] {
            let refused = from_json::<SessionRequest>(&body).unwrap_err();
            assert_eq!(fault(&refused), error, "{body}");
        }
    }

    fn minor_units(body: &str, code: &str) -> Result<Option<i64>, String> {
        let refund = from_json::<RefundRequest>(body).map_err(|problem| fault(&problem))?;
        let units = refund.minor_units(code.parse().unwrap());
        units.map_err(|problem| fault(&problem))
    }

    #[test]
    fn refunds_are_whole_minor_units_of_the_currency() {
        for (body, code, amount) in [
            ("{}", "USD", None),
            (r#"{"amount":12.34}"#, "USD", Some(1_234)),
            (r#"{"amount":0.5}"#, "USD", Some(50)),
            (r#"{"amount":7}"#, "JPY", Some(7)),
            (r#"{"amount":1.234}"#, "KWD", Some(1_234)),
        ] {
            assert_eq!(minor_units(body, code), Ok(amount), "{body}");
        }
    }

    #[test]
    fn anything_finer_or_not_positive_is_refused() {
        for (body, code, error) in [
            (r#"{"amount":0.001}"#, "USD", "amount: precision"),
            (r#"{"amount":0.5}"#, "JPY", "amount: precision"),
            (r#"{"amount":0.00001}"#, "KWD", "amount: precision"),
            (r#"{"amount":0}"#, "USD", "amount: min"),
            (r#"{"amount":-1}"#, "USD", "amount: min"),
            (r#"{"amount":"1"}"#, "USD", "amount: type"),
            (r#"{"amount":null}"#, "USD", "amount: type"),
            (r#"{"reason":1}"#, "USD", "reason: type"),
            (r#"{"all":true}"#, "USD", "all: unknown"),
        ] {
            assert_eq!(minor_units(body, code), Err(error.to_owned()), "{body}");
        }
    }

    #[test]
    fn a_form_and_json_say_the_same() {
        for outcome in CheckoutOutcome::ALL.iter().copied() {
            let name = outcome.name();
            assert_eq!(serde_json::to_value(outcome).unwrap(), name);
            let json = format!(r#"{{"outcome":"{name}"}}"#);
            let form = Simulation::from_form(format!("outcome={name}").as_bytes()).unwrap();
            assert_eq!(form, Simulation { outcome });
            assert_eq!(from_json::<Simulation>(&json).unwrap(), form);
        }
    }

    #[test]
    fn other_outcomes_and_other_fields_are_refused() {
        for form in [
            &b""[..],
            b"outcome=",
            b"outcome=refund",
            b"outcome=SUCCEED",
            b"outcome=fail&outcome=succeed",
            b"outcome=fail&x=1",
            b"\xff",
        ] {
            let refused = Simulation::from_form(form).unwrap_err();
            assert_eq!(refused.status().as_u16(), 400);
        }
        for (json, error) in [
            (r#"{"outcome":"fail","x":1}"#, "x: unknown"),
            (r#"{"outcome":"refund"}"#, "outcome: format"),
            (r#"{"outcome":1}"#, "outcome: type"),
            ("{}", "outcome: required"),
        ] {
            let refused = from_json::<Simulation>(json).unwrap_err();
            assert_eq!(fault(&refused), error, "{json}");
        }
    }
}
