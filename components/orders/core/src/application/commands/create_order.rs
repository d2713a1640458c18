//! Places an order for a customer.
//!
//! With an idempotency key a repeated request continues or repeats the first one. A request whose lines are rejected
//! keeps its key, and so the same rejection; one that was abandoned before there was an order gives its key free.
//!
//! Before an order is begun, limits are looked at: what the account and its client hold unpaid, and how many orders they
//! began of late. They are looked at once without the writers' lock, so that whoever has reached one keeps nobody
//! waiting, and again in the transaction that begins the order. A repeated request is never refused. An order that is paid
//! counts as unpaid until it has heard of that: before somebody is refused for that reason, late events are applied.
//!
//! An order may take the place of an older one. That it is to end is recorded in the transaction that begins the new one, and
//! the saga ends it before it holds any stock (docs/decisions/0053): there are never two of them, wherever a crash happens.

use mercato_kernel::{OrderId, RecordedAnswer, Uuid};
use mercato_money::Money;
use mercato_platform::client::Client;
use mercato_platform::clock::Clock;
use mercato_platform::ids::Ids;
use mercato_platform::log;

use super::standing::{Standing, standing};
use crate::application::commands::apply_payment_event;
use crate::application::locks::{self, Locks};
use crate::application::saga::cancel;
use crate::application::saga::place;
use crate::application::{ABANDON_AFTER_MS, KEY_KEPT_MS, RESUME_AFTER_MS};
use crate::domain::{
    Actor, Cancellation, CheckoutHolder, CustomerId, Holder, HolderKind, LimitReached, Limits,
    Line, OrderError, OrderRequest, OrderStatus, OrderedQuote, Saga, Step, merge_lines,
};
use crate::ports::{Payments, Ports, Store};
use crate::store::{KeyRecord, Records};

pub use crate::application::saga::place::Placement;

/// Characters of an idempotency key.
pub const KEY_MAX_CHARS: usize = 255;

const FINGERPRINT_BYTES: usize = 32;

/// Payment events of that age, in milliseconds, are applied before an order is refused: younger ones are on their way.
pub const EVENT_LATE_AFTER_MS: u32 = 1_000;

/// Most of them for one refusal.
const LATE_EVENTS_MAX: u32 = 16;

/// The command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateOrder {
    /// Who orders.
    pub customer_id: CustomerId,
    /// Where from, if that is known.
    pub client: Option<Client>,
    /// Whether the limits do not concern this order.
    pub is_exempt: bool,
    /// What.
    pub lines: Vec<Line>,
    /// The checkout that is ordered, if it is one: these lines are its quote's.
    pub checkout: Option<CheckoutOrder>,
    /// The total that the customer saw: with another one nothing is ordered.
    pub expected_total: Option<Money>,
    /// A pending order of the same customer that is to end first.
    pub replaces: Option<OrderId>,
    /// The key of the request, if the client gave one.
    pub idempotency: Option<Idempotency>,
}

/// A checkout that is ordered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckoutOrder {
    /// Whose it is.
    pub holder: CheckoutHolder,
    /// What was prepared.
    pub quote: Box<OrderedQuote>,
}

impl CheckoutOrder {
    /// The quote as that order keeps it.
    fn of(&self, order_id: OrderId) -> Box<OrderedQuote> {
        let token = self.holder.order_token(order_id);
        let quote = OrderedQuote::clone(&self.quote);
        Box::new(quote.with_token(token.map(|token| token.hash())))
    }
}

/// An idempotency key and what it was sent with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// 1 to [`KEY_MAX_CHARS`] visible ASCII characters.
    pub key: String,
    /// SHA-256 of the request's body.
    pub fingerprint: Vec<u8>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(
    clippy::large_enum_variant,
    reason = "there is one per request, and it is nearly always the large one"
)]
pub enum CreateOutcome {
    /// The order stands, made now or resumed.
    Placed(Placement),
    /// This request was answered before.
    Replayed(RecordedAnswer),
}

#[allow(
    clippy::large_enum_variant,
    reason = "there is one per request, and it is nearly always the large one"
)]
enum Begun {
    /// Now.
    New(Saga),
    /// By an earlier request with the same key.
    Known(OrderId),
    /// That one was refused for good.
    Answered(RecordedAnswer),
    /// Not yet: another request makes that order of the same checkout.
    After(OrderId),
}

