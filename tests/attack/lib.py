# SPDX-License-Identifier: Apache-2.0
"""tests/attack/lib.py - what attackers need: a real site, and hands that can send anything to it.

An attack is a function in the file of its actor (stranger.py, tenant.py, agent.py, peer.py, guest.py):

    from lib import attack, check

    @attack
    def paths_that_are_no_text(site):
        "a path that is not UTF-8 is refused"            # one line: what holds
        with site.unchanged():
            answer = site.ask("GET", b"/providers/%FF")
            check("it is 400", answer.status == 400, answer)

It first makes what it needs, then tries what must be refused, and proves that nothing has changed (site.unchanged()).
`check(what, good, shown)` prints "ok - " or "not ok - "; a function prints as many as it likes.  After each attack the
runner asks by itself that the daemon is still the process that was started, still answers, and that no sanitizer said
anything.  At the end the site has to stop within 20 s, with status 0 and without a leak.

The attacks of a file share one site, in the order of the file; `@attack(fresh=True)` has a site to itself (options=[...]:
further arguments of landfalld; env={...}).  tests/attack/run BUILD [ACTOR[.FUNCTION]...] runs some.

Site        one landfalld on loopback, in a directory of its own
  ask(method, path, headers={}, body=b"", cert=None) -> Answer      a request that is sent as it is given, on a new connection
  wire(cert=None) -> Wire                                           a TLS connection: send(bytes), answer(), at any pace
  arm(method, path, body=None, token=owner's, ...) -> Answer        "@" for the subscription; api-version is added when it is missing
  arm_wait(...)                                                     the same, then until the operation has ended
  lf(*words) -> the command line's JSON; raises unless it succeeds  lf_try(*words) -> (status, text)
  token(scope=None, client=..., secret=...) -> Answer               an access token is answer.json["access_token"]
  blob(method, path, headers={}, body=b"", token=, key=, sas=)      blob calls: by a token, an account's key, a signature, or nothing
  sas(account, container, blob="", sp="r", ...) -> "sv=...&sig=..." signed with the account's key
  state() -> dict; unchanged(ignore=())                             all that lasts: rows, points, claims, blobs, keys
  restart(), kill(), stop(), alive(), log(), sanitizer_reports(), fds(), sockets(), rss(), processor_seconds()
  corp         a storage account with container "vhds" and blob "finance.vhd" in it, made when first asked for
  victim       an Agent with a recovery point in a vault;  mallory   another, whose owner is hostile
Agent       a machine that registered: key, certificate, call(method, path, body), poll(), backup(pages)
Pack        a pack by docs/formats/pack.md with any content: honest or forged
Peer        a holder of the pairing key
"""
import base64
import contextlib
import ctypes
import ctypes.util
import fnmatch
import hashlib
import hmac
import http.client
import json
import os
import re
import signal
import socket
import sqlite3
import ssl
import struct
import subprocess
import tempfile
import time
import urllib.parse
import uuid
from functools import cached_property

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
API = {"microsoft.compute": "2024-07-01", "microsoft.network": "2024-03-01", "microsoft.storage": "2023-05-01",
       "microsoft.recoveryservices": "2024-04-01", "microsoft.offazure": "2023-06-06",
       "microsoft.authorization": "2022-04-01"}
BLOB_VERSION = "2025-01-05"
STOP_SECONDS = 20


# ---- checks and attacks

class Count:
    good = bad = 0


def check(what, good, shown=None):
    """A line for the count; shown: what was seen, when it is not good."""
    if good:
        Count.good += 1
        print(f"ok - {what}", flush=True)
    else:
        Count.bad += 1
        print(f"not ok - {what}" + ("" if shown is None else f": {str(shown)[:600]}"), flush=True)
    return bool(good)


def attack(fn=None, *, fresh=False, options=(), env=None):
    """Marks a function as an attack (see above)."""
    def mark(f):
        f.attack = {"fresh": fresh or bool(options) or bool(env), "options": list(options), "env": env or {}}
        return f
    return mark(fn) if fn else mark


def routes(site):
    """method, path and action of every operation, parameters filled in"""
    text = subprocess.run([os.path.join(site.build, "landfalld"), "--routes"], capture_output=True, text=True, check=True).stdout
    for line in text.splitlines():
        method, path, action, _ = line.split("\t")
        if action != "-":
            path = re.sub(r"\{subscription(Id)?\}", site.subscription, path)
            yield method, re.sub(r"\{[^}]*\}", "x1x", path), action


# ---- HTTP by hand

