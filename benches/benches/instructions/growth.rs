//! Cost over the size of the input: a table, and a picture of it.

use std::{fmt::Write as _, fs, path::Path};

use mail_benches::{budgets::as_f64, case::Case};

use crate::{COUNTED, GROWTH, callgrind, figure};

/// One job by one side, over its sizes.
struct Line {
    name: String,
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
            None => lines.push(Line { name, points: vec![point] }),
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

/// Each line to its own scale, its last point in the corner: what is straight lies on the grey diagonal.
fn svg(lines: &[Line]) -> String {
    const SIDE: f64 = 220.0;
    const GAP: f64 = 50.0;
    let (mut out, mut x, mut y) = (String::new(), GAP, GAP);
    for line in lines {
        let (job, side) = line.name.split_once(": ").unwrap_or((&line.name, ""));
        let (most, cost) = line.points.last().copied().unwrap_or((1.0, 1.0));
        let points: String = line
            .points
            .iter()
            .map(|(n, c)| format!("{:.1},{:.1} ", x + n / most * SIDE, y + SIDE - c / cost * SIDE))
            .collect();
        // Writing to a String cannot fail.
        _ = writeln!(
            out,
            r##"<text x="{x}" y="{}">{job}</text>
<text x="{x}" y="{}">{side}</text>
<rect x="{x}" y="{y}" width="{SIDE}" height="{SIDE}" fill="none" stroke="#ccc"/>
<line x1="{x}" y1="{}" x2="{}" y2="{y}" stroke="#bbb"/>
<polyline points="{points}" fill="none" stroke="#06c" stroke-width="2"/>
<text x="{x}" y="{}" fill="#666">{most} units, {cost} instructions</text>"##,
            y - 18.0,
            y - 6.0,
            y + SIDE,
            x + SIDE,
            y + SIDE + 14.0,
        );
        x += SIDE + GAP;
        if x > 3.0 * (SIDE + GAP) {
            (x, y) = (GAP, y + SIDE + GAP);
        }
    }
    let (width, height) = (3.0 * (SIDE + GAP) + GAP, y + SIDE + GAP);
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" font-size="9">
<rect width="100%" height="100%" fill="#fff"/>
{out}</svg>
"##
    )
}
