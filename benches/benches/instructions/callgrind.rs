//! This program under valgrind.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

/// What callgrind counted between one entry of the counted function and its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Count {
    pub(super) instructions: u64,
    /// Calls of the allocator for memory: new, zeroed, or another size.
    pub(super) allocations: u64,
}

/// One count for each time that the counted function was called; `None` without valgrind.
pub(super) fn count(arguments: &[&str]) -> Result<Option<Vec<Count>>, String> {
    if Command::new("valgrind").arg("--version").stdout(Stdio::null()).status().is_err() {
        return Ok(None);
    }
    let program = std::env::current_exe().map_err(|e| e.to_string())?;
    let directory = std::env::temp_dir().join(format!("mail-instructions-{}", std::process::id()));
    fs::create_dir_all(&directory).map_err(|e| e.to_string())?;
    let run = Command::new("valgrind")
        .args(["--tool=callgrind", "--compress-strings=no", "--compress-pos=no", "--combine-dumps=no"])
        // The latter takes no pattern.
        .args(["--toggle-collect=instructions::counted", "--dump-after=instructions::counted"])
        .arg(format!("--callgrind-out-file={}", directory.join("out").display()))
        .arg(program)
        .args(arguments)
        .output();
    let counts = match run {
        Ok(output) if output.status.success() => read_all(&directory),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        Err(e) => Err(e.to_string()),
    };
    _ = fs::remove_dir_all(&directory);
    counts.map(Some)
}

/// Dumps are numbered from 1 in the order in which they were made. The last one, at the process's end, has no number.
fn read_all(directory: &Path) -> Result<Vec<Count>, String> {
    (1..)
        .map(|n| directory.join(format!("out.{n}")))
        .map_while(|path| fs::read_to_string(path).ok())
        .map(|dump| read(&dump).ok_or_else(|| "a dump of callgrind cannot be read".to_owned()))
        .collect()
}

fn read(dump: &str) -> Option<Count> {
    let instructions = dump.lines().find_map(|l| l.strip_prefix("totals: "))?.trim().parse().ok()?;
    let mut allocations = 0;
    let mut called = "";
    for line in dump.lines() {
        if let Some(function) = line.strip_prefix("cfn=") {
            called = function;
        } else if let Some(calls) = line.strip_prefix("calls=")
            && matches!(called, "malloc" | "calloc" | "realloc" | "posix_memalign" | "aligned_alloc")
        {
            allocations += calls.split(' ').next()?.parse::<u64>().ok()?;
        }
    }
    Some(Count { instructions, allocations })
}
