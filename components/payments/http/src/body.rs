//! The bodies that clients send.

use mercato_edge::{FieldError, Fields, Id, Problem, QueryString};
use mercato_money::{Currency, Money};
use mercato_platform::ids;
use payments::application::ports::CheckoutOutcome;
use serde::Serialize;
use utoipa::ToSchema;

/// Which order is to be paid.
#[derive(Debug, PartialEq, Eq, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SessionRequest {
    #[schema(value_type = Id)]
    pub order_id: String,
}

impl SessionRequest {
    /// Reads `{orderId}`.
    ///
    /// # Errors
    /// 400 naming every field that is missing, unknown or no identifier.
    pub fn read(mut fields: Fields) -> Result<Self, Problem> {
        let given = fields.contains("orderId");
        let text: String = fields.required("orderId");
        let id = ids::parse(&text);
        if let (Err(rule), true) = (&id, given) {
            fields.reject("orderId", "format", &rule.to_string());
        }
        fields.finish()?;
        // Without an id, `finish` has failed.
        Ok(Self {
            order_id: id.unwrap_or_default(),
        })
    }
}

/// How much of a payment goes back, and why. All that is left, without an amount.
#[derive(Debug, PartialEq, Eq, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RefundRequest, example = json!({"amount": 5.5, "reason": "One cup was broken"}))]
pub struct Refund {
    /// More than 0, at most what is left, and whole minor units of the payment's currency: 5.5 or 5.25 in EUR, 5 in JPY.
    #[schema(
        value_type = Option<f64>,
        nullable = false,
        exclusive_minimum = 0,
        maximum = 922_337_203_685_477_i64,
        multiple_of = 0.0001,
        example = 5.5
    )]
    pub amount: Option<Money>,
    /// For the record and the payment provider.
    #[schema(
        nullable = false,
        min_length = 1,
        max_length = 500,
        pattern = r"^[^\u0000-\u001F\u007F-\u009F]*[^\u0000-\u001F\u007F-\u009F\s][^\u0000-\u001F\u007F-\u009F]*$",
        example = "One cup was broken"
    )]
    pub reason: Option<String>,
}

impl Refund {
    /// Reads `{amount?, reason?}`.
    ///
    /// # Errors
    /// 400 naming every field that is unknown, of the wrong type, or not more than 0.
    pub fn read(mut fields: Fields) -> Result<Self, Problem> {
        let reason = fields.optional("reason");
        let amount: Option<Money> = fields.optional("amount");
        if amount.is_some_and(|amount| amount <= Money::ZERO) {
            fields.reject("amount", "min", "must be more than 0");
        }
        fields.finish()?;
        Ok(Self { amount, reason })
    }

    /// The amount in whole minor units of the payment's currency.
    ///
    /// # Errors
    /// 400 when it is finer than the currency.
    pub fn minor_units(&self, currency: Currency) -> Result<Option<i64>, Problem> {
        let minor = self.amount.map(|amount| {
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

/// What the customer does on the stand-in provider's checkout page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = CheckoutOutcome, example = "succeed")]
pub enum Outcome {
    /// Pays.
    Succeed,
    /// The payment fails for good, and the order with it.
    Fail,
    /// The session ends, and the order with it.
    Cancel,
    /// Pays by a bank debit: the money is on its way until `succeed` lets it arrive or `fail` lets it fail.
    Debit,
    /// Tries a card that is declined: nothing ends, the customer may try again.
    Decline,
}

impl Outcome {
    const ALL: [Self; 5] = [
        Self::Succeed,
        Self::Fail,
        Self::Cancel,
        Self::Debit,
        Self::Decline,
    ];

    /// The rest of a sentence about a text that is no outcome.
    pub const RULE: &str = "must be one of succeed, fail, cancel, debit, decline";

    /// The name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Succeed => "succeed",
            Self::Fail => "fail",
            Self::Cancel => "cancel",
            Self::Debit => "debit",
            Self::Decline => "decline",
        }
    }

    /// What it does to the payment; none when nothing comes of it.
    #[must_use]
    pub const fn effect(self) -> Option<CheckoutOutcome> {
        match self {
            Self::Succeed => Some(CheckoutOutcome::Succeed),
            Self::Fail => Some(CheckoutOutcome::Fail),
            Self::Cancel => Some(CheckoutOutcome::Cancel),
            Self::Debit => Some(CheckoutOutcome::Debit),
            Self::Decline => None,
        }
    }

    /// The outcome of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.name() == name)
    }
}

/// What the customer does.
#[derive(Debug, PartialEq, Eq, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"outcome": "succeed"}))]
pub struct Simulation {
    pub outcome: Outcome,
}

impl Simulation {
    /// Reads `outcome=…` as a browser's form sends it (URL standard, section 5.1: it is written like a query string).
    ///
    /// # Errors
    /// 400 naming every field at fault.
    pub fn read_form(body: &[u8]) -> Result<Self, Problem> {
        let text = std::str::from_utf8(body)
            .map_err(|_| Problem::bad_request("malformed-form", "the form is not UTF-8"))?;
        let mut form = QueryString::parse(text);
        let name = form.text("outcome");
        form.finish()?;
        Self::named(&name.unwrap_or_default())
    }

    /// Reads `{outcome}`.
    ///
    /// # Errors
    /// As [`Simulation::read_form`].
    pub fn read_json(mut fields: Fields) -> Result<Self, Problem> {
        let name: String = fields.required("outcome");
        fields.finish()?;
        Self::named(&name)
    }

    fn named(name: &str) -> Result<Self, Problem> {
        let outcome = Outcome::from_name(name).ok_or_else(|| {
            let rule = format!("outcome {}", Outcome::RULE);
            Problem::validation(vec![FieldError::new("outcome", "format", rule)])
        })?;
        Ok(Self { outcome })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    fn fields(body: &str) -> Fields {
        Fields::parse(body.as_bytes()).unwrap()
    }

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
        assert_eq!(
            SessionRequest::read(fields(&body)).unwrap(),
            SessionRequest {
                order_id: ID.to_owned()
            }
        );
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
            let refused = SessionRequest::read(fields(&body)).unwrap_err();
            assert_eq!(fault(&refused), error, "{body}");
        }
    }

    fn minor_units(body: &str, code: &str) -> Result<Option<i64>, String> {
        let refund = Refund::read(fields(body)).map_err(|problem| fault(&problem))?;
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
        for outcome in Outcome::ALL {
            let name = outcome.name();
            assert_eq!(serde_json::to_value(outcome).unwrap(), name);
            assert!(Outcome::RULE.contains(name));
            let json = fields(&format!(r#"{{"outcome":"{name}"}}"#));
            let form = Simulation::read_form(format!("outcome={name}").as_bytes()).unwrap();
            assert_eq!(form, Simulation { outcome });
            assert_eq!(Simulation::read_json(json).unwrap(), form);
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
            let refused = Simulation::read_form(form).unwrap_err();
            assert_eq!(refused.status().as_u16(), 400);
        }
        let extra = fields(r#"{"outcome":"fail","x":1}"#);
        assert_eq!(
            fault(&Simulation::read_json(extra).unwrap_err()),
            "x: unknown"
        );
    }
}
