//! What every capability knows of the instance that calls it.

use std::sync::Arc;

use crate::capabilities::faults::{CallKind, Fault, Faults, StopSign};
use crate::observe::metrics::Metrics;
use crate::scheduling::request::CurrentRequest;

/// An instance of a component, as its host calls see it.
#[derive(Clone)]
pub(crate) struct HostContext {
    /// The component's id in the manifest.
    pub component: Arc<str>,
    pub faults: Faults,
    /// How the fault plan stops the guest from where it cannot trap.
    pub stop: Arc<StopSign>,
    pub metrics: Arc<Metrics>,
    pub request: Arc<CurrentRequest>,
}

impl HostContext {
    /// Asks the fault plan about a call, once its turn has come.
    pub(crate) async fn ask(&self, kind: CallKind, detail: &str, payload: &[u8]) -> Fault {
        self.faults
            .ask(&self.component, kind, detail, payload)
            .await
    }
}
