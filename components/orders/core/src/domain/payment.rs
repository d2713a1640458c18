use mercato_kernel::FieldError;
use mercato_money::Money;

use super::StatusChange;
use super::{
    Actor, Cancellation, EventType, Order, OrderError, OrderStatus, PaymentEvent, Receipt,
    ReceiptId,
};

/// Characters of a provider's reason that the history keeps.
const REASON_MAX_CHARS: usize = 200;

/// Characters of what an event says that the history keeps.
const REMARK_MAX_CHARS: usize = 500;

/// Where an order's stock has to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StockMove {
    /// Held stock is sold.
    Commit,
    /// Held stock is free again.
    Release,
    /// Sold stock is free again.
    Restock,
}

/// Where the uses of an order's discount codes have to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodesMove {
    /// Held ones are used for good.
    Commit,
    /// They are given back.
    Release,
}

/// What an event did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventOutcome {
    /// The order changed.
    Applied,
    /// The inbox had it already.
    Duplicate,
    /// Recorded, but it changes nothing any more.
    Ignored,
    /// Payments has no such event that waits for this order: acknowledged already, or forged.
    Unconfirmed,
}

/// What follows from an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventEffect {
    /// For the history; empty when the event changes nothing any more.
    pub changes: Vec<StatusChange>,
    /// What the catalogue must do.
    pub stock: Option<StockMove>,
    /// Whether the payment came too late and must be given back.
    pub refund: bool,
}

impl EventEffect {
    const NOTHING: Self = Self {
        changes: Vec::new(),
        stock: None,
        refund: false,
    };

    fn new(changes: Vec<StatusChange>, stock: Option<StockMove>) -> Self {
        Self {
            changes,
            stock,
            refund: false,
        }
    }

    /// What becomes of the uses of discount codes when the order has that status now: they belong to orders that are neither cancelled
    /// nor refunded in whole.
    #[must_use]
    pub fn codes(&self, status: OrderStatus) -> Option<CodesMove> {
        if self
            .changes
            .iter()
            .all(|change| change.from == Some(change.to))
        {
            return None;
        }
        match status {
            OrderStatus::Pending => None,
            OrderStatus::Paid | OrderStatus::Delivered => Some(CodesMove::Commit),
            OrderStatus::Cancelled | OrderStatus::Refunded => Some(CodesMove::Release),
        }
    }

    /// Whether the order changed.
    #[must_use]
    pub fn outcome(&self) -> EventOutcome {
        if self.changes.is_empty() {
            EventOutcome::Ignored
        } else {
            EventOutcome::Applied
        }
    }
}

impl Order {
    /// Applies an event of this order's payment, in whatever order events arrive. `cancellation` is the intent to
    /// cancel the order, if there is one; `receipt_id` names the receipt of a payment.
    ///
    /// # Errors
    /// [`OrderError::Invalid`] when the event is not about what this order costs.
    pub fn apply_payment_event(
        &mut self,
        event: &PaymentEvent,
        cancellation: Option<&Cancellation>,
        receipt_id: ReceiptId,
        now: u64,
    ) -> Result<EventEffect, OrderError> {
        self.check_amount(event)?;
        match event.event_type {
            EventType::Succeeded => self.payment_succeeded(event, receipt_id, now),
            EventType::Failed | EventType::Cancelled => {
                self.payment_ended(event, cancellation, now)
            }
            EventType::Refunded => self.payment_refunded(event, receipt_id, now),
            EventType::Updated => self.payment_updated(event, receipt_id, now),
        }
    }

    fn check_amount(&self, event: &PaymentEvent) -> Result<(), OrderError> {
        let mut errors = Vec::new();
        if event.currency != self.view.currency.code() {
            errors.push(FieldError::new(
                "currency",
                "format",
                "the event's currency is not the order's",
            ));
        }
        if event.amount != self.view.amount_due() {
            errors.push(FieldError::new(
                "amount",
                "format",
                "the event's amount is not the order's",
            ));
        }
        if errors.is_empty() {
            Ok(())
        } else {
            Err(OrderError::Invalid(errors))
        }
    }

    fn payment_succeeded(
        &mut self,
        event: &PaymentEvent,
        receipt_id: ReceiptId,
        now: u64,
    ) -> Result<EventEffect, OrderError> {
        match self.view.status {
            OrderStatus::Pending => {
                let paid = self.pay(receipt_of(event, receipt_id), "Payment succeeded", now)?;
                Ok(EventEffect::new(vec![paid], Some(StockMove::Commit)))
            }
            OrderStatus::Cancelled => {
                let remark = self.remark(
                    "The payment succeeded after the order was cancelled; it is refunded",
                    now,
                );
                Ok(EventEffect {
                    changes: vec![remark],
                    stock: None,
                    refund: true,
                })
            }
            OrderStatus::Paid | OrderStatus::Delivered | OrderStatus::Refunded => {
                Ok(EventEffect::NOTHING)
            }
        }
    }

    fn payment_ended(
        &mut self,
        event: &PaymentEvent,
        cancellation: Option<&Cancellation>,
        now: u64,
    ) -> Result<EventEffect, OrderError> {
        if self.view.status != OrderStatus::Pending {
            return Ok(EventEffect::NOTHING);
        }
        let (actor, reason) = match cancellation {
            Some(cancellation) => (cancellation.actor, cancellation.reason.clone()),
            None => (Actor::System, reason_of(event)),
        };
        let cancelled = self.change_status(OrderStatus::Cancelled, actor, reason, now)?;
        Ok(EventEffect::new(vec![cancelled], Some(StockMove::Release)))
    }

