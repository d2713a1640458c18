//! Outbound HTTP: only to granted hosts; `http://NAME.spin.internal` goes straight to that component.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks, default_send_request};

use crate::client::Client;
use crate::faults::{CallKind, Fault, StopSign};
use crate::grants::{CHAINING_SUFFIX, Target};
use crate::guest::{ComponentGrants, Services};
use crate::limits::{CHAIN_DEPTH, OUTBOUND_CONNECT_TIME, OUTBOUND_READ_TIME};
use crate::pace::Pace;
use crate::pool::Lane;
use crate::shop::Components;
use crate::triggers::http::Invocation;

/// Paths that only components ask each other for, and that are answered quickly.
const INTERNAL_PREFIX: &str = "/internal/";

/// What a stand-in for the network answers; an error is what the guest sees of a connection that failed.
pub type NetworkAnswer =
    Pin<Box<dyn Future<Output = Result<http::Response<Bytes>, String>> + Send>>;

/// A stand-in for the network: gets every request of a guest that leaves the application.
pub trait Network: Send + Sync + 'static {
    /// Answers a request.
    fn send(&self, request: http::Request<Bytes>) -> NetworkAnswer;
}

/// The hooks of one instance.
pub(crate) struct OutboundHttp {
    component: Arc<ComponentGrants>,
    services: Arc<Services>,
    components: Weak<Components>,
    /// How deep in a chain of requests the instance is right now.
    pub depth: u32,
    /// Whom it works for right now.
    pub client: Option<Client>,
    /// How much it has computed for whom it works for.
    pub pace: Arc<Pace>,
    /// Ends the instance, which a hook cannot do itself.
    stop: Arc<StopSign>,
}

type Response = http::Response<WasiBody>;
type Finished = Box<dyn Future<Output = Result<(), Error>> + Send>;

impl OutboundHttp {
    pub(crate) fn new(
        component: &Arc<ComponentGrants>,
        services: &Arc<Services>,
        components: &Weak<Components>,
        stop: &Arc<StopSign>,
    ) -> Self {
        Self {
            component: Arc::clone(component),
            services: Arc::clone(services),
            components: components.clone(),
            depth: 0,
            client: None,
            pace: Arc::default(),
            stop: Arc::clone(stop),
        }
    }

    /// Where the request goes, if it may go there.
    fn permit(&self, request: &http::Request<WasiBody>) -> Result<Target, Error> {
        let target = Target::parse(&request.uri().to_string(), "https")
            .ok_or(Error::HttpRequestUriInvalid)?;
        if !self.component.hosts.allows(&target) {
            tracing::warn!(
                component = %self.component.id,
                "request to {}://{} denied; grant it in allowed_outbound_hosts",
                target.scheme,
                target.host
            );
            return Err(Error::HttpRequestDenied);
        }
        Ok(target)
    }
}

impl WasiHttpHooks for OutboundHttp {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        finished: Finished,
    ) -> Box<dyn Future<Output = Result<(Response, Finished), Error>> + Send> {
        drop(finished);
        let target = match self.permit(&request) {
            Ok(target) => target,
            Err(error) => return Box::new(async move { Err(error) }),
        };
        // Whoever waits for others keeps nobody from a processor.
        self.pace.let_go();
        let exchange: Exchange = match target.host.strip_suffix(CHAINING_SUFFIX) {
            Some(name) => Box::pin(chain(
                self.components.upgrade(),
                name.to_owned(),
                self.depth,
                self.client,
                request,
            )),
            None => match &self.services.network {
                Some(network) => Box::pin(stand_in(Arc::clone(network), request)),
                None => Box::pin(send(request, options)),
            },
        };
        if !self.services.faults.are_planned() {
            return Box::new(exchange);
        }
        Box::new(under_plan(
            Arc::clone(&self.component),
            Arc::clone(&self.services),
            Arc::clone(&self.stop),
            format!("{}://{}", target.scheme, target.host),
            exchange,
        ))
    }
}

/// A request and its answer.
type Exchange = Pin<Box<dyn Future<Output = Result<(Response, Finished), Error>> + Send>>;

/// Lets the fault plan decide about a request.
async fn under_plan(
    component: Arc<ComponentGrants>,
    services: Arc<Services>,
    stop: Arc<StopSign>,
    target: String,
    exchange: Exchange,
) -> Result<(Response, Finished), Error> {
    let fault = services
        .faults
        .ask(&component.id, CallKind::Http, &target, &[])
        .await;
    match fault {
        Fault::Pass | Fault::Pretend | Fault::Then(_) => return exchange.await,
        Fault::Fail(reason) => return Err(Error::InternalError(Some(reason))),
        Fault::Stop => {}
        // The other side has done what it was asked to.
        Fault::StopAfter => drop(exchange.await),
    }
    stop.put_up();
    std::future::pending().await
}

/// Lets the stand-in answer a request.
async fn stand_in(
    network: Arc<dyn Network>,
    request: http::Request<WasiBody>,
) -> Result<(Response, Finished), Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let answer = network.send(http::Request::from_parts(head, body)).await;
    let response = answer.map_err(|reason| Error::InternalError(Some(reason)))?;
    let response = response.map(|body| {
        Full::new(body)
            .map_err(|never| match never {})
            .boxed_unsync()
    });
    Ok((response, Box::new(async { Ok(()) })))
}

/// Hands the request to another component of the application.
async fn chain(
    components: Option<Arc<Components>>,
    name: String,
    depth: u32,
    client: Option<Client>,
    mut request: http::Request<WasiBody>,
) -> Result<(Response, Finished), Error> {
    if depth >= CHAIN_DEPTH {
        return Err(Error::LoopDetected);
    }
    let component = components
        .and_then(|components| components.http(&name))
        .ok_or(Error::DestinationNotFound)?;
    request.headers_mut().remove(http::header::HOST);
    let lane = if request.uri().path().starts_with(INTERNAL_PREFIX) {
        Lane::Probe
    } else {
        Lane::Client
    };
    // A task of its own: the caller's store is inside `run_concurrent`, which must not be entered a second time.
    let called = tokio::spawn(async move {
        component
            .invoke(Invocation {
                request,
                upload: None,
                depth: depth + 1,
                lane,
                client,
            })
            .await
            .into_response()
    });
    let response = called.await.map_err(|_| Error::ConnectionTerminated)?;
    let response = response.map(|body| body.map_err(Error::from).boxed_unsync());
    Ok((response, Box::new(async { Ok(()) })))
}

/// Sends the request over the network.
async fn send(
    request: http::Request<WasiBody>,
    options: Option<RequestOptions>,
) -> Result<(Response, Finished), Error> {
    let wanted = options.unwrap_or_default();
    let at_most = |wanted: Option<Duration>, limit: Duration| {
        Some(wanted.map_or(limit, |wanted| wanted.min(limit)))
    };
    let options = RequestOptions {
        connect_timeout: at_most(wanted.connect_timeout, OUTBOUND_CONNECT_TIME),
        first_byte_timeout: at_most(wanted.first_byte_timeout, OUTBOUND_READ_TIME),
        between_bytes_timeout: at_most(wanted.between_bytes_timeout, OUTBOUND_READ_TIME),
    };
    let (response, finished) = default_send_request(request, Some(options)).await?;
    Ok((response.map(BodyExt::boxed_unsync), Box::new(finished)))
}
