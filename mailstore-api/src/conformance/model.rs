//! Random steps on a store and on a model of it, with several views that follow by changes. What fails is cut down to
//! the fewest steps that still fail.

use std::collections::BTreeMap;

use super::{
    block_on,
    scene::{Folder, Scene, message, name, stage},
    view::View,
};
use crate::{
    Account, AnyAccount, AppendSpec, FlagOp, Flags, Mailbox, MailboxId, ModSeq, OpenMode, Replaces,
    SpecialUse, StatusItems, SystemFlags as F, Uid, UidSet, UidValidity,
};

pub(super) async fn one_mailbox(t: &Scene) {
    run(t, 1, &Plan { boxes: 1, views: 1, reopen: false });
}

pub(super) async fn one_mailbox_with_several_views(t: &Scene) {
    run(t, 1_000, &Plan { boxes: 1, views: 4, reopen: false });
}

pub(super) async fn several_mailboxes_with_several_views(t: &Scene) {
    run(t, 2_000, &Plan { boxes: 5, views: 4, reopen: false });
}

pub(super) async fn several_views_over_restarts(t: &Scene) {
    if t.reopen() {
        run(t, 3_000, &Plan { boxes: 3, views: 3, reopen: true });
    }
}

struct Plan {
    boxes: usize,
    views: usize,
    reopen: bool,
}

/// One step, not yet about anything: the numbers choose among what is there when it runs, so that a step keeps a
/// meaning when others before it are left out.
type Step = [u32; 5];

fn steps(seed: u64, count: usize) -> Vec<Step> {
    let mut x = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        (x >> 33) as u32
    };
    (0..count).map(|_| [next(), next(), next(), next(), next()]).collect()
}

fn run(t: &Scene, first_seed: u64, plan: &Plan) {
    for seed in first_seed..first_seed + u64::from(t.rounds(40)) {
        let mut failing = steps(seed, 80);
        let Err(mut why) = play(t, &failing, plan) else { continue };
        // Leave out ever smaller pieces as long as it still fails.
        let (mut size, mut tries) = (failing.len() / 2, 0);
        while size > 0 && tries < 300 {
            let mut at = 0;
            while at < failing.len() && tries < 300 {
                let mut fewer = failing.clone();
                fewer.drain(at..(at + size).min(failing.len()));
                tries += 1;
                match play(t, &fewer, plan) {
                    Err(shorter) => (failing, why) = (fewer, shorter),
                    Ok(()) => at += size,
                }
            }
            size /= 2;
        }
        panic!("seed {seed}, {} steps:\n{why}", failing.len());
    }
}

fn play(t: &Scene, steps: &[Step], plan: &Plan) -> Result<(), String> {
    t.fresh();
    block_on(async {
        let mut world = World::new(t, plan).await;
        for step in steps {
            if let Err(why) = world.step(*step).await {
                return Err(format!("{}\n=> {why}", world.log.join("\n")));
            }
        }
        world.check_all().await.map_err(|why| format!("{}\n=> {why}", world.log.join("\n")))
    })
}

struct Message {
    modseq: ModSeq,
    flags: Flags,
    octets: Vec<u8>,
}

struct Model {
    id: MailboxId,
    path: String,
    validity: UidValidity,
    uid_next: u32,
    at: ModSeq,
    messages: BTreeMap<Uid, Message>,
}

struct Session {
    id: MailboxId,
    folder: Folder,
    view: View,
}

struct World<'a> {
    t: &'a Scene,
    plan: &'a Plan,
    account: Option<AnyAccount>,
    boxes: Vec<Model>,
    sessions: Vec<Session>,
    log: Vec<String>,
    made: u32,
}

type Done = Result<(), String>;

macro_rules! ensure {
    ($test:expr, $($why:tt)*) => {
        if !$test {
            return Err(format!($($why)*));
        }
    };
}

const FLAGS: [F; 5] = [F::SEEN, F::ANSWERED, F::FLAGGED, F::DELETED, F::DRAFT];
const WORDS: [&str; 3] = ["$Forwarded", "work", "x"];

fn flags(bits: u32) -> Flags {
    let mut flags = Flags::default();
    for (n, flag) in FLAGS.into_iter().enumerate() {
        if bits & 1 << n != 0 {
            flags.system |= flag;
        }
    }
    for (n, word) in WORDS.into_iter().enumerate() {
        if bits & 1 << (n + 8) != 0 {
            flags.keywords.push(if bits & 1 << 20 == 0 { word.to_owned() } else { word.to_uppercase() });
        }
    }
    flags
}

