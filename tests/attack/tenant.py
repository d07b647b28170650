# SPDX-License-Identifier: Apache-2.0
"""A tenant: somebody with a right to something, who wants more; a token, a key of an account, a signature."""
import urllib.parse
import uuid

from lib import attack, check, head, routes


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


def granted(site, path, seconds=600):
    """The URL, in parts, that a disk is read by."""
    uri = site.arm_wait("POST", path + "/beginGetAccess", {"access": "Read", "durationInSeconds": seconds})
    if not uri.json or "accessSAS" not in uri.json:
        monitor = uri.header("location")
        uri = site.arm("GET", urllib.parse.urlsplit(monitor)._replace(scheme="", netloc="").geturl())
    return urllib.parse.urlsplit(uri.json.get("accessSAS") or uri.json["properties"]["output"]["accessSAS"])


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
    parts = granted(site, disk(site, "ranged"))
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


HOSTILE_NAMES = ("a b", "a<b>", "a\nb", "a\x1b[2Jb", "a;id", "$(id)", "a`id`", "a'b", 'a"b', "a|b", "a&b", "a:b", "a*b", "a?b", "a#b", "a%b", "a\\b",
                 "x" * 300, "-", "a.", "\u202eb", "a\x7f", "\u0085", "a-")


@attack
def names_by_azures_rules(site):
    "nothing is made with a name that holds more than its type's rule lets in, at any door"
    base = f"@/resourceGroups/{site.group}/providers/"
    space = {"addressSpace": {"addressPrefixes": ["10.9.0.0/16"]}}
    doors = (("Microsoft.Network/virtualNetworks/", {"location": "eastus", "properties": space}),
             ("Microsoft.Network/networkSecurityGroups/", {"location": "eastus", "properties": {}}),
             ("Microsoft.Compute/disks/", {"location": "eastus", "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 1}}),
             ("Microsoft.Compute/availabilitySets/", {"location": "eastus", "properties": {}}),
             ("Microsoft.Compute/virtualMachines/", {"location": "eastus", "properties": {}}),
             ("Microsoft.Compute/restorePointCollections/", {"location": "eastus", "properties": {}}),
             ("Microsoft.OffAzure/serverSites/", {"location": "eastus", "properties": {}}),
             ("Microsoft.RecoveryServices/vaults/", {"location": "eastus", "sku": {"name": "Standard"}, "properties": {}}),
             (f"Microsoft.RecoveryServices/vaults/{site.vault}/backupPolicies/", {"properties": {"backupManagementType": "AzureIaasVM"}}),
             (f"Microsoft.RecoveryServices/vaults/{site.vault}/replicationFabrics/", {"properties": {"customDetails": {"instanceType": "InMageRcm"}}}),
             (f"Microsoft.RecoveryServices/vaults/{site.vault}/replicationPolicies/", {"properties": {"providerSpecificInput": {"instanceType": "InMageRcm"}}}),
             ("Microsoft.Storage/storageAccounts/", {"location": "eastus", "sku": {"name": "Standard_LRS"}, "kind": "StorageV2", "properties": {}}))
    with site.unchanged():
        for path, body in doors:
            for name in HOSTILE_NAMES[:-1] if "/vaults/" in path[-8:] else HOSTILE_NAMES:  # a vault may end in a hyphen
                answer = site.arm("PUT", base + path + urllib.parse.quote(name, safe=""), body)
                check(f"PUT {path.split('/')[-2]} {name[:9]!r}", answer.status == 400 and answer.code in ("InvalidResourceName", "AccountNameInvalid"), answer)
        for name in ("a b", "a<b>", "a\nb", "ends.", "x" * 91, "a'b", "a;b", "\u202e"):
            answer = site.arm("PUT", "@/resourceGroups/" + urllib.parse.quote(name, safe=""), {"location": "eastus"})
            check(f"PUT a group {name[:9]!r}", answer.status == 400 and answer.code == "InvalidResourceGroup", answer)
        for name in ("a/b", "..", "a b", "a\n", "x" * 81, ""):
            refused(f"a subnet in a network's body: {name[:9]!r}", site.arm("PUT", base + "Microsoft.Network/virtualNetworks/inner", {"location": "eastus", "properties": {**space, "subnets": [
                {"name": name, "properties": {"addressPrefix": "10.9.0.0/24"}}]}}), 400)
            refused(f"a rule of a security group: {name[:9]!r}", site.arm("PUT", base + "Microsoft.Network/networkSecurityGroups/inner", {"location": "eastus", "properties": {"securityRules": [
                {"name": name, "properties": {"priority": 100, "direction": "Inbound", "access": "Allow", "protocol": "*"}}]}}), 400)


@attack
def ids_in_bodies(site):
    "a resource id inside a body names one resource in its plain form, or is refused"
    base = f"@/resourceGroups/{site.group}/providers/"
    made = site.arm("PUT", base + "Microsoft.Network/virtualNetworks/net", {"location": "eastus", "properties": {
        "addressSpace": {"addressPrefixes": ["10.8.0.0/16"]}, "subnets": [{"name": "s", "properties": {"addressPrefix": "10.8.0.0/24"}}]}})
    check("a network is there", made.status in (200, 201), made)
    whole = f"/subscriptions/{site.subscription}/resourceGroups/{site.group}/providers/Microsoft.Network/virtualNetworks/net/subnets/s"
    with site.unchanged():
        for bad in (whole + "/", whole.replace("/subnets", "//subnets"), whole.replace("/net/", "/x/../net/"), whole[:-1] + "%73", whole + "\n", whole + "?x=1", "/" + whole, whole + "/../s",
                    whole.replace("/net/", "/./net/"), whole + "\x00", "s", "", whole.rsplit("/", 2)[0]):
            answer = site.arm("PUT", base + "Microsoft.Network/networkInterfaces/nic", {"location": "eastus", "properties": {
                "ipConfigurations": [{"name": "ip", "properties": {"subnet": {"id": bad}}}]}})
            refused(f"a subnet's id …{bad[-24:]!r}", answer, 400)


@attack
def disks_that_are_taken_back(site):
    "the URL of a disk that was taken back stays of no use, whatever is granted later"
    path = disk(site, "revoked")
    first = granted(site, path)
    again = granted(site, path)
    check("granted twice, both URLs are good", all(site.blob("GET", u.path, sas=u.query).status == 200 for u in (first, again)))
    site.arm_wait("POST", path + "/endGetAccess")
    refused("a disk's URL after it was taken back", site.blob("GET", first.path, sas=first.query))
    second = granted(site, path)
    check("the next URL is good", site.blob("GET", second.path, sas=second.query).status == 200)
    for name, old in (("first", first), ("second", again)):
        refused(f"the {name} URL after the next grant", site.blob("GET", old.path, sas=old.query))
        refused(f"the {name} URL's right with the next one's name", site.blob("GET", second.path, sas=old.query))
    with site.unchanged():
        refused("to write by a right to read", site.blob("PUT", second.path, sas=second.query, body=b"x"), 403)
        refused("to delete by a right to read", site.blob("DELETE", second.path, sas=second.query), 403)
        refused("to list the container by it", site.blob("GET", second.path.rsplit("/", 1)[0] + "?restype=container&comp=list", sas=second.query), 403)
        refused("to write the disk", site.arm("POST", path + "/beginGetAccess", {"access": "Write", "durationInSeconds": 60}))
        for seconds in (0, -1, 2 ** 31, 2 ** 63 - 1, 2 ** 63, 1.5, "x"):
            refused(f"access for {seconds} seconds", site.arm("POST", path + "/beginGetAccess", {"access": "Read", "durationInSeconds": seconds}), 400)
    site.arm_wait("POST", path + "/endGetAccess")


@attack
def signatures_that_only_make(site):
    "a right to create makes what is not there and replaces nothing"
    site.corp
    make = site.sas("corp", "vhds", sp="c")
    with site.unchanged():
        refused("create over a blob", site.blob("PUT", "/corp/vhds/finance.vhd", sas=make, body=b"x"), 403)
        refused("create a page blob over a blob", site.blob("PUT", "/corp/vhds/finance.vhd", {"x-ms-blob-type": "PageBlob", "x-ms-blob-content-length": "512"}, sas=make), 403)
    check("create where nothing is", site.blob("PUT", "/corp/vhds/made", sas=make, body=b"first").status == 201)
    with site.unchanged():
        refused("create again", site.blob("PUT", "/corp/vhds/made", sas=make, body=b"second"), 403)
        for sp in "racdxyltmeopi":
            refused(f"write by {sp}", site.blob("PUT", "/corp/vhds/made", sas=site.sas("corp", "vhds", sp=sp), body=b"third"), 403)
    check("write over it", site.blob("PUT", "/corp/vhds/made", sas=site.sas("corp", "vhds", sp="w"), body=b"fourth").status == 201)
    # the two begin where nothing is; who ends second finds a blob
    text = site.sas("corp", "vhds", sp="c")
    with site.wire() as wire:
        wire.send(head("PUT", "/corp/vhds/raced?" + text, "localhost", {"x-ms-blob-type": "BlockBlob", "x-ms-version": "2021-08-06"}, 4) + b"la")
        check("the other one makes it", until(lambda: site.blob("PUT", "/corp/vhds/raced", sas=text, body=b"early").status == 201))
        wire.send(b"te")
        refused("the one that comes late", wire.answer("PUT"), 403)
    check("what was first stays", site.blob("GET", "/corp/vhds/raced", sas=site.sas("corp", "vhds", sp="r")).body == b"early")


def until(good, seconds=10):
    import time
    end = time.monotonic() + seconds
    while not good():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def claims(site):
    return {n: v for n, v in site.state().items() if "/store/claims/" in n}


@attack
def points_that_are_claimed_by_blobs(site):
    "a blob that looks like one of the service's lets go of no recovery point and keeps nothing from going"
    import json
    site.corp, site.victim
    before = claims(site)
    check("there are claims to lose", before)
    names = ("x.pointy", "x.point", "x.point.tmp-gone", ".x.gone", "x.point.tmp-0", "x%2epoint", "a.page", ".uploads", ".point")
    documents = []
    for name in before:
        region, point, claim = name.split("/")[1], name.split("/")[-2], name.split("/")[-1]
        documents.append({"region": region, "point": point, "claim": claim, "root": "00", "sizeBytes": 1})
    documents += [{"region": "../../x", "point": documents[0]["point"], "claim": documents[0]["claim"]}, {"region": "madeup", "point": documents[0]["point"], "claim": "x"},
                  {"region": documents[0]["region"], "point": "no guid", "claim": "../../x"}]
    stray = [n for n in site.state() if n.startswith("file regions/madeup")]
    for i, document in enumerate(documents):
        check(f"a container {i} is made", site.blob("PUT", f"/corp/mine{i}?restype=container", token="").status == 201)
        for name in names:
            answer = site.blob("PUT", f"/corp/mine{i}/{name}", token="", body=json.dumps(document))
            check(f"a client's {name} is a blob like any other", answer.status in (201, 400), answer)
        listed = site.blob("GET", f"/corp/mine{i}?restype=container&comp=list", token="")
        check(f"container {i} lists them all", listed.body.count(b"<Name>") == len({urllib.parse.unquote(n) for n in names}), listed.body[:600])
        gone = site.blob("DELETE", f"/corp/mine{i}?restype=container", token="")
        check(f"container {i} goes", gone.status == 202, gone)
    check("every claim is still there", claims(site) == before, sorted(before.keys() ^ claims(site).keys())[:4])
    check("no store was made", [n for n in site.state() if n.startswith("file regions/madeup")] == stray)


@attack(fresh=True)
def accounts_that_are_made_anew(site):
    "who was let into an account is not let into the next one of its name"
    site.account("corp")
    site.blob("PUT", "/corp/vhds?restype=container", token="")
    old = site.sas("corp", "vhds", sp="rwd")
    wires = []
    for method, more in (("DELETE", {}), ("PUT", {"x-ms-blob-type": "BlockBlob"}), ("GET", {})):
        wire = site.wire(timeout=60)
        wire.send(head(method, "/corp/vhds/finance.vhd?" + old, "localhost", {"x-ms-version": "2021-08-06", **more}, 4) + b"ab")
        wires.append((method, wire))
    site.blob("GET", "/corp/vhds/x", sas=old)
    site.arm_wait("DELETE", f"@/resourceGroups/{site.group}/providers/Microsoft.Storage/storageAccounts/corp")
    site.account("corp")
    for answer in (site.blob("PUT", "/corp/vhds?restype=container", token=""), site.blob("PUT", "/corp/vhds/finance.vhd", token="", body=b"of the next one")):
        check("the next account has a blob", answer.status == 201, answer)
    with site.unchanged():
        for method, wire in wires:
            wire.send(b"cd")
            answer = wire.answer(method)
            refused(f"{method} begun in the account before", answer, 404)
            check(f"{method} tells nothing", b"next one" not in answer.body)
            wire.close()
    check("the blob is what it was", site.blob("GET", "/corp/vhds/finance.vhd", token="").body == b"of the next one")


@attack(fresh=True)
def uploads_that_are_cut(site):
    "an upload that a kill has cut is nowhere: no blob, no file"
    import os
    site.corp
    write = site.sas("corp", "vhds", sp="rwl")
    wires = [site.wire() for _ in range(3)]
    for i, wire in enumerate(wires):
        wire.send(head("PUT", f"/corp/vhds/cut{i}?{write}", "localhost", {"x-ms-blob-type": "BlockBlob", "x-ms-version": "2021-08-06"}, 1 << 20) + bytes(300000))

    def files():
        return sorted(os.path.relpath(os.path.join(place, name), site.data) for place, _, found in os.walk(os.path.join(site.data, "accounts")) for name in found)
    check("the uploads are under way", until(lambda: len(files()) >= 6), files())
    site.kill()
    for wire in wires:
        wire.close()
    site.start()
    check("nothing of them is left", files() == ["accounts/corp/vhds/" + name for name in (".container.json", ".finance.vhd.blob/data", ".finance.vhd.blob/properties.json")], files())
    listed = site.blob("GET", "/corp/vhds?restype=container&comp=list", sas=write)
    check("none of them is listed", listed.body.count(b"<Name>") == 1, listed.body[:400])
    check("their names are free", site.blob("PUT", "/corp/vhds/cut0", sas=write, body=b"whole").status == 201)


@attack
def numbers_and_places(site):
    "counts, LUNs, hours and places that are out of bounds are refused, and nothing is made of them"
    base = f"@/resourceGroups/{site.group}/providers/"
    policy = base + f"Microsoft.RecoveryServices/vaults/{site.vault}/backupPolicies/bounds"
    huge = (0, -1, 10000, 2 ** 31, 2 ** 53, 2 ** 63 - 1, -2 ** 63, "9" * 30, "1e3", 1.5, [], {})
    def daily(count=30, kind="Days", times=("2026-01-01T02:00:00Z",)):
        return {"properties": {"backupManagementType": "AzureIaasVM", "schedulePolicy": {"schedulePolicyType": "SimpleSchedulePolicy", "scheduleRunFrequency": "Daily", "scheduleRunTimes": list(times)},
                               "retentionPolicy": {"retentionPolicyType": "LongTermRetentionPolicy", "dailySchedule": {"retentionTimes": list(times), "retentionDuration": {"count": count, "durationType": kind}}}}}
    with site.unchanged():
        for count in huge:
            for kind in ("Days", "Years"):
                refused(f"a retention of {str(count)[:12]} {kind}", site.arm("PUT", policy, daily(count, kind)), 400)
        refused("a retention of 30 Aeons", site.arm("PUT", policy, daily(30, "Aeons")), 400)
        refused("a thousand backups a day", site.arm("PUT", policy, daily(times=["2026-01-01T02:00:00Z"] * 1000)), 400)
        for place in ("x" * 1200, "east/us", "", "eastus\n", "<b>", "..", "$(id)", 7, None):
            refused(f"a group in {str(place)[:9]!r}", site.arm("PUT", "@/resourceGroups/elsewhere", {"location": place}), 400)
            refused(f"a network in {str(place)[:9]!r}", site.arm("PUT", base + "Microsoft.Network/virtualNetworks/elsewhere", {"location": place, "properties": {"addressSpace": {"addressPrefixes": ["10.7.0.0/16"]}}}), 400)
        for size in (-1, 65537, 2 ** 31, 2 ** 63 - 1, "9" * 30, 1.5):
            refused(f"a disk of {str(size)[:12]} GiB", site.arm("PUT", base + "Microsoft.Compute/disks/huge", {"location": "eastus", "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": size}}), 400)


ACCOUNT_API = "2023-05-01"


def set_account(site, name, properties):
    path = f"@/resourceGroups/{site.group}/providers/Microsoft.Storage/storageAccounts/{name}"
    return site.arm("PATCH", path, {"properties": properties}, api=ACCOUNT_API)


def kept(site, name, properties):
    answer = set_account(site, name, properties)
    check(f"{properties} is taken", answer.status == 200, answer)
    shown = site.arm("GET", f"@/resourceGroups/{site.group}/providers/Microsoft.Storage/storageAccounts/{name}", api=ACCOUNT_API).json["properties"]

    def inside(small, big):
        return all(k in big and (inside(v, big[k]) if isinstance(v, dict) else big[k] == v) for k, v in small.items())
    check(f"{properties} is shown", inside(properties, shown), shown)


@attack
def settings_of_an_account(site):
    "a setting that is shown is kept: who is shut out by it gets nothing, with any right"
    import ssl
    site.account("closed")
    site.blob("PUT", "/closed/vhds?restype=container", token="")
    site.blob("PUT", "/closed/vhds/x", token="", body=b"of the account")
    key, sas = site.account_key("closed"), site.sas("closed", "vhds", sp="rwdl")
    ways = (("a token", {"token": ""}), ("a key", {"key": key}), ("a signature", {"sas": sas}))

    def shut(why, status=403, code="AuthorizationFailure"):
        with site.unchanged():
            for who, right in ways:
                for method, path, body in (("GET", "/closed/vhds/x", b""), ("PUT", "/closed/vhds/x", b"other"), ("PUT", "/closed/vhds/new", b"new"), ("DELETE", "/closed/vhds/x", b""),
                                           ("GET", "/closed/vhds?restype=container&comp=list", b"")):
                    answer = site.blob(method, path, body=body, **right)
                    check(f"{why}: {method} {path[:14]} with {who}", answer.status == status and answer.code == code, answer)

    def opened(why):
        for who, right in ways:
            answer = site.blob("GET", "/closed/vhds/x", **right)
            check(f"{why}: reads with {who}", answer.status == 200 and answer.body == b"of the account", answer)

    kept(site, "closed", {"publicNetworkAccess": "Disabled"})
    shut("publicNetworkAccess")
    kept(site, "closed", {"publicNetworkAccess": "Enabled", "networkAcls": {"defaultAction": "Deny", "ipRules": [{"value": "192.0.2.0/24", "action": "Allow"}]}})
    shut("defaultAction")
    check("a forwarded address is not believed", site.blob("GET", "/closed/vhds/x", {"X-Forwarded-For": "192.0.2.1", "Forwarded": "for=192.0.2.1", "X-Real-IP": "192.0.2.1"}, key=key).status == 403)
    kept(site, "closed", {"networkAcls": {"ipRules": [{"value": "127.0.0.0/8", "action": "Allow"}]}})
    opened("an address that is let in")
    kept(site, "closed", {"networkAcls": {"defaultAction": "Allow", "ipRules": []}, "minimumTlsVersion": "TLS1_3"})
    opened("TLS 1.3")
    old = ssl.create_default_context(cafile=site.ca) if hasattr(site, "ca") else ssl._create_unverified_context()
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with site.wire(context=old) as wire:
        wire.send(head("GET", "/closed/vhds/x?" + sas, "localhost"))
        answer = wire.answer()
        check("TLS 1.2 is refused", answer.status == 400 and answer.code == "TlsVersionNotPermitted", answer)
    kept(site, "closed", {"minimumTlsVersion": "TLS1_2", "allowSharedKeyAccess": False})
    check("keys that are not allowed", site.blob("GET", "/closed/vhds/x", key=key).status == 403 and site.blob("GET", "/closed/vhds/x", sas=sas).status == 403)
    check("a token is", site.blob("GET", "/closed/vhds/x", token="").status == 200)
    kept(site, "closed", {"allowSharedKeyAccess": True})
    opened("open again")
    with site.unchanged():
        for properties in ({"publicNetworkAccess": "SecuredByPerimeter"}, {"networkAcls": {"virtualNetworkRules": [{"id": "/x"}]}}, {"supportsHttpsTrafficOnly": False}, {"allowBlobPublicAccess": True},
                           {"encryption": {"keySource": "Microsoft.Keyvault"}}, {"immutableStorageWithVersioning": {"enabled": True}}, {"sasPolicy": {"sasExpirationPeriod": "1.00:00:00"}},
                           {"keyPolicy": {"keyExpirationPeriodInDays": 1}}, {"isSftpEnabled": True}, {"networkAcls": {"ipRules": [{"value": "0.0.0.0/0", "action": "Deny"}]}}, {"networkAcls": {"ipRules": [{"value": "all"}]}}):
            answer = set_account(site, "closed", properties)
            check(f"{properties} is refused", answer.status == 400, answer)


@attack
def settings_of_a_disk(site):
    "a disk that says that nobody reads it over the network is handed out to nobody"
    path = disk(site, "shut")
    url = granted(site, path)
    check("it is read", site.blob("GET", url.path, sas=url.query).status == 200)
    site.arm_wait("PATCH", path, {"properties": {"networkAccessPolicy": "DenyAll"}})
    check("DenyAll is shown", site.arm("GET", path).json["properties"].get("networkAccessPolicy") == "DenyAll")
    refused("the URL from before", site.blob("GET", url.path, sas=url.query))
    for properties in ({"networkAccessPolicy": "DenyAll"}, {"networkAccessPolicy": "AllowAll", "publicNetworkAccess": "Disabled"}):
        site.arm_wait("PATCH", path, {"properties": properties})
        refused(f"a new URL with {properties}", site.arm("POST", path + "/beginGetAccess", {"access": "Read", "durationInSeconds": 600}), 409)
    for properties in ({"networkAccessPolicy": "AllowPrivate"}, {"diskAccessId": "/x"}, {"encryption": {"type": "EncryptionAtRestWithCustomerKey"}}):
        refused(f"{properties}", site.arm("PATCH", path, {"properties": properties}), 400)
    site.arm_wait("PATCH", path, {"properties": {"publicNetworkAccess": "Enabled"}})
    check("open again", granted(site, path).path != url.path)
    site.arm_wait("POST", path + "/endGetAccess")
    vault = f"@/resourceGroups/{site.group}/providers/Microsoft.RecoveryServices/vaults/{site.vault}"
    site.arm_wait("PATCH", vault, {"properties": {"publicNetworkAccess": "Disabled"}})
    refused("what is below a vault that is closed to the public", site.arm("GET", vault + "/backupPolicies"), 403)
    site.arm_wait("PATCH", vault, {"properties": {"publicNetworkAccess": "Enabled"}})
    check("open again", site.arm("GET", vault + "/backupPolicies").status == 200)
    encryption = {"encryption": {"infrastructureEncryption": "Enabled"}}
    refused(f"a vault with {encryption}", site.arm("PATCH", vault, {"properties": encryption}), 400)


@attack
def accounts_that_hide_urls(site):
    "no account takes the place of a URL of the site's own"
    base = f"@/resourceGroups/{site.group}/providers/Microsoft.Storage/storageAccounts/"
    with site.unchanged():
        for name in ("organizations", "peer", "common", "agent", "adfs", "metadata", "providers", "subscriptions", "tenants", "oauth2", "md-access", "agent-cache"):
            answer = site.arm("PUT", base + name, {"location": "eastus", "sku": {"name": "Standard_LRS"}, "kind": "StorageV2", "properties": {}})
            check(f"an account {name}", answer.status == 400 and answer.code in ("AccountNameInvalid", "InvalidResourceName"), answer)


@attack
def blocks_that_are_many(site):
    "blobs of many blocks are made while the site answers others"
    import threading
    import time
    site.corp
    token = site.owner_token("https://storage.azure.com/.default")
    names, made, longest = [f"/corp/vhds/many{i}" for i in range(10)], [], 0
    body = ("<BlockList>" + "<Latest>QUFB</Latest>" * 2000 + "</BlockList>").encode()
    for name in names:
        site.blob("PUT", name + "?comp=block&blockid=QUFB", {}, b"y", token=token)
    threads = [threading.Thread(target=lambda name=name: made.append(site.blob("PUT", name + "?comp=blocklist", {}, body, token=token).status)) for name in names]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        began = time.time()
        site.ask("GET", "/providers?api-version=2021-04-01")
        longest = max(longest, time.time() - began)
        time.sleep(0.1)
    check("all of them are made", made == [201] * len(names), made)
    check("and are whole", site.blob("GET", names[0], token=token).body == b"y" * 2000)
    check("nobody has waited for them", longest < 10, longest)
    for name in names:
        site.blob("DELETE", name, token=token)


@attack
def disks_that_outlive_their_machine(site):
    "a disk that is deleted takes no machine with it, wherever that machine's own disks lie"
    base = f"@/resourceGroups/{site.group}/providers/"
    system, spare, net = base + "Microsoft.Compute/disks/system", base + "Microsoft.Compute/disks/spare", base + "Microsoft.Network/virtualNetworks/outlive"
    site.arm_wait("PUT", system, {"location": "eastus", "properties": {"osType": "Linux", "diskSizeGB": 1, "creationData": {"createOption": "Empty"}}})
    site.arm_wait("PUT", net, {"location": "eastus", "properties": {"addressSpace": {"addressPrefixes": ["10.9.0.0/16"]}, "subnets": [{"name": "s", "properties": {"addressPrefix": "10.9.0.0/24"}}]}})
    subnet = site.arm("GET", net).json["properties"]["subnets"][0]["id"]

    def make(name):
        nic = base + "Microsoft.Network/networkInterfaces/nic-" + name
        site.arm_wait("PUT", nic, {"location": "eastus", "properties": {"ipConfigurations": [{"name": "ip", "properties": {"subnet": {"id": subnet}}}]}})
        disk_id, nic_id = site.arm("GET", system).json["id"], site.arm("GET", nic).json["id"]
        path = base + "Microsoft.Compute/virtualMachines/" + name
        site.arm_wait("PUT", path, {"location": "eastus", "properties": {
            "hardwareProfile": {"vmSize": "Standard_B1s"}, "networkProfile": {"networkInterfaces": [{"id": nic_id}]},
            "storageProfile": {"osDisk": {"osType": "Linux", "createOption": "Attach", "managedDisk": {"id": disk_id}}}}})
        return path

    def power(path):
        return [s["code"] for s in site.arm("GET", path + "?$expand=instanceView").json["properties"]["instanceView"]["statuses"]]

    site.arm_wait("DELETE", make("first"))  # its disk stays in its directory
    second = make("second")
    for disks in ([{"lun": 0, "name": "spare", "createOption": "Empty", "diskSizeGB": 1}], []):
        site.arm_wait("PATCH", second, {"properties": {"storageProfile": {"dataDisks": disks}}})
    site.arm_wait("DELETE", spare)
    check("the disk is gone, and the machine runs", site.arm("GET", spare).status == 404 and "PowerState/running" in power(second), power(second))
    site.arm_wait("DELETE", second)
    site.arm_wait("DELETE", system)


READER, CONTRIBUTOR, BLOB_READER = ("acdd72a7-3385-48ef-bd42-f606fba81ae7", "b24988ac-6180-42a0-ab88-20f7382dd24c",
                                    "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1")
ROLES = "/providers/Microsoft.Authorization/roleAssignments/"


class Principal:
    """Somebody without a role: arm() and blob() as the site's, by tokens of its own."""

    def __init__(self, site, name):
        made = site.arm("POST", "/landfall/servicePrincipals", {"displayName": name})
        check(f"a principal {name} is made, its secret told once", made.status == 201 and made.json.get("secret"), made.status)
        self.site, self.id, self.app, self.secret = site, made.json["objectId"], made.json["appId"], made.json["secret"]
        self.token = self.sign_in(None)
        self.storage = self.sign_in("https://storage.azure.com/.default")

    def sign_in(self, scope):
        return (self.site.token(scope, self.app, self.secret).json or {}).get("access_token")

    def arm(self, method, path, body=None):
        return self.site.arm(method, path, body, token=self.token)

    def blob(self, method, path, body=b""):
        return self.site.blob(method, path, body=body, token=self.storage)

    def give(self, scope, role):
        """The name of the assignment."""
        name = str(uuid.uuid4())
        answer = self.site.arm("PUT", scope + ROLES + name, {"properties": {
            "roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/" + role, "principalId": self.id}})
        check(f"a role is given at {scope or '/'}", answer.status == 201, answer)
        return name


def tries_every_operation(site, who, what, wanted):
    """Each operation whose right wanted() does not let pass is 403 and names it."""
    bad, n = [], 0
    for method, path, action in routes(site):
        if not wanted(action):
            continue
        answer, n = who.arm(method, path, {} if method in ("PUT", "PATCH", "POST") else None), n + 1
        message = ((answer.json or {}).get("error") or {}).get("message", "")
        if answer.status != 403 or answer.code != "AuthorizationFailed" or action.lower() not in message.lower() or who.id not in message:
            bad.append((method, path, answer))
    check(f"{what}: each of {n} operations is refused, and the answer names who and what", n > 100 and not bad, bad[:2])


def takes_nothing_of_others(site, who):
    "who may make things in its group makes none of what is another's"
    check("a group of its own", site.arm("PUT", "@/resourceGroups/mine", {"location": "eastus"}).status == 201)
    who.give("@/resourceGroups/mine", CONTRIBUTOR)
    mine, theirs = (f"@/resourceGroups/{group}/providers/Microsoft." for group in ("mine", "hidden"))
    check("a group of another", site.arm("PUT", "@/resourceGroups/hidden", {"location": "eastus"}).status == 201)
    site.arm_wait("PUT", theirs + "Compute/disks/secret", {"location": "eastus", "properties": {"diskSizeGB": 1, "creationData": {"createOption": "Empty"}}})
    site.arm_wait("PUT", theirs + "Storage/storageAccounts/hiddenstore", {"location": "eastus", "sku": {"name": "Standard_LRS"}, "kind": "StorageV2", "properties": {}})
    other = site.arm("GET", theirs + "Compute/disks/secret").json["id"]
    for what, path, properties in (
            ("a disk of a disk", "Compute/disks/x", {"creationData": {"createOption": "Copy", "sourceResourceId": other}}),
            ("a disk of a blob", "Compute/disks/x", {"creationData": {"createOption": "Import", "sourceUri": site.url + "/hiddenstore/vhds/finance.vhd"}}),
            ("a machine of a disk", "Compute/virtualMachines/x", {"storageProfile": {"osDisk": {"createOption": "Attach", "managedDisk": {"id": other}}}}),
            ("points of a machine", "Compute/restorePointCollections/x", {"source": {"id": other.replace("/disks/secret", "/virtualMachines/vm")}}),
            ("an interface of a subnet", "Network/networkInterfaces/x", {"ipConfigurations": [{"name": "a", "properties": {"subnet": {"id": theirs.replace("@", "/subscriptions/" + site.subscription) + "Network/virtualNetworks/n/subnets/s"}}}]})):
        answer = who.arm("PUT", mine + path, {"location": "eastus", "properties": properties})
        check(f"{what} of others is refused", answer.status == 403 and answer.code == "LinkedAuthorizationFailed", answer)
    check("of its own it makes a disk", who.arm("PUT", mine + "Compute/disks/own", {"location": "eastus", "properties": {"diskSizeGB": 1, "creationData": {"createOption": "Empty"}}}).status in (200, 201, 202))
    refused("it removes no principal", who.arm("DELETE", "/landfall/servicePrincipals/" + who.app), 403)


@attack(fresh=True)
def one_role_too_few(site):
    "who has no role, or one that reads, changes nothing, whatever is tried; nor does a data role reach further than its account"
    open_to_all = ("Microsoft.Resources/tenants/read", "Microsoft.Resources/providers/operations/read", "Microsoft.Resources/subscriptions/read")
    corp = site.corp and f"@/resourceGroups/{site.group}/providers/Microsoft.Storage/storageAccounts/corp"
    who = Principal(site, "nobody")
    with site.unchanged():
        tries_every_operation(site, who, "without a role", lambda action: action not in open_to_all)
        check("it sees no subscription", who.arm("GET", "/subscriptions").json.get("value") == [])
        refused("nor blobs", who.blob("GET", "/corp/vhds/finance.vhd"), 403)
    name = who.give("@", READER)
    with site.unchanged():
        tries_every_operation(site, who, "as a reader", lambda action: not action.lower().endswith("/read"))
        check("it reads", who.arm("GET", corp).status == 200)
        check("it sees its subscription", len(who.arm("GET", "/subscriptions").json["value"]) == 1)
        refused("but no blobs", who.blob("GET", "/corp/vhds/finance.vhd"), 403)
        refused("nor the site's audit log", who.arm("GET", "/landfall/audit"), 403)
    who.give(corp, BLOB_READER)
    with site.unchanged():
        check("a data role reads blobs", who.blob("GET", "/corp/vhds/finance.vhd").status == 200)
        refused("writes none", who.blob("PUT", "/corp/vhds/finance.vhd", b"x"), 403)
        refused("removes none", who.blob("DELETE", "/corp/vhds/finance.vhd"), 403)
        refused("makes no container", who.blob("PUT", "/corp/new?restype=container"), 403)
    who.give(f"@/resourceGroups/{site.group}", CONTRIBUTOR)
    with site.unchanged():
        refused("a contributor gives no roles", who.arm("PUT", f"@/resourceGroups/{site.group}" + ROLES + str(uuid.uuid4()), {}), 403)
        refused("nor outside its group anything", who.arm("PUT", "@/resourceGroups/other", {"location": "eastus"}), 403)
        refused("nor takes the first principal's", who.arm("DELETE", ROLES + str(uuid.uuid4())), 403)
    check("a contributor writes in its group", who.arm("PATCH", corp, {"tags": {"a": "b"}}).status == 200)
    takes_nothing_of_others(site, who)
    check("what was given is taken", site.arm("DELETE", "@" + ROLES + name).status == 200)
    refused("and is not there any more", who.arm("GET", "@/resourceGroups"), 403)
    check("a principal goes", site.arm("DELETE", "/landfall/servicePrincipals/" + who.app).status == 200)
    refused("its token is of no use", who.arm("GET", corp), 403)
    refused("nor is its secret", site.token(None, who.app, who.secret), 401)


@attack(fresh=True)
def roles_that_cannot_be_given(site):
    "an assignment that says what is not obeyed is refused, and the first principal keeps its roles"
    role = "/providers/Microsoft.Authorization/roleDefinitions/" + READER
    who = Principal(site, "somebody")
    good = {"roleDefinitionId": role, "principalId": who.id}
    name = str(uuid.uuid4())
    with site.unchanged():
        for what, status, code, path, properties in (
                ("a name that is no GUID", 400, "InvalidRoleAssignmentId", "reader", good),
                ("a role that there is not", 404, "RoleDefinitionDoesNotExist", name, {**good, "roleDefinitionId": role[:-1] + "0"}),
                ("a principal that there is not", 400, "PrincipalNotFound", name, {**good, "principalId": str(uuid.uuid4())}),
                ("a principal of another type", 400, "UnmatchedPrincipalType", name, {**good, "principalType": "User"}),
                ("a condition", 400, "UnsupportedRoleAssignmentProperty", name, {**good, "condition": "true", "conditionVersion": "2.0"}),
                ("no role", 400, None, name, {"principalId": who.id})):
            answer = site.arm("PUT", "@" + ROLES + path, {"properties": properties})
            check(f"{what} is refused", answer.status == status and (not code or answer.code == code), answer)
        refused("a scope that is not there", site.arm("PUT", "@/resourceGroups/none" + ROLES + name, {"properties": good}), 404)
        listed = site.arm("GET", "@/providers/Microsoft.Authorization/roleAssignments").json["value"]
        for row in listed:
            refused("the first principal's role stays", site.arm("DELETE", row["id"]), 409)
        refused("and so does it", site.arm("DELETE", "/landfall/servicePrincipals/" + site.env["LF_CLIENT_ID"]), 409)
        for text in ("atScope() or x", "principalId eq", "nothing eq 'x'", "assignedTo('", "atScope() and"):
            refused(f"the filter {text}", site.arm("GET", "@/providers/Microsoft.Authorization/roleAssignments?$filter=" + urllib.parse.quote(text)), 400)
    who.give("@", READER)
    listed = lambda text: len(site.arm("GET", "@/providers/Microsoft.Authorization/roleAssignments?$filter=" + urllib.parse.quote(text)).json["value"])
    check("filters are obeyed", (listed("atScope()"), listed(f"principalId eq '{who.id}'"), listed(f"assignedTo('{who.id}')"), listed(f"atScope() and principalId eq '{uuid.uuid4()}'")) == (3, 1, 1, 0))
    answer = site.arm("PUT", "@" + ROLES + str(uuid.uuid4()), {"properties": good})
    check("the same again is told", answer.status == 409 and answer.code == "RoleAssignmentExists", answer)


@attack(fresh=True)
def what_is_locked(site):
    "a lock holds for the owner, at its scope, below it, and for a group that has it in it"
    group, account = f"@/resourceGroups/{site.group}", site.corp and f"@/resourceGroups/{site.group}/providers/Microsoft.Storage/storageAccounts/corp"
    locks = "/providers/Microsoft.Authorization/locks/keep"

    def locked(what, answer):
        check(what, answer.status == 409 and answer.code == "ScopeLocked", answer)

    refused("a lock of no level", site.arm("PUT", account + locks, {"properties": {}}), 400)
    refused("a lock of another level", site.arm("PUT", account + locks, {"properties": {"level": "NotSpecified"}}), 400)
    check("a lock is made", site.arm("PUT", account + locks, {"properties": {"level": "CanNotDelete", "notes": "mine"}}).status == 201)
    with site.unchanged():
        locked("what is locked is not deleted", site.arm("DELETE", account))
        locked("nor is its group", site.arm("DELETE", group))
    check("it is written", site.arm("PATCH", account, {"tags": {"a": "b"}}).status == 200)
    check("a lock that only reads is made", site.arm("PUT", "@" + locks, {"properties": {"level": "ReadOnly"}}).status == 201)
    with site.unchanged():
        locked("below it nothing is written", site.arm("PATCH", account, {"tags": {"a": "c"}}))
        locked("nothing is made", site.arm("PUT", "@/resourceGroups/new", {"location": "eastus"}))
        locked("no key is listed", site.arm("POST", account + "/listKeys"))
        check("it is read", site.arm("GET", account).json["tags"] == {"a": "b"})
        check("locks are listed", len(site.arm("GET", "@/providers/Microsoft.Authorization/locks").json["value"]) == 2)
    check("the lock goes", site.arm("DELETE", "@" + locks).status == 200 and site.arm("DELETE", "@" + locks).status == 204)
    check("and the other", site.arm("DELETE", account + locks).status == 200)
    check("then what it held", site.arm("DELETE", account).status == 200)
