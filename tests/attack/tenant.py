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
