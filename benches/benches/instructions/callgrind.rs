//! This program under valgrind.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

/// The instructions of each call of the counted function; `None` without valgrind.
pub(super) fn count(arguments: &[&str]) -> Result<Option<Vec<u64>>, String> {
    if Command::new("valgrind").arg("--version").stdout(Stdio::null()).status().is_err() {
        return Ok(None);
    }
    let program = std::env::current_exe().map_err(|e| e.to_string())?;
    let directory = std::env::temp_dir().join(format!("mail-instructions-{}", std::process::id()));
    fs::create_dir_all(&directory).map_err(|e| e.to_string())?;
    let run = Command::new("valgrind")
        .args(["--tool=callgrind", "--combine-dumps=no"])
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
fn read_all(directory: &Path) -> Result<Vec<u64>, String> {
    (1..)
        .map(|n| directory.join(format!("out.{n}")))
        .map_while(|path| fs::read_to_string(path).ok())
        .map(|dump| read(&dump).ok_or_else(|| "a dump of callgrind cannot be read".to_owned()))
        .collect()
}

fn read(dump: &str) -> Option<u64> {
    dump.lines().find_map(|l| l.strip_prefix("totals: "))?.trim().parse().ok()
}
