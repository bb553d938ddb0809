//! A store that fails at the worst moment.

use bytes::Bytes;
use mail_session::auth::Plaintext;
use mailstore_api::*;

use crate::support::Server;

/// An account with one message of 100 octets, of which 40 can be read; nothing can be changed, and later
/// changes are not known.
#[derive(Clone)]
struct Broken;
struct Half;

type Answer<T> = Result<T>;

fn no<T>() -> Answer<T> {
    Err(ErrorKind::Unavailable.into())
}

impl MailStore for Broken {
    type Account = Self;
    type Delivery = Self;
    async fn open_account(&self, _: &str) -> Answer<Self> {
        Ok(Self)
    }
    async fn deliver(&self, _: AppendSpec) -> Answer<Self> {
        no()
    }
}

impl Delivery for Broken {
    async fn write(&mut self, _: &[u8]) -> Answer<()> {
        no()
    }
    async fn commit(self, _: &[Recipient]) -> Vec<Answer<AppendOutcome>> {
        vec![]
    }
}

impl Staged for Broken {
    async fn write(&mut self, _: &[u8]) -> Answer<()> {
        Err(ErrorKind::OverQuota.into())
    }
    async fn finish(&mut self) -> Answer<u64> {
        no()
    }
}

impl Watch for Broken {
    async fn changed(&mut self) -> Answer<Hint> {
        no()
    }
}

impl Account for Broken {
    type Mailbox = Self;
    type Watch = Self;
    type Staged = Self;
    async fn list(&self) -> Answer<Vec<MailboxInfo>> {
        let named = |id: &str, name, selectable| MailboxInfo {
            id: Some(MailboxId(id.into())),
            name,
            selectable,
            subscribed: true,
            special_use: SpecialUse::NONE,
            rights: Rights::OWNER,
        };
        let other = |name: &str| MailboxName::new([name]).unwrap();
        Ok(vec![
            named("1", MailboxName::inbox(), true),
            named("closed", other("Closed"), false),
            named("gone", other("Gone"), true),
        ])
    }
    async fn create(&self, _: &MailboxName, _: SpecialUse) -> Answer<MailboxId> {
        no()
    }
    async fn delete(&self, _: &MailboxId) -> Answer<()> {
        Err(StoreError::new(ErrorKind::Internal, "a secret of the implementation"))
    }
    async fn rename(&self, _: &MailboxId, _: &MailboxName) -> Answer<()> {
        no()
    }
    async fn subscribe(&self, _: &MailboxName, _: bool) -> Answer<()> {
        no()
    }
    /// Where `Gone` is asked for, it was there a moment ago; else it fails.
    async fn status(&self, ids: &[MailboxId], _: StatusItems) -> Answer<Vec<Status>> {
        if ids.iter().any(|id| id.0 == "gone") {
            let found = ids.iter().filter(|id| id.0 == "1").map(|id| Status {
                id: id.clone(),
                messages: 1,
                unseen: 0,
                deleted: 0,
                recent: 0,
                size: 100,
                uid_next: 2,
                uid_validity: UidValidity(1.try_into().unwrap()),
                highest_modseq: ModSeq(1),
            });
            return Ok(found.collect());
        }
        Err(StoreError::new(ErrorKind::Internal, "a secret of the implementation"))
    }
    async fn open(&self, _: &MailboxId, _: OpenMode) -> Answer<(Snapshot, Self)> {
        Ok((Mailbox::snapshot(self).await?, Self))
    }
    async fn stage(&self, _: &MailboxId, _: AppendSpec) -> Answer<Self> {
        Ok(Self)
    }
    async fn commit(&self, _: &MailboxId, _: Vec<Self>, _: Option<Replaces>) -> Answer<AppendOutcome> {
        no()
    }
    async fn copy(&self, _: &MailboxId, _: &UidSet, _: &MailboxId) -> Answer<CopyOutcome> {
        Err(ErrorKind::OverQuota.into())
    }
    async fn relocate(&self, _: &MailboxId, _: &UidSet, _: &MailboxId) -> Answer<CopyOutcome> {
        no()
    }
    async fn watch(&self, _: Interest) -> Answer<Self> {
        Ok(Self)
    }
}

