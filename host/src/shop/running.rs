//! A running shop: what can be asked of it, and its end.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt, Full};
use tokio::runtime::Runtime;

use crate::capabilities::redis::broker::Broker;
use crate::capabilities::sqlite::database::Databases;
use crate::engine::guest::Services;
use crate::engine::memory::IdleInstances;
use crate::engine::pool::Pool;
use crate::http::server::{Peer, Server};
use crate::shutdown::Activity;
use crate::triggers::timer::Timer;

/// A shop is idle that has been found so this often in a row, with this pause: a message is nowhere for a moment between its
/// queue and its instance.
const IDLE_LOOKS: u32 = 2;
const IDLE_LOOK: Duration = Duration::from_millis(1);
/// How long threads get to stop when the shop ends.
const RUNTIME_STOP_TIME: Duration = Duration::from_secs(5);

/// What a running shop is made of.
pub(super) struct Parts {
    pub address: SocketAddr,
    pub metrics_address: Option<SocketAddr>,
    pub activity: Activity,
    pub databases: Databases,
    pub timers: BTreeMap<String, Arc<Timer>>,
    pub pools: Vec<Arc<Pool>>,
    pub server: Arc<Server>,
}

/// A shop that is open.
pub struct Running {
    pub(super) parts: Parts,
    pub(super) threads: Threads,
}

/// The threads of a shop. Dropped, also half-way through the start, they end without being waited for: an
/// asynchronous caller must not block.
pub(super) struct Threads(pub Option<Runtime>);

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Running {
    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.parts.address
    }

    /// Where its counters are served, if they are.
    #[must_use]
    pub fn metrics_addr(&self) -> Option<SocketAddr> {
        self.parts.metrics_address
    }

    /// Makes the call of a component's timer now and returns its status; `None` when it has no timer. A component that has
    /// more to do is not called again.
    pub async fn fire_timer(&self, component: &str) -> Option<StatusCode> {
        let timer = Arc::clone(self.parts.timers.get(component)?);
        let call = async move { timer.call().await.0 };
        match &self.threads.0 {
            Some(runtime) => runtime.spawn(call).await.ok(),
            None => Some(call.await),
        }
    }

    /// Answers a request as if it had come over a connection.
    ///
    /// # Errors
    /// What was wrong when the body of the answer breaks off.
    pub async fn call(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, String> {
        answer(Arc::clone(&self.parts.server), request).await
    }

    /// Hands a message to the components that listen to its channel, as Redis would. Does nothing in a shop that has
    /// a Redis server.
    pub fn deliver(&self, channel: &str, payload: &[u8]) {
        if let Broker::Local(bus) = &*self.parts.server.services.broker {
            bus.publish(channel, payload);
        }
    }

    /// Waits until no component works on anything and no message waits. A message that a Redis server holds does not
    /// count.
    pub async fn idle(&self) {
        let mut looks = 0;
        loop {
            let queues_are_empty = match &*self.parts.server.services.broker {
                Broker::Local(bus) => bus.is_empty(),
                Broker::Servers(_) => true,
            };
            let nobody_works = self.parts.pools.iter().all(|pool| pool.is_idle());
            looks = if queues_are_empty && nobody_works {
                looks + 1
            } else {
                0
            };
            if looks == IDLE_LOOKS {
                return;
            }
            tokio::time::sleep(IDLE_LOOK).await;
        }
    }

    /// Ends all instances that do nothing and closes their databases. In a shop that is [idle](Self::idle), and after a
    /// crash by a fault plan, nothing is left then that a restart would not find either.
    pub fn forget(&self) {
        for pool in &self.parts.pools {
            pool.drop_idle(Duration::ZERO);
        }
        self.parts.databases.close_idle();
    }

    /// Says for so long that the shop is not ready, and answers all requests as before: whoever hands them out to several replicas
    /// needs some seconds to notice.
    pub async fn drain(&self, time: Duration) {
        self.parts.server.probes.drain();
        tokio::time::sleep(time).await;
    }

    /// Asks the components whether they are ready, which brings their databases to the newest version of the schema.
    ///
    /// # Errors
    /// What a component answers that is not.
    pub async fn ready(&self) -> Result<(), String> {
        let asking = ask_whether_ready(Arc::clone(&self.parts.server), self.addr());
        // Connections that are made meanwhile belong to the threads on which they are used later.
        match &self.threads.0 {
            Some(runtime) => {
                let asked = runtime.spawn(asking).await;
                asked.map_err(|cause| cause.to_string())?
            }
            None => asking.await,
        }
    }

    /// Closes the shop: accepts nothing new, lets what runs finish (in bounded time), moves the write-ahead logs
    /// into the databases. False when something had to be cut off.
    pub async fn stop(mut self) -> bool {
        self.parts.activity.close();
        let shutdown_time = self.parts.server.limits.shutdown_time;
        let finished = self.parts.activity.finished(shutdown_time).await;
        let services = Arc::clone(&self.parts.server.services);
        shut_down(self.threads.0.take(), services).await;
        self.parts.databases.checkpoint();
        finished
    }

    /// Drops everything at once, as a crash would: requests, messages and transactions under way are lost. When
    /// this returns, nothing of the shop runs any more and its databases are closed.
    pub async fn kill(mut self) {
        let services = Arc::clone(&self.parts.server.services);
        shut_down(self.threads.0.take(), services).await;
    }
}

async fn ask_whether_ready(server: Arc<Server>, address: SocketAddr) -> Result<(), String> {
    let paths: Vec<String> = server.probes.ready_paths().map(str::to_owned).collect();
    for path in paths {
        let request = http::Request::get(&path)
            .header(http::header::HOST, address.to_string())
            .body(Bytes::new())
            .map_err(|cause| cause.to_string())?;
        let answer = answer(Arc::clone(&server), request).await?;
        if !answer.status().is_success() {
            let body = String::from_utf8_lossy(answer.body()).into_owned();
            return Err(format!("{path}: {}: {body}", answer.status()));
        }
    }
    Ok(())
}

async fn answer(
    server: Arc<Server>,
    request: http::Request<Bytes>,
) -> Result<http::Response<Bytes>, String> {
    let peer = Peer::detached(&server.connections);
    let answer = server.answer(request.map(Full::new), &peer).await;
    let (head, body) = answer.into_parts();
    let body = body.collect().await.map_err(|cause| cause.to_string())?;
    Ok(http::Response::from_parts(head, body.to_bytes()))
}

/// Stopping threads blocks, which a caller's asynchronous thread must not.
async fn shut_down(runtime: Option<Runtime>, services: Arc<Services>) {
    let (done, wait) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        if let Some(runtime) = runtime {
            runtime.shutdown_timeout(RUNTIME_STOP_TIME);
        }
        // What still runs is abandoned: it ends soon.
        if let Some(reads) = &services.long_reads {
            reads.close();
        }
        if let Some(guests) = &services.heavy_guests {
            guests.close();
        }
        // The caller may have lost interest.
        let _ = done.send(());
    });
    let _ = wait.await;
}
