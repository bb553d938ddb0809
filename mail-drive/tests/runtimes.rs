//! The toy server over loopback sockets, on tokio (through its compat layer) and on smol.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]
#![cfg(feature = "rustls")]

mod common;

use common::{
    SmolTimer, TokioTimer, ask, rest, serve,
    tls::{acceptor, connector, name},
    toy::Toy,
};
use futures_io::{AsyncRead, AsyncWrite};
use mail_drive::Driver;
use smol::io::AsyncWriteExt;

async fn starttls(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    ask(&mut stream, b"ECHO one\r\nSTARTTLS\r\n", "hello\r\none\r\ngo ahead\r\n").await;
    let stream = connector().connect(name(), stream).await.unwrap();
    inside(stream, "").await;
}

async fn implicit(stream: impl AsyncRead + AsyncWrite + Unpin) {
    let stream = connector().connect(name(), stream).await.unwrap();
    inside(stream, "hello\r\n").await;
}

async fn inside(mut stream: impl AsyncRead + AsyncWrite + Unpin, greeting: &str) {
    ask(&mut stream, b"ECHO two\r\n", &format!("{greeting}tls two\r\n")).await;
    let body = format!("{}sent\r\n", "x".repeat(3_000_000));
    ask(&mut stream, b"BODY 3000000\r\n", &body).await;
    ask(&mut stream, b"PUT\r\n", "go on\r\n").await;
    let data = [&b"line of text\r\n".repeat(100_000)[..], b".\r\n"].concat();
    ask(&mut stream, &data, "stored 1400000\r\n").await;
    stream.write_all(b"QUIT\r\n").await.unwrap();
    stream.flush().await.unwrap();
    assert_eq!(rest(&mut stream).await, "bye\r\n");
}

#[test]
fn tokio_serves_starttls_and_implicit_tls() {
    use tokio_util::compat::TokioAsyncReadCompatExt;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        for from_the_start in [false, true] {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let timer = TokioTimer(tokio::time::Instant::now());
            let server = tokio::spawn(async move {
                let stream = listener.accept().await.unwrap().0.compat();
                let make = if from_the_start { Driver::tls } else { Driver::new };
                serve(&mut make(Toy::new(), stream, timer, acceptor())).await
            });
            let stream = tokio::net::TcpStream::connect(address).await.unwrap().compat();
            if from_the_start {
                implicit(stream).await
            } else {
                starttls(stream).await
            }
            assert_eq!(server.await.unwrap().unwrap().len(), 1_400_000);
        }
    });
}

#[test]
fn smol_serves_starttls_and_implicit_tls() {
    smol::block_on(async {
        for from_the_start in [false, true] {
            let listener = smol::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let timer = SmolTimer(std::time::Instant::now());
            let server = smol::spawn(async move {
                let stream = listener.accept().await.unwrap().0;
                let make = if from_the_start { Driver::tls } else { Driver::new };
                serve(&mut make(Toy::new(), stream, timer, acceptor())).await
            });
            let stream = smol::net::TcpStream::connect(address).await.unwrap();
            if from_the_start {
                implicit(stream).await
            } else {
                starttls(stream).await
            }
            assert_eq!(server.await.unwrap().len(), 1_400_000);
        }
    });
}
