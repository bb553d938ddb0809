//! What the parent kills. Each line is written when the call it tells of has returned; lines in the progressive
//! ("expunging", "making") are written before.

use std::{
    io::Write,
    num::NonZeroU32,
    path::Path,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use mailstore_api::{
    Account, AppendSpec, FlagOp, Flags, MailStore, Mailbox, MailboxId, ModSeq, OpenMode, SpecialUse, Staged,
    SystemFlags, Uid, UidSet, UidValidity,
};
use mailstore_sqlite::{RestoredFrom, RestoredMailbox, RestoredMessage, SqliteAccount, SqliteStore};

use crate::{
    common::{append, block_on, message},
    id_of, named, options,
};

#[derive(Clone)]
struct Worker {
    account: SqliteAccount,
    round: String,
    out: Arc<Mutex<std::io::Stdout>>,
}

pub(crate) fn run(dir: &Path, round: &str) {
    // A thread that fails must not go unseen: the parent expects to be the one who ends this.
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        usual(panic);
        std::process::exit(3);
    }));
    let store = SqliteStore::open(dir, options()).unwrap();
    let account = block_on(store.open_account("anna")).unwrap();
    let out = Arc::new(Mutex::new(std::io::stdout()));
    let worker = Worker { account, round: round.to_owned(), out };
    worker.say("ready");
    let works: [fn(&Worker, usize); 9] = [
        |w, n| w.append(n),
        |w, n| w.append(n),
        |w, _| w.append_many(),
        |w, _| w.wander(),
        |w, _| w.flag(),
        |w, _| w.expunge(),
        |w, _| w.make_and_rename(),
        |w, _| w.one_name_again_and_again(),
        |w, _| w.restore(),
    ];
    thread::scope(|s| {
        for (n, work) in works.into_iter().enumerate() {
            let worker = worker.clone();
            s.spawn(move || work(&worker, n));
        }
        s.spawn(|| worker.look());
        s.spawn(|| {
            loop {
                store.vacuum(&mut |_| {}).unwrap();
                thread::sleep(Duration::from_millis(5));
            }
        });
    });
}

impl Worker {
    fn say(&self, line: &str) {
        let mut out = self.out.lock().unwrap();
        writeln!(out, "{line}").unwrap();
        out.flush().unwrap();
    }

    fn id(&self, name: &str) -> MailboxId {
        id_of(&self.account, name).unwrap()
    }

    /// Messages small and big, for ever.
    fn append(&self, n: usize) {
        let id = self.id("INBOX");
        for i in 0.. {
            let name = format!("{}.{n}.{i}", self.round);
            let done = block_on(append(&self.account, &id, &message(&name))).unwrap();
            self.say(&format!("appended INBOX {} {} {name}", done.uids[0], done.at.0));
        }
    }

    /// Three at once: all or none.
    fn append_many(&self) {
        let id = self.id("Many");
        for i in 0.. {
            let name = format!("{}.m.{i}", self.round);
            let done = block_on(async {
                let mut staged = Vec::new();
                for part in 0..3 {
                    let mut one = self.account.stage(&id, AppendSpec::default()).await.unwrap();
                    one.write(&message(&format!("{name}.{part}"))).await.unwrap();
                    one.finish().await.unwrap();
                    staged.push(one);
                }
                self.account.commit(&id, staged, None).await.unwrap()
            });
            for (part, uid) in done.uids.iter().enumerate() {
                self.say(&format!("appended Many {uid} {} {name}.{part}", done.at.0));
            }
        }
    }

    /// Messages that move from one mailbox to another and back, and whose copies are flagged and expunged.
    fn wander(&self) {
        let (here, there, bin) = (self.id("Here"), self.id("There"), self.id("Bin"));
        for i in 0.. {
            let name = format!("{}.w.{i}", self.round);
            block_on(async {
                append(&self.account, &here, &message(&name)).await.unwrap();
                self.say(&format!("wanders {name}"));
                let (mut from, mut to) = (&here, &there);
                for _ in 0..3 {
                    self.account.relocate(from, &UidSet::all(), to).await.unwrap();
                    std::mem::swap(&mut from, &mut to);
                }
                self.account.copy(from, &UidSet::all(), &bin).await.unwrap();
                let (_, mailbox) = self.account.open(&bin, OpenMode::Select).await.unwrap();
                let deleted = Flags::system(SystemFlags::DELETED);
                mailbox.set_flags(&UidSet::all(), FlagOp::Add, &deleted, None).await.unwrap();
                mailbox.expunge(None, true).await.unwrap();
            });
        }
    }

