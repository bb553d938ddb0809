//! The driver over a pipe in memory, with a clock that is set by hand.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod common;

use common::{
    HIGH_WATER, HandClock, ask,
    pipe::{Pipe, pipe},
    rest, serve,
    toy::{Event, Toy, ToyError},
};
use core::{
    future::{Future, pending, ready},
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
    time::Duration,
};
use mail_drive::{DriveError, Driver, Limits, Next, NoTimer, NoTls, TimedOut, Turn};
use smol::{
    future::{block_on, zip},
    io::{AsyncReadExt, AsyncWriteExt},
};
use std::io;

fn once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn toy_on(stream: Pipe) -> Driver<Toy, Pipe, NoTimer, NoTls> {
    Driver::new(Toy::new(), stream, NoTimer, NoTls)
}

async fn dialogue(mut client: Pipe) {
    ask(&mut client, b"ECHO one\r\n", "hello\r\none\r\n").await;
    ask(&mut client, b"PASS secret\r\nECHO two\r\nwh\nat\r\n", "6 octets\r\ntwo\r\nwhat?\r\n").await;
    ask(&mut client, b"PUT\r\nabc\r\n..def\r\n.\r\nECHO 3\r\n", "go on\r\nstored 11\r\n3\r\n").await;
    let body = format!("{}sent\r\n", "x".repeat(20_000));
    ask(&mut client, b"BODY 20000\r\n", &body).await;
    client.write_all(&[b'y'; 1500]).await.unwrap();
    ask(&mut client, b"\r\nECHO 4\r\n", "too long\r\n4\r\n").await;
    client.write_all(b"QUIT\r\nECHO never\r\n").await.unwrap();
    assert_eq!(rest(&mut client).await, "bye\r\n");
}

#[test]
fn a_dialogue_is_the_same_however_the_stream_behaves() {
    for most in [1, 2, 7, usize::MAX] {
        for coy in [false, true] {
            for hold in [false, true] {
                let (client, mut server) = pipe(100);
                server = server.at_most(most);
                server = if coy { server.coy() } else { server };
                server = if hold { server.holding() } else { server };
                let mut driver = toy_on(server);
                let (served, ()) = block_on(zip(serve(&mut driver), dialogue(client)));
                assert_eq!(served.unwrap(), b"abc\r\n.def\r\n");
                assert!(once(pin!(driver.next())).is_ready(), "it stays ended");
            }
        }
    }
}

/// Polls `next` and `drain` once each time, and drops them.
#[test]
fn nothing_is_lost_when_futures_are_dropped_at_every_await_point() {
    for use_next_or in [false, true] {
        let (client, server) = pipe(100);
        let mut driver = toy_on(server.at_most(3).coy());
        let mut client = pin!(dialogue(client));
        let mut client_done = false;
        let mut stored = Vec::new();
        'next: loop {
            if !client_done {
                client_done = once(client.as_mut()).is_ready();
            }
            let turn = if use_next_or {
                match once(pin!(driver.next_or(pending::<()>()))) {
                    Poll::Ready(Ok(Next::Turn(turn))) => Some(turn),
                    Poll::Ready(Ok(_)) => None,
                    Poll::Ready(Err(error)) => panic!("{error}"),
                    Poll::Pending => continue,
                }
            } else {
                match once(pin!(driver.next())) {
                    Poll::Ready(turn) => turn.unwrap(),
                    Poll::Pending => continue,
                }
            };
            let Some(Turn { event, mut peer }) = turn else { break 'next };
            match event {
                Event::Echo(text) => peer.machine.say(text),
                Event::Password(secret) => peer.machine.say(format!("{} octets", secret.len()).as_bytes()),
                Event::Body(n) => {
                    peer.machine.body(vec![b'x'; n].into());
                    while once(pin!(peer.drain(100))).is_pending() {
                        assert!(once(client.as_mut()).is_pending());
                    }
                    while once(pin!(peer.flush())).is_pending() {
                        assert!(once(client.as_mut()).is_pending());
                    }
                    peer.machine.say(b"sent");
                }
                Event::Put => peer.machine.accept_data(),
                Event::Chunk(chunk) => stored.extend_from_slice(chunk),
                Event::PutEnd => peer.machine.say(format!("stored {}", stored.len()).as_bytes()),
                Event::Quit => peer.machine.quit(),
                Event::StartTls | Event::Compress | Event::Ignored => {}
            }
        }
        assert!(client_done || once(client.as_mut()).is_ready());
        assert_eq!(stored, b"abc\r\n.def\r\n");
    }
}

