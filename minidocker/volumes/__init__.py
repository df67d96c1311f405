"""Volumes: what -v, --mount and --tmpfs say, and the directories of the store that outlive runs.

Loaded only by runs that ask for such a mount.
"""
