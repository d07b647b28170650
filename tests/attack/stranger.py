# SPDX-License-Identifier: Apache-2.0
"""Somebody who reaches the port and has nothing: no token, no certificate, no key."""
import base64
import contextlib
import hashlib
import hmac
import json
import ssl
import threading
import time
import urllib.parse
import uuid

from lib import BLOB_VERSION, attack, check, head

HOSTILE = (b"%FF", b"%C3", b"%ED%A0%80", b"%C0%AF", b"%F5%80%80%80", b"%00", b"%0A", b"%3Cscript%3E")
LONG = urllib.parse.quote("x" + "ü" * 127).encode()


def b64(data):
    return base64.urlsafe_b64encode(data if isinstance(data, bytes) else json.dumps(data).encode()).rstrip(b"=").decode()


def refused(what, answer, *statuses):
    """4xx, with a body that is JSON (or none where the status has none)"""
    wanted = statuses or range(400, 500)
    check(what, answer.status in wanted and not answer.body.startswith(b"\0"), answer)


@attack
def text_that_is_none(site):
    "bytes that are not UTF-8, and names that are cut inside a letter, are answered with 4xx wherever they stand"
    with site.unchanged():
        for bad in HOSTILE + (LONG,):
            for path in (b"/providers/%s", b"/subscriptions/x/providers/%s/y", b"/subscriptions/%s/resourceGroups/g", b"/%s/oauth2/v2.0/token",
                         b"/x?api-version=%s", b"/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/%s?api-version=2024-03-01",
                         b"/acc/con/%s", b"/agent/v1/%s", b"/peer/v1/eastus/%s", b"/%s/.well-known/openid-configuration"):
                target = path % bad
                refused(f"GET {target.decode()[:70]}", site.ask("GET", target))
        answer = site.ask("GET", b"/providers/\xff\xfe")
        check("raw bytes in the path are refused, or the connection is closed", answer.status in (0, 400, 404), answer)


@attack
def forms_that_are_no_text(site):
    "the token endpoint refuses forms that are not UTF-8 as the client's fault"
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    for form in ("scope=%FF", "client_id=%FF&client_secret=%FF&grant_type=client_credentials&scope=x", "grant_type=%FF", "client_id=" + "%C3%BC" * 4000,
                 "=", "&&&", "%", "%zz=%zz", "grant_type=client_credentials&scope=%00"):
        refused(f"token with {form[:40]}", site.ask("POST", f"/{site.tenant}/oauth2/v2.0/token", kind, form))


@attack
def bodies_that_are_no_text(site):
    "JSON bodies with bytes that are not UTF-8 are refused before and after anybody is known"
    body = b'{"location":"\xff","tags":{"a":"\xc3"}}'
    for path in ("/agent/v1/register", f"/subscriptions/{site.subscription}/resourceGroups/g?api-version=2022-12-01"):
        for method in ("POST", "PUT"):
            refused(f"{method} {path[:40]}", site.ask(method, path, {"Content-Type": "application/json"}, body))


@attack(fresh=True)
def blobs_before_they_are_there(site):
    "a request that is begun before an account is made does not become one of the blob service that nobody has authorized"
    tries = [("GET", "/corp?comp=list"), ("GET", "/corp/vhds?restype=container&comp=list"), ("GET", "/corp/vhds/finance.vhd"),
             ("DELETE", "/corp/vhds/finance.vhd"), ("DELETE", "/corp/vhds?restype=container"), ("PUT", "/corp/evil?restype=container"),
             ("PUT", "/corp/vhds/evil"), ("PUT", "/corp/vhds/finance.vhd?comp=page"), ("GET", "/?comp=list"),
             ("GET", "/md-access/11111111-2222-4333-8444-555555555555/disk"), ("GET", "/agent-cache?comp=list")]
    wires = []
    for method, path in tries:
        wire = site.wire()
        wire.send(head(method, path, f"127.0.0.1:{site.port}", {"Content-Type": "application/json", "x-ms-version": "2025-01-05",
                                                               "x-ms-blob-type": "BlockBlob"}, 2) + b"{")
        wires.append(wire)
    site.corp
    site.account("agent-cache".replace("-", ""))
    with site.unchanged():
        for (method, path), wire in zip(tries, wires):
            wire.send(b"}")
            answer = wire.answer(method)
            check(f"{method} {path} is not served", answer.status == 0 or answer.status >= 400, answer)
            check(f"{method} {path} tells nothing", b"finance" not in answer.body and b"vhds" not in answer.body, answer)
            wire.close()
    read = site.blob("GET", "/corp/vhds/finance.vhd", token="")
    check("the owner's blob is what it was", read.status == 200 and read.body.startswith(b"secret of finance"), read)