impl<'a> World<'a> {
    async fn new(t: &'a Scene, plan: &'a Plan) -> Self {
        let inbox = t.inbox().await;
        let boxes = vec![Model {
            id: inbox.id.clone(),
            path: "INBOX".into(),
            validity: inbox.snapshot.uid_validity,
            uid_next: inbox.snapshot.uid_next,
            at: inbox.snapshot.at,
            messages: BTreeMap::new(),
        }];
        let account = Some(t.anna().await);
        Self { t, plan, account, boxes, sessions: Vec::new(), log: Vec::new(), made: 0 }
    }

    fn account(&self) -> &AnyAccount {
        self.account.as_ref().unwrap()
    }

    async fn folder(&self, n: usize) -> Folder {
        let (snapshot, mailbox) = self.account().open(&self.boxes[n].id, OpenMode::Select).await.unwrap();
        Folder { account: self.t.anna().await, id: self.boxes[n].id.clone(), mailbox, snapshot }
    }

    /// Some of a mailbox's messages, and now and then one that is not there.
    fn some(&self, n: usize, bits: u32) -> UidSet {
        let mut set: UidSet = (self.boxes[n].messages.keys().enumerate())
            .filter(|(n, _)| bits.rotate_right(*n as u32) & 3 == 0)
            .map(|(_, uid)| *uid)
            .collect();
        if bits & 0x700 == 0 {
            set.insert(super::scene::uid(1 + bits % 30));
        }
        if bits & 0xf000 == 0 { UidSet::all() } else { set }
    }

    fn present(&self, n: usize, set: &UidSet) -> Vec<Uid> {
        self.boxes[n].messages.keys().copied().filter(|uid| set.contains(*uid)).collect()
    }

    async fn step(&mut self, [what, a, b, c, d]: Step) -> Done {
        let (x, y) = (a as usize % self.boxes.len(), b as usize % self.boxes.len());
        match what % 24 {
            0..=4 => self.append(x, 1 + b % 3, c, None).await?,
            5..=8 => self.flag(x, b, c, d).await?,
            9 | 10 => self.expunge(x, b, c).await?,
            11 => self.transfer(x, y, c, false).await?,
            12 | 13 => self.transfer(x, y, c, true).await?,
            14 => self.create().await?,
            15 => self.delete(x).await?,
            16 => self.rename(x).await?,
            17 => {
                let victim = self.boxes[y].messages.keys().copied().nth(c as usize % 5);
                let Some(uid) = victim else { return Ok(()) };
                self.append(x, 1, d, Some((y, uid))).await?;
            }
            18 | 19 => self.open(x).await?,
            20 if self.plan.reopen && b % 3 == 0 => self.reopen().await?,
            _ => self.pull(a, [1, 2, 5, 1000][b as usize % 4]).await?,
        }
        self.check(x).await?;
        if y < self.boxes.len() { self.check(y).await } else { Ok(()) }
    }

    async fn append(&mut self, n: usize, count: u32, bits: u32, old: Option<(usize, Uid)>) -> Done {
        self.log.push(format!("append {count} to {} replacing {:?}", self.boxes[n].path, old));
        let mut staged = Vec::new();
        let mut new = Vec::new();
        for i in 0..count {
            self.made += 1;
            let (octets, flags) = (message(self.made), flags(bits.rotate_left(i)));
            let spec = AppendSpec { flags: flags.clone(), ..AppendSpec::default() };
            staged.push(stage(self.account(), &self.boxes[n].id, spec, &octets).await);
            new.push((octets, flags));
        }
        let replaces = old.map(|(m, uid)| Replaces { mailbox: self.boxes[m].id.clone(), uid });
        let outcome = self.account().commit(&self.boxes[n].id, staged, replaces).await;
        let outcome = outcome.map_err(|e| format!("commit: {e}"))?;
        let model = &mut self.boxes[n];
        ensure!(outcome.uids.len() == count as usize, "{:?} for {count} messages", outcome.uids);
        ensure!(outcome.uids[0].get() >= model.uid_next, "{} below {}", outcome.uids[0], model.uid_next);
        ensure!(outcome.uids.windows(2).all(|w| w[0].get() + 1 == w[1].get()), "{:?}", outcome.uids);
        ensure!(outcome.at > model.at, "modseq {:?} after {:?}", outcome.at, model.at);
        for (uid, (octets, flags)) in outcome.uids.iter().zip(new) {
            model.messages.insert(*uid, Message { modseq: ModSeq(0), flags, octets });
        }
        model.uid_next = outcome.uids[count as usize - 1].get() + 1;
        if let Some((m, uid)) = old {
            self.boxes[m].messages.remove(&uid);
            if m != n {
                self.learn(m).await?;
            }
        }
        self.learn(n).await
    }

