"""Dovecot at the far end of our client machines: LMTP delivery by the `submit` example, POP3 fetching by `fetch`.
Skipped with a line where Dovecot is missing or does not start."""
from lib import *

EXAMPLES = os.environ.get("EXAMPLES", "")
tools = {n: os.path.join(EXAMPLES, n) for n in ("submit", "fetch")}
DOVECOT = shutil.which("dovecot", path=os.environ.get("PATH", "") + ":/usr/sbin")
home = tempfile.mkdtemp(prefix="dovecot-")
atexit.register(shutil.rmtree, home, ignore_errors=True)
os.chmod(home, 0o755)
pop3, lmtp = free_ports(2)


def skip(reason):
    print(f"skip  dovecot: {reason}")
    print("1 passed, 0 failed")
    sys.exit(0)


if not all(os.path.exists(t) for t in tools.values()):
    skip("the examples are not built (EXAMPLES)")
if not DOVECOT or not all(os.path.exists("/usr/lib/dovecot/" + p) for p in ("lmtp", "pop3")):
    skip("dovecot with lmtp and pop3 is not installed")
if os.geteuid() != 0:
    skip("it wants root")
mail = os.path.join(home, "mail")
os.makedirs(mail)
shutil.chown(mail, "nobody", "nogroup")
with open(home + "/users", "w") as f:
    f.write("".join(f"{u}:{{PLAIN}}{SECRET}\n" for u in (ALICE, BOB)))
with open(home + "/conf", "w") as f:
    f.write(f"""base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/log
protocols = lmtp pop3
ssl = no
disable_plaintext_auth = no
listen = 127.0.0.1
first_valid_uid = 1
mail_location = maildir:{mail}/%u
postmaster_address = postmaster@example.test
passdb {{
  driver = passwd-file
  args = {home}/users
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={mail}/%u
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp}
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
""")
process = subprocess.Popen([DOVECOT, "-F", "-c", home + "/conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
atexit.register(process.terminate)
try:
    until(lambda: (reachable(pop3) and reachable(lmtp)) or process.poll() is not None, 20, "dovecot")
except AssertionError:
    pass
if process.poll() is not None or not reachable(lmtp):
    skip("it does not start: " + (open(home + "/log").read()[-300:] if os.path.exists(home + "/log") else ""))

SENT = [message(f"to dovecot {i}", size) for i, size in enumerate((0, 3000, 200_000))]


def fetch(folder):
    return command([tools["fetch"], f"127.0.0.1:{pop3}", BOB, folder], env=dict(os.environ, POP3_PASSWORD=SECRET))


@step("our LMTP client to Dovecot: a reply for each recipient")
def _():
    for text in SENT:
        r = subprocess.run([tools["submit"], "--lmtp", f"127.0.0.1:{lmtp}", "mta@else.test", BOB, "nobody@example.test", ALICE],
                           input=text, capture_output=True, timeout=60)
        lines = r.stdout.decode().splitlines()
        assert r.returncode == 1 and len(lines) == 3, (r.stdout, r.stderr)
        assert ": 250 " in lines[0] and ": 550 " in lines[1] and ": 250 " in lines[2], lines


@step("our POP3 client from Dovecot: new mail by UIDL, octet for octet, copies stay and are not fetched again")
def _():
    folder = home + "/got"
    assert fetch(folder).startswith(b"3 new, 0 there before")
    got = [open(os.path.join(folder, n), "rb").read() for n in os.listdir(folder) if n.endswith(".eml")]
    for text in SENT:
        assert any(g.endswith(text) for g in got), [g[-100:] for g in got]
    assert fetch(folder).startswith(b"0 new, 3 there before")
    subprocess.run([tools["submit"], "--lmtp", f"127.0.0.1:{lmtp}", "mta@else.test", BOB], input=message("one more"), timeout=60, check=True)
    assert fetch(folder).startswith(b"1 new, 3 there before")


@step("our submission client to this server")
def _():
    server = Server()
    r = subprocess.run([tools["submit"], f"127.0.0.1:{server.ports['submission']}", ALICE, BOB, "nobody@example.test"],
                       input=SENT[2], capture_output=True, timeout=60, env=dict(os.environ, SMTP_PASSWORD=SECRET))
    assert b"bob@example.test: 250 " in r.stdout and b"nobody@example.test: 550 " in r.stdout, (r.stdout, r.stderr)


done()
