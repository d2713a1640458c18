//! WASI itself: no files, no sockets, no environment but the manifest's; output goes to the log line by line.

use std::collections::BTreeMap;
use std::sync::Arc;

use wasmtime_wasi::{WasiCtx, WasiCtxBuilder};

use crate::capabilities::clock::{Clock, GuestClock, GuestSteadyClock};
use crate::capabilities::host_context::HostContext;
use crate::capabilities::random::SeededRandom;

pub(crate) mod log_context;
mod output;
pub(crate) mod sleep;

use log_context::LogContext;
use output::Output;

/// What WASI gives to an instance of a component.
pub(crate) fn context(
    host: &HostContext,
    log_context: &Arc<LogContext>,
    environment: &BTreeMap<String, String>,
    clock: &Arc<dyn Clock>,
    random: Option<&SeededRandom>,
) -> WasiCtx {
    let mut builder = WasiCtxBuilder::new();
    builder
        .wall_clock(GuestClock {
            host: host.clone(),
            clock: Arc::clone(clock),
        })
        .stdout(Output::new(log_context, "stdout"))
        .stderr(Output::new(log_context, "stderr"))
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false);
    if clock.steady().is_some() {
        builder.monotonic_clock(GuestSteadyClock(Arc::clone(clock)));
    }
    if let Some(random) = random {
        builder
            .secure_random(random.clone())
            .insecure_random(random.clone())
            .insecure_random_seed(random.draw_u128());
    }
    for (name, value) in environment {
        builder.env(name, value);
    }
    builder.build()
}
