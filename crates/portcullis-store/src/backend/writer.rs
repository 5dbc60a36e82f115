//! The one writer: takes operations from a queue and commits them in groups.
//!
//! A commit that survives a power cut costs milliseconds, whether it carries one row or a
//! hundred. So the writer takes whatever has queued up while the last commit was under way,
//! at most 64 operations, runs them in one transaction and answers them all when it is
//! durable. It never waits for a group to fill: a lone operation commits at once.
//!
//! Each operation has a savepoint of its own. One that fails is undone alone; the others of
//! its group are committed. When the commit itself fails, none of the group happened, and
//! each is told so. Records of the audit log stand in the order in which they were queued; one
//! that the database does not take fails its group.
//!
//! SPEC: REL-42.

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use sqlx::{Connection as _, SqliteConnection};
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::{
    Error,
    audit::{Chain, Checkpointer, Draft},
};

/// What an operation works on, inside the transaction of its group.
#[derive(Debug)]
pub(crate) struct Session {
    /// The writing connection.
    pub(crate) conn: SqliteConnection,
    /// The audit chain of this node.
    pub(crate) chain: Chain,
}

impl Session {
    /// Adds a record to the audit log; durable when the group is.
    pub(crate) async fn record(&mut self, draft: &Draft) -> Result<u64, Error> {
        self.chain.append(&mut self.conn, draft).await
    }
}

/// Hands operations to the writer.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    queue: mpsc::UnboundedSender<Work>,
    // INVARIANT: bounds the queue. Everything queued holds a permit until it is answered,
    // except what ends something: of those there is one per beginning that held one.
    room: Arc<Semaphore>,
}

impl Writer {
    /// Starts the writer's task.
    pub(crate) fn start(
        session: Session,
        checkpointer: Checkpointer,
        wal: Option<PathBuf>,
    ) -> Self {
        let (queue, work) = mpsc::unbounded_channel();
        let task = Task { session, checkpointer, wal };
        tokio::spawn(task.run(work));
        Self { queue, room: Arc::new(Semaphore::new(QUEUE_MAX)) }
    }

    /// Runs `operation` in the next group and returns when it is durable. An operation that
    /// returns an error leaves no trace.
    ///
    /// # Errors
    ///
    /// The operation's own error, or that of the commit.
    pub(crate) async fn run<T, F>(&self, operation: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: for<'s> FnOnce(&'s mut Session) -> BoxFuture<'s, Result<T, Error>> + Send + 'static,
    {
        let _permit = self.room.acquire().await.map_err(|_| Error::Closed)?;
        self.run_at_once(operation).await
    }

    /// Queues an operation before it returns, without waiting for room; the future says how it
    /// went, and the operation stands when nobody waits for that. For what ends something that
    /// was begun with [`Self::run`].
    pub(crate) fn run_at_once<T, F>(
        &self,
        operation: F,
    ) -> impl Future<Output = Result<T, Error>> + Send + use<T, F>
    where
        T: Send + 'static,
        F: for<'s> FnOnce(&'s mut Session) -> BoxFuture<'s, Result<T, Error>> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let operation: Operation = Box::new(move |session| {
            Box::pin(async move {
                let result = match session {
                    Ok(session) => operation(session).await,
                    Err(error) => Err(error),
                };
                let verdict = if result.is_ok() { Verdict::Keep } else { Verdict::Undo };
                let answer: Answer = Box::new(move |committed| {
                    // The caller may have gone; the operation stands all the same.
                    let _ = reply.send(result.and_then(|value| committed.map(|()| value)));
                });
                (verdict, answer)
            })
        });
        let queued = self.queue.send(Work::Run(operation));
        async move {
            queued.map_err(|_| Error::Closed)?;
            answer.await.map_err(|_| Error::Closed)?
        }
    }

    /// Adds a record to the audit log and returns its number when it is durable.
    ///
    /// # Errors
    ///
    /// When it could not be made durable.
    pub(crate) async fn append(&self, draft: Draft) -> Result<u64, Error> {
        let _permit = self.room.acquire().await.map_err(|_| Error::Closed)?;
        self.append_at_once(draft).await
    }

    /// Queues a record before it returns, without waiting for room; the future says when it
    /// is durable. For records that close an opened one.
    pub(crate) fn append_at_once(
        &self,
        draft: Draft,
    ) -> impl Future<Output = Result<u64, Error>> + Send + use<> {
        let (reply, answer) = oneshot::channel();
        let queued = self.queue.send(Work::Append(draft, reply));
        async move {
            queued.map_err(|_| Error::Closed)?;
            answer.await.map_err(|_| Error::Closed)?
        }
    }

    /// Finishes what is queued, signs a last checkpoint and closes the connection.
    pub(crate) async fn close(&self) {
        let (done, finished) = oneshot::channel();
        if self.queue.send(Work::Close(done)).is_ok() {
            // An error means the task ended earlier, which is what was asked for.
            let _ = finished.await;
        }
    }
}

