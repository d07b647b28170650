# SPDX-License-Identifier: Apache-2.0
"""A guest: whoever decides what is on a disk that is imported, backed up, restored or looked at."""
import os
import stat
import struct
import subprocess

from lib import TOP, Agent, attack, check


def image(site, name, data, size=1 << 20, tail=b""):
    path = os.path.join(site.dir, name)
    with open(path, "wb") as f:
        f.write(data.ljust(size - len(tail), b"\0") + tail)
    return path


def footer(size, kind=2, good=True):
    """of a VHD; kind 2: fixed, 3: dynamic, 4: differencing"""
    f = bytearray(b"conectix" + struct.pack(">IIQI4sI4sQQHBBII16s", 2, 0x10000, 2 ** 64 - 1, 0, b"win ", 0x10000, b"Wi2k", size, size, 1, 1, 1, kind, 0, bytes(16)).ljust(504, b"\0"))
    f[64:68] = struct.pack(">I", ~sum(f) & 0xffffffff if good else 1)
    return bytes(f)


@attack
def images_of_other_formats(site):
    "what is no raw image and no fixed VHD is never a disk, by the command line or as a page blob"
    site.account("images")
    mib = 1 << 20
    bad = {"qcow2": image(site, "a.img", b"QFI\xfb\0\0\0\3"), "vhdx": image(site, "b.img", b"vhdxfile"), "vmdk": image(site, "c.img", b"KDMV\1\0\0\0"),
           "gzip": image(site, "d.img", b"\x1f\x8b\x08\0"), "vdi": image(site, "e.img", bytes(64) + b"\x7f\x10\xda\xbe"),
           "dynamic": image(site, "f.img", footer(mib, 3), tail=footer(mib, 3)), "differencing": image(site, "g.img", footer(mib, 4), tail=footer(mib, 4)),
           "size": image(site, "h.img", b"", mib + 512, footer(mib * 2)), "damaged": image(site, "i.img", b"", mib + 512, footer(mib, good=False))}
    with site.unchanged(ignore=("file accounts/*", "file blobs/*", "row */jobs/*")):
        for what, path in bad.items():
            status, text = site.lf_try("disk", "import", "wrong", path, "--group", site.group, "--account", "images")
            check(f"landfall disk import: {what}", status == 2 and ("convert" in text or "unpack" in text or "copy" in text), f"{status} {text}")
            done = subprocess.run([os.path.join(site.build, "landfall"), "vault", "ingest", os.path.join(site.dir, "none"), path, "--disk", "d"], capture_output=True, text=True, check=False)
            check(f"landfall vault ingest: {what}", done.returncode == 2 and ("this is" in done.stderr or "footer" in done.stderr), done)
        made = site.blob("PUT", "/images/raw?restype=container", token="")
        check("a container", made.status == 201, made)
        for what, path in bad.items():
            data = open(path, "rb").read()
            blob = f"/images/raw/{what}.vhd"
            made = site.blob("PUT", blob, {"x-ms-blob-type": "PageBlob", "x-ms-blob-content-length": str(len(data))}, token="")
            check(f"a page blob: {what}", made.status == 201, made)
            for at in (0, len(data) - 512):
                put = site.blob("PUT", blob + "?comp=page", {"x-ms-page-write": "update", "x-ms-range": f"bytes={at}-{at + 511}"}, data[at:at + 512], token="")
                check(f"its pages: {what} {at}", put.status == 201, put)
            answer = site.arm("PUT", f"@/resourceGroups/{site.group}/providers/Microsoft.Compute/disks/{what}", {"location": "eastus", "properties": {"creationData": {
                "createOption": "Import", "sourceUri": f"https://127.0.0.1:{site.port}{blob}",
                "storageAccountId": f"/subscriptions/{site.subscription}/resourceGroups/{site.group}/providers/Microsoft.Storage/storageAccounts/images"}}})
            check(f"a disk of that blob: {what}", answer.status == 400 and answer.code == "InvalidVhd", answer)
    good = image(site, "good.img", b"QFI\xfb", mib + 512, footer(mib))
    site.lf("disk", "import", "good", good, "--group", site.group, "--account", "images")
    disk = site.arm("GET", f"@/resourceGroups/{site.group}/providers/Microsoft.Compute/disks/good")
    check("a fixed VHD is the disk before its footer", disk.json["properties"]["diskSizeBytes"] == mib, disk)


