//! Counts instructions and allocations by valgrind's callgrind, times the same cases, prints all as one table, and holds
//! it against `budgets.txt`.
//!
//! ```text
//! cargo bench -p mail-benches --bench instructions            all cases
//! cargo bench -p mail-benches --bench instructions -- SMTP    those with this text in their name
//! cargo bench -p mail-benches --bench instructions -- --growth    cost over size, as a table and in benches/growth.svg
//! ```
//!
//! It runs itself under valgrind: each case once (and before, to check it and to warm it). Only what happens in
//! [`counted`] is collected, and a dump follows each. Instructions are of the whole process's code: allocator and `memcpy` too.
#![allow(clippy::print_stdout, reason = "a table is what this program is for")]

mod callgrind;
mod growth;

use std::{
    process::{Command, ExitCode},
    time::{Duration, Instant},
};

use mail_benches::{
    budgets::{Budgets, Row},
    case::Case,
    cases,
};

/// The argument that makes a process the counted one.
const COUNTED: &str = "--counted";
/// The argument that takes the cases of growing size.
const GROWTH: &str = "--growth";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let filter = arguments.iter().find(|a| !a.starts_with('-')).cloned().unwrap_or_default();
    // Each side of each case is checked here.
    let grows = arguments.iter().any(|a| a == GROWTH);
    let all = if grows { cases::growth() } else { cases::all() };
    let mut cases: Vec<Case> = all.into_iter().filter(|c| c.name().contains(&filter)).collect();
    if arguments.iter().any(|a| a == COUNTED) {
        for case in &mut cases {
            // Warm: the allocator has at hand what was just given back, as in a program that does this all day.
            (case.run)();
            counted(&mut case.run);
        }
        return ExitCode::SUCCESS;
    }
    if !arguments.iter().any(|a| a == "--bench") {
        println!("instructions: {} cases are right; `cargo bench` counts them", cases.len());
        return ExitCode::SUCCESS;
    }
    if grows {
        return match growth::run(&cases, &filter) {
            Ok(()) => ExitCode::SUCCESS,
            Err(e) => {
                println!("FAILED: {e}");
                ExitCode::FAILURE
            }
        };
    }
    match run(&mut cases, &filter) {
        Ok(passed) if passed.is_empty() => ExitCode::SUCCESS,
        Ok(passed) => {
            for line in passed {
                println!("FAILED: {line}");
            }
            ExitCode::FAILURE
        }
        Err(e) => {
            println!("FAILED: {e}");
            ExitCode::FAILURE
        }
    }
}

/// What callgrind collects, by this name.
#[inline(never)]
fn counted(run: &mut dyn FnMut()) {
    run();
}

/// Prints the table. The budgets that were passed.
fn run(cases: &mut [Case], filter: &str) -> Result<Vec<String>, String> {
    // Read when it runs, so that what another budget would say is seen at once.
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/budgets.txt");
    let budgets = Budgets::read(&std::fs::read_to_string(file).map_err(|e| format!("{file}: {e}"))?)?;
    let Some(counts) = callgrind::count(&[COUNTED, filter])? else {
        println!("instructions: valgrind is not installed: nothing is counted");
        return Ok(Vec::new());
    };
    let allocations = allocations(filter)?;
    if counts.len() != cases.len() || allocations.len() != cases.len() {
        return Err(format!("{} cases, but {} were counted", cases.len(), counts.len()));
    }
    let mut rows = Vec::new();
    for ((case, instructions), allocations) in cases.iter_mut().zip(counts).zip(allocations) {
        let time = nanoseconds(&mut case.run);
        rows.push(Row::new(case, instructions, allocations, time));
    }
    print(&rows, &budgets);
    let mut passed = budgets.passed(&rows);
    if filter.is_empty() {
        passed.extend(budgets.unused(&rows));
    }
    Ok(passed)
}

/// How often each case allocates, by the program that counts it.
fn allocations(filter: &str) -> Result<Vec<u64>, String> {
    let program = env!("CARGO_BIN_EXE_count-allocations");
    let output = Command::new(program).arg(filter).output().map_err(|e| e.to_string())?;
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    lines.lines().map(|l| l.parse().map_err(|_| format!("no count of allocations: {l}"))).collect()
}

/// The least time that one run took, of many.
fn nanoseconds(run: &mut dyn FnMut()) -> f64 {
    let mut least = Duration::MAX;
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(30) {
        let (start, rounds) = (Instant::now(), 8);
        for _ in 0..rounds {
            run();
        }
        least = least.min(start.elapsed() / rounds);
    }
    least.as_secs_f64() * 1e9
}

fn print(rows: &[Row], budgets: &Budgets) {
    let mut job = "";
    for row in rows {
        if row.job != job {
            job = row.job;
            println!("\n{job}, for one {}\n", row.unit);
            println!("| | instructions | budget | allocations | ns |");
            println!("|---|---:|---:|---:|---:|");
        }
        let budget = budgets.of(&row.name).map_or_else(String::new, |b| figure(b.instructions));
        println!(
            "| {} | {} | {budget} | {} | {} |",
            row.side,
            figure(row.instructions),
            figure(row.allocations),
            figure(row.nanoseconds)
        );
    }
    println!("\nRatios of instructions\n\n| | ratio | budget |\n|---|---:|---:|");
    for (ratio, value) in budgets.ratios(rows) {
        println!("| {} to {} | {value:.2} | {} |", ratio.of, ratio.to, ratio.most);
    }
    println!();
}

/// Large numbers whole, small ones with what matters of them.
fn figure(n: f64) -> String {
    match n {
        0.0 => "0".to_owned(),
        n if n >= 100.0 => format!("{n:.0}"),
        n if n >= 1.0 => format!("{n:.1}"),
        n if n >= 0.01 => format!("{n:.2}"),
        n => format!("{n:.5}"),
    }
}