/// How many orders of a checkout that others are making are waited for. There is rarely more than one.
const OTHERS_MAX: u32 = 8;

/// How many ids are tried for an order whose number another order has. Of a million million numbers a shop has few: even after a
/// million orders the first one is free but for one time in a million.
const ID_TRIES_MAX: u32 = 8;

/// Takes the order as far as it goes now; what is left is resumed as the module says.
///
/// # Errors
/// Why there is no order; see [`OrderError`].
pub async fn handle(ports: &impl Ports, command: CreateOrder) -> Result<CreateOutcome, OrderError> {
    if command.checkout.is_none() && ports.settings().requires_checkout {
        return Err(OrderError::CheckoutRequired);
    }
    place_order(ports, command).await
}

/// [`handle`], also for a checkout.
///
/// # Errors
/// As [`handle`].
pub(super) async fn place_order(
    ports: &impl Ports,
    command: CreateOrder,
) -> Result<CreateOutcome, OrderError> {
    let lines = merge_lines(&command.lines)?;
    if let Some(idempotency) = &command.idempotency {
        check(idempotency)?;
    }
    let holders = Holders::of(&command, &lines, &ports.settings().limits);
    if let Err(reached) = look(ports, &command, &holders)
        && !(reached.is_for_unpaid_orders() && learn_what_is_paid(ports).await)
    {
        return Err(reached);
    }
    let (order_id, placed) = match begin_alone(ports, &command, &holders, &lines).await? {
        Begun::Answered(answer) => return Ok(CreateOutcome::Replayed(answer)),
        Begun::New(saga) => {
            let order_id = saga.request().order_id;
            log::record("order_id", &order_id.text());
            (order_id, place::begin(ports, saga).await)
        }
        Begun::Known(order_id) => {
            log::record("order_id", &order_id.text());
            (order_id, place::advance(ports, order_id).await)
        }
        Begun::After(_) => return Err(OrderError::Unavailable),
    };
    if placed.is_err() && command.idempotency.is_none() {
        give_up(ports, order_id);
    }
    placed.map(CreateOutcome::Placed)
}

fn check(idempotency: &Idempotency) -> Result<(), OrderError> {
    let key = &idempotency.key;
    let is_key =
        (1..=KEY_MAX_CHARS).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_key {
        let message =
            format!("Idempotency-Key must be 1 to {KEY_MAX_CHARS} visible ASCII characters");
        return Err(OrderError::field("Idempotency-Key", "format", message));
    }
    if idempotency.fingerprint.len() == FINGERPRINT_BYTES {
        Ok(())
    } else {
        Err(OrderError::Internal)
    }
}

/// What a request comes to that was sent before; none for a new one.
///
/// # Errors
/// [`OrderError::IdempotencyKeyReused`], or why there is no order.
pub(super) async fn repeat(
    ports: &impl Ports,
    customer_id: CustomerId,
    idempotency: &Idempotency,
) -> Result<Option<CreateOutcome>, OrderError> {
    check(idempotency)?;
    let now = ports.clock().now_ms();
    let record = ports
        .store()
        .read(|records| records.key(customer_id, &idempotency.key))?;
    let Some(record) = record.filter(|record| !is_forgotten(record, now)) else {
        return Ok(None);
    };
    if record.fingerprint != idempotency.fingerprint {
        return Err(OrderError::IdempotencyKeyReused);
    }
    if let Some(answer) = record.answer {
        return Ok(Some(CreateOutcome::Replayed(answer)));
    }
    log::record("order_id", &record.order_id.text());
    let placement = place::advance(ports, record.order_id).await?;
    Ok(Some(CreateOutcome::Placed(placement)))
}

/// [`OrderError::LimitReached`] when a new request would be refused, found without the writers' lock.
fn look(ports: &impl Ports, command: &CreateOrder, holders: &Holders) -> Result<(), OrderError> {
    if holders.are_unlimited() {
        return Ok(());
    }
    let now = ports.clock().now_ms();
    ports.store().read(|records| {
        match holders.check(records, now, &freed(records, command, command.replaces)?) {
            Err(OrderError::LimitReached(_)) if is_known(records, command, now)? => Ok(()),
            checked => checked,
        }
    })
}

