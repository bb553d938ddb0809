use std::{
    collections::BTreeMap,
    future::{Future, poll_fn},
    io,
    pin::pin,
    sync::{Mutex, MutexGuard, PoisonError},
    task::Poll,
    time::{Duration, Instant},
};

use futures_io::{AsyncRead, AsyncWrite};
use mail_drive::{Accept, Timer};
use mailstore_api::{
    AnyWatch, ErrorKind, MailQueue, MailStore, Next, QueueEntry, Result, Settlement, StoreError, Watch,
};

use super::{
    Config, Envelope,
    config::{dice, seconds},
    link::{Link, LinkConfig, LinkError},
};
use crate::submission::{Router, trace};

/// The longest sleep: a clock that was set, and a store that does not tell, are noticed by then.
const NAP: i64 = 60;

/// The way to the smart host.
pub trait Connect: Send + Sync + 'static {
    /// A plain connection.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;
    /// Does the TLS handshake; [`NoTls`](mail_drive::NoTls) where there is none.
    type Tls: Accept<Self::Stream>;

    /// What it is called in logs and reports.
    fn name(&self) -> &str;

    /// A new connection.
    ///
    /// # Errors
    /// When there is none; it is tried again later.
    fn connect(&self) -> impl Future<Output = io::Result<(Self::Stream, Self::Tls)>> + Send;

    /// How a link is opened over it: asked each time, since tokens do not last.
    ///
    /// # Errors
    /// When it cannot be found out now.
    fn link(&self) -> impl Future<Output = io::Result<LinkConfig>> + Send;
}

/// Works off a store's queue: see the [module](super).
pub struct Outbound<St, R, C, T> {
    pub(super) store: St,
    pub(super) router: R,
    pub(super) connect: Option<C>,
    timer: T,
    pub(super) config: Config,
    /// Taken, and not begun: by priority, highest first, then by when they were due.
    ready: Mutex<BTreeMap<(i16, i64, String), QueueEntry>>,
    host: Mutex<Host>,
}

/// Whether the smart host is worth a try.
#[derive(Default)]
struct Host {
    closed_until: Option<Instant>,
    pause: Duration,
    error: String,
}

/// A worker's link, while it is open.
pub(super) type Held<C, T> = Option<Link<<C as Connect>::Stream, T, <C as Connect>::Tls>>;

impl<St, R, C, T> std::fmt::Debug for Outbound<St, R, C, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outbound").field("config", &self.config).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

enum Woken {
    Stop,
    Look,
}

impl<St: MailStore, R: Router, C: Connect, T: Timer + Clone> Outbound<St, R, C, T> {
    /// For this store. Without a smart host, what is to go elsewhere is returned to its sender.
    pub fn new(store: St, router: R, connect: Option<C>, timer: T, config: Config) -> Self {
        Self { store, router, connect, timer, config, ready: Mutex::default(), host: Mutex::default() }
    }

