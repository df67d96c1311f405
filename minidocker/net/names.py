"""What a container finds in /etc/hosts and /etc/resolv.conf. hosts(5), resolv.conf(5)"""

from __future__ import annotations

from minidocker.errors import UsageError
from minidocker.spec.spec import Names
from minidocker.spec.words import is_address

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from minidocker.kernel.interface import Kernel
    from minidocker.spec.spec import Run

GATEWAY = "host-gateway"  # the address of the host, whatever that is in this network
MORE = "hosts.more"  # in a container's directory: its lines that no network knows


def read(
    hosts: list[str], servers: list[str], search: list[str], options: list[str]
) -> Names:
    """Read --add-host, --dns, --dns-search and --dns-option, each as often as it was given."""
    return Names(
        hosts=[parse_host(text, "--add-host") for text in hosts],
        servers=[parse_server(text, "--dns") for text in servers],
        search=[parse_word(text, "--dns-search") for text in search],
        options=[parse_word(text, "--dns-option") for text in options],
    )


def parse_host(text: str, option: str) -> list[str]:
    """Read --add-host NAME:ADDRESS or NAME=ADDRESS as [name, address]."""
    name, sign, address = text.partition("=" if "=" in text else ":")
    if address[:1] == "[" and address[-1:] == "]":
        address = address[1:-1]
    if not sign or not name:
        raise UsageError(
            f"{option} {text!r} is not NAME:ADDRESS", f"{option} db:10.77.0.9",
            docker=f'bad format for add-host: "{text}"',
        )  # fmt: skip
    if name.split() != [name] or not name.isprintable():
        raise UsageError(f"{option} {text!r}: no line of a hosts file has such a name", "one word")
    if address != GATEWAY and not is_address(address):
        raise UsageError(
            f"{option} {text}: {address!r} is no IP address",
            f"{option} {name}:10.77.0.9   or {name}:{GATEWAY}",
            docker=f'invalid IP address in add-host: "{address}"',
        )  # fmt: skip
    return [name, address]


def parse_server(text: str, option: str) -> str:
    """Read --dns: an address."""
    if not is_address(text.strip()):
        raise UsageError(
            f"{option} {text!r} is no IP address", f"{option} 9.9.9.9",
            docker=f'invalid argument "{text}" for "{option}" flag: IP address is not correctly '
            f"formatted: {text}",
        )  # fmt: skip
    return text.strip()


def parse_word(text: str, option: str) -> str:
    """Read --dns-search or --dns-option: one word of a line."""
    if text.split() != [text.strip()] or not text.isprintable():
        raise UsageError(
            f"{option} {text!r} is no word for resolv.conf",
            f"such as {option} {'lab.example' if option == '--dns-search' else 'ndots:1'}",
            docker=f"{text} is not a valid domain" if option == "--dns-search" else "",
        )  # fmt: skip
    return text.strip()


def host_lines(names: Names | None, gateway: str) -> str:
    """Return the lines of --add-host; `gateway` is where the host is."""
    return "".join(
        f"{gateway if address == GATEWAY else address}\t{name}\n"
        for name, address in (names.hosts if names else ())
    )


def write_own_lines(kernel: Kernel, run: Run, gateway: str) -> None:
    """Put the container's own lines where whoever writes its hosts file finds them."""
    if run.spec.names and run.spec.names.hosts:
        kernel.write(f"{run.directory}/{MORE}", host_lines(run.spec.names, gateway))


def resolvers(kernel: Kernel) -> str:
    """Return the host's resolv.conf, or systemd's own: from a bridge, 127.0.0.53 is nobody."""
    plain, systemd = "/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"
    text = kernel.read(plain) if kernel.exists(plain) else ""
    if "nameserver 127." in text and kernel.exists(systemd):
        return kernel.read(systemd)
    return text


def resolv_conf(text: str, names: Names | None) -> str:
    """Change the host's resolv.conf as --dns, --dns-search and --dns-option ask.

    Each of the three replaces the host's lines of its kind; `--dns-search .` is no search at all.
    """
    if not names:
        return text
    kept, added = text.splitlines(), []
    if names.servers:
        kept = [line for line in kept if line.split()[:1] != ["nameserver"]]
        added += [f"nameserver {address}" for address in names.servers]
    if names.search:
        kept = [line for line in kept if line.split()[:1] not in (["search"], ["domain"])]
        if names.search != ["."]:
            added.append("search " + " ".join(word for word in names.search if word != "."))
    if names.options:
        kept = [line for line in kept if line.split()[:1] != ["options"]]
        added.append("options " + " ".join(names.options))
    return "\n".join([*kept, *added]) + "\n"
