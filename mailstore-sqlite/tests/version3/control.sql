-- A store as the program made it whose shards had version 3: its tables, word for word, and what was in them.
PRAGMA page_size = 4096;
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA journal_mode = WAL;
CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE account(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL COLLATE NOCASE UNIQUE,
    password TEXT,
    shard INTEGER NOT NULL,
    created INTEGER NOT NULL);
-- Accounts that are gone, and whose shard still has to be told.
CREATE TABLE removed(id INTEGER PRIMARY KEY, shard INTEGER NOT NULL);
INSERT INTO meta VALUES ('shards', 1);
INSERT INTO meta VALUES ('uidvalidity', 1795349272);
INSERT INTO account VALUES (1, 'anna', '$argon2id$made-up', 0, 1795349266);
INSERT INTO account VALUES (2, 'ben', '$argon2id$made-up', 0, 1795349266);
UPDATE sqlite_sequence SET seq = 2 WHERE name = 'account';
PRAGMA application_id = 1297314915;
PRAGMA user_version = 1;