/// What stands in the queue.
enum Work {
    /// One audit record.
    Append(Draft, oneshot::Sender<Result<u64, Error>>),
    /// No more after this.
    Close(oneshot::Sender<()>),
    /// Anything else.
    Run(Operation),
}

impl fmt::Debug for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Append(..) => "Append",
            Self::Close(_) => "Close",
            Self::Run(_) => "Run",
        })
    }
}

/// Gets the session, or the error for which it does not.
type Operation = Box<
    dyn for<'s> FnOnce(Result<&'s mut Session, Error>) -> BoxFuture<'s, (Verdict, Answer)> + Send,
>;

/// Tells the caller, once the fate of the group is known.
type Answer = Box<dyn FnOnce(Result<(), Error>) + Send>;

/// Whether what an operation did stays.
enum Verdict {
    Keep,
    Undo,
}

struct Task {
    session: Session,
    checkpointer: Checkpointer,
    wal: Option<PathBuf>,
}

impl Task {
    async fn run(mut self, mut work: mpsc::UnboundedReceiver<Work>) {
        let first = tokio::time::Instant::now() + CHECKPOINT_EVERY;
        let mut minute = tokio::time::interval_at(first, CHECKPOINT_EVERY);
        minute.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut closing = None;
        while closing.is_none() {
            let first = tokio::select! {
                // The tick first: a queue that is never empty must not keep it waiting.
                biased;
                _ = minute.tick() => {
                    self.checkpointer.emit();
                    continue;
                }
                first = work.recv() => first,
            };
            let Some(first) = first else { break };
            let mut group = Vec::with_capacity(GROUP_MAX);
            let mut next = Some(first);
            while let Some(item) = next {
                if let Work::Close(done) = item {
                    work.close();
                    closing = Some(done);
                    break;
                }
                group.push(item);
                next = if group.len() < GROUP_MAX { work.try_recv().ok() } else { None };
            }
            self.commit(group).await;
        }
        // What was queued behind the close is answered by dropping it: closed.
        self.checkpointer.emit();
        if let Err(error) = self.session.conn.close().await {
            tracing::error!(error = %error, "the database did not close cleanly");
        }
        if let Some(done) = closing {
            let _ = done.send(());
        }
    }

    /// Runs a group in one transaction and answers each of its operations.
    async fn commit(&mut self, group: Vec<Work>) {
        if group.is_empty() {
            return;
        }
        let mut answers = Vec::with_capacity(group.len());
        let outcome = self.transact(group, &mut answers).await;
        if outcome.is_err() {
            // Fails when the error has ended the transaction already; then it is done.
            let _ = self.execute("ROLLBACK").await;
        }
        for answer in answers {
            answer(outcome.clone());
        }
        match outcome {
            Ok(()) => {
                self.checkpointer.committed(self.session.chain.head());
                self.trim_wal().await;
            }
            Err(error) => tracing::error!(error = ?error, "a group of writes failed"),
        }
    }

    /// From BEGIN to COMMIT. Every operation of the group gets an answer.
    async fn transact(&mut self, group: Vec<Work>, answers: &mut Vec<Answer>) -> Result<(), Error> {
        // Another process of the same node may have written since.
        self.session.chain.forget();
        let mut state = self.execute("BEGIN IMMEDIATE").await;
        let mut group = group.into_iter().peekable();
        while let Some(item) = group.next() {
            match item {
                Work::Append(draft, reply) => {
                    let (mut drafts, mut replies) = (vec![draft], vec![reply]);
                    while let Some(Work::Append(draft, reply)) =
                        group.next_if(|next| matches!(next, Work::Append(..)))
                    {
                        drafts.push(draft);
                        replies.push(reply);
                    }
                    self.append(&drafts, replies, &mut state, answers).await;
                }
                Work::Close(_) => {}
                Work::Run(operation) => answers.push(self.apply(operation, &mut state).await),
            }
        }
        state?;
        self.execute("COMMIT").await
    }

