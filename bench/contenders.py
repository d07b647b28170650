"""What is measured: Landfall and what a user would pick instead, each a chain of steps on the same disks.

A contender is a generator of Step and Reads; what it does between two of them is not measured.
"""
import dataclasses
import glob
import json
import os
import shutil
import subprocess

import measure

# In the order of the table.
STEPS = ["full A", "compact A", "full B", "A1, map", "A2, map", "A3, map", "A1", "A2", "A3", "restore A3", "verify", "list", "diff A2 A3",
         "open + 64 x 1 MiB", "NBD 64 KiB", "drop + collect", "read A"]


@dataclasses.dataclass
class Step:
    """A command, the image it reads, and the disk that it has to have made."""
    name: str
    command: object
    source: str = ""
    restored: str = ""
    tells: bool = False  # prints what it read and where it put it, as JSON
    answer: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Reads:
    """A server that runs as long as it is asked: reads at random places, and what appears when it is ready."""
    name: str
    server: list
    address: str
    ready: str
    size: int
    count: int
    stop: list = None


class Place:
    """Where things are in one round of one contender."""

    def __init__(self, work, corpus, top):
        self.work, self.corpus, self.top = work, corpus, top
        at = lambda name: os.path.join(work, name)
        self.store, self.other, self.out, self.slot, self.mount, self.socket = (at(n) for n in ("store", "other", "out", "slot", "mount", "nbd"))
        self.env = dict(os.environ, RESTIC_PASSWORD="bench", BORG_PASSPHRASE="bench", RESTIC_CACHE_DIR=at("restic-cache"),
                        BORG_BASE_DIR=at("borg-base"), BORG_RELOCATED_REPO_ACCESS_IS_OK="yes", BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK="yes",
                        LC_ALL="C")

    def caches(self, store):
        """What may be lost at any time, and is made anew."""
        return [os.path.join(store, "index"), os.path.join(store, "prints"), self.env["RESTIC_CACHE_DIR"], self.env["BORG_BASE_DIR"]]

    def clean(self):
        for name in ("store", "other", "out", "slot", "mount", "nbd", "restic-cache", "borg-base"):
            path = os.path.join(self.work, name)
            if os.path.isdir(path):
                shutil.rmtree(path)
            elif os.path.exists(path):
                os.unlink(path)
        for folder in (self.slot, self.mount, self.out):
            os.makedirs(folder)

    def disk(self, day):
        return os.path.join(self.corpus, day + ".raw")

    def disk_in_slot(self, day):
        """The machine's disk under one name, as it is day by day."""
        path = os.path.join(self.slot, "disk.raw")
        if os.path.exists(path):
            os.unlink(path)
        try:
            os.link(self.disk(day), path)
        except OSError:
            subprocess.run(["cp", "--sparse=always", self.disk(day), path], check=True)
        return path

    def ask(self, *command):
        done = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, env=self.env, text=True)
        if done.returncode:
            raise measure.Failed("%s: %s" % (" ".join(command), done.stderr[-800:]))
        return done.stdout


def landfall(place):
    program = os.path.join(place.top, "build", "landfall")
    vault = lambda *words: [program, "vault"] + list(words)

    def ingest(name, store, day, with_map=False):
        disk = "sdb" if day == "B" else "sda"
        change_map = ["--changed", os.path.join(place.corpus, day + ".changed")] if with_map else []
        return Step(name, vault("ingest", store, "--disk", disk, place.disk(day), "--output", "json") + change_map,
                    place.disk(day), tells=True)

    points = {}
    place.ask(*vault("init", place.store))
    step = ingest("full A", place.store, "A")
    yield step
    points["A"] = step.answer["point"]
    if "compact" in place.ask(*vault("--help")):
        shutil.copytree(place.store, place.other)
        yield Step("compact A", vault("compact", place.other))
        shutil.rmtree(place.other)
    yield ingest("full B", place.store, "B")
    shutil.copytree(place.store, place.other)
    for day in ("A1", "A2", "A3"):
        step = ingest(day + ", map", place.store, day, True)
        yield step
        points[day] = step.answer["point"]
    for day in ("A1", "A2", "A3"):
        yield ingest(day, place.other, day)
    shutil.rmtree(place.other)
    restored = os.path.join(place.out, "disk.raw")
    yield Step("restore A3", vault("export", place.store, points["A3"], restored), restored=restored)
    yield Step("verify", vault("verify", place.store))
    yield Step("list", vault("list", place.store))
    yield Step("diff A2 A3", vault("diff", place.store, points["A2"], points["A3"], "--output", "json"))
    serve = vault("serve", place.store, points["A3"], "--socket", place.socket)
    yield from nbd_reads(place, serve)
    yield Step("drop + collect", "%s vault drop %s %s && %s vault gc %s" % (program, place.store, points["A1"], program, place.store))


