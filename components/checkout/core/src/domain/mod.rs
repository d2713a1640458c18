//! Entities and rules of checkouts. No I/O.

mod checkout;
mod code;
mod email;
mod line;
pub mod quote;
mod share;
mod shipping;
mod tax;
mod texts;
mod throttle;

pub use checkout::{
    Changes, CheckedChanges, Checkout, CheckoutRecord, Content, Holder, Owner, ShownQuote,
    UNUSED_KEPT_MS,
};
pub use code::{
    Benefit, CODE_PRODUCTS_MAX, CODES_MAX, CodeProblem, CodeStanding, CodeTerms, DiscountCode,
    UseLimits,
};
pub use email::{EMAIL_BYTES_MAX, Email};
pub use line::{LINES_MAX, Line, merged};
pub use mercato_address::{
    ADDRESS_LINE_CHARS_MAX, Address, AddressDraft, Destination, PHONE_CHARS_MAX,
    POSTAL_CODE_CHARS_MAX,
};
pub use mercato_kernel::{
    AccountId, CheckoutId, CheckoutToken, CheckoutTokenHash, Counter, FieldError,
    GUEST_TOKEN_PREFIX, OrderId, ProductId, QUANTITY_MAX, Quantity, WAIT_MAX_MS, WAIT_MIN_MS,
    WINDOW_MS,
};
pub use mercato_money::Rate;
pub use mercato_platform::client::Client;
pub use share::{rounded, spread};
pub use shipping::{
    Measure, OPTIONS_MAX, PLACES_MAX, STEPS_MAX, ShippingOption, ShippingSettings, Step, ZONES_MAX,
    Zone,
};
pub use tax::{REGION_CHARS_MAX, SHIPPING_TAX_CLASS, TAX_RULES_MAX, TaxRule, TaxSettings};
pub use texts::{
    CODE_CHARS_MAX, CodeName, LABEL_CHARS_MAX, Label, METADATA_KEY_CHARS_MAX, METADATA_KEYS_MAX,
    METADATA_VALUE_CHARS_MAX, Metadata, NOTE_CHARS_MAX, Note, OPTION_CODE_CHARS_MAX, OptionCode,
    REASON_CHARS_MAX, Reason, TAX_CLASS_CHARS_MAX, TaxClass,
};
pub use throttle::{CounterKey, OPENED_CHECKOUTS_MAX, UNKNOWN_CODES_MAX};
