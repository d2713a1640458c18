//! How a quote is drawn up: a function of what is bought, where it goes, and what the three ports say.

use std::collections::BTreeMap;

use mercato_kernel::ProductId;
use mercato_money::{Currency, Money};

use super::ports::{
    OfferLine, Offers, OffersRequest, Place, RateOption, Rates, RatesRequest, TaxAnswer, Taxes,
    TaxesRequest,
};
use super::{
    Choice, Message, Missing, Quote, QuoteDiscount, QuoteLine, QuoteShipping, QuoteTax, TaxRate,
    Totals,
};
use crate::domain::share::{rounded, spread};
use crate::domain::{
    CodeName, CodeProblem, Destination, OptionCode, Quantity, Rate, SHIPPING_TAX_CLASS, TaxClass,
};

/// The amounts together are beyond what 64 bits hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the amounts are too large")]
pub struct TooLarge;

/// A line to be quoted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuoteItem {
    /// The product, or the variant of one.
    pub product_id: ProductId,
    /// The product's name.
    pub name: String,
    /// What was chosen of its options, in their order.
    pub choices: Vec<Choice>,
    /// How many of it are wanted.
    pub quantity: Quantity,
    /// Price of one.
    pub unit_price: Money,
    /// The price that the customer has seen, if any.
    pub seen_price: Option<Money>,
    /// How it is taxed.
    pub tax_class: TaxClass,
    /// Weight of one.
    pub weight_grams: u32,
    /// Units there are.
    pub available: u64,
}

/// What a quote is drawn up of.
#[derive(Debug, Clone, Copy)]
pub struct QuoteRequest<'a> {
    /// The shop's.
    pub currency: Currency,
    /// Whether prices, discounts and what shipping costs are with tax.
    pub prices_include_tax: bool,
    /// What is bought.
    pub items: &'a [QuoteItem],
    /// What is wanted and not in the catalogue any more.
    pub unknown: &'a [ProductId],
    /// Where it goes.
    pub destination: Option<&'a Destination>,
    /// Whether the customer's address for mail is known.
    pub has_email: bool,
    /// The shipping option that was chosen.
    pub option: Option<&'a OptionCode>,
    /// The codes that were typed.
    pub codes: &'a [CodeName],
}

/// Draws up a quote. All amounts come from here: the ports choose rates, prices of shipping and what is taken off, and whatever they say,
/// everything adds up.
///
/// # Errors
/// [`TooLarge`].
pub fn draw(
    request: &QuoteRequest<'_>,
    rates: &impl Rates,
    taxes: &impl Taxes,
    offers: &impl Offers,
) -> Result<Quote, TooLarge> {
    let mut messages = messages_of_items(request);
    let amounts = amounts(request)?;
    let taken = taken_off(request, &amounts, offers, &mut messages);
    let place = request.destination.map(place);
    let value = sum(amounts
        .iter()
        .zip(&taken.of_lines)
        .map(|(amount, off)| amount - off))?;
    let answer = rates.quote(&RatesRequest {
        currency: request.currency.to_string(),
        destination: place.clone(),
        weight_grams: weight(request.items),
        value,
    });
    let chosen = chosen(request, &answer.options);
    if answer.ships && request.destination.is_some() && !request.items.is_empty() {
        messages.extend(messages_of_shipping(request, chosen, &answer.options));
    }
    let shipping = chosen.map(|option| option.amount.max(0));
    let free = if taken.ships_free { shipping } else { None };
    messages.extend(taken.messages(if answer.ships { shipping } else { Some(0) }));
    let mut priced: Vec<Priced> = amounts
        .iter()
        .zip(&taken.of_lines)
        .map(|(amount, discount)| Priced::new(*amount, *discount))
        .collect();
    priced.extend(shipping.map(|amount| Priced::new(amount, free.unwrap_or_default())));
    let classes = request.items.iter().map(|item| item.tax_class.as_str());
    let classes = classes.chain(shipping.map(|_| SHIPPING_TAX_CLASS));
    let answers = taxes.quote(&TaxesRequest {
        destination: place,
        classes: classes.map(str::to_owned).collect(),
    });
    for (priced, answer) in priced.iter_mut().zip(answers) {
        priced.tax_rate = tax_rate(answer);
    }
    let taxes = tax(&mut priced, request.prices_include_tax)?;
    let shipping = chosen.and_then(|option| Some((option, priced.pop()?)));
    let discounts = taken.discounts(free.unwrap_or_default());
    let totals = totals(
        &amounts,
        shipping.as_ref().map(|(_, priced)| priced),
        &priced,
    )?;
    Ok(Quote {
        currency: request.currency,
        prices_include_tax: request.prices_include_tax,
        lines: request.items.iter().zip(priced).map(line).collect(),
        missing: missing(request, answer.ships, chosen.is_some()),
        shipping: shipping.map(quoted_shipping),
        shipping_options: answer.options,
        discounts,
        taxes,
        totals,
        messages,
    })
}

