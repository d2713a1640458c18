//! The purchase that the examples of the OpenAPI document tell: one customer, one order, the same ids and numbers in every
//! operation. Everything an example says beyond that comes from the code that answers.

/// When the order was placed, in milliseconds since the Unix epoch: 2026-03-01T09:30:00.000Z.
pub const PLACED_AT: u64 = 1_772_357_400_000;

/// When it was paid, in milliseconds since the Unix epoch.
pub const PAID_AT: u64 = PLACED_AT + 74_000;

/// When one of its cups was refunded, in milliseconds since the Unix epoch.
pub const REFUNDED_AT: u64 = PLACED_AT + 4 * DAY_MS;

/// A day in milliseconds.
pub const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// How long an order holds its units, in milliseconds: the default of `reservation_ttl`.
pub const RESERVATION_MS: u64 = 900_000;

/// The moment of problems, RFC 3339.
pub const PROBLEM_TIME: &str = "2026-03-01T09:30:00.000Z";

/// The request id of problems.
pub const REQUEST_ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

/// Code of the shop's currency.
pub const CURRENCY: &str = "EUR";

/// The admin's account.
pub const ADMIN_ID: &str = "019bdabd-55c0-7835-bd6d-c88b708bc646";

/// The customer's account.
pub const CUSTOMER_ID: &str = "019ca8b7-21e0-78df-b6bc-3f93a218ee4c";

/// The customer's name.
pub const CUSTOMER_NAME: &str = "Ada Lovelace";

/// The customer's address.
pub const CUSTOMER_EMAIL: &str = "ada@example.com";

/// When the customer registered, in milliseconds since the Unix epoch.
pub const REGISTERED_AT: u64 = PLACED_AT - 300_000;

/// The session of that registration.
pub const LOGIN_ID: &str = "019ca8b7-21e0-7ae4-b2af-b1bd73310f49";

/// The customer's session on a telephone.
pub const PHONE_ID: &str = "019ca8b8-a880-7244-b615-3cca41c2f308";

/// What is ordered.
pub const CUP_ID: &str = "019c0e3c-edc0-7d3a-bcac-d34e0ddd853b";

/// Its name.
pub const CUP_NAME: &str = "Espresso cup";

/// Its number.
pub const CUP_SKU: &str = "CUP-90";

/// Its price, in ten-thousandths of the currency: 12.5.
pub const CUP_PRICE: i64 = 125_000;

/// The same in minor units of the currency.
pub const CUP_PRICE_MINOR: i64 = 1_250;

/// Units of it before the order.
pub const CUP_STOCK: u64 = 20;

/// What else there is, and was ordered before.
pub const SAUCER_ID: &str = "019c0e3d-dc08-7633-bb78-0a1d5f60ed8e";

/// Its name.
pub const SAUCER_NAME: &str = "Saucer";

/// Its number.
pub const SAUCER_SKU: &str = "SAU-1";

/// Its price, in ten-thousandths of the currency: 4.5.
pub const SAUCER_PRICE: i64 = 45_000;

/// Units of it.
pub const SAUCER_STOCK: u64 = 3;

/// When the catalogue was made, in milliseconds since the Unix epoch.
pub const LISTED_AT: u64 = PLACED_AT - 30 * DAY_MS;

/// A guest's checkout.
pub const CHECKOUT_OF_GUEST_ID: &str = "019ca8b9-e100-7a1e-9d53-6b1f0c2f8a44";

/// The order.
pub const ORDER_ID: &str = "019ca8bb-b5c0-705d-b379-9e8d57826848";

/// Its number.
pub const ORDER_NUMBER: &str = "M-7K3F-29QD";

/// Units in it.
pub const QUANTITY: u32 = 2;

/// Its total, in ten-thousandths of the currency: 25.
pub const TOTAL: i64 = 250_000;

/// The same in minor units of the currency.
pub const TOTAL_MINOR: i64 = 2_500;

/// An order that the customer cancelled before.
pub const CANCELLED_ORDER_ID: &str = "019ca8b8-a880-7f2c-b22e-aca4edcc6eea";

/// Its number.
pub const CANCELLED_ORDER_NUMBER: &str = "M-0V5T-M8XW";

/// The order's payment.
pub const PAYMENT_ID: &str = "019ca8bb-b638-722b-bee6-e66e99113dec";

/// Its session.
pub const CHECKOUT_ID: &str = "cs_test_0123456789abcdef0123456789abcdef";

/// The page of that session.
pub const CHECKOUT_URL: &str =
    "http://127.0.0.1:3000/api/v1/payments/mock/checkout/cs_test_0123456789abcdef0123456789abcdef";

/// The event that tells the orders of the payment.
pub const EVENT_ID: &str = "019ca8bc-d6d0-7b3c-b5c9-1627ba8885b5";

/// The order's receipt.
pub const RECEIPT_ID: &str = "019ca8bc-d7a2-74b3-b04c-bbb823bedd4f";

/// Where the customer finds it.
pub const RECEIPT_URL: &str = "http://127.0.0.1:3000/api/v1/payments/mock/checkout/cs_test_0123456789abcdef0123456789abcdef?result=succeed";

/// The refund of one cup.
pub const REFUND_ID: &str = "019cbd55-25c0-7731-b464-fb7c0f04b720";

/// Why it was refunded.
pub const REFUND_REASON: &str = "One cup arrived broken";