    /// Takes over what the store alone decides (the new modseqs), after checking that it may be.
    async fn learn(&mut self, n: usize) -> Done {
        let folder = self.folder(n).await;
        let model = &mut self.boxes[n];
        let c = folder.since(model.at).await;
        for change in &c.changed {
            let Some(m) = model.messages.get_mut(&change.uid) else {
                return Err(format!("{} is in the changes of {}", change.uid, model.path));
            };
            ensure!(m.flags.same_as(&change.flags), "{}: {:?}, not {:?}", change.uid, change.flags, m.flags);
            m.modseq = change.modseq;
        }
        ensure!(c.upto >= model.at, "cursor {:?} after {:?}", c.upto, model.at);
        model.at = c.upto;
        let zero = model.messages.iter().find(|(_, m)| m.modseq == ModSeq(0));
        ensure!(zero.is_none(), "{:?} is new and not in the changes", zero.map(|z| z.0));
        Ok(())
    }

    async fn flag(&mut self, n: usize, bits: u32, which: u32, since: u32) -> Done {
        let set = self.some(n, bits);
        let op = [FlagOp::Add, FlagOp::Remove, FlagOp::Replace][which as usize % 3];
        let flags = flags(which.rotate_right(7));
        let unchanged = match since % 3 {
            0 => self.boxes[n].messages.values().map(|m| m.modseq).nth(since as usize % 7),
            _ => None,
        };
        self.log.push(format!(
            "{op:?} {flags:?} on {:?} of {} unchanged since {unchanged:?}",
            set.ranges(),
            self.boxes[n].path
        ));
        let folder = self.folder(n).await;
        let outcome =
            folder.mailbox.set_flags(&set, op, &flags, unchanged).await.map_err(|e| e.to_string())?;
        let present = self.present(n, &set);
        let model = &mut self.boxes[n];
        let conflicts = |uid: &Uid| unchanged.is_some_and(|since| model.messages[uid].modseq > since);
        let conflicted: UidSet = present.iter().copied().filter(conflicts).collect();
        ensure!(outcome.conflicted == conflicted, "conflicts {:?}, not {conflicted:?}", outcome.conflicted);
        let touched: Vec<Uid> = present.into_iter().filter(|uid| !conflicted.contains(*uid)).collect();
        let told: Vec<Uid> = outcome.changed.iter().map(|c| c.uid).collect();
        ensure!(told == touched, "the outcome lists {told:?}, not {touched:?}");
        let mut any = false;
        for change in &outcome.changed {
            let Some(m) = model.messages.get_mut(&change.uid) else { continue };
            let before = m.flags.clone();
            match op {
                FlagOp::Add => _ = m.flags.add(&flags),
                FlagOp::Remove => _ = m.flags.remove(&flags),
                FlagOp::Replace => m.flags = flags.clone(),
            }
            ensure!(m.flags.same_as(&change.flags), "{}: {:?}, not {:?}", change.uid, change.flags, m.flags);
            if m.flags.same_as(&before) {
                ensure!(change.modseq == m.modseq, "{} did not change, and {change:?}", change.uid);
            } else {
                ensure!(change.modseq > model.at, "{change:?} is not after {:?}", model.at);
                any = true;
            }
        }
        ensure!(any == (outcome.at > model.at), "at {:?} after {:?}, changed: {any}", outcome.at, model.at);
        self.learn(n).await
    }