@attack
def blobs_of_others(site):
    "the blob service does nothing without a right"
    site.corp
    with site.unchanged():
        for method, path in (("GET", "/corp?comp=list"), ("GET", "/corp/vhds?restype=container&comp=list"), ("GET", "/corp/vhds/finance.vhd"), ("HEAD", "/corp/vhds/finance.vhd"),
                             ("PUT", "/corp/vhds/x"), ("DELETE", "/corp/vhds/finance.vhd"), ("DELETE", "/corp/vhds?restype=container"), ("PUT", "/corp/new?restype=container"),
                             ("PUT", "/corp/vhds/finance.vhd?comp=metadata"), ("PUT", "/corp/vhds/finance.vhd?comp=page"), ("PUT", "/corp/vhds/finance.vhd?comp=block&blockid=AAAA")):
            refused(f"{method} {path}", site.blob(method, path), 400, 401, 403, 404)
        for header in ("garbage", "Bearer ", "Bearer x.y.z", "SharedKey corp:", "SharedKey corp:AAAA", "SharedKey :", "SharedKey", "Basic Y29ycDp4"):
            refused(f"Authorization: {header}", site.blob("GET", "/corp/vhds/finance.vhd", {"Authorization": header}), 400, 401, 403)


@attack
def signatures_that_are_wrong(site):
    "a shared access signature is good for what was signed and nothing else"
    site.corp
    site.blob("PUT", "/corp/other?restype=container", token="")
    site.blob("PUT", "/corp/vhds/second.vhd", body=b"second", token="")
    blob_sas, container_sas = site.sas("corp", "vhds", "finance.vhd"), site.sas("corp", "vhds", sp="rl")
    check("one that is right reads", site.blob("GET", "/corp/vhds/finance.vhd", sas=blob_sas).status == 200)
    check("garbage beside it does not matter", site.blob("GET", "/corp/vhds/finance.vhd", {"Authorization": "garbage"}, sas=blob_sas).status in (200, 400, 401, 403))
    with site.unchanged():
        for what, method, path, sas in (
                ("another blob", "GET", "/corp/vhds/second.vhd", blob_sas), ("another container", "GET", "/corp/other/finance.vhd", blob_sas),
                ("another account", "GET", "/nocorp/vhds/finance.vhd", blob_sas), ("the account's list", "GET", "/corp?comp=list", container_sas),
                ("to write", "PUT", "/corp/vhds/finance.vhd", blob_sas), ("to delete", "DELETE", "/corp/vhds/finance.vhd", blob_sas),
                ("to write into the container", "PUT", "/corp/vhds/x", container_sas), ("to delete the container", "DELETE", "/corp/vhds?restype=container", container_sas),
                ("by a blob's to list", "GET", "/corp/vhds?restype=container&comp=list", blob_sas)):
            refused(f"a signature for {what} is refused", site.blob(method, path, sas=sas), 403, 404)
        fields = dict(urllib.parse.parse_qsl(blob_sas))
        for what, changed in (("sp", {"sp": "rwd"}), ("se", {"se": "2199-01-01T00:00:00Z"}), ("sr", {"sr": "c"}), ("sv", {"sv": "2015-04-05"}), ("sip", {"sip": "0.0.0.0-255.255.255.255"}),
                              ("spr", {"spr": "https,http"}), ("st", {"st": "2001-01-01T00:00:00Z"}), ("sig", {"sig": "A" * 43 + "="}), ("no se", {"se": ""}), ("a line break", {"sp": "r\n"}),
                              ("sig of no length", {"sig": ""}), ("ss", {"ss": "b", "srt": "sco"}), ("si", {"si": "policy"}), ("rscd", {"rscd": "attachment"})):
            answer = site.blob("GET", "/corp/vhds/finance.vhd", sas=urllib.parse.urlencode({**fields, **changed}))
            refused(f"one whose {what} was changed is refused", answer, 400, 401, 403)
        for twice in ("sp=rwd", "se=2199-01-01T00:00:00Z", "sr=c", "sig=AAAA"):
            answer = site.blob("PUT", "/corp/vhds/x", sas=blob_sas + "&" + twice)
            refused(f"{twice} given a second time gives no right", answer, 400, 401, 403)
        for expires in ("2001-01-01T00:00:00Z", "garbage", "2026-13-45T99:99:99Z", ""):
            refused(f"one signed until '{expires}' is refused", site.blob("GET", "/corp/vhds/finance.vhd", sas=site.sas("corp", "vhds", "finance.vhd", expires=expires)), 400, 403)
        refused("one that is not valid yet is refused", site.blob("GET", "/corp/vhds/finance.vhd", sas=site.sas("corp", "vhds", "finance.vhd", start="2098-01-01T00:00:00Z")), 403)


