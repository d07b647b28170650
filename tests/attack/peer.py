# SPDX-License-Identifier: Apache-2.0
"""Whoever has the pairing key of a site (keys/peer.json): a stolen copy, or a site that is not what it was."""
import os
import uuid

from lib import Pack, Peer, attack, check

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
        check("DELETE of an own point is answered", answer.status in (204, 400, 403, 404, 409), answer)
    status, text = site.verify()
    check("the vaults are without a fault", status == 0, text)
