//! Schemas of what is written elsewhere, for the OpenAPI document: pages, problems with members of their own, and events
//! of the payment provider, which only the domain reads.
#![allow(dead_code, reason = "describes, holds nothing")]

use mercato_edge::{Amount, OutboxLag, PageMeta, ProblemDocument};
use mercato_money::Money;
use serde::Serialize;
use utoipa::ToSchema;

use crate::resource::{EntryResource, PaymentResource, RefundResource};

/// One page of the outbox.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OutboxPage)]
pub struct PageDocument<'a> {
    /// Oldest first.
    #[schema(max_items = 100)]
    data: Vec<EntryResource<'a>>,
    meta: PageMeta,
    /// Of the whole outbox, not of this page.
    lag: OutboxLag,
}

/// One page of payments.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PaymentPage)]
pub struct PaymentPageDocument<'a> {
    /// Newest first.
    #[schema(max_items = 100)]
    data: Vec<PaymentResource<'a>>,
    meta: PageMeta,
}

/// One page of the refunds of a payment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RefundPage)]
pub struct RefundPageDocument<'a> {
    /// Oldest first.
    #[schema(max_items = 100)]
    data: Vec<RefundResource<'a>>,
    meta: PageMeta,
}

/// A problem that says how much can still be refunded.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RefundConflict)]
pub struct RefundConflictDocument<'a> {
    #[serde(flatten)]
    problem: ProblemDocument<'a>,
    /// With `refund-exceeds-amount`: what is left of the payment.
    #[schema(value_type = Option<Amount>, nullable = false)]
    refundable: Option<Money>,
}

/// An event of the payment provider, in Stripe's shape; it may have further members.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookEvent {
    /// An event that comes again with the same id changes nothing.
    #[schema(min_length = 1, max_length = 255)]
    id: String,
    /// `checkout.session.completed`, `checkout.session.expired`, `checkout.session.async_payment_succeeded`,
    /// `checkout.session.async_payment_failed`, `charge.succeeded`, `charge.refunded`, and those that begin with `refund.`,
    /// `charge.refund.` or `charge.dispute.`; any other is answered 200 and ignored.
    #[schema(min_length = 1, max_length = 255)]
    r#type: String,
    /// Seconds since the Unix epoch.
    #[schema(nullable = false)]
    created: Option<u64>,
    data: WebhookData,
}

/// What an event of the payment provider is about.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookData {
    /// A Checkout Session or a Charge, which names its order in `client_reference_id` or `metadata.order_id`.
    #[schema(value_type = Object)]
    object: serde_json::Value,
}
