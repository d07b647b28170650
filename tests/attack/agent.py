# SPDX-License-Identifier: Apache-2.0
"""A machine with a good certificate whose owner is hostile."""
import os
import struct

from lib import Agent, Pack, attack, check, chunk_id, leaf, pack_of, zeroes_with_a_number

GUID = "11111111-2222-4333-8444-555555555555"


def refused(what, answer, *statuses):
    check(what, answer.status in (statuses or range(400, 500)), answer)


@attack
def sessions_of_others(site):
    "an agent sees nothing of another's item and session, and changes nothing of them"
    theirs = site.victim.session()
    item = site.victim.assignment()["itemId"]
    m = site.mallory
    with site.unchanged():
        refused("begin a session of another's item", m.call("POST", "sessions", {"itemId": item, "kind": "full", "disks": site.victim.disks}), 403, 404)
        for what, body in (("have", bytes(32)), ("packs", "0" * 64), (f"extents?disk={site.victim.disks[0]['id']}&upto=1", bytes(48)), ("commit", b"{}")):
            refused(f"another's session: {what}", m.call("POST", f"sessions/{theirs}/{what}", body), 403, 404)
        for name in (GUID, "..", "%2e%2e", "x" * 36, "*", ""):
            refused(f"a session called '{name}'", m.call("POST", f"sessions/{name}/commit", b"{}"))


@attack
def points_that_are_not_due(site):
    "an agent makes a point when one is due, and no other, however often it asks"
    m = site.mallory
    m.backup({1: b"m" * 4096})
    item, before = m.assignment()["itemId"], site.points()
    check("none is due", m.assignment()["due"] is False)
    with site.unchanged():
        for what, more in (("a session", {}), ("with a token of its own", {"token": GUID}), ("as a delta", {"kind": "delta", "basePointId": GUID}),
                           ("going on with one that is over", {"resume": {"session": GUID, "upto": [0]}})):
            answers = [m.call("POST", "sessions", {"itemId": item, "kind": "full", "disks": m.disks, **more}) for _ in range(5)]
            refused(f"{what} when none is due", answers[0], 409)
            check("it says so, with advice, each time", all(a.code == "SessionNotDue" and a.json["error"]["advice"] for a in answers), answers[-1])
    check("no point was made", site.points() == before)


@attack
def extents_that_lie(site):
    "extents that are out of the disk's range, wrap or name what is not there make no point"
    m = site.mallory
    session = m.session()
    before = site.points()
    big = 2 ** 64 - 1
    for what, extents, bad in (("no pages", [(0, 0, 0, bytes(32))], True), ("more pages than a chunk", [(0, 65, 0, os.urandom(32))], True), ("pages past the chunk", [(0, 2, 63, os.urandom(32))], True),
                               ("a page past 2^52", [(big, 1, 0, bytes(32))], True), ("a page that wraps", [(big - 1, 64, 0, os.urandom(32))], True), ("a page of the chunk that wraps", [(0, 2, 2 ** 32 - 1, os.urandom(32))], True)):
        refused(what, m.send(session, extents), 400, 409, 413, 422)
    refused("half a record", m.call("POST", f"sessions/{session}/extents?disk={m.disks[0]['id']}&upto=1", bytes(47)), 400)
    refused("an unknown disk", m.call("POST", f"sessions/{session}/extents?disk={GUID}&upto=1", bytes(48)), 400, 404)
    refused("no disk", m.call("POST", f"sessions/{session}/extents", bytes(48)), 400)
    check("no point was made or changed", site.points() == before)


