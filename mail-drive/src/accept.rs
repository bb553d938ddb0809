use core::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};
use futures_io::{AsyncRead, AsyncWrite};
use mail_wire::TlsInfo;
use std::io;

/// What makes a TLS stream of a plain one, by the handshake of either side.
///
/// With the feature `rustls`: `futures_rustls::TlsAcceptor` and `Acceptor` for the accepting side, `Connect`
/// for the connecting side. [`NoTls`] where there is none. Another TLS library can be used through an
/// implementation of one's own.
pub trait Accept<S>: Clone + Send + Sync + 'static {
    /// The stream over TLS.
    type Tls: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Does the handshake. The driver gives it a deadline.
    ///
    /// # Errors
    /// When it fails. The stream is gone then, and so closed.
    fn accept(self, stream: S) -> impl Future<Output = io::Result<(Self::Tls, TlsInfo)>> + Send;
}

/// No TLS: a machine that asks for it ends its connection with
/// [`DriveError::Handshake`](crate::DriveError::Handshake). Configure the machine not to offer it.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTls;

/// The stream over TLS that [`NoTls`] never makes.
#[derive(Clone, Copy, Debug)]
pub enum Never {}

impl<S: Send> Accept<S> for NoTls {
    type Tls = Never;

    async fn accept(self, _: S) -> io::Result<(Never, TlsInfo)> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl AsyncRead for Never {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut [u8]) -> Poll<io::Result<usize>> {
        match *self {}
    }
}

impl AsyncWrite for Never {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        match *self {}
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match *self {}
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match *self {}
    }
}