/// A line, or shipping, on the way to its total.
#[derive(Debug, Clone, Default)]
struct Priced {
    amount: i64,
    discount: i64,
    tax_rate: TaxRate,
    net: i64,
    tax: i64,
    total: i64,
}

impl Priced {
    fn new(amount: i64, discount: i64) -> Self {
        Self {
            amount,
            discount,
            ..Self::default()
        }
    }

    const fn after_discount(&self) -> i64 {
        self.amount - self.discount
    }
}

fn sum(numbers: impl IntoIterator<Item = i64>) -> Result<i64, TooLarge> {
    let mut numbers = numbers.into_iter();
    numbers.try_fold(0_i64, i64::checked_add).ok_or(TooLarge)
}

/// What each line costs before discounts: price times quantity, rounded half up to the minor unit (EN 16931, BT-131).
fn amounts(request: &QuoteRequest<'_>) -> Result<Vec<i64>, TooLarge> {
    let per_minor = i128::from(request.currency.units_per_minor());
    let amount = |item: &QuoteItem| {
        let units = i128::from(item.unit_price.units()) * i128::from(item.quantity.get());
        rounded(units, per_minor).ok_or(TooLarge)
    };
    let amounts: Vec<i64> = request.items.iter().map(amount).collect::<Result<_, _>>()?;
    sum(amounts.iter().copied())?;
    Ok(amounts)
}

fn weight(items: &[QuoteItem]) -> u64 {
    let grams = |item: &QuoteItem| u64::from(item.weight_grams) * u64::from(item.quantity.get());
    items.iter().map(grams).fold(0, u64::saturating_add)
}

fn place(destination: &Destination) -> Place {
    Place {
        country: destination.country.clone(),
        region: destination.region.clone().unwrap_or_default(),
        postal_code: destination.postal_code.clone().unwrap_or_default(),
    }
}

fn messages_of_items(request: &QuoteRequest<'_>) -> Vec<Message> {
    let mut messages = Vec::new();
    for (line, item) in request.items.iter().enumerate() {
        let is = item.unit_price;
        if let Some(was) = item.seen_price.filter(|was| *was != is) {
            messages.push(Message::PriceChanged { line, was, is });
        }
        let available = item.available;
        if available < u64::from(item.quantity.get()) {
            messages.push(Message::InsufficientStock { line, available });
        }
    }
    let unknown = request.unknown.iter().copied();
    messages.extend(unknown.map(|product_id| Message::UnknownProduct { product_id }));
    messages
}

/// What codes take off.
struct Taken {
    of_lines: Vec<i64>,
    /// Code, label, what it takes off the lines, whether shipping is free by it.
    by: Vec<(String, String, i64, bool)>,
    ships_free: bool,
}

impl Taken {
    /// The codes that are good and yet take nothing off. One that makes shipping free has its say once it is known what that costs.
    fn messages(&self, shipping: Option<i64>) -> Vec<Message> {
        let mut left = shipping;
        let mut messages = Vec::new();
        for (code, _, of_lines, ships_free) in &self.by {
            let of_shipping = if *ships_free { left } else { Some(0) };
            if *of_lines == 0 && of_shipping == Some(0) {
                let (code, problem) = (code.clone(), CodeProblem::NoEffect);
                messages.push(Message::Code { code, problem });
            }
            if *ships_free {
                left = left.map(|_| 0);
            }
        }
        messages
    }

    /// What each code takes off; what shipping would have cost is taken off by the first one that makes it free.
    fn discounts(self, shipping: i64) -> Vec<QuoteDiscount> {
        let first = self.by.iter().position(|(.., ships_free)| *ships_free);
        let by = self.by.into_iter().enumerate();
        by.map(|(index, (code, label, of_lines, _))| QuoteDiscount {
            code,
            label,
            amount: of_lines + if Some(index) == first { shipping } else { 0 },
        })
        .collect()
    }
}

fn taken_off(
    request: &QuoteRequest<'_>,
    amounts: &[i64],
    offers: &impl Offers,
    messages: &mut Vec<Message>,
) -> Taken {
    let mut taken = Taken {
        of_lines: vec![0; amounts.len()],
        by: Vec::new(),
        ships_free: false,
    };
    if request.codes.is_empty() {
        return taken;
    }
    let lines = request.items.iter().zip(amounts);
    let answer = offers.quote(&OffersRequest {
        currency: request.currency.to_string(),
        lines: lines
            .map(|(item, amount)| OfferLine {
                product_id: item.product_id.to_string(),
                amount: *amount,
            })
            .collect(),
        codes: request
            .codes
            .iter()
            .map(|code| code.as_str().to_owned())
            .collect(),
    });
    for offer in answer.offers {
        let mut of_lines = 0;
        let parts = offer.discounts.iter().zip(amounts);
        for (sum, (wanted, amount)) in taken.of_lines.iter_mut().zip(parts) {
            let part = (*wanted).clamp(0, *amount - *sum);
            *sum += part;
            of_lines += part;
        }
        taken.ships_free |= offer.ships_free;
        taken
            .by
            .push((offer.code, offer.label, of_lines, offer.ships_free));
    }
    let refused = answer.refused.into_iter();
    messages.extend(refused.map(|(code, problem)| Message::Code { code, problem }));
    taken
}

