# SPDX-License-Identifier: Apache-2.0
"""What a site writes down of what is done and tried, and what becomes of somebody who changes it."""
import glob
import json
import os
import re
import shutil
import subprocess
import threading
import urllib.parse
import uuid

from lib import Peer, attack, check, routes

PER_ADDRESS = 15  # lines of nobody that one address may cause at once, and some to spare
OF_NOBODY = 380  # that all addresses may cause at once; a start counts anew


def verify(site):
    run = subprocess.run([os.path.join(site.build, "landfall"), "audit", "verify", site.data], capture_output=True, text=True)
    return run.returncode, run.stdout + run.stderr


@attack(fresh=True)
def every_refusal_has_a_line(site):
    "whatever route nobody tries, a line says which action was refused, and where from"
    tried = {}
    for i, (method, path, action) in enumerate(routes(site)):
        if i and i % OF_NOBODY == 0:
            site.restart()
        correlation, source = str(uuid.uuid4()), f"127.0.{1 + i // PER_ADDRESS}.1"
        answer = site.ask(method, site.path(path, "2022-12-01"), {"x-ms-correlation-request-id": correlation}, source=source)
        tried[correlation] = (answer.status, action, source, f"{method} {path}")
    lines = {line.get("correlation"): line for line in site.audit()}
    good = 0
    for correlation, (status, action, source, what) in tried.items():
        line = lines.get(correlation, {})
        fine = status == 401 and line.get("outcome") == "refused" and line.get("action") == action and line.get("address") == source
        good += fine
        if not fine:
            check(f"{what} of nobody has its line", False, (status, line))
    check(f"each of {len(tried)} routes is refused to nobody, and has its line", good == len(tried) and good > 300, good)


@attack(fresh=True)
def every_change_has_a_line(site):
    "whatever of the routes that change something the owner asks for, a line says who, what and what came of it"
    tried, owner = {}, None
    for method, path, action in routes(site):
        if method in ("GET", "HEAD"):
            continue
        correlation = str(uuid.uuid4())
        answer = site.arm(method, path, {}, headers={"x-ms-correlation-request-id": correlation})
        tried[correlation] = (answer.status, action, f"{method} {path}")
    lines = {line.get("correlation"): line for line in site.audit()}
    good = 0
    for correlation, (status, action, what) in tried.items():
        line = lines.get(correlation, {})
        owner = owner or line.get("principal")
        fine = (line.get("action") == action and line.get("status") == status and line.get("principal") == owner and
                line.get("client") == site.env["LF_CLIENT_ID"] and line.get("outcome") == ("allowed" if status < 400 else "refused" if status < 500 else "failed"))
        good += fine
        if not fine:
            check(f"{what} of the owner has its line", False, (status, line))
    check(f"each of {len(tried)} routes that change something has its line", good == len(tried) and good > 100, good)


@attack(fresh=True)
def secrets_are_not_written(site):
    "sign-ins, keys, registrations and blobs have lines, and none of them holds a secret"
    key = site.account_key("corp") if site.corp is None else site.account_key("corp")
    sas = site.sas("corp", "vhds", sp="rwdlc")
    check("a blob by signature", site.blob("PUT", "/corp/vhds/a.bin", {"x-ms-blob-type": "BlockBlob"}, b"abc", sas=sas).status == 201)
    check("a blob goes by signature", site.blob("DELETE", "/corp/vhds/a.bin", sas=sas).status == 202)
    check("a wrong signature is refused", site.blob("GET", "/corp/vhds/finance.vhd", sas=sas.replace("sig=", "sig=A")).status == 403)
    check("a wrong secret is refused", site.token(secret="this-is-no-secret").status == 401)
    registration = site.registration_key()
    site.mallory.poll()
    text = "".join(open(name).read() for name in glob.glob(site.data + "/audit/*.jsonl"))
    for what, action, outcome in (("sign-in", "Landfall/signIn/action", "allowed"), ("wrong sign-in", "Landfall/signIn/action", "refused"),
                                  ("use of a key", "Microsoft.Storage/storageAccounts/listkeys/action", "allowed"),
                                  ("blob that was put", "Landfall/storage/blobs/write", "allowed"),
                                  ("blob that was removed", "Landfall/storage/blobs/delete", "allowed"),
                                  ("blob that was refused", "Landfall/storage/blobs/read", "refused"),
                                  ("registration of an agent", "Landfall/agents/register/action", "allowed")):
        found = [line for line in map(json.loads, text.splitlines()) if line["action"].lower() == action.lower() and line["outcome"] == outcome]
        check(f"a line of the {what}", found, action)
    for what, secret in (("client's secret", site.env["LF_CLIENT_SECRET"]), ("wrong secret", "this-is-no-secret"), ("account's key", key),
                         ("signature", urllib.parse.unquote(sas.rsplit("sig=", 1)[1])), ("signature as sent", sas.rsplit("sig=", 1)[1]),
                         ("token", site.owner_token().rsplit(".", 1)[1]), ("registration key", str(registration)[-24:])):
        check(f"the {what} is not in the log", secret and secret not in text)


