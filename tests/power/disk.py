"""disk.py - a directory on a disk whose power may be cut, as far as POSIX promises anything.

What is known to last: a file's bytes as of its last fsync, a directory's names as of the directory's last fsync.  Of
everything since, a power cut leaves any part: each change of a name by itself (but a rename never loses the file: its
old name goes only when the new one is there), each sector of 512 bytes by itself, old, new, zero or noise.
"""
import hashlib
import os
import struct

SECTOR = 512
RECORD = struct.Struct("<IIIIQQ")
CREATE, WRITE, SIZE, SYNC, SYNC_ALL, RENAME, LINK, UNLINK, MKDIR, RMDIR = range(1, 11)
WORDS = ["", "create", "write", "size", "sync", "sync all", "rename", "link", "unlink", "mkdir", "rmdir"]

# How a cut treats what was not synced: which changes of names last, and what becomes of bytes.
CUTS = [
    ("all", "new"),       # a killed process, and nothing more
    ("none", "old"),      # nothing that was not synced
    ("all", "old"),       # names without bytes
    ("all", "zero"),      # ... or with the length only
    ("all", "prefix"),    # the first sectors
    ("all", "noise"),
    ("additions", "mixed"),
    ("removals", "mixed"),
    ("last", "new"),      # reordered: the latest change only
    ("any", "any"),       # and so on
]


def read_log(path, offset):
    """The records from offset on: (kind, path, target, inode, number, data), and where the next begins."""
    with open(path, "rb") as f:
        f.seek(offset)
        text = f.read()
    records, at = [], 0
    while at < len(text):
        kind, n, m, size, inode, number = RECORD.unpack_from(text, at)
        at += RECORD.size
        records.append((kind, text[at:at + n].decode(), text[at + n:at + n + m].decode(), inode, number,
                        text[at + n + m:at + n + m + size]))
        at += n + m + size
    return records, offset + at


