use super::shop::{NOW, Shop, code_name, complete, money, terms, with_codes};
use crate::application::Error;
use crate::application::commands::settle_codes::Settlement::{Commit, Release};
use crate::application::commands::{change_code, create_code, remove_code};
use crate::application::queries::codes;
use crate::domain::quote::Message;
use crate::domain::{
    Benefit, Changes, CodeProblem, CodeTerms, Email, UNKNOWN_CODES_MAX, UseLimits,
};
use mercato_kernel::PageRequest;

fn limited(total: Option<u32>, per_customer: Option<u32>) -> CodeTerms {
    CodeTerms {
        limits: UseLimits {
            total,
            per_customer,
        },
        ..terms()
    }
}

const FREE: Benefit = Benefit::FreeShipping;

#[test]
fn of_ten_uses_forty_buyers_get_ten() {
    let shop = Shop::new();
    shop.make_code("TEN", FREE, limited(Some(10), None));
    let held = (0..40).filter(|buyer| shop.hold(*buyer, "ten", Some(*buyer), None).is_ok());
    assert_eq!((held.count(), shop.uses("TEN")), (10, 10));
    let refused = shop.hold(99, "TEN", None, None);
    assert_eq!(refused, Err(Error::CodesUsedUp(vec![code_name("TEN")])));
    shop.settle(3, Release).unwrap();
    assert!(shop.hold(99, "TEN", None, None).is_ok());
}

#[test]
fn holding_and_settling_again_changes_nothing() {
    let shop = Shop::new();
    shop.make_code("TEN", FREE, limited(Some(10), None));
    for _ in 0..2 {
        shop.hold(1, "TEN", Some(1), None).unwrap();
        assert_eq!(shop.uses("TEN"), 1);
    }
    for _ in 0..2 {
        shop.settle(1, Commit).unwrap();
        assert_eq!(shop.uses("TEN"), 1);
    }
    shop.hold(1, "TEN", Some(1), None).unwrap();
    for _ in 0..2 {
        shop.settle(1, Release).unwrap();
        assert_eq!(shop.uses("TEN"), 0);
    }
    assert_eq!(
        shop.hold(1, "TEN", Some(1), None),
        Err(Error::CodesReleased)
    );
    assert_eq!(shop.settle(1, Commit), Err(Error::CodesReleased));
}

#[test]
fn a_release_before_the_hold_keeps_a_late_hold_out() {
    let shop = Shop::new();
    shop.make_code("TEN", FREE, limited(Some(10), None));
    shop.settle(1, Release).unwrap();
    assert_eq!(shop.hold(1, "TEN", None, None), Err(Error::CodesReleased));
    assert_eq!(shop.settle(2, Commit), Err(Error::CodesReleased));
    assert_eq!(shop.uses("TEN"), 0);
}

#[test]
fn a_customer_is_an_account_or_an_address() {
    let shop = Shop::new();
    shop.make_code("ONCE", FREE, limited(None, Some(1)));
    shop.hold(1, "ONCE", Some(1), Some("ada@example.com"))
        .unwrap();
    for (order, account, email) in [
        (2, Some(1), Some("other@example.com")),
        (3, Some(2), Some("Ada@Example.com")),
        (4, None, Some("ada@example.com")),
    ] {
        let held = shop.hold(order, "ONCE", account, email);
        assert!(matches!(held, Err(Error::CodesUsedUp(_))), "{order}");
    }
    shop.hold(5, "ONCE", Some(2), Some("bob@example.com"))
        .unwrap();
    let (view, _) = shop.own(1, with_codes(&["ONCE"]));
    let used_up = Message::Code {
        code: "ONCE".to_owned(),
        problem: CodeProblem::UsedUp,
    };
    assert_eq!(view.quote.messages, [used_up]);
}

#[test]
fn all_codes_of_an_order_are_held_or_none() {
    let shop = Shop::new();
    shop.make_code("A", FREE, limited(Some(1), None));
    shop.make_code("B", FREE, limited(Some(1), None));
    shop.hold(1, "B", None, None).unwrap();
    let command = crate::application::commands::hold_codes::Command {
        order: super::shop::order(2),
        checkout: super::shop::checkout(2),
        codes: vec![code_name("A"), code_name("B")],
        account: None,
        email: None,
    };
    let held = crate::application::commands::hold_codes::handle(&shop.ports, &command);
    assert_eq!(held, Err(Error::CodesUsedUp(vec![code_name("B")])));
    assert_eq!(shop.uses("A"), 0);
}