/// Applies payment events that should have arrived by now; returns whether there were any. The sweep will do it when this
/// fails.
async fn learn_what_is_paid(ports: &impl Ports) -> bool {
    let late = ports
        .payments()
        .overdue_events(EVENT_LATE_AFTER_MS, LATE_EVENTS_MAX)
        .await;
    let late = late.unwrap_or_default();
    apply_payment_event::apply_all(ports, &late).await > 0
}

/// [`begin`], after whatever others make of the same checkout has come to something.
async fn begin_alone(
    ports: &impl Ports,
    command: &CreateOrder,
    holders: &Holders,
    lines: &[Line],
) -> Result<Begun, OrderError> {
    let mut begun = begin(ports, command, holders, lines.to_vec())?;
    for _ in 0..OTHERS_MAX {
        let Begun::After(other) = begun else {
            break;
        };
        if let Err(error) = place::advance(ports, other).await {
            let fields = [("error", error.to_string())];
            let fields = fields.each_ref().map(|(name, text)| (*name, text.as_str()));
            log::info("another order of the checkout came to nothing", &fields);
        }
        begun = begin(ports, command, holders, lines.to_vec())?;
    }
    Ok(begun)
}

fn begin(
    ports: &impl Ports,
    command: &CreateOrder,
    holders: &Holders,
    lines: Vec<Line>,
) -> Result<Begun, OrderError> {
    let now = ports.clock().now_ms();
    let expires_at = now.saturating_add(ports.settings().reservation_ttl_ms);
    let patience = match command.idempotency {
        Some(_) => RESUME_AFTER_MS,
        None => ABANDON_AFTER_MS,
    };
    let order_id = OrderId::parse(&ports.ids().new_id())?;
    let request = OrderRequest {
        order_id,
        customer_id: command.customer_id,
        client: command.client.as_ref().map(Holder::client),
        lines,
        quote: command.checkout.as_ref().map(|it| it.of(order_id)),
        expected_total: command.expected_total,
        replaces: command.replaces,
        created_at: now,
        expires_at,
    };
    let saga = Saga::begin(request, now + patience);
    let begun = ports.store().write(locks_of(command, holders), |records| {
        let order_id = saga.request().order_id;
        if let Some(begun) = take_key(records, command, order_id, now)? {
            return Ok(Err(begun));
        }
        let older = match standing(records, command)? {
            Standing::Free => command.replaces,
            Standing::Pending(older) => Some(older),
            Standing::UnderWay(order_id) => return Ok(Err(Begun::Known(order_id))),
            Standing::Others(other) => {
                records.free_key(order_id)?;
                return Ok(Err(Begun::After(other)));
            }
        };
        holders.check(records, now, &freed(records, command, older)?)?;
        let replaced = older.map(|older| replaced(records, older, command.customer_id));
        let replaced = replaced.transpose()?.flatten();
        let replacing = saga.replacing(older);
        let asked = replacing.as_ref().unwrap_or(&saga);
        let renamed = insert_saga(ports, records, asked, command)?;
        let renamed = renamed.or(replacing);
        let order_id = renamed.as_ref().unwrap_or(&saga).request().order_id;
        if let Some(replaced) = replaced {
            let cancellation = Cancellation {
                actor: request_actor(command),
                reason: format!("Replaced by order {order_id}"),
            };
            cancel::intend(records, replaced, cancellation, now + RESUME_AFTER_MS)?;
        }
        Ok(Ok(renamed))
    })?;
    Ok(match begun {
        Ok(renamed) => Begun::New(renamed.unwrap_or(saga)),
        Err(earlier) => earlier,
    })
}

