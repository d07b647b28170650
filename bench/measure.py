"""What a command costs: wall and CPU seconds, memory, bytes read and stored; and the machine it ran on."""
import ctypes
import os
import platform
import re
import subprocess
import time

PAGE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.mmap.restype = ctypes.c_void_p
LIBC.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
LIBC.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
LIBC.mincore.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p]


class Failed(Exception):
    """A command ended with another status than 0."""


def extents(fd):
    """(begin, end) of what is not a hole."""
    size, at = os.fstat(fd).st_size, 0
    while at < size:
        try:
            begin = os.lseek(fd, at, os.SEEK_DATA)
        except OSError:
            return
        at = os.lseek(fd, begin, os.SEEK_HOLE)
        yield begin, at


def files_of(path):
    if os.path.isfile(path):
        yield path
    for folder, _, names in os.walk(path):
        for name in names:
            if os.path.isfile(os.path.join(folder, name)):
                yield os.path.join(folder, name)


def warm(path):
    """A file's data into the page cache."""
    with open(path, "rb", buffering=0) as f:
        for begin, end in extents(f.fileno()):
            f.seek(begin)
            while begin < end:
                begin += len(f.read(min(4 << 20, end - begin))) or end


def evict(path):
    """A file, or all files below, out of the page cache; nobody else's are touched."""
    for name in files_of(path):
        fd = os.open(name, os.O_RDONLY)
        os.fsync(fd)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(fd)


def resident(path):
    """Bytes of a file in the page cache.  After evict(): what was read, the kernel's read-ahead included."""
    fd = os.open(path, os.O_RDONLY)
    size = os.fstat(fd).st_size
    pages = (ctypes.c_ubyte * -(-size // PAGE))()
    address = LIBC.mmap(None, size, 1, 1, fd, 0)  # PROT_READ, MAP_SHARED
    os.close(fd)
    failed = LIBC.mincore(address, size, pages)
    LIBC.munmap(address, size)
    return 0 if failed else bytes(pages).translate(bytes(i & 1 for i in range(256))).count(1) * PAGE


def disk_use(path):
    return sum(os.lstat(name).st_blocks * 512 for name in files_of(path))


def make_durable(path, since):
    """Sync what changed below path since then: not every program does so itself, and none is to gain by that."""
    for name in files_of(path):
        if os.stat(name).st_mtime >= since - 1:
            fd = os.open(name, os.O_RDONLY)
            os.fsync(fd)
            os.close(fd)


def busy():
    """CPU seconds that the whole machine has spent, of all and on all."""
    with open("/proc/stat", encoding="ascii") as f:
        fields = [int(word) for word in f.readline().split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / TICKS


def read_calls(pid):
    """Bytes that a process that has ended, and its children, took by read(); io_uring's and mapped ones are not in it."""
    try:
        with open("/proc/%d/io" % pid, encoding="ascii") as f:
            return int(re.search(r"rchar: (\d+)", f.read()).group(1))
    except (OSError, AttributeError):
        return None


def peak_memory(pid):
    """Of a process that runs, or a child of its: the larger."""
    peaks = []
    for task in [pid] + [int(word) for word in words("pgrep", "-P", str(pid)).split()]:
        with open("/proc/%d/status" % task, encoding="ascii") as f:
            peaks.append(int((re.search(r"VmHWM:\s+(\d+)", f.read()) or [0, 0])[1]) * 1024)
    return max(peaks)


def run(command, log, env, durable=None):
    """Run a command (a list, or a shell's line) to its end.  durable: what it wrote, to be synced within the time."""
    # a process of little memory begins it: what we have ourselves would count as the command's peak
    timed = ["time", "-q", "-o", log + ".time", "-f", "%M"] + (["sh", "-c", command] if isinstance(command, str) else command)
    started, others, begin = time.time(), busy(), time.monotonic()
    with open(log, "wb") as out, open(log + ".err", "wb") as err:
        child = subprocess.Popen(timed, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=env)
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        calls = read_calls(child.pid)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = status
    if status:
        with open(log + ".err", errors="replace", encoding="utf-8") as err:
            raise Failed("%s: status %d: %s" % (command, os.waitstatus_to_exitcode(status), err.read()[-800:]))
    for path in durable or ():
        if os.path.exists(path):
            make_durable(path, started)
    wall = time.monotonic() - begin
    with open(log + ".time", encoding="ascii") as f:
        peak = int(f.read())
    cpu = usage.ru_utime + usage.ru_stime
    return {"wall": wall, "cpu": cpu, "rss": peak * 1024, "read_calls": calls, "others": max(0, busy() - others - cpu)}


def words(*command):
    """What a command prints, in one line."""
    try:
        return subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout.strip().replace("\n", " ")
    except OSError:
        return ""


def machine(folder):
    """A paragraph of lines: processor, memory, kernel, disk."""
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        model = re.search(r"model name\s*: (.+)", f.read())
    with open("/proc/meminfo", encoding="utf-8") as f:
        memory = int(re.search(r"MemTotal:\s+(\d+)", f.read()).group(1))
    mount = words("findmnt", "-n", "-o", "SOURCE,SIZE,FSTYPE", "-T", folder).split()
    return ["%s, %d cores, %d GiB of memory" % (model.group(1).strip() if model else platform.machine(), os.cpu_count(), round(memory / 2**20)),
            "Linux %s" % platform.release(),
            "disk " + " ".join(mount)]
