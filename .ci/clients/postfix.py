"""Postfix as the smart host, and as the MTA that hands mail in by LMTP. Skipped with a line where it cannot run."""
import glob, imaplib, pwd, smtplib
from lib import *

home = tempfile.mkdtemp(prefix="postfix-")
atexit.register(shutil.rmtree, home, ignore_errors=True)


def missing():
    if not shutil.which("postfix", path=os.environ.get("PATH", "") + ":/usr/sbin"):
        return "not installed"
    try:
        pwd.getpwnam("postfix")
    except KeyError:
        return "there is no user postfix"
    return None if os.geteuid() == 0 else "its master wants root"


if reason := missing():
    print(f"skip  postfix: {reason}")
    print("1 passed, 0 failed")
    sys.exit(0)

os.chmod(home, 0o755)
port, lmtp, lmtp_near = free_ports(3)
conf, spool, data = (os.path.join(home, d) for d in ("conf", "spool", "data"))
for d in (conf, spool, data):
    os.makedirs(d)
shutil.chown(data, "postfix")
POSTFIX = shutil.which("postfix", path="/usr/sbin:/usr/bin")
DAEMONS = next(p for p in ("/usr/lib/postfix/sbin", "/usr/libexec/postfix", "/usr/lib/postfix") if os.path.exists(p + "/master"))
with open(conf + "/main.cf", "w") as f:
    f.write(f"""compatibility_level = 3.6
queue_directory = {spool}
data_directory = {data}
daemon_directory = {DAEMONS}
command_directory = /usr/sbin
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = loopback-only
inet_protocols = ipv4
myhostname = postfix.test
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
local_recipient_maps =
relay_domains = example.test sink.test
relay_recipient_maps =
transport_maps = inline:{{ {{example.test = lmtp:inet:127.0.0.1:{lmtp_near}}}, {{sink.test = lmtp:inet:127.0.0.1:{lmtp}}} }}
maillog_file = {home}/log
maillog_file_prefixes = {home}
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_peername_lookup = no
lmtp_host_lookup = native
smtp_host_lookup = native
disable_dns_lookups = yes
""")
with open(conf + "/master.cf", "w") as f:
    f.write(f"{port} inet n - n - - smtpd\n" + "\n".join(
        f"{name} unix {private} - n {wake} {most} {command}" for name, private, wake, most, command in (
            ("pickup", "n", "60", "1", "pickup"), ("cleanup", "n", "-", "0", "cleanup"), ("qmgr", "n", "300", "1", "qmgr"),
            ("rewrite", "-", "-", "-", "trivial-rewrite"), ("bounce", "-", "-", "0", "bounce"), ("defer", "-", "-", "0", "bounce"),
            ("trace", "-", "-", "0", "bounce"), ("verify", "-", "-", "1", "verify"), ("smtp", "-", "-", "-", "smtp"),
            ("relay", "-", "-", "-", "smtp"), ("error", "-", "-", "-", "error"), ("retry", "-", "-", "-", "error"),
            ("discard", "-", "-", "-", "discard"), ("lmtp", "-", "-", "-", "lmtp"), ("anvil", "-", "-", "1", "anvil"),
            ("scache", "-", "-", "1", "scache"), ("postlog", "n", "-", "1", "postlogd"))).replace("postlog unix n", "postlog unix-dgram n") + "\n")


def control(word):
    return subprocess.run([POSTFIX, "-c", conf, word], capture_output=True, timeout=60)


# The far end of LMTP is a server that has the mailboxes of sink.test.
CAROL = "carol@sink.test"
far = Server(extra=f'[[mailbox]]\naddress = "{CAROL}"\npassword = "{SECRET}"\n[lmtp]\nlisten = ["{HOST}:{lmtp}"]\n')
near = Server(extra=f'[relay]\nhost = "127.0.0.1"\nport = {port}\ntls = "none"\nretry_first_seconds = 1\n'
              f'[lmtp]\nlisten = ["{HOST}:{lmtp_near}"]\n')
started = control("start")
if started.returncode or not until(lambda: reachable(port) or time.sleep(0.2), 20, "postfix"):
    print("skip  postfix: it does not start:", (started.stderr or started.stdout)[-300:])
    print("1 passed, 0 failed")
    sys.exit(0)
atexit.register(control, "abort")


def texts(server, user):
    m = imaplib.IMAP4_SSL(HOST, server.ports["imaps"], ssl_context=context(), timeout=30)
    m.login(user, SECRET)
    m.select("INBOX", readonly=True)
    got = [d[1] for d in m.uid("FETCH", "1:*", "(BODY.PEEK[])")[1] if isinstance(d, tuple)]
    m.logout()
    return got


def arrives(server, user, part):
    return until(lambda: [t for t in texts(server, user) if part in t], 40, f"{part!r} to arrive; {open(home + '/log').read()[-900:]}")


def submit(to, text, mail=(), rcpt=()):
    with smtplib.SMTP(HOST, near.ports["submission"], timeout=30) as s:
        s.login(ALICE, SECRET)
        assert s.sendmail(ALICE, to, text, list(mail), list(rcpt)) == {}


@step("through Postfix as the smart host, and back by LMTP, octet for octet")
def _():
    sent = message("through postfix", 300_000)
    submit([CAROL], sent)
    got = arrives(far, CAROL, b"Subject: through postfix")[0]
    assert got.endswith(sent), got[:900]
    assert b"by postfix.test (Postfix)" in got and b"with LMTP id" in got


@step("twenty messages travel over few connections")
def _():
    for i in range(20):
        submit([CAROL], message(f"one of twenty {i:02}."))
    until(lambda: sum(b"Subject: one of twenty" in t for t in texts(far, CAROL)) == 20, 60, "twenty")
    connections = open(home + "/log").read().count("smtpd[") and open(home + "/log").read().count(" connect from ")
    assert 0 < connections <= 12, connections


@step("what Postfix bounces comes back by LMTP, as the report that was asked for")
def _():
    submit(["stranger@sink.test"], message("to nowhere"), ["ENVID=PF1"], ["NOTIFY=FAILURE"])
    report = arrives(near, ALICE, b"Original-Envelope-Id: PF1")[0]
    assert b"Action: failed" in report and b"postfix.test" in report, report


@step("NOTIFY=SUCCESS goes through: Postfix reports the relay, and this server's report stays out")
def _():
    submit([CAROL], message("tell me"), ["RET=HDRS", "ENVID=PF2"], ["NOTIFY=SUCCESS"])
    arrives(far, CAROL, b"Subject: tell me")
    reports = arrives(near, ALICE, b"Original-Envelope-Id: PF2")
    assert len(reports) == 1 and b"postfix.test" in reports[0], reports


done()
