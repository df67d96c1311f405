"""Checks of lesson 04: union layers.

Each one lets the learner's function work in a cell, and looks at the trees from outside: what the
kernel's overlay shows there is the truth.
"""

import os
import random
import re

from looking_at_layers import noted, plan, read, somewhere, token, write
from looking_at_refusals import errors_come_out

from minidocker.chamber.cell_needs import of_the_host, user_attributes
from minidocker.course.outcomes import Fail, compared, good
from minidocker.proc import mounts

WORDS = ("lowerdir", "upperdir", "workdir")
ETC = ("hosts", "hostname", "resolv.conf")


# --- overlay_options ---------------------------------------------------------------------------


def mounted(one, ran):
    """Wait until the overlay is mounted with the learner's options."""
    message = one.expect("mounted", "refused", "wrong")
    if message.event == "wrong":
        raise Fail("MD9012", name="overlay_options", value=message["value"], wanted="text", ran=ran)
    if message.event == "refused":
        raise Fail("MD0401", ran=ran, text=message["text"], expected="options that mount(2) takes",
                   kernel=message["options"])  # fmt: skip
    if not message["kept"]:
        raise Fail("MD0434", ran=ran)
    words = re.findall(r"(?:\\.|[^,\\])+", message["options"])
    more = [word for word in words if word.partition("=")[0] not in WORDS]
    if more:
        raise Fail("MD0437", ran=ran, expected=", ".join(WORDS), kernel=" ".join(more))
    return message["options"]


UNSORTED = (("mosses", "Zinc", "alder"), ("z9", "z10", "z2"), ("über", "b", "Öx"))
"""By letters, numbers or lengths, up or down: no order of names is theirs."""


def test_options_order(subject, cell):
    place, texts = somewhere(), [token(), token(), token()]
    a, b, c = random.choice(UNSORTED)
    layers = [[a, [["x", texts[0]], ["only-a", texts[0]]]],
              [b, [["x", texts[1]], ["both", texts[1]]]],
              [c, [["both", texts[2]], ["d/deep", texts[2]]]]]  # fmt: skip
    ran = f"overlay_options([{a}, {b}, {c}], upper, work): {c} is the top layer"
    wanted = {"x": texts[1], "only-a": texts[0], "both": texts[2], "d/deep": texts[2]}
    with cell("options", place=place, layers=layers) as one:
        options = mounted(one, ran)
        who = dict(zip(texts, (a, b, c), strict=True))
        seen = {name: read(one, f"{place}/merged/{name}") for name in wanted}
        lines = compared({name: f"from {who[text]}" for name, text in wanted.items()},
                         {name: f"from {who.get(text, 'nowhere')}"
                          for name, text in seen.items()})  # fmt: skip
        if not good(lines):
            raise Fail("MD0402", ran=ran, kernel=options, lines=lines)
        text = token()
        write(one, f"{place}/merged/x", text.encode())
        if read(one, f"{place}/upper/x") != text or read(one, f"{place}/{b}/x") != texts[1]:
            raise Fail("MD0403", ran=ran, expected="a write to merged/x goes to upper/x",
                       kernel=options)  # fmt: skip
    one_layer(cell)


def one_layer(cell):
    """An image can have a single layer: its files must not be what is written to."""
    place, text = somewhere(), token()
    ran = "overlay_options([only], upper, work)"
    with cell("options", place=place, layers=[["only", [["x", text]]]]) as one:
        options = mounted(one, ran)
        try:
            write(one, f"{place}/merged/x", token().encode())
        except OSError as problem:
            raise Fail("MD0403", ran=ran, expected="a write to merged/x goes to upper/x",
                       kernel=f"{problem.strerror}; {options}") from None  # fmt: skip
        if read(one, f"{place}/only/x") != text:
            raise Fail("MD0403", ran=ran, expected="a write to merged/x goes to upper/x",
                       kernel=options)  # fmt: skip


def test_options_names(subject, cell):
    place, text = somewhere(), token()
    names = ["plain", "a:b:c", "c,d,e", "e\\f\\g", "g h", "i\\:,j", "k:upperdir=x,l", " n "]
    names += [f"m{number}" for number in range(random.randrange(8, 20))]
    layers = [[name, [[f"from-{number}", text]]] for number, name in enumerate(names)]
    ran = f"overlay_options({names}, upper, work)"
    with cell("options", place=place, layers=layers) as one:
        options = mounted(one, ran)
        seen = {name: read(one, f"{place}/merged/from-{number}")
                for number, name in enumerate(names)}  # fmt: skip
        lines = compared(dict.fromkeys(names, "is a layer"),
                         {name: "is a layer" for name, found in seen.items() if found == text})  # fmt: skip
        if not good(lines):
            raise Fail("MD0404", ran=ran, kernel=options, lines=lines)


def attributes_space():
    return "user" if user_attributes() else "trusted"