    /// A refund says that the payment had succeeded, even when that event has not arrived yet.
    fn payment_refunded(
        &mut self,
        event: &PaymentEvent,
        receipt_id: ReceiptId,
        now: u64,
    ) -> Result<EventEffect, OrderError> {
        let is_newer = event.payment_version > self.payment_version;
        let is_news = self.is_news(event);
        let is_part = event.refunded_amount < event.amount;
        if self.view.status == OrderStatus::Refunded && is_newer && is_part {
            // The event of the refund that has failed is still on its way.
            let reason = format!("{} refunded", self.refunded_share(event)?);
            let back = self.take_refund_back(reason, now);
            return Ok(EventEffect::new(vec![back], None));
        }
        if matches!(
            self.view.status,
            OrderStatus::Cancelled | OrderStatus::Refunded
        ) || !is_news
        {
            return Ok(EventEffect::NOTHING);
        }
        let mut changes = self.pay_late(event, receipt_id, "its refund", now)?;
        let held = !changes.is_empty();
        if is_part {
            changes.push(self.remark(format!("{} refunded", self.refunded_share(event)?), now));
            return Ok(EventEffect::new(changes, held.then_some(StockMove::Commit)));
        }
        let (change, stock) = self.refund(held, now)?;
        changes.push(change);
        Ok(EventEffect::new(changes, stock))
    }

    /// Something has happened to a payment that had succeeded, even when that event has not arrived yet: the history says
    /// what. The order follows the sum that is refunded now.
    fn payment_updated(
        &mut self,
        event: &PaymentEvent,
        receipt_id: ReceiptId,
        now: u64,
    ) -> Result<EventEffect, OrderError> {
        let remark = cut(event.reason.as_deref().unwrap_or("The payment has changed"));
        if self.view.status == OrderStatus::Cancelled || !self.is_news(event) {
            return Ok(EventEffect::new(vec![self.remark(remark, now)], None));
        }
        let mut changes = self.pay_late(event, receipt_id, "what came after it", now)?;
        let held = !changes.is_empty();
        let is_refunded = event.refunded_amount >= event.amount;
        let stock = if is_refunded && self.view.status != OrderStatus::Refunded {
            changes.push(self.remark(remark, now));
            let (change, stock) = self.refund(held, now)?;
            changes.push(change);
            stock
        } else if !is_refunded && self.view.status == OrderStatus::Refunded {
            changes.push(self.take_refund_back(remark, now));
            None
        } else {
            changes.push(self.remark(remark, now));
            held.then_some(StockMove::Commit)
        };
        Ok(EventEffect::new(changes, stock))
    }

    /// Whether an event is about a newer state of the payment than the order knows; it knows that one then.
    fn is_news(&mut self, event: &PaymentEvent) -> bool {
        let is_news = event.payment_version >= self.payment_version;
        self.payment_version = self.payment_version.max(event.payment_version);
        is_news
    }

    /// Pays a PENDING order whose payment has succeeded: an event that came after that success has arrived before it.
    fn pay_late(
        &mut self,
        event: &PaymentEvent,
        receipt_id: ReceiptId,
        later_event: &str,
        now: u64,
    ) -> Result<Vec<StatusChange>, OrderError> {
        if self.view.status != OrderStatus::Pending {
            return Ok(Vec::new());
        }
        let reason = format!("Payment succeeded, as {later_event} tells");
        Ok(vec![self.pay(
            receipt_of(event, receipt_id),
            &reason,
            now,
        )?])
    }

    /// All money has gone back, and the units go where they were, unless they are there. `held`: they are not sold yet.
    fn refund(
        &mut self,
        held: bool,
        now: u64,
    ) -> Result<(StatusChange, Option<StockMove>), OrderError> {
        let was_delivered = self.view.status == OrderStatus::Delivered;
        let change = self.change_status(
            OrderStatus::Refunded,
            Actor::System,
            "Payment refunded",
            now,
        )?;
        if was_delivered || self.stock_returned {
            return Ok((change, None));
        }
        self.stock_returned = true;
        let stock = if held {
            StockMove::Release
        } else {
            StockMove::Restock
        };
        Ok((change, Some(stock)))
    }

    fn refunded_share(&self, event: &PaymentEvent) -> Result<String, OrderError> {
        let money =
            |minor| Money::from_minor(minor, self.view.currency).map_err(|_| OrderError::Internal);
        Ok(format!(
            "{} of {} {}",
            money(event.refunded_amount)?,
            money(event.amount)?,
            self.view.currency
        ))
    }
}

fn receipt_of(event: &PaymentEvent, id: ReceiptId) -> Receipt {
    Receipt {
        id,
        url: event.receipt_url.clone(),
        issued_at: event.time,
    }
}

/// Words of payments that the history repeats.
fn cut(text: &str) -> String {
    text.chars()
        .filter(|character| !character.is_control())
        .take(REMARK_MAX_CHARS)
        .collect()
}

fn reason_of(event: &PaymentEvent) -> String {
    let what = match event.event_type {
        EventType::Failed => "Payment failed",
        _ => "Payment cancelled",
    };
    let given = event.reason.as_deref().unwrap_or_default();
    let cause: String = given
        .chars()
        .filter(|character| !character.is_control())
        .take(REASON_MAX_CHARS)
        .collect();
    if cause.is_empty() {
        what.to_owned()
    } else {
        format!("{what}: {cause}")
    }
}

#[cfg(test)]
mod tests;
