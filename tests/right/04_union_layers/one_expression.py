# right: one regular expression for all three characters

import re


def overlay_options(layers, upper, work):
    lower = ":".join(re.sub(r"([\\:,])", r"\\\1", name) for name in layers[::-1])
    return ",".join([f"lowerdir={lower}", f"upperdir={upper}", f"workdir={work}"])