@attack
def packs_that_are_forged(site):
    "packs that are broken, of another key, or not what they are called are not adopted"
    m = site.mallory
    id_key, data_key, epoch = m.domain_key()
    session = m.session()
    good = Pack(data_key, epoch)
    good.add(id_key, b"x" * 4096)
    packs = lambda: {n: v for n, v in site.state().items() if "/packs/" in n}
    def try_pack(what, name, data, codes=()):
        answer = m.put_pack(name, data)
        if answer.status not in (201,):
            refused(f"{what}: not taken", answer)
            return
        answer = m.call("POST", f"sessions/{session}/packs", name)
        refused(f"{what}: not adopted", answer)
        check(f"{what}: it says so", not codes or answer.code in codes, answer)
    before = packs()
    try_pack("noise", "ab" * 32, os.urandom(5000))
    try_pack("an empty file", "cd" * 32, b"")
    cut = good.bytes
    try_pack("a pack that was cut", good.name, cut[:-200])
    try_pack("another digest", "ef" * 32, cut[:-40] + bytes(32) + cut[-8:])
    for what, lie in (("an offset that wraps", {"offset": 2 ** 64 - 1}), ("more stored than there is", {"stored": 2 ** 32 - 1}), ("a plain size of 0", {"plain": 0}), ("a plain size of 4 GiB", {"plain": 2 ** 32 - 1}), ("another coding", {"coding": 9})):
        p = Pack(data_key, epoch)
        p.add(id_key, b"y" * 4096, entry=lie)
        try_pack(what, p.name, p.bytes)
    genuine, evil = b"genuine".ljust(4096, b"."), b"#!/bin/sh # EVIL".ljust(4096, b".")
    node = leaf([(0, 1, 0, chunk_id(id_key, genuine))])
    for what, plain, claimed, kind in (("another chunk's id", evil, chunk_id(id_key, genuine), 0), ("a node of a disk map", node, None, 1), ("a chunk of half a page", b"x" * 100, None, 0)):
        p = Pack(data_key, epoch)
        p.add(id_key, b"honest".ljust(4096, b"."))
        p.add(id_key, plain, claimed=claimed, kind=kind)
        try_pack(what, p.name, p.bytes, codes=("PackRefused",))
    p = Pack(data_key, epoch)
    p.tail["count"] = 2 ** 31
    p.add(id_key, b"z" * 4096)
    try_pack("a count that is too large", p.name, p.bytes)
    check("nothing of them is in the vault", packs() == before, sorted(set(packs()) - set(before)))
    for name in ("../../../catalog.db", "x" * 64, "0" * 63, "/etc/passwd", "A" * 65):
        refused(f"packs called {name[:24]}", m.call("POST", f"sessions/{session}/packs", name))
    status, text = site.verify()
    check("the vaults are without a fault", status == 0, text)


@attack
def the_owner_s_things(site):
    "an agent's certificate and token do nothing at the management plane"
    m = site.mallory
    m.assignment()
    token = m.blob_token
    path = f"/subscriptions/{site.subscription}/resourceGroups?api-version=2022-12-01"
    with site.unchanged():
        refused("its token at ARM", site.arm("GET", path, token=token), 401, 403)
        for host in ("storage.azure.com", "management.azure.com", f"127.0.0.1:{site.port}", "localhost"):
            refused(f"its token at ARM as {host}", site.arm("GET", path, token=token, headers={"Host": host}), 401, 403)
        refused("its certificate at ARM", site.ask("GET", path, cert=m.cert), 401, 403)
        refused("its certificate as a peer", site.ask("DELETE", f"/peer/v1/eastus/{GUID}", cert=m.cert), 401)


@attack(fresh=True)
def content_of_others(site):
    "a forged chunk that another machine has, too, changes nothing of its disk"
    m = site.mallory
    id_key, data_key, epoch = m.domain_key()
    library = b"what every machine has".ljust(4096, b".")
    session = m.session()
    forged = Pack(data_key, epoch)
    forged.add(id_key, b"#!/bin/sh # EVIL".ljust(4096, b"."), claimed=chunk_id(id_key, library))
    answer = m.adopt(session, forged)
    check("it is refused", answer.status == 400, answer)
    pages = {0: library, 5: b"and this of its own".ljust(4096, b".")}
    site.victim.backup(pages)
    point = max(site.points(), key=lambda n: os.path.getmtime(os.path.join(site.data, n[5:])))
    region, guid = point.split("/")[1], point.rsplit("/", 1)[1]
    out = os.path.join(site.dir, "exported")
    status, text = site.tool("vault", "export", os.path.join(site.data, "regions", region, "store"), guid, out, "--key", os.path.join(site.data, "keys", "platform.key"))
    check("the other machine's point is exported", status == 0, text)
    with open(out, "rb") as f:
        disk = f.read()
    check("its disk is byte for byte what it was", all(disk[4096 * page:4096 * (page + 1)] == data for page, data in pages.items()), disk[:40])
