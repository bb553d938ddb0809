use super::scene::{Scene, message};
use crate::{
    Account, AppendSpec, Body, Delivery, HeaderScan, MailStore, Mailbox, MailboxName, MetaItems, Part,
    Recipient, Staged,
};

/// Octets that look like no other part of themselves.
fn pattern(len: usize) -> Vec<u8> {
    let mut x = 0x9e37_79b9_u32;
    (0..len)
        .map(|_| {
            x ^= x << 13;
            x ^= x >> 17;
            x ^= x << 5;
            (x >> 24) as u8
        })
        .collect()
}

/// Written, read, and of the size everybody says.
async fn round_trip(t: &Scene, octets: &[u8]) {
    let folder = t.inbox().await;
    let uid = folder.append(octets).await;
    assert!(folder.read(uid).await == octets, "{} octets changed", octets.len());
    let meta = folder.meta(uid, MetaItems::SIZE).await.unwrap();
    assert_eq!(meta.size, octets.len() as u64);
    assert_eq!(meta.ends_with_crlf, octets.ends_with(b"\r\n"));
}

/// `bodies` may leave any message out; what it gives is what `body` gives, in the order asked.
pub(super) async fn opened_ahead(t: &Scene) {
    let folder = t.inbox().await;
    let mut uids = Vec::new();
    for n in 0..40 {
        uids.push(folder.append(&message(n)).await);
    }
    uids.push(folder.append(&pattern(300_000)).await);
    let gone = uids.remove(7);
    folder.mailbox.expunge(Some(&gone.into()), false).await.unwrap();
    let mut asked = uids.clone();
    asked.insert(7, gone);
    for part in [Part::Whole, Part::Header, Part::Text] {
        let opened = folder.mailbox.bodies(&asked, part).await.unwrap();
        assert!(opened.is_sorted_by_key(|(uid, _)| *uid), "not in the order asked");
        for (uid, mut ahead) in opened {
            assert!(uids.contains(&uid), "{uid} was not asked for, or is gone");
            let mut body = folder.mailbox.body(uid, part).await.unwrap();
            assert_eq!(ahead.len(), body.len());
            let mut at = 0;
            while at < body.len() {
                let max = 10_000;
                let (a, b) = (ahead.read_at(at, max).await.unwrap(), body.read_at(at, max).await.unwrap());
                let both = a.len().min(b.len());
                assert!(both > 0 && a[..both] == b[..both], "octets differ at {at}");
                at += both as u64;
            }
        }
    }
    assert!(folder.mailbox.bodies(&[], Part::Whole).await.unwrap().is_empty());
}

pub(super) async fn no_octet_at_all(t: &Scene) {
    round_trip(t, b"").await;
    let folder = t.inbox().await;
    let body = folder.mailbox.body(folder.snapshot.uids[0], Part::Whole).await.unwrap();
    assert!(body.is_empty());
}

pub(super) async fn one_octet(t: &Scene) {
    for b in [b"x", b"\n", b"\r", b"\0"] {
        round_trip(t, b).await;
    }
}

pub(super) async fn line_ends_of_every_kind(t: &Scene) {
    for octets in [
        &b"a: b\r\n\r\nc\r\n"[..],
        b"a: b\n\nc\n",
        b"a: b\r\rc\r",
        b"no end",
        b"\r\n",
        b"\r\n\r\n",
        b"x\r\n.\r\n..\r\n",
        b"From someone\r\n\r\nFrom the start of a line\r\n",
        b"x\r",
        b"x\n\r",
    ] {
        round_trip(t, octets).await;
    }
}

pub(super) async fn every_octet_there_is(t: &Scene) {
    let all: Vec<u8> = (0..=255).collect();
    round_trip(t, &all).await;
    round_trip(t, &[0; 1000]).await;
    round_trip(t, &[0xff; 1000]).await;
}

pub(super) async fn usual_sizes(t: &Scene) {
    for len in [2, 100, 1023, 1024, 4095, 4096, 4097, 8192, 65_535, 65_536, 65_537] {
        round_trip(t, &pattern(len)).await;
    }
}

pub(super) async fn sizes_where_stores_change_their_ways(t: &Scene) {
    for len in [131_071, 131_072, 131_073, 262_144, 1_048_575, 1_048_576, 1_048_577, 3_000_000] {
        round_trip(t, &pattern(len)).await;
    }
}

pub(super) async fn however_it_is_cut(t: &Scene) {
    let folder = t.inbox().await;
    let octets = pattern(20_000);
    for chunk in [1, 7, 1000, 4096, 19_999, 20_000] {
        let mut staged = folder.account.stage(&folder.id, AppendSpec::default()).await.unwrap();
        for part in octets.chunks(chunk) {
            staged.write(part).await.unwrap();
            staged.write(&[]).await.unwrap();
        }
        assert_eq!(staged.finish().await.unwrap(), 20_000);
        let uid = folder.account.commit(&folder.id, vec![staged], None).await.unwrap().uids[0];
        assert!(folder.read(uid).await == octets, "written by {chunk}");
    }
}