# an export is served by nbdkit, which has no sanitizer: it takes the plugin of the plain build, where there is one
PLUGIN = os.path.join(TOP, "build", "nbdkit-landfall-plugin.so")


def hostile_file_system(site, pwned):
    """ext4 with programs of root's, devices and links, and a label that is a command"""
    tree = os.path.join(site.dir, "tree")
    os.makedirs(tree)
    program = os.path.join(tree, "suid")
    with open(program, "w") as f:
        f.write(f"#!/bin/sh\ntouch {pwned}\n")
    os.chmod(program, 0o6755)
    os.mknod(os.path.join(tree, "mem"), 0o600 | stat.S_IFCHR, os.makedev(1, 5))  # /dev/zero
    os.symlink("/etc/hostname", os.path.join(tree, "link"))
    os.makedirs(os.path.join(tree, "$(id)\n;x"))
    path = os.path.join(site.dir, "hostile.img")
    subprocess.run(["mkfs.ext4", "-q", "-O", "^has_journal", "-L", "';id;\n$(id)", "-d", tree, path, "1m"], check=True, capture_output=True)
    with open(path, "rb") as f:
        return f.read()


@attack(env={"LF_NBD_PLUGIN": PLUGIN} if os.path.exists(PLUGIN) else {"LF_TEST": "1"})
def files_of_a_hostile_disk(site):
    "whoever mounts the files of a recovery point runs nothing that its machine wrote"
    pwned = os.path.join(site.dir, "PWNED")
    data = hostile_file_system(site, pwned)
    guest = Agent(site, "web1")
    guest.protect(site.vault)
    guest.backup({page: data[4096 * page:4096 * page + 4096] for page in range(len(data) // 4096) if any(data[4096 * page:4096 * page + 4096])})
    script, top = os.path.join(site.dir, "files.sh"), os.path.join(site.dir, "mounted")
    site.lf("backup", "files", "web1", "--vault", site.vault, "--to", script)
    text = open(script, encoding="utf-8").read()
    check("the script does not hold the machine's name", "web1" not in text)
    check("the script, which holds a key, is its owner's alone", stat.S_IMODE(os.stat(script).st_mode) == 0o700, oct(os.stat(script).st_mode))
    kept = [os.path.join(place, name) for place, _, names in os.walk(os.path.join(site.data, "files")) for name in names]
    loose = [(os.path.relpath(name, site.data), oct(os.stat(name).st_mode)) for name in kept if not name.endswith("/pid") and os.stat(name).st_mode & 0o077]  # nbdkit's own is a number
    check("so is what the site keeps of it", kept and not loose, loose)
    up = subprocess.run(["sh", script, "up", top], capture_output=True, text=True, check=False, timeout=120)
    try:
        mounts = [line.split() for line in open("/proc/mounts", encoding="utf-8") if f" {top}/" in line and "/.landfall" not in line]
        check("the file system is mounted", len(mounts) == 1, f"{up.returncode} {up.stdout} {up.stderr}")
        options = mounts[0][3].split(",") if mounts else []
        for option in ("ro", "nosuid", "nodev", "noexec"):
            check(f"it is mounted {option}", option in options, options)
        place = mounts[0][1] if mounts else top
        check("others of this host cannot look into it", stat.S_IMODE(os.stat(top).st_mode) == 0o700, oct(os.stat(top).st_mode))
        try:
            subprocess.run([os.path.join(place, "suid")], capture_output=True, check=False)
            ran = True
        except OSError:
            ran = False
        check("its program does not run", not ran and not os.path.exists(pwned))
        try:
            open(os.path.join(place, "mem"), "rb").close()
            opened = True
        except OSError:
            opened = False
        check("its device does not open", not opened)
    finally:
        down = subprocess.run(["sh", script, "down", top], capture_output=True, text=True, check=False, timeout=60)
    check("it is taken away again", down.returncode == 0 and not any(f" {top}/" in line for line in open("/proc/mounts", encoding="utf-8")), down)
    check("nothing of it was run", not os.path.exists(pwned))
    site.lf("backup", "files", "web1", "--vault", site.vault, "--revoke")
