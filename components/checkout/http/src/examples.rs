//! What requests to this adapter and its answers look like, for the OpenAPI document.

use checkout::Error;
use checkout::application::CheckoutView;
use checkout::application::commands::open_checkout::Opened;
use checkout::application::queries::settings::Versioned;
use checkout::domain::quote::ports::{
    Offer, Offers, OffersAnswer, OffersRequest, RateOption, Rates, RatesAnswer, RatesRequest,
    TaxAnswer, Taxes, TaxesRequest,
};
use checkout::domain::quote::{QuoteItem, QuoteRequest, draw};
use checkout::domain::{
    Changes, Checkout, CheckoutToken, DiscountCode, Owner, ProductId, ShippingSettings, TaxClass,
    TaxSettings,
};
use mercato_edge::examples::{
    Examples, OperationExamples, from_json, from_path, from_query, only_page, refusal,
};
use mercato_edge::story::{
    CHECKOUT_OF_GUEST_ID, CUP_ID, CUP_NAME, CUP_PRICE, CURRENCY, CUSTOMER_EMAIL, LISTED_AT,
    PLACED_AT, QUANTITY,
};
use mercato_edge::{Created, FromFields, PageRequest, Paged, Problem, Secret};
use mercato_kernel::CheckoutId;
use mercato_money::{Currency, Money};
use serde_json::{Value, json};

use crate::body::CheckoutBody;
use crate::change::CHANGE;
use crate::change_code::CHANGE_CODE;
use crate::code::{self, CodeChangesBody, CodeResource, NewCodeBody};
use crate::create_code::CREATE_CODE;
use crate::find::FIND;
use crate::find_code::FIND_CODE;
use crate::list_codes::LIST_CODES;
use crate::open::OPEN;
use crate::problems::problem;
use crate::remove::REMOVE;
use crate::remove_code::REMOVE_CODE;
use crate::replace_shipping::REPLACE_SHIPPING;
use crate::replace_taxes::REPLACE_TAXES;
use crate::resource::{opened, tagged};
use crate::shipping::{self, ShippingBody};
use crate::show_shipping::SHOW_SHIPPING;
use crate::show_taxes::SHOW_TAXES;
use crate::taxes::{self, TaxesBody};
use crate::values::CodePath;

/// A token of a guest, in shape.
const TOKEN: &str = "guest_7d1f0c5b2a49e8d3b6a7c0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5";

/// Pause after too many unknown codes, in seconds.
const PAUSE_SECONDS: u64 = 60;

/// The discount code.
const CODE: &str = "ROAST10";

/// Its label.
const LABEL: &str = "10 % off";

/// The shipping option.
const OPTION: &str = "at-post";

/// Weight of a cup, in grams.
const CUP_GRAMS: u32 = 250;

/// The examples of all operations.
///
/// # Errors
/// What makes an answer fails, which the document's tests find out.
pub fn examples() -> Result<Examples, Problem> {
    Ok(Examples::default()
        .with(open()?)
        .with(find()?)
        .with(change()?)
        .with(remove())
        .with(show_shipping()?)
        .with(replace_shipping()?)
        .with(show_taxes()?)
        .with(replace_taxes()?)
        .with(list_codes()?)
        .with(create_code()?)
        .with(find_code()?)
        .with(change_code()?)
        .with(remove_code()))
}

