//! The components that answer requests, by id.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use super::handler::{HttpComponent, Invocation};
use crate::capabilities::http::{InternalAnswer, InternalNetwork, InternalRequest};
use crate::engine::pool::Lane;

/// Paths that only components ask each other for, and that are answered quickly.
const INTERNAL_PREFIX: &str = "/internal/";

/// Empty until all are linked.
#[derive(Default)]
pub(crate) struct Components(OnceLock<BTreeMap<String, Arc<HttpComponent>>>);

impl Components {
    /// Says which there are; only the first time counts.
    pub(crate) fn set(&self, components: BTreeMap<String, Arc<HttpComponent>>) {
        let _ = self.0.set(components);
    }

    pub(crate) fn http(&self, id: &str) -> Option<Arc<HttpComponent>> {
        self.0.get()?.get(id).cloned()
    }
}

impl InternalNetwork for Components {
    fn send(&self, component: &str, request: InternalRequest) -> Option<InternalAnswer> {
        let component = self.http(component)?;
        let InternalRequest {
            request,
            depth,
            client,
        } = request;
        let lane = if request.uri().path().starts_with(INTERNAL_PREFIX) {
            Lane::Probe
        } else {
            Lane::Client
        };
        let invocation = Invocation {
            request,
            upload: None,
            depth,
            lane,
            client,
        };
        Some(Box::pin(async move {
            component.invoke(invocation).await.into_response()
        }))
    }
}