    async fn expunge(&mut self, n: usize, bits: u32, which: u32) -> Done {
        let set = (!which.is_multiple_of(3)).then(|| self.some(n, bits));
        let only_deleted = which.is_multiple_of(2);
        self.log.push(format!("expunge {set:?} of {} only deleted: {only_deleted}", self.boxes[n].path));
        let folder = self.folder(n).await;
        let outcome = folder.mailbox.expunge(set.as_ref(), only_deleted).await.map_err(|e| e.to_string())?;
        let model = &mut self.boxes[n];
        let goes = |uid: &Uid, m: &Message| {
            set.as_ref().is_none_or(|s| s.contains(*uid))
                && (!only_deleted || m.flags.system.contains(F::DELETED))
        };
        let gone: UidSet = model.messages.iter().filter(|(u, m)| goes(u, m)).map(|(u, _)| *u).collect();
        ensure!(outcome.vanished == gone, "{:?} vanished, not {gone:?}", outcome.vanished);
        ensure!(gone.is_empty() == (outcome.at == model.at), "at {:?} after {:?}", outcome.at, model.at);
        model.messages.retain(|uid, _| !gone.contains(*uid));
        self.learn(n).await
    }

    async fn transfer(&mut self, from: usize, to: usize, bits: u32, moves: bool) -> Done {
        let set = self.some(from, bits);
        let (a, b) = (&self.boxes[from], &self.boxes[to]);
        self.log.push(format!(
            "{} {:?} of {} to {}",
            if moves { "move" } else { "copy" },
            set.ranges(),
            a.path,
            b.path
        ));
        let outcome = match moves {
            true => self.account().relocate(&a.id, &set, &b.id).await,
            false => self.account().copy(&a.id, &set, &b.id).await,
        };
        let outcome = outcome.map_err(|e| e.to_string())?;
        ensure!(outcome.dest_validity == b.validity, "validity {:?}", outcome.dest_validity);
        let sources: Vec<Uid> = outcome.pairs.iter().map(|p| p.0).collect();
        ensure!(sources == self.present(from, &set), "{sources:?}, not {:?}", self.present(from, &set));
        for (source, new) in &outcome.pairs {
            ensure!(new.get() >= self.boxes[to].uid_next, "{new} was given before");
            self.boxes[to].uid_next = new.get() + 1;
            let Some(m) = self.boxes[from].messages.get(source) else { continue };
            let copy = Message { modseq: ModSeq(0), flags: m.flags.clone(), octets: m.octets.clone() };
            self.boxes[to].messages.insert(*new, copy);
            if moves {
                self.boxes[from].messages.remove(source);
            }
        }
        self.learn(to).await?;
        self.learn(from).await
    }

    async fn create(&mut self) -> Done {
        if self.boxes.len() >= self.plan.boxes {
            return Ok(());
        }
        self.made += 1;
        let path = format!("box{}", self.made);
        self.log.push(format!("create {path}"));
        let id = self.account().create(&name(&path), SpecialUse::NONE).await.map_err(|e| e.to_string())?;
        let s = self.account().open(&id, OpenMode::Examine).await.map_err(|e| e.to_string())?.0;
        ensure!(s.uids.is_empty(), "a new mailbox holds {:?}", s.uids);
        ensure!(self.boxes.iter().all(|b| b.id != id), "{id:?} was given before");
        let (validity, uid_next, at) = (s.uid_validity, s.uid_next, s.at);
        self.boxes.push(Model { id, path, validity, uid_next, at, messages: BTreeMap::new() });
        Ok(())
    }

    async fn delete(&mut self, n: usize) -> Done {
        if n == 0 {
            return Ok(());
        }
        self.log.push(format!("delete {}", self.boxes[n].path));
        self.account().delete(&self.boxes[n].id).await.map_err(|e| e.to_string())?;
        let gone = self.boxes.remove(n);
        for session in self.sessions.extract_if(.., |s| s.id == gone.id) {
            ensure!(session.folder.mailbox.snapshot().await.is_err(), "{} is deleted and answers", gone.path);
        }
        Ok(())
    }

    async fn rename(&mut self, n: usize) -> Done {
        if n == 0 {
            return Ok(());
        }
        self.made += 1;
        let path = format!("renamed{}", self.made);
        self.log.push(format!("rename {} to {path}", self.boxes[n].path));
        self.account().rename(&self.boxes[n].id, &name(&path)).await.map_err(|e| e.to_string())?;
        self.boxes[n].path = path;
        Ok(())
    }

    async fn open(&mut self, n: usize) -> Done {
        if self.sessions.len() >= self.plan.views {
            self.sessions.remove(0);
        }
        self.log.push(format!("open {}", self.boxes[n].path));
        let folder = self.folder(n).await;
        let view = View::open(&folder).await;
        self.sessions.push(Session { id: folder.id.clone(), folder, view });
        let last = self.sessions.len() - 1;
        self.compare(last)
    }

