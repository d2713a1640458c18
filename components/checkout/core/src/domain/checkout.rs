//! The checkout: what a customer has filled in.

use mercato_address::{Address, AddressDraft, Destination};
use mercato_kernel::{
    AccountId, CheckoutId, CheckoutToken, CheckoutTokenHash, FieldError, ProductId, Quantity,
};
use mercato_money::Money;

use super::code::CODES_MAX;
use super::email::Email;
use super::line::{Line, merged};
use super::quote::{QUOTE_LIFETIME_MS, Quote, QuoteId};
use super::texts::{CodeName, Metadata, Note, OptionCode, broken};

/// How long a checkout that nobody uses is kept, in milliseconds.
pub const UNUSED_KEPT_MS: u64 = 30 * 24 * 60 * 60 * 1_000;

/// Whose a checkout is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// An account's.
    Account(AccountId),
    /// Of whoever has the token of this hash.
    Guest(CheckoutTokenHash),
}

/// Who asks for a checkout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// An account.
    Account(AccountId),
    /// Somebody with a token.
    Guest(CheckoutToken),
}

impl Owner {
    /// Whether that is who asks.
    #[must_use]
    pub fn is(&self, holder: &Holder) -> bool {
        match (self, holder) {
            (Self::Account(own), Holder::Account(id)) => own == id,
            (Self::Guest(own), Holder::Guest(token)) => *own == token.hash(),
            _ => false,
        }
    }
}

/// The quote that was shown last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownQuote {
    /// Its name.
    pub id: QuoteId,
    /// Until when it can be ordered, in milliseconds since the Unix epoch.
    pub expires_at: u64,
}

/// What a customer has filled in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Content {
    /// What is bought.
    pub lines: Vec<Line>,
    /// The customer's address for mail.
    pub email: Option<Email>,
    /// Where it goes.
    pub shipping_address: Option<Address>,
    /// Who is billed; as the shipping address when there is none.
    pub billing_address: Option<Address>,
    /// How it gets there.
    pub option: Option<OptionCode>,
    /// The codes that were typed.
    pub codes: Vec<CodeName>,
    /// What the customer has to say.
    pub note: Option<Note>,
    /// What the shop front keeps.
    pub metadata: Metadata,
}

/// What is stored of a checkout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckoutRecord {
    /// Its id.
    pub id: CheckoutId,
    /// Whose it is.
    pub owner: Owner,
    /// Grows by one with every change of what is shown, from 1.
    pub version: u64,
    /// What was filled in.
    pub content: Content,
    /// What was shown last.
    pub shown: Option<ShownQuote>,
    /// Milliseconds since the Unix epoch.
    pub created_at: u64,
    /// When it was last changed or shown anew, in milliseconds since the Unix epoch.
    pub used_at: u64,
}

/// A checkout. Only its methods change it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkout(CheckoutRecord);

/// What is to be changed; what is none stays. The inner none clears.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(
    clippy::option_option,
    reason = "to leave something and to clear it are different changes"
)]
pub struct Changes {
    /// All lines.
    pub items: Option<Vec<(ProductId, Quantity)>>,
    /// The customer's address for mail.
    pub email: Option<Option<Email>>,
    /// Where it goes.
    pub shipping_address: Option<Option<AddressDraft>>,
    /// Who is billed.
    pub billing_address: Option<Option<AddressDraft>>,
    /// How it gets there.
    pub option: Option<Option<OptionCode>>,
    /// All codes.
    pub codes: Option<Vec<CodeName>>,
    /// What the customer has to say.
    pub note: Option<Option<Note>>,
    /// What the shop front keeps.
    pub metadata: Option<Metadata>,
}

/// Changes that hold together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(
    clippy::option_option,
    reason = "to leave something and to clear it are different changes"
)]
pub struct CheckedChanges {
    lines: Option<Vec<Line>>,
    email: Option<Option<Email>>,
    shipping_address: Option<Option<Address>>,
    billing_address: Option<Option<Address>>,
    option: Option<Option<OptionCode>>,
    codes: Option<Vec<CodeName>>,
    note: Option<Option<Note>>,
    metadata: Option<Metadata>,
}

