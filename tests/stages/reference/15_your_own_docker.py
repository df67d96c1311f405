"""The runtime's own `state`, under the name of lesson 15; its other verbs need a whole bundle."""

from minidocker.oci.container import Container


def state(directory):
    """The runtime's records lie in /run, which no boot outlives: it asks for none."""
    record = load(directory)  # noqa: F821 - given in the exercise, over which this is laid
    if not record:
        return "creating"
    root, _, name = directory.rpartition("/")
    lost = record["boot"] != boot()  # noqa: F821
    told = {"pid": record["pid"], "began": str(record["began"]), "status": "created", "facts": {}}
    return "stopped" if lost else Container(root, name).status(told)
