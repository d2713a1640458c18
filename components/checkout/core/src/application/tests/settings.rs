use super::shop::{Shop, shipping, taxes};
use crate::application::Error;
use crate::application::commands::{save_shipping_settings, save_tax_settings};
use crate::application::queries::settings;
use crate::domain::{Reason, ShippingSettings};

#[test]
fn documents_come_back_as_they_were_set() {
    let shop = Shop::new();
    let found = settings::shipping(&shop.ports).unwrap();
    assert_eq!((found.settings, found.version), (shipping(), 1));
    let found = settings::taxes(&shop.ports).unwrap();
    assert_eq!((found.settings, found.version), (taxes(), 1));
}

#[test]
fn a_stale_document_replaces_nothing() {
    let shop = Shop::new();
    let save = |settings: ShippingSettings, expected_version| {
        let command = save_shipping_settings::Command {
            settings,
            expected_version,
        };
        save_shipping_settings::handle(&shop.ports, command)
    };
    let mut other = shipping();
    other.zones[0].options.clear();
    assert_eq!(save(other.clone(), Some(0)), Err(Error::VersionMismatch));
    assert_eq!(
        save(shipping(), Some(1)).unwrap().version,
        1,
        "nothing has changed"
    );
    let saved = save(other.clone(), Some(1)).unwrap();
    assert_eq!((saved.settings, saved.version), (other, 2));
    let found = settings::shipping(&shop.ports).unwrap();
    assert_eq!(found.version, 2);
}

#[test]
fn a_bad_document_is_refused_whole() {
    let shop = Shop::new();
    let mut wrong = taxes();
    wrong.rules[0].country = "XX".to_owned();
    wrong.rules[0].reason = Some(Reason::parse("none").unwrap());
    let command = save_tax_settings::Command {
        settings: wrong,
        expected_version: None,
    };
    let Err(Error::Invalid(errors)) = save_tax_settings::handle(&shop.ports, command) else {
        panic!("a bad document was taken");
    };
    assert_eq!(errors.len(), 2);
    let found = settings::taxes(&shop.ports).unwrap();
    assert_eq!(found.settings, taxes());
}
