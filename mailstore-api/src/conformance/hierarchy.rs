use std::{collections::BTreeSet, thread};

use super::{
    block_on,
    scene::{Scene, find, kind, message, name},
};
use crate::{Account, ErrorKind, MailStore, Mailbox, MailboxId, ModSeq, OpenMode, SpecialUse, StatusItems};

async fn validity(scene: &Scene, id: &MailboxId) -> u32 {
    let anna = scene.anna().await;
    anna.status(std::slice::from_ref(id), StatusItems::NONE).await.unwrap()[0].uid_validity.get()
}

async fn paths(scene: &Scene) -> Vec<String> {
    let mut all: Vec<_> =
        scene.anna().await.list().await.unwrap().iter().map(|m| m.name.to_string()).collect();
    all.sort();
    all
}

pub(super) async fn inbox_is_there_from_the_start(t: &Scene) {
    assert_eq!(paths(t).await, ["INBOX"]);
    let inbox = find(&t.anna().await, "INBOX").await.unwrap();
    assert!(inbox.selectable && inbox.id.is_some());
}

pub(super) async fn an_unknown_account_is_not_found(t: &Scene) {
    assert_eq!(kind(t.store().open_account("nobody").await), Err(ErrorKind::NotFound));
}

pub(super) async fn an_account_is_not_found_by_a_part_of_its_name(t: &Scene) {
    for who in ["", "ann", "anna ", "anna/", "%", "Bert\0"] {
        assert_eq!(kind(t.store().open_account(who).await), Err(ErrorKind::NotFound), "{who:?}");
    }
}

pub(super) async fn accounts_do_not_see_each_other(t: &Scene) {
    t.folder("Private").await.append(&message(1)).await;
    let bert = t.account("bert").await;
    assert!(find(&bert, "Private").await.is_none());
    let inbox = find(&bert, "INBOX").await.unwrap().id.unwrap();
    assert_eq!(bert.status(&[inbox], StatusItems::MESSAGES).await.unwrap()[0].messages, 0);
}

pub(super) async fn a_mailbox_of_another_account_cannot_be_opened_by_its_id(t: &Scene) {
    let folder = t.folder("Private").await;
    let bert = t.account("bert").await;
    assert_eq!(kind(bert.open(&folder.id, OpenMode::Select).await), Err(ErrorKind::NotFound));
    assert_eq!(kind(bert.delete(&folder.id).await), Err(ErrorKind::NotFound));
}

pub(super) async fn a_created_mailbox_is_listed(t: &Scene) {
    let anna = t.anna().await;
    let id = anna.create(&name("Work"), SpecialUse::NONE).await.unwrap();
    let info = find(&anna, "Work").await.unwrap();
    assert_eq!((info.id, info.selectable, info.subscribed), (Some(id), true, false));
    assert_eq!(paths(t).await, ["INBOX", "Work"]);
}

pub(super) async fn to_create_a_taken_name_is_exists(t: &Scene) {
    let anna = t.anna().await;
    for path in ["Work", "INBOX"] {
        let _ = anna.create(&name(path), SpecialUse::NONE).await;
        assert_eq!(kind(anna.create(&name(path), SpecialUse::NONE).await), Err(ErrorKind::Exists));
    }
    assert_eq!(paths(t).await, ["INBOX", "Work"]);
}

pub(super) async fn create_makes_the_missing_parents(t: &Scene) {
    let anna = t.anna().await;
    anna.create(&name("A/B/C"), SpecialUse::NONE).await.unwrap();
    assert_eq!(paths(t).await, ["A", "A/B", "A/B/C", "INBOX"]);
    anna.create(&name("A/B/D"), SpecialUse::NONE).await.unwrap();
    assert_eq!(paths(t).await, ["A", "A/B", "A/B/C", "A/B/D", "INBOX"]);
}