@attack(fresh=True, options=["--log-level", "debug"])
def secrets_stay_where_they_live(site):
    "no secret is in the daemon's log at its most talkative, in a file that others can read, or in an answer that was not asked for it"
    site.corp
    key = site.account_key("corp")
    sas = site.sas("corp", "vhds", sp="rwdlc")
    site.blob("PUT", "/corp/vhds/a.bin", {"x-ms-blob-type": "BlockBlob"}, b"abc", sas=sas)
    site.blob("GET", "/corp/vhds/finance.vhd", key=key)
    site.token(secret="this-is-no-secret")
    registration = site.registration_key()["secret"]
    site.mallory.backup({0: b"a page that nobody else may read".ljust(4096, b".")})
    id_key, data_key, _ = site.mallory.domain_key()
    peer = Peer(site)
    peer.call("POST", "eastus", str(uuid.uuid4()), "/begin", {"idKey": id_key.hex()})

    def of(name):
        with open(os.path.join(site.data, name)) as f:
            return f.read()
    pem = lambda text: max(text.split("-----BEGIN PRIVATE KEY-----")[1].split("-----END")[0].split(), key=len)
    secrets = {"platform key": of("keys/platform.key").split()[-1], "CA's key": pem(of("keys/ca.pem")), "signing key": json.loads(of("keys/token.jwk"))["d"],
               "key of the audit log": of("keys/audit.key").strip(), "pairing secret": peer.secret, "client's secret": site.env["LF_CLIENT_SECRET"],
               "wrong secret": "this-is-no-secret", "account's key": key, "signature": urllib.parse.unquote(sas.rsplit("sig=", 1)[1]),
               "signature as sent": sas.rsplit("sig=", 1)[1], "registration key": registration, "token": site.owner_token().rsplit(".", 1)[1],
               "agent's token": site.mallory.blob_token.rsplit(".", 1)[1], "id key": id_key.hex(), "data key": data_key.hex()}
    log, rows = site.log(), json.dumps(site.rows())
    answers = b"".join(site.arm("GET", path).body for path in (
        "@/resources", "@/providers/Microsoft.Storage/storageAccounts", f"@/resourceGroups/{site.group}/providers/Microsoft.Storage/storageAccounts/corp",
        f"@/resourceGroups/{site.group}/providers/Microsoft.OffAzure/serverSites/servers", "/landfall/health", "/metrics")).decode()
    check("the answers are those of the resources", "storageaccounts/corp" in answers.lower() and "serversites/servers" in answers.lower(), answers[:300])
    for what, secret in secrets.items():
        check(f"the {what} is not in the daemon's log", len(secret) > 15 and secret not in log, len(secret))
        check(f"the {what} is in no answer", secret not in answers)
    for what in ("client's secret", "registration key", "platform key", "CA's key", "pairing secret", "id key", "data key"):
        check(f"the {what} is not in the catalog", secrets[what] not in rows)
    with open(os.path.join(site.data, "catalog.db"), "rb") as f:
        check("(the catalog was looked at)", f.read(6) == b"SQLite" and key in rows)
    readable = [name for name in glob.glob(site.data + "/keys/**", recursive=True) + glob.glob(site.data + "/catalog.db*") + glob.glob(site.data + "/audit/*") + [site.data + "/client.env"]
                if os.path.isfile(name) and os.stat(name).st_mode & 0o077]
    check("others of the host can read none of their files", not readable, readable)
    stored = b"".join(open(name, "rb").read() for name in glob.glob(site.data + "/regions/*/store/**", recursive=True) if os.path.isfile(name))
    check("no page of a disk lies in the store as it is", stored and b"a page that nobody else may read" not in stored, len(stored))


@attack(fresh=True)
def nobody_fills_the_log(site):
    "a thousand refusals from one address are a few lines and a count"
    before = len(site.audit())
    for _ in range(20):
        with site.wire() as wire:
            for _ in range(50):
                wire.send(f"GET /subscriptions HTTP/1.1\r\nHost: 127.0.0.1:{site.port}\r\n\r\n")
                wire.answer()
    written = len(site.audit()) - before
    check("they are at most 40 lines", 0 < written <= 40, written)
    site.ask("GET", "/subscriptions", source="127.0.9.9")
    check("another address still gets its line", any(line.get("address") == "127.0.9.9" for line in site.audit()))


