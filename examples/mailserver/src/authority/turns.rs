//! Whose password is hashed next: a few at a time, in turns that are fair to each source.
//!
//! Those who logged in from the same place before have three turns of four; in either line the sources take turns, so that a
//! thousand guesses of one source are one place in the line, and not a thousand.

use std::{
    collections::VecDeque,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

use crate::throttle::network;

/// Logins of one source that wait, at most, and of all in one line.
const OF_ONE: usize = 32;
const OF_ALL: usize = 1024;
/// Of so many turns, the strangers have one, if any waits.
const EVERY: u8 = 4;

/// Where a login comes from: its network; on this machine, where a front end may speak for many, its mailbox too.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Source(Option<IpAddr>, Option<String>);

/// The turns.
#[derive(Debug)]
pub(super) struct Turns(Mutex<State>);

#[derive(Debug)]
struct State {
    free: usize,
    given: u8,
    known: Line,
    strangers: Line,
}

#[derive(Debug, Default)]
struct Line {
    waiting: usize,
    sources: VecDeque<(Source, VecDeque<oneshot::Sender<Turn>>)>,
}

/// One may work as long as this is held.
#[derive(Debug)]
pub(super) struct Turn(Option<Arc<Turns>>);

/// Too many wait already.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

impl Source {
    pub(super) fn new(address: Option<IpAddr>, mailbox: &str) -> Self {
        let network = address.map(network);
        let shared = network.is_none_or(|n| n.is_loopback());
        Self(network, shared.then(|| mailbox.to_owned()))
    }
}

impl Turns {
    pub(super) fn new(at_once: usize) -> Arc<Self> {
        let (known, strangers) = (Line::default(), Line::default());
        Arc::new(Self(Mutex::new(State { free: at_once.max(1), given: 0, known, strangers })))
    }

    /// Waits for a turn. `known`: a right login came from there before.
    pub(super) async fn turn(self: &Arc<Self>, source: Source, known: bool) -> Result<Turn, Full> {
        let waits = {
            let mut state = self.lock();
            if state.free > 0 {
                state.free -= 1;
                return Ok(Turn(Some(Arc::clone(self))));
            }
            let line = if known { &mut state.known } else { &mut state.strangers };
            line.join(source)?
        };
        // The sender is dropped only with this value.
        waits.await.map_err(|_| Full)
    }

    /// A turn is over: the next one's, or nobody's.
    fn over(self: Arc<Self>) {
        let mut turn = Turn(Some(self));
        while let Some(turns) = turn.0.take() {
            let Some(next) = turns.lock().next() else { return };
            match next.send(Turn(Some(turns))) {
                Ok(()) => return,
                // He has gone: the one after him.
                Err(back) => turn = back,
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Who is next; where nobody waits, a place is free.
    fn next(&mut self) -> Option<oneshot::Sender<Turn>> {
        let strangers_first = self.given.is_multiple_of(EVERY);
        let (one, other) = match strangers_first {
            true => (&mut self.strangers, &mut self.known),
            false => (&mut self.known, &mut self.strangers),
        };
        let next = one.leave().or_else(|| other.leave());
        match next {
            Some(_) => self.given = self.given.wrapping_add(1),
            None => self.free += 1,
        }
        next
    }
}

impl Line {
    fn join(&mut self, source: Source) -> Result<oneshot::Receiver<Turn>, Full> {
        if self.waiting >= OF_ALL {
            return Err(Full);
        }
        let (sender, receiver) = oneshot::channel();
        match self.sources.iter_mut().find(|(s, _)| *s == source) {
            Some((_, waiting)) if waiting.len() >= OF_ONE => return Err(Full),
            Some((_, waiting)) => waiting.push_back(sender),
            None => self.sources.push_back((source, VecDeque::from([sender]))),
        }
        self.waiting += 1;
        Ok(receiver)
    }

    /// The first of the source whose turn it is; the source then stands last.
    fn leave(&mut self) -> Option<oneshot::Sender<Turn>> {
        let (source, mut waiting) = self.sources.pop_front()?;
        let first = waiting.pop_front();
        if !waiting.is_empty() {
            self.sources.push_back((source, waiting));
        }
        self.waiting -= usize::from(first.is_some());
        first
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(turns) = self.0.take() {
            turns.over();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        pin::pin,
        task::{Context, Poll, Waker},
    };

    fn from(address: &str) -> Source {
        Source::new(Some(address.parse().unwrap()), "a mailbox")
    }

    type Waiting = std::pin::Pin<Box<dyn Future<Output = Result<Turn, Full>>>>;

    /// Asks for a turn, and stands in line if there is none.
    fn ask(turns: &Arc<Turns>, source: Source, known: bool) -> Waiting {
        let turns = Arc::clone(turns);
        let mut asked: Waiting = Box::pin(async move { turns.turn(source, known).await });
        assert!(poll(&mut asked).is_none(), "it waits");
        asked
    }

    fn poll(waiting: &mut Waiting) -> Option<Result<Turn, Full>> {
        match waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(turn) => Some(turn),
            Poll::Pending => None,
        }
    }

    fn first(turns: &Arc<Turns>) -> Turn {
        let Poll::Ready(turn) =
            pin!(turns.turn(from("192.0.2.1"), false)).poll(&mut Context::from_waker(Waker::noop()))
        else {
            panic!("there is a free place")
        };
        turn.unwrap()
    }

    /// Gives turn after turn; says in what order the waiting got theirs.
    fn order(turn: Turn, mut waiting: Vec<(&'static str, Waiting)>) -> Vec<&'static str> {
        let (mut turn, mut order) = (Some(turn), Vec::new());
        while !waiting.is_empty() {
            drop(turn.take());
            let at = waiting.iter_mut().position(|(_, w)| {
                turn = poll(w).map(Result::unwrap);
                turn.is_some()
            });
            order.push(waiting.remove(at.expect("somebody has the turn")).0);
        }
        order
    }

    #[test]
    fn a_thousand_guesses_of_one_source_are_one_place_in_the_line() {
        let turns = Turns::new(1);
        let turn = first(&turns);
        let mut waiting: Vec<_> = (0..30).map(|_| ("flood", ask(&turns, from("192.0.2.1"), false))).collect();
        waiting.push(("other", ask(&turns, from("192.0.2.2"), false)));
        let order = order(turn, waiting);
        assert_eq!(order.iter().position(|w| *w == "other"), Some(1), "{order:?}");
    }

    #[test]
    fn who_was_there_before_has_three_turns_of_four_and_starves_nobody() {
        let turns = Turns::new(1);
        let turn = first(&turns);
        let mut waiting = Vec::new();
        for n in 0..6 {
            waiting.push(("stranger", ask(&turns, from(&format!("192.0.2.{n}")), false)));
        }
        for n in 0..6 {
            waiting.push(("known", ask(&turns, from(&format!("198.51.100.{n}")), true)));
        }
        let order = order(turn, waiting);
        assert_eq!(
            order[..9],
            ["stranger", "known", "known", "known", "stranger", "known", "known", "known", "stranger"]
        );
    }

    #[test]
    fn who_has_gone_gets_no_turn_and_no_turn_is_lost() {
        let turns = Turns::new(1);
        let turn = first(&turns);
        let gone = ask(&turns, from("192.0.2.1"), false);
        let mut stays = ask(&turns, from("192.0.2.1"), false);
        drop(gone);
        drop(turn);
        // One that was given its turn and goes before it sees it.
        let mut next = ask(&turns, from("192.0.2.2"), false);
        drop(poll(&mut stays).unwrap().unwrap());
        let last = ask(&turns, from("192.0.2.3"), false);
        assert!(poll(&mut next).is_some());
        drop(last);
        assert_eq!(turns.lock().free, 1);
        drop(first(&turns));
    }

    #[test]
    fn lines_are_bounded() {
        let turns = Turns::new(1);
        let turn = first(&turns);
        let waiting: Vec<_> = (0..OF_ONE).map(|_| ask(&turns, from("192.0.2.1"), false)).collect();
        let mut more: Waiting = Box::pin({
            let turns = Arc::clone(&turns);
            async move { turns.turn(from("192.0.2.1"), false).await }
        });
        assert_eq!(poll(&mut more).unwrap().unwrap_err(), Full);
        let _other = ask(&turns, from("192.0.2.2"), false);
        drop((waiting, turn));
        let by_name = |name: &str| Source::new(Some("127.0.0.1".parse().unwrap()), name);
        assert_ne!(by_name("a"), by_name("b"), "a front end speaks for many");
        let v6 = |text: &str| Source::new(Some(text.parse().unwrap()), "a");
        assert_eq!(v6("2001:db8::1"), v6("2001:db8::2"));
    }
}