def nbd_reads(place, server):
    yield Reads("open + 64 x 1 MiB", server, "nbd:" + place.socket, place.socket, 1 << 20, 64)
    yield Reads("NBD 64 KiB", server, "nbd:" + place.socket, place.socket, 1 << 16, 1024)


def fuse_reads(place, server, pattern):
    stop = ["fusermount3", "-u", place.mount] if shutil.which("fusermount3") else ["umount", place.mount]
    if os.path.exists("/dev/fuse"):
        yield Reads("open + 64 x 1 MiB", server, pattern, pattern, 1 << 20, 64, stop)


def restic(place):
    at = ["restic", "-q", "-r", place.store]
    place.ask(*at, "init", "--repository-version", "2")
    for day in ("A", "B", "A1", "A2", "A3"):
        name = "full " + day if len(day) == 1 else day
        disk = place.disk_in_slot(day)
        yield Step(name, at + ["backup", "--host", "b" if day == "B" else "a", "--tag", day, disk], disk)
    ids = {s["tags"][0]: s["short_id"] for s in json.loads(place.ask(*at, "snapshots", "--json"))}
    yield Step("restore A3", at + ["restore", ids["A3"], "--target", place.out], restored=place.out + os.path.join(place.slot, "disk.raw"))
    yield Step("verify", at + ["check", "--read-data"])
    yield Step("list", ["restic", "-r", place.store, "snapshots"])
    yield Step("diff A2 A3", at + ["diff", ids["A2"], ids["A3"]])
    yield from fuse_reads(place, at + ["mount", place.mount], os.path.join(place.mount, "ids", ids["A3"]) + os.path.join(place.slot, "disk.raw"))
    yield Step("drop + collect", at + ["forget", ids["A1"], "--prune"])


def borg(compression):
    def steps(place):
        place.ask("borg", "init", "-e", "repokey-blake2", place.store)
        for day in ("A", "B", "A1", "A2", "A3"):
            name = "full " + day if len(day) == 1 else day
            disk = place.disk_in_slot(day)
            yield Step(name, ["borg", "create", "-C", compression, "%s::%s" % (place.store, day), disk], disk)
        yield Step("restore A3", "cd %s && borg extract --sparse %s::A3" % (place.out, place.store),
                   restored=place.out + os.path.join(place.slot, "disk.raw"))
        yield Step("verify", ["borg", "check", "--verify-data", place.store])
        yield Step("list", ["borg", "list", place.store])
        yield Step("diff A2 A3", ["borg", "diff", place.store + "::A2", "A3"])
        yield from fuse_reads(place, ["borg", "mount", "-f", place.store + "::A3", place.mount],
                              place.mount + os.path.join(place.slot, "disk.raw"))
        yield Step("drop + collect", "borg delete %s::A1 && borg compact %s" % (place.store, place.store))
    return steps


def casync(place):
    os.makedirs(place.store)
    index = lambda day: os.path.join(place.store, day + ".caibx")
    chunks = "--store=" + os.path.join(place.store, "chunks.castr")
    for day in ("A", "B", "A1", "A2", "A3"):
        name = "full " + day if len(day) == 1 else day
        yield Step(name, ["casync", "make", "--digest=sha256", "--compression=zstd", chunks, index(day), place.disk(day)], place.disk(day))
    restored = os.path.join(place.out, "disk.raw")
    yield Step("restore A3", ["casync", "extract", "--punch-holes=yes", chunks, index("A3"), restored], restored=restored)
    yield Step("drop + collect", ["casync", "gc", chunks] + [index(day) for day in ("A", "B", "A2", "A3")])


