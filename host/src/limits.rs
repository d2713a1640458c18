//! Every limit of the runner, as a constant with its unit last.

use std::time::Duration;

/// Requests that one instance answers before it is replaced.
pub const REQUESTS_PER_INSTANCE: u32 = 128;
/// Instances of one component at a time; further requests queue.
pub const INSTANCES_PER_COMPONENT: u32 = 32;
/// Instances of one component beyond these, for what components and the runner ask of each other: readiness, for example.
pub const INSTANCES_KEPT_FOR_PROBES: u32 = 2;
/// Instances of one component beyond these, for its timer and for collecting its metrics.
pub const INSTANCES_KEPT_FOR_TIMERS: u32 = 1;
/// Requests that wait for an instance of one component; further ones are answered 503 at once.
pub const REQUESTS_WAITING: usize = 512;
/// Those of one client among them: an IPv4 address or an IPv6 network.
pub const REQUESTS_WAITING_PER_CLIENT: usize = 384;
/// How long an answer that says whether the shop is ready is repeated to other requests.
pub const READINESS_TIME: Duration = Duration::from_millis(250);
/// How long a request waits for a free instance before it is answered 503.
pub const QUEUE_TIME: Duration = Duration::from_secs(10);
/// How long a component may work on one request before it is answered 504. While it waits for a client that is still
/// sending, this time stands still; see [`UPLOAD_WAIT_TIME`].
pub const REQUEST_TIME: Duration = Duration::from_secs(30);
/// How long a complete response is held back to see whether its instance is done; when it is not, the response goes first.
pub const RESPONSE_HOLD_TIME: Duration = Duration::from_millis(2);
/// How long an instance may go on working after its response is complete.
pub const POST_RETURN_TIME: Duration = Duration::from_secs(5);
/// How long an instance may do nothing before it is ended.
pub const INSTANCE_IDLE_TIME: Duration = Duration::from_secs(60);
/// Linear memory of one instance, all its parts together.
pub const INSTANCE_MEMORY_BYTES: usize = 96 << 20;
/// What an instance may grow by and still be ordinary. One that has grown more is ended after its request, and gets more
/// only while all instances together keep to [`INSTANCES_MEMORY_BYTES`]; else its request is answered 503.
pub const INSTANCE_GROWTH_BYTES: usize = 8 << 20;
/// Linear memory that all instances together have grown by. While it is more, idle ones are ended and further requests
/// wait.
pub const INSTANCES_MEMORY_BYTES: usize = 192 << 20;
/// Elements of one table of a guest, that is, functions it may call indirectly.
pub const TABLE_ELEMENTS_MAX: usize = 20_000;
/// Processor time of a guest's code for one request, after which it goes on at a low priority, on at most half of the cores.
/// What is used before the guest yields for the first time, up to an [`EPOCH_TICK`], does not count.
pub const GUEST_TIME: Duration = Duration::from_millis(20);
/// How often running guests are asked to yield.
pub const EPOCH_TICK: Duration = Duration::from_millis(10);

/// Processor time of an answer to GET or HEAD, after which its path counts as one that costs much. Of the requests for such
/// paths only as many run at a time as there are cores; the others wait like those that wait for an instance.
pub const COSTLY_READ_PROCESSOR_TIME: Duration = Duration::from_millis(1);
/// Of the other requests that read so many run at a time for each core, in rotation between clients.
pub const OTHER_READS_PER_CORE: usize = 2;
/// Of the requests that write so many run at a time for each core, in rotation between clients.
pub const WRITES_PER_CORE: usize = 2;
/// The processor time of one in so many is taken, because asking for it takes time, too.
pub const COSTLY_READ_SAMPLE: u32 = 8;

