//! A mail catcher without any runtime: the machine, blocking sockets, a thread for each client.
//! `cargo run -p smallest --bin smtp-threads`, then send to it; what comes in is printed.
use std::{
    io::{self, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    thread,
    time::Instant,
};

use mail_wire::{InputBuffer, Machine as _, Poll};
use smtp_submit_proto::{Config, Event, Server};

/// Sends what waits in the machine.
fn flush(server: &mut Server, stream: &mut TcpStream) -> io::Result<()> {
    for segment in server.output().segments() {
        stream.write_all(segment)?;
    }
    let sent = server.output().len();
    server.output().advance(sent);
    Ok(())
}

fn serve(mut stream: TcpStream) -> io::Result<()> {
    let mut config = Config::new("localhost");
    config.auth_required = false;
    let (mut server, start) = (Server::new(config), Instant::now());
    let (mut input, mut message, mut scratch) = (InputBuffer::new(64 * 1024), Vec::new(), [0; 4096]);
    loop {
        let now = mail_wire::Instant::from_start(start.elapsed());
        match server.poll(input.filled(), now) {
            Ok(Poll::Frame(n)) => {
                match server.event(input.filled().get(..n).unwrap_or(&[])) {
                    Event::Mail { .. } => server.accept_mail().map_err(io::Error::other)?,
                    Event::Rcpt { .. } => server.accept_rcpt().map_err(io::Error::other)?,
                    Event::DataBegin => server.accept_data().map_err(io::Error::other)?,
                    Event::DataChunk(chunk) => message.extend_from_slice(chunk),
                    Event::DataEnd { .. } => {
                        println!("{}", String::from_utf8_lossy(&std::mem::take(&mut message)));
                        server.end_accepted("printed").map_err(io::Error::other)?;
                    }
                    Event::DataRefused(_) => message.clear(),
                    _ => {}
                }
                input.consume(n);
            }
            Ok(Poll::Skip(n)) => input.consume(n),
            Ok(Poll::NeedInput { .. }) => {
                flush(&mut server, &mut stream)?;
                match stream.read(&mut scratch)? {
                    0 => return Ok(()),
                    n => input.extend(scratch.get(..n).unwrap_or(&[])),
                };
            }
            _ => return flush(&mut server, &mut stream),
        }
    }
}

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:2587".to_owned());
    let listener = TcpListener::bind(address)?;
    println!("smtp://{}", listener.local_addr()?);
    for stream in listener.incoming() {
        let stream = stream?;
        thread::spawn(move || serve(stream));
    }
    Ok(())
}
