//! What every context needs and none owns: identifiers, quantities, secrets, callers, field errors, pages of lists,
//! counters of attempts, back-off.

mod back_off;
mod caller;
mod counter;
mod cursor;
mod field_error;
mod id;
pub mod named;
mod page;
mod quantity;
mod quote_id;
pub mod read;
mod recorded_answer;
mod secret;

pub use back_off::{BackOff, Throttle};
pub use caller::Caller;
pub use counter::{Counter, WAIT_MAX_MS, WAIT_MIN_MS, WINDOW_MS};
pub use cursor::{Cursor, Key, MAX_CURSOR_BYTES, MAX_KEYS, NotACursor};
pub use field_error::FieldError;
pub use id::{
    AccountId, CheckoutId, EventId, IdText, NotAnId, OrderId, PaymentId, ProductId, SessionId,
};
pub use named::Named;
pub use page::{
    COUNTED_ROWS_MAX, DEFAULT_PAGE_LIMIT, PAGE_LIMIT_MAX, Page, PageRequest, PageStart,
    PageTooDeep, SKIPPED_ROWS_MAX, Total, skipped_rows,
};

pub use quantity::{QUANTITY_MAX, Quantity, merge_lines};
pub use quote_id::QuoteId;
pub use read::{FromJson, FromText, Refusal};
pub use recorded_answer::RecordedAnswer;
pub use secret::{CheckoutToken, CheckoutTokenHash, GUEST_TOKEN_PREFIX};

#[doc(hidden)]
pub use {secret::digest, secret::same, serde, strum, utoipa, uuid::Uuid};
