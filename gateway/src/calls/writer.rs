//! Carries records from the spool into the database and the journal, in order for each tenant, each exactly once.
//!
//! Calls never wait for this: they hand a record over and go on. While the database is away the records wait in the spool
//! (a bounded number of them in memory as well), and are written when it is back, with the time at which they happened.

use std::collections::{BTreeMap, VecDeque};
use std::fs::OpenOptions;
use std::future::Future;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use trunkline_db::{CallId, Db, DbError, TenantId, writers};
use trunkline_journal::{CommandError, Fault, Journal, Kind, NewEvent, Outcome, Ref, Scope};

use super::spool::{Spool, Spooled};
use super::store;
use trunkline_calls::model::{Happening, Record, Subject};

/// Records kept in memory; beyond, they are read from the file again when their turn comes.
const WINDOW: usize = 10_000;
/// Records written in one transaction.
const BATCH: usize = 100;
/// Between two attempts while the database is away.
const RETRY: Duration = Duration::from_millis(500);
/// How long a gateway that stops waits for the database to take what is left. The rest waits in the spool.
const FAREWELL: Duration = Duration::from_secs(3);

/// Figures for the metrics.
#[derive(Debug, Default)]
pub(super) struct WriterFigures {
    /// Records not yet in the database.
    pub(super) waiting: AtomicU64,
    /// Records written.
    pub(super) written: AtomicU64,
    /// Records that the database refused, kept in `calls.rejected`.
    pub(super) rejected: AtomicU64,
    /// Records that could not be appended to the spool and waited in memory alone.
    pub(super) unspooled: AtomicU64,
    /// Length of the spool in bytes.
    pub(super) spool_bytes: AtomicU64,
}

/// Who is told that the record of a call is in the database.
type Told = (CallId, mpsc::UnboundedSender<CallId>);

/// Hands records over. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Writer {
    records: mpsc::UnboundedSender<(Record, Option<Told>)>,
    figures: Arc<WriterFigures>,
}

impl Writer {
    /// Opens the spool of a folder and starts to write what it holds. The receiver is told once all of that is written:
    /// only then does the database know all that an earlier life of this gateway knew.
    pub(super) async fn start(
        folder: PathBuf,
        node: String,
        db: &Db,
        journal: Journal,
    ) -> Result<(Self, oneshot::Receiver<()>), StartError> {
        let (mut spool, waiting) =
            Spool::open(&folder).map_err(|error| StartError::Spool { path: folder.clone(), error })?;
        // A file that was cut off, or removed, must not give a number out a second time.
        spool.not_before(store::highest_applied(db, &node).await? + 1);
        let (records, received) = mpsc::unbounded_channel();
        let figures = Arc::new(WriterFigures::default());
        let (caught_up, is_caught_up) = oneshot::channel();
        let task = Task {
            spool,
            rejected: folder.join("calls.rejected"),
            node,
            journal,
            window: waiting.into(),
            behind: None,
            one_by_one: 0,
            figures: Arc::clone(&figures),
            caught_up: Some(caught_up),
            awaited: BTreeMap::new(),
        };
        // A thread of its own: appending to a frozen disk must not hold up a worker that serves calls.
        let runtime = tokio::runtime::Handle::current();
        std::thread::Builder::new()
            .name("call-writer".to_owned())
            .spawn(move || runtime.block_on(task.run(received)))
            .map_err(|error| StartError::Spool { path: folder, error })?;
        Ok((Self { records, figures }, is_caught_up))
    }

    /// Hands a record over.
    pub(super) fn write(&self, record: Record) {
        self.hand_over(record, None);
    }

    /// Hands over the record of a call that goes on only when the database has it: then `told` gets the call.
    pub(super) fn write_first(&self, call: CallId, record: Record, told: mpsc::UnboundedSender<CallId>) {
        self.hand_over(record, Some((call, told)));
    }

    fn hand_over(&self, record: Record, told: Option<Told>) {
        self.figures.waiting.fetch_add(1, Ordering::Relaxed);
        if self.records.send((record, told)).is_err() {
            tracing::error!("a record came after the writer had stopped");
        }
    }

    pub(super) fn figures(&self) -> Arc<WriterFigures> {
        Arc::clone(&self.figures)
    }
}

