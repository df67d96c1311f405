"""Elsewhere: the file of a real program that does what a learner's function does.

Paths were looked up in the repositories. Most are runc's; what runc leaves to others names them.
"""

from __future__ import annotations

RUNC, CGROUPS = "opencontainers/runc", "opencontainers/cgroups"
ROOTFS, INIT = "libcontainer/rootfs_linux.go", "libcontainer/standard_init_linux.go"
NSEXEC = "libcontainer/nsenter/nsexec.c"
NETWORK = "src/network/bridge.rs"

# function → (repository, file). Of `blame` no such program is known to us.
FILES = {
    "set_hostname": (RUNC, INIT), "set_names": (RUNC, INIT),
    "spawn": (RUNC, NSEXEC), "init": (RUNC, "signals.go"),
    "make_private": (RUNC, ROOTFS), "mount_proc": (RUNC, ROOTFS), "bind": (RUNC, ROOTFS),
    "pivot": (RUNC, ROOTFS), "make_dev": (RUNC, ROOTFS), "read_only_root": (RUNC, ROOTFS),
    "private_shm": (RUNC, ROOTFS), "mask_paths": (RUNC, ROOTFS),
    "overlay_options": ("containers/storage", "drivers/overlay/overlay.go"),
    "place_etc_files": ("containers/podman", "libpod/container_internal_common.go"),
    "limits": (CGROUPS, "fs2/fs2.go"), "make_cgroup": (CGROUPS, "fs2/create.go"),
    "remove": (CGROUPS, "utils.go"),
    "set_boot_offset": (RUNC, NSEXEC), "ipc_namespace": (RUNC, NSEXEC),
    "map_lines": (RUNC, "libcontainer/container_linux.go"), "write_maps": (RUNC, NSEXEC),
    "newuidmap_argv": (RUNC, NSEXEC), "become_root": (RUNC, NSEXEC),
    "loopback_up": (RUNC, "libcontainer/network_linux.go"),
    "connect": ("containers/netavark", NETWORK), "default_route": ("containers/netavark", NETWORK),
    "lease": ("containers/netavark", "src/ipam/store.rs"),
    "publish": ("containers/netavark", "src/firewall/nft.rs"),
    "no_new_privileges": (RUNC, INIT),
    "drop_capabilities": (RUNC, "libcontainer/capabilities/capabilities.go"),
    "compile_filter": (RUNC, "libcontainer/seccomp/seccomp_linux.go"),
    "pack": ("containers/storage", "pkg/archive/archive.go"),
    "apply_layer": ("containers/storage", "pkg/archive/archive.go"),
    "cache_key": ("containers/buildah", "imagebuildah/stage_executor.go"),
    "verify": ("containers/image", "copy/digesting_reader.go"),
    "choose": ("containers/image", "internal/manifest/oci_index.go"),
    "headers_for": ("containers/image", "docker/docker_client.go"),
    "trusted": ("containers/image", "signature/policy_eval_sigstore.go"),
    "store_is_whole": ("containers/storage", "check.go"),
    "status_of": (RUNC, "libcontainer/state_linux.go"),
    "exec_in": (RUNC, "libcontainer/setns_init_linux.go"),
    "stop": ("containers/podman", "libpod/oci_conmon_common.go"),
    "supervise": ("containers/podman", "libpod/container_internal.go"), "join": (RUNC, NSEXEC),
    "create": (RUNC, "create.go"),
    "holes": (RUNC, "libcontainer/configs/validate/validator.go"),
    "spec_of": ("moby/moby", "daemon/oci_linux.go"),
    "state": (RUNC, "libcontainer/container_linux.go"),
    "start": (RUNC, "start.go"), "log_pump": ("containers/conmon", "src/ctr_logging.c"),
    "PULL_ORDER": ("containers/image", "copy/single.go"),
}  # fmt: skip


def file_of(name: str) -> tuple[str, str]:
    """Return (repository, file) for a function; two empty texts where none was looked up."""
    return FILES.get(name, ("", ""))