@attack
def names_that_are_commands(site):
    "what an agent calls its machine and its disks is a name, or is refused, and nothing is made of it"
    key = site.registration_key()
    m = site.mallory
    pwned = os.path.join(site.dir, "PWNED")
    names = (f"web1\nid > {pwned}\n#", f"$(touch {pwned})", "../../x/providers/Microsoft.Compute/disks/finance", "a'b", "a\"b", "<b>", "a\x1b[2J", "\u202eb", "a b", "", "x" * 254, "..", "-rf", 7)
    disk = m.disks[0]
    with site.unchanged():
        for name in names:
            refused(f"register {str(name)[:24]!r}", m.register(key, {**m.inventory, "machineName": name}), 400)
            refused(f"poll {str(name)[:24]!r}", m.poll({**m.inventory, "machineName": name}), 400)
            refused(f"a disk {str(name)[:24]!r}", m.poll({**m.inventory, "disks": [{**disk, "name": name}]}), 400)
            refused(f"a disk's id {str(name)[:24]!r}", m.poll({**m.inventory, "disks": [{**disk, "id": name}]}), 400)
        for mac in ("aa:bb", "x", "52:54:00:00:00:01\ndhcp-script=/tmp/x", "<mac/>", "0"):
            refused(f"an interface {mac[:20]!r}", m.poll({**m.inventory, "nics": [{"mac": mac, "id": disk["id"], "ips": [], "network": "eth0"}]}), 400)
    check("nothing was run", not os.path.exists(pwned))


@attack(options=["--dedup", "machine"])
def keys_of_its_own(site):
    "with keys for each machine a certificate opens, confirms and names nothing of another's"
    m, v = site.mallory, site.victim
    mine, theirs, mine_owner = m.domain_key(), v.domain_key(), m.owner.hex()
    check("their keys differ", mine[0] != theirs[0] and mine[1] != theirs[1] and m.owner != v.owner)
    pages = {0: b"a page that anybody could guess".ljust(4096, b"."), 3: b"a second one".ljust(4096, b".")}
    v.backup(pages)
    session = m.session()
    guessed, known = chunk_id(mine[0], pages[0]), chunk_id(theirs[0], pages[0])
    answer = m.call("POST", f"sessions/{session}/have", guessed)
    check("have confirms no guess", answer.status == 200 and answer.body == b"\0", answer)
    check("(it is there, for whoever knows its name)", m.call("POST", f"sessions/{session}/have", known).body == b"\1")
    for what, pack, plain in (("a pack in the other's name", Pack(mine[1], mine[2], owner=v.owner), b"x" * 4096), ("a pack of the domain's", Pack(mine[1], mine[2]), b"y" * 4096)):
        pack.add(mine[0], plain)
        answer = m.adopt(session, pack)
        check(f"{what} is refused", answer.status == 400 and answer.code == "PackRefused", answer)
    status, text = site.verify()
    check("the vaults are without a fault", status == 0, text)
    site.options = []
    site.restart()
    check("the choice is kept", m.poll().json["assignments"][0]["key"].get("owner") == mine_owner)


@attack
def packs_that_nobody_has_adopted(site):
    "an agent that only puts packs fills no account: their number and size have an end, and the next session drops them"
    m = site.mallory
    m.session()
    own, name = m.assignment()["packPath"].rstrip("/"), lambda n: f"{n:064x}"
    put = lambda n, body=b"x": site.blob("PUT", f"{own}/{name(n)}", body=body, token=m.blob_token).status
    check("a pack larger than packs are is refused at its head", put(999, bytes((64 << 20) + 1)) == 413)
    answers = [put(n) for n in range(64)]
    check("64 packs may wait", answers == [201] * 64, answers)
    check("one more is refused", put(64) == 409)
    m.session()
    check("a session begins with none", put(65) == 201)