fn chosen<'a>(request: &QuoteRequest<'_>, options: &'a [RateOption]) -> Option<&'a RateOption> {
    let wanted = request.option?.as_str();
    let mut options = options.iter();
    options
        .find(|option| option.code == wanted)
        .filter(|_| !request.items.is_empty())
}

fn messages_of_shipping(
    request: &QuoteRequest<'_>,
    chosen: Option<&RateOption>,
    options: &[RateOption],
) -> Vec<Message> {
    let mut messages = Vec::new();
    if options.is_empty() {
        messages.push(Message::NoShippingOption);
    }
    if let Some(wanted) = request.option.filter(|_| chosen.is_none()) {
        let code = wanted.as_str().to_owned();
        messages.push(Message::ShippingOptionGone { code });
    }
    messages
}

fn missing(request: &QuoteRequest<'_>, ships: bool, is_option_chosen: bool) -> Vec<Missing> {
    let mut missing = Vec::new();
    if request.items.is_empty() {
        missing.push(Missing::Items);
    }
    if !request.has_email {
        missing.push(Missing::Email);
    }
    if request.destination.is_none() {
        missing.push(Missing::ShippingAddress);
    }
    if ships && !is_option_chosen {
        missing.push(Missing::ShippingOption);
    }
    missing
}

fn tax_rate(answer: TaxAnswer) -> TaxRate {
    TaxRate {
        rate: Rate::from_units(answer.rate).unwrap_or_default(),
        reason: answer.reason,
    }
}

/// The tax of every rate, on the sum of what bears it, rounded half up once (EN 16931, BT-117) and then spread over that.
fn tax(priced: &mut [Priced], prices_include_tax: bool) -> Result<Vec<QuoteTax>, TooLarge> {
    let mut by_rate: BTreeMap<TaxRate, Vec<&mut Priced>> = BTreeMap::new();
    for priced in priced {
        let rate = priced.tax_rate.clone();
        by_rate.entry(rate).or_default().push(priced);
    }
    let mut taxes = Vec::with_capacity(by_rate.len());
    for (tax_rate, bearing) in by_rate {
        let bases: Vec<i64> = bearing.iter().map(|it| it.after_discount()).collect();
        let base = sum(bases.iter().copied())?;
        let (rate, whole) = (i128::from(tax_rate.rate.units()), i128::from(Rate::WHOLE));
        let divisor = if prices_include_tax {
            whole + rate
        } else {
            whole
        };
        let tax = rounded(i128::from(base) * rate, divisor).ok_or(TooLarge)?;
        for (it, part) in bearing.into_iter().zip(spread(tax, &bases)) {
            it.tax = part;
            if prices_include_tax {
                it.total = it.after_discount();
                it.net = it.total - part;
            } else {
                it.net = it.after_discount();
                it.total = it.net.checked_add(part).ok_or(TooLarge)?;
            }
        }
        let net = if prices_include_tax { base - tax } else { base };
        taxes.push(QuoteTax { tax_rate, net, tax });
    }
    Ok(taxes)
}

fn totals(
    amounts: &[i64],
    shipping: Option<&Priced>,
    lines: &[Priced],
) -> Result<Totals, TooLarge> {
    let all = || lines.iter().chain(shipping);
    Ok(Totals {
        items: sum(amounts.iter().copied())?,
        discount: sum(all().map(|it| it.discount))?,
        shipping: shipping.map_or(0, |shipping| shipping.amount),
        tax: sum(all().map(|it| it.tax))?,
        total: sum(all().map(|it| it.total))?,
    })
}

fn line((item, priced): (&QuoteItem, Priced)) -> QuoteLine {
    QuoteLine {
        product_id: item.product_id,
        name: item.name.clone(),
        choices: item.choices.clone(),
        quantity: item.quantity,
        unit_price: item.unit_price,
        amount: priced.amount,
        discount: priced.discount,
        tax_rate: priced.tax_rate,
        net: priced.net,
        tax: priced.tax,
        total: priced.total,
    }
}

fn quoted_shipping((option, priced): (&RateOption, Priced)) -> QuoteShipping {
    QuoteShipping {
        code: option.code.clone(),
        name: option.name.clone(),
        amount: priced.amount,
        discount: priced.discount,
        tax_rate: priced.tax_rate,
        net: priced.net,
        tax: priced.tax,
        total: priced.total,
    }
}
