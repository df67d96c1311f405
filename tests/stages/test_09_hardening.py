"""Checks of lesson 09: power that was taken away, looked at from outside, and tried."""

import os
import random
import struct
import time

from minidocker.course.outcomes import Fail, compared, good
from minidocker.grader.probe import Gone
from minidocker.kernel import flags as f

ALLOW, ERRNO, KILL = 0x7FFF0000, 0x00050000, 0x80000000
NATIVE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
FOREIGN = {"x86_64": 0x40000003, "aarch64": 0x40000028}  # i386, arm: the 32-bit ABI beside it
MKDIR = {"x86_64": (83, 258), "aarch64": (34, 29)}  # mkdir and mkdirat; arm64 has mkdirat, ioctl
SETS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
SECRETS = "/opt/minidocker-secrets"


def capabilities(one, pid):
    """The five sets of a process of the cell: name → number."""
    return {name: int(one.proc.field(pid, name), 16) for name in SETS}


def wait_for_exec(one, pid, name):
    """Wait until the process is another program."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            if one.proc.field(pid, "Name") == name:
                return
        except Gone:
            break
        time.sleep(0.01)
    raise Fail("MD0909", ran="exec")


def words(mask):
    """Say a set in words, in short."""
    names = [name.removeprefix("CAP_") for n, name in enumerate(f.CAPABILITIES) if mask >> n & 1]
    if len(names) > 6:
        return f"{len(names)} capabilities: {', '.join(names[:5])}, …"
    return ", ".join(names) or "none"


def test_setuid(subject, cell):
    ran = "no_new_privileges(kernel); then user 1000 starts a setuid program of root's"
    with cell("setuid") as one:
        pid = one.number(one.expect("ready").sender)
        bit = one.proc.field(pid, "NoNewPrivs")
        one.answer()
        wait_for_exec(one, pid, "minidocker-cana")
        effective = one.proc.field(pid, "Uid").split()[1]
        if effective == "0" or bit != "1":
            raise Fail("MD0901", ran=ran, expected="NoNewPrivs: 1, effective uid 1000",
                       kernel=f"NoNewPrivs: {bit}, effective uid {effective}")  # fmt: skip


def test_order(subject, cell):
    with cell("order") as one:
        message = one.expect("exec", "refused", "wrong")
        if message.event == "wrong":
            raise Fail("MD0902", what=message["what"])
        if message.event == "refused":
            raise Fail("MD0903", step=message["step"], text=message["text"])
        pid = one.number(message.sender)
        one.answer()
        wait_for_exec(one, pid, "sleep")
        found = {**capabilities(one, pid), "Uid": int(one.proc.field(pid, "Uid").split()[1])}
        lines = compared({**dict.fromkeys(SETS, 0), "Uid": 1000}, found)
        if not good(lines):
            raise Fail("MD0904", ran="the steps of DROP_ORDER", lines=lines)


def dropped(one):
    """Wait for drop_capabilities to return; (its pid in the cell, what the cell held)."""
    message = one.expect("dropped")
    return one.number(message.sender), int(message["held"])


def some(*certain):
    """A random set, with these in it."""
    names = random.sample(f.CAPABILITIES[:15], 4)
    return sum(1 << f.CAPABILITIES.index(name) for name in {*names, *certain})


def test_drop_exec(subject, cell):
    keep = some("CAP_CHOWN") & ~(1 << f.CAP_SETPCAP)
    with cell("drop", keep=keep, now=keep) as one:
        pid, held = dropped(one)
        one.answer()
        wait_for_exec(one, pid, "sleep")
        found, keep = capabilities(one, pid), keep & held
        ran = f"drop_capabilities(kernel, {keep:#x}, {keep:#x}); then root starts sleep"
        if found["CapPrm"] & ~keep or found["CapBnd"] & ~keep:
            raise Fail("MD0905", ran=ran, expected=words(keep),
                       kernel=words(found["CapPrm"] | found["CapBnd"]))  # fmt: skip
        if found["CapPrm"] != keep or found["CapBnd"] != keep:
            raise Fail("MD0906", ran=ran, expected=words(keep), kernel=words(found["CapPrm"]))
        if found["CapInh"]:
            raise Fail("MD0907", ran=ran, kernel=f"CapInh: {words(found['CapInh'])}")


def test_drop_now(subject, cell):
    keep, now = some("CAP_CHOWN"), some("CAP_SYS_ADMIN")
    with cell("drop", keep=keep, now=now) as one:
        pid, held = dropped(one)
        found = capabilities(one, pid)
        if {found["CapPrm"], found["CapEff"]} != {now & held}:
            raise Fail("MD0908", ran="drop_capabilities(kernel, keep, now), before any exec",
                       expected=words(now & held), kernel=words(found["CapEff"]))  # fmt: skip


# --- the filter ---------------------------------------------------------------------------


def verdict(code, arch, number):
    """Run a filter as the kernel does; None when it runs off its end or does what it must not."""
    data = struct.pack("=IIQ6Q", number, arch, 0, 0, 0, 0, 0, 0, 0)
    place = word = 0
    while place < len(code):
        what, yes, no, k = code[place]
        place += 1
        if what == 0x20:
            word = struct.unpack_from("=I", data, k)[0] if k <= 60 else 0
        elif what == 0x54:
            word &= k
        elif what == 0x05:
            place += k
        elif what == 0x06:
            return k
        elif what in (0x15, 0x25, 0x35):
            holds = word == k if what == 0x15 else word > k or (what == 0x35 and word == k)
            place += yes if holds else no
        else:
            return None
    return None


def rules_of():
    """Two directory calls, and some that nobody needs: {number: errno}."""
    first, second = MKDIR[os.uname().machine]
    return {first: 1, second: 28, random.randrange(170, 180): 5}


def program(one):
    """Wait for the learner's program; return its instructions."""
    message = one.expect("program", "no bytes")
    if message.event == "no bytes":
        raise Fail("MD9012", name="compile_filter", value=message["kind"], wanted="bytes")
    text = bytes.fromhex(message["code"])
    if not text or len(text) % 8:
        raise Fail("MD0910", ran="compile_filter(rules)", count=len(text))
    return list(struct.iter_unpack("=HBBI", text))


