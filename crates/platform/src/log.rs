//! The log: one JSON object per line on standard error, where Spin and the runner pick it up.
//!
//! Never log a secret, a token, a password or a whole request body.
//!
//! Work that belongs to a request, an order, an event or a payment runs in a span ([`in_span`]). The fields of a span stand in
//! every line that its work logs, under names that are the same everywhere: `request_id`, `order_id`, `event_id`, `payment_id`.
//! What becomes known on the way is added by [`record`].

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::io::Write as _;
use std::pin::pin;
use std::rc::Rc;

use serde_json::{Map, Value};

use crate::clock::{self, Clock, SystemClock};
use crate::text::loggable;

/// Something went as it should, and an operator may want to know.
pub fn info(message: &str, fields: &[(&str, &str)]) {
    write("info", message, fields);
}

/// Something is not as it should be, and the shop goes on.
pub fn warn(message: &str, fields: &[(&str, &str)]) {
    write("warn", message, fields);
}

/// Something failed; the client saw an error.
pub fn error(message: &str, fields: &[(&str, &str)]) {
    write("error", message, fields);
}

/// Fields of some work.
struct Span {
    /// The span that this one is a part of.
    outer: Option<Rc<Span>>,
    fields: RefCell<Vec<(&'static str, String)>>,
}

thread_local! {
    /// The span of the work that runs right now. One instance may have several requests under way at the same time,
    /// but only one runs at a time: this changes with every turn.
    static CURRENT: RefCell<Option<Rc<Span>>> = const { RefCell::new(None) };
}

/// Puts these fields into every line that `work` logs, and no other work, however the two take turns.
pub async fn in_span<T>(fields: &[(&'static str, &str)], work: impl Future<Output = T>) -> T {
    let fields = fields
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()));
    let span = Rc::new(Span {
        outer: CURRENT.with_borrow(Clone::clone),
        fields: RefCell::new(fields.collect()),
    });
    let mut work = pin!(work);
    poll_fn(|context| {
        let _entered = Entered::of(&span);
        work.as_mut().poll(context)
    })
    .await
}

/// Adds a field to the lines that follow in the innermost span; does nothing outside of any.
pub fn record(name: &'static str, value: &str) {
    let Some(span) = CURRENT.with_borrow(Clone::clone) else {
        return;
    };
    let mut fields = span.fields.borrow_mut();
    fields.retain(|(known, _)| *known != name);
    fields.push((name, value.to_owned()));
}

/// Makes a span the current one until it is dropped.
struct Entered {
    before: Option<Rc<Span>>,
}

impl Entered {
    fn of(span: &Rc<Span>) -> Self {
        Self {
            before: CURRENT.replace(Some(Rc::clone(span))),
        }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(self.before.take());
    }
}

/// The fields of the current span and those around it. The nearest value of a name is the last one of it.
fn current_fields() -> Vec<(&'static str, String)> {
    let mut nearest_first = Vec::new();
    let mut span = CURRENT.with_borrow(Clone::clone);
    while let Some(current) = span {
        nearest_first.extend(current.fields.borrow().iter().rev().cloned());
        span = current.outer.clone();
    }
    nearest_first.reverse();
    nearest_first
}

fn write(level: &str, message: &str, fields: &[(&str, &str)]) {
    let span = current_fields();
    let span = span.iter().map(|(name, value)| (*name, value.as_str()));
    let all: Vec<_> = span.chain(fields.iter().copied()).collect();
    let time = clock::rfc3339(SystemClock.now_ms());
    print(line(&time, level, message, &all));
}

/// In one piece with its end, so that lines of components that share an output stay whole. A line that cannot be written
/// is lost: nothing fails because of its log.
pub(crate) fn print(mut line: String) {
    line.push('\n');
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// Later fields replace earlier ones of the same name. Every value is [`loggable`], whoever chose it.
pub(crate) fn line(time: &str, level: &str, message: &str, fields: &[(&str, &str)]) -> String {
    let mut object = Map::new();
    for (name, value) in [("time", time), ("level", level), ("message", message)]
        .iter()
        .chain(fields)
    {
        object.insert((*name).to_owned(), Value::from(loggable(value)));
    }
    Value::Object(object).to_string()
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    #[test]
    fn a_line_is_one_json_object_whatever_the_values() {
        let line = line("t", "warn", "two\nlines", &[("order_id", "\"quoted\"")]);
        assert!(!line.contains('\n'));
        let value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["message"], "two\\nlines");
        assert_eq!(value["order_id"], "\"quoted\"");
        assert_eq!(value["level"], "warn");
    }

    #[test]
    fn a_value_is_cut_and_escaped_whatever_it_is() {
        let value = format!("\u{202e}{}", "x".repeat(60_000));
        let line = line("t", "warn", "m", &[("path", &value), ("error", &value)]);
        assert!(line.len() < 600, "{} bytes", line.len());
        assert!(!line.contains('\u{202e}'), "{line}");
    }

    #[test]
    fn the_fields_at_hand_win() {
        let line = line("t", "info", "m", &[("order_id", "1"), ("order_id", "2")]);
        assert_eq!(line.matches("order_id").count(), 1);
        assert!(line.contains("\"order_id\":\"2\""), "{line}");
    }

    /// What a line would be about now.
    fn told() -> String {
        let told = current_fields();
        let told: Vec<_> = told
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        told.join(" ")
    }

    /// Lets the others have their turn.
    async fn yield_now() {
        let mut yielded = false;
        poll_fn(|_| {
            if std::mem::replace(&mut yielded, true) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }

    fn poll<T>(work: &mut Pin<Box<impl Future<Output = T>>>) -> Option<T> {
        match work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        }
    }

    fn run<T>(work: impl Future<Output = T>) -> T {
        let mut work = Box::pin(work);
        loop {
            if let Some(value) = poll(&mut work) {
                return value;
            }
        }
    }

    /// A request that is told which order it is about on its way, and lets others run all the time.
    async fn request(id: &str, order: &str) -> Vec<String> {
        in_span(&[("request_id", id)], async {
            let mut lines = vec![told()];
            yield_now().await;
            record("order_id", order);
            yield_now().await;
            lines.push(told());
            let inner = in_span(&[("event_id", "e")], async {
                yield_now().await;
                told()
            });
            lines.push(inner.await);
            yield_now().await;
            lines.push(told());
            lines
        })
        .await
    }

    #[test]
    fn requests_that_take_turns_do_not_mix_their_ids() {
        let mut first = Box::pin(request("r1", "o1"));
        let mut second = Box::pin(request("r2", "o2"));
        let (mut ended_first, mut ended_second) = (None, None);
        while ended_first.is_none() || ended_second.is_none() {
            if ended_first.is_none() {
                ended_first = poll(&mut first);
            }
            assert_eq!(told(), "");
            if ended_second.is_none() {
                ended_second = poll(&mut second);
            }
            assert_eq!(told(), "");
        }
        for (lines, id) in [(ended_first, 1), (ended_second, 2)] {
            let about = format!("request_id=r{id} order_id=o{id}");
            let expected = [
                format!("request_id=r{id}"),
                about.clone(),
                format!("{about} event_id=e"),
                about,
            ];
            assert_eq!(lines.unwrap(), expected);
        }
    }

    #[test]
    fn what_is_nearer_wins_and_ends_with_its_work() {
        run(in_span(&[("order_id", "outer")], async {
            let inner = in_span(&[("order_id", "inner")], async { told() }).await;
            assert_eq!(inner, "order_id=outer order_id=inner");
            assert_eq!(told(), "order_id=outer");
            record("order_id", "learnt");
            assert_eq!(told(), "order_id=learnt");
        }));
        record("order_id", "nobody's");
        assert_eq!(told(), "");
    }

    #[test]
    fn work_that_panics_takes_its_ids_with_it() {
        let broken = std::panic::catch_unwind(|| {
            run(in_span(&[("order_id", "o")], async { panic!("broken") }));
        });
        assert!(broken.is_err());
        assert_eq!(told(), "");
    }
}
