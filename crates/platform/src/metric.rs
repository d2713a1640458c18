//! Numbers that only an instance knows, such as whether it has given up on somebody for a while.
//!
//! A number leaves by the log, as a line of the level `metric` that no reader of the log needs to see: the runner counts
//! such lines for all instances and shows the sums among its metrics. Elsewhere they can be counted in the log.

use crate::clock::{self, Clock, SystemClock};
use crate::log;

/// Adds to a counter, whose name ends in `_total`. By 0 it is made known before anything has happened.
pub fn count(name: &str, help: &str, by: u64) {
    write("counter", name, help, by);
}

/// Sets what this instance contributes to a gauge: the runner shows the sum over all instances that live.
pub fn set(name: &str, help: &str, value: u64) {
    write("gauge", name, help, value);
}

fn write(kind: &str, name: &str, help: &str, value: u64) {
    let time = clock::rfc3339(SystemClock.now_ms());
    let value = value.to_string();
    let fields = [("metric", name), ("kind", kind), ("value", value.as_str())];
    log::print(log::line(&time, "metric", help, &fields));
}
