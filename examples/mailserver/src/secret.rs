//! A secret that is read each time it is needed: from a file, or from what a program prints.

use std::{io, process::Stdio, time::Duration};

use auth_sasl::Secret;
use tokio::{process::Command, time::timeout};
use zeroize::Zeroizing;

use crate::config::Place;

/// For a program to print it.
const PATIENCE: Duration = Duration::from_secs(30);

/// What stands there now, without white space around it.
pub(crate) async fn read(place: &Place) -> io::Result<Secret> {
    let text = match place {
        // A line: it takes no time worth another thread.
        Place::File(file) => Zeroizing::new(
            std::fs::read(file).map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", file.display())))?,
        ),
        Place::Command(words) => printed(words).await?,
    };
    let secret = text.trim_ascii();
    if secret.is_empty() {
        return Err(io::Error::other(format!("{} has no secret", name(place))));
    }
    Ok(Secret::new(secret))
}

fn name(place: &Place) -> String {
    match place {
        Place::File(file) => file.display().to_string(),
        // Its arguments may be nobody's business.
        Place::Command(words) => words.first().cloned().unwrap_or_default(),
    }
}

async fn printed(words: &[String]) -> io::Result<Zeroizing<Vec<u8>>> {
    let (program, arguments) = words.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let said = |what: &dyn std::fmt::Display| io::Error::other(format!("{program}: {what}"));
    let run = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(PATIENCE, run).await.map_err(|_| said(&"it does not end"))?.map_err(|e| said(&e))?;
    let printed = Zeroizing::new(output.stdout);
    if !output.status.success() {
        return Err(said(&output.status));
    }
    Ok(printed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Place {
        Place::Command(["sh", "-c", script].map(str::to_owned).to_vec())
    }

    #[tokio::test]
    async fn a_secret_is_what_stands_there_now() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("token");
        for text in ["one\n", " two \r\n"] {
            std::fs::write(&file, text).unwrap();
            let both = [Place::File(file.clone()), shell(&format!("cat {}", file.display()))];
            for place in both {
                assert_eq!(read(&place).await.unwrap().expose(), text.trim().as_bytes());
            }
        }
    }

    #[tokio::test]
    async fn what_goes_wrong_is_said_without_the_secret() {
        let nowhere = Place::File("/nowhere/token".into());
        let none = Place::Command(vec!["/nowhere/program".to_owned()]);
        for (place, part) in [
            (nowhere, "/nowhere/token"),
            (none, "/nowhere/program"),
            (shell("echo hidden; exit 3"), "3"),
            (shell(""), "no secret"),
        ] {
            let said = read(&place).await.unwrap_err().to_string();
            assert!(said.contains(part) && !said.contains("hidden"), "{said}");
        }
    }
}
