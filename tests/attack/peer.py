# SPDX-License-Identifier: Apache-2.0
"""Whoever has the pairing key of a site (keys/peer.json): a stolen copy, or a site that is not what it was."""
import json
import os
import struct
import uuid

from lib import Pack, Peer, attack, check, chunk_id, leaf

GUID = "11111111-2222-4333-8444-555555555555"


def refused(what, answer, *statuses):
    check(what, answer.status in (statuses or range(400, 500)), answer)


@attack
def calls_that_are_broken(site):
    "what is no call of the protocol is refused"
    peer = Peer(site)
    with site.unchanged(ignore=("file inbox/*", "file regions/westus/*", "file keys/*")):
        for region in ("..", "east/us", "%2e%2e", "EASTUS", "x" * 65, "east_us"):
            refused(f"a region called {region[:10]}", peer.call("POST", region, GUID, "/begin", b"{}"))
        for point in ("..", "x", "x" * 36, "*"):
            refused(f"a point called {point[:10]}", peer.call("POST", "eastus", point, "/begin", b"{}"))
        for what, body in (("/begin", b"x"), ("/begin", b"{}"), ("/begin", b'{"idKey":"zz"}'), ("/begin", b'{"idKey":5}'), ("/commit", b"{}"), ("/packs", os.urandom(1000)), ("/extents?disk=0", bytes(48)), ("/extents?disk=99999999999", bytes(48)), ("/extents", bytes(48)), ("/nothing", b"")):
            refused(f"{what} with {body[:12]}", peer.call("POST", "eastus", GUID, what, body))


@attack
def points_of_the_site(site):
    "a pairing key lets go of no point of the site's own"
    site.victim
    point = next(iter(site.points())).rsplit("/", 1)[1][:36]
    region = next(iter(site.points())).split("/")[1]
    with site.unchanged():
        answer = Peer(site).call("DELETE", region, point)
        check("DELETE of an own point is a conflict", answer.status == 409, answer)
    status, text = site.verify()
    check("the vaults are without a fault", status == 0, text)


class Sender:
    """The pairing key in use: points of one page, with whatever rows."""

    def __init__(self, site, region, id_key, secret=None):
        self.peer, self.region, self.id_key, self.secret = Peer(site), region, id_key, secret
        self.group = f"/subscriptions/{uuid.uuid4()}/resourceGroups/away"
        self.vault = self.group + "/providers/Microsoft.RecoveryServices/vaults/awayvault"

    def begin(self, point, **more):
        return self.peer.call("POST", self.region, point, "/begin", json.dumps({"idKey": self.id_key.hex(), **more}), self.secret)

    def item(self, name):
        return f"{self.vault}/backupFabrics/Azure/protectionContainers/c/protectedItems/{name}"

    def rows(self, point, disks, item="item"):
        point_id = f"{self.item(item)}/recoveryPoints/{point[:8]}"
        row = lambda id, type, state=None: {"id": id, "type": type, "doc": {"location": "farawayregion", "properties": {}}, "state": state or {}}
        return [row(self.vault, "Microsoft.RecoveryServices/vaults"), row(self.group, "Microsoft.Resources/resourceGroups"),
                row(self.item(item), "Microsoft.RecoveryServices/vaults/backupFabrics/protectionContainers/protectedItems"),
                row(point_id, "Microsoft.RecoveryServices/vaults/backupFabrics/protectionContainers/protectedItems/recoveryPoints",
                    {"point": point, "disks": disks, "secondary": {"region": self.region, "complete": True}})]

    def send(self, point, page=b"p" * 4096, change=None, **more):
        """The answer to the commit; change(body) makes a lie of it."""
        begun = self.begin(point, **more)
        if begun.status != 200:
            return begun
        key = begun.json
        pack = Pack(bytes.fromhex(key["dataKey"]), key["epoch"])
        name = pack.add(self.id_key, page)
        self.peer.call("POST", self.region, point, "/packs", pack.bytes, self.secret)
        self.peer.call("POST", self.region, point, "/extents?disk=0", struct.pack("<QII32s", 0, 1, 0, name), self.secret)
        disks = [{"id": "os", "name": "os", "lun": -1, "sizeBytes": 4096, "root": "00-" + chunk_id(self.id_key, leaf([(0, 1, 0, name)])).hex()}]
        body = {"manifest": {"id": point, "time": "2026-01-01T00:00:00Z", "consistency": "CrashConsistent", "disks": disks}, "bases": [""], "resources": self.rows(point, disks)}
        if change:
            change(body)
        return self.peer.call("POST", self.region, point, "/commit", json.dumps(body), self.secret)


