//! `mailserver queue`: what waits to go out, also beside a running server.

use std::{fmt::Write as _, process::ExitCode, time::SystemTime};

use mail_session::outbound::Envelope;
use mailstore_api::{ErrorKind, MailQueue, MailStore as _, QueueEntry, QueueId, RecipientState, StoreError};

use crate::{
    cli::Queue,
    config::Config,
    fault::{Fault, Result},
    user::{open_store, say},
};

pub(crate) fn run(command: &Queue, config: &Config) -> Result<ExitCode> {
    let store = open_store(config)?;
    let done = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Fault::new(format!("the runtime does not start: {e}")))?
        .block_on(async {
            let queue = store.queue().ok_or_else(|| Fault::new("this store has no queue"))?;
            act(command, queue).await
        });
    store.close();
    say(&done?)?;
    Ok(ExitCode::SUCCESS)
}

async fn act(command: &Queue, queue: &dyn MailQueue) -> Result<String> {
    match command {
        Queue::List => list(queue).await,
        Queue::Retry { ids } => {
            each(queue, ids, "retry", async |id| queue.reschedule(&id, now(), now()).await).await
        }
        Queue::Drop { ids } => each(queue, ids, "drop", async |id| queue.remove(&id).await).await,
    }
}

async fn all(queue: &dyn MailQueue) -> Result<Vec<QueueEntry>> {
    let mut entries: Vec<QueueEntry> = Vec::new();
    loop {
        let after = entries.last().map(|e| e.id.clone());
        let some = queue.list(after.as_ref(), 500).await.map_err(|e| unreadable(&e))?;
        if some.is_empty() {
            return Ok(entries);
        }
        entries.extend(some);
    }
}

async fn list(queue: &dyn MailQueue) -> Result<String> {
    let entries = all(queue).await?;
    let mut out = String::new();
    for entry in &entries {
        let envelope = Envelope::of(entry);
        let when = match (entry.leased, entry.due.saturating_sub(now())) {
            (true, _) => "being sent".to_owned(),
            (false, ..=0) => "due".to_owned(),
            (false, seconds) => format!("due in {}", span(seconds)),
        };
        let _ = writeln!(
            out,
            "{}  {} octets  from <{}>  age {}  attempts {}  {when}  message {}",
            entry.id.0,
            entry.size,
            entry.sender,
            span(now().saturating_sub(entry.created)),
            entry.attempts,
            envelope.id,
        );
        for recipient in &entry.recipients {
            let state = match recipient.state {
                RecipientState::Waiting => "waits",
                RecipientState::Done => "done",
                _ => "failed",
            };
            let error = recipient.error.as_deref().unwrap_or_default();
            let _ =
                writeln!(out, "    <{}> {state}  {}", recipient.address, error.replace(['\r', '\n'], " "));
        }
    }
    let _ = writeln!(out, "{} messages wait", entries.len());
    Ok(out)
}

/// To the entries named, or, for `all`, to all.
async fn each(
    queue: &dyn MailQueue,
    ids: &[String],
    verb: &str,
    act: impl AsyncFn(QueueId) -> std::result::Result<(), StoreError>,
) -> Result<String> {
    let every = ids.iter().any(|id| id == "all");
    let ids: Vec<QueueId> = match every {
        true => all(queue).await?.into_iter().map(|e| e.id).collect(),
        false => ids.iter().cloned().map(QueueId).collect(),
    };
    let mut done = 0_usize;
    for id in ids {
        match act(id.clone()).await {
            Ok(()) => done += 1,
            // It is under way, or was sent meanwhile.
            Err(e) if every && matches!(e.kind, ErrorKind::InUse | ErrorKind::NotFound) => {}
            Err(e) if e.kind == ErrorKind::InUse => {
                return Err(Fault::new(format!("{} is being sent just now; try again in a moment", id.0)));
            }
            Err(e) if e.kind == ErrorKind::NotFound => {
                return Err(Fault::new(format!(
                    "there is no message {} in the queue; `mailserver queue list` shows all",
                    id.0
                )));
            }
            Err(e) => return Err(unreadable(&e)),
        }
    }
    Ok(format!("{verb}: {done} messages\n"))
}

fn unreadable(e: &StoreError) -> Fault {
    Fault::new(format!("cannot use the queue in the store: {e}"))
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// `3d 4h`, `5m 6s`.
fn span(seconds: i64) -> String {
    match seconds {
        ..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {}s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}h {}m", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d {}h", seconds / 86_400, seconds / 3600 % 24),
    }
}
