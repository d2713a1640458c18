//! Decides what happens next. Whatever reaches outside of a component waits here for its turn, and so does whatever
//! comes in: one thing happens at a time, and which one is drawn from the seed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use mercato::{CallKind, Fault, FaultPlan, HostCall, Network, NetworkAnswer, Turn};
use mercato_tests::stripe::Account;
use serde_json::Value;
use tokio::sync::oneshot;

use crate::plan::describe;
use crate::sabotage::Sabotage;
use crate::world::{received, response};

/// What waits for its turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A call of a component.
    Call(CallKind, String),
    /// A request of somebody, on its way to the shop.
    Request(String),
    /// A webhook of the provider, on its way to the shop.
    Webhook(String),
    /// The provider's answer, on its way to the shop.
    Answer,
    /// Somebody who lets the shop finish what it has begun.
    Rest,
}

/// What goes wrong on the way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Trouble {
    /// Nothing.
    #[default]
    None,
    /// It does not arrive.
    Lost,
    /// It arrives, and the answer does not come back.
    AnswerLost,
    /// It arrives, and the answer takes its time.
    AnswerLate,
    /// It arrives, and the other side only says that it is broken.
    Broken,
}

struct Waiting {
    what: What,
    /// The number of a call of a component.
    call: Option<u64>,
    go: oneshot::Sender<Trouble>,
}

/// A message of Redis.
#[derive(Debug, Clone)]
pub struct Message {
    /// Its channel.
    pub channel: String,
    /// Its text.
    pub payload: Vec<u8>,
}

#[derive(Default)]
struct State {
    waiting: Vec<Waiting>,
    messages: Vec<Message>,
    /// For the call of that number, whose turn has come. Others may be decided first.
    fault: Option<(u64, Fault)>,
    /// For the request to the provider whose turn has come.
    trouble: Trouble,
    has_crashed: bool,
    /// Statements that read, so far.
    reads: u64,
    sabotage: Option<Sabotage>,
    provider: Account,
}

impl State {
    /// Whether a call does not wait for its turn: after a crash, and where little depends on who is first, so that the steps
    /// are there for what matters. Pragmas are about a connection alone; of what is read, some calls wait.
    fn goes_by(&mut self, call: &HostCall<'_>) -> bool {
        if self.has_crashed {
            return true;
        }
        let first_word = call.detail.split_whitespace().next().unwrap_or_default();
        match (call.kind, first_word) {
            (CallKind::Sqlite, "PRAGMA") => true,
            (CallKind::Sqlite, "SELECT") => {
                self.reads += 1;
                !self.reads.is_multiple_of(READS_PER_STEP)
            }
            _ => false,
        }
    }
}

/// One in so many statements that read is a step.
const READS_PER_STEP: u64 = 4;

/// Decides what happens next.
#[derive(Clone, Default)]
pub struct Scheduler(Arc<Mutex<State>>);

impl Scheduler {
    /// One for a shop with that provider, perhaps broken on purpose.
    pub fn new(provider: Account, sabotage: Option<Sabotage>) -> Self {
        Self(Arc::new(Mutex::new(State {
            provider,
            sabotage,
            ..State::default()
        })))
    }

    /// Waits for one's turn; gives what goes wrong then.
    pub async fn turn(&self, what: What) -> Trouble {
        let turn = self.enqueue(what, None);
        // Whoever decides has gone when the simulation ends.
        turn.await.unwrap_or_default()
    }

    /// Waits until nothing else does: the shop has finished what it has begun.
    pub async fn rest(&self) {
        self.turn(What::Rest).await;
    }

    /// What waits, in the order in which it came.
    pub fn waiting(&self) -> Vec<What> {
        let state = self.state();
        state
            .waiting
            .iter()
            .map(|waiting| waiting.what.clone())
            .collect()
    }