@attack
def shared_keys_that_are_wrong(site):
    "a request signed with another key, for another account, method, header or time is refused"
    site.corp
    key = site.account_key("corp")
    check("one that is right reads", site.blob("GET", "/corp/vhds/finance.vhd", key=key).status == 200)
    wrong = base64.b64encode(bytes(64)).decode()
    with site.unchanged():
        refused("another key", site.blob("GET", "/corp/vhds/finance.vhd", key=wrong), 403)
        from lib import shared_key
        now = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())
        def signed(method="GET", path="/corp/vhds/finance.vhd", date=now, sent=None, sent_method=None, sent_path=None):
            headers = {"x-ms-version": "2025-01-05", "x-ms-date": date}
            headers["Authorization"] = shared_key(method, path, headers, 0, key)
            headers.update(sent or {})
            return site.ask(sent_method or method, sent_path or path, headers)
        for minutes in (-16, 16, -60 * 24, 60 * 24 * 365):
            old = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + minutes * 60))
            refused(f"a date {minutes} minutes off", signed(date=old), 403)
        for date in ("", "garbage", "Mon, 99 Foo 2026 99:99:99 GMT", "0"):
            refused(f"the date '{date}'", signed(date=date), 400, 403)
        refused("another method", signed(sent_method="DELETE"), 403)
        refused("another blob", signed(sent_path="/corp/vhds/other"), 403, 404)
        refused("another account", signed(sent_path="/corpx/vhds/finance.vhd"), 403, 404)
        refused("a header that was not signed", signed(sent={"x-ms-range": "bytes=0-3"}), 403)
        refused("a query that was not signed", signed(sent_path="/corp/vhds/finance.vhd?comp=metadata"), 400, 403)
        account, _, signature = shared_key("GET", "/corp/vhds/finance.vhd", {"x-ms-version": "2025-01-05", "x-ms-date": now}, 0, key).partition(":")
        for text in (account, account + ":", account + ":" + signature[:-4], account + ":" + signature + "A", "SharedKey other:" + signature, "sharedkeylite corp:" + signature):
            refused(f"Authorization: {text[:40]}", site.ask("GET", "/corp/vhds/finance.vhd", {"x-ms-version": "2025-01-05", "x-ms-date": now, "Authorization": text}), 400, 401, 403)


@attack
def tokens_that_are_forged(site):
    "a token that this site has not signed for this service and for now is refused"
    good = site.owner_token()
    h, claims, signature = good.split(".")
    kid = json.loads(base64.urlsafe_b64decode(h + "=="))
    body = json.loads(base64.urlsafe_b64decode(claims + "=="))
    keys = site.ask("GET", f"/{site.tenant}/discovery/v2.0/keys").json["keys"]
    check("the keys that are published are public", all(set(k) <= {"kty", "use", "kid", "alg", "n", "e", "x5c", "x5t", "issuer"} for k in keys), keys)
    public = base64.urlsafe_b64decode(keys[0]["n"] + "==")

    def hs256(secret, **more):
        text = b64({**kid, "alg": "HS256", **more}) + "." + claims
        return text + "." + b64(hmac.new(secret, text.encode(), hashlib.sha256).digest())
    forged = {
        "alg none": b64({"alg": "none", "typ": "JWT"}) + "." + claims + ".",
        "alg None": b64({**kid, "alg": "None"}) + "." + claims + "." + signature,
        "HS256 with the public key": hs256(public),
        "HS256 with the public key in DER": hs256(json.dumps(keys[0]).encode()),
        "HS256 with nothing": hs256(b""),
        "another kid": b64({**kid, "kid": "other"}) + "." + claims + "." + signature,
        "no kid": b64({k: v for k, v in kid.items() if k != "kid"}) + "." + claims + "." + signature,
        "a path as kid": b64({**kid, "kid": "../../../dev/null"}) + "." + claims + "." + signature,
        "an embedded key": b64({**kid, "jwk": keys[0]}) + "." + claims + "." + signature,
        "a jku": b64({**kid, "jku": "https://127.0.0.1:1/keys"}) + "." + claims + "." + signature,
        "other claims": h + "." + b64({**body, "oid": "00000000-0000-0000-0000-000000000000"}) + "." + signature,
        "a later end": h + "." + b64({**body, "exp": body["exp"] + 3600}) + "." + signature,
        "a padded signature": good + "==",
        "another dot": good + ".x",
        "no signature": h + "." + claims + ".",
        "two dots": "..",
        "garbage": "A" * 8000,
        "claims that are no object": h + "." + b64(b"[]") + "." + signature,
        "claims that are no text": h + "." + b64(b"\xff\xfe") + "." + signature,
        "a header that is deep": b64(b"[" * 5000) + "." + claims + "." + signature,
    }
    path = f"/subscriptions/{site.subscription}?api-version=2022-12-01"
    check("the token itself is good", site.arm("GET", path, token=good).status == 200)
    check("and ends in an hour", 3500 < body["exp"] - time.time() <= 3600, body)
    with site.unchanged():
        for what, token in forged.items():
            refused(f"{what}: refused at ARM", site.ask("GET", path, {"Authorization": "Bearer " + token}), 401)
            refused(f"{what}: refused at blobs", site.blob("GET", "/corp/vhds/finance.vhd", token=token), 400, 401, 403, 404)
        for header in ("bearer " + good + " x", "Bearer  ", "Token " + good, "Basic " + good):
            refused(f"{header[:9]}…: refused", site.ask("GET", path, {"Authorization": header}), 401)


@attack
def secrets_that_are_wrong(site):
    "no token for a wrong secret, an unknown client, or another kind of grant"
    for client, secret in ((site.env["LF_CLIENT_ID"], "wrong"), ("00000000-0000-4000-8000-000000000000", "wrong"), ("", ""), (site.env["LF_CLIENT_ID"], "x" * 10000)):
        answer = site.token(client=client or " ", secret=secret or " ")
        check(f"no token for {client[:8]}", answer.status in (400, 401, 429) and b"access_token" not in answer.body, answer)
    check("the secret is not in the log", site.env["LF_CLIENT_SECRET"] not in site.log())