class File:
    def __init__(self, text=b""):
        self.kept = text            # as of the last sync
        self.now = bytearray(text)
        self.dirty = []             # (first byte, byte after the last) written since

    def write(self, offset, data):
        if len(self.now) < offset:
            self.now.extend(bytes(offset - len(self.now)))
        self.now[offset:offset + len(data)] = data
        self.dirty.append((offset, offset + len(data)))

    def resize(self, size):
        if size < len(self.now):
            del self.now[size:]
        else:
            self.now.extend(bytes(size - len(self.now)))

    def sync(self):
        if self.is_dirty():
            self.kept = bytes(self.now)
        self.dirty = []

    def is_dirty(self):
        return bool(self.dirty) or len(self.now) != len(self.kept)

    def after_cut(self, how, rng):
        if not self.is_dirty() or how == "old":
            return self.kept
        if how == "new":
            return bytes(self.now)
        if how == "any":
            return self.after_cut(rng.choice(["old", "new", "zero", "prefix", "mixed", "noise"]), rng)
        size = len(self.now)
        out = bytearray(self.kept[:size].ljust(size, b"\0"))
        sectors = sorted({s for a, b in self.dirty for s in range(a // SECTOR, -(-min(b, size) // SECTOR))})
        lasts = rng.randrange(len(sectors) + 1)
        for i, sector in enumerate(sectors):
            first, end = sector * SECTOR, min((sector + 1) * SECTOR, size)
            if (how == "prefix" and i < lasts) or (how in ("mixed", "noise") and rng.random() < 0.7):
                out[first:end] = self.now[first:end]
            elif how == "noise" and rng.random() < 0.5:
                out[first:end] = rng.randbytes(end - first)
        if how == "prefix" and lasts and rng.random() < 0.5:     # the length is that of what was written, too
            del out[min(size, (sectors[lasts - 1] + 1) * SECTOR):]
        return bytes(out)


class Directory:
    def __init__(self):
        self.kept = {}
        self.now = {}


class Disk:
    """The directory root as records change it."""

    def __init__(self, root):
        self.root, self.log = root, []      # log: pending changes of names, in order
        self.inodes = {}
        self.top = self._load(root)

    def _load(self, path):
        """A file or directory as it lies there, all of it synced."""
        status = os.lstat(path)
        if not os.path.isdir(path):
            with open(path, "rb") as f:
                node = File(f.read())
        else:
            node = Directory()
            for name in os.listdir(path):
                node.now[name] = self._load(os.path.join(path, name))
            node.kept = dict(node.now)
        self.inodes[status.st_ino] = node
        return node

    def _place(self, path):
        """The directory that path's name is in, and the name; None: outside of the root."""
        if not path.startswith(self.root + "/"):
            return None, None
        at = self.top
        *folders, name = [part for part in path[len(self.root):].split("/") if part]
        for part in folders:
            at = at.now[part]
        return at, name

    def _change(self, *change):
        """change: (directory, name, node) each, node None for a removal; they belong together."""
        for directory, name, node in change:
            if node is None:
                directory.now.pop(name, None)
            else:
                directory.now[name] = node
        self.log.append(list(change))

    def _add(self, path, inode, node):
        self.inodes[inode] = node
        if path == self.root:
            self.top = node
        else:
            self._change((*self._place(path), node))

    def apply(self, record):
        kind, path, target, inode, number, data = record
        if kind == CREATE:
            self._add(path, inode, File())
        elif kind == MKDIR:
            self._add(path, inode, Directory())
        elif kind == WRITE:
            self.inodes[inode].write(number, data)
        elif kind == SIZE:
            self.inodes[inode].resize(number)
        elif kind in (RENAME, LINK):
            self._move(path, target, kind == RENAME)
        elif kind in (UNLINK, RMDIR):
            directory, name = self._place(path)
            self._change((directory, name, None))
        elif kind == SYNC:
            self._sync(self.inodes[inode])
        elif kind == SYNC_ALL:
            for node in list(self.inodes.values()):
                self._sync(node)

    def _move(self, path, target, gone):
        source, old = self._place(path)
        directory, name = self._place(target)
        node = source.now[old]
        self._change((directory, name, node), *([(source, old, None)] if gone else []))

    def _sync(self, node):
        if isinstance(node, File):
            node.sync()
            return
        node.kept = dict(node.now)
        rest = []
        for change in self.log:
            if change[-1][0] is node and change[0][0] is not node:
                # moved out of here: the removal lasts, so the file is where it went
                directory, name, moved = change[0]
                directory.kept[name] = moved
                continue
            change = [part for part in change if part[0] is not node]
            if change:
                rest.append(change)
        self.log = rest

    def settle(self):
        """All that is pending reaches the disk, as it does in time."""
        for node in list(self.inodes.values()):
            self._sync(node)

    def pending(self):
        return bool(self.log) or any(isinstance(n, File) and n.is_dirty() for n in self.inodes.values())

    def after_cut(self, names, data, rng):
        """{path: bytes, or None for a directory} of what a power cut leaves."""
        lasting = {}                        # directory -> names, where they are not those kept
        def names_of(directory):
            if id(directory) not in lasting:
                lasting[id(directory)] = dict(directory.kept)
            return lasting[id(directory)]
        # at some cuts nearly all has reached the disk, at others nearly nothing
        likely = rng.random()
        for number, change in enumerate(self.log):
            for part, (directory, name, node) in enumerate(change):
                if (names == "none" or (names == "additions" and node is None) or
                        (names == "removals" and node is not None) or
                        (names == "last" and number < len(self.log) - 1) or
                        (names == "any" and rng.random() > likely)):
                    break                   # with a rename's new name goes the removal of its old one
                if node is None:
                    names_of(directory).pop(name, None)
                else:
                    names_of(directory)[name] = node
        tree = {}
        def visit(directory, path):
            for name, node in sorted(lasting.get(id(directory), directory.kept).items()):
                if isinstance(node, File):
                    tree[path + name] = node.after_cut(data, rng)
                else:
                    tree[path + name] = None
                    visit(node, path + name + "/")
        visit(self.top, "")
        return tree

    def as_now(self):
        tree = {}
        def visit(directory, path):
            for name, node in sorted(directory.now.items()):
                tree[path + name] = bytes(node.now) if isinstance(node, File) else None
                if isinstance(node, Directory):
                    visit(node, path + name + "/")
        visit(self.top, "")
        return tree

    def catch_up(self):
        """A killed process took what it wrote by mapping since its last record with it: look at the files."""
        for path, text in read_tree(self.root).items():
            directory, name = self._place(self.root + "/" + path)
            node = directory.now.get(name)
            if text is not None and node is not None and node.now != text and len(node.now) == len(text):
                node.write(0, text)


def read_tree(root):
    tree = {}
    for folder, folders, files in os.walk(root):
        inside = os.path.relpath(folder, root)
        prefix = "" if inside == "." else inside + "/"
        for name in folders:
            tree[prefix + name] = None
        for name in files:
            with open(os.path.join(folder, name), "rb") as f:
                tree[prefix + name] = f.read()
    return tree


def write_tree(tree, root):
    os.makedirs(root)
    for path, text in sorted(tree.items()):
        if text is None:
            os.mkdir(os.path.join(root, path))
        else:
            with open(os.path.join(root, path), "wb") as f:
                f.write(text)


def digest(tree):
    total = hashlib.blake2b(digest_size=16)
    for path, text in sorted(tree.items()):
        total.update(path.encode() + b"\0" + (b"/" if text is None else hashlib.blake2b(text, digest_size=16).digest()))
    return total.hexdigest()


def differences(before, after):
    """What tells two trees apart, for whoever reads about a failure."""
    lines = []
    for path in sorted(before.keys() | after.keys()):
        if path not in after:
            lines.append(f"- {path}")
        elif path not in before:
            lines.append(f"+ {path}")
        elif before[path] != after[path]:
            lines.append(f"~ {path} ({len(before[path] or b'')} and {len(after[path] or b'')} bytes)")
    return lines