@attack
def its_token_at_blobs(site):
    "an agent's token puts a pack into its own container, and does nothing else with blobs"
    m, v = site.mallory, site.victim
    own, theirs = m.assignment()["packPath"].rstrip("/"), v.assignment()["packPath"].rstrip("/")
    account = own.split("/")[1]
    token = m.blob_token
    name, other = "a1" * 32, "b2" * 32
    blob = lambda method, path, headers=(), body=b"": site.blob(method, path, dict(headers), body, token=token)
    check("its own containers differ from another's", own != theirs, own)
    check("a victim's pack lies there", site.blob("PUT", f"{theirs}/{other}", body=b"theirs", token=v.blob_token).status == 201)
    check("its own pack is taken", blob("PUT", f"{own}/{name}", body=b"mine").status == 201)
    vhd = f"/{site.corp}/vhds/finance.vhd"
    pages = {"x-ms-blob-type": "PageBlob", "x-ms-blob-content-length": "512"}
    with site.unchanged():
        for what, answer in (
                ("put over its own pack", blob("PUT", f"{own}/{name}", body=b"again")),
                ("put over another's pack", blob("PUT", f"{theirs}/{other}", body=b"forged")),
                ("put beside another's packs", blob("PUT", f"{theirs}/{name}", body=b"forged")),
                ("a name that is no pack's", blob("PUT", f"{own}/{name}.point", body=b"{}")),
                ("a longer name", blob("PUT", f"{own}/{name}00", body=b"x")),
                ("another letter", blob("PUT", f"{own}/{'A1' * 32}", body=b"x")),
                ("a name with a way out", blob("PUT", f"{own}/..%2f{name}", body=b"x")),
                ("a page blob", blob("PUT", f"{own}/{'c3' * 32}", pages)),
                ("pages of its own pack", blob("PUT", f"{own}/{name}?comp=page", {"x-ms-page-write": "update", "x-ms-range": "bytes=0-511"}, bytes(512))),
                ("read its own pack", blob("GET", f"{own}/{name}")), ("look at its own pack", blob("HEAD", f"{own}/{name}")),
                ("remove its own pack", blob("DELETE", f"{own}/{name}")), ("read another's pack", blob("GET", f"{theirs}/{other}")),
                ("remove another's pack", blob("DELETE", f"{theirs}/{other}")),
                ("list its container", blob("GET", f"{own}?restype=container&comp=list")), ("list another's", blob("GET", f"{theirs}?restype=container&comp=list")),
                ("look at its container", blob("GET", f"{own}?restype=container")), ("make its container", blob("PUT", f"{own}?restype=container")),
                ("make a container", blob("PUT", f"/{account}/mine?restype=container")), ("remove its container", blob("DELETE", f"{own}?restype=container")),
                ("remove another's container", blob("DELETE", f"{theirs}?restype=container")), ("list containers", blob("GET", f"/{account}?comp=list")),
                ("read a blob of the owner's", blob("GET", vhd)), ("write one", blob("PUT", vhd, body=b"x")), ("remove one", blob("DELETE", vhd)),
                ("put a pack into the owner's account", blob("PUT", f"/{site.corp}/vhds/{name}", body=b"x")),
                ("list the owner's containers", blob("GET", f"/{site.corp}?comp=list"))):
            refused(what, answer, 400, 403, 404, 409)
    session = m.session()
    refused("another's pack, named in its own session", m.call("POST", f"sessions/{session}/packs", other))


@attack
def another_machine(site):
    "who has a registration key and another machine's id is not that machine"
    v, m = site.victim, site.mallory
    key = site.registration_key()
    stolen = dict(m.inventory, machineId=v.machine_id, machineName=v.name)
    with site.unchanged(ignore=("row /landfall/registrationKeys/*",)):
        answer = m.register(key, stolen)
        refused("registered as the victim", answer, 409)
        check("which says what to do", answer.code == "AgentExists" and answer.json["error"]["advice"], answer)
        check("the victim's certificate is good", v.poll().status == 200)
        check("and Mallory's is not for the victim's items", all(a["itemId"] != v.assignment()["itemId"] for a in m.poll().json["assignments"]))
    check("the machine itself registers again, with its key", v.register(key).status == 200)
    check("and its certificate is good until the new one is used", v.poll().status == 200)


