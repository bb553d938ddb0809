-- A store as version 3 of the schema made it: its tables, word for word, and what was in them.
PRAGMA page_size = 4096;
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA journal_mode = WAL;
CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE account(
    id INTEGER PRIMARY KEY,
    quota_octets INTEGER,
    quota_messages INTEGER);
-- name: the parts joined by U+001F; NULL: deleted, and its rows go in small steps.
-- recent: the first UID nobody was told of. tombstones: rows in expunged.
CREATE TABLE mailbox(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account INTEGER NOT NULL,
    name TEXT,
    uses INTEGER NOT NULL,
    uidvalidity INTEGER NOT NULL,
    uidnext INTEGER NOT NULL DEFAULT 1,
    modseq INTEGER NOT NULL DEFAULT 1,
    expunged_floor INTEGER NOT NULL DEFAULT 0,
    messages INTEGER NOT NULL DEFAULT 0,
    unseen INTEGER NOT NULL DEFAULT 0,
    deleted INTEGER NOT NULL DEFAULT 0,
    octets INTEGER NOT NULL DEFAULT 0,
    tombstones INTEGER NOT NULL DEFAULT 0,
    recent INTEGER NOT NULL DEFAULT 1);
CREATE UNIQUE INDEX mailbox_name ON mailbox(account, name);
CREATE INDEX mailbox_deleted ON mailbox(id) WHERE name IS NULL;
CREATE TABLE subscription(account INTEGER, name TEXT, PRIMARY KEY(account, name)) WITHOUT ROWID;
CREATE TABLE keyword(mailbox INTEGER, id INTEGER, name TEXT NOT NULL, PRIMARY KEY(mailbox, id)) WITHOUT ROWID;
-- flags: see bits.rs. keywords: those beyond the bits, as 16-bit numbers. size: with the prefix.
-- arrived: see date.rs. saved: seconds.
CREATE TABLE msg(
    mailbox INTEGER,
    uid INTEGER,
    flags INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    size INTEGER NOT NULL,
    arrived INTEGER NOT NULL,
    body INTEGER NOT NULL,
    saved INTEGER NOT NULL,
    keywords BLOB,
    prefix BLOB,
    pop3_uidl TEXT,
    PRIMARY KEY(mailbox, uid)) WITHOUT ROWID;
CREATE INDEX msg_modseq ON msg(mailbox, modseq);
-- Ranges of UIDs; below mailbox.expunged_floor history is lost.
CREATE TABLE expunged(
    mailbox INTEGER, modseq INTEGER, first INTEGER, last INTEGER NOT NULL,
    PRIMARY KEY(mailbox, modseq, first)) WITHOUT ROWID;
-- A copy of a big mailbox's messages at one modseq, to open it faster; see index/pack.rs. Whoever changes rows of
-- msg by other means than this program deletes the mailbox's row here.
CREATE TABLE packed(
    mailbox INTEGER PRIMARY KEY, modseq INTEGER NOT NULL, crc INTEGER NOT NULL, data BLOB NOT NULL);
-- Octets: in data, or in the file bodies/path. data last, so that the others are read without it.
CREATE TABLE body(
    id INTEGER PRIMARY KEY,
    size INTEGER NOT NULL,
    header INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    path TEXT,
    data BLOB);
-- References to a body beyond the first: copies cost one small row, appends none.
CREATE TABLE shared(body INTEGER PRIMARY KEY, more INTEGER NOT NULL);
-- Files whose last reference is gone: unlinked after the commit that put them here.
CREATE TABLE unlink_later(path TEXT PRIMARY KEY) WITHOUT ROWID;
-- What sessions derived from a body, for one account's messages of it: another account's are not copies.
-- prefix: a hash of the message's prefix, 0 for none.
CREATE TABLE derived(
    body INTEGER NOT NULL, account INTEGER NOT NULL, prefix INTEGER NOT NULL,
    thread TEXT, preview TEXT, envelope BLOB, structure BLOB,
    PRIMARY KEY(body, account, prefix));
-- Messages to be handed on. due: while leased, the end of the lease. Each holds one reference to its body.
CREATE TABLE queue(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    due INTEGER NOT NULL,
    leased INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    size INTEGER NOT NULL,
    body INTEGER NOT NULL,
    sender TEXT NOT NULL,
    data BLOB NOT NULL);
CREATE INDEX queue_due ON queue(due);
-- state: 0 waiting, 1 done, 2 failed.
CREATE TABLE queue_recipient(
    queue INTEGER, place INTEGER,
    state INTEGER NOT NULL,
    address TEXT NOT NULL,
    error TEXT,
    data BLOB NOT NULL,
    PRIMARY KEY(queue, place)) WITHOUT ROWID;
