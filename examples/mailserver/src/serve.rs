//! From start to stop.

use std::{sync::Arc, time::Duration};

use auth_sasl::Secret;
use tokio::{
    signal::unix::{SignalKind, signal},
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    accounts::Accounts,
    address::Address,
    authority::Gate,
    certificate,
    config::Config,
    fault::{Fault, Result},
    limits::Connections,
    listen,
    live::{Live, Settings},
    lmtp, password,
    present::Present,
    reload::Reload,
    router::Routes,
    session::{Clock, Sessions},
    stored, table, user,
    workers::Workers,
};

/// How long the sessions have to say goodbye.
const GOODBYE: Duration = Duration::from_secs(10);
/// Mailboxes made at a first start without configuration.
const FIRST: [&str; 2] = ["alice@example.test", "bob@example.test"];

pub(crate) fn run(config: Config) -> Result<()> {
    if config.listen.is_empty() && config.post.lmtp.listen.is_empty() {
        return Err(Fault::new(
            "nothing to serve: give at least one address under [listen], like imap = [\"127.0.0.1:1143\"]",
        ));
    }
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| Fault::new(format!("the runtime does not start: {e}")))?
        .block_on(serve(config))
}

async fn serve(config: Config) -> Result<()> {
    raise_descriptor_limit(config.limits.connections);
    // Ports first: what another server holds is the likeliest fault, and nothing is made yet.
    let listeners = listen::bind(&config.listen)?;
    let (lmtp, lmtp_names) = lmtp::Listeners::bind(&config.post.lmtp.listen)?;
    let store = user::open_store(&config)?;
    let tls = certificate::load(&config)?;
    let accounts = Arc::new(Accounts::new(store.clone()));
    let live = Live::new(Settings::new(&config)?);
    let present = Arc::new(Present::default());
    let rows = mailboxes(&config, &accounts)?;
    let authority = Arc::new(Gate::new(
        Arc::clone(&accounts),
        Arc::clone(&live),
        Arc::clone(&present),
        config.limits,
        password::kept_secret(&config.data.join("salts.key"))?,
        &config.hostname,
    )?);

    let bound: Vec<_> = listeners.iter().map(|l| (l.service, l.address)).collect();
    let trusted = tls.self_signed.then_some(tls.certificate.as_path());
    user::say(&table::text(&config, &bound, &rows, trusted))?;
    drop(rows);

    let clock = Clock::new();
    let routes = Routes::new(Arc::clone(&accounts), Arc::clone(&live));
    let stopping = CancellationToken::new();
    let tracker = TaskTracker::new();
    let mut workers = Workers::new(store.clone(), routes.clone(), clock, tracker.clone(), stopping.clone());
    let ready = workers.ready(&config)?;
    let connections = Connections::new(config.limits);
    let sessions = Arc::new(Sessions::new(
        store.clone(),
        routes.clone(),
        clock,
        authority,
        &tls,
        Arc::clone(&live),
        Arc::clone(&present),
        stopping.clone(),
    )?);
    for listener in listeners {
        let (sessions, connections) = (Arc::clone(&sessions), Arc::clone(&connections));
        tracker.spawn(listener.run(sessions, connections, tracker.clone(), stopping.clone()));
    }
    let service = lmtp::Service::new(Arc::clone(&live), store.clone(), routes, clock);
    lmtp.start(&service, &tracker, &stopping);
    for name in lmtp_names {
        tracing::info!(address = name, "serving LMTP");
    }
    workers.start(ready).await?;
    let (hostname, reload) = (config.hostname.clone(), Reload::new(config, accounts, live, present, workers));
    tracker.spawn(reload.watch(stopping.clone())?);
    tracing::info!(hostname, listeners = bound.len(), "serving");

    stop_signal().await?;
    tracing::info!("stopping");
    stopping.cancel();
    tracker.close();
    let all_gone = tokio::select! {
        done = timeout(GOODBYE, tracker.wait()) => done.is_ok(),
        again = stop_signal() => again.is_err(),
    };
    store.close();
    if all_gone {
        tracing::info!("stopped");
    } else {
        tracing::warn!(sessions = tracker.len(), "stopped before all sessions ended");
    }
    Ok(())
}

/// Makes the mailboxes that are to be there; the rows of the table.
fn mailboxes(config: &Config, accounts: &Accounts) -> Result<Vec<table::Row>> {
    accounts.apply(config)?;
    let known = accounts.all()?;
    if !known.is_empty() || config.file.is_some() {
        return Ok(known.into_iter().map(|a| table::Row { user: a.name, password: None }).collect());
    }
    FIRST
        .into_iter()
        .map(|address| {
            let address = Address::parse(address).map_err(Fault::new)?;
            let password = Secret::from(password::readable()?.into_bytes());
            accounts.add(&address, Some(&stored::derive(password.expose(), config.scram)?))?;
            Ok(table::Row { user: address.to_string(), password: Some(password) })
        })
        .collect()
}

/// Waits for SIGINT or SIGTERM.
async fn stop_signal() -> Result<()> {
    let fault = |e: std::io::Error| Fault::new(format!("cannot listen to signals: {e}"));
    let mut interrupt = signal(SignalKind::interrupt()).map_err(fault)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(fault)?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

/// As many descriptors as connections want, if the system lets us: the usual 1,024 are soon used up.
fn raise_descriptor_limit(connections: u32) {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    let wanted = u64::from(connections) + 256;
    let allowed = limit.maximum.map_or(wanted, |most| most.min(wanted));
    if limit.current.is_some_and(|now| now < allowed) {
        limit.current = Some(allowed);
        if let Err(e) = setrlimit(Resource::Nofile, limit) {
            tracing::warn!("the limit of open files stays as it is: {e}");
        }
    }
}
