use payments::domain::{self, PaymentStatus, PaymentView};

use crate::contract::{found, new_payment, open_error};
use crate::service::SessionRequest;
use crate::types::PaymentError;

#[test]
fn a_definite_no_says_why() {
    let invalid = |field| domain::PaymentError::invalid(field, "min", format!("{field} must be"));
    for (error, told) in [
        (
            domain::PaymentError::ProviderRejected("no such currency".to_owned()),
            PaymentError::Rejected("no such currency".to_owned()),
        ),
        (
            invalid("amount"),
            PaymentError::Rejected("amount must be".to_owned()),
        ),
        (
            domain::PaymentError::IdempotencyKeyReused,
            PaymentError::Rejected("the order has another payment".to_owned()),
        ),
        (
            domain::PaymentError::Conflict(PaymentStatus::Cancelled),
            PaymentError::Unavailable,
        ),
        (
            domain::PaymentError::ProviderUnavailable,
            PaymentError::ProviderUnavailable,
        ),
        (domain::PaymentError::Unavailable, PaymentError::Unavailable),
        (domain::PaymentError::NotFound, PaymentError::Internal),
    ] {
        assert_eq!(format!("{:?}", open_error(error)), format!("{told:?}"));
    }
}

#[test]
fn what_is_no_order_has_no_payment() {
    let found = |error| found::<PaymentView>(Err(error));
    assert!(matches!(found(domain::PaymentError::NotFound), Ok(None)));
    assert!(matches!(
        found(domain::PaymentError::UnderWay),
        Err(PaymentError::Internal)
    ));
}

#[test]
fn a_request_that_is_none_is_rejected() {
    let request = |order_id: &str, currency: &str, amount| SessionRequest {
        order_id: order_id.to_owned(),
        order_number: "M-7K3F-29QD".to_owned(),
        customer_id: "01890a5d-ac96-774b-bcce-b302099a8057".to_owned(),
        amount,
        currency: currency.to_owned(),
        lines: Vec::new(),
        details: None,
        expires_at: 1,
    };
    let order = "01890A5D-AC96-774B-BCCE-B302099A8058";
    let new = new_payment(request(order, "EUR", 5)).unwrap();
    assert_eq!(*new.order_id.text(), order.to_lowercase());
    for wrong in [
        request("7", "EUR", 5),
        request(order, "euro", 5),
        request(order, "EUR", -5),
    ] {
        assert!(matches!(
            new_payment(wrong).map_err(open_error),
            Err(PaymentError::Rejected(_))
        ));
    }
}