-- What an account may keep (NULL: no limit) and keeps: the sums of its mailboxes that are not deleted.
ALTER TABLE account ADD COLUMN quota_mailboxes INTEGER;
ALTER TABLE account ADD COLUMN used_octets INTEGER NOT NULL DEFAULT 0;
ALTER TABLE account ADD COLUMN used_messages INTEGER NOT NULL DEFAULT 0;
ALTER TABLE account ADD COLUMN used_mailboxes INTEGER NOT NULL DEFAULT 0;
-- mailbox: 0 for those of the account itself. name: in lower case.
CREATE TABLE annotation(
    account INTEGER NOT NULL, mailbox INTEGER NOT NULL, name TEXT NOT NULL, value BLOB NOT NULL,
    PRIMARY KEY(account, mailbox, name));
CREATE TABLE acl(
    mailbox INTEGER, who TEXT, rights INTEGER NOT NULL,
    PRIMARY KEY(mailbox, who)) WITHOUT ROWID;
-- What is shared with somebody.
CREATE INDEX acl_who ON acl(who);
INSERT INTO meta VALUES ('next_body', 7);
INSERT INTO meta VALUES ('uidvalidity', 1795349271);
INSERT INTO account VALUES (1, NULL, 8, NULL, 175, 7, 3);
INSERT INTO account VALUES (2, NULL, NULL, NULL, 0, 0, 1);
INSERT INTO mailbox VALUES (1, 1, 'INBOX', 0, 1795349266, 7, 10, 0, 4, 0, 0, 100, 2, 1);
INSERT INTO mailbox VALUES (2, 2, 'INBOX', 0, 1795349268, 1, 1, 0, 0, 0, 0, 0, 0, 1);
INSERT INTO mailbox VALUES (3, 1, 'Work', 0, 1795349270, 1, 1, 0, 0, 0, 0, 0, 0, 1);
INSERT INTO mailbox VALUES (4, 1, 'Work' || char(31) || 'Grün', 2, 1795349271, 4, 3, 0, 3, 0, 0, 75, 0, 1);
INSERT INTO subscription VALUES (1, 'Work');
INSERT INTO keyword VALUES (1, 0, '$Label1');
INSERT INTO keyword VALUES (4, 0, '$Label1');
INSERT INTO msg VALUES (1, 1, 161, 2, 25, 27852800008252, 1, 1795349266, NULL, NULL, NULL);
INSERT INTO msg VALUES (1, 2, 161, 3, 25, 27852800024636, 2, 1795349266, NULL, NULL, NULL);
INSERT INTO msg VALUES (1, 5, 165, 10, 25, 27852800073788, 5, 1795349266, NULL, NULL, NULL);
INSERT INTO msg VALUES (1, 6, 161, 7, 25, 27852800090172, 6, 1795349266, NULL, NULL, NULL);
INSERT INTO msg VALUES (4, 1, 161, 2, 25, 27852800008252, 1, 1795349266, NULL, NULL, NULL);
INSERT INTO msg VALUES (4, 2, 161, 2, 25, 27852800024636, 2, 1795349266, NULL, NULL, NULL);
INSERT INTO msg VALUES (4, 3, 161, 3, 25, 27852800041020, 3, 1795349266, NULL, NULL, NULL);
INSERT INTO expunged VALUES (1, 8, 3, 3);
INSERT INTO expunged VALUES (1, 9, 4, 4);
INSERT INTO body VALUES (1, 25, 14, 3764310027, NULL, X'5375626A6563743A20300D0A0D0A54657874206F6620300D0A');
INSERT INTO body VALUES (2, 25, 14, 1341402029, NULL, X'5375626A6563743A20310D0A0D0A54657874206F6620310D0A');
INSERT INTO body VALUES (3, 25, 14, 1685725446, NULL, X'5375626A6563743A20320D0A0D0A54657874206F6620320D0A');
INSERT INTO body VALUES (5, 25, 14, 862336080, NULL, X'5375626A6563743A20340D0A0D0A54657874206F6620340D0A');
INSERT INTO body VALUES (6, 25, 14, 2630668278, NULL, X'5375626A6563743A20350D0A0D0A54657874206F6620350D0A');
INSERT INTO shared VALUES (1, 1);
INSERT INTO shared VALUES (2, 1);
INSERT INTO shared VALUES (6, 1);
INSERT INTO derived VALUES (5, 1, 0, NULL, 'Text', NULL, NULL);
INSERT INTO queue VALUES (1, 1795349266, 0, 0, 1795349266, 4951022866, 25, 6, 'anna@example.test', X'');
INSERT INTO queue_recipient VALUES (1, 0, 0, 'ben@example.test', NULL, X'');
INSERT INTO annotation VALUES (1, 1, '/private/comment', 'a note');
INSERT INTO acl VALUES (1, 'ben', 3);
UPDATE sqlite_sequence SET seq = 4 WHERE name = 'mailbox';
UPDATE sqlite_sequence SET seq = 1 WHERE name = 'queue';
PRAGMA application_id = 1297314931;
PRAGMA user_version = 3;