def test_filter_refuses(subject, cell):
    rules = rules_of()
    with cell("filter", rules=list(rules.items())) as one:
        program(one)
        one.answer()
        try:
            message = one.expect("tried", "refused", "ended")
        except Fail as problem:
            raise (Fail("MD0913") if problem.code == "MD9005" else problem) from None
        if message.event == "refused":
            raise Fail("MD0911", ran=f"compile_filter({rules})", text=message["text"])
        if message.event == "ended":
            raise Fail("MD0913", ran=f"compile_filter({rules})")
        state = one.proc.field(one.number(message.sender), "Seccomp")
        wanted = {str(number): errno for number, errno in rules.items()}
        lines = compared(wanted, message["seen"])
        if not good(lines) or state != "2":
            raise Fail("MD0912", ran=f"compile_filter({rules})", lines=lines)


def test_filter_others(subject, cell):
    rules = {number: 1 + number % 30 for number in random.sample(range(100, 400), 60)}
    with cell("filter", rules=list(rules.items())) as one:
        code = program(one)
        native = NATIVE[os.uname().machine]
        for number in range(600):
            found = verdict(code, native, number)
            wanted = ERRNO | rules[number] if number in rules else ALLOW
            if found != wanted:
                raise Fail("MD0914", ran=f"compile_filter with {len(rules)} rules", number=number,
                           expected=f"{wanted:#x}",
                           kernel="no verdict" if found is None else f"{found:#x}")  # fmt: skip


def test_filter_doors(subject, cell):
    rules = rules_of()
    machine = os.uname().machine
    with cell("filter", rules=list(rules.items())) as one:
        code = program(one)
        ran = f"compile_filter({rules})"
        for number in (20, 39, *rules):
            found = verdict(code, FOREIGN[machine], number)
            if found is None or found >> 31 == 0:
                raise Fail("MD0915", ran=ran, expected="killed", kernel=f"{found or 0:#x}")
        if machine == "x86_64":
            for number in rules:
                found = verdict(code, NATIVE[machine], number | 0x40000000)
                if found is None or found >> 31 == 0:
                    raise Fail("MD0916", ran=ran, expected="killed", kernel=f"{found or 0:#x}")
        one.answer()
        one.expect("tried")
        one.answer()
        if machine == "x86_64":
            message = one.expect("door", "ended")
            if message.event == "door":
                raise Fail("MD0915", ran=f"{ran}, then int 0x80", expected="killed by SIGSYS",
                           kernel=f"it answered {message['value']}")  # fmt: skip


# --- masks --------------------------------------------------------------------------------


def masked(one):
    """Wait for mask_paths; return the cell's view of the secrets, as a path out here."""
    return f"/proc/{one.expect('masked').sender}/root{SECRETS}"


def test_mask_hides(subject, cell):
    ran = "mask_paths(kernel, paths)"
    with cell("mask") as one:
        place = masked(one)
        beside = {name: look(f"{place}/{name}") for name in ("dir-b", "file-b")}
        lines = compared({"dir-b": ["key"], "file-b": "secret"}, beside)
        if not good(lines):
            raise Fail("MD0918", ran=ran, lines=lines)
        found = {name: look(f"{place}/{name}") for name in ("dir-a", "file-a")}
        lines = compared({"dir-a": [], "file-a": ""}, found)
        if not good(lines):
            raise Fail("MD0917", ran=ran, lines=lines)
        if os.path.lexists(f"{place}/nothing"):
            raise Fail("MD0920", ran=ran)


def look(path):
    """What a path shows: a directory's names, or a file's beginning."""
    try:
        if os.path.isdir(path):
            return sorted(os.listdir(path))
        with open(path, encoding="utf-8") as stream:
            return stream.read(100)
    except OSError as problem:
        return problem.strerror


def test_mask_holds(subject, cell):
    with cell("mask") as one:
        place = masked(one)
        try:
            os.close(os.open(f"{place}/dir-a/new", os.O_CREAT | os.O_WRONLY))
        except OSError:
            pass
        else:
            raise Fail("MD0919", ran="mask_paths(kernel, paths); then a file is made in it")
        try:
            with open(f"{place}/file-a", "w", encoding="utf-8") as stream:
                stream.write("x")
        except OSError:
            pass  # refused is as good
        if look(f"{place}/file-a") == "x":
            raise Fail("MD0917", ran="mask_paths(kernel, paths); then its file is written")