/// What the beginning of an order is about: its key, what the customer and the client have unpaid, and the order that it replaces.
fn locks_of(command: &CreateOrder, holders: &Holders) -> Locks {
    let mut locks = locks::holder(&holders.account);
    if let Some(client) = &holders.client {
        locks = locks.and(locks::holder(client));
    }
    if let Some(idempotency) = &command.idempotency {
        locks = locks.and(locks::idempotency_key(
            command.customer_id,
            &idempotency.key,
        ));
    }
    if let Some(checkout) = &command.checkout {
        locks = locks.and(locks::checkout(checkout.quote.checkout_id()));
    }
    match command.replaces {
        Some(older) => locks.and(locks::order(older)),
        None => locks,
    }
}

/// Who places it.
fn request_actor(command: &CreateOrder) -> Actor {
    match &command.checkout {
        Some(checkout) => placed_by(&checkout.holder),
        None => Actor::Account(Uuid::from(command.customer_id).into()),
    }
}

/// Who orders a checkout.
pub(super) fn placed_by(holder: &CheckoutHolder) -> Actor {
    holder.account().map_or(Actor::Guest, Actor::Account)
}

/// Takes the key of the request, if it has one, for an order. What was begun under that key before is returned instead.
fn take_key(
    records: &Records<'_>,
    command: &CreateOrder,
    order_id: OrderId,
    now: u64,
) -> Result<Option<Begun>, OrderError> {
    let Some(idempotency) = &command.idempotency else {
        return Ok(None);
    };
    let record = KeyRecord {
        fingerprint: idempotency.fingerprint.clone(),
        order_id,
        created_at: now,
        answer: None,
    };
    let take = || records.insert_key(command.customer_id, &idempotency.key, &record);
    if take()? {
        return Ok(None);
    }
    let begun = earlier(records, command.customer_id, idempotency, now)?;
    if begun.is_none() && !take()? {
        return Err(OrderError::Internal);
    }
    Ok(begun)
}

/// Stores a new saga, under another id as long as some order has the number that belongs to its own; returns it if it has
/// another one.
fn insert_saga(
    ports: &impl Ports,
    records: &Records<'_>,
    saga: &Saga,
    command: &CreateOrder,
) -> Result<Option<Saga>, OrderError> {
    let mut renamed = None;
    for _ in 0..ID_TRIES_MAX {
        let saga = renamed.as_ref().unwrap_or(saga);
        if records.insert_saga(saga)? {
            return Ok(renamed);
        }
        let request = saga.request();
        let order_id = OrderId::parse(&ports.ids().new_id())?;
        records.free_key(request.order_id)?;
        take_key(records, command, order_id, request.created_at)?;
        let request = OrderRequest {
            order_id,
            quote: command.checkout.as_ref().map(|it| it.of(order_id)),
            ..request.clone()
        };
        renamed = Some(Saga::begin(request, saga.next_attempt_at()));
    }
    Err(OrderError::Unavailable)
}

/// The saga of an order that a new one is to take the place of; none when that order has ended.
///
/// # Errors
/// [`OrderError::Invalid`] for an order that the customer does not have, [`OrderError::InvalidTransition`] for one
/// that is paid, [`OrderError::AlreadyReplaced`] for one whose place is taken.
fn replaced(
    records: &Records<'_>,
    older: OrderId,
    customer_id: CustomerId,
) -> Result<Option<Saga>, OrderError> {
    let order = records.order_view(older)?;
    let Some(order) = order.filter(|order| order.customer_id == customer_id) else {
        let message = "replaces must be the id of an order of yours";
        return Err(OrderError::field("replaces", "unknown", message));
    };
    if let Some(other) = records.replacement(older)? {
        // A request that is under way, or was interrupted: it is not known yet whether there will be such an order.
        return Err(if other.step() == Step::New {
            OrderError::Unavailable
        } else {
            OrderError::AlreadyReplaced(other.request().order_id)
        });
    }
    match order.status {
        OrderStatus::Cancelled => Ok(None),
        OrderStatus::Pending => records.saga(older)?.ok_or(OrderError::Internal).map(Some),
        OrderStatus::Paid | OrderStatus::Delivered | OrderStatus::Refunded => {
            Err(order.refuse(OrderStatus::Cancelled))
        }
    }
}

/// What the order that is to end holds until then: it does not count against its successor.
#[derive(Debug, Default)]
struct Freed {
    orders: u64,
    units: u64,
    client: Option<Holder>,
}

