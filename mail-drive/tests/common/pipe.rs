//! A pipe in memory that makes trouble: few octets at once, and Pending when it need not.

use futures_io::{AsyncRead, AsyncWrite};
use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

#[derive(Default)]
struct Way {
    octets: VecDeque<u8>,
    capacity: usize,
    closed: bool,
    /// The reading end is gone.
    broken: bool,
    waiting: Vec<Waker>,
}

impl Way {
    fn wake(&mut self) {
        self.waiting.drain(..).for_each(Waker::wake);
    }
}

/// One end.
pub(crate) struct Pipe {
    from: Arc<Mutex<Way>>,
    to: Arc<Mutex<Way>>,
    /// The most octets of one read or write.
    most: usize,
    /// Says Pending before every operation once.
    coy: bool,
    said: [bool; 3],
    /// Written but not flushed: what a TLS stream or a buffered one does.
    held: Vec<u8>,
    hold: bool,
}

/// Two ends. Each way holds `capacity` octets.
pub(crate) fn pipe(capacity: usize) -> (Pipe, Pipe) {
    let way = || Arc::new(Mutex::new(Way { capacity, ..Way::default() }));
    let (a, b) = (way(), way());
    let end = |from: &Arc<Mutex<Way>>, to: &Arc<Mutex<Way>>| Pipe {
        from: from.clone(),
        to: to.clone(),
        most: usize::MAX,
        coy: false,
        said: [false; 3],
        held: Vec::new(),
        hold: false,
    };
    (end(&a, &b), end(&b, &a))
}

impl Pipe {
    pub(crate) fn at_most(mut self, most: usize) -> Self {
        self.most = most;
        self
    }

    pub(crate) fn coy(mut self) -> Self {
        self.coy = true;
        self
    }

    /// Gives nothing on before it is flushed.
    pub(crate) fn holding(mut self) -> Self {
        self.hold = true;
        self
    }

    fn pends(&mut self, cx: &mut Context<'_>, operation: usize) -> bool {
        if !self.coy {
            return false;
        }
        self.said[operation] = !self.said[operation];
        if self.said[operation] {
            cx.waker().wake_by_ref();
        }
        self.said[operation]
    }

    fn give(&mut self, cx: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        let mut to = self.to.lock().unwrap();
        if to.broken || to.closed {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let n = octets.len().min(self.most).min(to.capacity - to.octets.len());
        if n == 0 && !octets.is_empty() {
            to.waiting.push(cx.waker().clone());
            return Poll::Pending;
        }
        to.octets.extend(&octets[..n]);
        to.wake();
        Poll::Ready(Ok(n))
    }
}

impl AsyncRead for Pipe {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        assert!(!buf.is_empty(), "a read of nothing looks like the end");
        if self.pends(cx, 0) {
            return Poll::Pending;
        }
        let mut from = self.from.lock().unwrap();
        let n = buf.len().min(self.most).min(from.octets.len());
        if n == 0 && !from.closed {
            from.waiting.push(cx.waker().clone());
            return Poll::Pending;
        }
        for (to, octet) in buf.iter_mut().zip(from.octets.drain(..n)) {
            *to = octet;
        }
        from.wake();
        Poll::Ready(Ok(n))
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.pends(cx, 1) {
            return Poll::Pending;
        }
        if !self.hold {
            return self.give(cx, buf);
        }
        let n = buf.len().min(self.most).min(4096 - self.held.len());
        if n == 0 {
            return match self.as_mut().poll_flush(cx)? {
                Poll::Ready(()) => self.poll_write(cx, buf),
                Poll::Pending => Poll::Pending,
            };
        }
        self.held.extend_from_slice(&buf[..n]);
        Poll::Ready(Ok(n))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.pends(cx, 2) {
            return Poll::Pending;
        }
        while !self.held.is_empty() {
            let held = core::mem::take(&mut self.held);
            match self.give(cx, &held) {
                Poll::Ready(Ok(n)) => self.held = held[n..].to_vec(),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.held = held;
                    return Poll::Pending;
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.as_mut().poll_flush(cx)?.is_pending() {
            return Poll::Pending;
        }
        let mut to = self.to.lock().unwrap();
        to.closed = true;
        to.wake();
        Poll::Ready(Ok(()))
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        for (way, reading) in [(&self.to, false), (&self.from, true)] {
            let mut way = way.lock().unwrap();
            way.closed = true;
            way.broken |= reading;
            way.wake();
        }
    }
}
