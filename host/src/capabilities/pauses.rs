//! Pauses of guests (`wasi:clocks/monotonic-clock`) under a fault plan, which may let them take no time.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::{Accessor, Linker};

use crate::faults::{CallKind, Fault, Stopped};
use crate::guest::Guest;

/// The interface, as guests import it.
const INTERFACE: &str = "wasi:clocks/monotonic-clock@0.3.0";

/// Puts pauses under the plan in place of those that WASI brings.
pub(crate) fn add_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let mut interface = linker.instance(INTERFACE)?;
    interface.func_wrap_concurrent("wait-for", |accessor, (nanoseconds,): (u64,)| {
        Box::pin(pause(accessor, nanoseconds))
    })?;
    linker.allow_shadowing(false);
    Ok(())
}

async fn pause(accessor: &Accessor<Guest>, nanoseconds: u64) -> wasmtime::Result<()> {
    let (services, component) = accessor.with(|mut access| {
        let guest = access.get();
        (Arc::clone(&guest.services), Arc::clone(&guest.component))
    });
    let length = nanoseconds.to_string();
    let fault = services
        .faults
        .ask(&component.id, CallKind::Sleep, &length, &[])
        .await;
    match fault {
        Fault::Stop => Err(Stopped.into()),
        Fault::Pretend => Ok(()),
        fault => {
            tokio::time::sleep(Duration::from_nanos(nanoseconds)).await;
            match fault {
                Fault::StopAfter => Err(Stopped.into()),
                _ => Ok(()),
            }
        }
    }
}
