"""Oci: the runtime that Podman, containerd and Docker call, on the stages of `run`."""
