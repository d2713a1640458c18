//! Discount codes, as admins make and see them.

use checkout::application::commands::{change_code, create_code};
use checkout::domain::{Benefit, CodeName, CodeTerms, DiscountCode, Label, UseLimits};
use mercato_edge::{Amount, FieldError, Listed, Percent, Tagged, Timestamp, body};
use mercato_kernel::ProductId;
use mercato_money::Money;
use serde::Serialize;
use utoipa::ToSchema;

/// A new discount code: one of `percent`, `amount` and `freeShipping`.
#[body(
    as = NewDiscountCode,
    example = json!({"code": "ROAST10", "label": "10 % off", "percent": 10, "limit": 100, "limitPerCustomer": 1})
)]
#[derive(Debug)]
pub struct NewCodeBody {
    /// Letters and digits, with dashes, points or underscores between them; capital and small letters are the same.
    #[schema(value_type = String, min_length = 1, max_length = 40, example = "ROAST10")]
    pub code: CodeName,
    /// For customers; the code itself when absent.
    #[schema(value_type = String, required = false, min_length = 1, max_length = 100, example = "10 % off")]
    pub label: Option<Label>,
    /// So much of every line that it is for.
    pub percent: Option<Percent>,
    /// So much off the lines that it is for, as far as they go.
    pub amount: Option<Amount>,
    /// Shipping costs nothing: `true`, or absent.
    #[schema(value_type = bool, required = false, example = true)]
    pub free_shipping: Option<bool>,
    /// From when on it is good.
    pub from: Option<Timestamp>,
    /// Until when it is good, this moment excluded.
    pub until: Option<Timestamp>,
    /// Least value of all lines, before discounts.
    pub minimum_value: Option<Amount>,
    /// The products that it is for; all when absent or empty.
    #[field(values)]
    #[schema(value_type = Vec<ProductId>, required = false, max_items = 1000)]
    pub products: Option<Vec<ProductId>>,
    /// How often it may be used in all; without end when absent.
    #[schema(value_type = u32, required = false, minimum = 1, maximum = 2_147_483_647, example = 100)]
    pub limit: Option<u32>,
    /// How often by one account or one e-mail address; without end when absent.
    #[schema(value_type = u32, required = false, minimum = 1, maximum = 2_147_483_647, example = 1)]
    pub limit_per_customer: Option<u32>,
    /// Whether others may stand beside it, if they may, too; `false` when absent.
    #[schema(value_type = bool, required = false, example = false)]
    pub combinable: Option<bool>,
}

/// What is changed of a discount code; what is absent stays, and `null` takes it away. What it gives never changes.
#[body(as = DiscountCodeChanges, example = json!({"limit": 200}))]
#[derive(Debug)]
#[allow(
    clippy::option_option,
    reason = "absent and null mean different things"
)]
pub struct CodeChangesBody {
    #[schema(value_type = String, required = false, min_length = 1, max_length = 100, example = "10 % off")]
    pub label: Option<Label>,
    pub from: Option<Option<Timestamp>>,
    pub until: Option<Option<Timestamp>>,
    pub minimum_value: Option<Option<Amount>>,
    #[field(values)]
    #[schema(value_type = Vec<ProductId>, required = false, max_items = 1000)]
    pub products: Option<Vec<ProductId>>,
    #[schema(value_type = Option<u32>, required = false, minimum = 1, maximum = 2_147_483_647, example = 200)]
    pub limit: Option<Option<u32>>,
    #[schema(value_type = Option<u32>, required = false, minimum = 1, maximum = 2_147_483_647, example = 1)]
    pub limit_per_customer: Option<Option<u32>>,
    #[schema(value_type = bool, required = false, example = false)]
    pub combinable: Option<bool>,
}

/// A discount code with its uses.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DiscountCode)]
pub struct CodeResource {
    #[schema(min_length = 1, max_length = 40, example = "ROAST10")]
    code: String,
    #[schema(min_length = 1, max_length = 100, example = "10 % off")]
    label: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    percent: Option<Percent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    amount: Option<Amount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = true)]
    free_shipping: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    from: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    until: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    minimum_value: Option<Amount>,
    /// All products when empty.
    products: Vec<ProductId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, maximum = 2_147_483_647, example = 100)]
    limit: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, maximum = 2_147_483_647, example = 1)]
    limit_per_customer: Option<u32>,
    #[schema(example = false)]
    combinable: bool,
    /// Orders that use it, paid or waiting for their payment.
    #[schema(minimum = 0, example = 7)]
    uses: u64,
    /// Grows by one with every change; the `ETag` of the answer.
    #[schema(minimum = 1, example = 1)]
    version: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl NewCodeBody {
    /// What the code gives.
    ///
    /// # Errors
    /// The members at fault, when it is not exactly one thing.
    pub fn benefit(&self) -> Result<Benefit, Vec<FieldError>> {
        let percent = self.percent.map(|percent| Benefit::Percent(percent.0));
        let amount = self.amount.map(|amount| Benefit::Fixed(amount.0));
        let free = self.free_shipping.filter(|is_free| *is_free);
        let free = free.map(|_| Benefit::FreeShipping);
        match (percent, amount, free) {
            (Some(benefit), None, None)
            | (None, Some(benefit), None)
            | (None, None, Some(benefit)) => Ok(benefit),
            (None, None, None) => {
                let message = "percent is required, or amount, or freeShipping";
                Err(vec![FieldError::new("percent", "required", message)])
            }
            (_, _, free) => {
                let field = if free.is_some() {
                    "freeShipping"
                } else {
                    "amount"
                };
                let message = format!("{field} must not be given together with another benefit");
                Err(vec![FieldError::new(field, "exclusive", message)])
            }
        }
    }

    /// The terms of the code.
    pub fn terms(&self) -> CodeTerms {
        let label = self.label.clone();
        CodeTerms {
            label: label.unwrap_or_else(|| Label::stored(self.code.as_str().to_owned())),
            valid_from: self.from.map(|moment| moment.0),
            valid_until: self.until.map(|moment| moment.0),
            minimum_value: self.minimum_value.map(|amount| amount.0),
            products: self.products.clone().unwrap_or_default(),
            limits: UseLimits {
                total: self.limit,
                per_customer: self.limit_per_customer,
            },
            is_combinable: self.combinable.unwrap_or_default(),
        }
    }

    /// The command that makes it.
    ///
    /// # Errors
    /// As [`Self::benefit`].
    pub fn command(&self) -> Result<create_code::Command, Vec<FieldError>> {
        Ok(create_code::Command {
            name: self.code.clone(),
            benefit: self.benefit()?,
            terms: self.terms(),
        })
    }
}