class Answer:
    """status 0: the connection ended without one."""

    def __init__(self, status=0, headers=(), body=b""):
        self.status, self.headers, self.body = status, list(headers), body

    def header(self, name):
        return next((v for n, v in self.headers if n.lower() == name.lower()), None)

    @property
    def json(self):
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def code(self):
        """error.code of an answer of ARM or of an agent's call, the code of a blob's"""
        doc = self.json
        if isinstance(doc, dict):
            error = doc.get("error", doc)
            return error.get("code") if isinstance(error, dict) else error
        return self.header("x-ms-error-code")

    def __repr__(self):
        return f"{self.status} {self.body[:400]!r}"


class Wire:
    """A connection: whatever bytes, at whatever pace."""

    def __init__(self, host, port, context, timeout=30, raw=False, source=None, receive=None):
        plain = socket.socket()
        if receive:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        if source:
            plain.bind((source, 0))
        plain.settimeout(timeout)
        plain.connect((host, port))
        self.socket = plain if raw else context.wrap_socket(plain)
        self.read = b""

    def send(self, data):
        """False: the other side has closed."""
        try:
            self.socket.sendall(data if isinstance(data, bytes) else data.encode("latin-1"))
            return True
        except (OSError, ssl.SSLError):
            return False

    def _more(self):
        try:
            block = self.socket.recv(65536)
        except (OSError, ssl.SSLError):
            return False
        self.read += block
        return bool(block)

    def answer(self, method="GET", timeout=None):
        """The next answer on this connection; of a 100 Continue nothing is told."""
        if timeout is not None:
            self.socket.settimeout(timeout)
        while True:
            while b"\r\n\r\n" not in self.read:
                if not self._more():
                    return Answer()
            head, self.read = self.read.split(b"\r\n\r\n", 1)
            lines = head.split(b"\r\n")
            status = int(lines[0].split()[1])
            if status != 100:
                break
        headers = [tuple(part.strip() for part in line.decode("latin-1").split(":", 1)) for line in lines[1:]]
        answer = Answer(status, headers)
        if method == "HEAD" or status in (204, 304):
            return answer
        if "chunked" in (answer.header("transfer-encoding") or ""):
            answer.body = self._chunks()
        else:
            length = int(answer.header("content-length") or 0)
            while len(self.read) < length and self._more():
                pass
            answer.body, self.read = self.read[:length], self.read[length:]
        return answer

    def _chunks(self):
        out = b""
        while True:
            while b"\r\n" not in self.read:
                if not self._more():
                    return out
            size, self.read = self.read.split(b"\r\n", 1)
            size = int(size.split(b";")[0], 16)
            while len(self.read) < size + 2 and self._more():
                pass
            out, self.read = out + self.read[:size], self.read[size + 2:]
            if not size:
                return out

    def closed(self, timeout=10):
        """Has the other side ended the connection (within so many seconds)?"""
        self.socket.settimeout(timeout)
        try:
            while self.socket.recv(65536):
                pass
            return True
        except (ssl.SSLError, ConnectionError):
            return True
        except (TimeoutError, OSError):
            return False

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def as_bytes(text):
    return text if isinstance(text, bytes) else text.encode()


def head(method, path, host, headers=(), length=None):
    """The head of a request; headers given twice are sent twice, one whose value is None is left out."""
    pairs = list(headers.items()) if isinstance(headers, dict) else list(headers)
    names = {n.lower() for n, _ in pairs}
    if "host" not in names:
        pairs.insert(0, ("Host", host))
    if length is not None and not names & {"content-length", "transfer-encoding"}:
        pairs.append(("Content-Length", str(length)))
    lines = [as_bytes(method) + b" " + as_bytes(path) + b" HTTP/1.1"]
    lines += [as_bytes(n) + b": " + as_bytes(v) for n, v in pairs if v is not None]
    return b"\r\n".join(lines) + b"\r\n\r\n"


# ---- a site