#[test]
fn a_client_that_does_not_read_bounds_the_output_and_times_out() {
    let clock = HandClock::default();
    let (mut client, server) = pipe(1000);
    let mut driver = Driver::new(Toy::new(), server, clock.clone(), NoTls);
    block_on(client.write_all(b"BODY 10000000\r\n")).unwrap();
    {
        let mut serving = pin!(serve(&mut driver));
        assert!(once(serving.as_mut()).is_pending());
        clock.advance(Duration::from_secs(119));
        assert!(once(serving.as_mut()).is_pending());
        clock.advance(Duration::from_secs(1));
        let Poll::Ready(served) = once(serving.as_mut()) else { panic!("it waits on") };
        assert!(matches!(served, Err(DriveError::TimedOut(TimedOut::Output))), "{served:?}");
    }
    assert!(driver.machine().queued() <= HIGH_WATER + 32 * 1024, "{}", driver.machine().queued());
}

#[test]
fn a_client_that_reads_an_octet_now_and_then_times_out() {
    let clock = HandClock::default();
    let (mut client, server) = pipe(1000);
    let mut driver = Driver::new(Toy::new(), server, clock.clone(), NoTls);
    block_on(client.write_all(b"BODY 10000000\r\n")).unwrap();
    let mut serving = pin!(serve(&mut driver));
    for second in 0.. {
        if once(serving.as_mut()).is_ready() {
            assert!((120..130).contains(&second), "{second}");
            break;
        }
        clock.advance(Duration::from_secs(1));
        if second % 10 == 0 {
            block_on(client.read_exact(&mut [0; 1])).unwrap();
        }
    }
}

#[test]
fn pipelined_megabytes_with_no_reading_stop_at_the_high_water_mark_and_do_not_deadlock() {
    let (mut client, server) = pipe(1000);
    let mut limits = Limits::default();
    limits.read_ahead = 0;
    let mut driver = Driver::with_limits(Toy::new(), server, NoTimer, NoTls, limits);
    let line = [&b"ECHO "[..], &[b'e'; 900], b"\r\n"].concat();
    let mut serving = Box::pin(async move {
        let served = serve(&mut driver).await;
        (served, driver)
    });
    // The client writes until nobody takes it.
    let mut lines = 0u64;
    loop {
        let stuck = {
            let mut write = pin!(client.write_all(&line));
            let mut polls = 0;
            loop {
                if once(write.as_mut()).is_ready() {
                    lines += 1;
                    break false;
                }
                assert!(once(serving.as_mut()).is_pending());
                polls += 1;
                if polls > 100 {
                    break true;
                }
            }
        };
        if stuck {
            break;
        }
        assert!(lines < 200, "the output is not bounded");
    }
    assert!(lines > 60, "reading stopped before the high water mark: {lines}");
    // It reads now, and all is there.
    let mut got = 0;
    let mut buffer = [0; 1000];
    while got < 7 + 902 * usize::try_from(lines).unwrap() {
        let _ = once(serving.as_mut());
        if let Poll::Ready(n) = once(pin!(client.read(&mut buffer))) {
            got += n.unwrap();
        }
    }
}

