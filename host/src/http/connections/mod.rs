//! Client connections: what each holds of what all share, and which are cut off when that runs out: places, memory for bodies
//! that are still coming, memory for answers that clients do not take.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use crate::client::Client;
use crate::limits::{CLIENT_SHARE, Limits, ROOM_SHARE, SLOW_BODY_TIME};
use crate::observe::metrics::Metrics;
use crate::sync::lock;

/// How long a new connection waits before the open ones are looked at again.
const ENTER_WAIT: Duration = Duration::from_millis(20);

/// A memory that all connections share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Budget {
    /// Bodies that are short. Nothing else takes from it, so that orders and webhooks get through.
    SmallBodies,
    /// Longer bodies.
    LargeBodies,
    /// Answers, or what is left of them, that wait for their clients.
    Unread,
}

/// A number of bytes, or of milliseconds, for each [`Budget`].
#[derive(Clone, Copy, Default)]
struct PerBudget {
    small_bodies: u64,
    large_bodies: u64,
    unread: u64,
}

impl PerBudget {
    fn get(mut self, budget: Budget) -> u64 {
        *self.of(budget)
    }

    fn of(&mut self, budget: Budget) -> &mut u64 {
        match budget {
            Budget::SmallBodies => &mut self.small_bodies,
            Budget::LargeBodies => &mut self.large_bodies,
            Budget::Unread => &mut self.unread,
        }
    }

    fn each(self, other: Self, change: fn(u64, u64) -> u64) -> Self {
        Self {
            small_bodies: change(self.small_bodies, other.small_bodies),
            large_bodies: change(self.large_bodies, other.large_bodies),
            unread: change(self.unread, other.unread),
        }
    }
}

/// All connections of a shop.
#[derive(Clone)]
pub(crate) struct Connections(Arc<Table>);

struct Table {
    started: Instant,
    connections_max: usize,
    connections_per_client_max: usize,
    max_bytes: PerBudget,
    metrics: Arc<Metrics>,
    open: Mutex<Open>,
    /// Notified when a connection has ended.
    left: Notify,
}

/// The open connections.
#[derive(Default)]
struct Open {
    last_id: u64,
    slots: HashMap<u64, Entry>,
    clients: HashMap<Client, Usage>,
    total: Usage,
}

/// What a client, or all of them, have of everything. What was taken away already does not count.
#[derive(Clone, Copy, Default)]
struct Usage {
    connections: usize,
    bytes: PerBudget,
}

struct Entry {
    slot: Arc<ConnectionSlot>,
    client: Client,
    /// False once it was cut off.
    counts: bool,
    bytes: PerBudget,
    /// Since when it has had some of a budget, in milliseconds since the start.
    since_ms: PerBudget,
}

/// One connection's place.
pub(crate) struct ConnectionSlot {
    id: u64,
    table: Arc<Table>,
    /// What it is busy with, and since when, in milliseconds since the start.
    state: Mutex<(ConnectionState, u64)>,
    has_unread: AtomicBool,
    is_cut: AtomicBool,
    cut: Notify,
}

/// A slot that is free again when this is dropped.
pub(crate) struct OccupiedSlot(pub Arc<ConnectionSlot>);

/// What a connection is busy with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConnectionState {
    /// Nothing: it waits for a request, or for the rest of a head.
    Idle,
    /// It waits for a body.
    Receiving,
    /// A request is at work.
    Working,
}

/// Memory that a connection holds; given back when this is dropped.
pub(crate) struct MemoryReservation {
    slot: Arc<ConnectionSlot>,
    budget: Budget,
    bytes: u64,
}

/// The connection is to end, because others need what it holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Cut;

/// What became of a new connection.
enum Entrance {
    Open(OccupiedSlot),
    /// Its client has too many connections, and all of them are busy.
    Refused,
    /// Another connection is about to end.
    Wait,
}

impl Connections {
    /// With `counts_clients` there is no proxy in front, and a client has no more than its share of the connections.
    pub(crate) fn new(
        limits: &Limits,
        connections_max: usize,
        counts_clients: bool,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self(Arc::new(Table {
            started: Instant::now(),
            connections_max,
            connections_per_client_max: if counts_clients {
                connections_max.div_ceil(CLIENT_SHARE)
            } else {
                usize::MAX
            },
            max_bytes: PerBudget {
                small_bodies: limits.small_bodies_bytes,
                large_bodies: limits.bodies_buffer_bytes,
                unread: limits.unread_bytes,
            },
            metrics,
            open: Mutex::default(),
            left: Notify::new(),
        }))
    }

