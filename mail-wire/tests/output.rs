//! `OutputQueue` against a naive model, in any order of operations.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use bytes::Bytes;
use mail_wire::OutputQueue;
use proptest::prelude::*;
use std::{collections::VecDeque, fmt::Write as _};

#[derive(Clone, Debug)]
enum Op {
    Put(usize),
    With(usize),
    Shared(usize),
    Text,
    Stop,
    Release,
    Advance(usize),
    ClearHeld,
}

#[derive(Default)]
struct Model {
    queue: VecDeque<Option<u8>>,
    next: u8,
}

impl Model {
    fn bytes(&mut self, n: usize) -> Vec<u8> {
        (0..n)
            .map(|_| {
                self.next = self.next.wrapping_mul(5).wrapping_add(17);
                self.queue.push_back(Some(self.next));
                self.next
            })
            .collect()
    }
    fn ready(&self) -> Vec<u8> {
        self.queue.iter().map_while(|b| *b).collect()
    }
    fn first_stop(&self) -> Option<usize> {
        self.queue.iter().position(Option::is_none)
    }
}

fn op() -> impl Strategy<Value = Op> {
    // Small ones, those around the copying bound, and some that make the owned buffer move.
    let size = || prop_oneof![4 => 0usize..40, 2 => 505usize..520, 1 => 3000usize..9000];
    prop_oneof![
        3 => size().prop_map(Op::Put),
        1 => size().prop_map(Op::With),
        3 => size().prop_map(Op::Shared),
        1 => Just(Op::Text),
        1 => Just(Op::Stop),
        1 => Just(Op::Release),
        4 => size().prop_map(Op::Advance),
        1 => Just(Op::ClearHeld),
    ]
}

fn run(ops: Vec<Op>) {
    let (mut queue, mut model) = (OutputQueue::new(), Model::default());
    for op in ops {
        match op {
            Op::Put(n) => queue.put(&model.bytes(n)),
            Op::With(n) => {
                let bytes = model.bytes(n);
                assert_eq!(
                    queue.write_with(|v| {
                        v.extend_from_slice(&bytes);
                        7
                    }),
                    7
                );
            }
            Op::Shared(n) => queue.put_shared(Bytes::from(model.bytes(n))),
            Op::Text => {
                write!(queue, "ok").unwrap();
                model.queue.extend([Some(b'o'), Some(b'k')]);
            }
            Op::Stop => {
                queue.stop();
                model.queue.push_back(None);
            }
            Op::Release => {
                let at = model.first_stop();
                assert_eq!(queue.release(), at.is_some());
                at.map(|at| model.queue.remove(at));
            }
            Op::Advance(n) => {
                queue.advance(n);
                let n = n.min(model.ready().len());
                model.queue.drain(..n);
            }
            Op::ClearHeld => {
                queue.clear_held();
                if let Some(at) = model.first_stop() {
                    model.queue.truncate(at);
                }
            }
        }
        let ready = model.ready();
        assert!(queue.segments().all(|s| !s.is_empty()));
        assert_eq!(queue.segments().collect::<Vec<_>>().concat(), ready);
        assert_eq!(queue.len(), ready.len());
        assert_eq!(queue.is_empty(), ready.is_empty());
        assert_eq!(queue.held(), model.queue.iter().flatten().count() - ready.len());
        assert_eq!(queue.is_stopped(), model.queue.front().is_some_and(Option::is_none));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]
    #[test]
    fn any_order_of_operations_is_as_the_model_says(ops in proptest::collection::vec(op(), 0..80)) {
        run(ops);
    }
}

#[test]
fn long_shared_segments_are_not_copied() {
    let payload = Bytes::from(vec![b'x'; 100_000]);
    let mut queue = OutputQueue::new();
    queue.put(b"a");
    queue.put_shared(payload.clone());
    queue.put(b"b");
    let pointers: Vec<_> = queue.segments().map(<[u8]>::as_ptr).collect();
    assert_eq!(pointers[1], payload.as_ptr());
    assert_eq!(pointers.len(), 3);
}

#[test]
fn debug_shows_no_bytes() {
    let mut queue = OutputQueue::new();
    queue.put(b"hunter2");
    assert!(!format!("{queue:?}").contains("hunter2"));
    assert!(!format!("{queue:?}").contains("104"));
}
