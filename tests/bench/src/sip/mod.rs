//! SIP phones and a trunk of our own, over UDP on loopback, in one thread: what is sent at one end and arrives at another is timed
//! by one clock.
//!
//! A [`Phone`] is a state machine without socket and clock; the [`Switchboard`] reads the sockets, feeds the phones and sends what
//! they say. Nobody sends audio.

mod message;
mod phone;
mod registration;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::net::UdpSocket;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use self::phone::Phone;
use self::registration::Registration;

/// What somebody does with a call that rings at their phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answering {
    /// Picks up after a while, and hangs up after another.
    PickUp { after: Duration, talk: Duration },
    /// Says no after a while.
    Decline { after: Duration },
    /// Lets it ring.
    LetRing,
}

/// Decides what is done with each call that rings.
pub(crate) type Manners = Box<dyn FnMut() -> Answering + Send>;

/// How a phone is set up.
pub(crate) struct Setup {
    /// Where its packets come from.
    pub(crate) address: Ipv4Addr,
    /// Name, and password if it has to sign in.
    pub(crate) name: String,
    pub(crate) password: Option<String>,
    pub(crate) manners: Option<Manners>,
}

/// What happened at a phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Happened {
    pub(crate) at: Instant,
    /// Which phone: its place among the setups.
    pub(crate) phone: usize,
    /// Digits of the customer's number; empty where there is no call.
    pub(crate) customer: String,
    pub(crate) what: What,
}

/// What can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// The phone is signed in.
    SignedIn,
    /// An INVITE was sent.
    Sent,
    /// An INVITE arrived.
    Rang,
    /// The call is answered, here or there.
    Answered,
    /// The call is over; with the status that refused it, if one did.
    Over(Option<u16>),
}

#[derive(Debug)]
enum Command {
    Call { phone: usize, to: String, from: String, leaves: Duration },
    EverybodyHangsUp,
}

/// All phones; dropping it ends the thread that they live in.
#[derive(Debug)]
pub(crate) struct Switchboard {
    // `None` only while it is dropped.
    commands: Option<UnboundedSender<Command>>,
    happened: UnboundedReceiver<Happened>,
    thread: Option<JoinHandle<()>>,
}

impl Switchboard {
    /// Starts the phones, and waits until those that have a password are signed in at `server`.
    pub(crate) async fn start(server: SocketAddr, setups: Vec<Setup>) -> anyhow::Result<Self> {
        let (commands, obeyed) = unbounded_channel();
        let (tell, mut happened) = unbounded_channel();
        let wanted = setups.iter().filter(|setup| setup.password.is_some()).count();
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start the phones")?;
        let run = move || {
            if let Err(error) = runtime.block_on(serve(server, setups, obeyed, tell)) {
                eprintln!("bench: the phones ended: {error:#}");
            }
        };
        let thread = std::thread::Builder::new().name("phones".to_owned()).spawn(run)?;
        let signed_in = async {
            for _ in 0..wanted {
                happened.recv().await.context("the phones ended")?;
            }
            anyhow::Ok(())
        };
        tokio::time::timeout(Duration::from_secs(15), signed_in).await.context("not all phones could sign in")??;
        Ok(Self { commands: Some(commands), happened, thread: Some(thread) })
    }

    /// Lets a customer call, who hangs up after a while, whatever has become of the call.
    pub(crate) fn call(&self, phone: usize, to: &str, from: &str, leaves: Duration) {
        self.command(Command::Call { phone, to: to.to_owned(), from: from.to_owned(), leaves });
    }

    /// Every call at every phone is ended by whoever has it.
    pub(crate) fn everybody_hangs_up(&self) {
        self.command(Command::EverybodyHangsUp);
    }

    fn command(&self, command: Command) {
        if let Some(commands) = &self.commands {
            // When the thread has ended, what comes next says so.
            let _ended = commands.send(command);
        }
    }

    /// What happens next.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Happened> {
        self.happened.recv().await.context("the phones ended")
    }
}

impl Drop for Switchboard {
    fn drop(&mut self) {
        self.commands = None;
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

/// Until nobody commands any more.
async fn serve(
    server: SocketAddr,
    setups: Vec<Setup>,
    mut commands: UnboundedReceiver<Command>,
    tell: UnboundedSender<Happened>,
) -> anyhow::Result<()> {
    let (arrived, mut arrivals) = unbounded_channel::<(usize, Instant, String)>();
    // Audio goes into a socket that nobody reads: the kernel drops it without a word to its sender.
    let sink = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await.context("no socket")?;
    let audio = sink.local_addr()?.port();
    let (mut phones, mut sockets) = (Vec::new(), Vec::new());
    for (number, setup) in setups.into_iter().enumerate() {
        let socket = Arc::new(UdpSocket::bind((setup.address, 0)).await.context("no socket")?);
        let own = socket.local_addr()?;
        let registration = setup.password.map(|password| Registration::new(&setup.name, &password, own, server));
        phones.push(Phone::new(number, setup.name, (own, server, audio), registration, setup.manners));
        sockets.push(Arc::clone(&socket));
        let arrived = arrived.clone();
        tokio::spawn(async move {
            let mut buffer = vec![0; 65_535];
            while let Ok((length, _)) = socket.recv_from(&mut buffer).await {
                let at = Instant::now();
                let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
                if arrived.send((number, at, text)).is_err() {
                    return;
                }
            }
        });
    }
    loop {
        let now = Instant::now();
        for (phone, socket) in phones.iter_mut().zip(&sockets) {
            phone.wake(now);
            for message in phone.said() {
                // What does not go out is said again.
                let _full = socket.try_send_to(message.as_bytes(), server);
            }
            for happened in phone.happened() {
                let _nobody_listens = tell.send(happened);
            }
        }
        let next = phones.iter().filter_map(Phone::next).min();
        let wait = async {
            match next {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            Some((number, at, text)) = arrivals.recv() => phones[number].receive(at, &text),
            command = commands.recv() => match command {
                Some(Command::Call { phone, to, from, leaves }) => {
                    let now = Instant::now();
                    phones[phone].call(now, &to, &from, leaves);
                }
                Some(Command::EverybodyHangsUp) => {
                    let now = Instant::now();
                    for phone in &mut phones {
                        phone.hang_up_all(now);
                    }
                }
                None => return Ok(()),
            },
            () = wait => {}
        }
    }
}