@attack(fresh=True)
def who_changes_the_log_is_seen(site):
    "a changed byte, a line left out, an end cut off: the next start says so, and verify does"
    site.group
    site.stop()
    check("as it was written it is good", verify(site)[0] == 0, verify(site))
    segment = sorted(glob.glob(site.data + "/audit/*.jsonl"))[-1]
    with open(segment, "rb") as f:
        good = f.read()
    lines = good.splitlines(keepends=True)
    for what, bad in (("a changed byte", good.replace(b'"allowed"', b'"refused"', 1)), ("a line left out", b"".join(lines[:2] + lines[3:])),
                      ("an end cut off", b"".join(lines[:-1])), ("two lines changed about", b"".join(lines[:1] + lines[2:3] + lines[1:2] + lines[3:]))):
        with open(segment, "wb") as f:
            f.write(bad)
        status, text = verify(site)
        check(f"verify finds {what}", status == 7 and "AuditLogChanged" in text, (status, text))
    site.restart()
    conditions = site.arm("GET", "/landfall/health").json["conditions"]
    check("the next start says so", any(c["name"] == "audit-damaged" for c in conditions), conditions)
    site.stop()
    key = os.path.join(site.data, "keys", "audit.key")
    os.rename(key, key + ".away")
    try:
        site.start()
        check("without its key a log is not begun anew", False)
    except RuntimeError as e:
        check("without its key a log is not begun anew", "audit.key" in str(e), e)
    os.rename(key + ".away", key)
    with open(key, "r+") as f:
        own = f.read()
        f.seek(0)
        f.write("0" * 64)
    try:
        site.start()
        check("another key is not taken for it", False)
    except RuntimeError as e:
        check("another key is not taken for it", "audit.key" in str(e), e)
    with open(key, "w") as f:
        f.write(own)
    site.start()


@attack(fresh=True)
def a_kill_loses_no_line(site):
    "what was answered before kill -9 is in the log, and the log is whole"
    names, stop = [], threading.Event()

    def make():
        while not stop.is_set() and len(names) < 400:
            name = f"k{uuid.uuid4().hex[:12]}"
            try:
                if site.arm("PUT", f"@/resourceGroups/{name}", {"location": "eastus"}).status in (200, 201):
                    names.append(name)
            except (OSError, ValueError):
                return

    site.group
    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    while len(names) < 40 and any(thread.is_alive() for thread in threads):
        threads[0].join(0.05)
    site.kill()
    stop.set()
    for thread in threads:
        thread.join()
    site.start()
    check("the log is whole", verify(site)[0] == 0, verify(site))
    text = "".join(open(name).read() for name in glob.glob(site.data + "/audit/*.jsonl"))
    lost = [name for name in names if f"/resourceGroups/{name}" not in text]
    check(f"none of {len(names)} answered changes is missing", not lost and len(names) >= 40, lost)


@attack(fresh=True, env={"LF_FAULT": "audit-write=enospc@12"})
def a_full_disk_is_said(site):
    "a log that cannot be written stops nobody, and health says it"
    for i in range(20):
        answer = site.arm("PUT", f"@/resourceGroups/full{i}", {"location": "eastus"})
    check("work goes on", answer.status in (200, 201), answer)
    health = site.arm("GET", "/landfall/health").json
    check("health says it", health["status"] == "Degraded" and any(c["name"] == "audit-log" for c in health["conditions"]), health["conditions"])
    check("lost lines are counted", health["audit"]["unwritten"] > 0, health["audit"])


@attack(fresh=True)
def the_record_is_not_for_everybody(site):
    "the log, health and metrics are for who has the right"
    for method, path in (("GET", "/landfall/audit"), ("POST", "/landfall/audit/verify"), ("GET", "/landfall/health"), ("GET", "/metrics")):
        check(f"{method} {path} of nobody", site.ask(method, path).status == 401)
        check(f"{method} {path} of the owner", site.arm(method, path).status == 200)
    text = site.arm("GET", "/metrics").body.decode()
    check("metrics count refusals", re.search(r'landfall_requests_refused_total\{kind="AuthenticationFailed"\} [1-9]', text), text[-400:])


@attack(fresh=True)
def what_was_broken_in_the_directory(site):
    "landfalld check says what somebody who could write to the directory did to the log and to claims"
    site.victim
    site.stop()
    broken = os.path.join(site.dir, "broken")

    def look(change):
        shutil.rmtree(broken, ignore_errors=True)
        shutil.copytree(site.data, broken)
        change()
        done = subprocess.run([os.path.join(site.build, "landfalld"), "check", broken], capture_output=True, text=True,
                              check=False, env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
        return done.returncode, done.stdout + done.stderr

    def cut():
        last = sorted(glob.glob(broken + "/audit/*.jsonl"))[-1]
        with open(last) as f:
            lines = f.readlines()
        with open(last, "w") as f:
            f.writelines(lines[:-1])

    def unclaim():
        for name in glob.glob(broken + "/regions/*/store/claims/*"):
            shutil.rmtree(name)

    status, text = look(lambda: None)
    check("nothing is wrong with the site", status == 0 and "ok     audit: is whole" in text, text)
    status, text = look(cut)
    check("a log that lacks its last line", status == 7 and "fault  audit: lines are missing" in text, text)
    status, text = look(lambda: shutil.rmtree(broken + "/audit"))
    check("a log that is gone", status == 7 and "fault  audit" in text, text)
    status, text = look(lambda: os.remove(broken + "/keys/audit.key"))
    check("a log whose key is gone", status == 7 and "fault  audit" in text, text)
    status, text = look(unclaim)
    check("points whose claims are gone", "nothing claims 1 of 1 points" in text, text)
    site.start()
