use mercato_money::Money;

use super::{
    Actor, CustomerId, FieldError, Holder, Line, OrderError, OrderId, PaymentSession, RejectedLine,
    TotalChanged,
};

/// Nothing is put off for longer than this, in milliseconds, but the end of a reservation. What seems to be is due: the
/// clock was set back.
pub const PAUSE_LONGEST_MS: u64 = 300_000;

/// How far the saga of an order has come.
///
/// ```text
/// new ──▶ reserved ──▶ ready ──▶ done
///  │         └────┬──────┘        ▲
///  ▼              ▼               │
/// rejected     closing ───────────┘
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Asked for; the stock may or may not be held. There is no order yet.
    New,
    /// The stock is held and the order stands; its payment may or may not be open.
    Reserved,
    /// The payment is open: the order waits for it.
    Ready,
    /// The order is to be cancelled; the payment goes first.
    Closing,
    /// The order is no longer PENDING.
    Done,
    /// There will be no order.
    Rejected,
}

impl Step {
    /// Every step.
    pub const ALL: [Self; 6] = [
        Self::New,
        Self::Reserved,
        Self::Ready,
        Self::Closing,
        Self::Done,
        Self::Rejected,
    ];

    /// The stored name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Reserved => "reserved",
            Self::Ready => "ready",
            Self::Closing => "closing",
            Self::Done => "done",
            Self::Rejected => "rejected",
        }
    }

    /// The step of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.name() == name)
    }
}

/// Why there will be no order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    /// The catalogue could not serve these lines.
    Lines(Vec<RejectedLine>),
    /// The total was not the one that the customer expected.
    TotalChanged(TotalChanged),
    /// The total is more than an amount of money can hold.
    TotalTooLarge,
    /// Nobody waited for it any more.
    Abandoned,
}

impl Rejection {
    /// What the customer is told.
    #[must_use]
    pub fn into_error(self) -> OrderError {
        match self {
            Self::Lines(lines) => OrderError::LinesRejected(lines),
            Self::TotalChanged(changed) => OrderError::TotalChanged(changed),
            Self::TotalTooLarge => OrderError::Invalid(vec![FieldError::new(
                "items",
                "max",
                "the total of the items is too large",
            )]),
            Self::Abandoned => OrderError::Unavailable,
        }
    }
}

/// The intent to cancel an order, recorded before anything is done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closing {
    /// Who wants it.
    pub actor: Actor,
    /// Why.
    pub reason: String,
}

/// Everything needed to take an order's making or cancelling up again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saga {
    /// The order's id, given before the order stands.
    pub order_id: OrderId,
    /// Who orders.
    pub customer_id: CustomerId,
    /// How far it has come.
    pub step: Step,
    /// The client it was asked from, if it is known; forgotten at [`Step::Done`] and [`Step::Rejected`].
    pub client: Option<Holder>,
    /// What was asked for; forgotten when the stock is held: the order has it then.
    pub lines: Vec<Line>,
    /// The total that the customer saw, if they said so.
    pub expected_total: Option<Money>,
    /// The older order that ends before this one begins.
    pub replaces: Option<OrderId>,
    /// When it began, in milliseconds since the Unix epoch.
    pub created_at: u64,
    /// When the reservation ends, in milliseconds since the Unix epoch.
    pub expires_at: u64,
    /// When the sweeper looks at it, in milliseconds since the Unix epoch.
    pub next_attempt_at: u64,
    /// How often the sweeper has taken it up.
    pub attempts: u32,
    /// Where the customer pays, from [`Step::Ready`] on.
    pub session: Option<PaymentSession>,
    /// Set at [`Step::Closing`].
    pub closing: Option<Closing>,
    /// Set at [`Step::Rejected`].
    pub rejection: Option<Rejection>,
}

/// Units of lines together.
#[must_use]
pub fn units_of(lines: &[Line]) -> u64 {
    lines
        .iter()
        .map(|line| u64::from(line.quantity.get()))
        .sum()
}

impl Saga {
    /// A saga that has just begun.
    #[must_use]
    pub fn begin(
        order_id: OrderId,
        customer_id: CustomerId,
        client: Option<Holder>,
        lines: Vec<Line>,
        now: u64,
        expires_at: u64,
    ) -> Self {
        Self {
            order_id,
            customer_id,
            client,
            step: Step::New,
            lines,
            expected_total: None,
            replaces: None,
            created_at: now,
            expires_at,
            next_attempt_at: now,
            attempts: 0,
            session: None,
            closing: None,
            rejection: None,
        }
    }

    /// Whether the sweeper should look at it: its time has come, or lies later than [`PAUSE_LONGEST_MS`], which only the
    /// end of a reservation may.
    #[must_use]
    pub fn is_due(&self, now: u64) -> bool {
        let too_late = now.saturating_add(PAUSE_LONGEST_MS);
        self.next_attempt_at <= now || (self.step != Step::Ready && self.next_attempt_at > too_late)
    }

    /// Units of all lines together.
    #[must_use]
    pub fn units(&self) -> u64 {
        units_of(&self.lines)
    }

    /// Whether the reservation has run out.
    #[must_use]
    pub fn is_expired(&self, now: u64) -> bool {
        now >= self.expires_at
    }
}
