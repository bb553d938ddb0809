//! Big payloads: dot framing in and out, beside smtp-proto's receiver.
#![allow(missing_docs, reason = "criterion's macros make public items without docs")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a bench that is wrong should stop"
)]

use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mail_benches::body;
use mail_wire::{Dot, DotDecoder, DotEncoder, OutputQueue};

/// As a socket gives it.
const READ: usize = 16 * 1024;

fn decode(wire: &[u8]) -> usize {
    let (mut decoder, mut content, mut start) = (DotDecoder::new(), 0, 0);
    for end in (READ..wire.len()).step_by(READ).chain([wire.len()]) {
        loop {
            match decoder.step(&wire[start..end]) {
                Dot::Payload(n) => {
                    content += n;
                    start += n;
                }
                Dot::Skip(n) => start += n,
                Dot::End(_) => return content,
                _ => break,
            }
        }
    }
    panic!("no end")
}

fn peer(wire: &[u8]) -> usize {
    let (mut receiver, mut message) = (smtp_proto::request::receiver::DataReceiver::new(), Vec::new());
    for chunk in wire.chunks(READ) {
        if receiver.ingest(&mut chunk.iter(), &mut message) {
            return message.len();
        }
    }
    panic!("no end")
}

fn data(c: &mut Criterion) {
    for (name, dots) in [("DATA in, text", false), ("DATA in, a dot on every line", true)] {
        let mut wire = body(13_000, dots);
        let content = wire.len() - if dots { 12_999 } else { 0 };
        wire.extend_from_slice(b".\r\n");
        assert_eq!(decode(&wire), content, "the content is found");
        assert_eq!(peer(&wire), content, "the peer finds it, too");
        let mut group = c.benchmark_group(name);
        group.throughput(Throughput::Bytes(wire.len() as u64));
        group.bench_function("mail-wire: slices", |b| b.iter(|| decode(black_box(&wire))));
        group.bench_function("smtp-proto: copies", |b| b.iter(|| peer(black_box(&wire))));
        group.finish();
    }
    let content = Bytes::from(body(13_000, false));
    let mut group = c.benchmark_group("RETR out, text");
    group.throughput(Throughput::Bytes(content.len() as u64));
    group.bench_function("mail-wire: shared slices", |b| {
        b.iter(|| {
            let (mut encoder, mut out) = (DotEncoder::default(), OutputQueue::new());
            encoder.put(black_box(content.clone()), &mut out);
            encoder.finish(&mut out);
            assert!(out.len() > content.len());
        });
    });
    group.finish();
}

criterion_group!(benches, data);
criterion_main!(benches);
