//! A shop to act in.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use mercato_money::Money;
use mercato_testing::{CountingIds, Faults, TestClock, run};

use crate::application::commands::{
    change_checkout, create_code, hold_codes, open_checkout, prepare_order, save_shipping_settings,
    save_tax_settings, settle_codes, show_checkout,
};
use crate::application::ports::{Catalogue, CatalogueItem, Ports, Secrets};
use crate::application::{CheckoutView, Error};
use crate::domain::quote::QuoteId;
use crate::domain::{
    AccountId, AddressDraft, Benefit, Changes, CheckoutId, CheckoutToken, Client, CodeName,
    CodeTerms, DiscountCode, Email, GUEST_TOKEN_PREFIX, Holder, Label, Measure, OptionCode,
    OrderId, ProductId, Quantity, Rate, ShippingOption, ShippingSettings, Step, TaxClass, TaxRule,
    TaxSettings, UseLimits, Zone,
};
use crate::store::Store;

/// The time of the tests, in milliseconds since the Unix epoch.
pub const NOW: u64 = 1_800_000_000_000;

/// What there is to buy.
#[derive(Default)]
pub struct Shelf {
    pub items: RefCell<BTreeMap<ProductId, CatalogueItem>>,
    /// Lets others run while somebody waits for the answer.
    pub faults: Faults,
    pub is_down: Cell<bool>,
}

impl Catalogue for Shelf {
    async fn items(
        &self,
        products: &[ProductId],
        _: CheckoutId,
    ) -> Result<Vec<CatalogueItem>, Error> {
        if self.is_down.get() {
            return Err(Error::Unavailable("the shelf is down".to_owned()));
        }
        let find = || {
            let items = self.items.borrow();
            let found = products.iter().filter_map(|id| items.get(id).cloned());
            found.collect()
        };
        Ok(self.faults.around_async(find).await)
    }
}

/// Tokens in a row.
#[derive(Default)]
struct CountingTokens(Cell<u32>);

impl Secrets for CountingTokens {
    fn token(&self) -> CheckoutToken {
        self.0.set(self.0.get() + 1);
        CheckoutToken::new(format!("{GUEST_TOKEN_PREFIX}{}", self.0.get()))
    }
}

pub struct Shop {
    pub ports: Ports<Shelf>,
    pub clock: TestClock,
}

pub fn money(text: &str) -> Money {
    text.parse().unwrap()
}

pub fn product(number: u32) -> ProductId {
    ProductId::parse(&format!("01890a5d-ac96-774b-bcce-{number:012x}")).unwrap()
}

pub fn account(number: u32) -> AccountId {
    AccountId::parse(&format!("01890a5d-ac96-774b-acc0-{number:012x}")).unwrap()
}

pub fn order(number: u32) -> OrderId {
    OrderId::parse(&format!("01890a5d-ac96-774b-b0de-{number:012x}")).unwrap()
}

pub fn checkout(number: u32) -> CheckoutId {
    CheckoutId::parse(&format!("01890a5d-ac96-774b-c0de-{number:012x}")).unwrap()
}

pub fn email(text: &str) -> Email {
    Email::parse(text).unwrap()
}

pub fn code_name(text: &str) -> CodeName {
    CodeName::parse(text).unwrap()
}

pub fn vienna() -> AddressDraft {
    AddressDraft {
        name: "Ada Lovelace".to_owned(),
        line1: "Ring 1".to_owned(),
        postal_code: Some("1010".to_owned()),
        city: Some("Wien".to_owned()),
        country: "AT".to_owned(),
        ..AddressDraft::default()
    }
}

pub fn items(lines: &[(u32, u32)]) -> Changes {
    let line =
        |(number, quantity): &(u32, u32)| (product(*number), Quantity::new(*quantity).unwrap());
    Changes {
        items: Some(lines.iter().map(line).collect()),
        ..Changes::default()
    }
}

/// All that is needed to order two cups.
pub fn complete() -> Changes {
    Changes {
        email: Some(Some(email("ada@example.com"))),
        shipping_address: Some(Some(vienna())),
        option: Some(Some(OptionCode::parse("at-post").unwrap())),
        ..items(&[(1, 2)])
    }
}

pub fn with_codes(names: &[&str]) -> Changes {
    Changes {
        codes: Some(names.iter().map(|name| code_name(name)).collect()),
        ..Changes::default()
    }
}

pub fn terms() -> CodeTerms {
    CodeTerms {
        label: Label::parse("A discount").unwrap(),
        valid_from: None,
        valid_until: None,
        minimum_value: None,
        products: vec![],
        limits: UseLimits::default(),
        is_combinable: false,
    }
}

pub fn shipping() -> ShippingSettings {
    let step = |up_to, amount: &str| Step {
        up_to,
        amount: money(amount),
    };
    ShippingSettings {
        zones: vec![Zone {
            name: Label::parse("Austria").unwrap(),
            countries: vec!["AT".to_owned()],
            regions: vec![],
            postal_codes: vec!["1".to_owned(), "20".to_owned()],
            options: vec![ShippingOption {
                code: OptionCode::parse("at-post").unwrap(),
                name: Label::parse("Post AT").unwrap(),
                measure: Measure::Weight,
                steps: vec![step(Some(money("1000")), "4.9"), step(None, "9.9")],
                free_from: Some(money("100")),
            }],
        }],
    }
}

