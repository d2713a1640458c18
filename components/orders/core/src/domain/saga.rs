use mercato_kernel::{AccountId, BackOff, CheckoutId, OrderId, Uuid, named};
use mercato_money::Money;

use super::{
    Actor, CheckoutSession, CustomerId, Demand, Holder, Line, OrderError, OrderItem, OrderedQuote,
    RejectedLine, TotalChanged,
};

/// Nothing is put off for longer than this, in milliseconds, but the end of a reservation. What seems to be is due: the
/// clock was set back.
pub const PAUSE_LONGEST_MS: u64 = 300_000;

/// Pauses before the sweep tries again what has failed.
pub const BACK_OFF: BackOff = BackOff {
    first_ms: 1_000,
    longest_ms: PAUSE_LONGEST_MS,
};

/// How far the saga of an order has come.
///
/// ```text
///  ┌──────────────────────┐
///  │                      ▼
/// new ──▶ reserved ──▶ ready ──▶ done
///  │         └────┬──────┘        ▲
///  ▼              ▼               │
/// rejected    cancelling ─────────┘
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::VariantArray, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Step {
    /// Asked for; the stock may or may not be held, and the payment may or may not be open. There is no order yet.
    New,
    /// The stock is held and the order stands, but its payment could not be opened yet.
    Reserved,
    /// The payment is open: the order waits for it.
    Ready,
    /// The order is to be cancelled; the payment goes first.
    #[strum(serialize = "closing")]
    Cancelling,
    /// The order is no longer PENDING.
    Done,
    /// There will be no order.
    Rejected,
}

named!(Step);

/// Why there will be no order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    /// The catalogue could not serve these lines.
    Lines(Vec<RejectedLine>),
    /// Stock, a price or a code was not what the quote says.
    QuoteChanged,
    /// The total was not the one that the customer expected.
    TotalChanged(TotalChanged),
    /// The total is more than an amount of money can hold.
    TotalTooLarge,
    /// Nobody waited for it any more.
    Abandoned,
}

impl Rejection {
    /// The answer to the customer.
    #[must_use]
    pub fn into_error(self) -> OrderError {
        match self {
            Self::Lines(lines) => OrderError::LinesRejected(lines),
            Self::QuoteChanged => OrderError::QuoteOutdated,
            Self::TotalChanged(changed) => OrderError::TotalChanged(changed),
            Self::TotalTooLarge => {
                OrderError::field("items", "max", "the total of the items is too large")
            }
            Self::Abandoned => OrderError::Unavailable,
        }
    }
}

/// The intent to cancel an order, recorded before anything is done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancellation {
    /// Who wants it.
    pub actor: Actor,
    /// Why.
    pub reason: String,
}

impl Cancellation {
    /// One that the shop itself wants.
    #[must_use]
    pub fn by_the_shop(reason: impl Into<String>) -> Self {
        Self {
            actor: Actor::System,
            reason: reason.into(),
        }
    }
}

/// What was asked for, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderRequest {
    /// The order's id, given before the order stands.
    pub order_id: OrderId,
    /// Who orders.
    pub customer_id: CustomerId,
    /// The client it was asked from, if it is known; forgotten at [`Step::Done`] and [`Step::Rejected`].
    pub client: Option<Holder>,
    /// What was asked for; forgotten when the stock is held: the order has it then.
    pub lines: Vec<Line>,
    /// The quote that is ordered, if it was a checkout; known until the order stands or is given up.
    pub quote: Option<Box<OrderedQuote>>,
    /// The total that the customer saw, if they said so.
    pub expected_total: Option<Money>,
    /// The older order that ends before this one begins.
    pub replaces: Option<OrderId>,
    /// When it began, in milliseconds since the Unix epoch.
    pub created_at: u64,
    /// When the reservation ends, in milliseconds since the Unix epoch.
    pub expires_at: u64,
}

impl OrderRequest {
    /// What the catalogue is asked for.
    #[must_use]
    pub fn demands(&self) -> Vec<Demand> {
        let plain = |line: &Line| Demand {
            line: line.clone(),
            expected_price: None,
        };
        let quoted = |item: &OrderItem| Demand {
            line: Line {
                product_id: item.product_id,
                quantity: item.quantity,
            },
            expected_price: Some(item.unit_price),
        };
        match &self.quote {
            Some(quote) => quote.items().iter().map(quoted).collect(),
            None => self.lines.iter().map(plain).collect(),
        }
    }

    /// The checkout that is ordered, if it is one.
    #[must_use]
    pub fn checkout_id(&self) -> Option<CheckoutId> {
        self.quote.as_ref().map(|quote| quote.checkout_id())
    }

    /// Whether uses of discount codes are held for it.
    #[must_use]
    pub fn has_codes(&self) -> bool {
        self.quote.as_ref().is_some_and(|quote| quote.has_codes())
    }

    /// The account that orders; none for a guest.
    #[must_use]
    pub fn account(&self) -> Option<AccountId> {
        let is_guests = self.quote.as_ref().is_some_and(|quote| quote.is_guests());
        (!is_guests).then(|| Uuid::from(self.customer_id).into())
    }

    /// Units of all lines together.
    #[must_use]
    pub fn units(&self) -> u64 {
        Line::units_of(&self.lines)
    }
}