    /// Lets the one at that place go on. For a call, the fault says how; for everything else, the trouble.
    pub fn let_go(&self, index: usize, fault: Fault, trouble: Trouble) {
        let mut state = self.state();
        let waiting = state.waiting.remove(index);
        state.fault = waiting.call.map(|call| (call, fault));
        state.trouble = trouble;
        drop(state);
        if waiting.go.send(trouble).is_err() {
            // Whoever waited was given up, as a request after its time.
            self.state().fault = None;
        }
    }

    /// Lets nothing of the shop happen any more; messages that were under way are gone.
    pub fn crash(&self) {
        let mut state = self.state();
        state.has_crashed = true;
        state.messages.clear();
        let is_of_shop = |waiting: &Waiting| matches!(waiting.what, What::Call(..) | What::Answer);
        let (shop, others) = std::mem::take(&mut state.waiting)
            .into_iter()
            .partition(is_of_shop);
        state.waiting = others;
        drop(state);
        for waiting in Vec::into_iter(shop) {
            waiting.go.send(Trouble::None).ok();
        }
    }

    /// Lets things happen again.
    pub fn recover(&self) {
        let mut state = self.state();
        state.has_crashed = false;
        state.fault = None;
    }

    /// How many messages Redis carries.
    pub fn messages(&self) -> usize {
        self.state().messages.len()
    }

    /// Takes a message from Redis.
    pub fn take_message(&self, index: usize) -> Message {
        self.state().messages.remove(index)
    }

    /// Gives Redis a message.
    pub fn put_message(&self, message: Message) {
        self.state().messages.push(message);
    }

    /// Does something at the provider.
    pub fn at_provider<T>(&self, act: impl FnOnce(&mut Account) -> T) -> T {
        act(&mut self.state().provider)
    }

    fn enqueue(&self, what: What, call: Option<u64>) -> oneshot::Receiver<Trouble> {
        let (go, turn) = oneshot::channel();
        self.state().waiting.push(Waiting { what, call, go });
        turn
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FaultPlan for Scheduler {
    fn turn(&self, call: &HostCall<'_>) -> Option<Turn> {
        if self.state().goes_by(call) {
            return None;
        }
        let turn = self.enqueue(What::Call(call.kind, describe(call)), Some(call.number));
        Some(Box::pin(async move {
            turn.await.ok();
        }))
    }

    fn decide(&self, call: &HostCall<'_>) -> Fault {
        let mut state = self.state();
        if state.has_crashed {
            return Fault::Stop;
        }
        if call.kind == CallKind::Clock {
            return Fault::Pass;
        }
        let planned = state.fault.take_if(|(number, _)| *number == call.number);
        let fault = planned.map_or(Fault::Pass, |(_, fault)| fault);
        let broken = state.sabotage.and_then(|sabotage| sabotage.breaks(call));
        match (fault, call.kind, broken) {
            (Fault::Pass, CallKind::Publish, _) => {
                state.messages.push(Message {
                    channel: call.detail.to_owned(),
                    payload: call.payload.to_vec(),
                });
                Fault::Pretend
            }
            (Fault::Pass, _, Some(statements)) => Fault::Then(statements.to_owned()),
            (fault, _, _) => fault,
        }
    }
}

impl Network for Scheduler {
    fn send(&self, request: http::Request<Bytes>) -> NetworkAnswer {
        let mut state = self.state();
        let trouble = std::mem::take(&mut state.trouble);
        if trouble == Trouble::Lost {
            return Box::pin(async { Err("connection refused".to_owned()) });
        }
        if trouble == Trouble::Broken {
            return Box::pin(async { Ok(response((500, Value::Null))) });
        }
        let answer = response(state.provider.answer(&received(&request)));
        drop(state);
        let scheduler = self.clone();
        Box::pin(async move {
            match trouble {
                Trouble::AnswerLost => Err("connection reset".to_owned()),
                Trouble::AnswerLate => {
                    scheduler.turn(What::Answer).await;
                    Ok(answer)
                }
                _ => Ok(answer),
            }
        })
    }
}