pub fn taxes() -> TaxSettings {
    TaxSettings {
        prices_include_tax: true,
        default_country: Some("AT".to_owned()),
        rules: vec![TaxRule {
            country: "AT".to_owned(),
            region: None,
            tax_class: TaxClass::standard(),
            rate: Rate::from_percent(money("20")).unwrap(),
            reason: None,
        }],
    }
}

impl Shop {
    /// A shop in Austria with products 1 to 3 at 12.50 each.
    pub fn new() -> Self {
        let clock = TestClock::at(NOW);
        let shop = Self {
            ports: Ports {
                store: Store::for_test(),
                catalogue: Shelf::default(),
                secrets: Box::new(CountingTokens::default()),
                clock: Box::new(clock.clone()),
                ids: Box::new(CountingIds::new(&clock)),
                currency: "EUR".parse().unwrap(),
            },
            clock,
        };
        for number in 1..=3 {
            shop.put(number, "12.5", 20);
        }
        let (settings, expected_version) = (shipping(), None);
        let command = save_shipping_settings::Command {
            settings,
            expected_version,
        };
        save_shipping_settings::handle(&shop.ports, command).unwrap();
        let command = save_tax_settings::Command {
            settings: taxes(),
            expected_version,
        };
        save_tax_settings::handle(&shop.ports, command).unwrap();
        shop
    }

    /// There is a product of that price, so many units of it.
    pub fn put(&self, number: u32, price: &str, available: u64) {
        let item = CatalogueItem {
            product_id: product(number),
            name: format!("Cup {number}"),
            choices: Vec::new(),
            price: money(price),
            tax_class: String::new(),
            weight_grams: 200,
            available,
        };
        let mut items = self.ports.catalogue.items.borrow_mut();
        items.insert(product(number), item);
    }

    pub fn open(&self, changes: Changes) -> Result<open_checkout::Opened, Error> {
        let command = open_checkout::Command {
            changes,
            ..open_checkout::Command::default()
        };
        run(open_checkout::handle(&self.ports, command))
    }

    /// A guest's checkout with these changes, and who holds it.
    pub fn guest(&self, changes: Changes) -> (CheckoutView, Holder) {
        let opened = self.open(changes).unwrap();
        (opened.view, Holder::Guest(opened.token.unwrap()))
    }

    /// The checkout of an account with these changes.
    pub fn own(&self, number: u32, changes: Changes) -> (CheckoutView, Holder) {
        let command = open_checkout::Command {
            account: Some(account(number)),
            client: None,
            changes,
        };
        let opened = run(open_checkout::handle(&self.ports, command)).unwrap();
        assert!(opened.token.is_none());
        (opened.view, Holder::Account(account(number)))
    }

    pub fn change(
        &self,
        id: CheckoutId,
        holder: &Holder,
        changes: Changes,
    ) -> Result<CheckoutView, Error> {
        self.change_from(None, id, holder, changes)
    }

    pub fn change_from(
        &self,
        client: Option<&str>,
        id: CheckoutId,
        holder: &Holder,
        changes: Changes,
    ) -> Result<CheckoutView, Error> {
        let command = change_checkout::Command {
            id,
            holder: holder.clone(),
            client: client.and_then(Client::parse),
            changes,
            expected_version: None,
        };
        run(change_checkout::handle(&self.ports, command))
    }

    pub fn show(&self, id: CheckoutId, holder: &Holder) -> Result<CheckoutView, Error> {
        let holder = holder.clone();
        run(show_checkout::handle(
            &self.ports,
            show_checkout::Command { id, holder },
        ))
    }

    pub fn prepare(
        &self,
        id: CheckoutId,
        holder: &Holder,
        quote: &QuoteId,
    ) -> Result<CheckoutView, Error> {
        let command = prepare_order::Command {
            id,
            holder: holder.clone(),
            quote: quote.clone(),
        };
        run(prepare_order::handle(&self.ports, command))
    }

    pub fn make_code(&self, name: &str, benefit: Benefit, terms: CodeTerms) -> DiscountCode {
        let command = create_code::Command {
            name: code_name(name),
            benefit,
            terms,
        };
        create_code::handle(&self.ports, command).unwrap()
    }

    pub fn uses(&self, name: &str) -> u64 {
        let found = self
            .ports
            .store
            .read(|records| records.code(&code_name(name)));
        found.unwrap().unwrap().uses
    }

    pub fn hold(
        &self,
        number: u32,
        code: &str,
        by: Option<u32>,
        address: Option<&str>,
    ) -> Result<(), Error> {
        let command = hold_codes::Command {
            order: order(number),
            checkout: checkout(number),
            codes: vec![code_name(code)],
            account: by.map(account),
            email: address.map(email),
        };
        hold_codes::handle(&self.ports, &command)
    }

    pub fn settle(&self, number: u32, settlement: settle_codes::Settlement) -> Result<(), Error> {
        let order = order(number);
        settle_codes::handle(&self.ports, settle_codes::Command { order, settlement })
    }
}

/// The quote that was shown.
pub fn shown(view: &CheckoutView) -> QuoteId {
    view.checkout.shown().unwrap().id.clone()
}