/// The writer could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The spool cannot be opened.
    #[error("cannot use the spool in {}: {error}", path.display())]
    Spool {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// The database cannot be asked.
    #[error(transparent)]
    Database(#[from] DbError),
}

struct Task {
    spool: Spool,
    rejected: PathBuf,
    node: String,
    journal: Journal,
    window: VecDeque<Spooled>,
    /// The number of the last record in the window, when more wait behind it in the file alone.
    behind: Option<i64>,
    /// How many records to write one at a time, because one among them was refused.
    one_by_one: usize,
    figures: Arc<WriterFigures>,
    caught_up: Option<oneshot::Sender<()>>,
    /// Records somebody waits for, by number.
    awaited: BTreeMap<i64, Told>,
}

type Attempt = Pin<Box<dyn Future<Output = (Arc<Vec<Spooled>>, Result<(), CommandError<DbError>>)> + Send>>;

impl Task {
    async fn run(mut self, mut received: mpsc::UnboundedReceiver<(Record, Option<Told>)>) {
        let mut attempt: Option<Attempt> = None;
        let mut not_before = tokio::time::Instant::now();
        let mut open = true;
        let mut farewell = None;
        self.figures.waiting.fetch_add(self.window.len() as u64, Ordering::Relaxed);
        loop {
            if attempt.is_none() {
                attempt = self.next_attempt(not_before);
            }
            if attempt.is_none() {
                if let Some(caught_up) = self.caught_up.take() {
                    let _ = caught_up.send(());
                }
                if !open {
                    return;
                }
            }
            tokio::select! {
                record = received.recv(), if open => {
                    if let Some((record, told)) = record {
                        self.take_in(record, told);
                    } else {
                        open = false;
                        farewell = Some(tokio::time::Instant::now() + FAREWELL);
                    }
                }
                (batch, result) = async { attempt.as_mut().expect("guarded by the condition").await }, if attempt.is_some() => {
                    attempt = None;
                    if !self.attempted(batch, result) {
                        not_before = tokio::time::Instant::now() + RETRY;
                    }
                }
                () = async { tokio::time::sleep_until(farewell.expect("guarded by the condition")).await }, if farewell.is_some() => {
                    tracing::warn!(waiting = self.window.len(), "stopping with records in the spool");
                    return;
                }
            }
        }
    }

    fn take_in(&mut self, record: Record, told: Option<Told>) {
        let (spooled, written) = self.spool.append(record);
        self.awaited.extend(told.map(|told| (spooled.number, told)));
        self.figures.spool_bytes.store(self.spool.bytes(), Ordering::Relaxed);
        if let Err(error) = &written {
            self.figures.unspooled.fetch_add(1, Ordering::Relaxed);
            tracing::error!(%error, "a record could not be appended to the spool and waits in memory alone");
        }
        if self.window.len() < WINDOW && self.behind.is_none() {
            self.window.push_back(spooled);
        } else if written.is_ok() {
            self.behind.get_or_insert_with(|| self.window.back().map_or(spooled.number - 1, |last| last.number));
        } else {
            self.window.push_back(spooled);
        }
    }

    /// The next batch: as many records of one tenant as stand in the window, up to a limit.
    fn next_attempt(&mut self, not_before: tokio::time::Instant) -> Option<Attempt> {
        if self.window.is_empty() {
            self.refill();
        }
        let tenant = self.window.front()?.record.tenant;
        let most = if self.one_by_one > 0 { 1 } else { BATCH };
        let mut batch = Vec::new();
        let mut rest = VecDeque::with_capacity(self.window.len());
        for spooled in self.window.drain(..) {
            if spooled.record.tenant == tenant && batch.len() < most {
                batch.push(spooled);
            } else {
                rest.push_back(spooled);
            }
        }
        self.window = rest;
        let batch = Arc::new(batch);
        let (journal, writer) = (self.journal.clone(), format!("{}/{tenant}", self.node));
        Some(Box::pin(async move {
            tokio::time::sleep_until(not_before).await;
            let result = write(&journal, tenant, writer, Arc::clone(&batch)).await;
            (batch, result)
        }))
    }

    fn refill(&mut self) {
        let Some(last) = self.behind.take() else {
            if let Err(error) = self.spool.all_applied() {
                tracing::error!(%error, "the spool could not be begun anew");
            }
            self.figures.spool_bytes.store(self.spool.bytes(), Ordering::Relaxed);
            return;
        };
        match self.spool.after(last, WINDOW) {
            Ok(spooled) => {
                if spooled.last().is_some_and(|newest| newest.number + 1 < self.spool.next()) {
                    self.behind = spooled.last().map(|newest| newest.number);
                }
                self.window = spooled.into();
            }
            Err(error) => {
                tracing::error!(%error, "the spool could not be read; trying again with the next record");
                self.behind = Some(last);
            }
        }
    }

    /// Takes in how an attempt ended. `false`: not now, try again later.
    fn attempted(&mut self, batch: Arc<Vec<Spooled>>, result: Result<(), CommandError<DbError>>) -> bool {
        let count = batch.len();
        match result {
            Ok(()) => {
                self.figures.waiting.fetch_sub(count as u64, Ordering::Relaxed);
                self.figures.written.fetch_add(count as u64, Ordering::Relaxed);
                self.one_by_one = self.one_by_one.saturating_sub(count);
                for spooled in batch.iter() {
                    if let Some((call, told)) = self.awaited.remove(&spooled.number) {
                        // Who waited may be gone.
                        let _ = told.send(call);
                    }
                }
                true
            }
            Err(error @ (CommandError::Unavailable(_) | CommandError::Unknown)) => {
                tracing::warn!(%error, waiting = self.window.len() + count, "the database does not take records; they wait in the spool");
                self.put_back(batch);
                false
            }
            Err(error) if count > 1 => {
                tracing::warn!(%error, count, "a batch of records was refused; writing them one by one");
                self.one_by_one = count;
                self.put_back(batch);
                true
            }
            Err(error) => {
                self.reject(&batch, &error);
                self.one_by_one = self.one_by_one.saturating_sub(1);
                true
            }
        }
    }

    fn put_back(&mut self, batch: Arc<Vec<Spooled>>) {
        let batch = Arc::try_unwrap(batch).unwrap_or_else(|shared| shared.as_ref().clone());
        for spooled in batch.into_iter().rev() {
            self.window.push_front(spooled);
        }
    }

    /// The database will never take this record: it is kept where a person can look at it, and the others go on.
    fn reject(&mut self, batch: &[Spooled], error: &CommandError<DbError>) {
        self.figures.waiting.fetch_sub(batch.len() as u64, Ordering::Relaxed);
        self.figures.rejected.fetch_add(batch.len() as u64, Ordering::Relaxed);
        for spooled in batch {
            self.awaited.remove(&spooled.number);
            tracing::error!(%error, number = spooled.number, kept_in = %self.rejected.display(), "the database refused a record of a call");
            if let Err(error) = keep(&self.rejected, spooled, &error.to_string()) {
                tracing::error!(%error, record = ?spooled.record, "and it could not be kept either");
            }
        }
    }
}

fn keep(path: &Path, spooled: &Spooled, error: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    let mut text = serde_json::to_vec(&serde_json::json!({ "error": error, "spooled": spooled }))?;
    text.push(b'\n');
    file.write_all(&text)
}

async fn write(
    journal: &Journal,
    tenant: TenantId,
    writer: String,
    batch: Arc<Vec<Spooled>>,
) -> Result<(), CommandError<DbError>> {
    journal
        .command(tenant, move |tx| {
            let (batch, writer) = (Arc::clone(&batch), writer.clone());
            Box::pin(async move {
                let mut events = Vec::new();
                for spooled in batch.iter() {
                    if !writers::advance(tx, &writer, spooled.number).await? {
                        continue;
                    }
                    store::apply(tx, &spooled.record).await?;
                    for happening in &spooled.record.happenings {
                        events.push(event(happening).map_err(|error| Fault::Rejected(decode_error(&error)))?);
                    }
                }
                Ok(Outcome::new(()).events(events))
            })
        })
        .await
        .map(|_| ())
}

fn decode_error(error: &impl ToString) -> DbError {
    DbError::from(sqlx::Error::Decode(error.to_string().into()))
}

fn event(happening: &Happening) -> Result<NewEvent, trunkline_journal::InvalidEvent> {
    let kind: Kind = happening.kind.parse()?;
    let subject = match happening.subject {
        Subject::Call(id) => Ref::call(id),
        Subject::Recording(id) => Ref::recording(id),
        Subject::Telephony(tenant) => Ref::new("telephony", tenant),
        Subject::Agent(id) => Ref::agent(id),
    };
    let mut scopes: Vec<Scope> = happening.agents.iter().copied().map(Scope::Agent).collect();
    scopes.extend(happening.queue.map(Scope::Queue));
    if scopes.is_empty() {
        scopes.push(Scope::Tenant);
    }
    Ok(NewEvent {
        id: happening.id,
        kind,
        at: happening.at,
        subject,
        actor: happening.actor.map(Ref::agent),
        scopes,
        data: happening.data.clone(),
    })
}
