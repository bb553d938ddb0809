//! Many clients, random commands: each holds every answer against its own model of its view.

use mailstore_api::MemoryOptions;

use crate::support::{Client, Server};

struct Random(u32);
impl Random {
    fn next(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as usize % n
    }
}

/// One message as its client knows it: UID and flags, where it was told.
#[derive(Clone, Debug, Default)]
struct Known {
    uid: Option<u32>,
    flags: Option<String>,
}

struct Model {
    client: Client,
    random: Random,
    messages: Vec<Known>,
}

/// What stands after `name` in a FETCH response, up to its end.
fn item<'l>(line: &'l str, name: &str) -> Option<&'l str> {
    let at = line.find(name)? + name.len();
    let rest = &line[at..];
    Some(&rest[..rest.find([' ', ')']).unwrap_or(rest.len())])
}

/// The flags without `\Recent`, which is every session's own, in one order.
fn flags(line: &str) -> Option<String> {
    let at = line.find("FLAGS (")? + 7;
    let mut flags: Vec<&str> =
        line[at..].split(')').next()?.split(' ').filter(|f| !f.is_empty() && *f != "\\Recent").collect();
    flags.sort_unstable();
    Some(flags.join(" "))
}

impl Model {
    fn hear(&mut self, command: &str, line: &str) {
        let Some(rest) = line.strip_prefix("* ") else { panic!("{command}: {line}") };
        let mut words = rest.splitn(3, ' ');
        let (first, second) = (words.next().unwrap(), words.next().unwrap_or(""));
        let Ok(n) = first.parse::<usize>() else {
            if first == "SEARCH" && !command.starts_with("UID") {
                for n in rest.split(' ').skip(1) {
                    let n: usize = n.parse().unwrap();
                    assert!((1..=self.messages.len()).contains(&n), "{command}: {line}");
                }
            }
            return;
        };
        match second {
            "EXISTS" => {
                assert!(n >= self.messages.len(), "{command}: EXISTS fell to {n}");
                self.messages.resize(n, Known::default());
            }
            "EXPUNGE" => {
                let by_number = ["FETCH", "STORE", "SEARCH"].iter().any(|c| command.starts_with(c));
                assert!(!by_number, "EXPUNGE during {command}");
                assert!((1..=self.messages.len()).contains(&n), "{command}: {line}");
                self.messages.remove(n - 1);
            }
            "FETCH" => {
                assert!((1..=self.messages.len()).contains(&n), "{command}: {line}");
                if let Some(uid) = item(line, "UID ") {
                    let uid: u32 = uid.parse().unwrap();
                    let before = self.messages[n - 1].uid.replace(uid);
                    assert!(before.is_none_or(|b| b == uid), "{command}: {line}, and it was UID {before:?}");
                }
                if let Some(flags) = flags(line) {
                    self.messages[n - 1].flags = Some(flags);
                }
            }
            _ => {}
        }
    }

    async fn run(&mut self, command: &str) -> String {
        let mut lines = self.client.run(command).await;
        let last = lines.pop().unwrap();
        for line in &lines {
            self.hear(command, line);
        }
        assert!(!last.starts_with("BAD"), "{command}: {last}");
        last
    }

    async fn select(&mut self, mailbox: &str) {
        self.messages.clear();
        assert!(self.run(&format!("SELECT {mailbox}")).await.starts_with("OK"));
    }

    /// Every message has a UID, ascending.
    async fn learn(&mut self) {
        assert!(self.run("UID FETCH 1:* (UID FLAGS)").await.starts_with("OK"));
        let uids: Vec<u32> = self.messages.iter().filter_map(|m| m.uid).collect();
        assert!(uids.is_sorted_by(|a, b| a < b), "{uids:?}");
    }

