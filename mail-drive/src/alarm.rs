use core::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};
use mail_wire::Instant;
use std::{boxed::Box, sync::Arc};

use crate::Timer;

/// The alarm of a driver, which outlives the waits it is set for: most of them are over before it rings, and the deadline
/// of the next is later. So it is left as it is, and set anew when it has rung or is needed earlier. Setting and stopping a
/// runtime's timer at each wait would cost more than many a command.
#[derive(Default)]
pub(crate) struct Alarm(Option<Set>);

struct Set {
    at: Instant,
    sleep: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Alarm {
    /// Completes when the deadline has passed; never where there is none.
    pub(crate) fn poll<T: Timer>(
        &mut self,
        cx: &mut Context<'_>,
        timer: &Arc<T>,
        deadline: Option<Instant>,
    ) -> Poll<()> {
        let Some(deadline) = deadline else { return Poll::Pending };
        loop {
            let set = match &mut self.0 {
                Some(set) if set.at <= deadline => set,
                _ => {
                    let timer = timer.clone();
                    let sleep = Box::pin(async move { timer.sleep_until(deadline).await });
                    self.0.insert(Set { at: deadline, sleep })
                }
            };
            ready!(set.sleep.as_mut().poll(cx));
            self.0 = None;
            // Else it rang for a wait that is over.
            if deadline <= timer.now() {
                return Poll::Ready(());
            }
        }
    }
}