/// The making and the cancelling of an order: everything needed to resume them. Every method that takes it a step further
/// returns whether it did: where it stands, another step may be the next one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saga {
    request: OrderRequest,
    step: Step,
    next_attempt_at: u64,
    attempts: u32,
    session: Option<CheckoutSession>,
    cancellation: Option<Cancellation>,
    rejection: Option<Rejection>,
}

impl Saga {
    /// A saga that has just begun, and when the sweep looks at it, in milliseconds since the Unix epoch.
    #[must_use]
    pub const fn begin(request: OrderRequest, next_attempt_at: u64) -> Self {
        Self::restore(request, Step::New, next_attempt_at, 0, None, None, None)
    }

    /// The same for an order that takes the place of that one; none when that is what it does already.
    #[must_use]
    pub fn replacing(&self, older: Option<OrderId>) -> Option<Self> {
        (older != self.request.replaces).then(|| {
            let mut saga = self.clone();
            saga.request.replaces = older;
            saga
        })
    }

    /// The saga as it was stored.
    #[must_use]
    pub const fn restore(
        request: OrderRequest,
        step: Step,
        next_attempt_at: u64,
        attempts: u32,
        session: Option<CheckoutSession>,
        cancellation: Option<Cancellation>,
        rejection: Option<Rejection>,
    ) -> Self {
        Self {
            request,
            step,
            next_attempt_at,
            attempts,
            session,
            cancellation,
            rejection,
        }
    }

    /// What was asked for.
    #[must_use]
    pub const fn request(&self) -> &OrderRequest {
        &self.request
    }

    /// How far it has come.
    #[must_use]
    pub const fn step(&self) -> Step {
        self.step
    }

    /// When the sweep looks at it, in milliseconds since the Unix epoch.
    #[must_use]
    pub const fn next_attempt_at(&self) -> u64 {
        self.next_attempt_at
    }

    /// How often the sweep has resumed it.
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Where the customer pays, from [`Step::Ready`] on.
    #[must_use]
    pub const fn session(&self) -> Option<&CheckoutSession> {
        self.session.as_ref()
    }

    /// Set at [`Step::Cancelling`].
    #[must_use]
    pub const fn cancellation(&self) -> Option<&Cancellation> {
        self.cancellation.as_ref()
    }

    /// Set at [`Step::Rejected`].
    #[must_use]
    pub const fn rejection(&self) -> Option<&Rejection> {
        self.rejection.as_ref()
    }

    /// Whether the sweep should look at it: its time has come, or lies later than [`PAUSE_LONGEST_MS`], which only the
    /// end of a reservation may.
    #[must_use]
    pub fn is_due(&self, now: u64) -> bool {
        let too_late = now.saturating_add(PAUSE_LONGEST_MS);
        self.next_attempt_at <= now || (self.step != Step::Ready && self.next_attempt_at > too_late)
    }

    /// Whether the reservation has expired.
    #[must_use]
    pub const fn is_expired(&self, now: u64) -> bool {
        now >= self.request.expires_at
    }

    /// Whether there is an order that can still be cancelled.
    #[must_use]
    pub const fn can_be_cancelled(&self) -> bool {
        matches!(self.step, Step::Reserved | Step::Ready)
    }

    /// The stock is held, the payment is open, and the order stands: all of it at once.
    pub fn place(&mut self, session: CheckoutSession) -> bool {
        self.hold_stock() && self.ready(Some(session))
    }

    /// The stock is held, and the order stands.
    pub fn hold_stock(&mut self) -> bool {
        let is_next = self.step == Step::New;
        if is_next {
            self.step = Step::Reserved;
        }
        is_next
    }

    /// The payment is open. Its session is kept also when that was too late, and the order is not wanted any more.
    pub fn ready(&mut self, session: Option<CheckoutSession>) -> bool {
        self.session = session.or(self.session.take());
        if self.step == Step::Reserved {
            self.step = Step::Ready;
            self.next_attempt_at = self.request.expires_at;
            self.attempts = 0;
        }
        self.step == Step::Ready
    }

    /// The order is to be cancelled, which the sweep resumes from `next_attempt_at` on. An earlier cancellation stays.
    pub fn cancel(&mut self, cancellation: Cancellation, next_attempt_at: u64) -> bool {
        let is_next = self.can_be_cancelled();
        if is_next {
            self.step = Step::Cancelling;
            self.cancellation = Some(cancellation);
            self.next_attempt_at = next_attempt_at;
            self.attempts = 0;
        }
        is_next
    }

    /// The order is no longer PENDING.
    pub fn finish(&mut self) -> bool {
        let is_next = self.step != Step::Done;
        self.step = Step::Done;
        self.cancellation = None;
        is_next
    }

    /// There will be no order.
    pub fn reject(&mut self, rejection: Rejection) -> bool {
        let is_next = self.step == Step::New;
        if is_next {
            self.step = Step::Rejected;
            self.rejection = Some(rejection);
        }
        is_next
    }

    /// Nobody can ask for the order again: the sweep ends it at once.
    pub fn give_up(&mut self, now: u64) -> bool {
        let is_half_made = matches!(self.step, Step::New | Step::Reserved);
        if is_half_made {
            self.next_attempt_at = now;
        }
        is_half_made
    }

    /// The sweep resumes it now, and again after a pause that doubles every time.
    pub fn attempt(&mut self, now: u64) {
        self.next_attempt_at = now.saturating_add(BACK_OFF.pause_ms(self.attempts));
        self.attempts = self.attempts.saturating_add(1);
    }
}