fn open() -> Result<OperationExamples, Problem> {
    let wrong = from_json::<CheckoutBody>(r#"{"items": [{"productId": "cup"}], "coupon": "x"}"#);
    let answer = Created {
        location: format!("/api/v1/checkouts/{CHECKOUT_OF_GUEST_ID}"),
        shown: Secret(opened(guest()?)?),
    };
    Ok(OPEN
        .examples(&[])
        .request("items", "Two cups", json!({"items": items()}))
        .answer("guest", "A guest's, with its token", answer)?
        .problem(&refusal(wrong))
        .problem(&problem(Error::TooManyAttempts(PAUSE_SECONDS))))
}

fn find() -> Result<OperationExamples, Problem> {
    Ok(FIND
        .examples(&[("id", CHECKOUT_OF_GUEST_ID)])
        .answer("complete", "Everything is filled in", tagged(view()?)?)?
        .problem(&problem(Error::NotFound)))
}

fn change() -> Result<OperationExamples, Problem> {
    let wrong = r#"{"shippingAddress": {"name": "Ada", "line1": "Ring 1", "country": "AT", "colour": "red"}}"#;
    let refused = [
        Error::NotFound,
        Error::VersionMismatch,
        Error::TooManyAttempts(PAUSE_SECONDS),
    ];
    Ok(CHANGE
        .examples(&[("id", CHECKOUT_OF_GUEST_ID)])
        .request("all", "Everything else", rest())
        .answer("complete", "Everything is filled in", tagged(view()?)?)?
        .problem(&refusal(from_json::<CheckoutBody>(wrong)))
        .problems(refused.map(problem)))
}

fn remove() -> OperationExamples {
    REMOVE
        .examples(&[("id", CHECKOUT_OF_GUEST_ID)])
        .problem(&problem(Error::NotFound))
        .problem(&problem(Error::VersionMismatch))
}

fn show_shipping() -> Result<OperationExamples, Problem> {
    let shown = shipping::tagged(shipping_settings()?);
    SHOW_SHIPPING
        .examples(&[])
        .answer("austria", "One zone", shown)
}

fn replace_shipping() -> Result<OperationExamples, Problem> {
    let wrong = from_json::<ShippingBody>(r#"{"zones": [{"name": "Austria"}]}"#);
    Ok(REPLACE_SHIPPING
        .examples(&[])
        .request("austria", "One zone", shipping_document())
        .answer(
            "austria",
            "One zone",
            shipping::tagged(shipping_settings()?),
        )?
        .problem(&refusal(wrong))
        .problem(&problem(Error::VersionMismatch)))
}

fn show_taxes() -> Result<OperationExamples, Problem> {
    let shown = taxes::tagged(tax_settings()?);
    SHOW_TAXES
        .examples(&[])
        .answer("austria", "Two rates", shown)
}

fn replace_taxes() -> Result<OperationExamples, Problem> {
    let wrong = r#"{"pricesIncludeTax": true, "rates": [{"country": "AT", "rate": 200}]}"#;
    Ok(REPLACE_TAXES
        .examples(&[])
        .request("austria", "Two rates", tax_document())
        .answer("austria", "Two rates", taxes::tagged(tax_settings()?))?
        .problem(&refusal(from_json::<TaxesBody>(wrong)))
        .problem(&problem(Error::VersionMismatch)))
}

fn list_codes() -> Result<OperationExamples, Problem> {
    let page = only_page(vec![discount_code(7)?]);
    let shown = Paged::of(page, |code| Ok(CodeResource::from(code)))?;
    let wrong = from_query::<PageRequest>("limit=500");
    Ok(LIST_CODES
        .examples(&[])
        .answer("one", "One code", shown)?
        .problem(&refusal(wrong)))
}

fn create_code() -> Result<OperationExamples, Problem> {
    let wrong = from_json::<NewCodeBody>(r#"{"code": "10 % off"}"#);
    let answer = Created {
        location: format!("/api/v1/checkouts/codes/{CODE}"),
        shown: code::tagged(discount_code(0)?),
    };
    Ok(CREATE_CODE
        .examples(&[])
        .request("percent", "A tenth off", code_document())
        .answer("percent", "A tenth off", answer)?
        .problem(&refusal(wrong))
        .problem(&problem(Error::CodeTaken)))
}

fn find_code() -> Result<OperationExamples, Problem> {
    let wrong = from_path::<CodePath>("code", "10 %");
    Ok(FIND_CODE
        .examples(&[("code", CODE)])
        .answer("used", "With its uses", code::tagged(discount_code(7)?))?
        .problem(&refusal(wrong))
        .problem(&problem(Error::CodeNotFound)))
}

fn change_code() -> Result<OperationExamples, Problem> {
    let wrong = from_json::<CodeChangesBody>(r#"{"percent": 20}"#);
    let mut changed = discount_code(7)?;
    changed.terms.limits.total = Some(200);
    changed.version = 2;
    changed.updated_at = PLACED_AT;
    Ok(CHANGE_CODE
        .examples(&[("code", CODE)])
        .request("limit", "More uses", json!({"limit": 200}))
        .answer("limit", "More uses", code::tagged(changed))?
        .problem(&refusal(wrong))
        .problem(&problem(Error::CodeNotFound))
        .problem(&problem(Error::VersionMismatch)))
}

fn remove_code() -> OperationExamples {
    REMOVE_CODE
        .examples(&[("code", CODE)])
        .problem(&problem(Error::CodeNotFound))
        .problem(&problem(Error::VersionMismatch))
}

fn items() -> Value {
    json!([{"productId": CUP_ID, "quantity": QUANTITY}])
}

/// What is filled in after the lines.
fn rest() -> Value {
    json!({
        "email": CUSTOMER_EMAIL,
        "shippingAddress": {"name": "Ada Lovelace", "line1": "Ring 1", "postalCode": "1010", "city": "Wien", "country": "AT"},
        "shippingOption": OPTION,
        "codes": [CODE]
    })
}

fn shipping_document() -> Value {
    json!({"zones": [{
        "name": "Austria", "countries": ["AT"],
        "options": [{
            "code": OPTION, "name": "Post AT", "by": "weight", "steps": [{"upTo": 2000, "amount": 4.9}, {"amount": 9.9}], "freeFrom": 50
        }]
    }]})
}

fn tax_document() -> Value {
    json!({
        "pricesIncludeTax": true, "defaultCountry": "AT",
        "rates": [{"country": "AT", "rate": 20}, {"country": "AT", "taxClass": "food", "rate": 10}]
    })
}

fn code_document() -> Value {
    json!({"code": CODE, "label": LABEL, "percent": 10, "limit": 100, "limitPerCustomer": 1})
}

fn body<T: FromFields>(document: Value) -> Result<T, Problem> {
    from_json(&document.to_string())
}

fn shipping_settings() -> Result<Versioned<ShippingSettings>, Problem> {
    let settings: ShippingSettings = (&body::<ShippingBody>(shipping_document())?).into();
    Ok(Versioned {
        settings: settings.checked(currency()?).map_err(Problem::validation)?,
        version: 1,
    })
}

fn tax_settings() -> Result<Versioned<TaxSettings>, Problem> {
    let settings: TaxSettings = (&body::<TaxesBody>(tax_document())?).into();
    Ok(Versioned {
        settings: settings.checked().map_err(Problem::validation)?,
        version: 1,
    })
}

fn discount_code(uses: u64) -> Result<DiscountCode, Problem> {
    let body = body::<NewCodeBody>(code_document())?;
    let command = body.command().map_err(Problem::validation)?;
    Ok(DiscountCode {
        name: command.name,
        benefit: command.benefit,
        terms: command.terms,
        uses,
        version: 1,
        created_at: LISTED_AT,
        updated_at: LISTED_AT,
    })
}

fn currency() -> Result<Currency, Problem> {
    CURRENCY.parse().map_err(|_| Problem::internal())
}

/// What the shop of the examples answers to a quote: a fifth of tax, post for 4.90, a tenth off by the code.
struct Answers;

impl Rates for Answers {
    fn quote(&self, request: &RatesRequest) -> RatesAnswer {
        let option = RateOption {
            code: OPTION.to_owned(),
            name: "Post AT".to_owned(),
            amount: 490,
        };
        RatesAnswer {
            ships: true,
            options: request.destination.iter().map(|_| option.clone()).collect(),
        }
    }
}

impl Taxes for Answers {
    fn quote(&self, request: &TaxesRequest) -> Vec<TaxAnswer> {
        let answer = TaxAnswer {
            rate: 200_000,
            reason: None,
        };
        vec![answer; request.classes.len()]
    }
}

impl Offers for Answers {
    fn quote(&self, request: &OffersRequest) -> OffersAnswer {
        let tenths = request.lines.iter().map(|line| line.amount / 10);
        OffersAnswer {
            offers: vec![Offer {
                code: CODE.to_owned(),
                label: LABEL.to_owned(),
                discounts: tenths.collect(),
                ships_free: false,
            }],
            refused: vec![],
        }
    }
}

/// A checkout with that filled in.
fn filled(content: Value) -> Result<CheckoutView, Problem> {
    let internal = |_| Problem::internal();
    let changes = Changes::from(&body::<CheckoutBody>(content)?).check();
    let token = CheckoutToken::new(TOKEN.to_owned());
    let id = CheckoutId::parse(CHECKOUT_OF_GUEST_ID).map_err(internal)?;
    let opened_at = PLACED_AT - 120_000;
    let checkout = Checkout::open(id, Owner::Guest(token.hash()), opened_at);
    let mut checkout = checkout.with(changes.map_err(Problem::validation)?);
    let product_id = ProductId::parse(CUP_ID).map_err(internal)?;
    let content = checkout.content();
    let items: Vec<_> = content
        .lines
        .iter()
        .map(|line| QuoteItem {
            product_id,
            name: CUP_NAME.to_owned(),
            choices: Vec::new(),
            quantity: line.quantity,
            unit_price: Money::from_units(CUP_PRICE),
            seen_price: None,
            tax_class: TaxClass::standard(),
            weight_grams: CUP_GRAMS,
            available: 20,
        })
        .collect();
    let destination = checkout.destination();
    let request = QuoteRequest {
        currency: currency()?,
        prices_include_tax: true,
        items: &items,
        unknown: &[],
        destination: destination.as_ref(),
        has_email: content.email.is_some(),
        option: content.option.as_ref(),
        codes: &content.codes,
    };
    let quote = draw(&request, &Answers, &Answers, &Answers);
    let quote = quote.map_err(|_| Problem::internal())?;
    checkout.show_anew(checkout.quote_id(&quote), opened_at);
    Ok(CheckoutView { checkout, quote })
}

/// A checkout in which everything is filled in.
pub fn view() -> Result<CheckoutView, Problem> {
    let mut content = rest();
    if let Value::Object(members) = &mut content {
        members.insert("items".to_owned(), items());
    }
    filled(content)
}

/// A guest's checkout with two cups in it.
pub fn guest() -> Result<Opened, Problem> {
    Ok(Opened {
        view: filled(json!({"items": items()}))?,
        token: Some(CheckoutToken::new(TOKEN.to_owned())),
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_example_is_of_what_is_described() {
        let document = mercato_edge::openapi::document(crate::ROUTES, super::examples().unwrap());
        assert_eq!(document.err(), None);
    }
}