def cp(place):
    restored = os.path.join(place.out, "disk.raw")
    os.makedirs(place.store)
    copy = ["cp", "--sparse=auto", "--reflink=never"]
    yield Step("read A", "cat %s >/dev/null" % place.disk("A"), place.disk("A"))
    yield Step("full A", copy + [place.disk("A"), os.path.join(place.store, "disk.raw")], place.disk("A"))
    yield Step("restore A3", copy + [place.disk("A3"), restored], place.disk("A3"), restored)
    yield Step("diff A2 A3", "cmp -l %s %s | wc -l" % (place.disk("A2"), place.disk("A3")))


def rsync(place):
    """One copy, kept up: no earlier point is there any more."""
    copy = os.path.join(place.store, "disk.raw")
    os.makedirs(place.store)
    yield Step("full A", ["rsync", "-S", place.disk_in_slot("A"), copy], place.disk("A"))
    for day in ("A1", "A2", "A3"):
        yield Step(day, ["rsync", "--inplace", "--no-whole-file", "-I", place.disk_in_slot(day), copy], place.disk(day))
    restored = os.path.join(place.out, "disk.raw")
    yield Step("restore A3", ["rsync", "-S", copy, restored], restored=restored)


def qemu(options):
    def steps(place):
        os.makedirs(place.store)
        image = lambda day: os.path.join(place.store, day + ".qcow2")
        convert = lambda day: ["qemu-img", "convert", "-m", "8", "-W", "-f", "raw", "-O", "qcow2"] + options + [place.disk(day), image(day)]
        yield Step("full A", convert("A"), place.disk("A"))
        place.ask(*convert("A3"))
        restored = os.path.join(place.out, "disk.raw")
        yield Step("restore A3", ["qemu-img", "convert", "-m", "8", "-W", "-f", "qcow2", "-O", "raw", image("A3"), restored], restored=restored)
        if not options:
            yield from nbd_reads(place, ["qemu-nbd", "-r", "-t", "-f", "raw", "-k", place.socket, place.disk("A3")])
    return steps


def nbdcopy(place):
    os.makedirs(place.store)
    yield Step("full A", ["nbdcopy", "--", "[", "nbdkit", "--exit-with-parent", "file", place.disk("A"), "]", os.path.join(place.store, "disk.raw")],
               place.disk("A"))


# name: the programs it takes, its steps
CONTENDERS = {
    "landfall": (["nbdkit"], landfall),
    "restic": (["restic"], restic),
    "borg lz4": (["borg"], borg("lz4")),
    "borg zstd": (["borg"], borg("zstd,3")),
    "casync": (["casync"], casync),
    "cp": (["cp"], cp),
    "rsync": (["rsync"], rsync),
    "qemu-img": (["qemu-img", "qemu-nbd"], qemu([])),
    "qemu-img zstd": (["qemu-img"], qemu(["-c", "-o", "compression_type=zstd"])),
    "nbdcopy": (["nbdcopy", "nbdkit"], nbdcopy),
}


def versions(place):
    lines = [[os.path.join(place.top, "build", "landfall"), "--version"], ["restic", "version"], ["borg", "--version"], ["casync", "--version"],
             ["qemu-img", "--version"], ["nbdcopy", "--version"], ["nbdkit", "--version"], ["rsync", "--version"], ["cp", "--version"]]
    found = [place.ask(*command).split("\n")[0] for command in lines if shutil.which(command[0])]
    revision = subprocess.run(["git", "-C", place.top, "describe", "--always", "--dirty"], check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              text=True).stdout.strip()
    return [found[0] + (" (%s)" % revision if revision else "")] + found[1:]


def installed(names):
    return [n for n in names if all(shutil.which(p) for p in CONTENDERS[n][0])]


def only(wanted):
    return [n for n in CONTENDERS if not wanted or any(glob.fnmatch.fnmatch(n, w) for w in wanted)]
