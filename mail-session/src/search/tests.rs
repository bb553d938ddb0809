use mailstore_api::{
    Account, AppendSpec, Flags, InternalDate, MailStore, MailboxName, MemoryStore, OpenMode, Query, Staged,
    SystemFlags, Uid, UidSet,
};

use super::*;

/// Messages in the order of their UIDs, from 1.
const MESSAGES: &[&str] = &[
    "From: Anna <anna@example.test>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= aus Wien\r\n\
     Date: Sat, 1 Feb 2020 23:30:00 -0500\r\n\r\nHello World\r\n",
    "From: bob@example.test\r\nSubject: report\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\
     Content-Transfer-Encoding: quoted-printable\r\n\r\nSch=F6ne =\r\nNeue Welt\r\n",
    "Subject: mixed\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\npreamble words\r\n--b\r\n\r\nplain here\r\n--b\r\n\
     Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\nContent-ID: <needle@part>\r\n\r\n\
     PGI+dmVyc3RlY2t0PC9iPg==\r\n--b\r\nContent-Type: application/pdf\r\n\r\nbinary secret\r\n--b\r\n\
     Content-Type: message/rfc822\r\n\r\nSubject: inner subject\r\n\r\ninner text\r\n--b--\r\n",
    "X-Empty:\r\nX-Fold: one\r\n two\r\n\r\n",
];

fn u(n: u32) -> Uid {
    Uid::new(n).unwrap()
}

async fn mailbox() -> <<MemoryStore as MailStore>::Account as Account>::Mailbox {
    let store = MemoryStore::new();
    store.create_account("a").unwrap();
    let account = store.open_account("a").await.unwrap();
    let inbox = account.find(&MailboxName::inbox()).await.unwrap().unwrap().id.unwrap();
    for (day, message) in (100..).zip(MESSAGES) {
        let mut flags = Flags::default();
        if day == 101 {
            flags.system = SystemFlags::SEEN;
            flags.keywords.push("$Work".to_owned());
        }
        // 23:00 in a zone an hour east: the next day there.
        let internal_date = Some(InternalDate { seconds: 86_400 * day + 82_800, zone_minutes: 60 });
        let spec = AppendSpec { flags, internal_date, declared_len: None };
        let mut staged = account.stage(&inbox, spec).await.unwrap();
        staged.write(message.as_bytes()).await.unwrap();
        staged.finish().await.unwrap();
        account.commit(&inbox, vec![staged], None).await.unwrap();
    }
    account.open(&inbox, OpenMode::Select).await.unwrap().1
}

fn text(s: &str) -> String {
    s.to_owned()
}

#[test]
fn every_question_has_its_answer() {
    smol::block_on(async {
        let mailbox = mailbox().await;
        let not = |q| Query::Not(Box::new(q));
        let days = |s: &str| crate::mime::day_of_date_field(s.as_bytes()).unwrap();
        for (query, found) in [
            (Query::All, vec![1, 2, 3, 4]),
            (Query::Uids(UidSet::from_ranges([(2, 3), (9, 9)])), vec![2, 3]),
            (Query::Flags(SystemFlags::SEEN), vec![2]),
            (not(Query::Flags(SystemFlags::SEEN)), vec![1, 3, 4]),
            (Query::Keyword(text("$work")), vec![2]),
            (Query::Header(text("SUBJECT"), text("GR\u{dc}\u{df}E AUS")), vec![1]),
            (Query::Header(text("from"), text("")), vec![1, 2]),
            (Query::Header(text("x-empty"), text("")), vec![4]),
            (Query::Header(text("x-empty"), text("x")), vec![]),
            (Query::Header(text("x-fold"), text("ONE TWO")), vec![4]),
            (Query::Body(text("hello w")), vec![1]),
            (Query::Body(text("anna")), vec![]),
            (Query::Text(text("anna")), vec![1]),
            (Query::Text(text("subject: rep")), vec![2]),
            (Query::Body(text("SCH\u{d6}NE neue")), vec![2]),
            (Query::Body(text("versteckt")), vec![3]),
            (Query::Body(text("PGI+")), vec![]),
            (Query::Body(text("binary secret")), vec![]),
            (Query::Body(text("inner subject")), vec![3]),
            (Query::Body(text("inner text")), vec![3]),
            (Query::Body(text("needle@part")), vec![]),
            (Query::Text(text("needle@part")), vec![3]),
            (Query::Larger(MESSAGES[3].len() as u64), vec![1, 2, 3]),
            (Query::Smaller(MESSAGES[3].len() as u64 + 1), vec![4]),
            (Query::InternalDay(101, 102), vec![1]),
            (Query::InternalDay(102, i64::MAX), vec![2, 3, 4]),
            (Query::SentDay(days("1 Feb 2020 00:00 +0000"), days("2 Feb 2020 00:00 +0000")), vec![1]),
            (not(Query::SentDay(0, i64::MAX)), vec![2, 3, 4]),
            (Query::And(vec![Query::Text(text("subject")), Query::Uids(u(3).into())]), vec![3]),
            (Query::Or(vec![Query::Body(text("hello")), Query::Flags(SystemFlags::SEEN)]), vec![1, 2]),
            (Query::And(vec![]), vec![1, 2, 3, 4]),
            (Query::Or(vec![]), vec![]),
            // The o of 2 has two dots (RFC 5051).
            (not(Query::Body(text("o"))), vec![3, 4]),
        ] {
            let got = search(&mailbox, &query, &UidSet::all()).await.unwrap();
            let got: Vec<u32> = (1..=4).filter(|n| got.contains(u(*n))).collect();
            assert_eq!(got, found, "{query:?}");
        }
        let within = UidSet::from(u(2));
        assert_eq!(search(&mailbox, &not(Query::Text(text("zzz"))), &within).await.unwrap(), within);
    });
}

#[test]
fn deep_nesting_is_no_recursion() {
    smol::block_on(async {
        let mailbox = mailbox().await;
        let mut query = Query::Flags(SystemFlags::SEEN);
        for _ in 0..1000 {
            query = Query::And(vec![Query::Not(Box::new(query))]);
        }
        let found = search(&mailbox, &query, &UidSet::all()).await.unwrap();
        assert_eq!(found, UidSet::from(u(2)));
    });
}
