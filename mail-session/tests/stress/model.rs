//! One client, and all it knows.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use crate::support::Client;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Plain,
    CondStore,
    QResync,
}

/// What any client was told, which must be the same for every other.
#[derive(Debug, Default)]
pub(crate) struct Told {
    next_message: AtomicU32,
    /// The flags of (mailbox, UID) at a modseq.
    flags: Mutex<HashMap<(String, u32, u64), String>>,
    /// The text of (mailbox, UID).
    texts: Mutex<HashMap<(String, u32), String>>,
}

/// One message as its client knows it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Known {
    pub(crate) uid: Option<u32>,
    pub(crate) flags: Option<String>,
    modseq: u64,
}

pub(crate) struct Model {
    client: Client,
    kind: Kind,
    random: u32,
    told: Arc<Told>,
    mailbox: String,
    messages: Vec<Known>,
    /// From HIGHESTMODSEQ in the mailbox selected.
    uid_validity: u32,
    highest: u64,
    /// The command being answered.
    command: String,
    history: Vec<String>,
    pub(crate) answers: usize,
}

/// What stands after `name` in a response, up to its end.
fn number(line: &str, name: &str) -> Option<u64> {
    let rest = &line[line.find(name)? + name.len()..];
    rest[..rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())].parse().ok()
}

/// The flags without `\Recent`, which is every session's own, in one order.
fn flags(line: &str) -> Option<String> {
    let at = line.find("FLAGS (")? + 7;
    let mut flags: Vec<&str> =
        line[at..].split(')').next()?.split(' ').filter(|f| !f.is_empty() && *f != "\\Recent").collect();
    flags.sort_unstable();
    Some(flags.join(" "))
}

fn uids(set: &str) -> Vec<u32> {
    let number = |s: &str| s.parse::<u32>().unwrap();
    set.split(',')
        .flat_map(|r| {
            let (a, b) = r.split_once(':').unwrap_or((r, r));
            number(a)..=number(b)
        })
        .collect()
}

impl Model {
    pub(crate) fn new(client: Client, kind: Kind, seed: u32, told: Arc<Told>) -> Self {
        Self {
            client,
            kind,
            random: seed.wrapping_mul(2_654_435_761),
            told,
            mailbox: String::new(),
            messages: Vec::new(),
            uid_validity: 0,
            highest: 0,
            command: String::new(),
            history: Vec::new(),
            answers: 0,
        }
    }

    pub(crate) fn mailbox(&self) -> &str {
        &self.mailbox
    }

    /// UIDs and flags, in order.
    pub(crate) fn known(&self) -> Vec<(Option<u32>, Option<String>)> {
        self.messages.iter().map(|m| (m.uid, m.flags.clone())).collect()
    }

