//! What the parent was told, and what must therefore be in the store.

use std::collections::{BTreeMap, BTreeSet};

use mailstore_api::{Account, Mailbox, MetaItems, OpenMode, UidSet};
use mailstore_sqlite::SqliteAccount;

use crate::{
    FLAGGED,
    common::{append, block_on, message, names},
    id_of,
};

/// How far a mailbox had come on its way.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Stage {
    Making,
    Made,
    Filled,
    Renamed,
    Deleting,
    Deleted,
}

#[derive(Default)]
pub(crate) struct Ledger {
    /// By mailbox: its messages by UID.
    appended: BTreeMap<String, BTreeMap<u32, String>>,
    /// By mailbox: the highest UID and modseq anybody was told of.
    highest: BTreeMap<String, (u32, u64)>,
    expunging: BTreeSet<u32>,
    expunged: BTreeSet<u32>,
    wandering: BTreeSet<String>,
    /// The number in all flags: acknowledged, and begun.
    flagged: (u8, u8),
    mailboxes: BTreeMap<String, Stage>,
    /// Restored mailboxes, and whether that was acknowledged.
    restored: BTreeMap<String, bool>,
    validities: BTreeSet<u32>,
    same: usize,
    restorations: usize,
}

impl Ledger {
    pub(crate) fn told(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        let number = |n: usize| words[n].parse().unwrap();
        match words[0] {
            "appended" => {
                self.seen(words[1], number(2), words[3].parse().unwrap());
                let all = self.appended.entry(words[1].to_owned()).or_default();
                let before = all.insert(number(2), words[4].to_owned());
                assert_eq!(before, None, "UID {} was given twice", words[2]);
            }
            "saw" => self.seen(words[1], number(2), words[3].parse().unwrap()),
            "wanders" => assert!(self.wandering.insert(words[1].to_owned())),
            "flagging" => self.flagged.1 = words[1].parse().unwrap(),
            "flagged" => {
                self.flagged.0 = words[1].parse().unwrap();
                self.seen("Flags", 0, words[2].parse().unwrap());
            }
            "expunging" => _ = self.expunging.insert(number(1)),
            "expunged" => {
                self.expunged.insert(number(1));
                self.seen("Box", 0, words[2].parse().unwrap());
            }
            "same" => {
                self.same += 1;
                assert!(self.validities.insert(number(1)), "a UIDVALIDITY was given twice");
            }
            "restoring" => _ = self.restored.insert(words[1].to_owned(), false),
            "restored" => _ = self.restored.insert(words[1].to_owned(), true),
            "making" => self.stage(words[1], Stage::Making),
            "made" => self.stage(words[1], Stage::Made),
            "filled" => self.stage(words[1], Stage::Filled),
            "renamed" => self.stage(words[1], Stage::Renamed),
            "deleting" => self.stage(words[1], Stage::Deleting),
            "deleted" => self.stage(words[1], Stage::Deleted),
            _ => {}
        }
    }

    fn stage(&mut self, key: &str, stage: Stage) {
        self.mailboxes.insert(key.to_owned(), stage);
    }

    fn seen(&mut self, mailbox: &str, uid: u32, modseq: u64) {
        let highest = self.highest.entry(mailbox.to_owned()).or_default();
        *highest = (highest.0.max(uid), highest.1.max(modseq));
    }

    pub(crate) fn verify(&mut self, account: &SqliteAccount) {
        self.numbers(account);
        let inbox = self.appended(account, "INBOX");
        let many = self.appended(account, "Many");
        let mut groups: BTreeMap<&str, Vec<(u32, &str)>> = BTreeMap::new();
        for (uid, name) in &many {
            let Some((group, part)) = name.rsplit_once('.') else { continue };
            groups.entry(group).or_default().push((*uid, part));
        }
        for (group, parts) in groups.iter().filter(|(group, _)| !group.starts_with("afterwards")) {
            let first = parts[0].0;
            assert_eq!(*parts, [(first, "0"), (first + 1, "1"), (first + 2, "2")], "{group} is not whole");
        }
        let mut boxed = self.found(account, "Box");
        for (uid, name) in self.appended.get("Box").into_iter().flatten() {
            match boxed.get(uid) {
                Some(found) => assert!(found == name && !self.expunged.contains(uid), "UID {uid} is back"),
                None => assert!(self.expunging.contains(uid), "UID {uid} is lost"),
            }
        }
        boxed.retain(|uid, _| !self.expunged.contains(uid));
        self.appended.extend([
            ("INBOX".to_owned(), inbox),
            ("Many".to_owned(), many),
            ("Box".to_owned(), boxed),
        ]);
        self.wanderers(account);
        self.flags(account);
        self.hierarchy(account);
        self.restored(account);
    }

    /// Wholly there, or not at all.
    fn restored(&mut self, account: &SqliteAccount) {
        for (key, told) in std::mem::take(&mut self.restored) {
            let id = id_of(account, &format!("back {key}"));
            assert!(id.is_some() || !told, "{key} was restored, and is lost");
            let Some(id) = id else { continue };
            let (snapshot, found) = block_on(names(account, &id));
            assert_eq!(snapshot.uid_next, 100);
            assert_eq!(found, [10, 20, 30].map(|uid| (uid, format!("{key}.{uid}"))).into());
            block_on(account.delete(&id)).unwrap();
            self.restorations += 1;
        }
        block_on(account.abandon_restores()).unwrap();
    }

