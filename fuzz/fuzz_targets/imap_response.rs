//! IMAP responses: what is made comes back from the wire; what is read from any octets is written so that it reads the same.
#![no_main]
use bumpalo::Bump;
use imap4_proto::types::{Reading, Response};
use libfuzzer_sys::fuzz_target;
use mail_fuzz::arb::{self, Source};

fn comes_back(response: Response<'_>, readings: &[Reading]) {
    let mut wire = Vec::new();
    response.encode(&mut wire);
    for reading in readings {
        assert_eq!(Response::parse(&wire, *reading), Ok(response), "{}", wire.escape_ascii());
    }
}

fn made(s: &mut Source<'_>) -> arbitrary::Result<()> {
    const READINGS: [Reading; 2] = [Reading::STRICT, Reading::TOLERANT];
    if s.coin()? {
        comes_back(arb::response(s)?, &READINGS);
        return Ok(());
    }
    let items = arb::fetch_attributes(s)?;
    let mut wire = format!("* {} FETCH (", s.nz_number()?).into_bytes();
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            wire.push(b' ');
        }
        item.encode(&mut wire, false);
    }
    wire.extend_from_slice(b")\r\n");
    for reading in READINGS {
        match Response::parse(&wire, reading) {
            Ok(Response::Fetch(fetched)) => {
                assert_eq!(fetched.items.iter().collect::<Vec<_>>(), items, "{}", wire.escape_ascii());
            }
            other => panic!("{other:?} {}", wire.escape_ascii()),
        }
    }
    Ok(())
}

fuzz_target!(|input: &[u8]| {
    let Some((mode, input)) = input.split_first() else { return };
    if mode & 1 == 0 {
        let arena = Bump::new();
        let _ = made(&mut Source::new(input, &arena));
    } else {
        let reading = if mode & 2 == 0 { Reading::STRICT } else { Reading::TOLERANT };
        // A frame of the machine's has no other line ends than those after a literal's length.
        let is_frame = input.windows(3).all(|w| w[1] != b'\n' || w[0] == b'\r')
            && input.split(|c| *c == b'\n').rev().skip(2).all(|l| l.ends_with(b"}\r"));
        if let Ok(response) = Response::parse(input, reading)
            && is_frame
        {
            let _ = format!("{response:?}");
            mail_fuzz::comes_back(&response, reading);
        }
    }
});