def own(site):
    """region, GUID and id key of a recovery point of the site's own"""
    id_key = site.victim.domain_key()[0]
    name = next(iter(site.points()))
    return name.split("/")[1], name.rsplit("/", 1)[1][:36], id_key


PASSING = ("file inbox/*", "file regions/*/store/sessions/*", "file regions/*/store/packs/*")


@attack(fresh=True)
def points_that_are_replaced(site):
    "a pairing key replaces, lets go of and begins from no point of the site's own, whatever the rows say"
    region, point, id_key = own(site)
    s = Sender(site, region, id_key)
    with site.unchanged(ignore=PASSING):
        refused("begin with an own point's id", s.begin(point), 409)
        refused("an own point is replaced", s.send(point), 409)
        refused("an own point is let go of", s.peer.call("DELETE", region, point), 409)
        answer = s.begin(GUID, basePoint=point)
        check("an own point is no base", answer.status == 200 and answer.json["base"] is False, answer)
        def lie(body):
            body["resources"][3]["state"]["point"] = point
        refused("a row that names an own point", s.send(str(uuid.uuid4()), change=lie), 400)
        refused("an own point is let go of after that", s.peer.call("DELETE", region, point), 409)
        s.peer.call("DELETE", region, GUID)


@attack(fresh=True)
def rows_that_are_not_the_sender_s(site):
    "rows name nothing of the site's own, of another sender, or outside of the vault that is sent"
    region, _, id_key = own(site)
    s = Sender(site, region, id_key)
    mine = str(uuid.uuid4())
    answer = s.send(mine)
    check("an honest point is taken", answer.status == 204, answer)
    vault = site.lf("recovery-vault", "show", site.vault)["id"]
    ignore = ("file inbox/*", "file regions/*/store/*")
    with site.unchanged(ignore=ignore):
        other = Sender(site, region, id_key)
        other.vault = vault
        other.group = vault.split("/providers/")[0]
        answer = other.send(str(uuid.uuid4()))
        refused("a vault of the site's own", answer, 409)
        check("it says so", answer.code == "ResourceIsNotAReplica", answer)
        def item_elsewhere(body):
            body["resources"][2]["id"] = body["resources"][2]["id"].replace("awayvault", "another")
        def disks_of_others(body):
            body["resources"][3]["state"]["disks"] = [{"id": "os", "root": "00-" + "0" * 64, "sizeBytes": 4096, "lun": -1}]
        def group_elsewhere(body):
            body["resources"][1]["id"] = f"/subscriptions/{site.subscription}/resourceGroups/made"
        def another_type(body):
            body["resources"][2]["type"] = "Microsoft.Compute/virtualMachines"
        def properties_of_another_form(body):
            body["resources"][2]["doc"]["properties"] = 5
        def state_of_another_form(body):
            body["resources"][2]["state"] = ["x"]
        def too_many(body):
            body["resources"] += [body["resources"][2]] * 20
        def not_a_vault(body):
            body["resources"][0] = body["resources"][1]
        for lie in (item_elsewhere, disks_of_others, group_elsewhere, another_type, properties_of_another_form, state_of_another_form, too_many, not_a_vault):
            refused(lie.__name__.replace("_", " "), s.send(str(uuid.uuid4()), change=lie), 400, 409)
            # nothing is left of one who has sent nothing before, not even a subscription
            refused(f"{lie.__name__.replace('_', ' ')}, of a subscription of its own", Sender(site, region, id_key).send(str(uuid.uuid4()), change=lie), 400, 409)
        refused("a point that came before, with other content", s.send(mine, page=b"q" * 4096), 409)
    again = s.send(mine)
    check("the same once more is fine", again.status == 204, again)
    status, path = site.tool("peer", "create", "second", "--region", region, "--data", site.data)
    with open(path.strip()) as f:
        second = Sender(site, region, id_key, json.load(f)["secret"])
    with site.unchanged(ignore=ignore):
        refused("another pairing's point is let go of", second.peer.call("DELETE", region, mine, secret=second.secret), 409)
        second.vault, second.group = s.vault, s.group
        refused("rows of another pairing's", second.send(str(uuid.uuid4())), 409)
    check("its own is let go of", s.peer.call("DELETE", region, mine).status == 204)
    check("and again: it is gone", s.peer.call("DELETE", region, mine).status == 204)


