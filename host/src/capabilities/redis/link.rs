//! One connection to a Redis server, shared by all instances and made again when it is lost.
//!
//! A caller waits for [`REDIS_TIME`] and no longer. What the caller does not wait for goes on beside it, also when the
//! guest has given up: a connection that takes longer to be made is there for the next command, and one on which a
//! command stays unanswered for [`REDIS_SILENCE_TIME`] is given up. There is no other sign: a network that has
//! forgotten a connection sends nothing.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, ErrorKind, RedisError, RedisResult, Value};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::limits::{REDIS_PAUSE, REDIS_SILENCE_TIME, REDIS_TIME};
use crate::sync::lock;

/// A connection, or the attempt to make one.
type Connecting = Shared<BoxFuture<'static, RedisResult<MultiplexedConnection>>>;

/// The way to one server.
pub(super) struct Link {
    client: Client,
    connecting: Mutex<Option<Connecting>>,
    /// Until then the server counts as down.
    down_until: Mutex<Option<Instant>>,
}

impl Link {
    /// Connects with the first command.
    pub(super) fn to(address: &str) -> RedisResult<Self> {
        Ok(Self {
            client: Client::open(address)?,
            connecting: Mutex::default(),
            down_until: Mutex::default(),
        })
    }

    /// Runs a command, in bounded time; soon after a failure to reach the server it fails at once.
    pub(super) async fn run(self: &Arc<Self>, command: Cmd) -> RedisResult<Value> {
        if self.counts_as_down() {
            let error = (ErrorKind::Io, "the Redis server is not reachable");
            return Err(error.into());
        }
        let (answer, answered) = oneshot::channel();
        let link = Arc::clone(self);
        tokio::spawn(async move { link.carry_out(&command, answer).await });
        answered.await.unwrap_or_else(|_| Err(unanswered()))
    }

    async fn carry_out(&self, command: &Cmd, answer: oneshot::Sender<RedisResult<Value>>) {
        let work = self.send(command);
        tokio::pin!(work);
        let in_time = timeout(REDIS_TIME, &mut work).await;
        let is_late = in_time.is_err();
        let result = in_time.unwrap_or_else(|_| Err(unanswered()));
        self.note(result.as_ref().err().is_some_and(is_unreachable));
        // The guest may have ended.
        let _ = answer.send(result);
        if is_late {
            // The answer comes too late for anybody; that it comes is what matters.
            let _ = work.await;
        }
    }

    /// A lost connection shows in the command that fails on it, so the command gets a second try. One that was not
    /// answered may have been carried out and is not repeated.
    async fn send(&self, command: &Cmd) -> RedisResult<Value> {
        match self.try_once(command).await {
            Err(error) if is_unreachable(&error) && !error.is_timeout() => {
                self.try_once(command).await
            }
            result => result,
        }
    }

    async fn try_once(&self, command: &Cmd) -> RedisResult<Value> {
        let connecting = self.connecting();
        let result = match connecting.clone().await {
            Err(error) => Err(error),
            Ok(mut connection) => {
                let answer = timeout(REDIS_SILENCE_TIME, command.query_async(&mut connection));
                answer.await.unwrap_or_else(|_| Err(unanswered()))
            }
        };
        if result.as_ref().err().is_some_and(is_unreachable) {
            self.forget(&connecting);
        }
        result
    }

    /// The connection there is, or the attempt to make one, which goes on when no command waits for it.
    fn connecting(&self) -> Connecting {
        let mut slot = lock(&self.connecting);
        if let Some(connecting) = &*slot {
            return connecting.clone();
        }
        let client = self.client.clone();
        // The time for an answer is counted here, not by the library.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(REDIS_SILENCE_TIME))
            .set_response_timeout(None);
        let connecting = async move {
            client
                .get_multiplexed_async_connection_with_config(&config)
                .await
        }
        .boxed()
        .shared();
        tokio::spawn(connecting.clone().map(drop));
        *slot = Some(connecting.clone());
        connecting
    }

    /// The next command makes a new connection, unless another one has begun to.
    fn forget(&self, connecting: &Connecting) {
        let mut slot = lock(&self.connecting);
        if slot
            .as_ref()
            .is_some_and(|current| current.ptr_eq(connecting))
        {
            *slot = None;
        }
    }

    fn counts_as_down(&self) -> bool {
        let until = lock(&self.down_until);
        until.is_some_and(|until| Instant::now() < until)
    }

    fn note(&self, is_down: bool) {
        *lock(&self.down_until) = is_down.then(|| Instant::now() + REDIS_PAUSE);
    }
}

fn unanswered() -> RedisError {
    std::io::Error::new(
        std::io::ErrorKind::TimedOut,
        "the Redis server did not answer in time",
    )
    .into()
}

fn is_unreachable(error: &RedisError) -> bool {
    error.is_io_error() || error.is_timeout() || error.is_connection_dropped()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mercato_tests::Redis;
    use mercato_tests::proxy::Proxy;

    use super::*;

    async fn redis_behind_a_proxy() -> (Redis, Proxy, Arc<Link>) {
        let redis = tokio::task::spawn_blocking(Redis::start).await.unwrap();
        let proxy = Proxy::before(redis.port());
        let link = Link::to(&format!("redis://127.0.0.1:{}", proxy.port())).unwrap();
        (redis, proxy, Arc::new(link))
    }

    /// Asks until there is an answer.
    async fn ask_until_it_answers(link: &Arc<Link>) {
        let started = Instant::now();
        while link.run(Cmd::ping()).await.is_err() {
            assert!(
                started.elapsed() < mercato_tests::PATIENCE,
                "it never answers"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    #[tokio::test]
    async fn a_connection_that_the_network_has_forgotten_is_replaced() {
        let (_redis, proxy, link) = redis_behind_a_proxy().await;
        link.run(Cmd::ping()).await.unwrap();
        proxy.cut();
        assert!(link.run(Cmd::ping()).await.unwrap_err().is_timeout());
        proxy.mend_for_new_connections();
        ask_until_it_answers(&link).await;
    }

    #[tokio::test]
    async fn a_slow_connection_is_there_for_the_next_command() {
        let (_redis, proxy, link) = redis_behind_a_proxy().await;
        // A command there and back takes less than its time, connecting and a command more.
        proxy.delay(REDIS_TIME.mul_f64(0.4));
        assert!(link.run(Cmd::ping()).await.unwrap_err().is_timeout());
        ask_until_it_answers(&link).await;
    }

    #[tokio::test]
    async fn a_closed_connection_is_made_again_within_the_command() {
        let (_redis, proxy, link) = redis_behind_a_proxy().await;
        link.run(Cmd::ping()).await.unwrap();
        proxy.refuse(true);
        proxy.refuse(false);
        link.run(Cmd::ping()).await.unwrap();
    }
}