    fn next(&mut self, n: usize) -> usize {
        self.random = self.random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.random >> 8) as usize % n
    }

    #[track_caller]
    fn hold(&self, holds: bool, line: &str, what: &str) {
        let begin = self.history.len().saturating_sub(30);
        assert!(
            holds,
            "{:?}: {what}: {line:?} during {:?}\n{}",
            self.kind,
            self.command,
            self.history[begin..].join("\n")
        );
    }

    /// The client counts this message, and it has this UID.
    fn is_uid(&mut self, n: usize, uid: u32, line: &str) {
        let before = self.messages[n - 1].uid;
        self.hold(before.is_none_or(|b| b == uid), line, "another UID than before");
        let below = self.messages[..n - 1].iter().rev().find_map(|m| m.uid);
        let above = self.messages[n..].iter().find_map(|m| m.uid);
        let ascends = below.is_none_or(|b| b < uid) && above.is_none_or(|a| uid < a);
        self.hold(ascends, line, "UIDs do not ascend");
        self.messages[n - 1].uid = Some(uid);
    }

    fn hear(&mut self, line: &str) {
        self.history.push(format!("  {line}"));
        self.answers += 1;
        let by_number = ["FETCH", "STORE", "SEARCH"].iter().any(|c| self.command.starts_with(c));
        if line.starts_with("* VANISHED (EARLIER)") {
            // Told before the client knows the new numbers: only in SELECT and UID FETCH.
            let gone = uids(line.rsplit(' ').next().unwrap());
            if self.command.starts_with("SELECT") {
                self.messages.retain(|m| m.uid.is_none_or(|u| !gone.contains(&u)));
            }
            return;
        }
        if let Some(set) = line.strip_prefix("* VANISHED ") {
            self.hold(self.kind == Kind::QResync, line, "VANISHED without QRESYNC");
            self.hold(!by_number, line, "VANISHED");
            for uid in uids(set) {
                // Among neighbours without a known UID, which of them went makes no difference.
                let exact = self.messages.iter().position(|m| m.uid == Some(uid));
                let below = || self.messages.iter().rposition(|m| m.uid.is_some_and(|u| u < uid));
                let at = exact.unwrap_or_else(|| below().map_or(0, |i| i + 1));
                let there = self.messages.get(at).is_some_and(|m| m.uid.is_none_or(|u| u == uid));
                self.hold(there, line, "a message the client does not count vanished");
                self.messages.remove(at);
            }
            return;
        }
        if let Some(highest) = number(line, "[HIGHESTMODSEQ ") {
            self.highest = highest;
        }
        if let Some(validity) = number(line, "[UIDVALIDITY ") {
            self.uid_validity = u32::try_from(validity).unwrap();
        }
        let Some(rest) = line.strip_prefix("* ") else { return };
        let mut words = rest.splitn(3, ' ');
        let (first, second) = (words.next().unwrap(), words.next().unwrap_or(""));
        let Ok(n) = first.parse::<usize>() else {
            if first == "SEARCH" {
                let found = rest.split(" (").next().unwrap_or("").split(' ').skip(1);
                let found: Vec<u32> = found.map(|n| n.parse().unwrap()).collect();
                if self.command.starts_with("SEARCH") {
                    let len = self.messages.len();
                    self.hold(
                        found.iter().all(|n| (1..=len).contains(&(*n as usize))),
                        line,
                        "beyond the view",
                    );
                } else {
                    self.hold(found.len() <= self.messages.len(), line, "more than there are");
                }
            }
            return;
        };
        match second {
            "EXISTS" => {
                self.hold(n >= self.messages.len(), line, "EXISTS fell");
                let is_new = n > self.messages.len() || self.command.starts_with("SELECT");
                self.hold(is_new, line, "announced twice");
                self.messages.resize(n, Known::default());
            }
            "EXPUNGE" => {
                self.hold(self.kind != Kind::QResync, line, "EXPUNGE with QRESYNC");
                self.hold(!by_number, line, "EXPUNGE");
                self.hold((1..=self.messages.len()).contains(&n), line, "beyond the view");
                self.messages.remove(n - 1);
            }
            "FETCH" => {
                self.hold((1..=self.messages.len()).contains(&n), line, "beyond the view");
                let modseq = number(line, "MODSEQ (");
                self.hold(modseq.is_none() || self.kind != Kind::Plain, line, "MODSEQ, and nobody asked");
                if let Some(uid) = number(line, "UID ") {
                    self.is_uid(n, u32::try_from(uid).unwrap(), line);
                }
                if let Some(flags) = flags(line) {
                    if let (Some(uid), Some(modseq)) = (self.messages[n - 1].uid, modseq) {
                        let key = (self.mailbox.clone(), uid, modseq);
                        let mut told = self.told.flags.lock().unwrap();
                        let same = told.entry(key).or_insert_with(|| flags.clone()).clone();
                        drop(told);
                        self.hold(same == flags, line, &format!("others were told {same:?} at this modseq"));
                        self.hold(self.messages[n - 1].modseq <= modseq, line, "an older state");
                        self.messages[n - 1].modseq = modseq;
                    }
                    self.messages[n - 1].flags = Some(flags);
                }
                if let (Some(uid), Some(at)) = (self.messages[n - 1].uid, line.find("id ")) {
                    let text = line[at..].split('\r').next().unwrap().to_owned();
                    let mut texts = self.told.texts.lock().unwrap();
                    let same =
                        texts.entry((self.mailbox.clone(), uid)).or_insert_with(|| text.clone()).clone();
                    drop(texts);
                    self.hold(same == text, line, &format!("it was {same:?}"));
                }
            }
            _ => {}
        }
    }

    fn heard(&mut self, lines: &[String]) -> String {
        let (last, lines) = lines.split_last().unwrap();
        for line in lines {
            self.hear(line);
        }
        self.history.push(format!("  {last}"));
        self.hold(!last.starts_with("BAD"), last, "BAD");
        if let Some(highest) = number(last, "[HIGHESTMODSEQ ") {
            self.highest = highest;
        }
        last.clone()
    }

    pub(crate) async fn run(&mut self, command: &str) -> String {
        command.clone_into(&mut self.command);
        self.history.push(command.to_owned());
        let lines = self.client.run(command).await;
        self.heard(&lines)
    }

    pub(crate) async fn begin(&mut self) {
        match self.kind {
            Kind::Plain => {}
            Kind::CondStore => drop(self.client.ok("ENABLE CONDSTORE").await),
            Kind::QResync => drop(self.client.ok("ENABLE QRESYNC").await),
        }
        self.select("INBOX").await;
    }

    async fn select(&mut self, mailbox: &str) {
        let again = self.mailbox == mailbox && self.messages.iter().all(|m| m.uid.is_some());
        mailbox.clone_into(&mut self.mailbox);
        if self.kind == Kind::QResync && again && self.highest > 0 {
            return self.reselect().await;
        }
        self.messages.clear();
        let answer = self.run(&format!("SELECT {mailbox}")).await;
        self.hold(answer.starts_with("OK"), &answer, "SELECT");
        self.learn().await;
    }

    /// Leaves the mailbox and comes back with what it knew (RFC 7162 section 3.2.5). EXISTS comes before VANISHED, so the old view is put aside.
    async fn reselect(&mut self) {
        let before = std::mem::take(&mut self.messages);
        let command = format!("SELECT {} (QRESYNC ({} {}))", self.mailbox, self.uid_validity, self.highest);
        command.clone_into(&mut self.command);
        self.history.push(command.clone());
        let lines = self.client.run(&command).await;
        let gone: Vec<u32> =
            lines.iter().filter_map(|l| l.strip_prefix("* VANISHED (EARLIER) ")).flat_map(uids).collect();
        let known: HashMap<u32, Known> =
            before.into_iter().filter_map(|m| Some((m.uid?, m))).filter(|(u, _)| !gone.contains(u)).collect();
        let last = self.heard(&lines);
        self.hold(last.starts_with("OK"), &last, "SELECT");
        // Who is new came with its flags: so there is a UID for each that is not known from before.
        let new: Vec<u32> =
            self.messages.iter().filter_map(|m| m.uid).filter(|u| !known.contains_key(u)).collect();
        self.hold(known.len() + new.len() == self.messages.len(), &last, "the delta does not add up");
        let mut all: Vec<u32> = known.keys().copied().chain(new).collect();
        all.sort_unstable();
        for (message, uid) in self.messages.iter_mut().zip(all) {
            let told = message.uid;
            assert!(told.is_none_or(|t| t == uid), "{told:?} is not {uid}");
            if let Some(old) = known.get(&uid).filter(|_| told.is_none()) {
                *message = old.clone();
            }
        }
        // The delta said all: to ask for everything tells nothing new.
        let delta = self.known();
        let answers = self.run("UID FETCH 1:* (UID)").await;
        self.hold(answers.starts_with("OK"), &answers, "FETCH");
        let still: Vec<_> = delta.iter().map(|(uid, _)| *uid).filter(|u| self.has(*u)).collect();
        self.hold(
            self.known().iter().map(|k| k.0).collect::<Vec<_>>().starts_with(&still),
            "",
            "another view",
        );
    }

    fn has(&self, uid: Option<u32>) -> bool {
        self.messages.iter().any(|m| m.uid == uid)
    }

    /// Every message has a UID, ascending, and flags.
    pub(crate) async fn learn(&mut self) {
        let answer = self.run("UID FETCH 1:* (UID FLAGS)").await;
        self.hold(answer.starts_with("OK"), &answer, "FETCH");
    }

    async fn append(&mut self, mailbox: &str) {
        let n = self.told.next_message.fetch_add(1, Ordering::Relaxed);
        "APPEND".clone_into(&mut self.command);
        self.history.push(format!("APPEND {mailbox}"));
        let lines = self.client.append_lines(mailbox, format!("Subject: {n}\r\n\r\nid {n}\r\n")).await;
        let last = self.heard(&lines);
        self.hold(last.starts_with("OK [APPENDUID "), &last, "APPEND");
    }

    pub(crate) async fn step(&mut self) {
        let len = self.messages.len();
        let (n, m) = (1 + self.next(len.max(1)), 1 + self.next(len.max(1)));
        let flag = ["\\Seen", "\\Flagged", "\\Deleted", "$kw"][self.next(4)];
        let sign = ["+", "-"][self.next(2)];
        let silent = ["", ".SILENT"][self.next(2)];
        let target = ["INBOX", "other"][self.next(2)];
        match self.next(18) {
            0..=2 if len < 60 => self.append(target).await,
            _ if len == 0 => drop(self.run("NOOP").await),
            3 => drop(self.run(&format!("FETCH {n}:{m} (UID FLAGS)")).await),
            4 => drop(self.run(&format!("FETCH {n} (UID BODY.PEEK[TEXT])")).await),
            5 | 6 => {
                // What a silent STORE did, the client does not hear.
                let answer = self.run(&format!("STORE {n}:{m} {sign}FLAGS{silent} ({flag})")).await;
                if silent == ".SILENT" || !answer.starts_with("OK") {
                    self.learn().await;
                }
            }
            7 => {
                if let Some(uid) = self.messages[n - 1].uid {
                    self.run(&format!("UID STORE {uid} {sign}FLAGS ({flag})")).await;
                }
            }
            8 => drop(self.run("EXPUNGE").await),
            9 => drop(self.run(&format!("COPY {n} {target}")).await),
            10 if len > 10 => drop(self.run(&format!("MOVE {n} {target}")).await),
            11 => drop(self.run("SEARCH NOT DELETED").await),
            12 => drop(self.run("UID SEARCH 1:*").await),
            13 => self.select(target).await,
            14 => self.learn().await,
            15 => drop(self.run(&format!("FETCH {n} BODY[]")).await),
            16 if self.kind != Kind::Plain => {
                let since = self.highest.max(1);
                self.run(&format!("UID FETCH 1:* (FLAGS) (CHANGEDSINCE {since})")).await;
            }
            _ => drop(self.run("NOOP").await),
        }
        self.history.drain(..self.history.len().saturating_sub(200));
    }
}
