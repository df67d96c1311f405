"""Label: the profile of AppArmor that the command shall have. runtime-spec, apparmorProfile

The kernel takes it by /proc/self/attr, for the next exec. That of the command comes after the
gate's, so the gate writes it (`runtime/gate.py`).
"""

from __future__ import annotations

import os

from minidocker.errors import Blocked, MinidockerError
from minidocker.kernel import detached
from minidocker.kernel.named import open
from minidocker.runtime.gate import Label

ENABLED = "/sys/module/apparmor/parameters/enabled"
LOADED = "/sys/kernel/security/apparmor/profiles"
ATTRIBUTES = ("/proc/self/attr/apparmor", "/proc/self/attr")


def is_enabled() -> bool:
    """Say whether this host's kernel asks AppArmor."""
    return first_word(ENABLED) == "Y"


def first_word(path: str) -> str:
    """Return the first word of a file of the kernel's; "" where there is none."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as stream:
            return (stream.read().split() or [""])[0]
    except OSError:
        return ""


def check(profile: str) -> str:
    """Return the profile that must be set, "" for none; refuse one that cannot be."""
    if not is_enabled():
        if profile in ("", "unconfined"):  # nothing confines here
            return ""
        raise Blocked(
            f"config.json asks for process.apparmorProfile {profile}: AppArmor is not enabled here",
            "a container without a profile: podman run --security-opt apparmor=unconfined",
        )
    if not profile.isascii() or not profile.isprintable():
        raise MinidockerError(f"config.json: process.apparmorProfile {profile!r} is no name", "")
    if profile and set(profile).isdisjoint(":&") and profile != "unconfined":
        must_be_loaded(profile)
    return profile


def must_be_loaded(profile: str) -> None:
    """Refuse one that the kernel has not, where it lets us look; else the gate will say so."""
    try:
        with open(LOADED, encoding="utf-8", errors="surrogateescape") as stream:
            names = {line.rpartition(" (")[0] for line in stream}
    except OSError:
        return
    if profile not in names:
        raise MinidockerError(
            f"cannot apply apparmor profile `{profile}`: profile not loaded",
            "apparmor_parser --replace FILE",
        )


def prepared(profile: str, no_new_privs: bool) -> Label | None:
    """Return what the gate is to write, and a descriptor that will be the child's directory."""
    if not (profile := check(profile)):
        return None
    confined = no_new_privs and first_word(f"{ATTRIBUTES[0]}/current") not in ("", "unconfined")
    # Who is confined gets, with no_new_privs, a second profile on top of it and no other one.
    text = f"{'stack' if confined else 'exec'} {profile}"
    return Label(os.open("/dev/null", os.O_PATH | os.O_CLOEXEC), text.encode())


def open_own(label: Label) -> None:
    """Child: put our own directory of attributes at the label's descriptor."""
    for path in ATTRIBUTES:
        try:
            attr = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        # In a living container /proc is the container's: another file system would swallow it.
        if detached.is_procfs(attr):
            os.dup2(attr, label.attr, inheritable=False)
            os.close(attr)
            return
        os.close(attr)
    raise MinidockerError("cannot apply the apparmor profile: /proc is no procfs here", "mount one")