class Site:
    """One real landfalld on loopback, on a directory of its own."""

    def __init__(self, build, options=(), env=None, name="site", dir=None):
        self.build, self.options, self.extra_env = os.path.abspath(build), list(options), env or {}
        self.dir = dir or tempfile.mkdtemp(prefix=f"lf-attack-{name}-", dir="/tmp")
        self.data = os.path.join(self.dir, "data")
        self.process = None
        self.status = None
        self.port = 0
        self._token = {}
        os.makedirs(self.dir, exist_ok=True)
        self.start()

    # -- the process

    def start(self):
        env = dict(os.environ, **self.extra_env)
        reports = os.path.join(self.dir, "sanitizer")
        env["ASAN_OPTIONS"] = f"detect_leaks=1:exitcode=99:log_path={reports}:" + env.get("ASAN_OPTIONS", "")
        env["UBSAN_OPTIONS"] = f"print_stacktrace=1:log_path={reports}:" + env.get("UBSAN_OPTIONS", "")
        env["LSAN_OPTIONS"] = f"suppressions={TOP}/tests/sanitizers/lsan.txt:print_suppressions=0:" + env.get("LSAN_OPTIONS", "")
        with open(os.path.join(self.dir, "out"), "wb") as out, open(os.path.join(self.dir, "log"), "ab") as log:
            self.process = subprocess.Popen(
                [os.path.join(self.build, "landfalld"), "--data", self.data, "--listen", f"127.0.0.1:{self.port}",
                 "--compute", "fake", *self.options], stdout=out, stderr=log, stdin=subprocess.DEVNULL, env=env)
        self.status = None
        end = time.monotonic() + 60
        while time.monotonic() < end and self.process.poll() is None:
            with open(os.path.join(self.dir, "out")) as f:
                words = f.read().split()
            if len(words) == 3 and words[1] == "ready":
                self.url = words[2]
                self.port = int(self.url.rsplit(":", 1)[1])
                self._read_env()
                return
            time.sleep(0.05)
        raise RuntimeError(f"landfalld did not start: {self.process.poll()} {self.log()[-800:]}")

    def _read_env(self):
        self.env = {}
        with open(os.path.join(self.data, "client.env")) as f:
            for line in f:
                name, eq, value = line.strip().partition("=")
                if eq and name.startswith("LF_"):
                    self.env[name] = value.strip("'\"")
        self.subscription, self.tenant = self.env["LF_SUBSCRIPTION_ID"], self.env["LF_TENANT_ID"]
        self.context = ssl.create_default_context(cafile=os.path.join(self.data, "ca.pem"))
        self.context.check_hostname = False
        self._token = {}

    def alive(self):
        """Is it still the process that was started, and does it answer?"""
        if self.process.poll() is not None:
            return False
        try:
            return self.ask("GET", "/agent/v1/ca").status == 200
        except OSError:
            return False

    def stop(self, seconds=STOP_SECONDS):
        """SIGTERM; its exit status, or "killed" when it took more than so many seconds."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                self.status = "killed"
                return self.status
        self.status = self.process.returncode
        return self.status

    def kill(self):
        self.process.kill()
        self.process.wait()

    def restart(self):
        """Stopped as it should be, and started again on the same port; its exit status."""
        status = self.stop()
        self.start()
        return status

    def remove(self):
        if self.process.poll() is None:
            self.kill()
        subprocess.run(["rm", "-rf", self.dir], check=False)

    def log(self):
        with open(os.path.join(self.dir, "log"), errors="replace") as f:
            return f.read()

    def sanitizer_reports(self):
        """What AddressSanitizer, LeakSanitizer and UBSan have said."""
        found = []
        for name in sorted(os.listdir(self.dir)):
            if name.startswith("sanitizer."):
                with open(os.path.join(self.dir, name), errors="replace") as f:
                    found.append(f.read())
        return found

    def fds(self):
        """descriptors it has, but for its readers of the catalog, of which some stay open as more have been needed at once"""
        count = 0
        for name in os.listdir(f"/proc/{self.process.pid}/fd"):
            try:
                count += "/catalog.db" not in os.readlink(f"/proc/{self.process.pid}/fd/{name}")
            except FileNotFoundError:  # closed meanwhile
                pass
        return count

    def sockets(self):
        """connections it has"""
        with open(f"/proc/{self.process.pid}/net/tcp") as f:
            return sum(line.split()[3] == "01" and int(line.split()[1].rsplit(":", 1)[1], 16) == self.port for line in f.readlines()[1:])

    def processor_seconds(self):
        with open(f"/proc/{self.process.pid}/stat") as f:
            times = f.read().rsplit(") ", 1)[1].split()
        return (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK")

    def rss(self):
        """bytes of memory it has now"""
        with open(f"/proc/{self.process.pid}/statm") as f:
            return int(f.read().split()[1]) * 4096

    # -- requests

    def wire(self, cert=None, raw=False, timeout=30, context=None, source=None, receive=None):
        """cert: (certificate file, key file); raw: without TLS; source: the address to come from (127.x.y.z); receive:
        bytes that its system takes ahead of it."""
        if not context:
            context = self.context
            if cert:
                context = ssl.create_default_context(cafile=os.path.join(self.data, "ca.pem"))
                context.check_hostname = False
                context.load_cert_chain(*cert)
        return Wire("127.0.0.1", self.port, context, timeout, raw, source, receive)

    def ask(self, method, path, headers=(), body=b"", cert=None, timeout=60, source=None):
        """One request as it is given; status 0: no answer came."""
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        body = as_bytes(body)
        with self.wire(cert, timeout=timeout, source=source) as wire:
            length = len(body) if body or method in ("PUT", "POST", "PATCH") else None
            wire.send(head(method, path, f"127.0.0.1:{self.port}", headers, length) + body)
            return wire.answer(method)

    def token(self, scope=None, client=None, secret=None, tenant=None, source=None):
        form = urllib.parse.urlencode({
            "grant_type": "client_credentials", "scope": scope or self.url + "/.default",
            "client_id": client or self.env["LF_CLIENT_ID"], "client_secret": secret or self.env["LF_CLIENT_SECRET"]})
        return self.ask("POST", f"/{tenant or self.tenant}/oauth2/v2.0/token",
                        {"Content-Type": "application/x-www-form-urlencoded"}, form, source=source)

    def audit(self, after=0, **query):
        """the lines of the audit log, as its owner reads them"""
        path = "/landfall/audit?" + urllib.parse.urlencode({"after": after, **query})
        lines = []
        while path:
            answer = self.arm("GET", path).json
            lines += answer["value"]
            path = answer["nextLink"] and answer["nextLink"].replace(self.url, "")
        return lines

    def owner_token(self, scope=None):
        """the owner's access token, kept"""
        if scope not in self._token:
            answer = self.token(scope)
            if answer.status != 200:
                raise RuntimeError(f"no token: {answer}")
            self._token[scope] = answer.json["access_token"]
        return self._token[scope]

    def path(self, path, api=None):
        path = path.replace("@", f"/subscriptions/{self.subscription}", 1) if path.startswith("@") else path
        if "api-version=" in path:
            return path
        provider = path.lower().rsplit("/providers/", 1)[-1].split("/")[0] if "/providers/" in path.lower() else ""
        return path + ("&" if "?" in path else "?") + "api-version=" + (api or API.get(provider, "2022-12-01"))

    def arm(self, method, path, body=None, token="", headers=(), api=None):
        """token "": the owner's; None: none."""
        all_headers = dict(headers)
        if token is not None:
            all_headers["Authorization"] = "Bearer " + (token or self.owner_token())
        if body is not None:
            all_headers.setdefault("Content-Type", "application/json")
        return self.ask(method, self.path(path, api), all_headers, body if body is not None else b"")

    def arm_wait(self, method, path, body=None, seconds=60, api=None):
        """Then until the operation has ended; what it failed with is raised."""
        answer = self.arm(method, path, body, api=api)
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer}")
        monitor = answer.header("azure-asyncoperation") or answer.header("location")
        end = time.monotonic() + seconds
        while monitor:
            state = self.arm("GET", urllib.parse.urlsplit(monitor)._replace(scheme="", netloc="").geturl())
            status = (state.json or {}).get("status")
            if status in ("Failed", "Canceled") or state.status >= 300:
                raise RuntimeError(f"{method} {path}: {state}")
            if status == "Succeeded" or (state.status != 202 and status is None):
                break
            if time.monotonic() > end:
                raise RuntimeError(f"{method} {path}: still {state}")
            time.sleep(0.1)
        return answer

    def lf_try(self, *words, env=None):
        done = subprocess.run([os.path.join(self.build, "landfall"), "--env", os.path.join(self.data, "client.env"), *words],
                              capture_output=True, text=True, timeout=120, check=False,
                              env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0", **(env or {})))
        return done.returncode, done.stdout + done.stderr

    def lf(self, *words):
        status, text = self.lf_try("--output", "json", *words)
        if status:
            raise RuntimeError(f"landfall {' '.join(words)}: {status} {text}")
        start = min((i for i in (text.find("{"), text.find("[")) if i >= 0), default=-1)
        if start < 0:
            return text
        try:
            return json.JSONDecoder().raw_decode(text[start:])[0]
        except ValueError:
            return text

    # -- blobs

    def account_key(self, account, group="attack"):
        answer = self.arm("POST", f"@/resourceGroups/{group}/providers/Microsoft.Storage/storageAccounts/{account}/listKeys", "")
        return answer.json["keys"][0]["value"]

    def blob(self, method, path, headers=(), body=b"", token=None, key=None, sas=None, cert=None):
        """path: "/account/container/blob?comp=..."; token "": the owner's for storage."""
        all_headers = {"x-ms-version": BLOB_VERSION, **dict(headers)}
        if method == "PUT" and "?" not in path and path.count("/") >= 3:
            all_headers.setdefault("x-ms-blob-type", "BlockBlob")
        if token is not None:
            all_headers["Authorization"] = "Bearer " + (token or self.owner_token("https://storage.azure.com/.default"))
        if sas:
            path += ("&" if "?" in path else "?") + sas
        body = as_bytes(body)
        if key:
            all_headers["x-ms-date"] = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())
            all_headers["Authorization"] = shared_key(method, path, all_headers, len(body), key)
        return self.ask(method, path, all_headers, body, cert=cert)

    def sas(self, account, container, blob="", sp="r", key=None, group="attack", version="2021-08-06",
            expires="2099-01-01T00:00:00Z", start="", protocol="https"):
        resource = f"/blob/{account}/{container}" + (f"/{blob}" if blob else "")
        sr = "b" if blob else "c"
        text = "\n".join([sp, start, expires, resource, "", "", protocol, version, sr, "", "", "", "", "", "", ""])
        signature = base64.b64encode(hmac.new(base64.b64decode(key or self.account_key(account, group)), text.encode(), "sha256").digest()).decode()
        pairs = {"sv": version, "sr": sr, "sp": sp, "se": expires, "spr": protocol, "sig": signature}
        if start:
            pairs["st"] = start
        return urllib.parse.urlencode(pairs)

    # -- what lasts

    def rows(self):
        """id -> document of the catalog"""
        with contextlib.closing(sqlite3.connect(f"file:{self.data}/catalog.db?mode=ro", uri=True)) as db:
            rows = {key: f"{type_} {doc} {state}" for key, type_, doc, state in
                    db.execute("SELECT key, type, doc, state FROM resources")}
            rows.update({f"setting {name}": value for name, value in db.execute("SELECT name, value FROM settings")
                         if name != "collectedAt"})  # when the site last looked for what nothing claims: its own doing, at a time of its own
        return rows

    def state(self):
        """Everything that an attacker could change: rows of the catalog, files of the data directory by content."""
        state = {f"row {key}": value for key, value in self.rows().items()}
        for place, _, names in os.walk(self.data):
            for name in names:
                path = os.path.join(place, name)
                short = os.path.relpath(path, self.data)
                if short.startswith("catalog.db"):
                    continue
                with contextlib.suppress(OSError), open(path, "rb") as f:
                    state[f"file {short}"] = hashlib.sha256(f.read()).hexdigest()
        return state

    # what changes by itself, or is allowed to be added: heartbeats and indexes; the log of what was tried
    QUIET = ("row /landfall/agents/*", "file regions/*/store/index/*", "file regions/*/store/lock", "file audit*",
             "file */audit*", "file *.log", "file lock", "file regions/*/store/verified*", "file agent-tmp/*")

    @contextlib.contextmanager
    def unchanged(self, ignore=(), what="nothing has changed"):
        """What is done within changes nothing that lasts.  ignore: patterns of state()'s names besides QUIET."""
        patterns = self.QUIET + tuple(ignore)
        def look():
            return {name: value for name, value in self.state().items() if not any(fnmatch.fnmatch(name, p) for p in patterns)}
        before = look()
        yield
        after = look()
        changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
        check(what, not changed, changed[:8])

    # -- things to attack

    @cached_property
    def group(self):
        self.lf("group", "create", "attack")
        return "attack"

    def account(self, name):
        """A storage account of the owner's."""
        self.lf("storage", "create", name, "--group", self.group)
        return name

    @cached_property
    def corp(self):
        self.account("corp")
        for answer in (self.blob("PUT", "/corp/vhds?restype=container", token=""),
                       self.blob("PUT", "/corp/vhds/finance.vhd", body=b"secret of finance " * 100, token="")):
            if answer.status != 201:
                raise RuntimeError(f"cannot make corp: {answer}")
        return "corp"

    @cached_property
    def vault(self):
        self.lf("recovery-vault", "create", "attackvault", "--group", self.group)
        return "attackvault"

    @cached_property
    def servers(self):
        self.lf("site", "create", "servers", "--group", self.group)
        return "servers"

    def registration_key(self, servers=None):
        """{"url", "ca", "secret"}"""
        key = self.lf("site", "key", servers or self.servers)["registrationKey"]
        return json.loads(base64.b64decode(key + "=" * (-len(key) % 4)))

    @cached_property
    def victim(self):
        return self.protected("victim")

    @cached_property
    def mallory(self):
        return self.protected("mallory")

    def protected(self, name):
        """An agent that has been backed up once, honestly."""
        agent = Agent(self, name)
        agent.protect(self.vault)
        agent.backup({page: (name.encode() + b" page %d " % page).ljust(4096, b".") for page in range(8)})
        return agent

    def wait_for_backups(self, vault, machine, seconds=60):
        """until no backup job of the machine is under way"""
        end = time.monotonic() + seconds
        while any(job["properties"]["status"] == "InProgress" and job["properties"]["entityFriendlyName"] == machine for job in self.lf("backup", "jobs", "--vault", vault)):
            if time.monotonic() > end:
                raise RuntimeError("backups do not end")
            time.sleep(0.1)

    def points(self):
        """region/file -> SHA-256 of each recovery point's manifest"""
        return {n: v for n, v in self.state().items() if fnmatch.fnmatch(n, "file regions/*/store/points/*")}

    def tool(self, *words):
        """landfall WORDS, for the commands that work on the data directory: (status, text)"""
        done = subprocess.run([os.path.join(self.build, "landfall"), *words], capture_output=True,
                              text=True, timeout=120, check=False, env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
        return done.returncode, done.stdout + done.stderr

    def verify(self):
        """Do the vaults verify?  (status, text)"""
        return self.tool("vault", "verify", "--data", self.data)


def shared_key(method, path, headers, length, key):
    """The Authorization header by an account's key."""
    account = path.split("/")[1]
    plain, _, query = path.partition("?")
    low = {n.lower(): v for n, v in headers.items()}
    lines = [method] + [low.get(n, "") for n in ("content-encoding", "content-language")]
    lines += [str(length) if length else "", low.get("content-md5", ""), low.get("content-type", ""), ""]
    lines += [low.get(n, "") for n in ("if-modified-since", "if-match", "if-none-match", "if-unmodified-since", "range")]
    text = "\n".join(lines) + "\n"
    text += "".join(f"{n}:{low[n]}\n" for n in sorted(low) if n.startswith("x-ms-"))
    text += f"/{account}{plain}"
    text += "".join(f"\n{n}:{v}" for n, v in sorted(urllib.parse.parse_qsl(query, keep_blank_values=True)))
    return f"SharedKey {account}:" + base64.b64encode(hmac.new(base64.b64decode(key), text.encode(), "sha256").digest()).decode()


# ---- agents

def openssl(*words, data=None):
    return subprocess.run(["openssl", *words], input=data, capture_output=True, check=True).stdout


class Agent:
    """A machine that has registered: it has a certificate, and what it says is its own affair."""

    def __init__(self, site, name, machine_id=None, inventory=None, key=None):
        self.site, self.name = site, name
        self.machine_id = machine_id or str(uuid.uuid4())
        self.disks = [{"id": str(uuid.uuid4()), "name": "os", "sizeBytes": 1 << 20, "lun": 0, "os": True}]
        self.inventory = inventory or {
            "machineId": self.machine_id, "machineName": name, "version": "0", "os": "Debian GNU/Linux 12", "firmware": "bios",
            "bootType": "BIOS", "cores": 1, "memoryMiB": 512, "disks": self.disks, "nics": [], "preflight": [], "ips": []}
        self.key_file = os.path.join(site.dir, f"agent-{name}-{self.machine_id}.key")
        self.cert_file = self.key_file[:-4] + ".pem"
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", self.key_file)
        self.answer = self.register(key or site.registration_key())
        if self.answer.status != 200:
            raise RuntimeError(f"{name} cannot register: {self.answer}")
        self.id = self.answer.json["agentId"]
        with open(self.cert_file, "w") as f:
            f.write(self.answer.json["certificate"])

    def register(self, key, inventory=None):
        csr = openssl("req", "-new", "-key", self.key_file, "-subj", f"/CN={self.machine_id}").decode()
        return self.site.ask("POST", "/agent/v1/register", {"Content-Type": "application/json"},
                             {"secret": key["secret"], "csr": csr, "inventory": inventory or self.inventory})

    @property
    def cert(self):
        return self.cert_file, self.key_file

    def call(self, method, path, body=b"", headers=()):
        """path below /agent/v1/"""
        return self.site.ask(method, "/agent/v1/" + path, headers, body, cert=self.cert)

    def poll(self, inventory=None, status=()):
        return self.call("POST", "poll", {"inventory": inventory or self.inventory, "status": list(status)})

    def protect(self, vault):
        """The owner backs this machine up; self.item is what has to be sent from then on."""
        self.poll()
        self.site.lf("backup", "enable", self.name, "--vault", vault)
        self.vault = vault

    def assignment(self, seconds=30, due=False):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            answer = self.poll()
            items = (answer.json or {}).get("assignments") or []
            self.blob_token = (answer.json or {}).get("blobToken")
            # what the owner asks for has a token; a machine without a point is due before that, too
            if items and (not due or (items[0].get("due") and items[0].get("token"))):
                return items[0]
            time.sleep(0.2)
        raise RuntimeError(f"{self.name} is asked for nothing: {answer}")

    def domain_key(self):
        """(id key, data key, epoch) as the site gives them to every agent with work"""
        key = self.assignment()["key"]
        def decode(text):
            return bytes.fromhex(text) if len(text) == 64 else base64.b64decode(text)
        return decode(key["id"]), decode(key["data"]), key["epoch"]

    @property
    def owner(self):
        """Who seals with keys of its own, or None"""
        return bytes.fromhex(self.assignment()["key"].get("owner", "")) or None

    def asked(self):
        """The assignment once the owner has asked for a backup; a job that an attack left under way will do."""
        items = (self.poll().json or {}).get("assignments")
        if not (items and items[0]["due"] and items[0].get("token")):
            self.site.lf("backup", "now", self.name, "--vault", self.vault, "--no-wait")
        return self.assignment(due=True)

    def session(self, kind="full", disks=None, **more):
        """A new session's id, or the answer that refuses it; if no point is due, the owner asks for one first."""
        a = self.assignment()
        if not a["due"]:
            a = self.asked()
        answer = self.call("POST", "sessions", {"itemId": a["itemId"], "kind": kind, "token": a.get("token"), "disks": disks or self.disks, **more})
        return answer.json["sessionId"] if answer.status == 200 else answer

    def put_pack(self, name, data, headers=()):
        """By the blob contract, with the token of the last poll."""
        a = self.assignment()
        container = a["packPath"].rstrip("/")
        made = self.site.blob("PUT", container + "?restype=container", token=self.blob_token)
        if made.status not in (201, 403, 409):
            raise RuntimeError(f"container: {made}")
        return self.site.blob("PUT", a["packPath"] + name, headers, data, token=self.blob_token)

    def send(self, session, extents, disk=None, upto=0):
        """extents: (page, pages, page in the chunk, chunk id)"""
        records = b"".join(struct.pack("<QII32s", *extent) for extent in extents)
        return self.call("POST", f"sessions/{session}/extents?disk={disk or self.disks[0]['id']}&upto={upto}", records)

    def commit(self, session, **more):
        body = {"consistency": "CrashConsistent", "ageMs": 1, "freezeMs": 0, "bytesRead": 1, "bytesSent": 1, **more}
        return self.call("POST", f"sessions/{session}/commit", body)

    def adopt(self, session, *packs):
        """Put packs and have them adopted; the last answer that was not good, or the last."""
        for pack in packs:
            answer = self.put_pack(pack.name, pack.bytes)
            if answer.status != 201:
                return answer
        return self.call("POST", f"sessions/{session}/packs", "\n".join(pack.name for pack in packs))

    def backup(self, pages, kind="full"):
        """An honest pass: pages: {page: 4096 bytes}; the owner asks for it, and has a recovery point. Its id."""
        a = self.asked()
        id_key, data_key, epoch = self.domain_key()
        pack = Pack(data_key, epoch, owner=self.owner)
        extents = [(page, 1, 0, pack.add(id_key, data)) for page, data in sorted(pages.items())]
        answer = self.call("POST", "sessions", {"itemId": a["itemId"], "kind": kind, "token": a.get("token"), "disks": self.disks})
        session = answer.json["sessionId"]
        for step in (self.adopt(session, pack), self.send(session, extents, upto=256), self.commit(session)):
            if step.status not in (200, 204):
                raise RuntimeError(f"{self.name} cannot be backed up: {step}")
        self.site.wait_for_backups(self.vault, self.name)
        return step.json["pointId"]


# ---- packs, by docs/formats/pack.md

_crypto = ctypes.CDLL(ctypes.util.find_library("crypto") or "libcrypto.so.3")
_xxhash = ctypes.CDLL(ctypes.util.find_library("xxhash") or "libxxhash.so.0")
for _name in ("EVP_CIPHER_CTX_new", "EVP_aes_256_gcm"):
    getattr(_crypto, _name).restype = ctypes.c_void_p


class _Hash128(ctypes.Structure):
    _fields_ = [("low", ctypes.c_uint64), ("high", ctypes.c_uint64)]


_xxhash.XXH3_128bits.restype = _Hash128
_xxhash.XXH3_128bits.argtypes = [ctypes.c_char_p, ctypes.c_size_t]


def gcm_seal(key, nonce, aad, plain):
    ctx = ctypes.c_void_p(_crypto.EVP_CIPHER_CTX_new())
    out, n, tag = ctypes.create_string_buffer(len(plain) + 16), ctypes.c_int(), ctypes.create_string_buffer(16)
    try:
        assert _crypto.EVP_EncryptInit_ex(ctx, ctypes.c_void_p(_crypto.EVP_aes_256_gcm()), None, key, nonce)
        assert _crypto.EVP_EncryptUpdate(ctx, None, ctypes.byref(n), aad, len(aad))
        assert _crypto.EVP_EncryptUpdate(ctx, out, ctypes.byref(n), plain, len(plain))
        done = n.value
        assert _crypto.EVP_EncryptFinal_ex(ctx, ctypes.create_string_buffer(16), ctypes.byref(n))
        assert _crypto.EVP_CIPHER_CTX_ctrl(ctx, 0x10, 16, tag)  # EVP_CTRL_AEAD_GET_TAG
    finally:
        _crypto.EVP_CIPHER_CTX_free(ctx)
    return out.raw[:done] + tag.raw


def derive(key, salt, info):
    return hmac.new(hmac.new(salt or bytes(32), key, "sha256").digest(), info + b"\1", "sha256").digest()


def chunk_id(id_key, plain):
    return hmac.new(id_key, plain, "sha256").digest()


class Pack:
    """add() as many as wanted, then .name and .bytes; claimed: another id than the content's."""

    def __init__(self, data_key, epoch=1, salt=None, owner=None):
        self.salt, self.owner = (salt or os.urandom(32))[:32 - len(owner or b"")] + (owner or b""), owner
        self.key, self.epoch, self.records, self.entries = derive(data_key, self.salt, b"landfall pack 1"), epoch, b"", {}
        self.tail = {}

    def add(self, id_key, plain, claimed=None, kind=0, entry=None):
        """The id under which the chunk is found.  entry: members of its entry that lie, e.g. {"plain": 4096}"""
        name = claimed or chunk_id(id_key, plain)
        if name in self.entries:
            return name
        number = len(self.entries)
        lie = {"plain": len(plain), "coding": 0, **(entry or {})}
        aad = name + struct.pack("<IBBH", lie["plain"], lie["coding"], kind, 0)
        record = gcm_seal(self.key, struct.pack("<IQ", number, 0), aad, plain)
        check_sum = _xxhash.XXH3_128bits(record, len(record))
        offset = 64 + len(self.records)
        self.entries[name] = struct.pack("<32sQII16sIBBH", name, lie.get("offset", offset), lie.get("stored", len(record)), lie["plain"],
                                         struct.pack(">QQ", check_sum.high, check_sum.low), number, lie["coding"], kind, 0)
        self.records += record
        return name

    def _parts(self):
        header = struct.pack("<8sII32sI12s", b"LFPACK01", 2 if self.owner else 1, self.epoch, self.salt, 2 if self.owner else 0, bytes(12))
        entries = b"".join(self.entries[name] for name in sorted(self.entries))
        trailer = struct.pack("<IIQ", self.tail.get("count", len(self.entries)), 0, self.tail.get("offset", 64 + len(self.records)))
        sha = lambda data: hashlib.sha256(data).digest()
        return header, entries, trailer, sha(sha(header) + sha(entries + trailer))

    @property
    def name(self):
        return self._parts()[3].hex()

    @property
    def bytes(self):
        header, entries, trailer, digest = self._parts()
        return header + self.records + entries + trailer + digest + b"LFPKEND1"


def leaf(extents):
    """A leaf of a disk map: (page, pages, page of the chunk, chunk id)"""
    return b"L\1" + struct.pack("<H", len(extents)) + b"".join(struct.pack("<HBB32s", *e) for e in extents)


# ---- peers

class Peer:
    """Whoever holds the pairing key of a site."""

    def __init__(self, site):
        self.site = site
        with open(os.path.join(site.data, "keys", "peer.json")) as f:
            self.secret = json.load(f)["secret"]

    def call(self, method, region, point, what="", body=b"", secret=None):
        return self.site.ask(method, f"/peer/v1/{region}/{point}{what}", {"Authorization": "Bearer " + (secret or self.secret)}, body)


def zeroes_with_a_number(number, size=1 << 18):
    """A chunk that is like no other, and packs to almost nothing."""
    return struct.pack("<Q", number) + bytes(size - 8)


def pack_of(id_key, data_key, epoch, chunks, owner=None):
    """A Pack of (id, plain, compressed by zstd), made quickly."""
    pack = Pack(data_key, epoch, owner=owner)
    parts, offset = [], 64
    for number, (name, plain, packed) in enumerate(chunks):
        record = gcm_seal(pack.key, struct.pack("<IQ", number, 0), name + struct.pack("<IBBH", plain, 1, 0, 0), packed)
        check_sum = _xxhash.XXH3_128bits(record, len(record))
        pack.entries[name] = struct.pack("<32sQII16sIBBH", name, offset, len(record), plain,
                                         struct.pack(">QQ", check_sum.high, check_sum.low), number, 1, 0, 0)
        parts.append(record)
        offset += len(record)
    pack.records = b"".join(parts)
    return pack