/// Request body. Generous, because a bulk import streams; a component that wants less enforces less.
pub const REQUEST_BODY_BYTES: u64 = 64 << 20;
/// A request body up to this size is short: it may come before its component is asked whether it wants it, and has a
/// memory of its own.
pub const SMALL_BODY_BYTES: u64 = 64 << 10;
/// How long a short body is waited for before its component is asked whether it wants it.
pub const SMALL_BODY_TIME: Duration = Duration::from_millis(50);
/// What a body that has begun counts as at least: the buffer that its first bytes came in.
pub const BODY_BYTES_LEAST: u64 = 8 << 10;
/// A streamed request body up to this size is received before an instance is asked for; a longer one streams on into it.
pub const REQUEST_BODY_BUFFER_BYTES: u64 = 1 << 20;
/// How long a client may take to send a body, or as much of it as is received beforehand, before it is answered 408.
pub const REQUEST_BODY_TIME: Duration = Duration::from_secs(30);
/// How long a client may send less than [`BODY_BYTES_PER_SECOND`] before it is answered 408.
pub const BODY_GRACE_TIME: Duration = Duration::from_secs(5);
/// The least progress of a body after [`BODY_GRACE_TIME`]; what came before counts.
pub const BODY_BYTES_PER_SECOND: u64 = 1 << 10;
/// A body that has been waited for so long may be given up when others need its memory or its place.
pub const SLOW_BODY_TIME: Duration = Duration::from_secs(1);
/// Short bodies, all connections together, until their requests are answered. When it is used up, the slowest client is
/// cut off; when none is slow, further ones are answered 503.
pub const SMALL_BODIES_BYTES: u64 = 64 << 20;
/// The same for longer bodies.
pub const BODIES_BUFFER_BYTES: u64 = 128 << 20;
/// How long an instance waits for each [`UPLOAD_PIECE_BYTES`] of a body that streams, before the client is answered 408.
pub const UPLOAD_PIECE_TIME: Duration = Duration::from_secs(30);
/// The least progress of a body that streams.
pub const UPLOAD_PIECE_BYTES: u64 = 64 << 10;
/// How long an instance waits for the client altogether: the largest body at a million bits a second, and some more.
pub const UPLOAD_WAIT_TIME: Duration = Duration::from_secs(15 * 60);
/// Request line and headers together.
pub const REQUEST_HEAD_BYTES: usize = 32 << 10;
/// Header fields of a request. The HTTP library's own limit: asking it for another one costs time on every request.
pub const REQUEST_HEADERS_MAX: usize = 100;
/// How long a client may take to send a request's head (also the keep-alive idle time).
pub const REQUEST_HEAD_TIME: Duration = Duration::from_secs(30);
/// Client connections at a time, if there are as many files. When all are open, those that do nothing are closed.
pub const CONNECTIONS_MAX: usize = 10_000;
/// Client connections at a time, however few files there are.
pub const CONNECTIONS_MIN: usize = 64;
/// Files that no client connection takes, for databases, the cache, Redis and requests to others; at most half of all.
pub const FILES_RESERVED: usize = 1024;
/// Connections that wait to be accepted.
pub const LISTEN_QUEUE: i32 = 4096;
/// One client (an IPv4 address, or an IPv6 network of 64 bits) has at most one part in so many of the connections and of
/// each memory that all share.
pub const CLIENT_SHARE: usize = 4;
/// When something is used up, one part in so many is made free at once, so that not everybody has to look for it.
pub const ROOM_SHARE: usize = 16;
/// How long a connection that is cut off may take to be answered why.
pub const CUT_TIME: Duration = Duration::from_secs(1);
/// Requests of one client under way at a time, where proxies are in front; further ones are answered 429.
pub const CLIENT_REQUESTS_MAX: usize = 256;
/// A response body up to this size is sent whole, with a Content-Length, and its instance is free at once; a larger one
/// is streamed.
pub const RESPONSE_BUFFER_BYTES: usize = 4 << 20;
/// Responses that wait for clients which do not take them, all connections together. When it is used up, whoever has
/// been waited for longest is cut off.
pub const UNREAD_BYTES: u64 = 64 << 20;
/// What the system keeps of a response for a client that does not take it, per connection.
pub const SEND_BUFFER_BYTES: usize = 128 << 10;
/// A response body that is not complete after this time is streamed.
pub const RESPONSE_BUFFER_TIME: Duration = Duration::from_millis(200);
/// How long a connection waits for a client that takes nothing of its answers before it is cut off. An instance that
/// was still answering is free then.
pub const RESPONSE_WRITE_TIME: Duration = Duration::from_secs(30);
/// How long, and for how many bytes, a connection that is closed goes on reading from a client that is still sending, so
/// that the client gets to read the answer.
pub const LINGER_TIME: Duration = Duration::from_secs(5);
/// See [`LINGER_TIME`].
pub const LINGER_BYTES: u64 = REQUEST_BODY_BYTES;
/// Body frames between a guest and a slow client.
pub const RESPONSE_FRAMES: usize = 8;
/// Requests from component to component, one inside the other.
pub const CHAIN_DEPTH: u32 = 8;