fn freed(
    records: &Records<'_>,
    command: &CreateOrder,
    older: Option<OrderId>,
) -> Result<Freed, OrderError> {
    let Some(older) = older else {
        return Ok(Freed::default());
    };
    let saga = records.saga(older)?;
    let own = saga.filter(|saga| saga.request().customer_id == command.customer_id);
    let Some((saga, units)) = own.zip(records.held_units(older)?) else {
        return Ok(Freed::default());
    };
    Ok(Freed {
        orders: 1,
        units,
        client: saga.request().client.clone(),
    })
}

/// Who is about to hold an order, and what they may hold.
struct Holders {
    account: Holder,
    client: Option<Holder>,
    units: u64,
    limits: Limits,
}

impl Holders {
    fn of(command: &CreateOrder, lines: &[Line], limits: &Limits) -> Self {
        let limits = if command.is_exempt {
            Limits::default()
        } else {
            *limits
        };
        Self {
            account: Holder::account(command.customer_id),
            client: command.client.as_ref().map(Holder::client),
            units: Line::units_of(lines),
            limits,
        }
    }

    fn are_unlimited(&self) -> bool {
        self.limits == Limits::default()
    }

    /// [`OrderError::LimitReached`] when one of them has reached a limit.
    fn check(&self, records: &Records<'_>, now: u64, freed: &Freed) -> Result<(), OrderError> {
        let account = Some(&self.account).filter(|_| !self.limits.account.is_unlimited());
        let client = self.client.as_ref();
        let client = client.filter(|_| !self.limits.client.is_unlimited());
        if account.is_none() && client.is_none() {
            return Ok(());
        }
        let [of_account, of_client] = records.holdings([account, client])?;
        for (kind, holder, share, mut holding) in [
            (
                HolderKind::Account,
                account,
                &self.limits.account,
                of_account,
            ),
            (HolderKind::Client, client, &self.limits.client, of_client),
        ] {
            let Some(holder) = holder else {
                continue;
            };
            if kind == HolderKind::Account || freed.client.as_ref() == Some(holder) {
                holding.open_orders = holding.open_orders.saturating_sub(freed.orders);
                holding.held_units = holding.held_units.saturating_sub(freed.units);
            }
            if let Some((limit, max)) = holding.limit_reached(share, self.units, now) {
                return Err(OrderError::LimitReached(LimitReached {
                    holder: kind,
                    limit,
                    max,
                }));
            }
        }
        Ok(())
    }
}

/// Whether the request was sent before.
fn is_known(records: &Records<'_>, command: &CreateOrder, now: u64) -> Result<bool, OrderError> {
    let Some(idempotency) = &command.idempotency else {
        return Ok(false);
    };
    let record = records.key(command.customer_id, &idempotency.key)?;
    Ok(record.is_some_and(|record| !is_forgotten(&record, now)))
}

fn is_forgotten(record: &KeyRecord, now: u64) -> bool {
    record.created_at.saturating_add(KEY_KEPT_MS) <= now
}

fn earlier(
    records: &Records<'_>,
    customer_id: CustomerId,
    idempotency: &Idempotency,
    now: u64,
) -> Result<Option<Begun>, OrderError> {
    let Some(record) = records.key(customer_id, &idempotency.key)? else {
        return Ok(None);
    };
    if is_forgotten(&record, now) {
        records.free_key(record.order_id)?;
        return Ok(None);
    }
    if record.fingerprint != idempotency.fingerprint {
        return Err(OrderError::IdempotencyKeyReused);
    }
    Ok(Some(
        record
            .answer
            .map_or(Begun::Known(record.order_id), Begun::Answered),
    ))
}

/// Nobody can ask for this order again: the sweep need not wait before it ends it.
fn give_up(ports: &impl Ports, order_id: OrderId) {
    let now = ports.clock().now_ms();
    let result = ports.store().write(locks::order(order_id), |records| {
        if let Some(mut saga) = records.saga(order_id)?
            && saga.give_up(now)
        {
            records.update_saga(&saga)?;
        }
        Ok(())
    });
    if let Err(error) = result {
        let cause = error.to_string();
        log::warn(
            "a failed order is left to the sweep",
            &[("order_id", &order_id.text()), ("error", &cause)],
        );
    }
}
