//! Access lists: skipped where the store returns none.

use super::scene::{Scene, kind, name};
use crate::{Account, Acl, ErrorKind, MailboxId, Rights, SpecialUse};

/// The access lists of Anna's account, or the case is skipped.
macro_rules! acl_of {
    ($scene:expr, $account:expr) => {
        match $account.acl() {
            Some(acl) => acl,
            None => return $scene.skip("no access lists"),
        }
    };
}

const READ: Rights = Rights::LOOKUP.and(Rights::READ);

/// The list without its owner.
async fn others(acl: &dyn Acl, id: &MailboxId) -> Vec<(String, Rights)> {
    acl.get(id).await.unwrap().into_iter().filter(|(who, _)| who != "anna").collect()
}

pub(super) async fn an_owner_has_all_rights(t: &Scene) {
    let folder = t.folder("Mine").await;
    let acl = acl_of!(t, folder.account);
    assert_eq!(acl.mine(&folder.id).await.unwrap(), Rights::OWNER);
    let info = super::scene::find(&folder.account, "Mine").await.unwrap();
    assert_eq!(info.rights, Rights::OWNER);
    assert_eq!(acl.get(&folder.id).await.unwrap(), [("anna".to_owned(), Rights::OWNER)]);
    for rights in [None, Some(READ)] {
        for who in ["anna", "-anna"] {
            assert_eq!(kind(acl.set(&folder.id, who, rights).await), Err(ErrorKind::Cannot), "{who}");
        }
    }
    assert_eq!(acl.mine(&folder.id).await.unwrap(), Rights::OWNER);
}

pub(super) async fn an_access_list_is_kept(t: &Scene) {
    let folder = t.folder("Mine").await;
    let acl = acl_of!(t, folder.account);
    acl.set(&folder.id, "bert", Some(READ)).await.unwrap();
    acl.set(&folder.id, "anyone", Some(Rights::OWNER)).await.unwrap();
    acl.set(&folder.id, "-carl", Some(Rights::READ)).await.unwrap();
    acl.set(&folder.id, "Gr\u{fc}\u{df}e", Some(READ)).await.unwrap();
    // The last word counts, as a whole.
    acl.set(&folder.id, "anyone", Some(Rights::POST)).await.unwrap();
    let list = others(acl, &folder.id).await;
    let expected =
        [("-carl", Rights::READ), ("Gr\u{fc}\u{df}e", READ), ("anyone", Rights::POST), ("bert", READ)];
    assert_eq!(list.iter().map(|(who, r)| (&**who, *r)).collect::<Vec<_>>(), expected);
    acl.set(&folder.id, "bert", None).await.unwrap();
    acl.set(&folder.id, "bert", None).await.unwrap();
    acl.set(&folder.id, "anyone", Some(Rights::NONE)).await.unwrap();
    assert_eq!(others(acl, &folder.id).await.len(), 2);
}

pub(super) async fn a_list_is_of_its_mailbox(t: &Scene) {
    let (one, two) = (t.folder("One").await, t.folder("One/Two").await);
    let acl = acl_of!(t, one.account);
    acl.set(&one.id, "bert", Some(READ)).await.unwrap();
    assert!(others(acl, &two.id).await.is_empty());
    acl.set(&two.id, "bert", Some(Rights::POST)).await.unwrap();
    acl.set(&one.id, "bert", None).await.unwrap();
    assert_eq!(others(acl, &two.id).await, [("bert".to_owned(), Rights::POST)]);
}

pub(super) async fn it_is_kept_over_a_rename(t: &Scene) {
    let folder = t.folder("Before/Below").await;
    let acl = acl_of!(t, folder.account);
    acl.set(&folder.id, "bert", Some(READ)).await.unwrap();
    let above = super::scene::find(&folder.account, "Before").await.unwrap().id.unwrap();
    folder.account.rename(&above, &name("After")).await.unwrap();
    assert_eq!(others(acl, &folder.id).await, [("bert".to_owned(), READ)]);
}

pub(super) async fn it_goes_with_the_mailbox(t: &Scene) {
    let folder = t.folder("Mine").await;
    let acl = acl_of!(t, folder.account);
    acl.set(&folder.id, "bert", Some(READ)).await.unwrap();
    folder.account.delete(&folder.id).await.unwrap();
    assert_eq!(kind(acl.get(&folder.id).await), Err(ErrorKind::NotFound));
    assert_eq!(kind(acl.mine(&folder.id).await), Err(ErrorKind::NotFound));
    assert_eq!(kind(acl.set(&folder.id, "bert", Some(READ)).await), Err(ErrorKind::NotFound));
    let again = folder.account.create(&name("Mine"), SpecialUse::NONE).await.unwrap();
    assert!(others(acl, &again).await.is_empty(), "a new mailbox has an old one's list");
}

pub(super) async fn what_is_no_identifier_is_refused(t: &Scene) {
    let folder = t.inbox().await;
    let acl = acl_of!(t, folder.account);
    for who in ["", "-", "a\0b", "a\r\nb"] {
        assert_eq!(kind(acl.set(&folder.id, who, Some(READ)).await), Err(ErrorKind::Cannot), "{who:?}");
    }
    let long = "x".repeat(100_000);
    assert_eq!(kind(acl.set(&folder.id, &long, Some(READ)).await), Err(ErrorKind::Limit));
    assert!(others(acl, &folder.id).await.is_empty());
}

pub(super) async fn it_is_there_after_a_restart(t: &Scene) {
    let id = {
        let folder = t.folder("Mine").await;
        let acl = acl_of!(t, folder.account);
        acl.set(&folder.id, "bert", Some(READ)).await.unwrap();
        folder.id
    };
    if !t.reopen() {
        return;
    }
    let anna = t.anna().await;
    assert_eq!(others(acl_of!(t, anna), &id).await, [("bert".to_owned(), READ)]);
}