    /// Gives a client's connection a slot; when none is left, takes it from one that is idle. `None` when the
    /// client has too many, and all are busy.
    pub(crate) async fn enter(&self, client: Client) -> Option<OccupiedSlot> {
        loop {
            let left = self.0.left.notified();
            match self.0.enter(client) {
                Entrance::Open(slot) => return Some(slot),
                Entrance::Refused => return None,
                // Another connection may be idle by then.
                Entrance::Wait => drop(timeout(ENTER_WAIT, left).await),
            }
        }
    }

    /// Closes some connections that do nothing, because something else has run out, such as files.
    pub(crate) fn make_room(&self) {
        self.0.close_some(&mut self.0.lock(), |_| true);
    }

    /// A slot that counts nowhere, for requests that come over no connection.
    pub(crate) fn detached(&self) -> Arc<ConnectionSlot> {
        Arc::new(ConnectionSlot::new(0, Arc::clone(&self.0)))
    }
}

impl Table {
    fn lock(&self) -> MutexGuard<'_, Open> {
        lock(&self.open)
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn enter(self: &Arc<Self>, client: Client) -> Entrance {
        let mut open = self.lock();
        if open.of(client).connections >= self.connections_per_client_max
            && !self.close_some(&mut open, |entry| entry.client == client)
        {
            return Entrance::Refused;
        }
        if open.total.connections >= self.connections_max && !self.close_some(&mut open, |_| true) {
            return Entrance::Wait;
        }
        // A connection that was cut off is still there for a moment.
        let leaving_max = (self.connections_max / ROOM_SHARE).max(1);
        if open.slots.len() >= self.connections_max + leaving_max {
            return Entrance::Wait;
        }
        open.last_id += 1;
        let slot = Arc::new(ConnectionSlot::new(open.last_id, Arc::clone(self)));
        open.add(Arc::clone(&slot), client);
        self.metrics.connections.inc();
        Entrance::Open(OccupiedSlot(slot))
    }

    /// Ends some of these connections: first idle ones, then those whose answers are not taken, then those whose
    /// bodies are slow; of the clients with most connections first, of each the ones that have done so longest. False
    /// when all are at work.
    fn close_some(&self, open: &mut Open, may_go: impl Fn(&Entry) -> bool) -> bool {
        let now_ms = self.now_ms();
        let mut candidates: Vec<(u8, Reverse<usize>, u64, u64)> = open
            .slots
            .iter()
            .filter(|(_, entry)| may_go(entry) && !entry.slot.is_cut())
            .filter_map(|(id, entry)| {
                let (rank, since_ms) = entry.rank(now_ms)?;
                let connections = open.of(entry.client).connections;
                Some((rank, Reverse(connections), since_ms, *id))
            })
            .collect();
        candidates.sort_unstable();
        let enough = (candidates.len() / ROOM_SHARE).max(1);
        for (_, _, _, id) in candidates.iter().take(enough) {
            self.cut(open, *id);
        }
        !candidates.is_empty()
    }

    /// Takes memory back from the slowest until there is some for others again. False when there is none for that client.
    fn reclaim(&self, open: &mut Open, budget: Budget, client: Client) -> bool {
        let max_bytes = self.max_bytes.get(budget);
        let share_bytes = max_bytes / len(CLIENT_SHARE);
        let excess = |used_bytes: u64, allowed_bytes: u64| {
            let target_bytes = allowed_bytes - allowed_bytes / len(ROOM_SHARE);
            (used_bytes > allowed_bytes).then(|| used_bytes - target_bytes)
        };
        if let Some(excess) = excess(open.of(client).bytes.get(budget), share_bytes) {
            self.cut_slowest(open, budget, excess, |entry| entry.client == client);
        }
        if let Some(excess) = excess(open.total.bytes.get(budget), max_bytes) {
            self.cut_slowest(open, budget, excess, |_| true);
        }
        open.of(client).bytes.get(budget) <= share_bytes
            && open.total.bytes.get(budget) <= max_bytes
    }

    /// Ends the connections with the least pace, of the clients that have most first, until so much is free.
    fn cut_slowest(
        &self,
        open: &mut Open,
        budget: Budget,
        excess_bytes: u64,
        may_go: impl Fn(&Entry) -> bool,
    ) {
        let now_ms = self.now_ms();
        let mut candidates: Vec<(Reverse<u64>, u64, u64, u64)> = open
            .slots
            .iter()
            .filter(|(_, entry)| {
                entry.bytes.get(budget) > 0 && may_go(entry) && !entry.slot.is_cut()
            })
            .filter_map(|(id, entry)| {
                let pace = entry.pace(budget, now_ms)?;
                let greed = Reverse(open.of(entry.client).bytes.get(budget));
                Some((greed, pace, entry.since_ms.get(budget), *id))
            })
            .collect();
        candidates.sort_unstable();
        let mut freed_bytes = 0;
        for (_, _, _, id) in candidates {
            if freed_bytes >= excess_bytes {
                return;
            }
            freed_bytes += open
                .slots
                .get(&id)
                .map_or(0, |entry| entry.bytes.get(budget));
            self.cut(open, id);
        }
    }

