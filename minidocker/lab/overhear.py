"""overheard: which frames reach the eth0 of a container while something happens elsewhere.

A packet socket hears every frame that comes in at the device, also those for others. packet(7)
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

# It runs alone, in the network of the container: it imports nothing of ours.
LISTENER = """
import socket, sys
one = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
one.bind(("eth0", 3))
dotted = lambda data: ".".join(map(str, data))
print("listening", flush=True)
while True:
    frame, (_, kind, packet_type, _, _) = one.recvfrom(65535)
    if packet_type == 4:  # PACKET_OUTGOING: its own
        continue
    if kind == 0x806:
        what = "asks for" if frame[21] == 1 else "says it is"
        print("ARP", dotted(frame[28:32]), what, dotted(frame[38:42]) if frame[21] == 1
              else frame[22:28].hex(":"), flush=True)
    elif kind == 0x800:
        name = {1: "ICMP", 6: "TCP", 17: "UDP"}.get(frame[23], str(frame[23]))
        size = frame[14] & 15
        text = frame[14 + 4 * size + 8 :].decode("ascii", "replace") if frame[23] == 17 else ""
        print(name, dotted(frame[26:30]), "to", dotted(frame[30:34]), text, flush=True)
"""


def overheard(box: Any, action: Callable[[], object], seconds: float = 0.5) -> list[str]:
    """Run `action()` and return, a line each, the frames that came to the box meanwhile.

    `box` is what `start` returned, or a pid. Its own frames are left out, and so is IPv6. After
    the action it listens for `seconds` more.
    """
    pid = box if isinstance(box, int) else box.pid
    listener = subprocess.Popen(
        ["nsenter", f"--target={pid}", "--net", sys.executable, "-I", "-c", LISTENER],
        stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert listener.stdout and listener.stdout.readline()
        action()
        time.sleep(seconds)
        listener.terminate()
        return [line.strip() for line in listener.stdout]
    finally:
        listener.kill()
        listener.wait()
        if listener.stdout:
            listener.stdout.close()