pub(super) async fn mailboxes_can_stand_below_inbox(t: &Scene) {
    let folder = t.folder("INBOX/Below").await;
    folder.append(&message(1)).await;
    assert_eq!(paths(t).await, ["INBOX", "INBOX/Below"]);
    assert_eq!(t.inbox().await.status().await.messages, 0);
}

pub(super) async fn names_come_back_as_they_went_in(t: &Scene) {
    let anna = t.anna().await;
    let odd = [
        "Entwürfe",
        "日本語",
        "a.b",
        "a\\b",
        "100%",
        "a*b",
        "\"q\"",
        "&-",
        "{5}",
        " leading",
        "trailing ",
        "~peter",
        "#news",
        "CON",
        "..",
        ".",
        "'",
        "e\u{301}",
        "\u{e9}",
        "👍",
    ];
    for part in odd {
        let name = crate::MailboxName::new([part, "child / of"]).unwrap();
        let id = anna.create(&name, SpecialUse::NONE).await.unwrap();
        assert_eq!(anna.find(&name).await.unwrap().and_then(|m| m.id), Some(id), "{part:?}");
    }
    let listed = anna.list().await.unwrap();
    for part in odd {
        assert_eq!(listed.iter().filter(|m| m.name.parts() == [part, "child / of"]).count(), 1, "{part:?}");
        assert_eq!(listed.iter().filter(|m| m.name.parts() == [part]).count(), 1, "{part:?}");
    }
}

pub(super) async fn a_separator_inside_a_part_makes_no_hierarchy(t: &Scene) {
    let anna = t.anna().await;
    let one = crate::MailboxName::new(["a/b"]).unwrap();
    anna.create(&one, SpecialUse::NONE).await.unwrap();
    let id = anna.create(&name("a/b"), SpecialUse::NONE).await.unwrap();
    assert_ne!(anna.find(&one).await.unwrap().unwrap().id, Some(id.clone()));
    anna.delete(&id).await.unwrap();
    assert!(anna.find(&one).await.unwrap().unwrap().selectable);
}

pub(super) async fn a_deep_hierarchy_is_kept(t: &Scene) {
    let deep = vec!["d"; 50].join("/");
    t.folder(&deep).await.append(&message(1)).await;
    assert_eq!(t.folder(&deep).await.snapshot.uids.len(), 1);
    assert_eq!(paths(t).await.len(), 51);
}

pub(super) async fn find_agrees_with_list(t: &Scene) {
    let anna = t.anna().await;
    anna.create(&name("A/B"), SpecialUse::NONE).await.unwrap();
    anna.subscribe(&name("Only"), true).await.unwrap();
    anna.delete(&find(&anna, "A").await.unwrap().id.unwrap()).await.unwrap();
    for info in anna.list().await.unwrap() {
        assert_eq!(anna.find(&info.name).await.unwrap().as_ref(), Some(&info));
    }
    for path in ["None", "A/C", "INBOX/x", "a"] {
        assert_eq!(find(&anna, path).await, None, "{path}");
    }
}

pub(super) async fn many_mailboxes_are_listed_once_each(t: &Scene) {
    let anna = t.anna().await;
    for n in 0..200 {
        anna.create(&name(&format!("P{}/M{n}", n % 7)), SpecialUse::NONE).await.unwrap();
    }
    let all = paths(t).await;
    assert_eq!(all.len(), 208);
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 208);
}

