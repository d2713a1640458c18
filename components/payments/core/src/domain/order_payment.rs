use mercato_kernel::{OrderId, PaymentId, Uuid};
use sha2::{Digest as _, Sha256};

/// What the hash begins with: nothing else that is made from an order's id is the same.
const DOMAIN: &[u8] = b"mercato:payment-of-order:";

/// The bits of the order's id that stay: its time, and what makes it a UUID of its version and variant.
const KEPT: [u8; 16] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xf0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0,
];

/// The id that the payment of an order has, whoever opens it and however often: so the provider can be asked before
/// anything is stored, and is asked the same again after a crash. It sorts as the order does; its other bits are a hash.
#[must_use]
pub fn payment_id_of(order_id: OrderId) -> PaymentId {
    let order = Uuid::from(order_id);
    let hash = Sha256::new()
        .chain_update(DOMAIN)
        .chain_update(order.as_bytes())
        .finalize();
    let mut bytes = *order.as_bytes();
    for ((byte, kept), hashed) in bytes.iter_mut().zip(KEPT).zip(hash) {
        *byte = (*byte & kept) | (hashed & !kept);
    }
    Uuid::from_bytes(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(order: &str) -> String {
        payment_id_of(OrderId::parse(order).unwrap()).to_string()
    }

    #[test]
    fn an_order_fixes_the_id_of_its_payment() {
        let order = "01890a5d-ac96-774b-bcce-b302099a8057";
        let payment = of(order);
        // A database has the payment under this id: it must never change.
        assert_eq!(payment, "01890a5d-ac96-7222-9ef0-cd473a58e718");
        assert_eq!(of(&order.to_uppercase()), payment);
        assert_ne!(payment, order);
    }

    #[test]
    fn it_is_a_uuid_of_the_time_of_its_order() {
        let orders = [
            "01890a5d-ac96-774b-bcce-b302099a8057",
            "01890a5d-ac96-774b-bcce-b302099a8058",
            "01890a5d-ac97-7000-8000-000000000000",
        ];
        let payments = orders.map(of);
        for (order, payment) in orders.iter().zip(&payments) {
            assert_eq!(order[..15], payment[..15], "time and version");
            let id = Uuid::try_parse(payment).unwrap();
            assert_eq!(id.get_version_num(), 7);
            assert!(["8", "9", "a", "b"].contains(&&payment[19..20]), "variant");
        }
        assert_ne!(payments[0][15..], payments[1][15..]);
    }
}