def test_changes(subject, cell):
    args, n = plan()
    args["operations"] += [
        ["socket", f"{n['new']}/socket"],
        ["write", f"{n['new']}/.wh.{n['kept']}", token()],  # in an archive it would mean something
        ["mkdir", f"{n['new']}/marked"],  # "x" has another meaning than "y"
        ["mark", f"{n['new']}/marked", f"{attributes_space()}.overlay.opaque", "x"],
        *([["node", f"{n['new']}/first", 240, 0]] if of_the_host() else []),
        ["write", f"{n['new']}-beside", token()],  # sorted as a text, it comes before new/…
    ]
    with cell("changes", **args) as one:
        one.expect("cast")
        truth = noted(one, f"{args['place']}/upper")
        if sorted(set(truth.values())) != ["deleted", "opaque", "written"]:
            raise RuntimeError(f"the kernel made another upper directory than expected: {truth}")
        one.answer()
        message = one.expect("results")
        if message["found"] is None:
            raise Fail("MD9012", name="changes", value=message["value"], wanted="list of pairs")
        lines = compared(truth, dict(map(tuple, message["found"])))
        if not good(lines):
            raise Fail("MD0405", ran="changes(upper)", lines=lines)
        if [path for path, _ in message["found"]] != sorted(truth):
            raise Fail("MD0406", ran="changes(upper)", expected=" ".join(sorted(truth)),
                       kernel=" ".join(path for path, _ in message["found"]))  # fmt: skip
        left = noted(one, f"{args['place']}/upper")
        if left != truth:
            raise Fail("MD0435", ran="changes(upper)", lines=compared(truth, left))


# --- place_etc_files ---------------------------------------------------------------------------


def placed(one, texts):
    """Wait until the three files are placed."""
    message = one.expect("placed", "refused")
    if message.event == "refused":
        raise Fail("MD0427", text=message["text"], ran="place_etc_files(kernel, directory, root)")


def etc_texts():
    return {name: f"{token()} {name}\n" for name in ETC}


def test_etc_mounted(subject, cell):
    for texts in (etc_texts(), dict.fromkeys(ETC, "")):  # an empty file is a file, too
        judge_mounted(cell, texts)
    errors_come_out(cell, "place_etc_files", ["/tmp/files", "/tmp/tree"], ["mount"], ["mount"])


def judge_mounted(cell, texts):
    place, ran = somewhere(), "place_etc_files(kernel, directory, root)"
    with cell("etc", place=place, texts=texts) as one:
        placed(one, texts)
        seen = {name: read(one, f"{place}/merged/etc/{name}") for name in ETC}
        lines = compared(texts, seen)
        if not good(lines):
            raise Fail("MD0428", ran=ran, lines=lines)
        points = [item.point for item in mounts.parse(one.proc.read(1, "mountinfo"))]
        wanted = {f"{place}/merged/etc/{name}" for name in ETC}
        elsewhere = {f"/etc/{name}" for name in ETC}
        found = [point for point in points
                 if point in elsewhere or point.startswith(f"{place}/merged/")]  # fmt: skip
        lines = compared(wanted, set(found))
        lines += [("BAD", f"{point}: twice") for point in set(found) if found.count(point) > 1]
        if not good(lines):
            code = "MD0429" if wanted - set(found) else "MD0436"
            raise Fail(code, ran=ran, expected="three mounts", lines=lines)


def test_etc_layer(subject, cell):
    place, texts = somewhere(), etc_texts()
    ran = "place_etc_files(kernel, directory, root)"
    with cell("etc", place=place, texts=texts) as one:
        placed(one, texts)
        copied = sorted(noted(one, f"{place}/upper"))
        if copied:
            ours = os.path.basename(copied[-1]) in ETC
            raise Fail("MD0430" if ours else "MD0438", ran=ran,
                       expected="an upper directory without these files", kernel=f"upper/{copied[-1]} is there")  # fmt: skip
        filled = [name for name in ETC if read(one, f"{place}/init/etc/{name}") != ""]
        if filled or read(one, f"{place}/image/etc/hosts") != "the image's own\n":
            raise Fail("MD0431", ran=ran, kernel=" ".join(filled or ["the image's hosts"]))
        if read(one, f"{place}/outside") != "unhurt\n":
            raise Fail("MD0432", ran=ran)
        more = token()
        try:
            write(one, f"{place}/merged/etc/hosts", more.encode(), append=True)
        except OSError as problem:
            raise Fail("MD0433", ran=ran, expected="a container can write to its /etc/hosts",
                       kernel=problem.strerror) from None  # fmt: skip
        if read(one, f"{place}/box/hosts") != texts["hosts"] + more:
            raise Fail("MD0433", ran=ran, expected="what a container writes is in box/hosts")
        if "etc/hosts" in noted(one, f"{place}/upper"):
            raise Fail("MD0430", ran=ran, kernel="after a write, upper/etc/hosts is there")
