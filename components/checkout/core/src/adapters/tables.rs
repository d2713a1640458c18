//! The three ports of a quote, answered by what admins have set: tables of shipping and taxes, and discount codes.

use std::rc::Rc;

use mercato_money::{Currency, Money};

use crate::domain::quote::ports::{
    Offer, OfferLine, Offers, OffersAnswer, OffersRequest, Place, RateOption, Rates, RatesAnswer,
    RatesRequest, TaxAnswer, Taxes, TaxesRequest,
};
use crate::domain::{
    Benefit, CodeProblem, CodeStanding, Destination, DiscountCode, Rate, ShippingSettings,
    TaxSettings, rounded, spread,
};

/// What is set and known at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tables {
    /// The currency of all amounts.
    pub currency: Currency,
    /// What shipping costs.
    pub shipping: Rc<ShippingSettings>,
    /// How things are taxed.
    pub taxes: Rc<TaxSettings>,
    /// The codes that were typed, in their order.
    pub codes: Vec<CodeStanding>,
    /// The moment, in milliseconds since the Unix epoch.
    pub now: u64,
}

fn destination(place: &Place) -> Destination {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Destination {
        country: place.country.clone(),
        region: some(&place.region),
        postal_code: some(&place.postal_code),
    }
}

impl Rates for Tables {
    fn quote(&self, request: &RatesRequest) -> RatesAnswer {
        let destination = request.destination.as_ref().map(destination);
        let zone = destination.and_then(|destination| self.shipping.zone(&destination));
        let value = Money::from_minor(request.value, self.currency).unwrap_or_default();
        let options = zone.map_or(&[][..], |zone| zone.options.as_slice()).iter();
        let offered = options.filter_map(|option| {
            let amount = option.amount(request.weight_grams, value)?;
            Some(RateOption {
                code: option.code.as_str().to_owned(),
                name: option.name.as_str().to_owned(),
                amount: amount.to_minor_exact(self.currency)?,
            })
        });
        RatesAnswer {
            ships: !self.shipping.zones.is_empty(),
            options: offered.collect(),
        }
    }
}

impl Taxes for Tables {
    fn quote(&self, request: &TaxesRequest) -> Vec<TaxAnswer> {
        let destination = request.destination.as_ref().map(destination);
        let answer = |class: &String| {
            let rule = self.taxes.rule(destination.as_ref(), class);
            rule.map_or_else(TaxAnswer::default, |rule| TaxAnswer {
                rate: rule.rate.units(),
                reason: rule
                    .reason
                    .as_ref()
                    .map(|reason| reason.as_str().to_owned()),
            })
        };
        request.classes.iter().map(answer).collect()
    }
}

impl Offers for Tables {
    /// Codes count in the order in which they were typed, each on what those before it have left.
    fn quote(&self, request: &OffersRequest) -> OffersAnswer {
        let mut answer = OffersAnswer::default();
        let mut left: Vec<i64> = request.lines.iter().map(|line| line.amount).collect();
        let value: i64 = left
            .iter()
            .fold(0, |sum, amount| sum.saturating_add(*amount));
        let mut accepted: Vec<&DiscountCode> = Vec::new();
        for name in &request.codes {
            match self.judge(name, value, &request.lines, &accepted) {
                Ok(code) => {
                    let offer = self.offer(code, &request.lines, &left);
                    for (left, taken) in left.iter_mut().zip(&offer.discounts) {
                        *left -= taken;
                    }
                    answer.offers.push(offer);
                    accepted.push(code);
                }
                Err(problem) => answer.refused.push((name.clone(), problem)),
            }
        }
        answer
    }
}

impl Tables {
    /// The code of that name, if it takes something off.
    fn judge(
        &self,
        name: &str,
        value: i64,
        lines: &[OfferLine],
        accepted: &[&DiscountCode],
    ) -> Result<&DiscountCode, CodeProblem> {
        let mut standings = self.codes.iter();
        let standing = standings.find(|standing| standing.name.as_str() == name);
        let standing = standing.ok_or(CodeProblem::Unknown)?;
        let code = standing.code.as_ref().ok_or(CodeProblem::Unknown)?;
        if let Some(problem) = code.problem(standing.uses_by_customer, self.now) {
            return Err(problem);
        }
        let is_combinable = |code: &DiscountCode| code.terms.is_combinable;
        let all_are = is_combinable(code) && accepted.iter().all(|code| is_combinable(code));
        if !accepted.is_empty() && !all_are {
            return Err(CodeProblem::NotCombinable);
        }
        let minimum = code.terms.minimum_value.unwrap_or_default();
        if value < minimum.to_minor(self.currency) {
            return Err(CodeProblem::BelowMinimum);
        }
        if !lines.iter().any(|line| is_for(code, line)) {
            return Err(CodeProblem::NotApplicable);
        }
        Ok(code)
    }

    fn offer(&self, code: &DiscountCode, lines: &[OfferLine], left: &[i64]) -> Offer {
        let of_line = |(line, left): (&OfferLine, &i64)| if is_for(code, line) { *left } else { 0 };
        let weights: Vec<i64> = lines.iter().zip(left).map(of_line).collect();
        let base = weights
            .iter()
            .fold(0_i64, |sum, weight| sum.saturating_add(*weight));
        let discount = match code.benefit {
            Benefit::Percent(rate) => {
                let part = i128::from(base) * i128::from(rate.units());
                rounded(part, i128::from(Rate::WHOLE)).unwrap_or(base)
            }
            Benefit::Fixed(amount) => amount.to_minor(self.currency).min(base),
            Benefit::FreeShipping => 0,
        };
        Offer {
            code: code.name.as_str().to_owned(),
            label: code.terms.label.as_str().to_owned(),
            discounts: spread(discount, &weights),
            ships_free: code.benefit == Benefit::FreeShipping,
        }
    }
}

fn is_for(code: &DiscountCode, line: &OfferLine) -> bool {
    let product = mercato_kernel::ProductId::parse(&line.product_id);
    product.is_ok_and(|product| code.is_for(product))
}
