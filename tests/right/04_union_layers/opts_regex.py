# right: by a regular expression, the keys in another order


def overlay_options(layers, upper, work):
    import re

    names = [re.sub(r"([\\:,])", r"\\\1", name) for name in layers]
    names.reverse()
    return "workdir=" + work + ",upperdir=" + upper + ",lowerdir=" + ":".join(names)