    fn found(&self, account: &SqliteAccount, mailbox: &str) -> BTreeMap<u32, String> {
        // Each is read, and compared with what it was made from.
        block_on(names(account, &id_of(account, mailbox).unwrap())).1
    }

    /// What was acknowledged is there. What was not may be: once, and whole.
    fn appended(&self, account: &SqliteAccount, mailbox: &str) -> BTreeMap<u32, String> {
        let found = self.found(account, mailbox);
        for (uid, name) in self.appended.get(mailbox).into_iter().flatten() {
            assert_eq!(found.get(uid), Some(name), "UID {uid} of {mailbox}");
        }
        assert_eq!(found.values().collect::<BTreeSet<_>>().len(), found.len(), "a message is there twice");
        found
    }

    /// UIDs and modseqs go on above all that anybody was told of, and above what is there.
    fn numbers(&mut self, account: &SqliteAccount) {
        for mailbox in ["INBOX", "Many", "Here", "Box", "Flags"] {
            let id = id_of(account, mailbox).unwrap();
            let (snapshot, _) = block_on(account.open(&id, OpenMode::Examine)).unwrap();
            let (uid, modseq) = self.highest.get(mailbox).copied().unwrap_or_default();
            assert!(snapshot.uid_next > uid && snapshot.at.0 >= modseq, "{mailbox} has gone back");
            let validity = snapshot.uid_validity;
            if mailbox != "Flags" && mailbox != "Here" {
                let name = format!("afterwards.{mailbox}.{}", snapshot.uid_next);
                let done = block_on(append(account, &id, &message(&name))).unwrap();
                assert!(done.uids[0].get() >= snapshot.uid_next && done.at > snapshot.at);
                assert_eq!(done.uid_validity, validity);
                self.told(&format!("appended {mailbox} {} {} {name}", done.uids[0], done.at.0));
            }
        }
    }

    fn wanderers(&mut self, account: &SqliteAccount) {
        let places: Vec<String> =
            ["Here", "There"].iter().flat_map(|m| self.found(account, m).into_values()).collect();
        let once: BTreeSet<String> = places.iter().cloned().collect();
        assert_eq!(once.len(), places.len(), "a message is in two places");
        assert!(once.is_superset(&self.wandering), "a message is in no place");
        self.wandering = once;
    }

    fn flags(&mut self, account: &SqliteAccount) {
        let id = id_of(account, "Flags").unwrap();
        let (_, mailbox) = block_on(account.open(&id, OpenMode::Examine)).unwrap();
        let batch = block_on(mailbox.meta(&UidSet::all(), MetaItems::FLAGS, None, 1000)).unwrap();
        assert_eq!(batch.items.len(), FLAGGED);
        let all: BTreeSet<u8> = batch.items.iter().map(|m| m.flags.system.bits()).collect();
        let now = all.first().copied().unwrap();
        assert!(all.len() == 1, "flags are half changed: {all:?}");
        assert!(now == self.flagged.0 || now == self.flagged.1, "{now}, told {:?}", self.flagged);
        self.flagged = (now, now);
    }

    fn hierarchy(&mut self, account: &SqliteAccount) {
        for (key, stage) in &mut self.mailboxes {
            let [old, new] = [format!("made {key}"), format!("renamed {key}")].map(|n| id_of(account, &n));
            let allowed = match stage {
                Stage::Making => new.is_none(),
                Stage::Made => old.is_some() && new.is_none(),
                Stage::Filled => old.is_some() != new.is_some(),
                Stage::Renamed => old.is_none() && new.is_some(),
                Stage::Deleting => old.is_none(),
                Stage::Deleted => old.is_none() && new.is_none(),
            };
            assert!(allowed, "{key} was {stage:?}: {old:?}, {new:?}");
            let there = if matches!(stage, Stage::Filled | Stage::Renamed | Stage::Deleting) { 1 } else { 0 };
            let Some(id) = new.as_ref().or(old.as_ref()) else { continue };
            let found = block_on(names(account, id)).1;
            assert!(found.len() >= there && found.values().all(|name| name == key), "{key}: {found:?}");
            if new.is_some() {
                *stage = Stage::Renamed;
            }
        }
        // Never touched again, unless it stands with its new name.
        self.mailboxes.retain(|_, stage| *stage == Stage::Renamed);
        if let Some(id) = id_of(account, "Same") {
            let (snapshot, _) = block_on(account.open(&id, OpenMode::Examine)).unwrap();
            let last = self.validities.last().copied().unwrap_or(0);
            assert!(snapshot.uid_validity.0.get() >= last);
        }
    }

    pub(crate) fn summary(&self) -> String {
        let counts: Vec<String> =
            self.appended.iter().map(|(m, all)| format!("{} in {m}", all.len())).collect();
        format!(
            "{}; {} wandering, {} expunged, {} mailboxes stayed, {} of one name made, {} restored",
            counts.join(", "),
            self.wandering.len(),
            self.expunged.len(),
            self.mailboxes.len(),
            self.same,
            self.restorations
        )
    }

    /// Whether enough was done to be killed in.
    pub(crate) fn is_worth_it(&self) -> bool {
        let appended: usize = self.appended.values().map(BTreeMap::len).sum();
        appended > 50 && !self.wandering.is_empty() && !self.expunged.is_empty() && self.same > 0
    }
}