/// With `bodies` the answers stop within an event, else between two.
fn writes_all_before_it_reads(most: usize, bodies: bool) -> usize {
    let (mut client, server) = pipe(1000);
    let mut limits = Limits::default();
    limits.read_ahead = most;
    let mut driver = Driver::with_limits(Toy::new(), server, NoTimer, NoTls, limits);
    let (line, answer) = if bodies {
        (b"BODY 100000\r\n".to_vec(), [&[b'x'; 100_000][..], b"sent\r\n"].concat())
    } else {
        ([&b"ECHO "[..], &[b'e'; 900], b"\r\n"].concat(), [&[b'e'; 900][..], b"\r\n"].concat())
    };
    let mut serving = Box::pin(async move { serve(&mut driver).await });
    let mut lines = 0;
    loop {
        let mut write = pin!(client.write_all(&line));
        let mut polls = 0;
        while once(write.as_mut()).is_pending() && polls < 100 {
            assert!(once(serving.as_mut()).is_pending());
            polls += 1;
        }
        if polls == 100 {
            break;
        }
        lines += 1;
        assert!(lines * line.len() < 4_000_000, "the input is not bounded");
    }
    // It reads now, and all is there, in order.
    let mut expected = b"hello\r\n".to_vec();
    let most = if bodies { 100 } else { lines };
    for _ in 0..most {
        expected.extend_from_slice(&answer);
    }
    let (mut got, mut buffer) = (Vec::new(), [0; 1000]);
    while got.len() < expected.len() {
        let _ = once(serving.as_mut());
        if let Poll::Ready(n) = once(pin!(client.read(&mut buffer))) {
            got.extend_from_slice(&buffer[..n.unwrap()]);
        }
    }
    assert!(got.starts_with(&expected));
    lines * line.len()
}

#[test]
fn what_a_peer_writes_before_it_reads_is_taken_up_to_a_bound() {
    for bodies in [false, true] {
        let least = writes_all_before_it_reads(0, bodies);
        let taken = writes_all_before_it_reads(1_000_000, bodies);
        assert!((1_000_000..1_000_000 + least + 2000).contains(&taken), "{bodies} {least} {taken}");
    }
}

#[test]
fn an_unanswered_event_is_the_program_s_mistake() {
    let (mut client, server) = pipe(1000);
    let mut driver = toy_on(server);
    block_on(client.write_all(b"ECHO 1\r\nECHO 2\r\n")).unwrap();
    assert_eq!(block_on(driver.next()).unwrap().unwrap().event, Event::Echo(b"1"));
    assert!(matches!(block_on(driver.next()), Err(DriveError::Blocked)));
    assert!(matches!(block_on(driver.next()), Ok(None)));
}

#[test]
fn the_deadline_reaches_the_machine_and_its_last_word_the_peer() {
    for (wire, seconds) in [(&b""[..], 100), (b"ECH", 10), (b"PUT\r\n", 10), (b"PUT\r\nabc", 10)] {
        let clock = HandClock::default();
        let (mut client, server) = pipe(1000);
        let mut driver = Driver::new(Toy::new(), server, clock.clone(), NoTls);
        block_on(client.write_all(wire)).unwrap();
        let mut serving = pin!(serve(&mut driver));
        for _ in 0..seconds {
            assert!(once(serving.as_mut()).is_pending());
            clock.advance(Duration::from_secs(1));
        }
        if once(serving.as_mut()).is_pending() {
            // Its last word is out; what the peer may still have on the way is read for two seconds.
            clock.advance(Duration::from_secs(2));
            assert!(matches!(once(serving.as_mut()), Poll::Ready(Ok(_))), "{wire:?}");
        }
        let said = block_on(rest(&mut client));
        assert!(said.ends_with("too late\r\n"), "{said}");
    }
}

