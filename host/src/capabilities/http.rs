//! Outbound HTTP: only to granted hosts; `http://NAME.spin.internal` goes straight to that component.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, default_send_request};

use crate::capabilities::faults::{CallKind, Fault};
use crate::capabilities::host_context::HostContext;
use crate::client::Client;
use crate::limits::{CHAIN_DEPTH, OUTBOUND_CONNECT_TIME, OUTBOUND_READ_TIME};
use crate::manifest::allowed_hosts::{AllowedHosts, CHAINING_SUFFIX, Target};
use crate::scheduling::request::CurrentRequest;

/// What a stand-in for the network answers; an error is what the guest sees of a connection that failed.
pub type NetworkAnswer =
    Pin<Box<dyn Future<Output = Result<http::Response<Bytes>, String>> + Send>>;

/// A stand-in for the network: gets every request of a guest that leaves the application.
pub trait Network: Send + Sync + 'static {
    /// Answers a request.
    fn send(&self, request: http::Request<Bytes>) -> NetworkAnswer;
}

/// A request of one component to another.
pub(crate) struct InternalRequest {
    pub request: http::Request<WasiBody>,
    /// How many components stand between the client and the one that is called.
    pub depth: u32,
    pub client: Option<Client>,
}

/// The answer of a component to another.
pub(crate) type InternalAnswer = Pin<Box<dyn Future<Output = Response> + Send>>;

/// Takes requests to the components of the application.
pub(crate) trait InternalNetwork: Send + Sync {
    /// Answers a request; `None` when there is no component of that name.
    fn send(&self, component: &str, request: InternalRequest) -> Option<InternalAnswer>;
}

/// Where requests of guests go.
#[derive(Clone)]
pub(crate) struct Networks {
    /// The components of the application; gone when the shop is.
    pub internal: Weak<dyn InternalNetwork>,
    /// Stands in for the network, in tests.
    pub external: Option<Arc<dyn Network>>,
}

/// The hooks of one instance.
pub(crate) struct OutboundHttp {
    pub host: HostContext,
    /// The hosts that the component was granted.
    hosts: Arc<AllowedHosts>,
    networks: Networks,
}

type Response = http::Response<WasiBody>;

/// What became of a request's body, or of a response's.
pub(crate) type Finished = Box<dyn Future<Output = Result<(), Error>> + Send>;

/// A request and its answer.
pub(crate) type Exchange = Box<dyn Future<Output = Result<(Response, Finished), Error>> + Send>;

impl OutboundHttp {
    pub(crate) fn new(host: &HostContext, hosts: &Arc<AllowedHosts>, networks: &Networks) -> Self {
        Self {
            host: host.clone(),
            hosts: Arc::clone(hosts),
            networks: networks.clone(),
        }
    }

    /// Where the request goes, if it may go there.
    fn permit(&self, request: &http::Request<WasiBody>) -> Result<Target, Error> {
        let target = Target::parse(&request.uri().to_string(), "https")
            .ok_or(Error::HttpRequestUriInvalid)?;
        if !self.hosts.allows(&target) {
            tracing::warn!(
                component = %self.host.component,
                "request to {}://{} denied; grant it in allowed_outbound_hosts",
                target.scheme,
                target.host
            );
            return Err(Error::HttpRequestDenied);
        }
        Ok(target)
    }

    /// Sends a request where it may go.
    pub(crate) fn send(
        &self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
    ) -> Exchange {
        let target = match self.permit(&request) {
            Ok(target) => target,
            Err(error) => return Box::new(async move { Err(error) }),
        };
        // While the request waits for another, others may have the processor.
        self.host.request.cpu.release_permits();
        let exchange: Exchange = match target.host.strip_suffix(CHAINING_SUFFIX) {
            Some(name) => Box::new(chain(
                self.networks.internal.upgrade(),
                name.to_owned(),
                Arc::clone(&self.host.request),
                request,
            )),
            None => match &self.networks.external {
                Some(network) => Box::new(stand_in(Arc::clone(network), request)),
                None => Box::new(send(request, options)),
            },
        };
        if !self.host.faults.are_planned() {
            return exchange;
        }
        Box::new(under_plan(
            self.host.clone(),
            format!("{}://{}", target.scheme, target.host),
            Box::into_pin(exchange),
        ))
    }
}

/// Lets the fault plan decide about a request.
async fn under_plan(
    host: HostContext,
    target: String,
    exchange: Pin<Exchange>,
) -> Result<(Response, Finished), Error> {
    let fault = host.ask(CallKind::Http, &target, &[]).await;
    match fault {
        Fault::Pass | Fault::Pretend | Fault::Then(_) => return exchange.await,
        Fault::Fail(reason) => return Err(Error::InternalError(Some(reason))),
        Fault::Stop => {}
        // The other side has done what it was asked to.
        Fault::StopAfter => drop(exchange.await),
    }
    host.stop.put_up();
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
    network: Option<Arc<dyn InternalNetwork>>,
    name: String,
    caused_by: Arc<CurrentRequest>,
    mut request: http::Request<WasiBody>,
) -> Result<(Response, Finished), Error> {
    if caused_by.depth >= CHAIN_DEPTH {
        return Err(Error::LoopDetected);
    }
    request.headers_mut().remove(http::header::HOST);
    let request = InternalRequest {
        request,
        depth: caused_by.depth + 1,
        client: caused_by.client,
    };
    let answer = network
        .and_then(|network| network.send(&name, request))
        .ok_or(Error::DestinationNotFound)?;
    // A task of its own: the caller's store is inside `run_concurrent`, which must not be entered a second time.
    let response = tokio::spawn(answer)
        .await
        .map_err(|_| Error::ConnectionTerminated)?;
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
