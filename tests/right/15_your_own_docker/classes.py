# right: a class with generators, and match


class Bundle:
    def __init__(self, config: dict) -> None:
        self.config = config
        self.own = frozenset(private(config))
        self.admin = ADMIN in powers(config)

    def shared_kinds(self):
        yield from (kind for kind in ("pid", "network", "ipc") if kind not in self.own)
        if self.admin and "uts" not in self.own:
            yield "uts"

    def through_mounts(self):
        for source, writable, shared in binds(self.config):
            yield from ["socket"] * touches(source, SOCKETS)
            if (self.admin or writable) and touches(source, SYSTEM):
                yield "files"
            if self.admin and shared:
                yield "mounts"

    def hooks(self):
        hooks = dict(self.config.get("hooks") or {})
        hooks.pop("startContainer", None)
        return {"hooks"} if sum(map(len, hooks.values())) else set()


def holes(config: dict) -> set[str]:
    bundle = Bundle(config)
    return {*bundle.shared_kinds(), *bundle.through_mounts(), *bundle.hooks()}


def private(config: dict) -> set[str]:
    own = set()
    for entry in config["linux"]["namespaces"]:
        match entry:
            case {"type": kind, "path": path} if path:
                continue
            case {"type": kind}:
                own.add(kind)
    return own
