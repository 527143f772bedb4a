//! The connection breaks around COMMIT: what became of it is found out, not guessed.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use trunkline_db::{Db, PoolOptions};
use trunkline_journal::{CommandError, Filter, Journal, JournalConfig, Seq, Start};

use crate::support::{Node, Reader, World, event};

/// What happens to the next COMMIT of a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Fate {
    /// It is passed on.
    Passes = 0,
    /// It is never sent, and the line is cut.
    Lost = 1,
    /// It is carried out, and its answer is lost with the line.
    AnswerLost = 2,
    /// The same, and nobody is let through any more.
    AnswerLostForGood = 3,
}

impl Fate {
    fn of(byte: u8) -> Self {
        [Self::Passes, Self::Lost, Self::AnswerLost, Self::AnswerLostForGood][usize::from(byte)]
    }
}

/// Stands between the journal and its database.
#[derive(Debug, Clone)]
struct Proxy {
    server: SocketAddr,
    fate: Arc<AtomicU8>,
}

impl Proxy {
    /// Returns the address to connect to.
    async fn start(server: SocketAddr) -> (Self, SocketAddr) {
        let proxy = Self { server, fate: Arc::default() };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let accepting = proxy.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if accepting.fate() != Fate::AnswerLostForGood {
                    tokio::spawn(accepting.clone().relay(client));
                }
            }
        });
        (proxy, address)
    }

    fn fate(&self) -> Fate {
        Fate::of(self.fate.load(Ordering::SeqCst))
    }

    fn set(&self, fate: Fate) {
        self.fate.store(fate as u8, Ordering::SeqCst);
    }

    /// Passes everything on, until the fate strikes. Returning cuts the line on both sides.
    async fn relay(self, mut client: TcpStream) -> io::Result<()> {
        let mut server = TcpStream::connect(self.server).await?;
        let (mut from_client, mut from_server) = (vec![0; 65_536], vec![0; 65_536]);
        // Only a lane appends; others commit too, and are left alone.
        let mut is_lane = false;
        loop {
            tokio::select! {
                n = client.read(&mut from_client) => {
                    let said = &from_client[..n?];
                    if said.is_empty() {
                        return Ok(());
                    }
                    is_lane |= contains(said, b"journal_append_batch");
                    let fate = self.fate();
                    if is_lane && fate != Fate::Passes && contains(said, b"COMMIT\0") {
                        if fate == Fate::Lost {
                            self.set(Fate::Passes);
                            return Ok(());
                        }
                        server.write_all(said).await?;
                        // The answer says that it was carried out; it goes no further.
                        while !contains(&from_server, b"COMMIT\0") {
                            let _ = server.read(&mut from_server).await?;
                        }
                        if fate == Fate::AnswerLost {
                            self.set(Fate::Passes);
                        }
                        return Ok(());
                    }
                    server.write_all(said).await?;
                }
                n = server.read(&mut from_server) => {
                    let n = n?;
                    if n == 0 {
                        return Ok(());
                    }
                    client.write_all(&from_server[..n]).await?;
                    from_server[..n].fill(0);
                }
            }
        }
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// A node that reaches its database through a proxy.
async fn node_behind_a_proxy(world: &World) -> (Node, Proxy) {
    let (rest, database) = world.database.url.rsplit_once('/').unwrap();
    let (credentials, server) = rest.rsplit_once('@').unwrap();
    let (proxy, address) = Proxy::start(server.parse().unwrap()).await;
    // Plain text, so that the proxy can read along.
    let url = format!("{credentials}@{address}/{database}?sslmode=disable");
    let db = Db::connect(&url, PoolOptions::default()).await.unwrap();
    let cancel = tokio_util::sync::CancellationToken::new();
    let config = JournalConfig { lanes: 1, ..JournalConfig::default() };
    let journal = Journal::start(db.clone(), config, cancel.clone()).await.unwrap();
    let node = Node { journal, db, cancel };
    // The lane's connection is known from here on.
    node.journal.append(world.tenant, vec![event(0)]).await.unwrap();
    (node, proxy)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_was_lost_is_proved_and_not_repeated() {
    let world = World::new().await;
    let (node, proxy) = node_behind_a_proxy(&world).await;
    let start = Start::after(Seq(0));
    let subscription = node.journal.hub().subscribe(world.tenant, start, Filter::all()).await.unwrap();
    let mut watcher = Reader::new(subscription, start);
    for (n, fate) in [(1, Fate::AnswerLost), (2, Fate::Lost), (3, Fate::AnswerLost), (4, Fate::Passes)] {
        proxy.set(fate);
        let range = node.journal.append(world.tenant, vec![event(n)]).await.unwrap();
        assert_eq!(range.first, Seq(n as i64 + 1), "{fate:?}");
        assert_eq!(proxy.fate(), Fate::Passes, "{fate:?} has struck");
    }
    watcher.until(5).await;
    assert_eq!(watcher.numbers(), [0, 1, 2, 3, 4]);
    assert_eq!(node.journal.stats().unknown, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_cannot_be_proved_is_said_to_be_unknown_and_still_shown_once() {
    let world = World::new().await;
    let (node, proxy) = node_behind_a_proxy(&world).await;
    let start = Start::after(Seq(0));
    let subscription = node.journal.hub().subscribe(world.tenant, start, Filter::all()).await.unwrap();
    let mut watcher = Reader::new(subscription, start);
    watcher.until_caught_up().await;
    proxy.set(Fate::AnswerLostForGood);
    let error = node.journal.append(world.tenant, vec![event(1)]).await.unwrap_err();
    assert!(matches!(error, CommandError::Unknown), "{error:?}");
    assert!(!error.is_unavailable(), "it may have been written");
    proxy.set(Fate::Passes);
    // It was: those who listen get it from the log.
    watcher.until(2).await;
    node.journal.append(world.tenant, vec![event(2)]).await.unwrap();
    watcher.until(3).await;
    assert_eq!(watcher.numbers(), [0, 1, 2]);
}
