//! Prints, for each case, how often one run of it asked the allocator for memory. The bench `instructions` runs it: an
//! allocator that counts must not be in the program whose instructions are counted.
#![allow(clippy::print_stdout, reason = "that is what it is for")]

fn main() {
    let filter = std::env::args().nth(1).unwrap_or_default();
    for case in mail_benches::cases::all().iter_mut().filter(|c| c.name().contains(&filter)) {
        println!("{}", allocation_counter::measure(|| (case.run)()).count_total);
    }
}
