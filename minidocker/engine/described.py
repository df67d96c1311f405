"""What a container is, in the words of `docker container inspect`.

What we do not have is there with Docker's own empty value: templates written for Docker work.
"""

from __future__ import annotations

import contextlib
import os
from typing import Any

from minidocker.engine.filters import network_of, networks_of, spec_of
from minidocker.engine.listing import sizes
from minidocker.engine.log_file import LOG
from minidocker.engine.standing import UNKNOWN, ZERO, ended, exit_code, moment, stamp, state_of
from minidocker.errors import MinidockerError
from minidocker.formats.values import NO_LIST, NO_MAP, Map
from minidocker.images.store.catalogue import layers_of
from minidocker.images.store.hold import listing
from minidocker.images.store.store import Store
from minidocker.kernel.flags import DEFAULT_CAPABILITIES
from minidocker.net import changed
from minidocker.net.addresses import gateway, mac, prefix
from minidocker.stages.masks import MASKED, READ_ONLY

Record = dict[str, Any]
UNSEEN = "its exit status is unknown: minidocker's own processes were killed"


def describe(store: Store, record: Record, sized: bool = False) -> Record:
    """Return everything about one container; `sized` adds up its files, too."""
    spec = spec_of(record)
    process = spec.get("process") or {}
    args = process.get("args") or [""]
    directory = record["directory"]
    made = {
        "Id": record["id"],
        "Created": stamp(moment(record, "created")),
        "Path": args[0],
        "Args": args[1:],
        "State": state(record),
        "Image": image_id(store, record),
        "ResolvConfPath": f"{directory}/resolv.conf",
        "HostnamePath": f"{directory}/hostname",
        "HostsPath": f"{directory}/hosts",
        "LogPath": f"{directory}/{LOG}" if os.path.exists(f"{directory}/{LOG}") else "",
        "Name": f"/{record['name'] or record['id']}",
        "RestartCount": int(record.get("restarts") or 0),
        "Driver": "overlay2",
        "Platform": "linux",
        "MountLabel": "",
        "ProcessLabel": "",
        "AppArmorProfile": "",
        "ExecIDs": NO_LIST,
        "HostConfig": host_config(spec, record),
        "GraphDriver": graph_driver(spec, directory),
        "Mounts": [mount(one) for one in spec.get("mounts") or ()],
        "Config": config(spec, record),
        "NetworkSettings": network_settings(spec, record),
    }
    if sized:
        made["SizeRw"], made["SizeRootFs"] = sizes(store, record)
    return made


def state(record: Record) -> Record:
    """Say how it is: `docker inspect -f '{{json .State}}'`."""
    word = state_of(record)
    alive = word in ("running", "paused", "restarting")
    code = exit_code(record)
    unseen = word == "exited" and code is None
    wrong = record["facts"].get("own wrong")  # of a learner's function, see own_keeping
    made = {
        "Status": word,
        "Running": alive,
        "Paused": word == "paused",
        "Restarting": word == "restarting",
        "OOMKilled": bool(record.get("oom_killed")),
        "Dead": word == "dead",
        "Pid": int(record.get("pid") or 0) if alive else 0,
        "ExitCode": UNKNOWN if unseen else code or 0,
        "Error": UNSEEN if unseen else str(record.get("error") or wrong or ""),
        "StartedAt": stamp(moment(record, "running")),
        "FinishedAt": stamp(ended(record)) if word == "exited" else ZERO,
    }
    if record.get("health"):
        made["Health"] = record["health"]
    return made


def image_id(store: Store, record: Record) -> str:
    """Return the id of the image whose layers the container has; "" where none has them now."""
    paths = (spec_of(record).get("root") or {}).get("layers") or []
    hexes = [path.split("/")[-2] for path in paths if path.count("/") > 2]
    with contextlib.suppress(MinidockerError):
        named = store.resolve(record["image"]).id if record["image"] else ""
        if named and layers_of(store, named.removeprefix("sha256:")) == hexes:
            return named
    for image in listing(store.path("images", "sha256")) if hexes else ():
        if layers_of(store, image) == hexes:
            return f"sha256:{image}"
    return ""


def mount(asked: Record) -> Record:
    """Describe one volume, directory or tmpfs."""
    name = asked.get("volume")
    kind = "volume" if name else str(asked.get("type") or "bind")
    made: Record = {"Type": kind}
    if name:
        made["Name"] = name
    made["Source"] = asked.get("source") or ""
    made["Destination"] = asked.get("destination") or ""
    if name:
        made["Driver"] = "local"
    made["Mode"] = "ro" if asked.get("readonly") else ""
    made["RW"] = not asked.get("readonly")
    made["Propagation"] = "" if name or kind == "tmpfs" else "rprivate"
    return made