    /// Records need no savepoint: those that follow one another are a single statement, and
    /// the chain moves on only after it succeeded. When it fails, nobody can tell whether
    /// SQLite undid the statement or, as it may on a full disk, the whole transaction; what
    /// came after would then be committed behind a chain that is not there. So the group fails.
    async fn append(
        &mut self,
        drafts: &[Draft],
        replies: Vec<oneshot::Sender<Result<u64, Error>>>,
        state: &mut Result<(), Error>,
        answers: &mut Vec<Answer>,
    ) {
        let appended = match state {
            Ok(()) => self.session.chain.append_all(&mut self.session.conn, drafts).await,
            Err(error) => Err(error.clone()),
        };
        let results = appended.unwrap_or_else(|error| {
            *state = Err(error.clone());
            vec![Err(error); replies.len()]
        });
        for (reply, result) in replies.into_iter().zip(results) {
            answers.push(Box::new(move |committed| {
                let _ = reply.send(result.and_then(|seq| committed.map(|()| seq)));
            }));
        }
    }

    /// One operation inside its savepoint. When the savepoint itself fails, so has the
    /// transaction, and `state` says so from then on.
    async fn apply(&mut self, operation: Operation, state: &mut Result<(), Error>) -> Answer {
        if state.is_ok() {
            *state = self.execute("SAVEPOINT operation").await;
        }
        if let Err(error) = state {
            return operation(Err(error.clone())).await.1;
        }
        let chain = self.session.chain.head();
        let (verdict, answer) = operation(Ok(&mut self.session)).await;
        *state = match verdict {
            Verdict::Keep => self.execute("RELEASE operation").await,
            Verdict::Undo => {
                self.session.chain.rewind(chain);
                self.execute("ROLLBACK TO operation; RELEASE operation").await
            }
        };
        answer
    }

    async fn execute(&mut self, statement: &'static str) -> Result<(), Error> {
        sqlx::raw_sql(statement).execute(&mut self.session.conn).await?;
        Ok(())
    }

    /// Writes the log back into the database and cuts it when it has grown over 64 MB, as
    /// it does while a reader keeps an old snapshot open.
    async fn trim_wal(&mut self) {
        let Some(wal) = &self.wal else { return };
        let long = std::fs::metadata(wal).is_ok_and(|about| about.len() > WAL_BYTES_MAX);
        if long && let Err(error) = self.execute("PRAGMA wal_checkpoint(TRUNCATE)").await {
            tracing::warn!(error = ?error, "the write-ahead log could not be cut");
        }
    }
}