impl From<CodeChangesBody> for change_code::Changes {
    fn from(body: CodeChangesBody) -> Self {
        let moment = |moment: Option<Timestamp>| moment.map(|moment| moment.0);
        let amount = |amount: Option<Amount>| amount.map(|amount| amount.0);
        Self {
            label: body.label,
            valid_from: body.from.map(moment),
            valid_until: body.until.map(moment),
            minimum_value: body.minimum_value.map(amount),
            products: body.products,
            limit_total: body.limit,
            limit_per_customer: body.limit_per_customer,
            is_combinable: body.combinable,
        }
    }
}

impl From<DiscountCode> for CodeResource {
    fn from(code: DiscountCode) -> Self {
        let (percent, amount, free_shipping) = match code.benefit {
            Benefit::Percent(rate) => (Some(Percent(rate)), None, None),
            Benefit::Fixed(amount) => (None, Some(amount), None),
            Benefit::FreeShipping => (None, None, Some(true)),
        };
        let money = |amount: Option<Money>| amount.map(Amount);
        let terms = code.terms;
        Self {
            code: code.name.into(),
            label: terms.label.into(),
            percent,
            amount: money(amount),
            free_shipping,
            from: terms.valid_from.map(Timestamp),
            until: terms.valid_until.map(Timestamp),
            minimum_value: money(terms.minimum_value),
            products: terms.products,
            limit: terms.limits.total,
            limit_per_customer: terms.limits.per_customer,
            combinable: terms.is_combinable,
            uses: code.uses,
            version: code.version,
            created_at: Timestamp(code.created_at),
            updated_at: Timestamp(code.updated_at),
        }
    }
}

impl Listed for CodeResource {
    const PAGE: &'static str = "DiscountCodePage";
    const MEANING: &'static str = "One page of discount codes.";
    const ORDER: &'static str = "By their names.";
}

/// A discount code and its entity tag.
pub fn tagged(code: DiscountCode) -> Tagged<CodeResource> {
    let version = code.version;
    Tagged::new(code.into(), version)
}

#[cfg(test)]
mod tests {
    use mercato_edge::examples::from_json;

    use super::*;

    fn benefit(body: &str) -> Result<Benefit, String> {
        let body: NewCodeBody = from_json(body).unwrap();
        let field = |errors: Vec<FieldError>| format!("{} {}", errors[0].field, errors[0].code);
        body.benefit().map_err(field)
    }

    #[test]
    fn a_code_gives_exactly_one_thing() {
        assert!(matches!(
            benefit(r#"{"code":"a","percent":10}"#),
            Ok(Benefit::Percent(rate)) if rate.units() == 100_000
        ));
        assert!(matches!(
            benefit(r#"{"code":"a","amount":5}"#),
            Ok(Benefit::Fixed(_))
        ));
        assert_eq!(
            benefit(r#"{"code":"a","freeShipping":true}"#),
            Ok(Benefit::FreeShipping)
        );
        for (body, wrong) in [
            (r#"{"code":"a"}"#, "percent required"),
            (r#"{"code":"a","freeShipping":false}"#, "percent required"),
            (r#"{"code":"a","percent":1,"amount":1}"#, "amount exclusive"),
            (
                r#"{"code":"a","percent":1,"freeShipping":true}"#,
                "freeShipping exclusive",
            ),
        ] {
            assert_eq!(benefit(body).unwrap_err(), wrong);
        }
    }

    #[test]
    fn what_is_absent_of_a_new_code_has_no_bound() {
        let body: NewCodeBody = from_json(r#"{"code":"roast10","percent":10}"#).unwrap();
        let terms = body.terms();
        assert_eq!(terms.label.as_str(), "ROAST10");
        assert_eq!(terms.limits, UseLimits::default());
        assert!(terms.products.is_empty() && !terms.is_combinable);
    }

    #[test]
    fn a_change_may_take_a_bound_away_and_never_the_benefit() {
        let body: CodeChangesBody =
            from_json(r#"{"limit":null,"until":"2026-03-01T09:30:00.000Z","products":[]}"#)
                .unwrap();
        let changes = change_code::Changes::from(body);
        assert_eq!(
            (changes.limit_total, changes.limit_per_customer),
            (Some(None), None)
        );
        assert_eq!(changes.valid_until, Some(Some(1_772_357_400_000)));
        assert_eq!(changes.products, Some(vec![]));
        assert!(from_json::<CodeChangesBody>(r#"{"percent":20}"#).is_err());
    }
}
