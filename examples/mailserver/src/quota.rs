//! `mailserver quota`: what mailboxes may keep, also beside a running server.

use std::{fmt::Write as _, str::FromStr};

use mailstore_api::{ErrorKind, QuotaLimits};
use mailstore_sqlite::SqliteStore;

use crate::{
    address::Address,
    cli::Quota,
    config::Config,
    fault::{Fault, Result},
    user::{open_store, say},
};

/// A limit on the command line: a number, or none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Limit(Option<u64>);

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        if text == "none" {
            return Ok(Self(None));
        }
        let (number, factor) = match text.char_indices().next_back() {
            Some((at, unit)) if !unit.is_ascii_digit() => {
                let power = "KMGT"
                    .find(unit.to_ascii_uppercase())
                    .ok_or("use a number, perhaps with K, M, G or T")?;
                let power = u32::try_from(power).map_err(|e| e.to_string())?;
                (text.split_at(at).0, 1024_u64.saturating_pow(power.saturating_add(1)))
            }
            _ => (text, 1),
        };
        let number: u64 = number.parse().map_err(|_| "use a number, perhaps with K, M, G or T, or none")?;
        number.checked_mul(factor).map(|n| Self(Some(n))).ok_or_else(|| "that is too much".to_owned())
    }
}

pub(crate) fn run(command: &Quota, config: &Config) -> Result<()> {
    let store = open_store(config)?;
    let done = act(command, &store);
    store.close();
    say(&done?)
}

fn act(command: &Quota, store: &SqliteStore) -> Result<String> {
    match command {
        Quota::Show { address: None } => {
            let all = store.accounts().map_err(|e| Fault::new(format!("cannot read the mail store: {e}")))?;
            all.iter().map(|account| show(store, &account.name)).collect()
        }
        Quota::Show { address: Some(address) } => show(store, read(address)?.as_str()),
        Quota::Set { address, storage, messages, mailboxes } => {
            let address = read(address)?;
            let (old, _) = store.quota(address.as_str()).map_err(|e| fault(&address, &e))?;
            let new = QuotaLimits {
                octets: storage.map_or(old.octets, |limit| limit.0),
                messages: messages.map_or(old.messages, |limit| limit.0),
                mailboxes: mailboxes.map_or(old.mailboxes, |limit| limit.0),
            };
            store.set_quota(address.as_str(), new).map_err(|e| fault(&address, &e))?;
            show(store, address.as_str())
        }
    }
}

fn read(address: &str) -> Result<Address> {
    Address::parse(address).map_err(Fault::new)
}

fn fault(address: &Address, e: &mailstore_api::StoreError) -> Fault {
    Fault::new(match e.kind {
        ErrorKind::NotFound => format!("there is no mailbox {}", address.as_str()),
        _ => format!("the quota of {}: {e}", address.as_str()),
    })
}

fn show(store: &SqliteStore, address: &str) -> Result<String> {
    let (limits, used) = match store.quota(address) {
        Ok(found) => found,
        Err(e) => return Err(fault(&read(address)?, &e)),
    };
    let mut line = address.to_owned();
    for (used, limit, what) in [
        (used.octets, limits.octets, "octets"),
        (used.messages, limits.messages, "messages"),
        (used.mailboxes, limits.mailboxes, "folders"),
    ] {
        let _ = match limit {
            Some(limit) => write!(line, "  {used} of {limit} {what}"),
            None => write!(line, "  {used} {what}"),
        };
    }
    line.push('\n');
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::Limit;

    #[test]
    fn limits_are_numbers_with_a_unit_or_none() {
        for (text, limit) in [
            ("0", Some(Some(0))),
            ("17", Some(Some(17))),
            ("2k", Some(Some(2048))),
            ("5M", Some(Some(5 << 20))),
            ("1G", Some(Some(1 << 30))),
            ("3T", Some(Some(3 << 40))),
            ("none", Some(None)),
            ("", None),
            ("M", None),
            ("-1", None),
            ("1.5G", None),
            ("1X", None),
            ("1\u{e9}", None),
            ("99999999T", None),
        ] {
            assert_eq!(text.parse::<Limit>().ok().map(|l| l.0), limit, "{text}");
        }
    }
}