const GROUP_MAX: usize = 64;
const QUEUE_MAX: usize = 1024;
const WAL_BYTES_MAX: u64 = 64 << 20;
const CHECKPOINT_EVERY: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use aws_lc_rs::{hmac, signature::Ed25519KeyPair};
    use portcullis_base::Clock;
    use sqlx::ConnectOptions as _;

    use super::*;
    use crate::{
        audit::{Action, CheckpointSink, Outcome, Record},
        backend::migrations,
    };

    #[derive(Debug)]
    struct Stopped;

    impl Clock for Stopped {
        fn now_ms(&self) -> u64 {
            0
        }
    }

    async fn task() -> Task {
        let options = sqlx::sqlite::SqliteConnectOptions::new().in_memory(true);
        let mut conn = options.connect().await.unwrap();
        migrations::run(&mut conn, 0).await.unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, &[1; 32]);
        let chain = Chain::new("n1".into(), key);
        let signer = Ed25519KeyPair::from_seed_unchecked(&[1; 32]).unwrap();
        let sink = CheckpointSink::new(|_| {});
        let checkpointer = Checkpointer::new("n1".into(), signer, sink, Arc::new(Stopped));
        Task { session: Session { conn, chain }, checkpointer, wal: None }
    }

    fn draft() -> Draft {
        Record::new(Action::Start, "a", "o", "").draft(0, Outcome::Ok)
    }

    /// Writes a row and a record, then fails or not.
    async fn operation(
        name: &'static str,
        fails: Option<Error>,
    ) -> (Work, tokio::task::JoinHandle<Result<u64, Error>>) {
        let (queue, mut work) = mpsc::unbounded_channel();
        let writer = Writer { queue, room: Arc::new(Semaphore::new(1)) };
        let running = tokio::spawn(async move {
            let operation = writer.run(move |session| {
                Box::pin(async move {
                    sqlx::query("INSERT INTO versions (name, value) VALUES ($1, 1)")
                        .bind(name)
                        .execute(&mut session.conn)
                        .await?;
                    let seq = session.record(&draft()).await?;
                    fails.map_or(Ok(seq), Err)
                })
            });
            operation.await
        });
        (work.recv().await.unwrap(), running)
    }

    async fn names(task: &mut Task) -> Vec<String> {
        sqlx::query_scalar("SELECT name FROM versions WHERE length(name) < 5 ORDER BY name")
            .fetch_all(&mut task.session.conn)
            .await
            .unwrap()
    }

    async fn numbers(task: &mut Task) -> Vec<i64> {
        let numbers = sqlx::query_scalar("SELECT seq FROM audit ORDER BY seq");
        numbers.fetch_all(&mut task.session.conn).await.unwrap()
    }

    #[tokio::test]
    async fn an_operation_that_fails_is_undone_alone() {
        let mut task = task().await;
        let (first, first_result) = operation("a", None).await;
        let (second, second_result) = operation("b", Some(Error::Closed)).await;
        let (third, third_result) = operation("a", None).await;
        let (fourth, fourth_result) = operation("d", None).await;
        let (reply, appended) = oneshot::channel();
        let group = vec![first, second, third, Work::Append(draft(), reply), fourth];
        task.commit(group).await;

        assert_eq!(first_result.await.unwrap().unwrap(), 1);
        assert!(matches!(second_result.await.unwrap(), Err(Error::Closed)));
        let twice = third_result.await.unwrap();
        assert!(matches!(twice, Err(Error::Database(_))), "{twice:?}");
        assert_eq!(appended.await.unwrap().unwrap(), 2);
        assert_eq!(fourth_result.await.unwrap().unwrap(), 3);
        assert_eq!(names(&mut task).await, ["a", "d"]);
        assert_eq!(numbers(&mut task).await, [1, 2, 3]);
    }

    #[tokio::test]
    async fn when_the_commit_fails_none_of_the_group_happened() {
        let mut task = task().await;
        sqlx::raw_sql(
            "PRAGMA foreign_keys = ON;
             CREATE TABLE late (name TEXT REFERENCES versions (name) DEFERRABLE INITIALLY DEFERRED);
             CREATE TRIGGER late_too AFTER INSERT ON versions WHEN new.name = 'bad'
             BEGIN INSERT INTO late (name) VALUES ('nowhere'); END;",
        )
        .execute(&mut task.session.conn)
        .await
        .unwrap();
        let (good, good_result) = operation("a", None).await;
        let (bad, bad_result) = operation("bad", None).await;
        let (reply, appended) = oneshot::channel();
        task.commit(vec![good, bad, Work::Append(draft(), reply)]).await;
        assert!(good_result.await.unwrap().is_err());
        assert!(bad_result.await.unwrap().is_err());
        assert!(appended.await.unwrap().is_err());
        assert!(names(&mut task).await.is_empty());

        let (again, result) = operation("a", None).await;
        task.commit(vec![again]).await;
        assert_eq!(result.await.unwrap().unwrap(), 1, "the chain starts where it was");
    }

    /// A full disk can make SQLite undo the whole transaction, not only the statement.
    #[tokio::test]
    async fn when_a_record_ends_the_transaction_none_of_the_group_happened() {
        let mut task = task().await;
        sqlx::raw_sql(
            "CREATE TRIGGER full BEFORE INSERT ON audit WHEN new.record LIKE '%\"full\"%'
             BEGIN SELECT RAISE(ROLLBACK, 'as if the disk were full'); END;",
        )
        .execute(&mut task.session.conn)
        .await
        .unwrap();
        let (first, first_result) = operation("a", None).await;
        let (reply, appended) = oneshot::channel();
        let full = Record::new(Action::Start, "a", "full", "").draft(0, Outcome::Ok);
        let (last, last_result) = operation("d", None).await;
        task.commit(vec![first, Work::Append(full, reply), last]).await;
        assert!(first_result.await.unwrap().is_err());
        assert!(appended.await.unwrap().is_err());
        assert!(last_result.await.unwrap().is_err());
        assert!(names(&mut task).await.is_empty());
        assert!(numbers(&mut task).await.is_empty(), "a record that nothing stands before");
    }
}