pub(super) async fn ids_are_object_ids(t: &Scene) {
    for path in ["INBOX", "Ärger & so", "A/B"] {
        let id = t.folder(path).await.id.0;
        // RFC 8474 section 7: objectid = 1*255(ALPHA / DIGIT / "_" / "-")
        assert!((1..=255).contains(&id.len()));
        assert!(id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'), "{id}");
    }
}

pub(super) async fn a_deleted_mailbox_is_gone(t: &Scene) {
    let folder = t.folder("Work").await;
    folder.append(&message(1)).await;
    let anna = t.anna().await;
    anna.delete(&folder.id).await.unwrap();
    assert_eq!(paths(t).await, ["INBOX"]);
    assert_eq!(kind(anna.open(&folder.id, OpenMode::Select).await), Err(ErrorKind::NotFound));
    assert_eq!(kind(anna.delete(&folder.id).await), Err(ErrorKind::NotFound));
}

pub(super) async fn to_delete_inbox_is_refused(t: &Scene) {
    let inbox = t.inbox().await;
    inbox.append(&message(1)).await;
    assert_eq!(kind(inbox.account.delete(&inbox.id).await), Err(ErrorKind::Cannot));
    assert_eq!(inbox.now().await.uids.len(), 1);
}

pub(super) async fn delete_keeps_what_is_below(t: &Scene) {
    let child = t.folder("A/B").await;
    child.append(&message(1)).await;
    let anna = t.anna().await;
    anna.delete(&find(&anna, "A").await.unwrap().id.unwrap()).await.unwrap();
    let parent = find(&anna, "A").await.expect("a parent of others is listed");
    assert_eq!((parent.id, parent.selectable), (None, false));
    assert_eq!(find(&anna, "A/B").await.unwrap().id, Some(child.id.clone()));
    assert_eq!(child.now().await.uids.len(), 1);
}

pub(super) async fn a_deleted_parent_can_be_created_again(t: &Scene) {
    let anna = t.anna().await;
    let child = t.folder("A/B").await.id;
    let old = find(&anna, "A").await.unwrap().id.unwrap();
    anna.delete(&old).await.unwrap();
    let new = anna.create(&name("A"), SpecialUse::NONE).await.unwrap();
    assert_ne!(new, old);
    assert!(find(&anna, "A").await.unwrap().selectable);
    assert_eq!(find(&anna, "A/B").await.unwrap().id, Some(child));
}

pub(super) async fn open_handles_of_a_deleted_mailbox_answer_gone(t: &Scene) {
    let folder = t.folder("Work").await;
    let uid = folder.append(&message(1)).await;
    t.anna().await.delete(&folder.id).await.unwrap();
    let mailbox = &folder.mailbox;
    assert_eq!(kind(mailbox.changes(ModSeq(0), 10).await), Err(ErrorKind::Gone));
    assert_eq!(kind(mailbox.snapshot().await), Err(ErrorKind::Gone));
    assert_eq!(kind(mailbox.body(uid, crate::Part::Whole).await), Err(ErrorKind::Gone));
    assert_eq!(kind(mailbox.expunge(None, false).await), Err(ErrorKind::Gone));
}

pub(super) async fn uidvalidity_grows_when_a_name_is_created_again(t: &Scene) {
    let anna = t.anna().await;
    let (mut last, mut seen) = (0, BTreeSet::new());
    for _ in 0..5 {
        let id = anna.create(&name("Again"), SpecialUse::NONE).await.unwrap();
        let now = validity(t, &id).await;
        assert!(now > last, "UIDVALIDITY {now} after {last}");
        last = now;
        assert!(seen.insert(id.clone()), "{id:?} was given twice");
        anna.delete(&id).await.unwrap();
    }
}

pub(super) async fn uidvalidity_grows_when_a_renamed_name_is_created_again(t: &Scene) {
    let anna = t.anna().await;
    let old = t.folder("Name").await;
    anna.rename(&old.id, &name("Other")).await.unwrap();
    let new = anna.create(&name("Name"), SpecialUse::NONE).await.unwrap();
    assert!(validity(t, &new).await > old.snapshot.uid_validity.get());
}

pub(super) async fn rename_keeps_identity_and_messages(t: &Scene) {
    let old = t.folder("Old").await;
    let uid = old.append(&message(1)).await;
    old.account.rename(&old.id, &name("New")).await.unwrap();
    assert_eq!(paths(t).await, ["INBOX", "New"]);
    let new = t.folder("New").await;
    assert_eq!(new.id, old.id);
    assert_eq!(new.snapshot.uid_validity, old.snapshot.uid_validity);
    assert_eq!((new.snapshot.uids.as_slice(), new.read(uid).await), ([uid].as_slice(), message(1)));
}

pub(super) async fn rename_takes_along_what_is_below(t: &Scene) {
    let anna = t.anna().await;
    let deep = t.folder("A/B/C").await;
    t.folder("AB").await;
    anna.rename(&find(&anna, "A").await.unwrap().id.unwrap(), &name("X/Y")).await.unwrap();
    assert_eq!(paths(t).await, ["AB", "INBOX", "X", "X/Y", "X/Y/B", "X/Y/B/C"]);
    assert_eq!(find(&anna, "X/Y/B/C").await.unwrap().id, Some(deep.id));
}

pub(super) async fn rename_moves_up_and_down(t: &Scene) {
    let anna = t.anna().await;
    let folder = t.folder("A/B").await;
    anna.rename(&folder.id, &name("B")).await.unwrap();
    assert_eq!(paths(t).await, ["A", "B", "INBOX"]);
    anna.rename(&folder.id, &name("A/C/D")).await.unwrap();
    assert_eq!(paths(t).await, ["A", "A/C", "A/C/D", "INBOX"]);
}

pub(super) async fn to_rename_to_a_taken_name_changes_nothing(t: &Scene) {
    let anna = t.anna().await;
    let (a, b) = (t.folder("A/x").await, t.folder("B").await);
    for to in ["B", "INBOX", "A/x"] {
        assert_eq!(kind(anna.rename(&a.id, &name(to)).await), Err(ErrorKind::Exists), "{to}");
    }
    assert_eq!(paths(t).await, ["A", "A/x", "B", "INBOX"]);
    assert_eq!(find(&anna, "B").await.unwrap().id, Some(b.id));
}

pub(super) async fn to_rename_onto_a_taken_child_changes_nothing(t: &Scene) {
    let anna = t.anna().await;
    t.folder("A/x").await;
    let taken = t.folder("B/x").await;
    anna.delete(&find(&anna, "B").await.unwrap().id.unwrap()).await.unwrap();
    let a = find(&anna, "A").await.unwrap().id.unwrap();
    assert_eq!(kind(anna.rename(&a, &name("B")).await), Err(ErrorKind::Exists));
    assert_eq!(find(&anna, "A").await.unwrap().id, Some(a));
    assert_eq!(find(&anna, "B/x").await.unwrap().id, Some(taken.id));
}

pub(super) async fn to_rename_below_itself_is_refused(t: &Scene) {
    let a = t.folder("A").await;
    assert_eq!(kind(a.account.rename(&a.id, &name("A/B")).await), Err(ErrorKind::Cannot));
    assert_eq!(paths(t).await, ["A", "INBOX"]);
}

pub(super) async fn to_rename_inbox_is_refused(t: &Scene) {
    let inbox = t.inbox().await;
    assert_eq!(kind(inbox.account.rename(&inbox.id, &name("Old")).await), Err(ErrorKind::Cannot));
    assert_eq!(paths(t).await, ["INBOX"]);
}

pub(super) async fn to_rename_the_unknown_is_not_found(t: &Scene) {
    let (anna, folder) = (t.anna().await, t.folder("A").await);
    anna.delete(&folder.id).await.unwrap();
    assert_eq!(kind(anna.rename(&folder.id, &name("B")).await), Err(ErrorKind::NotFound));
}

pub(super) async fn open_handles_outlive_a_rename(t: &Scene) {
    let folder = t.folder("A").await;
    t.anna().await.rename(&folder.id, &name("B")).await.unwrap();
    let uid = folder.append(&message(1)).await;
    assert_eq!(folder.since(folder.snapshot.at).await.changed[0].uid, uid);
    assert_eq!(folder.read(uid).await, message(1));
}

pub(super) async fn a_subscription_is_listed(t: &Scene) {
    let anna = t.anna().await;
    t.folder("A").await;
    for _ in 0..2 {
        anna.subscribe(&name("A"), true).await.unwrap();
        assert!(find(&anna, "A").await.unwrap().subscribed);
    }
    for _ in 0..2 {
        anna.subscribe(&name("A"), false).await.unwrap();
        assert!(!find(&anna, "A").await.unwrap().subscribed);
    }
}

pub(super) async fn a_name_without_mailbox_can_be_subscribed(t: &Scene) {
    let anna = t.anna().await;
    anna.subscribe(&name("Not/There"), true).await.unwrap();
    let info = find(&anna, "Not/There").await.unwrap();
    assert_eq!((info.id, info.selectable, info.subscribed), (None, false, true));
    let id = anna.create(&name("Not/There"), SpecialUse::NONE).await.unwrap();
    let info = find(&anna, "Not/There").await.unwrap();
    assert_eq!((info.id, info.selectable, info.subscribed), (Some(id), true, true));
    anna.subscribe(&name("Else"), true).await.unwrap();
    anna.subscribe(&name("Else"), false).await.unwrap();
    assert_eq!(find(&anna, "Else").await, None);
}

pub(super) async fn subscriptions_outlive_delete_and_rename(t: &Scene) {
    let (anna, a, b) = (t.anna().await, t.folder("A").await, t.folder("B").await);
    anna.subscribe(&name("A"), true).await.unwrap();
    anna.subscribe(&name("B"), true).await.unwrap();
    anna.delete(&a.id).await.unwrap();
    anna.rename(&b.id, &name("C")).await.unwrap();
    for (path, subscribed) in [("A", true), ("B", true), ("C", false)] {
        assert_eq!(find(&anna, path).await.unwrap().subscribed, subscribed, "{path}");
    }
}

pub(super) async fn a_special_use_is_kept(t: &Scene) {
    let anna = t.anna().await;
    match anna.create(&name("Sent"), SpecialUse::SENT).await {
        Err(e) if e.kind == ErrorKind::Unsupported => {
            assert!(find(&anna, "Sent").await.is_none(), "refused, and created");
            return t.skip("no special use");
        }
        other => other.unwrap(),
    };
    assert_eq!(find(&anna, "Sent").await.unwrap().special_use, SpecialUse::SENT);
    assert_eq!(find(&anna, "INBOX").await.unwrap().special_use, SpecialUse::NONE);
}

pub(super) async fn a_special_use_can_be_set_and_taken_away(t: &Scene) {
    let folder = t.folder("Old mail").await;
    for uses in [SpecialUse::ARCHIVE, SpecialUse::ARCHIVE | SpecialUse::IMPORTANT, SpecialUse::NONE] {
        match folder.account.set_special_use(&folder.id, uses).await {
            Err(e) if e.kind == ErrorKind::Unsupported => return t.skip("no special use"),
            other => other.unwrap(),
        }
        assert_eq!(find(&folder.account, "Old mail").await.unwrap().special_use, uses);
    }
}

pub(super) async fn of_two_who_create_one_name_one_does(t: &Scene) {
    for round in 0..t.rounds(50) {
        let name = name(&format!("Race{round}/x"));
        let create = |store: crate::AnyStore| {
            let name = &name;
            move || {
                block_on(
                    async move { store.open_account("anna").await?.create(name, SpecialUse::NONE).await },
                )
            }
        };
        let (one, two) = thread::scope(|s| {
            let (one, two) = (s.spawn(create(t.store())), s.spawn(create(t.store())));
            (one.join().unwrap(), two.join().unwrap())
        });
        let kinds = [kind(one), kind(two)];
        assert!(kinds.contains(&Ok(())) && kinds.contains(&Err(ErrorKind::Exists)), "{kinds:?}");
        let anna = t.anna().await;
        assert_eq!(anna.list().await.unwrap().iter().filter(|m| m.name == name).count(), 1);
        assert_eq!(anna.list().await.unwrap().len(), 3 + 2 * round as usize);
    }
}