@attack
def registration_keys_that_are_over(site):
    "a registration key ends: by its count, by an operator, and one that was never made is none"
    import base64
    import json as js
    from lib import Agent
    servers = site.servers
    answer = site.lf("site", "key", servers, "--machines", "1")["registrationKey"]
    key = js.loads(base64.b64decode(answer + "=" * (-len(answer) % 4)))
    one = Agent(site, "one", key=key)
    check("a key for one machine registers one", one.poll().status == 200)
    def refused_with(what, code, key):
        try:
            Agent(site, "two", key=key)
            check(what, False, "registered")
        except RuntimeError as e:
            check(what, code in str(e), e)
    refused_with("and not another", "RegistrationKeyUsedUp", key)
    refused_with("a key that nobody made", "RegistrationKeyInvalid", {"secret": "x" * 40})
    gone = site.registration_key()
    for k in site.lf("site", "keys", servers):
        site.lf_try("site", "revoke", servers, k["name"])
    refused_with("a key that was revoked", "RegistrationKeyInvalid", gone)


@attack
def barred(site):
    "an agent that an operator bars is locked out at once, its certificate and its token; one that is removed is not known"
    from lib import Agent
    m = site.protected("barred")
    m.assignment()
    path, token = m.assignment()["packPath"], m.blob_token
    site.lf_try("site", "bar", site.servers, "barred")
    refused("its certificate", m.poll(), 403)
    refused("its token", site.blob("PUT", path + "d4" * 32, body=b"x", token=token), 403)
    refused("registering again", m.register(site.registration_key()), 403)
    status, text = site.lf_try("site", "remove", site.servers, "barred")
    check("what is protected is not removed", status != 0 and "MachineIsProtected" in text, text)
    site.lf_try("site", "unbar", site.servers, "barred")
    check("let in again, it is", m.poll().status == 200)
    idle = Agent(site, "idle")
    site.lf_try("site", "remove", site.servers, "idle")
    refused("the certificate of a removed one", idle.poll(), 401)


@attack
def inventories_that_lie(site):
    "names and numbers that are none are not taken from an agent"
    m = site.mallory
    names = ("web1\nid > /tmp/PWNED\n#", "../../x/providers/Microsoft.Compute/disks/finance", "a<b>", "$(id)", "x" * 300, "", "\u202egpj", 7, None)
    with site.unchanged():
        for name in names:
            refused(f"a machine called {name!r:.40}", m.poll(dict(m.inventory, machineName=name)), 400)
            refused(f"a disk called {name!r:.40}", m.poll(dict(m.inventory, disks=[dict(m.disks[0], id=name)])), 400)
        for member, value in (("cores", 0), ("memoryMiB", 2 ** 63 - 1), ("ips", ["1.2.3.4; id"]), ("os", "x" * 5000), ("os", "\x1b[2J"), ("firmware", "none"), ("disks", [{}]),
                              ("disks", [dict(m.disks[0], sizeBytes=2 ** 62)]), ("disks", m.disks * 300), ("nics", [{"mac": "id"}]), ("machineId", "x")):
            refused(f"{member}: {value!r:.40}", m.poll(dict(m.inventory, **{member: value})), 400, 413)
        item = m.assignment()["itemId"]
        for size in (0, -1, 2 ** 46 + 1, 2 ** 63 - 1, "x"):
            refused(f"a session of a disk of {size} bytes", m.call("POST", "sessions", {"itemId": item, "kind": "full", "disks": [dict(m.disks[0], sizeBytes=size)]}), 400)
        refused("a session of a disk that is not protected", m.call("POST", "sessions", {"itemId": item, "kind": "full", "disks": [dict(m.disks[0], id=GUID)]}), 400)
    session = m.session()
    for member, value in (("consistency", "c" * 100000), ("consistency", "Perfect"), ("bytesRead", 2 ** 63 - 1), ("ageMs", -1)):
        refused(f"a commit with {member} {value!r:.20}", m.commit(session, **{member: value}), 400, 413)


@attack
def bodies_of_nobody(site):
    "what nobody is known to send is not read, and what is read is small"
    big = b'{"a":[' + b"{}," * 1000000 + b"{}]}"
    answer = site.ask("POST", "/agent/v1/poll", {}, big)
    check("a poll without a certificate is 401, whatever its body", answer.status == 401, answer)
    refused("a large registration", site.ask("POST", "/agent/v1/register", {}, big), 413)
    refused("a large commit", site.mallory.call("POST", f"sessions/{GUID}/commit", big), 413)


