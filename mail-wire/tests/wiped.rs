//! What was a secret is nowhere in the memory of the process once it is dropped: read from `/proc/self/mem`.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]

use std::{
    fs::File,
    hint::black_box,
    io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom},
    sync::Mutex,
};

use mail_wire::{InputBuffer, OutputQueue, SecretBuf};

/// One after the other: each looks at the memory of all.
static ALONE: Mutex<()> = Mutex::new(());

/// The secret as no test has it in memory: each octet is another one.
const MASK: u8 = 0x5a;
const MASKED: [u8; 24] = {
    let mut masked = *b"correct-horse-battery-17";
    let mut i = 0;
    while i < masked.len() {
        masked[i] ^= MASK;
        i += 1;
    }
    masked
};

/// Puts the secret into `to`, octet by octet.
fn reveal(to: &mut Vec<u8>) {
    to.reserve_exact(MASKED.len());
    to.extend(black_box(MASKED).iter().map(|b| b ^ MASK));
}

/// How often the secret stands in memory that this process can write.
fn found() -> usize {
    let maps = BufReader::new(File::open("/proc/self/maps").unwrap());
    let mut memory = File::open("/proc/self/mem").unwrap();
    // Looked at in place of the secret itself; its own octets are left out by their address.
    let mut window = vec![0_u8; 1 << 16];
    let own = window.as_ptr().addr()..window.as_ptr().addr() + window.len();
    let mut count = 0;
    for line in maps.lines() {
        let line = line.unwrap();
        let mut words = line.split_ascii_whitespace();
        let (range, mode) = (words.next().unwrap(), words.next().unwrap());
        if !mode.starts_with("rw") || line.ends_with("[vvar]") {
            continue;
        }
        let (from, to) = range.split_once('-').unwrap();
        let number = |hex| usize::from_str_radix(hex, 16).unwrap();
        let (mut at, to) = (number(from), number(to));
        while at < to {
            let n = window.len().min(to - at);
            if memory.seek(SeekFrom::Start(at as u64)).is_err()
                || memory.read_exact(&mut window[..n]).is_err()
            {
                break;
            }
            count += window[..n]
                .windows(MASKED.len())
                .enumerate()
                .filter(|(i, w)| {
                    !own.contains(&(at + i)) && w.iter().zip(&MASKED).all(|(a, b)| a ^ MASK == *b)
                })
                .count();
            // So that what is on an edge is seen too.
            at += if n > MASKED.len() { n - MASKED.len() + 1 } else { n };
        }
    }
    window.fill(0);
    black_box(&window);
    count
}

/// Makes something that holds the secret, has it seen, and lets `end` end it.
fn leaves_nothing<T>(make: impl FnOnce(Vec<u8>) -> T, end: impl FnOnce(T)) {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    assert_eq!(found(), 0);
    let mut secret = Vec::new();
    reveal(&mut secret);
    let holder = make(secret);
    assert_eq!(found(), 1, "what is looked for is found");
    end(holder);
    assert_eq!(found(), 0);
}

/// Wipes what only the test had.
fn wiped(mut octets: Vec<u8>) {
    octets.fill(0);
    black_box(octets);
}

#[test]
fn a_secret_is_gone_when_it_is_dropped() {
    leaves_nothing(SecretBuf::new, drop);
}

/// So that the others can fail: what nobody wipes stays.
#[test]
fn what_nobody_wipes_is_found() {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut secret = Vec::with_capacity(5000);
    reveal(&mut secret);
    let mut queue = OutputQueue::new();
    queue.put(&secret);
    wiped(secret);
    queue.advance(100);
    assert_ne!(found(), 0);
    // The queue keeps small buffers: the next octets overwrite it.
    queue.put(&[b'x'; 100]);
    assert_eq!(found(), 0);
}

#[test]
fn the_queue_wipes_a_secret_as_soon_as_it_is_sent() {
    leaves_nothing(
        |secret| {
            let mut queue = OutputQueue::new();
            queue.put(b"A1 AUTHENTICATE PLAIN ");
            queue.put_secret(&secret);
            queue.put(b"\r\n");
            wiped(secret);
            queue
        },
        |mut queue| {
            let sent: Vec<usize> = queue.segments().map(<[u8]>::len).collect();
            assert_eq!(sent, [22, MASKED.len(), 2]);
            // In pieces; the queue itself lives on.
            for _ in 0..22 + MASKED.len() {
                queue.advance(1);
            }
            assert_eq!(found(), 0, "with the last octet of it, not of the queue");
            assert_eq!(queue.len(), 2);
        },
    );
}

#[test]
fn the_queue_wipes_a_secret_that_is_never_sent() {
    // It waits for a `+`, which does not come; the connection ends.
    for refused in [true, false] {
        leaves_nothing(
            |secret| {
                let mut queue = OutputQueue::new();
                queue.put(b"A1 LOGIN tim {24}\r\n");
                queue.stop();
                queue.put_secret(&secret);
                wiped(secret);
                queue
            },
            |mut queue| {
                assert_eq!(queue.held(), MASKED.len());
                if refused {
                    queue.clear_held();
                    assert_eq!(found(), 0);
                }
            },
        );
    }
}

#[test]
fn the_input_wipes_a_secret_frame_wherever_it_was_moved() {
    leaves_nothing(
        |secret| {
            let mut input = InputBuffer::new(1 << 16);
            assert_eq!(input.extend(b"NOOP\r\n"), 6);
            let line = secret.len();
            // Octet by octet: the buffer grows several times.
            for octet in &secret {
                assert_eq!(input.extend(&[*octet]), 1);
            }
            wiped(secret);
            input.consume(6);
            assert_eq!(input.len(), line);
            input
        },
        |mut input| {
            assert_eq!(input.extend(b"\r\nNOOP\r\n"), 8);
            input.consume_secret(MASKED.len() + 2);
            assert_eq!(input.filled(), b"NOOP\r\n");
            assert_eq!(found(), 0);
        },
    );
}
