use mercato_testing::run;

use super::shop::{Shop, account, complete, items};
use crate::application::Error;
use crate::application::commands::{change_checkout, open_checkout, remove_checkout};
use crate::domain::{Changes, CheckoutToken, Client, Holder, Note, OPENED_CHECKOUTS_MAX};

#[test]
fn a_guest_needs_the_token_and_an_account_itself() {
    let shop = Shop::new();
    let (guest, token) = shop.guest(items(&[(1, 1)]));
    let (own, ada) = shop.own(1, items(&[(1, 1)]));
    let (guest, own) = (guest.checkout.id(), own.checkout.id());
    assert!(shop.show(guest, &token).is_ok() && shop.show(own, &ada).is_ok());
    let stranger = Holder::Guest(CheckoutToken::new("guest_wrong".to_owned()));
    let other = Holder::Account(account(2));
    for (id, holder) in [
        (guest, &stranger),
        (guest, &ada),
        (own, &token),
        (own, &other),
    ] {
        assert_eq!(shop.show(id, holder), Err(Error::NotFound));
        let changed = shop.change(id, holder, Changes::default());
        assert_eq!(changed, Err(Error::NotFound));
        let command = remove_checkout::Command {
            id,
            holder: holder.clone(),
            expected_version: None,
        };
        assert_eq!(
            remove_checkout::handle(&shop.ports, command),
            Err(Error::NotFound)
        );
    }
}

#[test]
fn a_checkout_comes_back_as_it_was_filled_in() {
    let shop = Shop::new();
    let (view, holder) = shop.guest(complete());
    let id = view.checkout.id();
    assert_eq!(shop.show(id, &holder).unwrap(), view);
    let note = Changes {
        note: Some(Some(Note::parse("Ring twice").unwrap())),
        billing_address: Some(Some(super::shop::vienna())),
        ..Changes::default()
    };
    let changed = shop.change(id, &holder, note).unwrap();
    assert_eq!(changed.checkout.version(), 2);
    assert_eq!(shop.show(id, &holder).unwrap(), changed);
    let cleared = Changes {
        note: Some(None),
        billing_address: Some(None),
        shipping_address: Some(None),
        ..Changes::default()
    };
    let cleared = shop.change(id, &holder, cleared).unwrap();
    assert_eq!(shop.show(id, &holder).unwrap(), cleared);
    assert!(cleared.checkout.content().billing_address.is_none());
}

#[test]
fn a_stale_version_changes_and_removes_nothing() {
    let shop = Shop::new();
    let (view, holder) = shop.guest(complete());
    let id = view.checkout.id();
    let change = |expected_version| {
        let command = change_checkout::Command {
            id,
            holder: holder.clone(),
            client: None,
            changes: items(&[(2, 1)]),
            expected_version,
        };
        run(change_checkout::handle(&shop.ports, command))
    };
    assert_eq!(change(Some(2)), Err(Error::VersionMismatch));
    assert!(change(Some(1)).is_ok());
    let remove = |expected_version| {
        let command = remove_checkout::Command {
            id,
            holder: holder.clone(),
            expected_version,
        };
        remove_checkout::handle(&shop.ports, command)
    };
    assert_eq!(remove(Some(1)), Err(Error::VersionMismatch));
    assert_eq!(remove(Some(2)), Ok(()));
    assert_eq!(shop.show(id, &holder), Err(Error::NotFound));
}

#[test]
fn without_the_catalogue_nothing_is_shown_or_changed() {
    let shop = Shop::new();
    let (view, holder) = shop.guest(complete());
    shop.ports.catalogue.is_down.set(true);
    let id = view.checkout.id();
    assert!(matches!(shop.show(id, &holder), Err(Error::Unavailable(_))));
    let changed = shop.change(id, &holder, items(&[(2, 1)]));
    assert!(matches!(changed, Err(Error::Unavailable(_))));
    shop.ports.catalogue.is_down.set(false);
    assert_eq!(shop.show(id, &holder).unwrap(), view);
    assert!(
        shop.open(Changes::default()).is_ok(),
        "an empty checkout asks nothing"
    );
}

#[test]
fn a_client_opens_so_many_checkouts_and_no_more() {
    let shop = Shop::new();
    let open = |client: &str| {
        let command = open_checkout::Command {
            client: Client::parse(client),
            ..open_checkout::Command::default()
        };
        run(open_checkout::handle(&shop.ports, command)).map(drop)
    };
    for _ in 0..OPENED_CHECKOUTS_MAX {
        open("192.0.2.1").unwrap();
    }
    assert_eq!(open("192.0.2.1"), Err(Error::TooManyAttempts(60)));
    assert_eq!(open("192.0.2.2"), Ok(()));
    shop.clock.advance(60_000);
    assert_eq!(open("192.0.2.1"), Ok(()));
}
