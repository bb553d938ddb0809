//! A connection is handed to its protocol.

use std::{net::SocketAddr, sync::Arc};

use mailstore_sqlite::SqliteStore;
use tokio::net::TcpStream;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    accounts::Accounts,
    authority::Passwords,
    config::{Config, Service},
    limits::Place,
};

pub(crate) struct Sessions {
    _store: SqliteStore,
}

impl Sessions {
    pub(crate) fn new(
        _config: &Config,
        store: SqliteStore,
        _accounts: Arc<Accounts>,
        _authority: Arc<Passwords>,
        _tls: Arc<rustls::ServerConfig>,
        _stopping: CancellationToken,
    ) -> Self {
        Self { _store: store }
    }

    pub(crate) fn spawn(self: Arc<Self>, _: &TaskTracker, _: Service, _: TcpStream, _: SocketAddr, _: Place) {
    }
}