#[test]
fn a_machine_that_keeps_a_passed_deadline_does_not_make_the_driver_spin() {
    let clock = HandClock::default();
    let (_client, server) = pipe(1000);
    let mut toy = Toy::new();
    toy.deaf = true;
    let mut driver = Driver::new(toy, server, clock.clone(), NoTls);
    {
        let mut serving = pin!(serve(&mut driver));
        assert!(once(serving.as_mut()).is_pending());
        clock.advance(Duration::from_secs(1000));
        let served = once(serving.as_mut());
        assert!(matches!(served, Poll::Ready(Err(DriveError::TimedOut(TimedOut::Input)))));
    }
    assert_eq!(driver.machine().timeouts, 1);
}

#[test]
fn a_half_closed_stream_gets_all_its_answers() {
    let (mut client, server) = pipe(1000);
    let mut driver = toy_on(server);
    block_on(async {
        client.write_all(b"ECHO 1\r\nECHO 2\r\nECHO cut o").await.unwrap();
        client.close().await.unwrap();
        serve(&mut driver).await.unwrap();
    });
    assert_eq!(block_on(rest(&mut client)), "hello\r\n1\r\n2\r\n");
}

#[test]
fn a_peer_that_is_gone_is_an_error_while_it_is_answered_and_the_end_while_it_is_awaited() {
    let (client, server) = pipe(1000);
    let mut driver = toy_on(server);
    assert!(once(pin!(driver.next())).is_pending());
    drop(client);
    assert!(matches!(block_on(driver.next()), Ok(None)));

    let (mut client, server) = pipe(1000);
    let mut driver = toy_on(server);
    block_on(client.write_all(b"BODY 100000\r\n")).unwrap();
    {
        let mut serving = pin!(serve(&mut driver));
        assert!(once(serving.as_mut()).is_pending());
        drop(client);
        let Poll::Ready(Err(error)) = once(serving.as_mut()) else { panic!("it waits on") };
        assert!(matches!(error, DriveError::Io(_)));
        assert_eq!(io::Error::from(error).kind(), io::ErrorKind::BrokenPipe);
    }
}

#[test]
fn what_a_fatal_error_has_to_say_is_sent_first_and_read_although_the_peer_writes_on() {
    let (mut client, server) = pipe(10_000);
    let mut driver = toy_on(server.at_most(5));
    block_on(client.write_all(b"FATAL\r\n")).unwrap();
    block_on(client.write_all(&[b'z'; 5000])).unwrap();
    let (served, said) = block_on(zip(serve(&mut driver), async {
        let said = rest(&mut client).await;
        client.close().await.unwrap();
        said
    }));
    assert!(matches!(served, Err(DriveError::Machine(ToyError("fatal")))), "{served:?}");
    assert_eq!(said, "hello\r\nthat was fatal\r\n");
}

#[test]
fn a_peer_that_never_stops_writing_after_the_end_is_left() {
    let clock = HandClock::default();
    let (mut client, server) = pipe(100);
    let mut driver = Driver::new(Toy::new(), server, clock.clone(), NoTls);
    block_on(client.write_all(b"FATAL\r\n")).unwrap();
    let mut serving = pin!(serve(&mut driver));
    for second in 0.. {
        if once(serving.as_mut()).is_ready() {
            assert_eq!(second, 2);
            break;
        }
        block_on(client.write_all(&[b'z'; 100])).unwrap();
        clock.advance(Duration::from_secs(1));
    }
}

#[test]
fn shutdown_sends_what_there_is_and_closes_within_its_time() {
    let (mut client, server) = pipe(1000);
    let mut driver = toy_on(server);
    driver.machine_mut().say(b"the server stops");
    block_on(driver.shutdown()).unwrap();
    assert!(matches!(block_on(driver.next()), Ok(None)));
    assert_eq!(block_on(rest(&mut client)), "hello\r\nthe server stops\r\n");

    let clock = HandClock::default();
    let (_client, server) = pipe(3);
    let mut driver = Driver::new(Toy::new(), server, clock.clone(), NoTls);
    let mut shutdown = pin!(driver.shutdown());
    assert!(once(shutdown.as_mut()).is_pending());
    clock.advance(Duration::from_secs(10));
    let ended = once(shutdown.as_mut());
    assert!(matches!(ended, Poll::Ready(Err(DriveError::TimedOut(TimedOut::Close)))), "{ended:?}");
}