pub(super) async fn read_at_any_place(t: &Scene) {
    let folder = t.inbox().await;
    for len in [1000_usize, 200_000] {
        let octets = pattern(len);
        let uid = folder.append(&octets).await;
        let mut body = folder.mailbox.body(uid, Part::Whole).await.unwrap();
        for (offset, max) in
            [(0, 1), (len - 1, 1), (len / 2, 100), (3, 64_000), (0, usize::MAX), (1, 1), (len - 2, 50)]
        {
            let got = body.read_at(offset as u64, max).await.unwrap();
            assert!(!got.is_empty() && got.len() <= max, "{} at {offset} by {max}", got.len());
            assert!(got == octets[offset..offset + got.len()], "{offset} {max}");
        }
        for offset in [len as u64, len as u64 + 1, u64::MAX] {
            assert!(body.read_at(offset, 10).await.unwrap().is_empty());
        }
    }
}

pub(super) async fn header_and_text(t: &Scene) {
    let folder = t.inbox().await;
    let long = [b"Subject: ".as_slice(), &[b'x'; 200_000], b"\r\n\r\n", &pattern(200_000)].concat();
    for octets in [
        &b""[..],
        b"\r\ntext",
        b"a: b\r\n\r\n",
        b"a: b\r\n\r\ntext\r\n\r\nmore",
        b"a: b\r\n only header\r\n",
        b"a: b\n\ntext",
        b"no end",
        &long,
    ] {
        let uid = folder.append(octets).await;
        let (header, text) = octets.split_at(HeaderScan::split(octets));
        assert!(folder.read_part(uid, Part::Header).await == header);
        assert!(folder.read_part(uid, Part::Text).await == text);
    }
}

pub(super) async fn several_open_at_once(t: &Scene) {
    let folder = t.inbox().await;
    let (one, two) = (pattern(150_000), message(2));
    let (a, b) = (folder.append(&one).await, folder.append(&two).await);
    let mut bodies = Vec::new();
    for uid in [a, b, a] {
        bodies.push(folder.mailbox.body(uid, Part::Whole).await.unwrap());
    }
    assert_eq!(bodies.iter().map(Body::len).collect::<Vec<_>>(), [150_000, two.len() as u64, 150_000]);
    for at in [0_usize, 30] {
        assert_eq!(bodies[2].read_at(at as u64, 20).await.unwrap(), one[at..at + 20]);
        assert_eq!(bodies[1].read_at(at as u64, 20).await.unwrap(), two[at..at + 20]);
        assert_eq!(bodies[0].read_at(at as u64, 20).await.unwrap(), one[at..at + 20]);
    }
}

pub(super) async fn a_hundred_megabytes(t: &Scene) {
    const BLOCK: usize = 1_000_000;
    const BLOCKS: u64 = 100;
    let folder = t.inbox().await;
    let block = pattern(BLOCK);
    let mut staged = folder.account.stage(&folder.id, AppendSpec::default()).await.unwrap();
    staged.write(b"Subject: large\r\n\r\n").await.unwrap();
    for n in 0..BLOCKS {
        // Each block begins with its number, so that none can stand for another.
        staged.write(&n.to_be_bytes()).await.unwrap();
        staged.write(&block).await.unwrap();
    }
    let len = 18 + BLOCKS * (8 + BLOCK as u64);
    assert_eq!(staged.finish().await.unwrap(), len);
    let uid = folder.account.commit(&folder.id, vec![staged], None).await.unwrap().uids[0];
    let mut body = folder.mailbox.body(uid, Part::Whole).await.unwrap();
    assert_eq!(body.len(), len);
    assert_eq!(folder.meta(uid, MetaItems::SIZE).await.unwrap().size, len);
    for n in 0..BLOCKS {
        let start = 18 + n * (8 + BLOCK as u64);
        assert_eq!(body.read_at(start, 8).await.unwrap(), n.to_be_bytes().as_slice());
        let mut at = 0;
        while at < BLOCK {
            let got = body.read_at(start + 8 + at as u64, BLOCK - at).await.unwrap();
            assert!(!got.is_empty() && got == block[at..at + got.len()], "block {n} at {at}");
            at += got.len();
        }
    }
    let text = folder.mailbox.body(uid, Part::Text).await.unwrap();
    assert_eq!(text.len(), len - 18);
}

pub(super) async fn a_delivery_keeps_octets_too(t: &Scene) {
    for len in [0, 1, 131_072, 1_500_000] {
        let octets = pattern(len);
        let mut delivery = t.store().deliver(AppendSpec::default()).await.unwrap();
        for part in octets.chunks(100_000) {
            delivery.write(part).await.unwrap();
        }
        let to = Recipient { account: "anna".into(), mailbox: MailboxName::inbox(), prefix: Vec::new() };
        let uid = delivery.commit(&[to]).await.remove(0).unwrap().uids[0];
        assert!(t.inbox().await.read(uid).await == octets, "{len} octets changed");
    }
}
