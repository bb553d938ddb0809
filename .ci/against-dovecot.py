#!/usr/bin/env python3
"""Compares the example server with Dovecot, alternately, on this machine, with a load generator given by its path.

    .ci/against-dovecot.py LOADGEN [--server target/release/mailserver] [--dir DIR] [--rounds 3] [--only CASE,CASE]

Dovecot is Debian's package on Maildir, run as root from a directory of its own, on loopback ports. What counts is the CPU time of the
server's processes for one operation (wall times depend on what else the machine does); of each case the median of the rounds is
taken, of both servers in turn. DIR is filled once and used again. The load generator checks every answer: a wrong one ends the run.
"""
import argparse, imaplib, json, os, pathlib, shutil, signal, socket, statistics, subprocess, sys, time

USERS = 200
OURS = {"imap": 32143, "imaps": 32993, "pop3": 32110, "submission": 32587}
DOVECOT = {"imap": 33143, "imaps": 33993, "pop3": 33110, "submission": 33587}
SINK = 33025


def wait_for(port, process, log):
    for _ in range(1200):
        if process.poll() is not None:
            sys.exit(f"it has ended: {log.read_text()[-2000:]}")
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.1)
    sys.exit(f"nothing listens on {port}: {log.read_text()[-2000:]}")


class Server:
    def __init__(self, name, directory, ports):
        self.name, self.dir, self.ports, self.process = name, pathlib.Path(directory), ports, None
        self.dir.mkdir(parents=True, exist_ok=True)

    def run(self, command, port):
        log = self.dir / "log"
        self.process = subprocess.Popen(command, stdout=open(log, "w"), stderr=subprocess.STDOUT, start_new_session=True)
        wait_for(port, self.process, log)

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)
            self.process = None


class Ours(Server):
    def __init__(self, directory, binary):
        super().__init__("ours", directory, OURS)
        self.binary = binary

    def start(self):
        boxes = "".join(f'[[mailbox]]\naddress = "u{n}@example.test"\npassword = "pass"\nsend_as = ["@example.com"]\n' for n in range(USERS + 1))
        lines = "".join(f'{k} = ["127.0.0.1:{p}"]\n' for k, p in self.ports.items())
        (self.dir / "c.toml").write_text(
            f'hostname = "localhost"\ndata = "{self.dir}/data"\n[listen]\n{lines}[auth]\nplaintext = "always"\nscram = false\n'
            f'[limits]\nconnections = 20000\n[submission]\nheader_from = "any"\n{boxes}'
        )
        self.run([self.binary, "--config", str(self.dir / "c.toml"), "--log", "warn"], self.ports["imap"])


class Memory(Server):
    """The same sessions on a store in memory: what submission costs where nothing is to be durable, as with Dovecot's proxy."""

    def __init__(self, directory, binary):
        super().__init__("ours", directory, {"submission": 32588})
        self.binary = binary

    def start(self):
        self.run([self.binary, f"127.0.0.1:{self.ports['submission']}"], self.ports["submission"])


class Dovecot(Server):
    def __init__(self, directory):
        super().__init__("Dovecot", directory, DOVECOT)

    def start(self):
        d = self.dir
        (d / "mail").mkdir(exist_ok=True)
        p = self.ports
        if not (d / "key.pem").exists():
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost",
                 "-keyout", d / "key.pem", "-out", d / "cert.pem"], check=True, stderr=subprocess.DEVNULL)
        (d / "dovecot.conf").write_text(f"""
base_dir = {d}/run
state_dir = {d}/state
log_path = {d}/dovecot.log
listen = 127.0.0.1
protocols = imap pop3 submission
mail_location = maildir:{d}/mail/%n/Maildir
mail_uid = mail
mail_gid = mail
first_valid_uid = 1
first_valid_gid = 1
disable_plaintext_auth = no
ssl = yes
ssl_cert = <{d}/cert.pem
ssl_key = <{d}/key.pem
mail_max_userip_connections = 20000
submission_relay_host = 127.0.0.1
submission_relay_port = {SINK}
submission_relay_trusted = yes
passdb {{
 driver = static
 args = password=pass
}}
userdb {{
 driver = static
 args = uid=mail gid=mail home={d}/mail/%n
}}
namespace inbox {{
 inbox = yes
}}
service imap-login {{
 process_limit = 2000
 inet_listener imap {{
  port = {p['imap']}
 }}
 inet_listener imaps {{
  port = {p['imaps']}
 }}
}}
service imap {{
 process_limit = 2000
}}
service anvil {{
 client_limit = 10000
}}
service auth {{
 client_limit = 10000
}}
service pop3-login {{
 inet_listener pop3 {{
  port = {p['pop3']}
 }}
 inet_listener pop3s {{
  port = 0
 }}
}}
service submission-login {{
 inet_listener submission {{
  port = {p['submission']}
 }}
 inet_listener submissions {{
  port = 0
 }}
}}
service stats {{
 client_limit = 10000
 unix_listener stats-writer {{
  mode = 0666
 }}
}}
""")
        for path, owner in ((d, "root:root"), (d / "mail", "mail:mail")):
            subprocess.run(["chown", owner, path], check=True)
            os.chmod(path, 0o755)
        self.run(["dovecot", "-F", "-c", str(d / "dovecot.conf")], p["imap"])


