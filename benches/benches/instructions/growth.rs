//! Cost over the size of the input: a table, and a picture of it.

use std::{fmt::Write as _, fs, path::Path};

use mail_benches::{budgets::as_f64, case::Case};

use crate::{COUNTED, GROWTH, callgrind, figure};

/// One job by one side, over its sizes.
struct Line {
    name: String,
    /// What it is so many of.
    unit: &'static str,
    /// Units and instructions, ascending.
    points: Vec<(f64, f64)>,
}

impl Line {
    /// What one unit more costs between the two greatest, to what it costs between the two least: 1 where the line is straight.
    fn bend(&self) -> Option<f64> {
        let slope = |a: &(f64, f64), b: &(f64, f64)| (b.1 - a.1) / (b.0 - a.0);
        match self.points.as_slice() {
            [first, second, .., before, last] => Some(slope(before, last) / slope(first, second)),
            _ => None,
        }
    }
}

pub(super) fn run(cases: &[Case], filter: &str) -> Result<(), String> {
    let Some(counts) = callgrind::count(&[COUNTED, GROWTH, filter])? else {
        println!("instructions: valgrind is not installed: nothing is counted");
        return Ok(());
    };
    let mut lines: Vec<Line> = Vec::new();
    for (case, count) in cases.iter().zip(counts) {
        let (name, point) = (case.name(), (as_f64(case.units), as_f64(count)));
        match lines.iter_mut().find(|line| line.name == name) {
            Some(line) => line.points.push(point),
            None => lines.push(Line { name, unit: case.unit, points: vec![point] }),
        }
    }
    println!("\n| | instructions for one unit, by size | bend |\n|---|---|---:|");
    for line in &lines {
        let each: Vec<_> = line.points.iter().map(|(n, cost)| format!("{n}: {}", figure(cost / n))).collect();
        println!(
            "| {} | {} | {} |",
            line.name,
            each.join(", "),
            line.bend().map_or_else(String::new, figure)
        );
    }
    let picture = Path::new(env!("CARGO_MANIFEST_DIR")).join("growth.svg");
    fs::write(&picture, svg(&lines)).map_err(|e| format!("{}: {e}", picture.display()))?;
    println!("\nDrawn in {}", picture.display());
    Ok(())
}

/// A count with a comma at each thousand.
fn grouped(n: f64) -> String {
    let digits = format!("{n:.0}");
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Each line to its own scale, its last point in the corner: what is straight lies on the grey diagonal.
fn svg(lines: &[Line]) -> String {
    const SIDE: f64 = 220.0;
    const GAP: f64 = 60.0;
    const COLUMNS: f64 = 3.0;
    let (mut out, mut x, mut y, mut bottom) = (String::new(), GAP, GAP, GAP);
    for line in lines {
        let (job, side) = line.name.split_once(": ").unwrap_or((&line.name, ""));
        let (most, cost) = line.points.last().copied().unwrap_or((1.0, 1.0));
        let at = |(n, c): &(f64, f64)| (x + n / most * SIDE, y + SIDE - c / cost * SIDE);
        let points: String = line.points.iter().map(at).map(|(px, py)| format!("{px:.1},{py:.1} ")).collect();
        let marks: String = line
            .points
            .iter()
            .map(at)
            .map(|(px, py)| format!(r##"<circle cx="{px:.1}" cy="{py:.1}" r="2.5" fill="#06c"/>"##))
            .collect();
        let bend = line.bend().map_or_else(String::new, |b| format!("; bend {}", figure(b)));
        // Writing to a String cannot fail.
        _ = writeln!(
            out,
            r##"<text x="{x}" y="{}" font-weight="bold">{job}</text>
<text x="{x}" y="{}">{side}</text>
<rect x="{x}" y="{y}" width="{SIDE}" height="{SIDE}" fill="none" stroke="#ccc"/>
<line x1="{x}" y1="{}" x2="{}" y2="{y}" stroke="#aaa"/>
<polyline points="{points}" fill="none" stroke="#06c" stroke-width="1"/>
{marks}
<text x="{x}" y="{}" fill="#444">{} {}s, {} instructions{bend}</text>"##,
            y - 18.0,
            y - 6.0,
            y + SIDE,
            x + SIDE,
            y + SIDE + 14.0,
            grouped(most),
            line.unit,
            grouped(cost),
        );
        bottom = y + SIDE + GAP / 2.0;
        x += SIDE + GAP;
        if x > COLUMNS * (SIDE + GAP) {
            (x, y) = (GAP, y + SIDE + GAP);
        }
    }
    let width = COLUMNS * (SIDE + GAP) + GAP;
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {bottom}" width="{width}" height="{bottom}" font-family="sans-serif" font-size="10">
<rect width="100%" height="100%" fill="#fff"/>
{out}</svg>
"##
    )
}
