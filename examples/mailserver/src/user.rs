//! `mailserver user`: mailboxes in the store, also beside a running server.

use std::{fs, io::Write as _, os::unix::fs::DirBuilderExt as _};

use mailstore_sqlite::{Options, SqliteStore};

use crate::{
    accounts::{self, Accounts},
    address::Address,
    cli::User,
    config::{Config, Password},
    fault::{Fault, Result},
    prompt::read_from_stdin,
    stored,
};

/// The largest message, in octets.
pub(crate) const LARGEST: u64 = 256 * 1024 * 1024;

/// The data folder, made where it is missing, readable for this user alone; and the store in it.
pub(crate) fn open_store(config: &Config) -> Result<SqliteStore> {
    let data = &config.data;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(data).map_err(|e| {
        Fault::new(format!("cannot make the data folder {}: {e}; choose another by --data", data.display()))
    })?;
    let options = Options { append_limit: Some(LARGEST), ..Options::default() };
    let store = SqliteStore::open(data, options).map_err(|e| {
        Fault::new(format!(
            "cannot open the mail store in {}: {e}; choose another folder by --data",
            data.display()
        ))
    })?;
    accounts::tidy(&store)?;
    Ok(store)
}

pub(crate) fn run(command: &User, config: &Config) -> Result<()> {
    let store = open_store(config)?;
    let accounts = Accounts::new(store.clone());
    let done = change(command, config, &accounts);
    store.close();
    say(&done?)
}

fn change(command: &User, config: &Config, accounts: &Accounts) -> Result<String> {
    let read = |address: &str| Address::parse(address).map_err(Fault::new);
    Ok(match command {
        User::Add { address } => {
            let address = read(address)?;
            let password = read_from_stdin(&address)?;
            accounts.add(&address, Some(&stored::derive(password.expose(), config.scram)?))?;
            format!("{address} added\n")
        }
        User::List => accounts
            .all()?
            .iter()
            .map(|a| match (accounts::unreachable(&a.name), &a.password_hash) {
                (Some(why), _) => format!("{}  ({why})\n", a.name),
                (None, Some(_)) => format!("{}\n", a.name),
                (None, None) => format!("{}  (no password: it cannot log in)\n", a.name),
            })
            .collect(),
        User::Passwd { address } => {
            let address = read(address)?;
            let password = read_from_stdin(&address)?;
            accounts.set_stored(&address, &stored::derive(password.expose(), config.scram)?)?;
            let stated =
                |m: &&crate::config::Mailbox| m.address == address && !matches!(m.password, Password::Unsaid);
            match (config.mailboxes.iter().find(stated), &config.file) {
                (Some(_), Some(file)) => format!(
                    "{address} has a new password, until the next start: {} states another\n",
                    file.display()
                ),
                _ => format!("{address} has a new password\n"),
            }
        }
        User::Remove { address: name } => {
            // As the list has it: one that nobody can log in to can be removed all the same.
            if accounts::unreachable(name).is_some() && accounts.remove(name).is_ok() {
                format!("{name} and its mail are removed\n")
            } else {
                let address = read(name)?;
                accounts.remove(address.as_str())?;
                format!("{address} and its mail are removed\n")
            }
        }
    })
}

/// Writes to standard output; that nobody reads it is no fault.
pub(crate) fn say(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Fault::new(format!("cannot write to standard output: {e}")))
        }
        _ => Ok(()),
    }
}
