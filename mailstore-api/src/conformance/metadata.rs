//! Annotations: skipped where the store returns none.

use super::scene::{Scene, kind, name};
use crate::{Account, Annotation, ErrorKind, MailboxId, Metadata, SpecialUse};

/// The annotations of Anna's account, or the case is skipped.
macro_rules! metadata_of {
    ($scene:expr, $account:expr) => {
        match $account.metadata() {
            Some(metadata) => metadata,
            None => return $scene.skip("no annotations"),
        }
    };
}

const ENTRY: &str = "/private/comment";

fn some(name: &str, value: &[u8]) -> (String, Option<Vec<u8>>) {
    (name.to_owned(), Some(value.to_vec()))
}

async fn get(metadata: &dyn Metadata, id: Option<&MailboxId>, name: &str) -> Option<Vec<u8>> {
    let mut all = metadata.get(id, &[name.to_owned()], 0).await.unwrap();
    assert!(all.len() <= 1, "{all:?}");
    all.pop().map(|(_, value)| value)
}

async fn all(metadata: &dyn Metadata, id: Option<&MailboxId>) -> Vec<Annotation> {
    metadata.get(id, &["/private".to_owned(), "/shared".to_owned()], u8::MAX).await.unwrap()
}

pub(super) async fn annotations_are_kept(t: &Scene) {
    let folder = t.folder("Work").await;
    let metadata = metadata_of!(t, folder.account);
    let value = b"Gr\xc3\xbc\xc3\x9fe\0\r\n\xff";
    for id in [Some(&folder.id), None] {
        assert_eq!(get(metadata, id, ENTRY).await, None);
        metadata.set(id, &[some(ENTRY, value), some("/shared/x", b"")]).await.unwrap();
        let kept = [(ENTRY.to_owned(), value.to_vec()), ("/shared/x".to_owned(), Vec::new())];
        assert_eq!(all(metadata, id).await, kept, "an empty value is a value");
    }
    metadata.set(Some(&folder.id), &[(ENTRY.to_owned(), None)]).await.unwrap();
    metadata.set(Some(&folder.id), &[(ENTRY.to_owned(), None)]).await.unwrap();
    assert_eq!(get(metadata, Some(&folder.id), ENTRY).await, None);
    assert!(get(metadata, None, ENTRY).await.is_some(), "the account's own stays");
    metadata.set(None, &[some(ENTRY, b"new")]).await.unwrap();
    assert_eq!(get(metadata, None, ENTRY).await.as_deref(), Some(&b"new"[..]));
}

pub(super) async fn annotations_are_found_by_depth(t: &Scene) {
    let folder = t.folder("Work").await;
    let metadata = metadata_of!(t, folder.account);
    let names = ["/private/a", "/private/a/b", "/private/a/b/c", "/private/ab", "/shared/a"];
    let every: Vec<_> = names.iter().map(|n| some(n, b"x")).collect();
    metadata.set(Some(&folder.id), &every).await.unwrap();
    for (depth, count) in [(0, 1), (1, 2), (u8::MAX, 3)] {
        let got = metadata.get(Some(&folder.id), &["/private/a".to_owned()], depth).await.unwrap();
        assert_eq!(got.len(), count, "depth {depth}: {got:?}");
    }
    // Asked for twice, it is answered once.
    let twice = ["/private/a/b".to_owned(), "/private/a".to_owned(), "/private/none".to_owned()];
    let got = metadata.get(Some(&folder.id), &twice, 1).await.unwrap();
    assert_eq!(got.iter().map(|(n, _)| &**n).collect::<Vec<_>>(), &names[..3]);
}

pub(super) async fn names_compare_without_case(t: &Scene) {
    let folder = t.inbox().await;
    let metadata = metadata_of!(t, folder.account);
    // RFC 5464 section 3.2: "Entry names are case-insensitive."
    metadata.set(Some(&folder.id), &[some("/PRIVATE/Comment", b"one")]).await.unwrap();
    metadata.set(Some(&folder.id), &[some("/private/COMMENT", b"two")]).await.unwrap();
    assert_eq!(get(metadata, Some(&folder.id), "/Private/commenT").await.as_deref(), Some(&b"two"[..]));
    assert_eq!(all(metadata, Some(&folder.id)).await, [(ENTRY.to_owned(), b"two".to_vec())]);
    metadata.set(Some(&folder.id), &[("/private/cOMMENT".to_owned(), None)]).await.unwrap();
    assert!(all(metadata, Some(&folder.id)).await.is_empty());
}

pub(super) async fn several_are_set_all_or_none(t: &Scene) {
    let folder = t.inbox().await;
    let metadata = metadata_of!(t, folder.account);
    metadata.set(Some(&folder.id), &[some(ENTRY, b"old")]).await.unwrap();
    let answer = metadata.set(Some(&folder.id), &[some(ENTRY, b"new"), some("no slash", b"")]).await;
    assert_eq!(kind(answer), Err(ErrorKind::Cannot));
    assert_eq!(all(metadata, Some(&folder.id)).await, [(ENTRY.to_owned(), b"old".to_vec())]);
}

