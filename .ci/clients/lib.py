"""Starts the example server on free ports, and small tools for the client scripts."""
import atexit, os, re, shutil, signal, socket, ssl, subprocess, sys, tempfile, time, traceback

BINARY = os.environ["MAILSERVER"]
HOST = "127.0.0.1"
SERVICES = ("imap", "imaps", "pop3", "pop3s", "submission", "submissions")
ALICE, BOB, SECRET = "alice@example.test", "bob@example.test", "pass word"


def free_ports(n):
    sockets = [socket.socket() for _ in range(n)]
    for s in sockets:
        s.bind((HOST, 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class Server:
    """One run of the server; `data` is kept over restarts."""

    def __init__(self, plaintext="always", data=None, extra="", auth="", prepare=None):
        self.home = data or tempfile.mkdtemp(prefix="mailserver-")
        if not data:
            atexit.register(shutil.rmtree, self.home, ignore_errors=True)
        self.ports = dict(zip(SERVICES, free_ports(len(SERVICES))))
        listen = "\n".join(f'{s} = ["{HOST}:{p}"]' for s, p in self.ports.items())
        self.config = os.path.join(self.home, "config.toml")
        with open(self.config, "w") as f:
            f.write(f'hostname = "localhost"\ndata = "{self.home}/data"\n[listen]\n{listen}\n[auth]\nplaintext = "{plaintext}"\n{auth}'
                    + "".join(f'[[mailbox]]\naddress = "{a}"\npassword = "{SECRET}"\n' for a in (ALICE, BOB)) + extra)
        if prepare:
            prepare(self)
        self.start()
        atexit.register(self.kill)

    def start(self):
        self.log = open(os.path.join(self.home, "log"), "ab")
        self.process = subprocess.Popen([BINARY, "--config", self.config], stdout=self.log, stderr=self.log, cwd=self.home)
        for port in self.ports.values():
            until(lambda: reachable(port) or self.process.poll() is not None, 30, "the server to listen")
        assert self.process.poll() is None, open(self.log.name).read()[-2000:]

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)

    def memory(self):
        """Kilobytes: the process's proportional set size."""
        with open(f"/proc/{self.process.pid}/smaps_rollup") as f:
            return int(re.search(r"^Pss:\s+(\d+)", f.read(), re.M).group(1))

    def peak(self):
        """Kilobytes: the greatest resident set since `reset_peak`."""
        with open(f"/proc/{self.process.pid}/status") as f:
            return int(re.search(r"^VmHWM:\s+(\d+)", f.read(), re.M).group(1))

    def reset_peak(self):
        with open(f"/proc/{self.process.pid}/clear_refs", "w") as f:
            f.write("5")


def reachable(port):
    try:
        socket.create_connection((HOST, port), 1).close()
        return True
    except OSError:
        return False


def context():
    """The server's own certificate is self-signed: encryption is tested, not trust."""
    c = ssl.create_default_context()
    c.check_hostname = False
    c.verify_mode = ssl.CERT_NONE
    return c


def until(condition, seconds, what):
    end = time.time() + seconds
    while not (result := condition()):
        assert time.time() < end, f"waited {seconds} s for {what}"
        time.sleep(0.02)
    return result


counts = {"passed": 0, "failed": 0}


def step(name):
    """Runs the function at once, and counts it."""
    def run(f):
        try:
            f()
            counts["passed"] += 1
            print(f"ok    {name}")
        except Exception as e:
            counts["failed"] += 1
            line = traceback.extract_tb(e.__traceback__)[-1]
            print(f"FAIL  {name}: {type(e).__name__}: {str(e)[:400]} ({os.path.basename(line.filename)}:{line.lineno})")
    return run


def done():
    print(f"{counts['passed']} passed, {counts['failed']} failed")
    sys.exit(1 if counts["failed"] or not counts["passed"] else 0)


def command(args, data=None, fails=False, **kw):
    r = subprocess.run(args, input=data, capture_output=True, timeout=120, **kw)
    assert (r.returncode != 0) == fails, f"{args[0]} ended with {r.returncode}: {(r.stderr or r.stdout)[-600:]!r}"
    return r.stdout


def node(server, name, package):
    """A folder in which the package of npm is installed; None where that cannot be done."""
    folder = os.path.join(server.home, "node-" + name)
    if shutil.which("npm") and shutil.which("node"):
        os.makedirs(folder)
        args = ["npm", "install", "--silent", "--no-audit", "--no-fund", package]
        if subprocess.run(args, cwd=folder, capture_output=True, timeout=180).returncode == 0:
            return folder
    print(f"skip  {name}: it cannot be installed")
    return None


def message(subject, size=0, extra=b""):
    """A message with the traps of framing: dots, long and empty lines, 8-bit text."""
    head = (f"From: Alice <{ALICE}>\r\nTo: Bob <{BOB}>\r\nSubject: {subject}\r\nDate: Sun, 01 Mar 2026 10:00:00 +0000\r\n"
            f"Message-ID: <{abs(hash(subject))}@example.test>\r\nMIME-Version: 1.0\r\n"
            "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n").encode()
    body = b".\r\n..two\r\n.three dots...\r\n\r\n" + "Grüße, 日本語\r\n".encode() + extra
    line = b"0123456789abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ .\r\n"
    body += line * (max(0, size - len(body) - len(head)) // len(line))
    return head + body