@attack
def answers_about_the_disk(site):
    "no answer to an agent tells where things are on the site's disk"
    m = site.mallory
    session = m.session()
    answers = [m.call("POST", f"sessions/{session}/packs", "e5" * 32), m.call("POST", f"sessions/{GUID}/commit", b"{}"), m.put_pack("f6" * 32, b"junk"),
               m.call("POST", f"sessions/{session}/packs", "f6" * 32), m.call("POST", "sessions", b"["), m.call("POST", "nothing")]
    for answer in answers:
        check(f"{answer.status} tells no path", site.dir.encode() not in answer.body and b"accounts/" not in answer.body, answer)

def swollen(id_key, n):
    """(id, bytes, packed) of n chunks that are almost nothing until they are opened"""
    import ctypes
    zstd = ctypes.CDLL("libzstd.so.1")
    zstd.ZSTD_compress.restype = ctypes.c_size_t
    zstd.ZSTD_compress.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int]
    room, chunks = ctypes.create_string_buffer(1 << 19), []
    for i in range(n):
        plain = zeroes_with_a_number(i)
        length = zstd.ZSTD_compress(room, 1 << 19, plain, len(plain), 1)
        chunks.append((chunk_id(id_key, plain), len(plain), room.raw[:length]))
    return chunks


@attack
def packs_that_swell(site):
    "packs whose chunks are large once they are opened keep nobody waiting, and have an end"
    import threading
    import time
    m = site.mallory
    id_key, data_key, epoch = m.domain_key()
    session = m.session()
    chunks = swollen(id_key, 2000)
    packs = [pack_of(id_key, data_key, epoch, chunks) for _ in range(24)]
    check("packs that hold 500 MB in little are put", all(m.put_pack(p.name, p.bytes).status == 201 for p in packs), len(packs[0].bytes))
    statuses, threads = [], []
    for p in packs:
        t = threading.Thread(target=lambda p=p: statuses.append(m.call("POST", f"sessions/{session}/packs", p.name)))
        t.start()
        threads.append(t)
    slowest = 0
    while any(t.is_alive() for t in threads):
        begun = time.monotonic()
        status = site.victim.poll().status
        slowest = max(slowest, time.monotonic() - begun)
        if status != 200:
            check("others are served", False, status)
    for t in threads:
        t.join()
    check("they are taken", [s.status for s in statuses] == [204] * 24, statuses)
    check("others wait for less than 8 s", slowest < 8, slowest)
    print(f"# the slowest poll of another agent took {slowest:.2f} s")
    over = pack_of(id_key, data_key, epoch, [(struct.pack(">QQQQ", i, 0, 0, 0), 1 << 18, b"x") for i in range(16400)])
    answer = m.adopt(session, over)
    check("one that holds more than 4 GiB is refused before it is opened", answer.code == "PackRefused" and b"more than 4 GiB" in answer.body, answer)


@attack
def called_as_another(site):
    "an agent that calls itself as another machine takes nothing of it, and is not taken for it"
    m = site.mallory
    honest = Agent(site, "honest")
    honest.poll()
    refused("another machine's id", m.poll(dict(m.inventory, machineId=honest.machine_id)), 409)
    twin = Agent(site, "twin")
    twin.poll(dict(twin.inventory, machineName="honest"))
    status, text = site.lf_try("backup", "enable", "honest", "--vault", site.vault)
    check("an operator who protects by a name that two have is told so", status != 0 and "2 machines are called" in text, text)
    check("nothing is protected", not twin.poll().json["assignments"] and not honest.poll().json["assignments"])
    twin.poll(dict(twin.inventory, machineName=honest.id))
    status, text = site.lf_try("site", "bar", site.servers, honest.id)
    check("an id is an id, whatever another is called", status == 0 and honest.poll().status == 403 and twin.poll().status == 200, text)