impl Changes {
    /// The changes, if they hold together.
    ///
    /// # Errors
    /// Everything that is wrong, each under its path.
    pub fn check(&self) -> Result<CheckedChanges, Vec<FieldError>> {
        let mut errors = Vec::new();
        let mut note = |broken: Vec<FieldError>| errors.extend(broken);
        let lines = self.items.as_deref().map(merged);
        let lines = lines.transpose().map_err(&mut note).ok().flatten();
        let mut address = |draft: &Option<Option<AddressDraft>>, path: &str| {
            let parsed = draft.as_ref().map(|draft| {
                let draft = draft.as_ref();
                draft.map(|draft| Address::parse(draft, path)).transpose()
            });
            parsed.transpose().map_err(&mut note).ok().flatten()
        };
        let shipping_address = address(&self.shipping_address, "shippingAddress");
        let billing_address = address(&self.billing_address, "billingAddress");
        let codes = self.codes.clone().map(|codes| {
            let mut once: Vec<CodeName> = Vec::new();
            for code in codes {
                if !once.contains(&code) {
                    once.push(code);
                }
            }
            once
        });
        if codes.as_ref().is_some_and(|codes| codes.len() > CODES_MAX) {
            let rest = format!("must not have more than {CODES_MAX} entries");
            errors.push(broken("codes", ("max", rest.into())));
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(CheckedChanges {
            lines,
            email: self.email.clone(),
            shipping_address,
            billing_address,
            option: self.option.clone(),
            codes,
            note: self.note.clone(),
            metadata: self.metadata.clone(),
        })
    }
}

impl CheckedChanges {
    /// The codes that are typed anew: those that the checkout does not have yet.
    #[must_use]
    pub fn new_codes(&self, checkout: Option<&Checkout>) -> Vec<CodeName> {
        let known = checkout.map_or(&[][..], |checkout| checkout.content().codes.as_slice());
        let typed = self.codes.iter().flatten();
        typed
            .filter(|code| !known.contains(code))
            .cloned()
            .collect()
    }
}

impl Checkout {
    /// A new one without anything in it.
    #[must_use]
    pub fn open(id: CheckoutId, owner: Owner, now: u64) -> Self {
        Self(CheckoutRecord {
            id,
            owner,
            version: 0,
            content: Content::default(),
            shown: None,
            created_at: now,
            used_at: now,
        })
    }

    /// The checkout as it was stored; for the store alone.
    #[must_use]
    pub const fn restore(record: CheckoutRecord) -> Self {
        Self(record)
    }

    /// What is to be stored.
    #[must_use]
    pub const fn record(&self) -> &CheckoutRecord {
        &self.0
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> CheckoutId {
        self.0.id
    }

    /// The number of its last change.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.0.version
    }

    /// What was filled in.
    #[must_use]
    pub const fn content(&self) -> &Content {
        &self.0.content
    }

    /// Whose it is, if an account's.
    #[must_use]
    pub const fn account(&self) -> Option<AccountId> {
        match &self.0.owner {
            Owner::Account(id) => Some(*id),
            Owner::Guest(_) => None,
        }
    }

    /// Whether it belongs to who asks.
    #[must_use]
    pub fn is_held_by(&self, holder: &Holder) -> bool {
        self.0.owner.is(holder)
    }

    /// The quote that was shown last.
    #[must_use]
    pub const fn shown(&self) -> Option<&ShownQuote> {
        self.0.shown.as_ref()
    }

    /// Where it goes.
    #[must_use]
    pub fn destination(&self) -> Option<Destination> {
        let address = self.0.content.shipping_address.as_ref();
        address.map(Address::destination)
    }

    /// With these changes made. What prices were seen of products that stay is known until [`Self::see_prices`].
    #[must_use]
    pub fn with(mut self, changes: CheckedChanges) -> Self {
        let content = &mut self.0.content;
        if let Some(mut lines) = changes.lines {
            for line in &mut lines {
                let before = content.lines.iter();
                let mut known = before.filter(|known| known.product_id == line.product_id);
                line.seen_price = known.next().and_then(|known| known.seen_price);
            }
            content.lines = lines;
        }
        fn replace<T>(place: &mut T, change: Option<T>) {
            if let Some(change) = change {
                *place = change;
            }
        }
        replace(&mut content.email, changes.email);
        replace(&mut content.shipping_address, changes.shipping_address);
        replace(&mut content.billing_address, changes.billing_address);
        replace(&mut content.option, changes.option);
        replace(&mut content.codes, changes.codes);
        replace(&mut content.note, changes.note);
        replace(&mut content.metadata, changes.metadata);
        self
    }

    /// The customer sees these prices now: nothing has changed against them.
    pub fn see_prices(&mut self, price_of: impl Fn(ProductId) -> Option<Money>) {
        for line in &mut self.0.content.lines {
            line.seen_price = price_of(line.product_id).or(line.seen_price);
        }
    }

