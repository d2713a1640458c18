//! Discount codes.

use mercato_kernel::{FieldError, ProductId, named};
use mercato_money::{Currency, Money, Rate};

use super::texts::{CodeName, Label, broken};

/// Most products that a code is for.
pub const CODE_PRODUCTS_MAX: usize = 1_000;

/// Most uses that a limit can allow: what every client can count to.
pub const USES_LIMIT_MAX: u32 = i32::MAX.cast_unsigned();

/// Most codes in a checkout.
pub const CODES_MAX: usize = 5;

/// What a code gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Benefit {
    /// A part of the lines that it is for.
    Percent(Rate),
    /// So much off the lines that it is for, as far as they go.
    Fixed(Money),
    /// Shipping costs nothing.
    FreeShipping,
}

/// How often a code may be used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UseLimits {
    /// In all; none for no limit.
    pub total: Option<u32>,
    /// By one customer; none for no limit.
    pub per_customer: Option<u32>,
}

/// What an admin chooses of a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeTerms {
    /// Its name for customers: `10 % off`.
    pub label: Label,
    /// From when on it is good, in milliseconds since the Unix epoch.
    pub valid_from: Option<u64>,
    /// Until when, this moment excluded, in milliseconds since the Unix epoch.
    pub valid_until: Option<u64>,
    /// Least value of all lines, before discounts.
    pub minimum_value: Option<Money>,
    /// What it is for; all products when empty.
    pub products: Vec<ProductId>,
    /// How often it may be used.
    pub limits: UseLimits,
    /// Whether other codes may stand beside it.
    pub is_combinable: bool,
}

/// A discount code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiscountCode {
    /// Its name.
    pub name: CodeName,
    /// What it gives; it never changes.
    pub benefit: Benefit,
    /// What else is said of it.
    pub terms: CodeTerms,
    /// Uses that are held or committed.
    pub uses: u64,
    /// Grows by one with every change of the terms, from 1.
    pub version: u64,
    /// Milliseconds since the Unix epoch.
    pub created_at: u64,
    /// Milliseconds since the Unix epoch.
    pub updated_at: u64,
}

/// Why a code takes nothing off.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    strum::VariantArray,
    strum::IntoStaticStr,
)]
#[strum(serialize_all = "kebab-case")]
pub enum CodeProblem {
    /// There is no such code, or not yet.
    Unknown,
    /// Its time is over.
    Expired,
    /// It was used as often as it may be, in all or by this customer.
    UsedUp,
    /// It cannot stand beside those before it.
    NotCombinable,
    /// The lines are worth less than it asks for.
    BelowMinimum,
    /// It is for none of the lines.
    NotApplicable,
    /// There is nothing that it could take off: others have taken all of it, or shipping costs nothing anyway.
    NoEffect,
}

named!(CodeProblem);

impl CodeTerms {
    /// Everything that is wrong with the terms and the benefit in that currency, each under its path.
    #[must_use]
    pub fn broken_rules(&self, benefit: Benefit, currency: Currency) -> Vec<FieldError> {
        let mut errors = Vec::new();
        match benefit {
            Benefit::Percent(rate) if rate.is_zero() => {
                errors.push(broken("percent", ("min", "must be more than 0".into())));
            }
            Benefit::Fixed(amount) if amount <= Money::ZERO => {
                errors.push(broken("amount", ("min", "must be more than 0".into())));
            }
            _ => {}
        }
        let fixed = match benefit {
            Benefit::Fixed(amount) => Some(amount),
            _ => None,
        };
        for (field, amount) in [("amount", fixed), ("minimumValue", self.minimum_value)] {
            if amount.is_some_and(|amount| amount.to_minor_exact(currency).is_none()) {
                let rest = format!("must be a whole number of the smallest unit of {currency}");
                errors.push(broken(field, ("precision", rest.into())));
            }
        }
        if let (Some(from), Some(until)) = (self.valid_from, self.valid_until)
            && until <= from
        {
            errors.push(broken("until", ("min", "must be later than from".into())));
        }
        for (field, limit) in [
            ("limit", self.limits.total),
            ("limitPerCustomer", self.limits.per_customer),
        ] {
            if limit == Some(0) {
                errors.push(broken(field, ("min", "must not be less than 1".into())));
            }
            if limit.is_some_and(|limit| limit > USES_LIMIT_MAX) {
                let rest =
                    format!("must not be more than {USES_LIMIT_MAX}; without it there is no limit");
                errors.push(broken(field, ("max", rest.into())));
            }
        }
        if self.products.len() > CODE_PRODUCTS_MAX {
            let rest = format!("must not have more than {CODE_PRODUCTS_MAX} entries");
            errors.push(broken("products", ("max", rest.into())));
        }
        errors
    }
}

