# SPDX-License-Identifier: Apache-2.0
"""A tenant: somebody with a right to something, who wants more; a token, a key of an account, a signature."""
import urllib.parse

from lib import attack, check


def refused(what, answer, *statuses):
    check(what, answer.status in (statuses or range(400, 500)), answer)


def disk(site, name):
    """A managed disk of 4 MiB, imported from a page blob."""
    import os
    import struct
    image = os.path.join(site.dir, "image.raw")
    with open(image, "wb") as f:
        f.write(struct.pack("<Q", 0x1122334455667788) * 512 + bytes(4 * 1024 * 1024 - 4096))
    site.account("staging")
    site.lf("disk", "import", name, image, "--group", site.group, "--account", "staging")
    return f"@/resourceGroups/{site.group}/providers/Microsoft.Compute/disks/{name}"


RANGES = ("bytes=4194704-5", "bytes=5-4", "bytes=-5", "bytes=-0", "bytes=0--1", "bytes=18446744073709551615-0", "bytes=18446744073709551615-18446744073709551615", "bytes=9223372036854775807-9223372036854775808",
          "bytes=0-18446744073709551615", "bytes=1-18446744073709551616", "bytes=x-y", "bytes=", "bytes=-", "bytes=0", "bytes=+1-2", "bytes= 1-2", "bytes=0x1-0x2", "items=0-1", "bytes=0-1,5-6", "bytes=4194304-", "bytes=4194816-", "bytes=4194303-4194400",
          "bytes=4194305-4194306", "")


def read_ranges(site, what, path, sas, whole):
    """No range tells more than the blob's own bytes."""
    for header in ("Range", "x-ms-range"):
        for text in RANGES:
            answer = site.blob("GET", path, {header: text}, sas=sas)
            good = answer.status in (200, 206, 400, 403, 416)
            if good and answer.status in (200, 206):
                length = int(answer.header("content-length") or 0)
                good = length == len(answer.body) <= len(whole) and answer.body in whole
            check(f"{what}: {header}: {text[:44]} tells only what is there", good, f"{answer.status} {answer.headers} {len(answer.body)}")


@attack
def ranges_of_a_disk(site):
    "a range of a disk's export is inside of it, or it is no range"
    uri = site.arm_wait("POST", disk(site, "ranged") + "/beginGetAccess", {"access": "Read", "durationInSeconds": 600})
    if not uri.json or "accessSAS" not in uri.json:
        monitor = uri.header("location")
        uri = site.arm("GET", urllib.parse.urlsplit(monitor)._replace(scheme="", netloc="").geturl())
    parts = urllib.parse.urlsplit(uri.json.get("accessSAS") or uri.json["properties"]["output"]["accessSAS"])
    whole = site.blob("GET", parts.path, sas=parts.query)
    check("the disk is read", whole.status == 200 and len(whole.body) >= 4 * 1024 * 1024, whole.status)
    with site.unchanged():
        read_ranges(site, "disk", parts.path, parts.query, whole.body)


@attack
def ranges_of_a_blob(site):
    "a range of a blob is inside of it, or it is no range"
    site.corp
    sas = site.sas("corp", "vhds", "finance.vhd")
    whole = site.blob("GET", "/corp/vhds/finance.vhd", sas=sas).body
    with site.unchanged():
        read_ranges(site, "blob", "/corp/vhds/finance.vhd", sas, whole)


@attack
def names_that_are_cut(site):
    "names and texts of bodies that are long and not ASCII are answered, never with 5xx"
    long = urllib.parse.quote("x" + "ü" * 127)
    base = f"@/resourceGroups/{site.group}/providers/"
    with site.unchanged():
        for path in ("Microsoft.Network/virtualNetworks/", "Microsoft.Compute/disks/", "Microsoft.Compute/virtualMachines/", "Microsoft.Storage/storageAccounts/",
                     "Microsoft.RecoveryServices/vaults/", "Microsoft.OffAzure/serverSites/", "Microsoft.Network/networkInterfaces/"):
            for name in (long, "%FF", "a%0Ab", "%C3", "%00"):
                refused(f"GET {path}{name[:12]}", site.arm("GET", base + path + name))
                refused(f"PUT {path}{name[:12]}", site.arm("PUT", base + path + name, {"location": "eastus", "properties": {}}))
        body = {"location": "eastus", "properties": {"ipConfigurations": [{"name": "ip", "properties": {"subnet": {"id": "/x" + "ü" * 600}}}]}}
        refused("a NIC whose subnet's id is long", site.arm("PUT", base + "Microsoft.Network/networkInterfaces/nic", body))