    /// What the quote of this checkout would be called: it names all that an order would keep.
    #[must_use]
    pub fn quote_id(&self, quote: &Quote) -> QuoteId {
        let content = &self.0.content;
        QuoteId::of(&(
            quote,
            &content.email,
            &content.shipping_address,
            &content.billing_address,
            &content.note,
            &content.metadata,
        ))
    }

    /// Shows that quote at `now` (milliseconds since the Unix epoch): whether that changes the checkout. The quote that was shown last is
    /// shown again until it expires.
    pub fn show(&mut self, id: QuoteId, now: u64) -> bool {
        let is_shown = |shown: &ShownQuote| shown.id == id && now < shown.expires_at;
        if self.0.shown.as_ref().is_some_and(is_shown) {
            return false;
        }
        self.show_anew(id, now);
        true
    }

    /// Shows that quote at `now` (milliseconds since the Unix epoch) after a change: it lives from now on.
    pub fn show_anew(&mut self, id: QuoteId, now: u64) {
        self.0.shown = Some(ShownQuote {
            id,
            expires_at: now.saturating_add(QUOTE_LIFETIME_MS),
        });
        self.0.version = self.0.version.saturating_add(1);
        self.0.used_at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> CheckoutId {
        CheckoutId::parse("01890a5d-ac96-774b-bcce-b302099a8057").unwrap()
    }

    fn account(last: u32) -> AccountId {
        AccountId::parse(&format!("01890a5d-ac96-774b-bcce-{last:012x}")).unwrap()
    }

    #[test]
    fn a_checkout_belongs_to_an_account_or_to_a_token() {
        let token = CheckoutToken::new("a".to_owned());
        let guest = Checkout::open(id(), Owner::Guest(token.hash()), 0);
        assert!(guest.is_held_by(&Holder::Guest(token)));
        let other = CheckoutToken::new("b".to_owned());
        assert!(!guest.is_held_by(&Holder::Guest(other.clone())));
        assert!(!guest.is_held_by(&Holder::Account(account(1))));
        let own = Checkout::open(id(), Owner::Account(account(1)), 0);
        assert!(own.is_held_by(&Holder::Account(account(1))));
        assert!(!own.is_held_by(&Holder::Account(account(2))));
        assert!(!own.is_held_by(&Holder::Guest(other)));
    }

    #[test]
    fn a_quote_is_shown_until_it_expires_or_changes() {
        let mut checkout = Checkout::open(id(), Owner::Account(account(1)), 0);
        let (one, other) = (QuoteId::of(&1), QuoteId::of(&2));
        assert!(checkout.show(one.clone(), 1_000));
        assert!(!checkout.show(one.clone(), 1_000 + QUOTE_LIFETIME_MS - 1));
        assert!(checkout.show(one, 1_000 + QUOTE_LIFETIME_MS));
        assert!(checkout.show(other, 1_000 + QUOTE_LIFETIME_MS));
        assert_eq!(checkout.version(), 3);
    }

    #[test]
    fn what_is_not_changed_stays_and_what_is_null_goes() {
        let code = |name: &str| CodeName::parse(name).unwrap();
        let changes = Changes {
            email: Some(Some(Email::parse("ada@example.com").unwrap())),
            note: Some(Some(Note::parse("ring").unwrap())),
            codes: Some(vec![code("a"), code("A"), code("b")]),
            ..Changes::default()
        };
        let checkout = Checkout::open(id(), Owner::Account(account(1)), 0);
        let checkout = checkout.with(changes.check().unwrap());
        assert_eq!(checkout.content().codes, [code("A"), code("B")]);
        let changes = Changes {
            note: Some(None),
            codes: Some(vec![code("b"), code("c")]),
            ..Changes::default()
        };
        let changes = changes.check().unwrap();
        assert_eq!(changes.new_codes(Some(&checkout)), [code("C")]);
        let checkout = checkout.with(changes);
        assert!(checkout.content().note.is_none() && checkout.content().email.is_some());
    }

    #[test]
    fn everything_wrong_with_changes_is_named_at_once() {
        let code = |number: u32| CodeName::parse(&number.to_string()).unwrap();
        let changes = Changes {
            shipping_address: Some(Some(AddressDraft::default())),
            codes: Some((0..6).map(code).collect()),
            ..Changes::default()
        };
        let errors = changes.check().unwrap_err();
        let named: Vec<_> = errors.iter().map(|error| error.field.as_str()).collect();
        assert_eq!(
            named,
            [
                "shippingAddress.name",
                "shippingAddress.line1",
                "shippingAddress.country",
                "codes"
            ]
        );
    }
}
