"""A day's work by IMAPClient (PyPI), imapflow (npm), mbsync and mutt: sync, flags, moves, deletes, search, IDLE.

After each step a second connection, by Python's imaplib, looks at what the server has."""
import imaplib, json, pty, select, threading
from lib import *
from imapclient import IMAPClient

server = Server()
P = server.ports
certificate = os.path.join(server.home, "cert.pem")
with open(certificate, "w") as f:
    f.write(ssl.get_server_certificate((HOST, P["imaps"])))


class Witness:
    """What the server has, as somebody else sees it."""

    def __init__(self):
        self.m = imaplib.IMAP4(HOST, P["imap"], timeout=20)
        self.m.login(ALICE, SECRET)

    def mailbox(self, name):
        """Subject: flags, without \\Recent."""
        kind, data = self.m.select(f'"{name}"', readonly=True)
        assert kind == "OK", data
        found = {}
        if data != [b"0"]:
            for part in self.m.uid("FETCH", "1:*", "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]:
                if isinstance(part, tuple):
                    flags = re.search(rb"FLAGS \(([^)]*)\)", part[0]).group(1).decode().split()
                    subject = part[1].decode().split(":", 1)[1].strip()
                    found[subject] = {f for f in flags if f != "\\Recent"}
        self.m.unselect()
        return found

    def folders(self):
        return {line.decode().rsplit(' "/" ', 1)[1].strip('"') for line in self.m.list()[1]}

    def append(self, name, *subjects, flags=None):
        for subject in subjects:
            kind, data = self.m.append(f'"{name}"', flags, None, message(subject, 1500))
            assert kind == "OK", data

    def store(self, name, subject, change, flags):
        self.m.select(f'"{name}"')
        uids = self.m.uid("SEARCH", "SUBJECT", f'"{subject}"')[1][0].decode().split()
        for uid in uids:
            assert self.m.uid("STORE", uid, change, flags)[0] == "OK"
        self.m.unselect()
        return [int(u) for u in uids]

    def expunge(self, name, subject):
        uids = self.store(name, subject, "+FLAGS.SILENT", "(\\Deleted)")
        self.m.select(f'"{name}"')
        self.m.uid("EXPUNGE", ",".join(map(str, uids)))
        self.m.unselect()
        return uids

    def empty(self, *names):
        for name in names:
            if self.m.select(f'"{name}"')[0] == "OK":
                self.m.store("1:*", "+FLAGS.SILENT", "(\\Deleted)") if self.m.search(None, "ALL")[1][0] else None
                self.m.close()


witness = Witness()
expect = lambda got, wanted: (_ for _ in ()).throw(AssertionError(f"{got} is not {wanted}")) if got != wanted else None


def later(action, seconds=0.3):
    timer = threading.Timer(seconds, action)
    timer.start()
    return timer


for kind in ("plain", "starttls", "tls"):
    @step(f"IMAPClient, {kind}: folders, append, flags, search, copy, move, delete, IDLE")
    def _():
        witness.empty("INBOX", "work", "done")
        c = IMAPClient(HOST, P["imaps"] if kind == "tls" else P["imap"], ssl=kind == "tls", ssl_context=context() if kind == "tls" else None, timeout=20)
        if kind == "starttls":
            c.starttls(context())
        c.login(ALICE, SECRET)
        assert c.namespace().personal == (("", "/"),)
        for folder in ("work", "done", "Entwürfe & mehr"):
            if not c.folder_exists(folder):
                c.create_folder(folder)
            c.subscribe_folder(folder)
        assert {"work", "done", "Entw&APw-rfe &- mehr"} <= witness.folders(), witness.folders()
        assert c.find_special_folder(b"\\Sent") == "Sent"
        for n in range(1, 7):
            answer = c.append("work", message(f"mail {n}", 2000), flags=["$Work"] if n % 2 else ["\\Seen"])
            assert b"APPENDUID" in answer, answer
        expect({s: sorted(f) for s, f in witness.mailbox("work").items()}, {f"mail {n}": ["$Work"] if n % 2 else ["\\Seen"] for n in range(1, 7)})
        assert c.select_folder("work")[b"EXISTS"] == 6
        uids = c.search()
        assert len(uids) == 6 and c.search(["UNSEEN"]) == uids[::2] and c.search(["KEYWORD", "$Work"]) == uids[::2]
        assert c.search(["SUBJECT", "mail 3"]) == uids[2:3] and c.search(["BODY", "grüße"], charset="UTF-8") == uids
        got = c.fetch(uids, ["ENVELOPE", "FLAGS", "BODYSTRUCTURE", "INTERNALDATE", "RFC822.SIZE", "BODY.PEEK[]"])
        for n, uid in enumerate(uids, 1):
            assert got[uid][b"ENVELOPE"].subject == f"mail {n}".encode() and got[uid][b"BODY[]"] == message(f"mail {n}", 2000)
        c.add_flags(uids[:2], ["\\Flagged", "urgent"])
        c.remove_flags(uids[0], ["$Work"])
        c.set_flags(uids[5], ["\\Answered"])
        now = witness.mailbox("work")
        expect((now["mail 1"], now["mail 2"], now["mail 6"]), ({"\\Flagged", "urgent"}, {"\\Seen", "\\Flagged", "urgent"}, {"\\Answered"}))
        c.copy(uids[:2], "done")
        c.move(uids[2:3], "done")
        expect(witness.mailbox("done").keys(), {"mail 1", "mail 2", "mail 3"})
        assert "mail 3" not in witness.mailbox("work") and c.search() == uids[:2] + uids[3:]
        c.delete_messages(uids[3:4])
        c.delete_messages(uids[4:5])
        c.uid_expunge(uids[3:4])
        expect(witness.mailbox("work").keys(), {"mail 1", "mail 2", "mail 5", "mail 6"})
        c.expunge()
        expect(witness.mailbox("work").keys(), {"mail 1", "mail 2", "mail 6"})
        c.idle()
        timer = later(lambda: witness.append("work", "while idle"))
        seen = []
        until(lambda: seen.extend(c.idle_check(timeout=5)) or any(r[1:] == (b"EXISTS",) or r[1] == b"EXISTS" for r in seen), 5, f"EXISTS: {seen}")
        timer.join()
        later(lambda: witness.store("work", "mail 6", "+FLAGS", "(\\Flagged)")).join()
        until(lambda: seen.extend(c.idle_check(timeout=5)) or any(r[1] == b"FETCH" for r in seen if len(r) > 1), 5, f"FETCH: {seen}")
        later(lambda: witness.expunge("work", "mail 1")).join()
        until(lambda: seen.extend(c.idle_check(timeout=5)) or any(r[1] == b"EXPUNGE" for r in seen if len(r) > 1), 5, f"EXPUNGE: {seen}")
        c.idle_done()
        assert len(c.search()) == 3 and c.folder_status("work", ["MESSAGES", "UNSEEN"]) == {b"MESSAGES": 3, b"UNSEEN": 2}
        c.close_folder()
        c.rename_folder("Entwürfe & mehr", "umbenannt")
        assert "umbenannt" in witness.folders()
        c.delete_folder("umbenannt")
        c.unsubscribe_folder("Entwürfe & mehr")
        assert "umbenannt" not in witness.folders()
        c.logout()


IMAPFLOW = r"""
const { ImapFlow } = require("imapflow");
const lines = require("readline").createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const events = [];
// Tells what was seen, and waits until the server was looked at.
async function at(name, data) {
  console.log(JSON.stringify({ at: name, data }, (k, v) => typeof v === "bigint" ? v.toString() : v));
  const line = (await lines.next()).value;
  return line ? JSON.parse(line) : null;
}
async function seen(test, what) {
  for (let i = 0; i < 250; i++) {
    if (events.some(test)) return;
    await new Promise(r => setTimeout(r, 20));
  }
  throw new Error(what + " is not seen in " + JSON.stringify(events));
}
function client() {
  const c = new ImapFlow({ host: process.argv[2], port: +process.argv[3], secure: process.argv[4] === "tls", tls: { rejectUnauthorized: false },
    auth: { user: process.argv[5], pass: process.argv[6] }, logger: false, qresync: true, disableAutoIdle: true, disableCompression: process.argv[4] === "tls" });
  for (const kind of ["exists", "expunge", "flags"]) c.on(kind, e => events.push({ kind, ...e, flags: e.flags && [...e.flags], modseq: undefined }));
  c.on("error", e => { console.error(e); process.exit(1); });
  return c;
}
async function main() {
  let c = client();
  await c.connect();
  await at("connected", { enabled: [...c.enabled], capabilities: [...c.capabilities.keys()] });
  await c.mailboxCreate("flow");
  for (let n = 1; n <= 6; n++)
    await c.append("flow", `From: a@example.test\r\nSubject: flow ${n}\r\n\r\nbody ${n} needle${n % 3}\r\n`, n % 2 ? ["\\Seen"] : [], new Date());
  let box = await c.mailboxOpen("flow");
  await at("appended", { exists: box.exists });
  const found = [];
  for await (const m of c.fetch("1:*", { uid: true, flags: true, envelope: true, bodyStructure: true, source: true, internalDate: true, size: true }))
    found.push([m.uid, m.envelope.subject, m.bodyStructure.type, m.source.length === m.size, typeof m.modseq]);
  await at("fetched", found);
  await at("searched", [await c.search({ body: "needle2" }, { uid: true }), await c.search({ seen: false }, { uid: true }), await c.search({ subject: "flow 4" }, { uid: true })]);
  await c.messageFlagsAdd("1:2", ["\\Flagged", "$Todo"], { uid: true });
  await c.messageFlagsRemove({ uid: 1 }, ["\\Seen"]);
  await c.messageFlagsSet("6", ["\\Answered"], { uid: true });
  await at("flagged");
  const moved = await c.messageMove("3:4", "Archive", { uid: true });
  const copied = await c.messageCopy("1", "Archive", { uid: true });
  await at("moved", [[...moved.uidMap.keys()], [...copied.uidMap.keys()]]);
  await c.messageDelete("5", { uid: true });
  await at("deleted");
  events.length = 0;
  const idling = c.idle();
  await new Promise(r => setTimeout(r, 200));
  await at("idle");
  await seen(e => e.kind === "exists" && e.count === 4, "EXISTS");
  await seen(e => e.kind === "flags" && e.uid === 2 && e.flags.includes("\\Answered"), "FETCH");
  await seen(e => e.kind === "expunge" && (e.uid === 1 || e.vanished), "VANISHED");
  await c.noop();
  await idling;
  box = c.mailbox;
  const known = { changedSince: box.highestModseq, uidValidity: box.uidValidity };
  await at("idled");
  await c.logout();
  events.length = 0;
  // Away for a while, then back by QRESYNC.
  await at("away");
  c = client();
  await c.connect();
  box = await c.mailboxOpen("flow", known);
  await seen(e => e.kind === "flags" && e.uid === 6, "the changed flags");
  await seen(e => e.kind === "expunge" && e.vanished && e.earlier && e.uid === 2, "VANISHED (EARLIER)");
  const changed = [];
  for await (const m of c.fetch("1:*", { uid: true, flags: true }, { changedSince: known.changedSince })) changed.push(m.uid);
  await at("back", { exists: box.exists, changed });
  await c.mailboxClose();
  await c.mailboxRename("flow", "flown");
  await c.mailboxDelete("flown");
  await at("removed", (await c.list({ statusQuery: { messages: true, unseen: true } })).map(m => [m.path, m.specialUse || "", m.status && m.status.messages]));
  await c.logout();
}
main().then(() => process.exit(0)).catch(e => { console.error(e); process.exit(1); });
"""


def has(program):
    return shutil.which(program) is not None


if folder := node(server, "imapflow", "imapflow@1"):
    with open(os.path.join(folder, "day.js"), "w") as f:
        f.write(IMAPFLOW)
    for kind in ("plain", "tls"):
        @step(f"imapflow, {kind}: CONDSTORE, QRESYNC, fetch, search, flags, move, delete, IDLE, back after a while")
        def _():
            witness.empty("Archive")
            process = subprocess.Popen(["node", "day.js", HOST, str(P["imaps" if kind == "tls" else "imap"]), kind, ALICE, SECRET], cwd=folder,
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            killer = later(process.kill, 60)

            def at(name):
                line = process.stdout.readline()
                assert line, (process.wait(10), process.stderr.read()[-700:])
                said = json.loads(line)
                assert said["at"] == name, said
                return said.get("data")

            def go():
                process.stdin.write("null\n")
                process.stdin.flush()

            try:
                connected = at("connected")
                assert {"CONDSTORE", "QRESYNC"} <= set(connected["enabled"]) or "QRESYNC" in connected["enabled"], connected
                go()
                assert at("appended")["exists"] == 6
                expect({s: f for s, f in witness.mailbox("flow").items()}, {f"flow {n}": {"\\Seen"} if n % 2 else set() for n in range(1, 7)})
                go()
                expect(at("fetched"), [[n, f"flow {n}", "text/plain", True, "bigint"] for n in range(1, 7)])
                go()
                expect(at("searched"), [[2, 5], [2, 4, 6], [4]])
                go()
                at("flagged")
                now = witness.mailbox("flow")
                expect((now["flow 1"], now["flow 2"], now["flow 6"]), ({"\\Flagged", "$Todo"}, {"\\Flagged", "$Todo"}, {"\\Answered"}))
                go()
                expect(at("moved"), [[3, 4], [1]])
                expect((witness.mailbox("flow").keys(), witness.mailbox("Archive").keys()), ({"flow 1", "flow 2", "flow 5", "flow 6"}, {"flow 1", "flow 3", "flow 4"}))
                go()
                at("deleted")
                expect(witness.mailbox("flow").keys(), {"flow 1", "flow 2", "flow 6"})
                go()
                at("idle")
                witness.append("flow", "while idle")
                witness.store("flow", "flow 2", "+FLAGS", "(\\Answered)")
                go()
                time.sleep(0.3)
                witness.expunge("flow", "flow 1")
                at("idled")
                expect(witness.mailbox("flow").keys(), {"flow 2", "flow 6", "while idle"})
                go()
                at("away")
                witness.store("flow", "flow 6", "+FLAGS", "($Later)")
                witness.expunge("flow", "flow 2")
                witness.append("flow", "new one")
                go()
                back = at("back")
                assert back["exists"] == 3 and {6, 8} <= set(back["changed"]), back
                go()
                listed = at("removed")
                assert "flow" not in witness.folders() and "flown" not in witness.folders()
                assert ["Archive", "\\Archive", 3] in listed and any(m[0] == "INBOX" for m in listed), listed
                go()
                assert process.wait(20) == 0, process.stderr.read()[-700:]
            finally:
                killer.cancel()
                process.kill()


@step("mbsync: new mail, flags, deletions and moves, from both sides; nothing to do the second time")
def _():
    witness.empty("INBOX", "Archive", "work", "done")
    witness.append("INBOX", *(f"far {n}" for n in range(8)))
    home = os.path.join(server.home, "mbsync")
    os.makedirs(home + "/mail")
    with open(home + "/rc", "w") as f:
        f.write(f"IMAPAccount a\nHost localhost\nPort {P['imaps']}\nUser {ALICE}\nPass \"{SECRET}\"\nSSLType IMAPS\nCertificateFile {certificate}\n\n"
                f"IMAPStore far\nAccount a\n\nMaildirStore near\nPath {home}/mail/\nInbox {home}/mail/INBOX\nSubFolders Verbatim\n\n"
                "Channel c\nFar :far:\nNear :near:\nPatterns INBOX Archive\nCreate Both\nRemove Both\nExpunge Both\nSyncState *\n")
    sync = lambda: command(["mbsync", "-c", home + "/rc", "c"])

    def near(folder):
        """Subject: path."""
        found = {}
        for d in ("cur", "new"):
            at = f"{home}/mail/{folder}/{d}"
            for name in os.listdir(at) if os.path.isdir(at) else []:
                with open(f"{at}/{name}", "rb") as f:
                    found[re.search(rb"^Subject: (.*?)\r?$", f.read(), re.M).group(1).decode()] = f"{at}/{name}"
        return found

    def flag(path, flags):
        base = os.path.basename(path).split(":2,")[0]
        to = os.path.join(os.path.dirname(os.path.dirname(path)), "cur", f"{base}:2,{flags}")
        os.rename(path, to)
        return to

    sync()
    expect(near("INBOX").keys(), {f"far {n}" for n in range(8)})
    here = near("INBOX")
    flag(here["far 0"], "S")
    flag(here["far 1"], "FRS")
    flag(here["far 2"], "T")
    os.unlink(here["far 3"])
    moved = re.sub(r",U=\d+", "", os.path.basename(here["far 4"]))
    os.rename(here["far 4"], f"{home}/mail/Archive/cur/{moved}")
    with open(f"{home}/mail/INBOX/new/1700000000.1.host", "wb") as f:
        f.write(message("near 1").replace(b"\r\n", b"\n"))
    witness.store("INBOX", "far 5", "+FLAGS", "(\\Answered)")
    witness.expunge("INBOX", "far 6")
    witness.append("INBOX", "far 8")
    sync()
    expect(witness.mailbox("INBOX"), {"far 0": {"\\Seen"}, "far 1": {"\\Flagged", "\\Answered", "\\Seen"}, "far 5": {"\\Answered"}, "far 7": set(),
                                      "far 8": set(), "near 1": set()})
    expect(witness.mailbox("Archive").keys(), {"far 4"})
    expect(near("INBOX").keys(), {"far 0", "far 1", "far 5", "far 7", "far 8", "near 1"})
    assert near("INBOX")["far 5"].endswith(":2,R"), near("INBOX")
    before = (witness.mailbox("INBOX"), witness.mailbox("Archive"), near("INBOX"), near("Archive"))
    sync()
    assert before == (witness.mailbox("INBOX"), witness.mailbox("Archive"), near("INBOX"), near("Archive")), "the second run changed something"


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, args, env):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(env)
            os.execvp(args[0], args)
        self.shown = b""

    def read(self, seconds=0.2):
        while select.select([self.fd], [], [], seconds)[0]:
            try:
                octets = os.read(self.fd, 65536)
            except OSError:
                return False
            if not octets:
                return False
            self.shown += octets
            seconds = 0
        return True

    def shows(self, text, seconds=15):
        until(lambda: self.read() and False or text in self.shown, seconds, f"{text!r} on the screen: {self.shown[-600:]!r}")

    def type(self, keys):
        os.write(self.fd, keys)

    def ends(self, seconds=20):
        end = time.time() + seconds
        while time.time() < end:
            self.read(0.1)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                assert os.waitstatus_to_exitcode(status) == 0, (status, self.shown[-400:])
                return
        os.kill(self.pid, 9)
        os.waitpid(self.pid, 0)
        raise AssertionError(f"it does not end: {self.shown[-600:]!r}")


if has("mutt"):
    home = os.path.join(server.home, "mutt")
    os.makedirs(home)

    def mutt(*keys, extra="", tls=False):
        url = f"imaps://localhost:{P['imaps']}" if tls else f"imap://localhost:{P['imap']}"
        with open(home + "/rc", "w") as f:
            f.write(f'set imap_user="{ALICE}"\nset imap_pass="{SECRET}"\nset folder="{url}"\nset spoolfile="+INBOX"\nset ssl_starttls=no\n'
                    f'set certificate_file="{certificate}"\nset ssl_force_tls=no\nset ssl_verify_host=no\n'
                    "set delete=yes\nset quit=yes\nset confirmappend=no\nset confirmcreate=no\nset wait_key=no\nset imap_check_subscribed=no\n"
                    "set header_cache=\"\"\nset move=no\nset sort=mailbox-order\nset mark_old=no\nset beep=no\nset imap_delim_chars=/\n" + extra)
            if keys:
                f.write('push "' + "".join(keys) + '"\n')
        return Terminal(["mutt", "-n", "-F", home + "/rc"], {"HOME": home, "TERM": "xterm", "LINES": "40", "COLUMNS": "120"})

    for tls in (False, True):
        @step(f"mutt{', TLS' if tls else ''}: read, flag, move, copy, delete, search on the server, undelete")
        def _():
            witness.empty("INBOX", "Archive")
            witness.append("INBOX", "read me", "flag me", "move one", "move two", "copy me", "delete me", "keep me", "new for ever")
            tagged = lambda pattern, key: f"<tag-pattern>{pattern}<enter><tag-prefix>{key}"
            untag = "<untag-pattern>.<enter>"
            mutt("<search>~s 'read me'<enter><display-message><exit>", tagged("~s 'flag me'", "<flag-message>"), untag,
                 tagged("~s 'move '", "<save-message>=Archive<enter>"), untag, tagged("~s 'copy me'", "<copy-message>=Archive<enter>"), untag,
                 tagged("~s 'delete me'", "<delete-message>"), untag, tagged("~s 'keep me'", "<delete-message>"), untag,
                 "<undelete-pattern>~s 'keep me'<enter>", "<limit>=b 'three dots'<enter>", tagged("=s 'copy me'", "<set-flag>r"), untag, "<limit>all<enter>",
                 "<sync-mailbox><quit>", tls=tls).ends()
            now = witness.mailbox("INBOX")
            expect(now.keys(), {"read me", "flag me", "copy me", "keep me", "new for ever"})
            assert "\\Seen" in now["read me"] and "\\Seen" not in now["new for ever"] and "\\Flagged" in now["flag me"], now
            expect({s for s, f in now.items() if "\\Answered" in f}, {"copy me"})
            expect(witness.mailbox("Archive").keys(), {"move one", "move two", "copy me"})

    @step("mutt: IDLE shows what comes, what changes and what goes")
    def _():
        witness.empty("INBOX")
        witness.append("INBOX", "there before")
        t = mutt(extra="set imap_idle=yes\nset timeout=1\nset mail_check=1\n")
        t.shows(b"there before")
        witness.append("INBOX", "comes by idle")
        t.shows(b"comes by idle")
        witness.expunge("INBOX", "there before")
        t.type(b"d")
        time.sleep(1.5)
        t.read()
        t.type(b"$")
        t.read(0.5)
        t.type(b"q")
        t.ends()
        left = witness.mailbox("INBOX")
        assert "there before" not in left and len(left) <= 1, left
else:
    print("skip  mutt: it is missing")

done()