@attack
def management_without_a_token(site):
    "the management plane tells and does nothing without a token"
    group = f"/subscriptions/{site.subscription}/resourceGroups/stranger?api-version=2022-12-01"
    with site.unchanged():
        for method in ("GET", "PUT", "PATCH", "DELETE", "HEAD"):
            refused(f"{method} a group", site.ask(method, group, {"Content-Type": "application/json"}, b'{"location":"eastus"}' if method != "HEAD" else b""), 401)
        refused("listing groups", site.ask("GET", f"/subscriptions/{site.subscription}/resourceGroups?api-version=2022-12-01"), 401)


@attack
def agents_and_peers_without_proof(site):
    "agents without a certificate, and peers without the secret, are told nothing"
    guid = "11111111-2222-4333-8444-555555555555"
    with site.unchanged():
        for path in ("poll", "sessions", f"sessions/{guid}/have", f"sessions/{guid}/packs", f"sessions/{guid}/extents?disk=x&upto=1", f"sessions/{guid}/commit"):
            refused(f"POST /agent/v1/{path}", site.ask("POST", "/agent/v1/" + path, {"Content-Type": "application/json"}, b"{}"), 401, 403)
        for secret in ("", "guessed", "a" * 10000):
            refused(f"register with the secret '{secret[:10]}'", site.ask("POST", "/agent/v1/register", {"Content-Type": "application/json"}, {"secret": secret, "csr": "x", "inventory": {}}))
        for what in ("/begin", "/extents?disk=0", "/packs", "/commit", ""):
            for auth in ({}, {"Authorization": "Bearer guessed"}, {"Authorization": "Bearer "}, {"Authorization": "Basic x"}):
                method = "POST" if what else "DELETE"
                refused(f"{method} a peer's point{what} with {auth}", site.ask(method, f"/peer/v1/eastus/{guid}{what}", auth, b"{}"), 401)


@attack
def a_certificate_of_another_ca(site):
    "a client certificate that this site's CA has not signed is no certificate"
    import os
    from lib import openssl
    victim, poll = site.victim, {"inventory": site.victim.inventory, "status": []}
    kind = {"Content-Type": "application/json"}
    check("the site's own is good", site.ask("POST", "/agent/v1/poll", kind, poll, cert=victim.cert).status == 200)
    key, cert = os.path.join(site.dir, "own.key"), os.path.join(site.dir, "own.pem")
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", cert,
            "-subj", f"/CN={victim.id}", "-days", "2")
    for what, pair in (("its own", (cert, key)), ("the victim's with another key", (victim.cert_file, key))):
        try:
            answer = site.ask("POST", "/agent/v1/poll", kind, poll, cert=pair)
            check(f"{what}: refused", answer.status in (0, 401, 403), answer)
        except (ssl.SSLError, OSError) as e:
            check(f"{what}: refused", True, e)