#[test]
fn another_future_wakes_the_session_and_neither_starves_the_other() {
    let (mut client, server) = pipe(10_000);
    let mut driver = toy_on(server);
    block_on(client.write_all(&b"ECHO x\r\n".repeat(10))).unwrap();
    let (mut turns, mut others) = (0, 0);
    for calls in 0..20 {
        assert!(turns <= calls / 2 + 1 && others <= calls / 2 + 1, "{turns} {others}");
        match block_on(driver.next_or(ready(7))).unwrap() {
            Next::Turn(turn) => {
                turn.peer.machine.say(b"x");
                turns += 1;
            }
            Next::Other(seven, mut peer) => {
                assert_eq!(seven, 7);
                block_on(peer.flush()).unwrap();
                others += 1;
            }
            Next::End => panic!("it goes on"),
        }
    }
    assert_eq!((turns, others), (10, 10));
    // With nothing from the peer the other future is what comes.
    assert!(matches!(block_on(driver.next_or(ready(()))), Ok(Next::Other(..))));
    assert!(matches!(block_on(driver.next_or(ready(()))), Ok(Next::Other(..))));
}

#[test]
fn an_answer_is_sent_before_the_next_event_is_given_out() {
    let (mut client, server) = pipe(1000);
    let mut driver = toy_on(server);
    block_on(client.write_all(b"ECHO 1\r\nECHO 2\r\n")).unwrap();
    block_on(driver.next()).unwrap().unwrap().peer.machine.say(b"1");
    let _slow = block_on(driver.next()).unwrap().unwrap();
    block_on(ask(&mut client, b"", "hello\r\n1\r\n"));
}

#[test]
fn a_frame_longer_than_the_buffer_is_an_error() {
    let (mut client, server) = pipe(1000);
    let mut limits = Limits::default();
    limits.input = 10;
    let mut driver = Driver::with_limits(Toy::new(), server, NoTimer, NoTls, limits);
    block_on(client.write_all(b"ECHO 12345678\r\n")).unwrap();
    assert!(matches!(block_on(driver.next()), Err(DriveError::FrameTooLong)));
}

#[test]
fn an_idle_driver_holds_no_input_buffer() {
    let (mut client, server) = pipe(10_000);
    let mut driver = toy_on(server);
    block_on(client.write_all(&b"ECHO x\r\n".repeat(500))).unwrap();
    assert!(once(pin!(serve(&mut driver))).is_pending());
    assert_eq!(driver.input_capacity(), 0);
}

#[cfg(feature = "rustls")]
fn sized<T: mail_drive::Timer, A: mail_drive::Accept<tokio_util::compat::Compat<tokio::net::TcpStream>>>(
    stream: tokio::net::TcpStream,
    timer: T,
    acceptor: A,
) -> usize {
    use tokio_util::compat::TokioAsyncReadCompatExt;
    size_of_val(&async move {
        let mut driver = Driver::new(Toy::new(), stream.compat(), timer, acceptor);
        serve(&mut driver).await
    })
}

#[cfg(feature = "rustls")]
#[test]
fn a_session_s_future_is_small() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let stream = || {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        stream.set_nonblocking(true).unwrap();
        tokio::net::TcpStream::from_std(stream).unwrap()
    };
    runtime.block_on(async {
        let timer = common::TokioTimer(tokio::time::Instant::now());
        let (plain, tls) = (sized(stream(), timer, NoTls), sized(stream(), timer, common::tls::acceptor()));
        println!("a toy session's future: {plain} octets without TLS, {tls} with");
        assert!(plain < 2048 && tls < 2048, "{plain} {tls}");
    });
}