def config(spec: Record, record: Record) -> Record:
    """Describe what the image and the command line have asked for inside."""
    process = spec.get("process") or {}
    args, first = process.get("args") or [], process.get("entrypoint") or 0
    interactive = bool(process.get("interactive"))
    ports = (spec.get("net") or {}).get("ports") or ()
    return {
        "Hostname": spec.get("hostname") or "",
        "Domainname": spec.get("domainname") or "",
        "User": process.get("user") or "",
        "AttachStdin": interactive,
        "AttachStdout": True,
        "AttachStderr": True,
        "ExposedPorts": Map({port_name(port): {} for port in ports}),
        "Tty": bool(process.get("terminal")),
        "OpenStdin": interactive,
        "StdinOnce": interactive,
        "Env": asked_for(process.get("env") or [], spec.get("hostname") or "", process),
        "Cmd": args[first:] or NO_LIST,
        "Image": record["image"],
        "Volumes": NO_MAP,
        "WorkingDir": process.get("cwd") or "",
        "Entrypoint": args[:first] or NO_LIST,
        "OnBuild": NO_LIST,
        "Labels": Map(spec.get("labels") or {}),
        "StopSignal": signal_name(spec.get("stop_signal")),
        "StopTimeout": spec.get("stop_timeout"),
        **({"Healthcheck": healthcheck(spec["health"])} if spec.get("health") else {}),
    }


def asked_for(env: list[str], hostname: str, process: Record) -> list[str]:
    """Return the variables of the image and the command line, without what a run adds itself."""
    found = [item for item in env if item != f"HOSTNAME={hostname}"]
    return found[bool(process.get("terminal") and found[:1] and found[0][:5] == "TERM=") :]


def healthcheck(asked: Record) -> Record:
    """Say how a container's health is looked at, without what only our keeper needs."""
    return {name: value for name, value in asked.items() if name != "args"}


def signal_name(number: int | None) -> str:
    """Return the name of a signal; SIGTERM where nothing was said."""
    import signal

    with contextlib.suppress(ValueError):
        return signal.Signals(number or signal.SIGTERM).name
    return str(number)


def port_name(port: Record) -> str:
    """Return "80/tcp"."""
    return f"{port['container']}/{port['protocol']}"


def bindings(ports: list[Record]) -> Map:
    """Say which ports of the host lead to each port of the container."""
    made = Map()
    for port in ports:
        place = {"HostIp": port.get("address") or "0.0.0.0", "HostPort": str(port["host"])}
        made.setdefault(port_name(port), []).append(place)
    return made


def graph_driver(spec: Record, directory: str) -> Record:
    """Say which directories the root is put together from."""
    root = spec.get("root") or {}
    layers = root.get("layers") or []
    data = {
        "LowerDir": ":".join(reversed(layers)),
        "MergedDir": f"{directory}/merged" if layers else root.get("path") or "/",
        "UpperDir": f"{directory}/upper" if layers else "",
        "WorkDir": f"{directory}/work" if layers else "",
    }
    return {"Data": Map(data), "Name": "overlay2"}


