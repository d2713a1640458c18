//! A TCP proxy that fails as networks do: it goes silent, forgets connections, or is slow.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};

/// Bytes that are passed on at a time.
const PIECE_BYTES: usize = 16 << 10;

/// Stands between a client and a server on this machine. Everything ends when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    line: Arc<Line>,
}

/// What all connections share.
#[derive(Debug, Default)]
struct Line {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    delay: Duration,
    is_cut: bool,
    is_closed: bool,
    refuses: bool,
    /// Connections with a smaller number are never heard of again.
    forgotten_before: usize,
    /// Both ends of each connection so far.
    ends: Vec<[TcpStream; 2]>,
}

impl Proxy {
    /// In front of the server that listens on this port of 127.0.0.1.
    ///
    /// # Panics
    /// When there is no free port.
    pub fn before(server_port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("its number").port();
        let line = Arc::new(Line::default());
        let shared = Arc::clone(&line);
        thread::spawn(move || accept(&listener, &shared, server_port));
        Self { port, line }
    }

    /// Where clients connect.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// From now on everything takes so much longer, in each direction.
    pub fn delay(&self, delay: Duration) {
        self.line.change(|state| state.delay = delay);
    }

    /// Cuts the cable: nothing passes any more, and nobody notices.
    pub fn cut(&self) {
        self.line.change(|state| state.is_cut = true);
    }

    /// Mends the cable: what was sent meanwhile arrives, as TCP sends it again.
    pub fn mend(&self) {
        self.line.change(|state| state.is_cut = false);
    }

    /// Mends the cable for new connections; those from before stay silent for ever, as behind a router that has
    /// forgotten them.
    pub fn mend_for_new_connections(&self) {
        self.line.change(|state| {
            state.is_cut = false;
            state.forgotten_before = state.ends.len();
        });
    }

    /// Breaks all connections off and closes new ones at once, or lets them be again.
    pub fn refuse(&self, refuses: bool) {
        self.line.change(|state| {
            state.refuses = refuses;
            if refuses {
                hang_up(state);
            }
        });
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.line.change(|state| {
            state.is_closed = true;
            hang_up(state);
        });
        // Wakes the thread that accepts.
        TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).ok();
    }
}

fn hang_up(state: &State) {
    for end in state.ends.iter().flatten() {
        end.shutdown(Shutdown::Both).ok();
    }
}

impl Line {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.notify_all();
    }

    /// Waits while the cable is cut; says whether the connection still exists.
    fn passes(&self, connection: usize) -> bool {
        let state = self
            .changed
            .wait_while(self.state(), |state| state.is_cut && !state.is_closed)
            .unwrap_or_else(PoisonError::into_inner);
        connection >= state.forgotten_before && !state.is_closed
    }
}

fn accept(listener: &TcpListener, line: &Arc<Line>, server_port: u16) {
    for client in listener.incoming() {
        let mut state = line.state();
        if state.is_closed {
            return;
        }
        if state.refuses {
            continue;
        }
        let server_address = SocketAddr::from((Ipv4Addr::LOCALHOST, server_port));
        let (Ok(client), Ok(server)) = (client, TcpStream::connect(server_address)) else {
            continue;
        };
        client.set_nodelay(true).ok();
        server.set_nodelay(true).ok();
        let connection = state.ends.len();
        let copy = |stream: &TcpStream| stream.try_clone().expect("a second handle");
        state.ends.push([copy(&client), copy(&server)]);
        drop(state);
        pass_on(line, connection, copy(&client), copy(&server));
        pass_on(line, connection, server, client);
    }
}

/// One direction of a connection: one thread takes, with the time, one gives, when it is due.
fn pass_on(line: &Arc<Line>, connection: usize, mut from: TcpStream, mut to: TcpStream) {
    let (taken, to_give) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        let mut piece = vec![0; PIECE_BYTES];
        while let Ok(length @ 1..) = from.read(&mut piece) {
            if taken
                .send((Instant::now(), piece[..length].to_vec()))
                .is_err()
            {
                return;
            }
        }
    });
    let line = Arc::clone(line);
    thread::spawn(move || {
        for (since, piece) in to_give {
            let due = since + line.state().delay;
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if line.passes(connection) && to.write_all(&piece).is_err() {
                return;
            }
        }
        // A goodbye does not get through either.
        if line.passes(connection) {
            to.shutdown(Shutdown::Both).ok();
        }
    });
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;

    const SHORT: Duration = Duration::from_millis(200);

    /// A server that sends back what it gets.
    fn echo() -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for stream in listener.incoming() {
                thread::spawn(move || {
                    let mut stream = stream.unwrap();
                    std::io::copy(&mut stream.try_clone().unwrap(), &mut stream)
                });
            }
        });
        port
    }

    fn connect(proxy: &Proxy) -> TcpStream {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port())).unwrap();
        stream.set_read_timeout(Some(SHORT)).unwrap();
        stream
    }

    fn ask(stream: &mut TcpStream, byte: u8) {
        stream.write_all(&[byte]).unwrap();
    }

    /// What is asked comes back.
    #[track_caller]
    fn expect_echo(stream: &mut TcpStream, byte: u8) {
        ask(stream, byte);
        assert_eq!(receive(stream), Ok(byte));
    }

    /// What is asked is not answered.
    #[track_caller]
    fn expect_silence(stream: &mut TcpStream, byte: u8) {
        ask(stream, byte);
        assert_eq!(receive(stream), Err(ErrorKind::WouldBlock));
    }

    /// The next byte, or the kind of silence.
    fn receive(stream: &mut TcpStream) -> Result<u8, ErrorKind> {
        let mut byte = [0];
        stream
            .read_exact(&mut byte)
            .map(|()| byte[0])
            .map_err(|error| error.kind())
    }

    #[test]
    fn a_cut_cable_is_silent_and_a_mended_one_delivers_the_rest() {
        let proxy = Proxy::before(echo());
        let mut stream = connect(&proxy);
        expect_echo(&mut stream, 1);
        proxy.cut();
        expect_silence(&mut stream, 2);
        proxy.mend();
        assert_eq!(receive(&mut stream), Ok(2));
    }

    #[test]
    fn a_forgotten_connection_stays_silent_and_a_new_one_passes() {
        let proxy = Proxy::before(echo());
        let mut old = connect(&proxy);
        expect_echo(&mut old, 1);
        proxy.cut();
        proxy.mend_for_new_connections();
        expect_silence(&mut old, 2);
        let mut new = connect(&proxy);
        expect_echo(&mut new, 3);
    }

    #[test]
    fn a_delay_holds_in_both_directions() {
        let proxy = Proxy::before(echo());
        proxy.delay(SHORT / 4);
        let mut stream = connect(&proxy);
        let started = Instant::now();
        expect_echo(&mut stream, 1);
        assert!(started.elapsed() >= SHORT / 2);
    }

    #[test]
    fn whoever_refuses_says_so() {
        let proxy = Proxy::before(echo());
        let mut stream = connect(&proxy);
        expect_echo(&mut stream, 1);
        proxy.refuse(true);
        assert_eq!(receive(&mut stream), Err(ErrorKind::UnexpectedEof));
        assert!(receive(&mut connect(&proxy)).is_err_and(|kind| kind != ErrorKind::WouldBlock));
        proxy.refuse(false);
        let mut stream = connect(&proxy);
        expect_echo(&mut stream, 2);
    }
}