    async fn pull(&mut self, which: u32, limit: usize) -> Done {
        if self.sessions.is_empty() {
            return Ok(());
        }
        let n = which as usize % self.sessions.len();
        self.log.push(format!("pull session {n} by {limit}"));
        let session = &mut self.sessions[n];
        session.view.pull(&session.folder, limit).await?;
        self.compare(n)
    }

    /// A view that has just pulled holds what the model holds.
    fn compare(&self, n: usize) -> Done {
        let session = &self.sessions[n];
        let Some(model) = self.boxes.iter().find(|b| b.id == session.id) else { return Ok(()) };
        let uids: Vec<Uid> = session.view.messages.keys().copied().collect();
        let truth: Vec<Uid> = model.messages.keys().copied().collect();
        ensure!(uids == truth, "session {n} sees {uids:?}, there are {truth:?}");
        for ((uid, (modseq, flags)), m) in session.view.messages.iter().zip(model.messages.values()) {
            ensure!(
                *modseq == m.modseq && flags.same_as(&m.flags),
                "session {n} sees {uid} as {modseq:?} {flags:?}, it is {:?} {:?}",
                m.modseq,
                m.flags
            );
        }
        Ok(())
    }

    async fn reopen(&mut self) -> Done {
        self.log.push("restart".into());
        self.account = None;
        let mut views: Vec<(MailboxId, View)> = Vec::new();
        for session in self.sessions.drain(..) {
            views.push((session.id, session.view));
        }
        self.t.reopen();
        self.account = Some(self.t.anna().await);
        for (id, view) in views {
            // The client reconnects with what it knows, and goes on from its cursor (QRESYNC).
            if let Some(n) = self.boxes.iter().position(|b| b.id == id) {
                let folder = self.folder(n).await;
                self.sessions.push(Session { id, folder, view });
            }
        }
        Ok(())
    }

    /// What the store says of a mailbox is what the model holds.
    async fn check(&self, n: usize) -> Done {
        let Some(model) = self.boxes.get(n) else { return Ok(()) };
        let folder = self.folder(n).await;
        let s = &folder.snapshot;
        let uids: Vec<Uid> = model.messages.keys().copied().collect();
        ensure!(s.uids == uids, "{} holds {:?}, not {uids:?}", model.path, s.uids);
        ensure!(s.at == model.at && s.uid_validity == model.validity, "{s:?} and {:?}", model.at);
        ensure!(s.uid_next >= model.uid_next, "uid_next {} fell below {}", s.uid_next, model.uid_next);
        let unseen = model.messages.iter().filter(|(_, m)| !m.flags.system.contains(F::SEEN));
        ensure!(s.first_unseen == unseen.clone().next().map(|m| *m.0), "first unseen {:?}", s.first_unseen);
        let all = StatusItems::from_bits(u32::MAX);
        let status = self.account().status(std::slice::from_ref(&model.id), all).await;
        let status = status.map_err(|e| e.to_string())?.pop().ok_or("no status")?;
        ensure!(status.messages as usize == uids.len(), "{status:?} for {} messages", uids.len());
        ensure!(status.unseen as usize == unseen.count(), "{status:?}");
        let size: usize = model.messages.values().map(|m| m.octets.len()).sum();
        ensure!(
            status.size == size as u64 && status.highest_modseq == model.at,
            "{status:?} for {size} octets"
        );
        Ok(())
    }

    async fn check_all(&mut self) -> Done {
        for n in 0..self.sessions.len() as u32 {
            self.pull(n, 3).await?;
        }
        let mut listed: Vec<_> = self.account().list().await.map_err(|e| e.to_string())?;
        listed.retain(|m| m.selectable);
        ensure!(listed.len() == self.boxes.len(), "{} mailboxes, not {}", listed.len(), self.boxes.len());
        for n in 0..self.boxes.len() {
            self.check(n).await?;
            let folder = self.folder(n).await;
            let model = &self.boxes[n];
            ensure!(listed.iter().any(|m| m.name == name(&model.path)), "{} is not listed", model.path);
            for (uid, m) in &model.messages {
                ensure!(folder.read(*uid).await == m.octets, "{uid} of {} has other octets", model.path);
            }
        }
        Ok(())
    }
}