def host_config(spec: Record, record: Record) -> Record:
    """Describe limits, namespaces, capabilities and mounts."""
    linux, process = spec.get("linux") or {}, spec.get("process") or {}
    sharing, limits = spec.get("sharing") or {}, spec.get("resources") or {}
    names, privileged = spec.get("names") or {}, bool(linux.get("privileged"))
    open_paths = privileged or bool(linux.get("unmasked"))
    binds = [one for one in spec.get("mounts") or () if one.get("type") != "tmpfs"]
    has, usual = set(process.get("capabilities") or DEFAULT_CAPABILITIES), set(DEFAULT_CAPABILITIES)
    cpus = limits.get("cpus")
    return {
        "Binds": [
            f"{one.get('volume') or one['source']}:{one['destination']}"
            + (":ro" if one.get("readonly") else "")
            for one in binds
        ] or NO_LIST,
        "ContainerIDFile": "",
        "LogConfig": {"Type": "json-file", "Config": Map()},
        "NetworkMode": network_of(record),
        "PortBindings": bindings((spec.get("net") or {}).get("ports") or []),
        "RestartPolicy": spec.get("restart") or {"Name": "no", "MaximumRetryCount": 0},
        "AutoRemove": bool(spec.get("remove")),
        "VolumeDriver": "",
        "VolumesFrom": NO_LIST,
        "CapAdd": sorted(has - usual) or NO_LIST,
        "CapDrop": sorted(usual - has) or NO_LIST,
        "CgroupnsMode": "private",
        "Dns": names.get("servers") or [],
        "DnsOptions": names.get("options") or [],
        "DnsSearch": names.get("search") or [],
        "ExtraHosts": [":".join(pair) for pair in names.get("hosts") or ()] or NO_LIST,
        "GroupAdd": process.get("groups") or NO_LIST,
        "IpcMode": sharing.get("ipc") or "private",
        "OomScoreAdj": process.get("oom_score") or 0,
        "PidMode": sharing.get("pid") or "",
        "Privileged": privileged,
        "PublishAllPorts": False,
        "ReadonlyRootfs": bool((spec.get("root") or {}).get("readonly")),
        "SecurityOpt": ["no-new-privileges"] if process.get("no_new_privs") else NO_LIST,
        "UTSMode": sharing.get("uts") or "",
        "UsernsMode": "private" if linux.get("ids") else "",
        "ShmSize": spec.get("shm_size") or 64 << 20,
        "Sysctls": Map(spec.get("sysctl") or {}),
        "Runtime": "minidocker",
        "CpuShares": limits.get("shares") or 0,
        "Memory": limits.get("memory") or 0,
        "NanoCpus": int(cpus * 1e9) if cpus else 0,
        "CpuPeriod": limits.get("period") or 0,
        "CpuQuota": limits.get("quota") or 0,
        "CpusetCpus": limits.get("cpuset") or "",
        "CpusetMems": limits.get("mems") or "",
        "Devices": [
            {"PathOnHost": outside, "PathInContainer": inside, "CgroupPermissions": "rwm"}
            for outside, inside in linux.get("devices") or ()
        ],
        "MemoryReservation": limits.get("reservation") or 0,
        "MemorySwap": limits.get("swap") or 0,
        "PidsLimit": limits.get("pids"),
        "Ulimits": process.get("rlimits") or [],
        "Init": bool(spec.get("init")),
        "Annotations": Map(spec.get("annotations") or {}),
        "MaskedPaths": NO_LIST if open_paths else list(MASKED),
        "ReadonlyPaths": NO_LIST if open_paths else list(READ_ONLY),
    }  # fmt: skip


def network_settings(spec: Record, record: Record) -> Record:
    """Say where the container is in its network, while it runs."""
    net, facts = spec.get("net") or {}, record.get("facts") or {}
    name, joined = network_of(record), networks_of(record)
    address = str(facts.get("address") or "") if record["alive"] else ""
    subnet = str(facts.get("subnet") or "") if record["alive"] else ""
    place = {
        "Gateway": str(facts.get("gateway") or "") if record["alive"] else "",
        "IPAddress": address,
        "IPPrefixLen": prefix(subnet) if "/" in subnet else 0,
        "MacAddress": str(facts.get("mac") or (mac(address) if address else "")),
    }
    pid = int(record.get("pid") or 0) if record["alive"] else 0
    return {
        "Bridge": "",
        "SandboxID": "",
        "SandboxKey": f"/proc/{pid}/ns/net" if pid else "",
        "Ports": bindings(net.get("ports") or []) if record["alive"] else Map(),
        **place,
        "GlobalIPv6Address": "",
        "GlobalIPv6PrefixLen": 0,
        "IPv6Gateway": "",
        "Networks": Map({
            **({name: endpoint(name, net.get("aliases"), place)} if name in joined else {}),
            **{one: endpoint(one, *cable_of(record, one)) for one in joined if one != name},
        }),
    }  # fmt: skip


def endpoint(name: str, aliases: list[str] | None, place: Record) -> Record:
    """Say where a container is in one network."""
    return {"Aliases": aliases or NO_LIST, "NetworkID": name, **place}


def cable_of(record: Record, name: str) -> tuple[list[str], Record]:
    """Say what `network connect` has given a container: (aliases, its place while it runs)."""
    found = changed.read(record["directory"])["more"].get(name) or {}
    address = str(found.get("address") or "") if record["alive"] else ""
    subnet = str(found.get("subnet") or "") if record["alive"] else ""
    return found.get("aliases") or [], {
        "Gateway": gateway(subnet) if subnet else "",
        "IPAddress": address,
        "IPPrefixLen": prefix(subnet) if subnet else 0,
        "MacAddress": mac(address) if address else "",
    }
