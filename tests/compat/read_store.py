#!/usr/bin/env python3
"""read_store.py STORE KEYFILE [POINT DISK OUT] - an independent reader of Landfall's vaults.

Written from docs/formats alone, with Python's own library; ciphers and zstd are called in the shared libraries of OpenSSL and
zstd.  Without POINT it lists the points as JSON; with it, it writes the disk to OUT.
"""
import ctypes
import ctypes.util
import hashlib
import hmac
import json
import os
import struct
import sys

PAGE = 4096
crypto = ctypes.CDLL(ctypes.util.find_library("crypto") or "libcrypto.so.3")
zstd = ctypes.CDLL(ctypes.util.find_library("zstd") or "libzstd.so.1")
for name in ("EVP_CIPHER_CTX_new", "EVP_aes_256_gcm"):
    getattr(crypto, name).restype = ctypes.c_void_p
zstd.ZSTD_decompress.restype = ctypes.c_size_t


def open_gcm(key, nonce, aad, sealed):
    """Plain text, or an exception when the tag does not fit."""
    data, tag = sealed[:-16], sealed[-16:]
    ctx = ctypes.c_void_p(crypto.EVP_CIPHER_CTX_new())
    out, n, m = ctypes.create_string_buffer(len(data) + 16), ctypes.c_int(), ctypes.c_int()
    try:
        assert crypto.EVP_DecryptInit_ex(ctx, ctypes.c_void_p(crypto.EVP_aes_256_gcm()), None, key, nonce)
        assert crypto.EVP_DecryptUpdate(ctx, None, ctypes.byref(n), aad, len(aad))
        assert crypto.EVP_DecryptUpdate(ctx, out, ctypes.byref(n), data, len(data))
        assert crypto.EVP_CIPHER_CTX_ctrl(ctx, 0x11, 16, tag)  # EVP_CTRL_AEAD_SET_TAG
        if crypto.EVP_DecryptFinal_ex(ctx, ctypes.create_string_buffer(16), ctypes.byref(m)) <= 0:
            raise ValueError("a seal is broken")
    finally:
        crypto.EVP_CIPHER_CTX_free(ctx)
    return out.raw[:n.value]


def derive(key, salt, info):
    extracted = hmac.new(salt or bytes(32), key, "sha256").digest()
    return hmac.new(extracted, info + b"\1", "sha256").digest()


def lz4_block(data, plain):
    out, at = bytearray(), 0
    while at < len(data):
        token = data[at]
        at += 1
        n = token >> 4
        while n >= 15 and (n == 15 or data[at - 1] == 255):
            n += data[at]
            at += 1
        out += data[at:at + n]
        at += n
        if at >= len(data):
            break
        back = data[at] | data[at + 1] << 8
        at += 2
        n = token & 15
        if n == 15:
            while True:
                n += data[at]
                at += 1
                if data[at - 1] != 255:
                    break
        for _ in range(n + 4):
            out.append(out[-back])
    assert len(out) == plain
    return bytes(out)


class Pack:
    def __init__(self, path, data_keys):
        with open(path, "rb") as f:
            self.bytes = f.read()
        b = self.bytes
        magic, version, self.epoch, salt, flags, zero = struct.unpack("<8sII32sI12s", b[:64])
        owned = flags & 2  # of one machine's keys: the salt ends with whose
        assert magic == b"LFPACK01" and version == (2 if owned else 1) and zero == bytes(12), path
        self.owner = salt[20:] if owned else None
        count, zero, start, digest, magic = struct.unpack("<IIQ32s8s", b[-56:])
        assert magic == b"LFPKEND1" and zero == 0 and start + count * 72 + 56 == len(b), path
        sha = lambda data: hashlib.sha256(data).digest()
        assert sha(sha(b[:64]) + sha(b[start:-40])) == digest and digest.hex() == os.path.basename(path), path
        data_key = data_keys[self.epoch]
        if owned:
            data_key = derive(data_key, self.owner, b"landfall machine data key 1")
        self.key = derive(data_key, salt, b"landfall pack 1")
        self.entries = {}
        for i in range(count):
            entry = struct.unpack("<32sQII16sIBBH", b[start + i * 72:start + i * 72 + 72])
            self.entries[entry[0]] = entry
        assert list(self.entries) == sorted(self.entries)

    def chunk(self, chunk_id):
        _, offset, stored, plain, _, record, coding, kind, _ = self.entries[chunk_id]
        aad = chunk_id + struct.pack("<IBBH", plain, coding, kind, 0)
        coded = open_gcm(self.key, struct.pack("<IQ", record, 0), aad, self.bytes[offset:offset + stored])
        if coding == 1:
            out = ctypes.create_string_buffer(plain)
            assert zstd.ZSTD_decompress(out, ctypes.c_size_t(plain), coded, ctypes.c_size_t(len(coded))) == plain
            return out.raw
        if coding == 2:
            return lz4_block(coded, plain)
        assert coding == 0 and len(coded) == plain
        return coded