/// How long a statement waits for the database's writer lock, here or in another process.
pub const BUSY_TIME: Duration = Duration::from_secs(5);
/// How long it waits when another process is known to have held that lock for longer than [`BUSY_TIME`].
pub const BUSY_TIME_KNOWN: Duration = Duration::from_millis(250);
/// How long a statement that reads may take where it is begun, on a thread that serves connections. One that has taken so
/// long, and then [`INLINE_READ_PROCESSOR_TIME`] more, is interrupted and begun again on a thread of low priority.
pub const INLINE_READ_TIME: Duration = Duration::from_millis(5);
/// See [`INLINE_READ_TIME`]: processor time, so that no statement is long because its thread was kept waiting.
pub const INLINE_READ_PROCESSOR_TIME: Duration = Duration::from_millis(5);
/// A statement whose text is known to be long sometimes begins on a thread of low priority; so much processor time decides
/// whether it is long this time, too.
pub const PROBED_READ_TIME: Duration = Duration::from_millis(25);
/// Processor time of a statement that reads; after it, the statement is interrupted for good.
pub const LONG_READ_TIME: Duration = Duration::from_secs(2);
/// Time of a statement that reads, also when the processor or the disk is busy with other things.
pub const LONG_READ_TIME_MAX: Duration = Duration::from_secs(10);
/// Statements that wait for a thread to find out whether they are long, and those of one client among them.
pub const PROBED_READS_WAITING: (usize, usize) = (12, 10);
/// Statements that are long and wait for a thread, and those of one client among them. Each keeps an instance.
pub const LONG_READS_WAITING: (usize, usize) = (8, 6);
/// How long a statement waits for such a thread.
pub const LONG_READ_QUEUE_TIME: Duration = Duration::from_secs(5);
/// A statement inside a transaction, or that writes, has kept its thread for long after this time: the next time it gets
/// one of its own.
pub const INLINE_WRITE_TIME: Duration = Duration::from_millis(50);
/// How long a statement that writes may take, as long as a request. A migration takes the time that it needs.
pub const WRITE_TIME: Duration = REQUEST_TIME;
/// Texts that are remembered together, such as those of a database's long statements, and for how long.
pub const RECENT_TEXTS: usize = 64;
/// See [`RECENT_TEXTS`].
pub const RECENT_TIME: Duration = Duration::from_secs(60);
/// A text is forgotten after it was otherwise so often in a row: a statement that was short, a path that cost little.
pub const RECENT_EXCEPTIONS: u32 = 8;
/// How long the answer to a request is held back, without an instance, that was refused a long statement: a client
/// that asks again at once then holds up no other.
pub const CROWDED_TIME: Duration = Duration::from_millis(200);
/// Longest text that is remembered.
pub const RECENT_BYTES: usize = 16 << 10;
/// Steps of SQLite's virtual machine, some tens of microseconds, after which a statement's time is looked at.
pub const STATEMENT_STEPS: i32 = 1_000;
/// Rows of one statement, all together; the same as Spin's.
pub const RESULT_BYTES: usize = 128 << 20;
/// SQLite connections that one instance may hold.
pub const CONNECTIONS_PER_INSTANCE: usize = 256;
/// Idle connections kept per database.
pub const IDLE_CONNECTIONS: usize = 64;
/// Prepared statements kept per connection.
pub const STATEMENTS_PER_CONNECTION: usize = 128;

/// How often it is looked at whether the database files are whole.
pub const FILE_LOOK_TIME: Duration = Duration::from_secs(1);
/// A database file counts as cut off when it was shorter than its header says this often in a row: while SQLite moves the
/// write-ahead log into it, it may be.
pub const SHORT_LOOKS_MAX: u32 = 3;

