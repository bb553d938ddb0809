//! Ten clients at random commands on shared mailboxes for `STRESS_SECONDS` (3 unless said), on the memory store and on SQLite. Each
//! holds every answer against its own model of its view, and all of them against what the others were told.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

#[allow(dead_code, reason = "shared with other tests")]
#[path = "../imap/support.rs"]
mod support;

mod model;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use mailstore_api::{MailStore, MemoryOptions, MemoryStore};
use mailstore_sqlite::{Options, SqliteStore};
use model::{Kind, Model, Told};
use support::Server;

const CLIENTS: u32 = 10;

fn lasts() -> Duration {
    let seconds = std::env::var("STRESS_SECONDS").ok().and_then(|s| s.parse().ok());
    Duration::from_secs(seconds.unwrap_or(3))
}

async fn stress<St: MailStore>(store: St, seed: u32) {
    let server = Server::on(store);
    let mut first = server.login().await;
    first.ok("CREATE other").await;
    let told = Arc::new(Told::default());
    let until = Instant::now() + lasts();
    let mut tasks = Vec::new();
    for i in 0..CLIENTS {
        let kind = [Kind::Plain, Kind::CondStore, Kind::QResync][i as usize % 3];
        let mut model = Model::new(server.login().await, kind, seed * 1000 + i, Arc::clone(&told));
        tasks.push(tokio::spawn(async move {
            model.begin().await;
            while Instant::now() < until {
                model.step().await;
            }
            model
        }));
    }
    let mut models = Vec::new();
    for task in tasks {
        models.push(task.await.unwrap());
    }
    // At rest all see the same, those who held their view through it all, too.
    let mut answers = 0;
    for model in &mut models {
        model.run("NOOP").await;
        model.learn().await;
        answers += model.answers;
    }
    let mut truth = std::collections::BTreeMap::new();
    for model in &models {
        let known = model.known();
        let truth = truth.entry(model.mailbox().to_owned()).or_insert_with(|| known.clone());
        assert_eq!(*truth, known, "in {}", model.mailbox());
    }
    println!("{} answers held against {CLIENTS} models, no violation", answers);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_clients_on_the_memory_store() {
    for (seed, history) in [(1, 100_000), (2, 3)] {
        let store = MemoryStore::with_options(MemoryOptions { history, ..MemoryOptions::default() });
        store.create_account("anna").unwrap();
        stress(store, seed).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_clients_on_sqlite() {
    let dir = std::env::temp_dir().join(format!("stress-{}", std::process::id()));
    let store = SqliteStore::open(&dir, Options::default()).unwrap();
    store.create_account("anna", None).unwrap();
    stress(store, 3).await;
    std::fs::remove_dir_all(dir).unwrap();
}
