//! What every context needs and none owns: identifiers, callers, field errors, pages of lists, back-off.

mod back_off;
mod caller;
mod cursor;
mod field_error;
mod id;
pub mod named;
mod page;
pub mod read;
mod recorded_answer;

pub use back_off::{BackOff, Throttle};
pub use caller::Caller;
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

pub use read::{FromJson, FromText, Refusal};
pub use recorded_answer::RecordedAnswer;

#[doc(hidden)]
pub use {serde, strum, utoipa, uuid::Uuid};
