//! Writers beside each other on a disk whose own speed changes within minutes: they take turns, a short round each, and
//! what is compared is what they did in the same turn.

use std::time::Duration;

use crate::measure::{Round, Spread};

#[derive(Clone, Copy)]
pub(crate) enum Writer {
    /// Gives no UIDs and has no order: it is no IMAP mailbox yet.
    Plain,
    /// Notes each UID in one list, under one lock, as an IMAP server on Maildir does.
    Listed,
    Threads,
    Tasks,
}

use Writer::{Listed, Plain, Tasks, Threads};

const NAMES: [(Writer, &str); 4] = [
    (Plain, "Maildir, no UIDs"),
    (Listed, "Maildir, UIDs under one lock"),
    (Threads, "mailstore-sqlite, threads"),
    (Tasks, "mailstore-sqlite, tasks"),
];

/// Who comes when. In four turns each is once in each place, and once behind each of the others: what one leaves to the disk
/// to do falls on all of them alike.
const ORDERS: [[Writer; 4]; 4] = [
    [Plain, Listed, Tasks, Threads],
    [Listed, Threads, Plain, Tasks],
    [Threads, Tasks, Listed, Plain],
    [Tasks, Plain, Threads, Listed],
];

type Turn = [Round; 4];

/// What all writers did, turn by turn.
#[derive(Default)]
pub(crate) struct Turns(Vec<Turn>);

impl Turns {
    /// One turn more. Answers the time of an append by our store in it, which criterion makes its figures of.
    pub(crate) fn take(&mut self, mut round: impl FnMut(Writer) -> Round) -> Duration {
        let mut turn = Turn::default();
        for writer in ORDERS[self.0.len() % ORDERS.len()] {
            turn[writer as usize] = round(writer);
        }
        self.0.push(turn);
        Duration::from_secs_f64(1.0 / turn[Threads as usize].rate())
    }

    pub(crate) fn print(&self, title: &str) {
        // The first one warms up, where there are more.
        let turns = self.0.get(1..).filter(|t| !t.is_empty()).unwrap_or(&self.0);
        if turns.is_empty() {
            return;
        }
        println!("\n{title}: medians of {} turns (lowest to highest)", turns.len());
        println!(
            "{:<29} {:<25} CPU us {:<22} x Maildir with UIDs",
            "", "appends a second", "x Maildir, same turn"
        );
        let of = |value: &dyn Fn(&Turn) -> f64| Spread::of(turns.iter().map(value).collect());
        for (writer, name) in NAMES {
            let beside = |peer: Writer| of(&|t| t[writer as usize].rate() / t[peer as usize].rate());
            println!(
                "{name:<29} {:<25.0} {:<6.0} {:<22.2} {:.2}",
                of(&|t| t[writer as usize].rate()),
                of(&|t| t[writer as usize].processor_each()).median,
                beside(Plain),
                beside(Listed),
            );
        }
        println!();
    }
}