impl Mailbox for Broken {
    type Body = Half;
    async fn changes(&self, _: ModSeq, _: usize) -> Answer<Changes> {
        no()
    }
    async fn snapshot(&self) -> Answer<Snapshot> {
        Ok(Snapshot {
            uid_validity: UidValidity(1.try_into().unwrap()),
            uid_next: 2,
            at: ModSeq(1),
            uids: Uid::new(1).into_iter().collect(),
            first_unseen: None,
            keywords: vec![],
            new_keywords_ok: true,
            read_only: false,
            modseq_persistent: false,
        })
    }
    async fn vanished_since(&self, _: ModSeq, _: &UidSet) -> Answer<UidSet> {
        no()
    }
    async fn meta(&self, _: &UidSet, _: MetaItems, _: Option<ModSeq>, _: usize) -> Answer<MetaBatch> {
        let meta = Meta {
            uid: Uid::new(1).unwrap(),
            modseq: ModSeq(1),
            flags: Flags::default(),
            internal_date: InternalDate::default(),
            size: 100,
            ends_with_crlf: true,
            more: None,
        };
        Ok(MetaBatch { items: vec![meta], resume_after: None })
    }
    async fn body(&self, _: Uid, part: Part) -> Answer<Half> {
        match part {
            Part::Header => no(),
            _ => Ok(Half),
        }
    }
    async fn set_flags(&self, _: &UidSet, _: FlagOp, _: &Flags, _: Option<ModSeq>) -> Answer<FlagOutcome> {
        no()
    }
    async fn expunge(&self, _: Option<&UidSet>, _: bool) -> Answer<ExpungeOutcome> {
        no()
    }
}

impl Body for Half {
    fn len(&self) -> u64 {
        100
    }
    async fn read_at(&mut self, offset: u64, _: usize) -> Answer<Bytes> {
        if offset < 40 { Ok(Bytes::from_static(&[b'x'; 20])) } else { Err(ErrorKind::Corrupt.into()) }
    }
}

#[tokio::test]
async fn less_than_the_announced_literal_ends_the_connection() {
    let server = Server::on(Broken);
    let mut client = server.select().await;
    client.send("a FETCH 1 BODY.PEEK[]\r\n").await;
    assert_eq!(client.rest().await, format!("* 1 FETCH (BODY[] {{100}}\r\n{}", "x".repeat(40)).into_bytes());
}

#[tokio::test]
async fn a_failure_before_the_literal_is_a_no() {
    let server = Server::on(Broken);
    let mut client = server.select().await;
    assert!(client.fails("FETCH 1 BODY.PEEK[HEADER]").await.starts_with("NO [UNAVAILABLE]"));
    assert!(client.fails("FETCH 1 ENVELOPE").await.starts_with("NO [UNAVAILABLE]"));
    assert!(client.fails("FETCH 1 BODYSTRUCTURE").await.starts_with("NO [CORRUPTION]"));
    // \Seen cannot be set, and changes are not known: the mail is read all the same.
    assert_eq!(client.ok("FETCH 1 (FLAGS RFC822.SIZE)").await, ["* 1 FETCH (FLAGS () RFC822.SIZE 100)"]);
    assert!(client.fails("STORE 1 +FLAGS (\\Seen)").await.starts_with("NO [UNAVAILABLE]"));
    assert!(client.fails("EXPUNGE").await.starts_with("NO [UNAVAILABLE]"));
    assert!(client.fails("COPY 1 INBOX").await.contains("NO"), "the changes before are not known");
    assert!(client.fails("UID COPY 1 INBOX").await.starts_with("NO [OVERQUOTA]"));
    assert!(client.fails("CLOSE").await.starts_with("NO [UNAVAILABLE]"));
    client.ok("NOOP").await;
}

#[tokio::test]
async fn what_is_the_servers_own_is_not_shown() {
    let server = Server::on(Broken);
    let mut client = server.login().await;
    let answer = client.fails("STATUS INBOX (MESSAGES)").await;
    assert!(answer.starts_with("NO [SERVERBUG]") && !answer.contains("secret"), "{answer}");
}

