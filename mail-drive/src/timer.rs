use core::{
    future::{Future, pending},
    pin::Pin,
};
use mail_wire::Instant;
use std::{boxed::Box, sync::Arc};

/// The clock and the alarm of whatever runtime the driver runs on.
///
/// On tokio:
/// ```
/// # use core::future::Future;
/// use {mail_drive::{Instant, Timer}, tokio::time};
///
/// struct TokioTimer(time::Instant); // when it was made
/// impl Timer for TokioTimer {
///     fn now(&self) -> Instant {
///         Instant::from_start(self.0.elapsed())
///     }
///     fn sleep_until(&self, at: Instant) -> impl Future<Output = ()> + Send {
///         time::sleep_until(self.0 + at.since_start())
///     }
/// }
/// ```
///
/// On smol:
/// ```
/// use mail_drive::{Instant, Timer};
///
/// struct SmolTimer(std::time::Instant);
/// impl Timer for SmolTimer {
///     fn now(&self) -> Instant {
///         Instant::from_start(self.0.elapsed())
///     }
///     async fn sleep_until(&self, at: Instant) {
///         smol::Timer::at(self.0 + at.since_start()).await;
///     }
/// }
/// ```
pub trait Timer: Send + Sync + 'static {
    /// The time by a monotonic clock.
    fn now(&self) -> Instant;

    /// Completes when the clock has come to `at`. It should do nothing before it is first polled: for
    /// most waits of a driver, input is there before.
    fn sleep_until(&self, at: Instant) -> impl Future<Output = ()> + Send;
}

impl<T: Timer> Timer for Arc<T> {
    fn now(&self) -> Instant {
        T::now(self)
    }

    fn sleep_until(&self, at: Instant) -> impl Future<Output = ()> + Send {
        T::sleep_until(self, at)
    }
}

/// No time: its clock stands still and no sleep ever ends, so *no deadline ever fires*.
///
/// For tests, and for streams that end slow connections by themselves (blocking sockets with timeouts).
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTimer;

impl Timer for NoTimer {
    fn now(&self) -> Instant {
        Instant::ZERO
    }

    fn sleep_until(&self, _: Instant) -> impl Future<Output = ()> + Send {
        pending()
    }
}

/// A [`Timer`] behind a pointer, so that [`Peer`](crate::Peer) need not name it.
pub(crate) trait Clock: Send + Sync {
    fn time(&self) -> Instant;
    fn sleep(&self, at: Instant) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

impl<T: Timer> Clock for T {
    fn time(&self) -> Instant {
        self.now()
    }

    fn sleep(&self, at: Instant) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.sleep_until(at))
    }
}