/// Connections to one PostgreSQL database. A server has a hundred by default, for all its databases and replicas.
pub const POSTGRES_CONNECTIONS: usize = 8;
/// Databases of PostgreSQL servers in use.
pub const POSTGRES_DATABASES_MAX: usize = 64;
/// How long a transaction, or a statement outside of any, waits for a connection.
pub const POSTGRES_WAIT_TIME: Duration = Duration::from_secs(5);
/// How long connecting to one server takes at most.
pub const POSTGRES_CONNECT_TIME: Duration = Duration::from_secs(2);
/// After a failure to connect, statements fail at once for this long.
pub const POSTGRES_PAUSE: Duration = Duration::from_millis(500);
/// How long a statement may take. Longer than it may wait for a lock, so that the server says why.
pub const POSTGRES_STATEMENT_TIME: Duration = Duration::from_secs(8);
/// How long the server lets a statement wait for a lock.
pub const POSTGRES_LOCK_TIME: Duration = Duration::from_secs(5);
/// How long the server lets a statement take of which nobody hears any more.
pub const POSTGRES_SERVER_STATEMENT_TIME: Duration = Duration::from_secs(15);
/// How long the server waits for the next statement of a transaction before it takes it back.
pub const POSTGRES_IDLE_IN_TRANSACTION_TIME: Duration = Duration::from_secs(5);
/// How long a server may not acknowledge what was sent before the connection counts as dead.
pub const POSTGRES_SILENCE_TIME: Duration = Duration::from_secs(2);
/// How often a connection that waits is tried.
pub const POSTGRES_KEEPALIVE: Duration = Duration::from_secs(2);

/// How often an export or import says how far it is.
pub const MOVE_PROGRESS_TIME: Duration = Duration::from_secs(2);
/// A row of an export as a line of its file. The largest that the shop makes, the description of a product, is far below.
pub const EXPORT_ROW_BYTES_MAX: u64 = 64 << 20;
/// The file that says what an export has.
pub const EXPORT_CONTENTS_BYTES_MAX: u64 = 1 << 20;
/// Rows are sent to PostgreSQL in pieces of about this size.
pub const IMPORT_CHUNK_BYTES: usize = 64 << 10;
/// Products whose words an import makes at a time.
pub const IMPORT_WORDS_ROWS: i64 = 500;

/// How long a component waits for one command to Redis, connecting included.
pub const REDIS_TIME: Duration = Duration::from_secs(1);
/// How long connecting to Redis, a subscription or an answer takes before the connection counts as dead. No command waits so
/// long: a server that is slower than [`REDIS_TIME`] is slow, not gone.
pub const REDIS_SILENCE_TIME: Duration = Duration::from_secs(5);
/// After a failure to reach Redis, commands fail at once for this long.
pub const REDIS_PAUSE: Duration = Duration::from_millis(500);
/// First and longest wait before subscribing again.
pub const REDIS_BACKOFF: (Duration, Duration) =
    (Duration::from_millis(200), Duration::from_secs(5));
/// How often a quiet subscription is checked.
pub const REDIS_PING: Duration = Duration::from_secs(10);
/// Messages that wait for one component; further ones are dropped, as a full Redis client buffer would.
pub const MESSAGES_QUEUED: usize = 10_000;

/// Outbound HTTP: connecting, and the wait for the first byte of the response.
pub const OUTBOUND_CONNECT_TIME: Duration = Duration::from_secs(5);
/// Outbound HTTP: waiting for the head of the response, and between its pieces.
pub const OUTBOUND_READ_TIME: Duration = Duration::from_secs(25);

/// Connections to the listener of metrics at a time; further ones are closed at once.
pub const METRICS_CONNECTIONS_MAX: usize = 32;
/// How long a component may take to answer with its metrics.
pub const METRICS_TIME: Duration = Duration::from_secs(2);
/// Longest text of metrics that is taken from a component.
pub const METRICS_BYTES: usize = 256 << 10;
/// Most metrics that components can make up in their logs, all of them together.
pub const COMPONENT_METRICS_MAX: usize = 64;