    /// Cuts a connection off. What it has does not count any more.
    fn cut(&self, open: &mut Open, id: u64) {
        if let Some(entry) = open.take_away(id) {
            entry.slot.cut_off();
            self.metrics.connections_cut.inc();
        }
    }
}

fn len(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

impl Usage {
    fn add(&mut self, connections: usize, bytes: PerBudget) {
        self.connections += connections;
        self.bytes = self.bytes.each(bytes, u64::saturating_add);
    }

    fn subtract(&mut self, connections: usize, bytes: PerBudget) {
        self.connections = self.connections.saturating_sub(connections);
        self.bytes = self.bytes.each(bytes, u64::saturating_sub);
    }
}

impl Open {
    fn of(&self, client: Client) -> Usage {
        self.clients.get(&client).copied().unwrap_or_default()
    }

    fn add(&mut self, slot: Arc<ConnectionSlot>, client: Client) {
        self.count(client, 1, PerBudget::default());
        let entry = Entry {
            client,
            counts: true,
            bytes: PerBudget::default(),
            since_ms: PerBudget::default(),
            slot,
        };
        self.slots.insert(entry.slot.id, entry);
    }

    fn count(&mut self, client: Client, connections: usize, bytes: PerBudget) {
        self.total.add(connections, bytes);
        let usage = self.clients.entry(client).or_default();
        usage.add(connections, bytes);
    }

    fn discount(&mut self, client: Client, connections: usize, bytes: PerBudget) {
        self.total.subtract(connections, bytes);
        if let Some(usage) = self.clients.get_mut(&client) {
            usage.subtract(connections, bytes);
            if usage.connections == 0 {
                self.clients.remove(&client);
            }
        }
    }

    /// Notes how much of a budget a connection has from now on. False when it counts no more.
    fn set(&mut self, id: u64, budget: Budget, bytes: u64, now_ms: u64) -> bool {
        let Some(entry) = self.slots.get_mut(&id).filter(|entry| entry.counts) else {
            return false;
        };
        let before = std::mem::replace(entry.bytes.of(budget), bytes);
        if before == 0 {
            *entry.since_ms.of(budget) = now_ms;
        }
        let client = entry.client;
        let (mut less, mut more) = (PerBudget::default(), PerBudget::default());
        (*less.of(budget), *more.of(budget)) = (before, bytes);
        self.count(client, 0, more);
        self.discount(client, 0, less);
        true
    }

    /// What a connection has does not count any more; gives the connection, the first time.
    fn take_away(&mut self, id: u64) -> Option<&Entry> {
        let entry = self.slots.get_mut(&id).filter(|entry| entry.counts)?;
        entry.counts = false;
        let (client, bytes) = (entry.client, std::mem::take(&mut entry.bytes));
        self.discount(client, 1, bytes);
        self.slots.get(&id)
    }

    fn hand_over(&mut self, id: u64, client: Client) {
        let Some(entry) = self.slots.get_mut(&id).filter(|entry| entry.counts) else {
            return;
        };
        let (before, bytes) = (entry.client, entry.bytes);
        if before != client {
            entry.client = client;
            self.count(client, 1, bytes);
            self.discount(before, 1, bytes);
        }
    }
}

impl Entry {
    /// How readily it is closed, lowest first, and since when that is so; `None` while it is at work.
    fn rank(&self, now_ms: u64) -> Option<(u8, u64)> {
        let (state, since_ms) = self.slot.state();
        if self.bytes.get(Budget::Unread) > 0 {
            return Some((1, self.since_ms.get(Budget::Unread)));
        }
        match state {
            ConnectionState::Idle => Some((0, since_ms)),
            ConnectionState::Receiving => self.is_slow(since_ms, now_ms).then_some((2, since_ms)),
            ConnectionState::Working => None,
        }
    }

    /// Bytes a second, roughly; `None` while it is not known, or the client is not waited for.
    fn pace(&self, budget: Budget, now_ms: u64) -> Option<u64> {
        let (state, state_since_ms) = self.slot.state();
        if budget == Budget::Unread {
            // Whatever was taken, the rest has been waiting since then.
            return Some(0);
        }
        let is_slow = state == ConnectionState::Receiving && self.is_slow(state_since_ms, now_ms);
        let took_ms = now_ms.saturating_sub(state_since_ms).max(1);
        is_slow.then(|| self.bytes.get(budget).saturating_mul(1000) / took_ms)
    }

    fn is_slow(&self, since_ms: u64, now_ms: u64) -> bool {
        let slow_ms = u64::try_from(SLOW_BODY_TIME.as_millis()).unwrap_or(u64::MAX);
        now_ms.saturating_sub(since_ms) >= slow_ms
    }
}

impl ConnectionSlot {
    fn new(id: u64, table: Arc<Table>) -> Self {
        Self {
            id,
            state: Mutex::new((ConnectionState::Idle, table.now_ms())),
            table,
            has_unread: AtomicBool::default(),
            is_cut: AtomicBool::default(),
            cut: Notify::new(),
        }
    }

    fn set_state(&self, state: ConnectionState) {
        *lock(&self.state) = (state, self.table.now_ms());
    }

    /// What the connection is busy with, and since when, in milliseconds since the start.
    pub(crate) fn state(&self) -> (ConnectionState, u64) {
        *lock(&self.state)
    }

    /// A request is at work from now on.
    pub(crate) fn works(&self) {
        self.set_state(ConnectionState::Working);
    }

    /// From now on the client's body is waited for.
    pub(crate) fn receives(&self) {
        self.set_state(ConnectionState::Receiving);
    }

    /// Nothing is under way any more.
    pub(crate) fn rests(&self) {
        self.set_state(ConnectionState::Idle);
    }

    /// Behind proxies, each request has a client of its own.
    pub(crate) fn belongs_to(&self, client: Client) {
        self.table.lock().hand_over(self.id, client);
    }

    /// The client that a line of the log about a refusal names, if there may be one more.
    pub(crate) fn client_to_log(&self) -> Option<Client> {
        let open = self.table.lock();
        let client = open.slots.get(&self.id)?.client;
        drop(open);
        let shares = &self.table.metrics.log_limits;
        shares.admit(client, true).then_some(client)
    }

    /// So many bytes of answers cannot be sent, because the client does not take them.
    pub(crate) fn has_unread(&self, bytes: u64) {
        // Most answers are taken at once.
        if bytes == 0 && !self.has_unread.load(Ordering::Relaxed) {
            return;
        }
        self.has_unread.store(bytes > 0, Ordering::Relaxed);
        // A connection that is cut off learns it as all do.
        let _ = self.set(Budget::Unread, bytes);
    }

    /// Whether the client leaves answers unread.
    pub(crate) fn is_unread(&self) -> bool {
        self.has_unread.load(Ordering::Relaxed)
    }

    /// Holds nothing of a budget yet.
    pub(crate) fn hold(self: &Arc<Self>, budget: Budget) -> MemoryReservation {
        MemoryReservation {
            slot: Arc::clone(self),
            budget,
            bytes: 0,
        }
    }

    fn set(&self, budget: Budget, bytes: u64) -> Result<(), Cut> {
        let now_ms = self.table.now_ms();
        let mut open = self.table.lock();
        let Some(client) = open.slots.get(&self.id).map(|entry| entry.client) else {
            return Ok(());
        };
        let counts = open.set(self.id, budget, bytes, now_ms);
        let is_room = bytes == 0 || self.table.reclaim(&mut open, budget, client);
        if counts && is_room && !self.is_cut() {
            Ok(())
        } else {
            Err(Cut)
        }
    }

    /// Others need what this connection holds.
    fn cut_off(&self) {
        self.is_cut.store(true, Ordering::Relaxed);
        self.cut.notify_waiters();
    }

    /// Whether the connection is to end.
    pub(crate) fn is_cut(&self) -> bool {
        self.is_cut.load(Ordering::Relaxed)
    }

    /// Resolves when the connection is to end.
    pub(crate) async fn cut(&self) {
        loop {
            let cut = self.cut.notified();
            if self.is_cut() {
                return;
            }
            cut.await;
        }
    }
}

impl Drop for OccupiedSlot {
    fn drop(&mut self) {
        let Self(slot) = self;
        let mut open = slot.table.lock();
        open.take_away(slot.id);
        open.slots.remove(&slot.id);
        drop(open);
        slot.table.metrics.connections.dec();
        slot.table.left.notify_waiters();
    }
}

impl MemoryReservation {
    /// Holds so much from now on. When that is more than there is, a slower connection is cut off.
    ///
    /// # Errors
    /// This connection is cut off, or no other can be.
    pub(crate) fn grow_to(&mut self, bytes: u64) -> Result<(), Cut> {
        self.bytes = bytes;
        self.slot.set(self.budget, bytes)
    }
}

impl Drop for MemoryReservation {
    fn drop(&mut self) {
        if self.bytes > 0 {
            // There is always room for less.
            let _ = self.slot.set(self.budget, 0);
        }
    }
}

#[cfg(test)]
mod tests;
