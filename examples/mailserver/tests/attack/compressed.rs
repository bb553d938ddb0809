//! COMPRESS=DEFLATE (RFC 4978): a little that becomes much.

use std::io::Write as _;

use flate2::{Compression, write::DeflateEncoder};

use crate::ground::{Ground, IMAP, times};

/// `of`, `times` over, without the header and the end of a stream.
fn bomb(of: &[u8], times: usize) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    for _ in 0..times {
        encoder.write_all(of).unwrap();
    }
    encoder.flush().unwrap();
    encoder.get_ref().clone()
}

#[test]
fn a_compressed_bomb_takes_no_memory_and_stops_nobody_else() {
    let mut ground = Ground::new();
    let piece = vec![b'A'; 1 << 20];
    // One line of 40 megabytes; a refused literal of as many; a flood of commands.
    let line = bomb(&piece, times(40));
    let commands = bomb(&b"x NOOP\r\n".repeat(1 << 14), times(3));
    let mut literal = bomb(b"a LOGIN {300000000+}\r\n", 1);
    literal.extend(bomb(&piece, times(40)));
    println!("{} octets that become {}", line.len(), times(40) << 20);
    for bomb in [line, literal, commands] {
        let mut raw = ground.alice(IMAP);
        raw.send("c COMPRESS DEFLATE\r\n");
        raw.until(b"c OK");
        raw.stream.set_nonblocking(false).unwrap();
        let mut writer = raw.stream.try_clone().unwrap();
        let sender = std::thread::spawn(move || {
            let _ = writer.write_all(&bomb);
            let _ = writer.shutdown(std::net::Shutdown::Write);
        });
        ground.serves();
        assert!(ground.growth() < 32 * 1024, "{} KiB", ground.growth());
        raw.end();
        sender.join().unwrap();
        assert!(ground.growth() < 32 * 1024, "{} KiB", ground.growth());
    }
    // What is no stream of DEFLATE at all, and one that ends.
    for octets in [&b"\xff\xff\xff\xff"[..], b"a NOOP\r\n", b"\x03\x00rest", b"\x07"] {
        let mut raw = ground.alice(IMAP);
        raw.send("c COMPRESS DEFLATE\r\n");
        raw.until(b"c OK");
        raw.send(octets);
        raw.half_close();
        raw.end();
    }
    ground.held(32);
}