    async fn step(&mut self) {
        let len = self.messages.len();
        let n = if len == 0 { 0 } else { 1 + self.random.next(len) };
        let m = if len == 0 { 0 } else { 1 + self.random.next(len) };
        let flag = ["\\Seen", "\\Flagged", "\\Deleted", "$kw"][self.random.next(4)];
        let sign = ["+", "-"][self.random.next(2)];
        let target = ["INBOX", "other"][self.random.next(2)];
        match self.random.next(16) {
            0 | 1 if len < 40 => {
                let mut lines = self.client.append_lines(target, "Subject: x\r\n\r\nbody").await;
                let last = lines.pop().unwrap();
                assert!(last.starts_with("OK"), "{last}");
                for line in lines {
                    self.hear("APPEND", &line);
                }
            }
            2 if n > 0 => {
                self.run(&format!("FETCH {n}:{m} (UID FLAGS)")).await;
            }
            3 if n > 0 => {
                self.run(&format!("FETCH {n} (UID BODY.PEEK[TEXT])")).await;
            }
            4 | 5 if n > 0 => {
                self.run(&format!("STORE {n}:{m} {sign}FLAGS ({flag})")).await;
            }
            6 if n > 0 => {
                if let Some(uid) = self.messages[n - 1].uid {
                    self.run(&format!("UID STORE {uid} {sign}FLAGS ({flag})")).await;
                }
            }
            7 => {
                self.run("EXPUNGE").await;
            }
            8 if n > 0 => {
                self.run(&format!("COPY {n} {target}")).await;
            }
            9 if n > 0 && len > 10 => {
                self.run(&format!("MOVE {n} {target}")).await;
            }
            10 => {
                self.run("SEARCH NOT DELETED").await;
            }
            11 => {
                self.run("UID SEARCH 1:*").await;
            }
            12 => self.select(target).await,
            13 => self.learn().await,
            14 if n > 0 => {
                self.run(&format!("FETCH {n} BODY[]")).await;
            }
            _ => {
                self.run("NOOP").await;
            }
        }
    }
}

async fn storm(history: usize, seed: u32) {
    let server = Server::with_options(MemoryOptions { history, ..MemoryOptions::default() });
    let mut first = server.login().await;
    first.ok("CREATE other").await;
    first.fill(10).await;
    let mut tasks = Vec::new();
    for i in 0..6 {
        let client = server.select().await;
        let mut model = Model { client, random: Random(seed + i), messages: Vec::new() };
        tasks.push(tokio::spawn(async move {
            model.select("INBOX").await;
            for _ in 0..150 {
                model.step().await;
            }
            model
        }));
    }
    let mut models = Vec::new();
    for task in tasks {
        models.push(task.await.unwrap());
    }
    let mut truth: Option<Vec<(Option<u32>, Option<String>)>> = None;
    for model in &mut models {
        model.select("INBOX").await;
        model.learn().await;
        model.run("NOOP").await;
        let known: Vec<_> = model.messages.iter().map(|m| (m.uid, m.flags.clone())).collect();
        assert!(known.iter().all(|(uid, flags)| uid.is_some() && flags.is_some()), "{known:?}");
        let truth = truth.get_or_insert_with(|| known.clone());
        assert_eq!(*truth, known);
    }
}

#[tokio::test]
async fn every_client_is_told_what_it_can_follow() {
    for seed in 0..4 {
        storm(10_000, seed * 100).await;
    }
}

#[tokio::test]
async fn the_same_when_history_is_lost_all_the_time() {
    storm(2, 7).await;
}

#[tokio::test]
async fn flags_told_to_an_idle_client_are_the_flags() {
    let server = Server::new();
    let mut writer = server.select().await;
    writer.fill(5).await;
    let client = server.select().await;
    let mut reader = Model { client, random: Random(1), messages: vec![Known::default(); 5] };
    reader.learn().await;
    let mut random = Random(9);
    for _ in 0..100 {
        let n = 1 + random.next(5);
        let flag = ["\\Seen", "\\Flagged", "$kw"][random.next(3)];
        let sign = ["+", "-"][random.next(2)];
        let silent = ["", ".SILENT"][random.next(2)];
        writer.ok(&format!("STORE {n} {sign}FLAGS{silent} ({flag})")).await;
        if random.next(3) == 0 {
            reader.run("NOOP").await;
        }
    }
    reader.run("NOOP").await;
    let told: Vec<_> = reader.messages.iter().map(|m| m.flags.clone()).collect();
    reader.learn().await;
    let fetched: Vec<_> = reader.messages.iter().map(|m| m.flags.clone()).collect();
    assert_eq!(told, fetched);
}