@attack(fresh=True)
def points_on_their_way_of_another(site):
    "a pairing key neither changes nor ends nor crowds out what another pairing sends"
    region, _, id_key = own(site)
    s = Sender(site, region, id_key)
    status, path = site.tool("peer", "create", "second", "--region", region, "--data", site.data)
    with open(path.strip()) as f:
        second = Sender(site, region, id_key, json.load(f)["secret"])
    point = str(uuid.uuid4())
    check("a point is begun", s.begin(point).status == 200)
    call = lambda method, what, body=b"": second.peer.call(method, region, point, what, body, second.secret)
    with site.unchanged():
        refused("begun anew by another", second.begin(point), 409)
        refused("another's extents", call("POST", "/extents?disk=0", struct.pack("<QII32s", 0, 1, 0, bytes(32))), 404)
        refused("another's pack", call("POST", "/packs", b"x"), 404)
        refused("another's commit", call("POST", "/commit", json.dumps({"manifest": {"disks": [{}]}})), 404)
        call("DELETE", "")
    check("64 of another's are begun", all(second.begin(str(uuid.uuid4())).status == 200 for _ in range(64)))
    refused("and no more", second.begin(str(uuid.uuid4())), 429)
    check("the first has room still", s.begin(str(uuid.uuid4())).status == 200)


@attack(fresh=True)
def keys_that_are_not_for_it(site):
    "a pairing key is for one region, until it is revoked, without a restart"
    region, _, id_key = own(site)
    s = Sender(site, region, id_key)
    check("the first region", s.begin(GUID).status == 200)
    with site.unchanged(ignore=("file inbox/*",)):
        refused("a second region", Sender(site, "northus", os.urandom(32)).begin(GUID), 403)
    status, path = site.tool("peer", "create", "north", "--region", "northus", "--data", site.data)
    check("a key for it is made", status == 0, path)
    with open(path.strip()) as f:
        secret = json.load(f)["secret"]
    check("it is good for its region", Sender(site, "northus", id_key, secret).begin(GUID).status == 200)
    refused("it is not good for the other", Sender(site, region, id_key, secret).begin(GUID), 403)
    status, text = site.tool("peer", "revoke", "north", "--data", site.data)
    check("it is revoked", status == 0, text)
    refused("it is good for nothing", Sender(site, "northus", id_key, secret).begin(GUID), 401)
    status, text = site.tool("peer", "revoke", "peer", "--data", site.data)
    refused("nor is the first when it is revoked", s.begin(GUID), 401)


@attack(fresh=True)
def packs_that_are_forged(site):
    "a peer's pack is believed by its content"
    region, point, id_key = own(site)
    s = Sender(site, region, id_key)
    key = s.begin(GUID).json
    packs = lambda: {n for n in site.state() if "/packs/" in n}
    before = packs()
    genuine, evil = b"genuine".ljust(4096, b"."), b"evil".ljust(4096, b".")
    node = leaf([(0, 1, 0, chunk_id(id_key, genuine))])
    for what, plain, claimed, kind in (("another chunk's id", evil, chunk_id(id_key, genuine), 0), ("a node of a disk map", node, None, 1), ("half a page", b"x" * 100, None, 0)):
        pack = Pack(bytes.fromhex(key["dataKey"]), key["epoch"])
        pack.add(id_key, b"honest".ljust(4096, b"."))
        pack.add(id_key, plain, claimed=claimed, kind=kind)
        answer = s.peer.call("POST", region, GUID, "/packs", pack.bytes)
        refused(what, answer, 400)
        check(f"{what}: it says so", answer.code == "PackRefused", answer)
    check("nothing of them is in the vault", packs() == before)
    status, text = site.verify()
    check("the vaults are without a fault", status == 0, text)
