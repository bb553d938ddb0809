use std::{
    future::{Future, pending, poll_fn},
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};

use futures_io::{AsyncRead, AsyncWrite};
use imap4_proto::{
    server::{Event, Fatal, Server},
    types::Command,
};
use mail_drive::{Accept, Next, Timer, Turn};
use mailstore_api::{Hint, MailStore, Result as StoreResult, Watch};
use tracing::Instrument as _;

use super::{Config, session::Session};
use crate::{Connection, Farewell, SessionError, auth::Authority};

/// Serves one client until it logs out, disconnects or misbehaves, or until `shutdown` completes: then
/// the present command is finished, and the client gets BYE.
///
/// # Errors
/// For the log: see [`SessionError`].
pub fn serve<St, A, S, T, X>(
    store: &St,
    authority: &A,
    connection: Connection<S, T, X>,
    config: &Config,
    shutdown: impl Future<Output = impl Into<Farewell> + Send> + Send,
) -> impl Future<Output = Result<(), SessionError<Fatal>>> + Send
where
    St: MailStore,
    A: Authority,
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: Timer,
    X: Accept<S>,
{
    let context = &connection.context;
    let span = tracing::info_span!("imap", session = %context.session, peer = %context.peer);
    run(store, authority, connection, config, shutdown).instrument(span)
}

async fn run<St, A, S, T, X>(
    store: &St,
    authority: &A,
    connection: Connection<S, T, X>,
    config: &Config,
    shutdown: impl Future<Output = impl Into<Farewell> + Send> + Send,
) -> Result<(), SessionError<Fatal>>
where
    St: MailStore,
    A: Authority,
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: Timer,
    X: Accept<S>,
{
    let machine = Server::new(config.machine(authority, &connection.context, connection.encryption));
    // The session has its own use of the clock: stores that cannot push are asked at intervals.
    let (connection, timer) = connection.share_timer();
    let (mut driver, context) = connection.drive(machine);
    let mut session = Session::new(store, authority, config, context);
    let mut shutdown = pin!(shutdown);
    tracing::debug!("connected");
    let ended = loop {
        let woken = wake(session.watch(), &*timer, shutdown.as_mut());
        match driver.next_or(woken).await {
            Ok(Next::Turn(Turn { event, mut peer })) => {
                if may_wait(&event)
                    && let Err(error) = peer.push().await
                {
                    break Err(error.into());
                }
                if let Err(error) = session.answer(event, &mut peer).await {
                    // The answers before are whole.
                    let _ = peer.push().await;
                    break Err(error);
                }
            }
            Ok(Next::Other(Woken::Changed(hint), mut peer)) => {
                if let Err(error) = Box::pin(session.changed(hint, &mut peer)).await {
                    break Err(error);
                }
            }
            Ok(Next::Other(Woken::Shutdown(farewell), peer)) => {
                peer.machine.shutdown(farewell.text());
                break driver.shutdown().await.map_err(Into::into);
            }
            Ok(Next::End) => break Ok(()),
            Err(error) => break Err(error.into()),
        }
    };
    match &ended {
        Ok(()) => tracing::debug!("session ended"),
        Err(error) => tracing::info!(%error, "session broken off"),
    }
    ended
}

/// Whether the answer may take its time: what waits to be sent does not wait for it.
fn may_wait(event: &Event<'_>) -> bool {
    match event {
        Event::Command(Command::Fetch(fetch)) => fetch.items.iter().any(|item| item.sets_seen()),
        Event::Command(command) => {
            !matches!(command, Command::Noop | Command::Check | Command::Id(_) | Command::Namespace)
        }
        Event::Answered(_) => false,
        _ => true,
    }
}

/// Why the loop woke, other than by the client.
enum Woken {
    Shutdown(Farewell),
    /// The watched mailbox may have changed.
    Changed(StoreResult<Hint>),
}

/// Waits for the shutdown, or for a hint where something is watched.
async fn wake<W: Watch, T: Timer>(
    watch: Option<(&mut W, Option<Duration>)>,
    timer: &T,
    mut shutdown: Pin<&mut (impl Future<Output = impl Into<Farewell>> + Send)>,
) -> Woken {
    let (watch, period) = match watch {
        Some((watch, period)) => (Some(watch), period),
        None => (None, None),
    };
    let mut changed = pin!(async {
        match watch {
            Some(watch) => watch.changed().await,
            None => pending().await,
        }
    });
    let mut elapsed = pin!(async {
        match period {
            Some(period) => timer.sleep_until(timer.now() + period).await,
            None => pending().await,
        }
    });
    poll_fn(|cx| {
        if let Poll::Ready(farewell) = shutdown.as_mut().poll(cx) {
            return Poll::Ready(Woken::Shutdown(farewell.into()));
        }
        if let Poll::Ready(hint) = changed.as_mut().poll(cx) {
            return Poll::Ready(Woken::Changed(hint));
        }
        elapsed.as_mut().poll(cx).map(|()| Woken::Changed(Ok(Hint::Everything)))
    })
    .await
}