/// RFC 5819 section 2.
#[tokio::test]
async fn list_with_status_says_noselect_of_what_is_gone_meanwhile_and_leaves_out_what_fails() {
    let server = Server::on(Broken);
    let mut client = server.login().await;
    assert_eq!(
        client.ok("LIST \"\" * RETURN (STATUS (MESSAGES))").await,
        [
            "* LIST (\\HasNoChildren) \"/\" INBOX",
            "* STATUS INBOX (MESSAGES 1)",
            "* LIST (\\Noselect \\HasNoChildren) \"/\" Closed",
            "* LIST (\\Noselect \\HasNoChildren) \"/\" Gone",
        ]
    );
    let lines = client.ok("LIST \"\" INBOX RETURN (STATUS (MESSAGES))").await;
    assert_eq!(lines, ["* LIST (\\HasNoChildren) \"/\" INBOX"], "unexpected problems: no STATUS, and OK");
}

/// RFC 3502 section 6.3.11: TRYCREATE unless "it is certain that the destination mailbox can not be created".
#[tokio::test]
async fn a_target_that_is_there_and_takes_nothing_is_not_to_be_created() {
    let server = Server::on(Broken);
    let mut client = server.select().await;
    assert!(client.append("Closed", "x").await.starts_with("NO [CANNOT]"));
    assert!(client.append("Other", "x").await.starts_with("NO [TRYCREATE]"));
    assert!(client.fails("UID COPY 1 Closed").await.starts_with("NO [CANNOT]"));
    assert!(client.fails("UID MOVE 1 Other").await.starts_with("NO [TRYCREATE]"));
}

#[tokio::test]
async fn an_append_that_fails_half_way_is_refused_and_drained() {
    let server = Server::on(Broken);
    let mut client = server.login().await;
    assert!(client.append("INBOX", "x NOOP\r\n".repeat(1000)).await.starts_with("NO [OVERQUOTA]"));
    client.ok("NOOP").await;
}

#[tokio::test]
async fn idle_without_a_watch_ends_with_bye() {
    let server = Server::on(Broken);
    let mut client = server.select().await;
    client.send("a IDLE\r\n").await;
    assert!(client.line().await.starts_with('+'));
    assert!(client.line().await.starts_with("* BYE"));
}

#[tokio::test]
async fn without_tls_no_password_is_taken() {
    let server = Server::on(Broken);
    let mut client = server.connect_with(Plaintext::TlsOnly).await;
    assert!(client.fails("LOGIN anna secret").await.starts_with("NO [PRIVACYREQUIRED]"));
    assert!(client.fails("AUTHENTICATE PLAIN AGFubmEAc2VjcmV0").await.starts_with("NO"));
}

#[tokio::test]
async fn a_store_without_lasting_modseqs_says_so() {
    let server = Server::on(Broken);
    let mut client = server.login().await;
    client.ok("ENABLE QRESYNC").await;
    // RFC 7162 section 3.1.2.2
    let lines = client.ok("SELECT INBOX (QRESYNC (1 1))").await;
    assert!(lines.iter().any(|l| l.starts_with("* OK [NOMODSEQ]")), "{lines:?}");
    assert!(!lines.iter().any(|l| l.contains("HIGHESTMODSEQ") || l.contains("VANISHED")), "{lines:?}");
    for command in [
        "FETCH 1 MODSEQ",
        "FETCH 1 FLAGS (CHANGEDSINCE 1)",
        "UID FETCH 1 FLAGS (CHANGEDSINCE 1 VANISHED)",
        "STORE 1 (UNCHANGEDSINCE 1) +FLAGS (\\Seen)",
        "SEARCH MODSEQ 1",
    ] {
        let answer = client.fails(command).await;
        assert!(answer.starts_with("BAD This mailbox keeps no modseqs"), "{command}: {answer}");
    }
    assert_eq!(client.ok("FETCH 1 FLAGS").await, ["* 1 FETCH (FLAGS ())"], "and shows none");
}
