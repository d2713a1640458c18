//! Pauses of guests (`wasi:clocks/monotonic-clock`) under a fault plan, which may let them take no time.

use std::time::Duration;

use wasmtime::component::{Accessor, Linker};

use crate::capabilities::faults::{CallKind, Fault, Stopped};
use crate::capabilities::host_context::HostContext;

/// The interface, as guests import it.
const INTERFACE: &str = "wasi:clocks/monotonic-clock@0.3.0";

/// Gives the linker access to what host calls know of the instance.
pub(crate) trait HostContextView: Send {
    fn host_context(&self) -> &HostContext;
}

/// Puts pauses under the plan in place of those that WASI brings.
pub(crate) fn add_to_linker<T: HostContextView + 'static>(
    linker: &mut Linker<T>,
) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let mut interface = linker.instance(INTERFACE)?;
    interface.func_wrap_concurrent("wait-for", |accessor, (nanoseconds,): (u64,)| {
        Box::pin(pause(accessor, nanoseconds))
    })?;
    linker.allow_shadowing(false);
    Ok(())
}

async fn pause<T: HostContextView + 'static>(
    accessor: &Accessor<T>,
    nanoseconds: u64,
) -> wasmtime::Result<()> {
    let host = accessor.with(|mut access| access.get().host_context().clone());
    let length = nanoseconds.to_string();
    let fault = host.ask(CallKind::Sleep, &length, &[]).await;
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