/// Longest wait of a timer whose component keeps failing.
pub const TIMER_BACKOFF_MAX: Duration = Duration::from_secs(60);
/// How long running requests may take to finish after SIGTERM.
pub const SHUTDOWN_TIME: Duration = Duration::from_secs(20);
/// Longest line of a guest's output that is logged whole.
pub const LOG_LINE_BYTES: usize = 8 << 10;
/// Longest text of a guest that is no line of its own logging, such as what a panic says, in characters.
pub const LOG_TEXT_CHARS: usize = 1_000;
/// Further fields of a guest's line that are logged; the others are left out.
pub const LOG_FIELDS_MAX: usize = 16;
/// Lines that wait for being written; when there is no room, further ones are lost and counted.
pub const LOG_QUEUE_BYTES: usize = 1 << 20;
/// Lines about one client's requests in a second; what is more is counted, and the next line says how many.
pub const LOG_LINES_PER_SECOND: u32 = 1_000;
/// Of these, lines about requests that were refused.
pub const LOG_REFUSALS_PER_SECOND: u32 = 200;
/// Clients whose lines are counted at a time; while there are more, lines about others are left out.
pub const LOG_CLIENTS_MAX: usize = 4096;
/// How long the log lets further lines come before it writes again.
pub const LOG_GATHER_TIME: Duration = Duration::from_millis(10);
/// Pause of the log before it writes again to a pipe that is full and does not block.
pub const LOG_RETRY_PAUSE: Duration = Duration::from_millis(10);
/// How long the process waits for its last lines to be written when it ends.
pub const LOG_FLUSH_TIME: Duration = Duration::from_secs(1);

/// Makes [`Limits`], whose defaults are the constants.
macro_rules! limits {
    ($($name:ident: $type:ty = $constant:ident,)+) => {
        /// The limits that a test may want tighter than the constants.
        #[derive(Clone, Debug)]
        pub struct Limits {
            $(
                #[doc = concat!("See [`", stringify!($constant), "`].")]
                pub $name: $type,
            )+
        }

        impl Default for Limits {
            fn default() -> Self {
                Self {
                    $($name: $constant,)+
                }
            }
        }
    };
}

limits! {
    instances_per_component: u32 = INSTANCES_PER_COMPONENT,
    requests_waiting: usize = REQUESTS_WAITING,
    requests_waiting_per_client: usize = REQUESTS_WAITING_PER_CLIENT,
    queue_time: Duration = QUEUE_TIME,
    request_time: Duration = REQUEST_TIME,
    request_body_bytes: u64 = REQUEST_BODY_BYTES,
    request_head_time: Duration = REQUEST_HEAD_TIME,
    request_body_time: Duration = REQUEST_BODY_TIME,
    body_grace_time: Duration = BODY_GRACE_TIME,
    small_bodies_bytes: u64 = SMALL_BODIES_BYTES,
    bodies_buffer_bytes: u64 = BODIES_BUFFER_BYTES,
    unread_bytes: u64 = UNREAD_BYTES,
    connections_max: usize = CONNECTIONS_MAX,
    upload_piece_time: Duration = UPLOAD_PIECE_TIME,
    upload_wait_time: Duration = UPLOAD_WAIT_TIME,
    response_write_time: Duration = RESPONSE_WRITE_TIME,
    linger_time: Duration = LINGER_TIME,
    instance_memory_bytes: usize = INSTANCE_MEMORY_BYTES,
    instances_memory_bytes: usize = INSTANCES_MEMORY_BYTES,
    shutdown_time: Duration = SHUTDOWN_TIME,
    response_buffer_time: Duration = RESPONSE_BUFFER_TIME,
    instance_idle_time: Duration = INSTANCE_IDLE_TIME,
    postgres_connections: usize = POSTGRES_CONNECTIONS,
}

/// Longer than anything takes.
const NEVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl Limits {
    /// The same without those that requests and instances reach as real time goes by, which no seed can repeat.
    pub(crate) fn without_real_time(self) -> Self {
        Self {
            queue_time: NEVER,
            request_time: NEVER,
            request_body_time: NEVER,
            body_grace_time: NEVER,
            upload_piece_time: NEVER,
            upload_wait_time: NEVER,
            response_buffer_time: NEVER,
            instance_idle_time: NEVER,
            ..self
        }
    }
}