# What is measured: the load generator's arguments, the port, how many operations it makes of the answer, and the aim as a ratio.
def n_times(n):
    return lambda answer: n * answer["reps"]


def ops(answer):
    return answer["ops"]


CASES = {
    # name: (aim, port, arguments, operations)
    "login": (20, "imap", "login --conns 4 --secs 4 --mailbox INBOX --user u3", ops),
    "login-tls": (None, "imaps", "login --conns 4 --secs 4 --mailbox INBOX --user u3 --tls", ops),
    "flags-10k": (5, "imap", "fetch-flags --mailbox m10k --n 10000 --size 4096 --reps 20", n_times(10_000)),
    "flags-100k": (5, "imap", "fetch-flags --mailbox m100k --n 100000 --size 1024 --reps 4", n_times(100_000)),
    "body-8k": (2.5, "imap", "fetch-body --mailbox b8k --n 1000 --size 8192 --reps 20", n_times(1000)),
    "body-1m": (None, "imap", "fetch-body --mailbox b1m --n 100 --size 1048576 --reps 3", n_times(100)),
    "envelope": (7, "imap", "fetch-env --mailbox m10k --n 10000 --size 4096 --reps 6", n_times(10_000)),
    "fetch-one": (None, "imap", "fetch-one --mailbox b8k --n 1000 --size 8192 --conns 4 --secs 3", ops),
    "store": (10, "imap", "store --mailbox m10k --n 10000 --reps 6", n_times(10_000)),
    "search": (None, "imap", "search --mailbox m10k --n 10000 --reps 3", lambda answer: 10_000 * 3 * 6),
    "search-body": (5, "imap", None, None),
    "noop": (None, "imap", "noop --conns 4 --secs 3", ops),
    "pop3": (None, "pop3", "pop3 --user u180 --n 1000 --size 8192 --reps 8", lambda a: 1000 * a["reps"]),
    "pop3-pipelined": (3, "pop3", "pop3 --user u180 --n 1000 --size 8192 --reps 8 --window 64", lambda a: 1000 * a["reps"]),
    "submission": (10, "submission", "smtp --conns 4 --secs 4 --user u4 --rcpt u4@example.test", ops),
    "submission-not-durable": (10, "submission", "smtp --conns 4 --secs 4 --user me --pass PASS --rcpt me@example.test", ops),
    "submission-not-durable-pipelined": (10, "submission", "smtp --conns 4 --secs 4 --pipeline --user me --pass PASS --rcpt me@example.test", ops),
    "append": (None, "imap", "append --mailbox ap --user u5 --conns 1 --secs 5", ops),
    "append-16": (7, "imap", "append --mailbox ap --user u1 --users 16 --conns 16 --secs 5", ops),
    "idle": (None, "imap", "idle --n 1000 --users 100 --appends 30", lambda answer: 30),
}


def cpu_of(root):
    """Seconds of CPU time of a process and all below it."""
    stats, total = {}, 0
    for entry in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            text = entry.read_text()
        except OSError:
            continue
        fields = text[text.rindex(")") + 2:].split()
        stats[int(entry.parent.name)] = int(fields[1]), sum(int(n) for n in fields[11:15])
    todo = [root]
    while todo:
        pid = todo.pop()
        total += stats.get(pid, (0, 0))[1]
        todo += [child for child, (parent, _) in stats.items() if parent == pid]
    return total / os.sysconf("SC_CLK_TCK")


def search_body(server, times=6):
    """SEARCH BODY for what is nowhere, over 10,000 messages of 4 KiB: the load generator's case measures five others with it."""
    imap = imaplib.IMAP4("127.0.0.1", server.ports["imap"])
    imap.login("u1", "pass")
    imap.select("m10k")
    before, begin = cpu_of(server.process.pid), time.monotonic()
    for n in range(times):
        found = imap.uid("SEARCH", "BODY", f'"nosuchwordanywhere{n}"')
        assert found == ("OK", [b""]), found
    answer = {"server_cpu_s": cpu_of(server.process.pid) - before, "total_wall_s": time.monotonic() - begin}
    imap.logout()
    return answer


