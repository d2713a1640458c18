use mercato_kernel::OrderId;
use mercato_money::Currency;

use super::{Dispute, MinorUnits, ProviderRefund, RefundTotal};

/// What the provider calls the money it took.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Charge {
    /// The provider's id of the charge; refunds need it.
    pub reference: Option<String>,
    /// Where the customer finds the receipt.
    pub receipt_url: Option<String>,
}

/// A charge that the provider has reported before the payment's session named it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptCharge {
    /// Where the customer finds the receipt, if that is known.
    pub receipt_url: Option<String>,
}

/// What at the provider an event speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A session, by the provider's id.
    Session(String),
    /// A charge, by the reference under which a session names it, too.
    Charge(String),
}

/// An authenticated message of the provider about one order's payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderEvent {
    /// The provider's id of the event; each is applied once.
    pub id: String,
    /// The provider's name of what happened, for the record.
    pub name: String,
    /// The order it speaks of. None when it does not say so: disputes, and refunds that are made by hand, know only their
    /// charge.
    pub order_id: Option<OrderId>,
    /// The payment it speaks of, when it says so.
    pub payment_id: Option<String>,
    /// The currency it speaks of, when it says so.
    pub currency: Option<Currency>,
    /// The session or charge it speaks of.
    pub subject: Subject,
    /// What happened.
    pub fact: Fact,
}

/// What happened at the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// The customer paid this amount.
    Paid {
        /// What was paid.
        amount: MinorUnits,
        /// What the provider calls it.
        charge: Charge,
    },
    /// The customer paid in a way that takes days: the money is on its way.
    Processing {
        /// The amount it was opened for, when it says so.
        amount: Option<MinorUnits>,
    },
    /// The session ended without a payment.
    SessionExpired {
        /// The amount it was opened for, when it says so.
        amount: Option<MinorUnits>,
    },
    /// A payment that was under way was declined.
    PaymentFailed {
        /// The amount it was opened for, when it says so.
        amount: Option<MinorUnits>,
    },
    /// Money went back; the refunds of a charge are reported as their sum.
    Refunded {
        /// What was paid.
        amount: MinorUnits,
        /// What has gone back altogether.
        refunded: RefundTotal,
        /// What the provider calls the charge.
        charge: Charge,
    },
    /// How one refund of a charge stands.
    Refund(ProviderRefund),
    /// How a dispute about a charge stands.
    Dispute(Dispute),
}

impl Fact {
    /// The payment's amount as the provider knows it; none when it does not say so.
    #[must_use]
    pub fn amount(&self) -> Option<MinorUnits> {
        match self {
            Self::Paid { amount, .. } | Self::Refunded { amount, .. } => Some(*amount),
            Self::Processing { amount, .. }
            | Self::SessionExpired { amount, .. }
            | Self::PaymentFailed { amount, .. } => *amount,
            Self::Refund(_) | Self::Dispute(_) => None,
        }
    }
}