    /// A number in the flags of all messages.
    fn flag(&self) {
        let (_, mailbox) = block_on(self.account.open(&self.id("Flags"), OpenMode::Select)).unwrap();
        for i in 0_u8.. {
            let flags = Flags::system(SystemFlags::from_bits(i % 32));
            self.say(&format!("flagging {}", i % 32));
            let done = block_on(mailbox.set_flags(&UidSet::all(), FlagOp::Replace, &flags, None)).unwrap();
            let at = done.changed.iter().map(|c| c.modseq.0).max().unwrap_or(0);
            self.say(&format!("flagged {} {at}", i % 32));
            if i == 255 {
                return;
            }
        }
    }

    fn expunge(&self) {
        let id = self.id("Box");
        let (_, mailbox) = block_on(self.account.open(&id, OpenMode::Select)).unwrap();
        for i in 0.. {
            let name = format!("{}.b.{i}", self.round);
            let done = block_on(append(&self.account, &id, &message(&name))).unwrap();
            let uid = done.uids[0];
            self.say(&format!("appended Box {uid} {} {name}", done.at.0));
            if i % 4 != 0 {
                self.say(&format!("expunging {uid}"));
                let done = block_on(mailbox.expunge(Some(&UidSet::from(uid)), false)).unwrap();
                self.say(&format!("expunged {uid} {}", done.at.0));
            }
        }
    }

    /// Mailboxes that are made, get a message, a new name, and mostly go again.
    fn make_and_rename(&self) {
        for i in 0.. {
            let (old, new) = (format!("made {}-{i}", self.round), format!("renamed {}-{i}", self.round));
            let key = format!("{}-{i}", self.round);
            self.say(&format!("making {key}"));
            let id = block_on(self.account.create(&named(&old), SpecialUse::NONE)).unwrap();
            self.say(&format!("made {key}"));
            block_on(append(&self.account, &id, &message(&key))).unwrap();
            self.say(&format!("filled {key}"));
            block_on(self.account.rename(&id, &named(&new))).unwrap();
            self.say(&format!("renamed {key}"));
            if i % 8 != 0 {
                self.say(&format!("deleting {key}"));
                block_on(self.account.delete(&id)).unwrap();
                self.say(&format!("deleted {key}"));
            }
        }
    }

    /// Each time another mailbox, although of the same name.
    fn one_name_again_and_again(&self) {
        if let Some(id) = id_of(&self.account, "Same") {
            block_on(self.account.delete(&id)).unwrap();
        }
        loop {
            let id = block_on(self.account.create(&named("Same"), SpecialUse::NONE)).unwrap();
            let done = block_on(append(&self.account, &id, &message("same"))).unwrap();
            self.say(&format!("same {}", done.uid_validity.0));
            block_on(self.account.delete(&id)).unwrap();
        }
    }

    /// What an import does: a mailbox that nobody sees before all of it is there.
    fn restore(&self) {
        for i in 0.. {
            let key = format!("{}x{i}", self.round);
            self.say(&format!("restoring {key}"));
            block_on(async {
                let restore = self.account.restore(&key).unwrap();
                let mailbox = RestoredMailbox {
                    name: named(&format!("back {key}")),
                    special_use: SpecialUse::NONE,
                    uid_validity: UidValidity(NonZeroU32::MIN),
                    uid_next: 100,
                    highest_modseq: ModSeq(50),
                };
                let id = restore.mailbox(&mailbox).await.unwrap();
                for uid in [10, 20, 30] {
                    let mut staged = restore.stage(AppendSpec::default()).unwrap();
                    staged.write(&message(&format!("{key}.{uid}"))).await.unwrap();
                    staged.finish().await.unwrap();
                    let message = RestoredMessage {
                        uid: Uid::new(uid).unwrap(),
                        modseq: ModSeq(u64::from(uid)),
                        save_date: None,
                        pop3_uidl: None,
                        thread_id: None,
                        from: RestoredFrom::Staged(Box::new(staged)),
                    };
                    restore.put(&id, vec![message]).await.unwrap();
                }
                restore.publish().await.unwrap();
            });
            self.say(&format!("restored {key}"));
        }
    }

    /// What a session sees before it is acknowledged to another has to be durable as well.
    fn look(&self) {
        let (snapshot, mailbox) = block_on(self.account.open(&self.id("INBOX"), OpenMode::Examine)).unwrap();
        let mut at = snapshot.at;
        loop {
            let changes = block_on(mailbox.changes(at, 1000)).unwrap();
            if changes.upto != at {
                self.say(&format!("saw INBOX {} {}", changes.uid_next - 1, changes.upto.0));
            }
            at = changes.upto;
            thread::yield_now();
        }
    }
}