@attack
def commits_at_once(site):
    "many commits of many scattered extents keep nobody waiting, and the site stops in time all the same"
    import threading
    import time
    m = site.mallory
    size = 2 ** 46
    disk = dict(m.disks[0], sizeBytes=size)
    id_key, data_key, epoch = m.domain_key()
    session = m.session(disks=[disk])
    pack = Pack(data_key, epoch)
    chunk = pack.add(id_key, b"scattered".ljust(4096))
    m.adopt(session, pack)
    stride = size // 4096 // 65536
    order = list(range(65536))
    order.sort(key=lambda i: (i * 2654435761) % 65536)
    check("65,536 extents all over the disk are taken", m.send(session, [(i * stride, 1, 0, chunk) for i in order]).status == 204)
    statuses, threads = [], []
    for _ in range(24):
        t = threading.Thread(target=lambda: statuses.append(m.commit(session).status))
        t.start()
        threads.append(t)
    slowest = 0
    while any(t.is_alive() for t in threads):
        begun = time.monotonic()
        check_status = site.victim.poll().status
        slowest = max(slowest, time.monotonic() - begun)
        if check_status != 200:
            check("others are served", False, check_status)
    for t in threads:
        t.join()
    check("all but one are told that it was asked for again, or that it is a point already", all(s in (200, 409) for s in statuses) and 200 in statuses, statuses)
    check("others wait for less than 5 s", slowest < 5, slowest)
    print(f"# the slowest poll of another agent took {slowest:.2f} s")


@attack(fresh=True)
def certificates_that_are_renewed(site):
    "a certificate is renewed over the one before, which ends; time runs fast here: 45 days in ten seconds"
    import time
    from lib import Agent, openssl
    a = Agent(site, "fast")
    site.options = ["--clock-rate", "400000"]  # from here on no token of the owner's lasts for a call
    site.restart()
    end, answer = time.monotonic() + 60, a.poll()
    while time.monotonic() < end and answer.status == 200 and not answer.json["renewCertificate"]:
        answer = a.poll()
    check("the site says when to renew", answer.status == 200 and answer.json["renewCertificate"], answer)
    new_key, new_cert = a.key_file + ".new", a.cert_file + ".new"
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", new_key)
    csr = openssl("req", "-new", "-key", new_key, "-subj", f"/CN={a.machine_id}").decode()
    refused("a renewal without a certificate", site.ask("POST", "/agent/v1/renew", {}, {"csr": csr}), 401)
    refused("a renewal of what is no request", a.call("POST", "renew", {"csr": "x"}), 400)
    answer = a.call("POST", "renew", {"csr": csr})
    check("a new certificate comes over the old one", answer.status == 200, answer)
    with open(new_cert, "w") as f:
        f.write(answer.json["certificate"])
    check("the new one is good", site.ask("POST", "/agent/v1/poll", {}, {"inventory": a.inventory, "status": []}, cert=(new_cert, new_key)).status == 200)
    old = a.poll()  # ten minutes are 1.5 ms here
    refused("and the old one is not", old, 401)
    check("which is said", old.code == "CertificateReplaced", old)


@attack(fresh=True)
def a_stop_during_a_commit(site):
    "a stop does not wait for a long commit, which goes on by itself after the next start"
    import threading
    import time
    m = site.mallory
    size = 2 ** 46
    id_key, data_key, epoch = m.domain_key()
    session = m.session(disks=[dict(m.disks[0], sizeBytes=size)])
    pack = Pack(data_key, epoch)
    chunk = pack.add(id_key, b"scattered".ljust(4096))
    m.adopt(session, pack)
    n = 4 * 65536
    stride = size // 4096 // n
    for part in range(4):
        m.send(session, [((i * 4 + part) * stride, 1, 0, chunk) for i in range(65536)])
    answers = []
    t = threading.Thread(target=lambda: answers.append(m.commit(session)))
    t.start()
    end = time.monotonic() + 30
    while time.monotonic() < end and m.send(session, []).code != "CommitUnderWay":
        pass
    begun = time.monotonic()
    status = site.stop()
    check("the site stops in time", status == 0, status)
    print(f"# it took {time.monotonic() - begun:.1f} s")
    t.join()
    cut = answers[0].status != 200
    check("the commit was under way, and whoever waited is told so", cut and answers[0].status in (0, 503), answers[0])
    site.restart()
    before = len(site.points())
    end = time.monotonic() + 120
    while cut and time.monotonic() < end and len(site.points()) == before and not any(session in name for name in site.points()):
        time.sleep(0.2)
    check("and the point is made, by itself", any(session in name for name in site.points()), list(site.points()))
    answer = m.commit(session)
    check("asked again, it is the same point", answer.status == 200 and answer.json["pointId"] == session, answer)