def loadgen(path, arguments, server, port):
    if arguments is None:
        return search_body(server)
    arguments = arguments.replace("PASS", "pass" if server.name == "Dovecot" else "secret")
    command = [path, *arguments.split(), "--port", str(server.ports[port]), "--pid", str(server.process.pid)]
    out = subprocess.run(command, capture_output=True, text=True)
    line = out.stdout.strip().splitlines()
    if out.returncode != 0 or not line:
        print(f"{server.name}: {' '.join(command)}: {out.stdout[-2000:]} {out.stderr[-2000:]}", file=sys.stderr)
        return None
    return json.loads(line[-1])


def fill(path, server):
    boxes = [("u1", "b8k", 1000, 8192), ("u1", "b1m", 100, 1048576), ("u1", "m10k", 10000, 4096), ("u1", "m100k", 100000, 1024),
             ("u180", "INBOX", 1000, 8192)]
    for user, box, n, size in boxes:
        done = server.dir / f"filled-{user}-{box}"
        if done.exists():
            continue
        if server.name == "Dovecot":
            target = server.dir / "mail" / user / "Maildir" / ("" if box == "INBOX" else f".{box}")
            subprocess.run([path, "maildir", "--dir", target, "--n", str(n), "--size", str(size)], check=True, stdout=subprocess.DEVNULL)
        else:
            window = 4 if size > 100_000 else 32
            if loadgen(path, f"seed --user {user} --mailbox {box} --n {n} --size {size} --window {window}", server, "imap") is None:
                sys.exit("it could not be filled")
        if server.name == "Dovecot":
            subprocess.run(["chown", "-R", "mail:mail", server.dir / "mail"], check=True)
        done.touch()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("loadgen")
    p.add_argument("--server", default="target/release/mailserver")
    p.add_argument("--dir", default="/tmp/against-dovecot")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--only", default="")
    p.add_argument("--ours-alone", action="store_true")
    p.add_argument("--high", action="store_true", help="run all at a high priority, on a machine that has other work")
    p.add_argument("--json", action="store_true", help="print each answer of the load generator")
    a = p.parse_args()
    if a.high:
        os.nice(-10)
    only = [c for c in a.only.split(",") if c]
    servers = [Ours(f"{a.dir}/ours", a.server)]
    if not a.ours_alone:
        servers.append(Dovecot(f"{a.dir}/dovecot"))
    sink = subprocess.Popen([a.loadgen, "sink", "--port", str(SINK)])
    try:
        for server in servers:
            server.start()
            fill(a.loadgen, server)
        print("| case | " + " | ".join(f"{s.name}: CPU us, wall us" for s in servers) + " | CPU ratio | aim | wall ratio |")
        print("|---|" + "---:|" * (len(servers) + 3))
        for name, (aim, port, arguments, count) in CASES.items():
            if only and name not in only:
                continue
            at = servers
            if name.startswith("submission-not-durable"):
                memory = Memory(f"{a.dir}/memory", pathlib.Path(a.server).with_name("submission-tokio"))
                if not memory.binary.exists():
                    continue
                memory.start()
                at = [memory, *servers[1:]]
            cpu, wall = {s.name: [] for s in servers}, {s.name: [] for s in servers}
            more = {}
            for server in at:  # one unmeasured run: caches filled, passwords remembered
                loadgen(a.loadgen, arguments, server, port)
            for _ in range(a.rounds):
                for server in at:
                    answer = loadgen(a.loadgen, arguments, server, port)
                    if answer is None:
                        continue
                    if a.json:
                        print(server.name, answer, file=sys.stderr)
                    n = max(count(answer), 1) if count else 60_000
                    cpu[server.name].append(answer["server_cpu_s"] / n * 1e6)
                    wall[server.name].append(answer["total_wall_s"] / n * 1e6)
                    more[server.name] = answer
            middle = lambda v: statistics.median(v) if v else float("nan")
            row = [f"{middle(cpu[s.name]):.2f}, {middle(wall[s.name]):.1f}" for s in servers]
            ratios = ["", ""]
            if len(servers) == 2:
                ratios = [f"{middle(x['Dovecot']) / max(middle(x['ours']), 1e-3):.1f}" for x in (cpu, wall)]
            print(f"| {name} | {' | '.join(row)} | {ratios[0]} | {aim or ''} | {ratios[1]} |", flush=True)
            if at is not servers:
                at[0].stop()
            for server in servers:
                told = more.get(server.name, {})
                keys = [k for k in told if k.endswith("_ms") or k.startswith("pss") or k in ("per_s", "retr_all_s", "ops_per_s", "median_s")]
                if name in ("idle", "append", "append-16", "pop3-pipelined"):
                    print(f"<!-- {server.name}: " + ", ".join(f"{k} {told[k]}" for k in keys) + " -->", flush=True)
                if name == "search":
                    print(f"<!-- {server.name}: " + ", ".join(f"{k} {v['median_s']}" for k, v in told.items() if isinstance(v, dict)) + " -->", flush=True)
    finally:
        sink.terminate()
        for server in servers:
            server.stop()


main()