class Store:
    def __init__(self, path, key_file):
        self.path = path
        word, digits = open(key_file).read().split()
        assert word == "landfall-platform-key-1"
        text = open(os.path.join(path, "vault.json")).read()
        vault = json.loads(text)
        assert hashlib.sha256(text[:text.index(',"check"')].encode()).hexdigest() == vault["check"]
        assert vault["version"] == (1 if vault["epoch"] == 1 else 2)
        aad = ("landfall-vault %d %s %d" % (vault["version"], vault["id"], vault["epoch"])).encode()
        key = derive(bytes.fromhex(digits), bytes.fromhex(vault["salt"]), b"landfall domain key 1")
        keys = open_gcm(key, bytes(12), aad, bytes.fromhex(vault["sealed"]))
        assert len(keys) == 32 * (1 + vault["epoch"])
        # the data key of epoch e lies at 32 e; the id key before them all
        self.id_key, self.data_keys = keys[:32], {e: keys[32 * e:32 * e + 32] for e in range(1, vault["epoch"] + 1)}
        self.where = {}
        for name in os.listdir(os.path.join(path, "packs")):
            if len(name) == 64:
                pack = Pack(os.path.join(path, "packs", name), self.data_keys)
                for chunk_id in pack.entries:
                    self.where[chunk_id] = pack

    def chunk(self, chunk_id):
        pack = self.where[chunk_id]
        plain = pack.chunk(chunk_id)
        id_key = derive(self.id_key, pack.owner, b"landfall machine id key 1") if pack.owner else self.id_key
        assert hmac.new(id_key, plain, "sha256").digest() == chunk_id
        return plain

    def points(self):
        for name in os.listdir(os.path.join(self.path, "points")):
            with open(os.path.join(self.path, "points", name), "rb") as f:
                b = f.read()
            assert b[:8] == b"LFPOINT1" and hashlib.sha256(b[:-32]).digest() == b[-32:]
            key = derive(self.data_keys[struct.unpack_from("<I", b, 12)[0]], b"", b"landfall point 1")
            yield json.loads(open_gcm(key, b[16:28], b[:28] + name.encode(), b[28:-32]))

    def extents(self, node_id, height, base):
        """(page of the disk, pages, page of the chunk, chunk id)"""
        b = self.chunk(node_id)
        if height == 0:
            assert b[0:1] == b"L" and b[1] == 1
            for i in range(struct.unpack("<H", b[2:4])[0]):
                page, pages, chunk_page, chunk_id = struct.unpack("<HBB32s", b[4 + i * 36:40 + i * 36])
                yield base + page, pages, chunk_page, chunk_id
            return
        assert b[0:1] == b"I" and b[1] == 1 and b[2] == height
        present, at = struct.unpack("<Q", b[4:12])[0], 12
        for i in range(64):
            if present >> i & 1:
                yield from self.extents(b[at:at + 32], height - 1, base + i * 512 * 64 ** (height - 1))
                at += 32

    def restore(self, disk, out):
        height, node_id = int(disk["root"][:2], 16), bytes.fromhex(disk["root"][3:])
        with open(out, "wb") as f:
            f.truncate(disk["sizeBytes"])
            if node_id == bytes(32):
                return
            for page, pages, chunk_page, chunk_id in self.extents(node_id, height, 0):
                piece = self.chunk(chunk_id)[chunk_page * PAGE:(chunk_page + pages) * PAGE]
                f.seek(page * PAGE)
                f.write(piece[:max(0, disk["sizeBytes"] - page * PAGE)])


def main():
    store = Store(sys.argv[1], sys.argv[2])
    if len(sys.argv) == 3:
        json.dump(sorted(store.points(), key=lambda p: p["time"]), sys.stdout, indent=1)
        return
    point, name, out = sys.argv[3:]
    manifest = next(p for p in store.points() if p["id"] == point)
    store.restore(next(d for d in manifest["disks"] if d["name"] == name), out)


main()
