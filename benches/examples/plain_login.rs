//! Decodes a PLAIN message N times, for counting instructions:
//! `perf stat -e instructions:u target/release/examples/plain_login 1000000` (or `valgrind --tool=none`), and the same
//! with 0, which is what is not to be counted.

use std::hint::black_box;

use mail_benches::logins::{PLAIN, plain_decoded};

fn main() {
    let n: u32 = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(1);
    let right = (0..n).filter(|_| plain_decoded(black_box(PLAIN))).count();
    assert_eq!(u32::try_from(right), Ok(n));
}