impl DiscountCode {
    /// Whether so many uses by one customer, and those in all, leave another one.
    #[must_use]
    pub fn has_uses_left(&self, by_customer: u64) -> bool {
        let is_below =
            |limit: Option<u32>, uses: u64| limit.is_none_or(|limit| uses < u64::from(limit));
        let limits = self.terms.limits;
        is_below(limits.total, self.uses) && is_below(limits.per_customer, by_customer)
    }

    /// Why it cannot be used at `now` (milliseconds since the Unix epoch) by somebody who has used it so often, if it cannot.
    #[must_use]
    pub fn problem(&self, by_customer: u64, now: u64) -> Option<CodeProblem> {
        if self.terms.valid_from.is_some_and(|from| now < from) {
            return Some(CodeProblem::Unknown);
        }
        if self.terms.valid_until.is_some_and(|until| now >= until) {
            return Some(CodeProblem::Expired);
        }
        (!self.has_uses_left(by_customer)).then_some(CodeProblem::UsedUp)
    }

    /// Whether it is for that product.
    #[must_use]
    pub fn is_for(&self, product: ProductId) -> bool {
        self.terms.products.is_empty() || self.terms.products.contains(&product)
    }
}

/// A code that a customer has typed, and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeStanding {
    /// As it was typed.
    pub name: CodeName,
    /// What there is of that name.
    pub code: Option<DiscountCode>,
    /// Uses of it that this customer has.
    pub uses_by_customer: u64,
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub fn code(name: &str, benefit: Benefit) -> DiscountCode {
        DiscountCode {
            name: CodeName::parse(name).unwrap(),
            benefit,
            terms: CodeTerms {
                label: Label::parse(name).unwrap(),
                valid_from: None,
                valid_until: None,
                minimum_value: None,
                products: vec![],
                limits: UseLimits::default(),
                is_combinable: false,
            },
            uses: 0,
            version: 1,
            created_at: 0,
            updated_at: 0,
        }
    }

    #[test]
    fn a_code_is_good_in_its_time_and_as_often_as_it_may() {
        let mut code = code("TEN", Benefit::FreeShipping);
        code.terms.valid_from = Some(100);
        code.terms.valid_until = Some(200);
        code.terms.limits = UseLimits {
            total: Some(10),
            per_customer: Some(2),
        };
        code.uses = 9;
        assert_eq!(code.problem(0, 99), Some(CodeProblem::Unknown));
        assert_eq!(code.problem(1, 100), None);
        assert_eq!(code.problem(2, 199), Some(CodeProblem::UsedUp));
        assert_eq!(code.problem(0, 200), Some(CodeProblem::Expired));
        code.uses = 10;
        assert_eq!(code.problem(0, 100), Some(CodeProblem::UsedUp));
    }

    #[test]
    fn terms_that_make_no_sense_are_named_at_once() {
        let mut terms = code("TEN", Benefit::FreeShipping).terms;
        terms.valid_from = Some(2);
        terms.valid_until = Some(2);
        terms.minimum_value = Some("1.001".parse().unwrap());
        terms.limits.total = Some(0);
        let euro: Currency = "EUR".parse().unwrap();
        let fixed = Benefit::Fixed("0".parse().unwrap());
        let errors = terms.broken_rules(fixed, euro);
        let named: Vec<_> = errors.iter().map(|error| error.field.as_str()).collect();
        assert_eq!(named, ["amount", "minimumValue", "until", "limit"]);
    }
}
