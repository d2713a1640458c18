use crate::application::locks;
use crate::application::ports::{Catalogue, Ports};
use crate::application::quoting::view;
use crate::application::{CheckoutView, Error};
use crate::domain::{AccountId, Changes, Checkout, CheckoutToken, Client, CounterKey, Owner};

/// Opens a checkout.
#[derive(Debug, Clone, Default)]
pub struct Command {
    /// Whose it is; a guest's, who gets a token, when there is none.
    pub account: Option<AccountId>,
    /// Where the request comes from.
    pub client: Option<Client>,
    /// What is filled in already.
    pub changes: Changes,
}

/// A checkout that was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The checkout.
    pub view: CheckoutView,
    /// What a guest needs to see it again.
    pub token: Option<CheckoutToken>,
}

/// Opens a checkout.
///
/// # Errors
/// [`Error::Invalid`], [`Error::TooManyAttempts`], or something is out of reach.
pub async fn handle<C: Catalogue>(ports: &Ports<C>, command: Command) -> Result<Opened, Error> {
    let changes = command.changes.check().map_err(Error::Invalid)?;
    let client = command.client.as_ref();
    ports.count_guesses(&changes.new_codes(None), client)?;
    let (owner, token) = match command.account {
        Some(id) => (Owner::Account(id), None),
        None => {
            let token = ports.secrets.token();
            (Owner::Guest(token.hash()), Some(token))
        }
    };
    let checkout = Checkout::open(ports.new_checkout_id(), owner, ports.now());
    let mut checkout = checkout.with(changes);
    let circumstances = ports.circumstances(&checkout).await?;
    if checkout.account().is_none()
        && let Some(found) = circumstances.codes_used_up_by_customer()
    {
        ports.count_probes(found, client)?;
    }
    circumstances.show_prices(&mut checkout);
    let quote = circumstances.quote(&checkout)?;
    let now = ports.now();
    checkout.show_anew(checkout.quote_id(&quote), now);
    let counted = client.map(|client| locks::counter(&CounterKey::opened_checkouts(client)));
    let own = locks::checkout(checkout.id());
    let locks = match counted {
        Some(counted) => own.and(counted),
        None => own,
    };
    ports.store.write(locks, |records| {
        ports.count_opening(records, client, now)?;
        records.add_checkout(&checkout)
    })?;
    let view = view(checkout, quote);
    Ok(Opened { view, token })
}