@attack
def a_site_that_is_another(site):
    "the agent's program tells its secret to the site that made the registration key, and to no other at that address"
    import os
    import subprocess
    key = site.registration_key()
    agents = lambda: sorted(name for name in site.rows() if name.startswith("/landfall/agents/"))
    before = agents()

    def register(ca, state):
        text = base64.b64encode(json.dumps({**key, "url": site.url, "ca": ca}).encode()).decode()
        done = subprocess.run([os.path.join(site.build, "landfall-agent"), "register", "--key", text, "--state", os.path.join(site.dir, state)],
                              capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout + done.stderr
    for what, ca in (("another fingerprint", "0" * 64), ("no fingerprint", ""), ("a part of it", key["ca"][:32])):
        status, text = register(ca, "refused")
        check(f"{what}: refused", status != 0, (status, text))
        check(f"{what}: nothing was registered", agents() == before, (status, text))
    status, text = register("0" * 64, "refused")
    check("it says why", "is not the one that made the key" in text, text)
    status, text = register(key["ca"], "taken")
    check("with the right one it registers", status == 0 and len(agents()) == len(before) + 1, (status, text))
    files = [os.path.join(place, name) for place, _, names in os.walk(os.path.join(site.dir, "taken")) for name in names]
    check("its private key is for nobody else on the machine", files and not any(os.stat(f).st_mode & 0o077 for f in files), files)


@attack
def framing(site):
    "a request whose length is in doubt is refused, and what follows it is not another request"
    host = f"127.0.0.1:{site.port}"
    inner = b"GET /agent/v1/ca HTTP/1.1\r\nHost: x\r\n\r\n"
    shapes = {
        "length and chunks": b"POST /agent/v1/register HTTP/1.1\r\nHost: %s\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "a negative length": b"POST /agent/v1/register HTTP/1.1\r\nHost: %s\r\nContent-Length: -1\r\n\r\n",
        "a length that is too long": b"POST /agent/v1/register HTTP/1.1\r\nHost: %s\r\nContent-Length: 99999999999999999999999999\r\n\r\n",
        "a length that is no number": b"POST /agent/v1/register HTTP/1.1\r\nHost: %s\r\nContent-Length: 5x\r\n\r\nabcde",
        "a length in hex": b"POST /agent/v1/register HTTP/1.1\r\nHost: %s\r\nContent-Length: 0x5\r\n\r\nabcde",
        "a length with a sign": b"POST /agent/v1/register HTTP/1.1\r\nHost: %s\r\nContent-Length: +5\r\n\r\nabcde",
        "a huge chunk": b"POST /agent/v1/register HTTP/1.1\r\nHost: %s\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
        "a chunk that is no number": b"POST /agent/v1/register HTTP/1.1\r\nHost: %s\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "200 KiB of headers": b"GET /agent/v1/ca HTTP/1.1\r\nHost: %s\r\n" + b"X: " + b"y" * 200000 + b"\r\n\r\n",
        "20,000 headers": b"GET /agent/v1/ca HTTP/1.1\r\nHost: %s\r\n" + b"A: b\r\n" * 20000 + b"\r\n",
        "a path of 100 KiB": b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\nHost: %s\r\n\r\n",
        "no version": b"GET /agent/v1/ca\r\nHost: %s\r\n\r\n",
        "another protocol": b"SSH-2.0-x %s\r\n\r\n",
        "zeroes": bytes(1000) + b"%s",
        "a bare line feed": b"GET /agent/v1/ca HTTP/1.1\nHost: %s\n\nGARBAGE",
    }
    for what, text in shapes.items():
        with site.wire(timeout=10) as wire:
            wire.send(text.replace(b"%s", host.encode()) + inner)
            first = wire.answer()
            good = first.status in (0, *range(400, 506)) or what in ("a bare line feed",)
            check(f"{what}: refused, or the connection ends", good, first)
            # what follows a request without a body is another one by right
            if first.status >= 400 and not text.startswith(b"GET"):
                second = wire.answer(timeout=3)
                check(f"{what}: nothing that followed was a request", second.status != 200, second)
    for what, path in (("70 segments", b"/" + b"a/" * 70), ("dots", b"/subscriptions/../../etc/passwd"), ("encoded dots", b"/%2e%2e/%2e%2e/etc/passwd"), ("encoded slashes", b"/subscriptions%2f..%2f..%2fetc"),
                       ("blobs with dots", b"/corp/../catalog.db"), ("blobs with encoded dots", b"/corp/%2e%2e/%2e%2e/ca.key"), ("a container of dots", b"/corp/..%2f..%2fkeys/peer.json"), ("an empty path", b"//"),
                       ("a path with a NUL", b"/corp/vhds/a%00b"), ("a very long blob", b"/corp/vhds/" + b"b" * 5000)):
        refused(f"{what}: refused", site.ask("GET", path))


def by_the_site(e):
    """It ended the handshake; a client that cannot even ask proves nothing."""
    return isinstance(e, (ssl.SSLEOFError, ConnectionError)) or "ALERT" in (getattr(e, "reason", None) or "")


@attack
def tls_that_is_old(site):
    "TLS before 1.2 and ciphers without forward secrecy are refused; plain text is not answered"
    for what, version in (("1.0", ssl.TLSVersion.TLSv1), ("1.1", ssl.TLSVersion.TLSv1_1)):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        try:
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = context.maximum_version = version
            site.wire(context=context, timeout=10).close()
            check(f"TLS {what} is refused", False)
        except (ssl.SSLError, OSError) as e:
            check(f"TLS {what} is refused", by_the_site(e), repr(e))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.set_ciphers("AES128-SHA:AES256-SHA:AES128-GCM-SHA256:AES256-GCM-SHA384")
        site.wire(context=context, timeout=10).close()
        check("ciphers without forward secrecy are refused", False)
    except (ssl.SSLError, OSError) as e:
        check("ciphers without forward secrecy are refused", by_the_site(e), repr(e))
    with site.wire(raw=True, timeout=10) as wire:
        wire.send(b"GET /agent/v1/ca HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = wire.socket.recv(4096) if wire else b""
        check("plain text gets no answer of HTTP", not answer.startswith(b"HTTP/1.1 200"), answer)


@attack
def json_that_is_hostile(site):
    "JSON that is deep, doubled, huge or broken is refused"
    register = "/agent/v1/register"
    kind = {"Content-Type": "application/json"}
    group = f"/subscriptions/{site.subscription}/resourceGroups/json?api-version=2022-12-01"
    owner = {**kind, "Authorization": "Bearer " + site.owner_token()}
    shapes = {
        "100,000 brackets": b"[" * 100000, "100,000 objects": b'{"a":' * 100000, "a depth of 65": b'{"location":' * 65 + b"1" + b"}" * 65,
        "a member twice": b'{"location":"eastus","location":"westus"}', "a number of 1000 digits": b'{"location":' + b"9" * 1000 + b"}", "1e999999": b'{"location":1e999999}',
        "half a surrogate": b'{"location":"\\ud800"}', "a NUL": b'{"location":"a\\u0000b"}', "a byte order mark": b'\xef\xbb\xbf{"location":"eastus"}', "nothing": b"", "one quote": b'"', "text after it": b'{"location":"eastus"}x',
        "NaN": b'{"location":NaN}', "an array": b"[]", "null": b"null",
    }
    with site.unchanged():
        for what, body in shapes.items():
            refused(f"{what}: refused of agents", site.ask("POST", register, kind, body))
            refused(f"{what}: refused of the owner", site.ask("PUT", group, owner, body))


def median(values):
    return sorted(values)[len(values) // 2]


def timed(fn):
    begun = time.monotonic()
    answer = fn()
    return time.monotonic() - begun, answer


@attack(fresh=True)
def wrong_sign_ins(site):
    "32 wrong sign-ins a second hold nobody up, and shut nobody out"
    site.owner_token()
    quiet = [timed(lambda: site.arm("GET", "/subscriptions"))[0] for _ in range(20)]
    stop, statuses = threading.Event(), []

    def guess(i):
        while not stop.wait(1):
            try:
                statuses.append(site.token(secret="wrong", source=f"127.1.{i % 4}.1").status)
            except OSError:
                statuses.append(0)

    threads = [threading.Thread(target=guess, args=(i,)) for i in range(32)]
    for thread in threads:
        thread.start()
    took, end = [], time.monotonic() + 6
    while time.monotonic() < end:
        seconds, answer = timed(lambda: site.arm("GET", "/subscriptions"))
        took.append(seconds)
        if answer.status != 200:
            check("others are served", False, answer)
    owner = site.token(source="127.2.0.1")
    stop.set()
    for thread in threads:
        thread.join()
    check("others wait no longer than 1 s at their worst", max(took) < 1, (max(took), median(took), median(quiet)))
    check("others' median is near what it was", median(took) < 4 * median(quiet) + 0.05, (median(took), median(quiet)))
    check("wrong ones are refused, then delayed", set(statuses) <= {401, 429, 503} and 429 in statuses, {s: statuses.count(s) for s in set(statuses)})
    check("most of them cost no hash", statuses.count(401) < len(statuses) / 2, {s: statuses.count(s) for s in set(statuses)})
    check("the owner signs in from elsewhere meanwhile", owner.status == 200, owner)
    check("the owner signs in from the same address, too: the secret is known", site.token(source="127.1.0.1").status == 200)
    for _ in range(3):  # the delay of the last one may be over; then this one is wrong, and the next one waits
        delayed = site.token(secret="wrong", source="127.1.0.1")
        if delayed.status == 429:
            break
    check("a delayed one is told when to come again", delayed.status == 429 and int(delayed.header("retry-after") or 0) >= 1, delayed)


@attack(fresh=True)
def known_and_unknown_clients(site):
    "whether a client id exists is told neither by the answer nor by its time"
    site.owner_token()
    known, unknown = [], []
    for i in range(15):
        known.append(timed(lambda: site.token(secret="wrong", source=f"127.3.{i}.1")))
        unknown.append(timed(lambda: site.token(client=str(uuid.uuid4()), secret="wrong", source=f"127.3.{i}.2")))
    a, b = median([t for t, _ in known]), median([t for t, _ in unknown])
    check("medians of the times are alike", max(a, b) < 1.5 * min(a, b) + 0.01, (a, b))
    ours, theirs = ({k: v for k, v in answer[1].json.items() if k not in ("timestamp", "trace_id", "correlation_id")} for answer in (known[0], unknown[0]))
    check("the answers are the same", ours == theirs and known[0][1].status == unknown[0][1].status == 401, (ours, theirs))


@attack
def other_tenants(site):
    "a token of another tenant is not to be had"
    for tenant in (str(uuid.uuid4()), "contoso.onmicrosoft.com", "consumers"):
        answer = site.token(tenant=tenant)
        check(f"tenant {tenant}", answer.status == 400 and "AADSTS90002" in answer.body.decode(), answer)
    for tenant in ("common", "organizations", site.tenant.upper()):
        check(f"tenant {tenant}", site.token(tenant=tenant).status == 200)


@attack
def ends_in_doubt(site):
    "a request that says in two ways where it ends, or for whom it is, is refused, and the connection ends"
    host = f"127.0.0.1:{site.port}".encode()
    heads = {
        "two lengths": b"Host: %s\r\nContent-Length: 5\r\nContent-Length: 6\r\n", "the same length twice": b"Host: %s\r\nContent-Length: 5\r\nContent-Length: 5\r\n",
        "a blank before the colon": b"Host: %s\r\nTransfer-Encoding : chunked\r\nContent-Length: 5\r\n", "a tab before the colon": b"Host: %s\r\nContent-Length\t: 5\r\n",
        "another encoding": b"Host: %s\r\nTransfer-Encoding: gzip, chunked\r\n", "an encoding of two lines": b"Host: %s\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "two hosts": b"Host: %s\r\nHost: other\r\nContent-Length: 5\r\n", "no host": b"Content-Length: 5\r\n",
        "a folded length": b"Host: %s\r\nContent-Length: 1\r\n 2\r\n", "a folded header": b"Host: %s\r\nX-a: b\r\n\tc\r\nContent-Length: 5\r\n",
        "a control in a header": b"Host: %s\r\nX-a: b\x01\r\nContent-Length: 5\r\n", "a header without a name": b"Host: %s\r\n: x\r\nContent-Length: 5\r\n",
    }
    inner = b"GET /agent/v1/ca HTTP/1.1\r\nHost: x\r\n\r\n"
    for what, text in heads.items():
        with site.wire(timeout=20) as wire:
            wire.send(b"POST /agent/v1/register HTTP/1.1\r\n" + text.replace(b"%s", host) + b"\r\nhello" + inner)
            first = wire.answer()
            check(f"{what}: 400", first.status == 400 or (first.status == 0 and "header" in what), first)
            second = wire.answer()
            check(f"{what}: nothing that followed was served", second.status in (0, 400), second)


@attack
def targets_that_are_no_path(site):
    "what is asked for begins with a slash and has no blank, NUL or control in it, or it is refused before anybody reads it"
    host = f"Host: 127.0.0.1:{site.port}\r\n\r\n".encode()
    for target in (b"?x", b"?", b"#", b"a", b"*", b"xcorp/vhds/finance.vhd", b"https://127.0.0.1/agent/v1/ca", b"127.0.0.1:1", b"\t",
                   b"%2Fagent/v1/ca", b"/agent/v1/ca\0/x", b"/agent/v1/ca?\0x", b"\0", b"/agent/v1/ca ",
                   b"/agent/v1/ca?a=b c", b"/agent/v1/ca\x01", b"/agent/v1/ca?\x7f", b"\\agent"):
        for method in (b"GET", b"POST", b"OPTIONS", b"HEAD"):
            with site.wire(timeout=20) as wire:
                wire.send(method + b" " + target + b" HTTP/1.1\r\n" + host)
                answer = wire.answer(method.decode())
                check(f"{method.decode()} {target!r}: 400", answer.status == 400, answer)
        if not site.alive():
            return


@attack
def names_of_others(site):
    "a token is good for this site's names alone, and a Host that is none of them does not come back"
    path = f"/subscriptions/{site.subscription}?api-version=2022-12-01"
    own, storage = site.owner_token(), site.owner_token("https://storage.azure.com/.default")
    foreign = site.owner_token("https://some.other.service/.default")
    check("the token itself is good", site.ask("GET", path, {"Authorization": "Bearer " + own}).status == 200)
    for host in ("some.other.service", "some.other.service:443", "storage.azure.com", "127.0.0.1.some.other.service", "localhost@some.other.service"):
        for what, token in (("for another service", foreign), ("for storage", storage)):
            refused(f"a token {what} with the Host {host}", site.ask("GET", path, {"Authorization": "Bearer " + token, "Host": host}), 401)
        for where in ("/metadata/endpoints?api-version=2022-09-01", f"/{site.tenant}/v2.0/.well-known/openid-configuration"):
            answer = site.ask("GET", where, {"Host": host})
            check(f"the Host {host} does not come back from {where[:20]}", host.encode() not in answer.body, answer)
    site.corp
    refused("a token for the management plane at blobs", site.ask("GET", "/corp/vhds/finance.vhd", {"Authorization": "Bearer " + own, "x-ms-version": BLOB_VERSION}), 401)
    refused("a token for another service at blobs", site.ask("GET", "/corp/vhds/finance.vhd", {"Authorization": "Bearer " + foreign, "x-ms-version": BLOB_VERSION, "Host": "some.other.service"}), 401)


@attack(options=("--connections-per-address", "40"))
def connections_that_stay(site):
    "silent connections lock nobody out, and end"
    fds = site.fds()
    silent = [site.wire(raw=True, timeout=60) for _ in range(120)] + [site.wire(timeout=60) for _ in range(30)]
    started = time.monotonic()
    check("somebody who asks is answered", site.ask("GET", "/agent/v1/ca").status == 200)
    check("at once, not when the silent ones have had their time", time.monotonic() - started < 10, time.monotonic() - started)
    check("an address has no more than its share", site.fds() - fds < 60, site.fds() - fds)
    half = site.wire(timeout=90)
    half.send(head("POST", f"/{site.tenant}/oauth2/v2.0/token", "x", {"Content-Type": "application/x-www-form-urlencoded"}, 1000) + b"half")
    begun = site.wire(timeout=90)
    begun.send(b"GET /agent/v1/ca HTTP/1.1\r\nHost: x\r\n")
    check("the oldest silent one was ended", silent[0].closed(60))
    check("the youngest is ended, too, in time", silent[-1].closed(60))
    check("a head that does not end is ended", begun.closed(60))
    check("a body that does not go on is ended", half.closed(90))
    for wire in silent:
        wire.close()
    end = time.monotonic() + 30
    while site.fds() > fds and time.monotonic() < end:
        time.sleep(0.1)
    check("descriptors are back to where they were", site.fds() <= fds, f"{fds}, {site.fds()}")


def unread(site, answers):
    """A connection that asks for so many answers and takes none of them."""
    wire = site.wire(raw=True, timeout=30, receive=4096)
    wire.socket = site.context.wrap_socket(wire.socket)
    wire.socket.setblocking(False)
    with contextlib.suppress(ssl.SSLWantWriteError):
        wire.socket.sendall(b"GET /agent/v1/ca HTTP/1.1\r\nHost: x\r\n\r\n" * answers)
    return wire


@attack(options=("--connections-per-address", "6"))
def answers_that_nobody_takes(site):
    "who asks and takes no answer locks nobody out, and is ended though more of what it asks waits to be read"
    wires = [unread(site, 20000) for _ in range(6)]
    busy = [0]
    end = time.monotonic() + 60
    while time.monotonic() < end:  # until the daemon has no more room for what they do not take
        used = site.processor_seconds()
        if busy[-1] and used - busy[-1] < 0.2:
            break
        busy.append(used)
        time.sleep(1)
    started = time.monotonic()
    answer = site.ask("GET", "/agent/v1/ca")
    check("somebody else of the address is answered", answer.status == 200, answer)
    check("at once", time.monotonic() - started < 10, time.monotonic() - started)
    other = site.ask("GET", "/agent/v1/ca", source="127.0.0.9")
    check("and of another", other.status == 200, other)
    end = time.monotonic() + 40
    while time.monotonic() < end and site.sockets() > 1:
        time.sleep(0.5)
    check("in 40 s they have been ended", site.sockets() <= 1, site.sockets())
    for wire in wires:
        wire.close()


@attack(env={"ASAN_OPTIONS": "quarantine_size_mb=1"})
def bodies_of_nobody(site):
    "what nobody sends takes no memory: it is refused at its head, or small"
    before = site.rss()
    big = b"[" + b"{}," * 2000000 + b"0]"
    for path in ("/agent/v1/register", "/agent/v1/poll", f"/{site.tenant}/oauth2/v2.0/token", "/peer/v1/eastus/11111111-2222-4333-8444-555555555555/begin", f"/subscriptions/{site.subscription}/resourceGroups/g?api-version=2022-12-01"):
        refused(f"6 MB to {path[:30]}", site.ask("POST" if "subscriptions" not in path else "PUT", path, {"Content-Type": "application/json"}, big), 400, 401, 403, 404, 413)
    wires = []
    for i in range(100):
        wire = site.wire()
        wire.send(head("POST", ("/agent/v1/register", f"/{site.tenant}/oauth2/v2.0/token")[i % 2], "x", {"Content-Type": "application/json"}, 60000) + b"{" * 50000)
        wires.append(wire)
    check("a hundred halves of bodies take less than 200 MB", site.rss() - before < 200 << 20, (site.rss() - before) >> 20)
    check("and nobody waits for them", site.ask("GET", "/agent/v1/ca").status == 200)
    for wire in wires:
        wire.close()


@attack
def uploads_that_are_refused(site):
    "who uploads without a right is told so while still sending, and does not meet a reset"
    site.corp
    block = bytes(1 << 16)
    for size in (300 << 10, 20 << 20, 5 << 30):
        with site.wire() as wire:
            wire.send(head("PUT", "/corp/vhds/big.vhd", f"127.0.0.1:{site.port}", {"x-ms-blob-type": "BlockBlob", "x-ms-version": BLOB_VERSION}, size))
            for _ in range(min(size, 16 << 20) // len(block)):
                if not wire.send(block):
                    break
            if size <= 20 << 20:
                wire.send(bytes(size - min(size, 16 << 20) // len(block) * len(block)))
            refused(f"an upload of {size >> 10} KiB", wire.answer("PUT"), 401)
    with site.wire() as wire:
        wire.send(head("PUT", "/corp/vhds/big.vhd", f"127.0.0.1:{site.port}", {"x-ms-blob-type": "BlockBlob", "x-ms-version": BLOB_VERSION, "Expect": "100-continue"}, 5 << 30))
        refused("one that waits for leave", wire.answer("PUT"), 401)


@attack(fresh=True)
def a_stop_under_way(site):
    "SIGTERM ends the site in 20 s though clients send and read slowly, and what was acknowledged is there"
    site.corp
    body = bytes(range(256)) * (1 << 15)
    check("a blob is kept", site.blob("PUT", "/corp/vhds/kept", body=body, token="").status == 201)
    bearer = {"Authorization": "Bearer " + site.owner_token("https://storage.azure.com/.default"), "x-ms-version": BLOB_VERSION}
    wires = [site.wire(timeout=60) for _ in range(6)]
    for wire in wires[:3]:
        wire.send(head("GET", "/corp/vhds/kept", f"127.0.0.1:{site.port}", bearer))
        wire.socket.recv(100)
    for wire in wires[3:]:
        wire.send(head("PUT", "/corp/vhds/half", f"127.0.0.1:{site.port}", {**bearer, "x-ms-blob-type": "BlockBlob"}, 1 << 20) + bytes(1000))
    started = time.monotonic()
    status = site.stop()
    check("it ends within 20 s, with status 0", status == 0, (status, time.monotonic() - started))
    for wire in wires:
        wire.close()
    site.start()
    check("what was acknowledged is there", site.blob("GET", "/corp/vhds/kept", token="").body == body)
    check("what was not is not", site.blob("GET", "/corp/vhds/half", token="").status == 404)