pub(super) async fn limits_are_kept(t: &Scene) {
    let folder = t.inbox().await;
    let metadata = metadata_of!(t, folder.account);
    let limits = metadata.limits();
    if limits.value > 1 << 24 || limits.entries > 10_000 {
        return t.skip("no limits on annotations that could be reached");
    }
    let (id, most) = (Some(&folder.id), vec![b'x'; limits.value as usize]);
    metadata.set(id, &[some(ENTRY, &most)]).await.unwrap();
    let more = [most.as_slice(), b"x"].concat();
    assert_eq!(kind(metadata.set(id, &[some("/private/y", &more)]).await), Err(ErrorKind::TooBig));
    assert_eq!(get(metadata, id, ENTRY).await, Some(most));

    let many: Vec<_> = (1..limits.entries).map(|n| some(&format!("/private/{n}"), b"")).collect();
    metadata.set(id, &many).await.unwrap();
    assert_eq!(kind(metadata.set(id, &[some("/private/0", b"")]).await), Err(ErrorKind::Limit));
    // One for another is not too many, nor is a new value.
    metadata.set(id, &[some(ENTRY, b"y"), some("/private/1", b"z")]).await.unwrap();
    metadata.set(id, &[some("/private/0", b""), (ENTRY.to_owned(), None)]).await.unwrap();
    assert_eq!(all(metadata, id).await.len() as u64, limits.entries);
    let long = format!("/private/{}", "x".repeat(100_000));
    assert_eq!(kind(metadata.set(None, &[some(&long, b"")]).await), Err(ErrorKind::Limit));
}

pub(super) async fn they_are_kept_over_a_rename(t: &Scene) {
    let folder = t.folder("Before/Below").await;
    let metadata = metadata_of!(t, folder.account);
    metadata.set(Some(&folder.id), &[some(ENTRY, b"x")]).await.unwrap();
    let above = super::scene::find(&folder.account, "Before").await.unwrap().id.unwrap();
    folder.account.rename(&above, &name("After")).await.unwrap();
    assert_eq!(get(metadata, Some(&folder.id), ENTRY).await.as_deref(), Some(&b"x"[..]));
    assert!(all(metadata, Some(&above)).await.is_empty());
}

pub(super) async fn they_go_with_the_mailbox(t: &Scene) {
    let folder = t.folder("Mine").await;
    let metadata = metadata_of!(t, folder.account);
    metadata.set(Some(&folder.id), &[some(ENTRY, b"x")]).await.unwrap();
    metadata.set(None, &[some(ENTRY, b"mine")]).await.unwrap();
    folder.account.delete(&folder.id).await.unwrap();
    let answer = metadata.get(Some(&folder.id), &[ENTRY.to_owned()], 0).await;
    assert_eq!(kind(answer), Err(ErrorKind::NotFound));
    assert_eq!(kind(metadata.set(Some(&folder.id), &[some(ENTRY, b"y")]).await), Err(ErrorKind::NotFound));
    let again = folder.account.create(&name("Mine"), SpecialUse::NONE).await.unwrap();
    assert!(all(metadata, Some(&again)).await.is_empty(), "a new mailbox has an old one's annotations");
    assert_eq!(all(metadata, None).await.len(), 1);
}

pub(super) async fn they_are_of_their_account(t: &Scene) {
    let (anna, bert) = (t.anna().await, t.account("bert").await);
    let (mine, theirs) = (metadata_of!(t, anna), metadata_of!(t, bert));
    mine.set(None, &[some(ENTRY, b"x")]).await.unwrap();
    assert!(all(theirs, None).await.is_empty());
    let id = super::scene::find(&anna, "INBOX").await.unwrap().id.unwrap();
    let answer = theirs.get(Some(&id), &[ENTRY.to_owned()], 0).await;
    assert_eq!(kind(answer), Err(ErrorKind::NotFound), "another's mailbox");
}

pub(super) async fn they_are_there_after_a_restart(t: &Scene) {
    let id = {
        let folder = t.folder("Mine").await;
        let metadata = metadata_of!(t, folder.account);
        metadata.set(Some(&folder.id), &[some(ENTRY, b"x")]).await.unwrap();
        metadata.set(None, &[some(ENTRY, b"y")]).await.unwrap();
        folder.id
    };
    if !t.reopen() {
        return;
    }
    let anna = t.anna().await;
    let metadata = metadata_of!(t, anna);
    assert_eq!(get(metadata, Some(&id), ENTRY).await.as_deref(), Some(&b"x"[..]));
    assert_eq!(get(metadata, None, ENTRY).await.as_deref(), Some(&b"y"[..]));
}
