# SPDX-License-Identifier: Apache-2.0
"""A machine with a good certificate whose owner is hostile."""
import os
import struct

from lib import Agent, Pack, attack, check, chunk_id, leaf

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