    /// Makes due again what a runner had when it was killed. Only for the one runner of a store, before it runs:
    /// otherwise others' work is done twice. Gives how many there were.
    ///
    /// # Errors
    /// When the store has no queue, or fails.
    pub async fn recover(&self) -> Result<usize> {
        let queue = self.queue()?;
        let (mut after, mut found) = (None, 0);
        loop {
            let some = queue.list(after.as_ref(), 200).await?;
            let Some(last) = some.last() else { return Ok(found) };
            after = Some(last.id.clone());
            for entry in some.iter().filter(|e| e.leased) {
                match queue.reschedule(&entry.id, i64::MAX, trace::seconds()).await {
                    Ok(()) => found += 1,
                    Err(error) if error.kind == ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }

    /// Works, until `shutdown`: the message that is under way is finished first. As many at once as are to be carried at
    /// once; each has its own link.
    ///
    /// # Errors
    /// When the store has no queue. What goes wrong otherwise is logged and tried again.
    pub async fn run(&self, shutdown: impl Future<Output = ()> + Send) -> Result<()> {
        let queue = self.queue()?;
        let mut shutdown = pin!(shutdown);
        let mut watch = queue.watch().await?;
        let mut link: Held<C, T> = None;
        let mut stopped = false;
        while !stopped {
            match self.next(queue).await {
                Ok(Some(entry)) => {
                    Box::pin(self.work(queue, entry, &mut link)).await;
                    stopped = is_ready(&mut shutdown).await;
                }
                Ok(None) => stopped = self.rest(queue, &mut watch, &mut link, &mut shutdown).await,
                Err(error) => {
                    tracing::error!(%error, "the queue cannot be read");
                    stopped = self.sleep(&mut watch, 5, &mut shutdown).await;
                }
            }
        }
        if let Some(link) = link.take() {
            link.quit().await;
        }
        self.give_back(queue).await;
        Ok(())
    }

    /// Tries what is due now, each entry once, and gives how many there were: for a program that has its own idea of when
    /// to work.
    ///
    /// # Errors
    /// As [`run`](Self::run), and when the queue cannot be read.
    pub async fn run_due(&self) -> Result<usize> {
        let queue = self.queue()?;
        let mut link: Held<C, T> = None;
        let mut done = 0;
        while let Some(entry) = self.next(queue).await? {
            Box::pin(self.work(queue, entry, &mut link)).await;
            done += 1;
        }
        if let Some(link) = link.take() {
            link.quit().await;
        }
        Ok(done)
    }

    pub(super) fn queue(&self) -> Result<&dyn MailQueue> {
        self.store.queue().ok_or_else(|| StoreError::from(ErrorKind::Unsupported))
    }

    /// The most urgent of what is due.
    async fn next(&self, queue: &dyn MailQueue) -> Result<Option<QueueEntry>> {
        let now = trace::seconds();
        let room = self.config.ready.max(1).saturating_sub(lock(&self.ready).len());
        if room > 0 && queue.next_due().await?.is_some_and(|due| due <= now) {
            let taken = queue.take(now, now.saturating_add(seconds(self.config.lease)), room).await?;
            let mut ready = lock(&self.ready);
            for entry in taken {
                // What a sender wants soon comes before what he does not mind to wait for.
                let priority = -i16::from(Envelope::of(&entry).priority);
                ready.insert((priority, entry.created, entry.id.0.clone()), entry);
            }
        }
        let mut ready = lock(&self.ready);
        // Half of its lease is for the work itself.
        let fresh = now.saturating_add(seconds(self.config.lease) / 2);
        while let Some((_, entry)) = ready.pop_first() {
            if entry.due > fresh {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    /// Nothing is due: the link is kept for a while.
    async fn rest(
        &self,
        queue: &dyn MailQueue,
        watch: &mut AnyWatch,
        link: &mut Held<C, T>,
        shutdown: &mut std::pin::Pin<&mut (impl Future<Output = ()> + Send)>,
    ) -> bool {
        let due = match queue.next_due().await {
            Ok(due) => due,
            Err(_) => Some(trace::seconds() + 5),
        };
        let until_due = due.map_or(NAP, |due| due.saturating_sub(trace::seconds()).clamp(0, NAP));
        let idle = seconds(self.config.idle);
        if link.is_some() && until_due > idle {
            let before = Instant::now();
            let stopped = self.sleep(watch, idle, shutdown).await;
            if !stopped
                && before.elapsed() >= self.config.idle
                && let Some(link) = link.take()
            {
                link.quit().await;
            }
            return stopped;
        }
        self.sleep(watch, until_due, shutdown).await
    }

    /// Until then, or a hint. Whether it is time to stop.
    async fn sleep(
        &self,
        watch: &mut AnyWatch,
        seconds: i64,
        shutdown: &mut std::pin::Pin<&mut (impl Future<Output = ()> + Send)>,
    ) -> bool {
        let most = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
        let pause = watch.poll_every().map_or(most, |every| every.min(most));
        let mut alarm = pin!(self.timer.sleep_until(self.timer.now() + pause));
        let mut changed = pin!(watch.changed());
        let woken = poll_fn(|cx| {
            if shutdown.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Woken::Stop);
            }
            if changed.as_mut().poll(cx).is_ready() || alarm.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Woken::Look);
            }
            Poll::Pending
        });
        matches!(woken.await, Woken::Stop)
    }

    /// What was taken and not begun is due for the next runner.
    async fn give_back(&self, queue: &dyn MailQueue) {
        loop {
            let entry = lock(&self.ready).pop_first();
            let Some((_, entry)) = entry else { return };
            let settlement = Settlement {
                lease: entry.lease(),
                recipients: Vec::new(),
                data: None,
                next: Next::At(trace::seconds()),
            };
            if let Err(error) = queue.settle(&settlement).await {
                tracing::warn!(queue = entry.id.0, %error, "an entry is not given back");
            }
        }
    }

    /// A link to the smart host: the one there is, or a new one.
    pub(super) async fn linked(
        &self,
        connect: &C,
        link: &mut Held<C, T>,
    ) -> std::result::Result<(), LinkError> {
        let most = self.config.messages_per_link.max(1);
        if let Some(old) = link.take() {
            let worn = old.carried >= old.capabilities().mail_max.map_or(most, |n| n.min(most));
            if !worn {
                *link = Some(old);
                return Ok(());
            }
            old.quit().await;
        }
        let config = connect.link().await.map_err(LinkError::Connect)?;
        let (stream, tls) = connect.connect().await.map_err(LinkError::Connect)?;
        *link = Some(Link::open(stream, self.timer.clone(), tls, &config).await?);
        Ok(())
    }

    /// Why the smart host is not to be tried now.
    pub(super) fn host_error(&self) -> Option<String> {
        let host = lock(&self.host);
        host.closed_until.filter(|until| *until > Instant::now()).map(|_| host.error.clone())
    }

    pub(super) fn host_failed(&self, error: &str) {
        let mut host = lock(&self.host);
        let longest = self.config.retry_first.max(self.config.host_pause);
        host.pause = (host.pause * 2).clamp(self.config.host_pause, longest);
        host.closed_until = Some(
            Instant::now() + host.pause.mul_f64(0.8) + host.pause.mul_f64(0.4) * u32::from(dice() & 1 == 1),
        );
        error.clone_into(&mut host.error);
    }

    pub(super) fn host_works(&self) {
        *lock(&self.host) = Host::default();
    }
}

/// Whether it is ready at once.
async fn is_ready(future: &mut std::pin::Pin<&mut (impl Future<Output = ()> + Send)>) -> bool {
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_ready())).await
}