#[test]
fn guessing_codes_has_to_wait_and_known_ones_do_not_count() {
    let shop = Shop::new();
    shop.make_code("GOOD", FREE, terms());
    let (view, holder) = shop.guest(complete());
    let id = view.checkout.id();
    let here = Some("192.0.2.1");
    let guess = |client, name: &str| shop.change_from(client, id, &holder, with_codes(&[name]));
    for number in 0..UNKNOWN_CODES_MAX {
        assert!(guess(here, "GOOD").is_ok());
        let view = guess(here, &format!("BAD{number}")).unwrap();
        let code = format!("BAD{number}");
        let problem = CodeProblem::Unknown;
        assert_eq!(view.quote.messages, [Message::Code { code, problem }]);
    }
    assert_eq!(guess(here, "GOOD"), Err(Error::TooManyAttempts(60)));
    assert!(guess(Some("198.51.100.1"), "GOOD").is_ok());
    let without = shop.change_from(here, id, &holder, with_codes(&[]));
    assert!(without.is_ok(), "to take a code out is no guess");
    shop.clock.advance(60_000);
    assert!(guess(here, "GOOD").is_ok());
}

#[test]
fn who_has_used_a_code_cannot_be_asked_of_many_addresses() {
    let shop = Shop::new();
    shop.make_code("ONCE", FREE, limited(None, Some(1)));
    let address = |number: u32| Email::parse(&format!("guest-{number}@example.com")).unwrap();
    for buyer in 0..=UNKNOWN_CODES_MAX {
        let held = shop.hold(buyer, "ONCE", None, Some(address(buyer).as_str()));
        assert!(held.is_ok());
    }
    let (view, holder) = shop.guest(with_codes(&["ONCE"]));
    let here = Some("192.0.2.1");
    let ask = |client, number| {
        let email = Changes {
            email: Some(Some(address(number))),
            ..Changes::default()
        };
        shop.change_from(client, view.checkout.id(), &holder, email)
    };
    for number in 0..UNKNOWN_CODES_MAX {
        assert!(ask(here, number).is_ok());
    }
    let refused = Err(Error::TooManyAttempts(60));
    assert_eq!(ask(here, UNKNOWN_CODES_MAX), refused);
    assert_eq!(ask(here, 1_000), refused, "nor who has not");
    assert!(ask(Some("198.51.100.1"), UNKNOWN_CODES_MAX).is_ok());
}

#[test]
fn a_code_is_made_found_changed_and_removed() {
    let shop = Shop::new();
    let made = shop.make_code("Roast10", FREE, limited(Some(5), None));
    let find = |name: &str| codes::find(&shop.ports, &code_name(name));
    assert_eq!(find("ROAST10").unwrap(), made);
    let command = create_code::Command {
        name: code_name("roast10"),
        benefit: FREE,
        terms: terms(),
    };
    let twin = create_code::handle(&shop.ports, command);
    assert_eq!(twin, Err(Error::CodeTaken));
    shop.hold(1, "ROAST10", None, None).unwrap();
    shop.clock.advance(5);
    let change = |expected_version, changes| {
        let name = code_name("ROAST10");
        let command = change_code::Command {
            name,
            changes,
            expected_version,
        };
        change_code::handle(&shop.ports, command)
    };
    let more = || change_code::Changes {
        limit_total: Some(None),
        minimum_value: Some(Some(money("20"))),
        products: Some(vec![super::shop::product(1)]),
        ..change_code::Changes::default()
    };
    assert_eq!(change(Some(2), more()), Err(Error::VersionMismatch));
    let changed = change(Some(1), more()).unwrap();
    assert_eq!((changed.version, changed.updated_at), (2, NOW + 5));
    assert_eq!((changed.uses, changed.terms.limits.total), (1, None));
    assert_eq!(find("ROAST10").unwrap(), changed);
    assert_eq!(
        change(None, more()).unwrap().version,
        2,
        "nothing has changed"
    );
    let wrong = change_code::Changes {
        limit_per_customer: Some(Some(0)),
        ..change_code::Changes::default()
    };
    assert!(matches!(change(None, wrong), Err(Error::Invalid(_))));
    let remove = |expected_version| {
        let name = code_name("ROAST10");
        let command = remove_code::Command {
            name,
            expected_version,
        };
        remove_code::handle(&shop.ports, &command)
    };
    assert_eq!(remove(Some(1)), Err(Error::VersionMismatch));
    assert_eq!(remove(None), Ok(()));
    assert_eq!(remove(None), Err(Error::CodeNotFound));
    assert_eq!(find("ROAST10"), Err(Error::CodeNotFound));
    // The order that used it can still be settled.
    assert_eq!(shop.settle(1, Commit), Ok(()));
    assert_eq!(shop.settle(1, Release), Ok(()));
}

#[test]
fn codes_are_listed_by_name() {
    let shop = Shop::new();
    for name in ["C", "A", "B"] {
        shop.make_code(name, FREE, terms());
    }
    let list = |after| {
        let request = PageRequest {
            page: 1,
            limit: 2,
            after,
        };
        codes::list(&shop.ports, &request).unwrap()
    };
    let names = |page: &mercato_kernel::Page<crate::domain::DiscountCode>| {
        let names = page
            .entries
            .iter()
            .map(|code| code.name.as_str().to_owned());
        names.collect::<Vec<_>>()
    };
    let first = list(None);
    assert_eq!(
        (names(&first), first.total.entries),
        (vec!["A".to_owned(), "B".to_owned()], 3)
    );
    let second = list(first.next);
    assert_eq!((names(&second), second.next), (vec!["C".to_owned()], None));
}
