"""`--format`: the part of Go's text/template that people use with Docker, and its own words for errors."""

from __future__ import annotations

import contextlib
import json
import random

import pytest

from minidocker.formats import rows
from minidocker.formats.template import Template
from minidocker.formats.tokens import TemplateError
from minidocker.formats.values import NO_LIST, NO_MAP, Map

BOX = {
    "Name": "/box",
    "State": {"Pid": 3, "Running": True, "Health": None},
    "Labels": Map({"x": "y", "a.b": "c"}),
    "Args": ["a", "b"],
    "None": [],
    "Lists": NO_LIST,
    "Maps": NO_MAP,
    "Ports": Map({"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}], "9/udp": None}),
    "Ratio": 0.5,
    "Label": lambda name: {"x": "y"}.get(name, ""),
}


@pytest.mark.parametrize(
    ("template", "made"),
    [
        ("{{.Name}}", "/box"),
        ("{{ .State.Pid }} of {{.Name}}", "3 of /box"),
        ("{{.State}}", "{3 true <nil>}"),
        ("{{.Labels}} {{.Args}}", "map[a.b:c x:y] [a b]"),
        ("{{json .State}}", '{"Pid":3,"Running":true,"Health":null}'),
        ("{{.Labels | json}}", '{"a.b":"c","x":"y"}'),
        ('{{join .Args ", "}}', "a, b"),
        ('{{range $i, $a := .Args}}{{$i}}={{$a}} {{end}}', "0=a 1=b "),
        ("{{range .Args}}{{println .}}{{end}}", "a\nb\n"),
        ("{{range .None}}x{{else}}nothing{{end}}", "nothing"),
        ("{{range $k, $v := .Labels}}{{$k}}:{{$v}};{{end}}", "a.b:c;x:y;"),
        ('{{(index (index .Ports "80/tcp") 0).HostPort}}', "8080"),
        ("{{range $p, $c := .Ports}}{{if $c}}{{$p}} -> {{(index $c 0).HostPort}}{{end}}{{end}}",
         "80/tcp -> 8080"),
        ('{{with index .Ports "80/tcp"}}{{len .}}{{end}}', "1"),
        ('{{index .Labels "a.b"}}{{index .Labels "none"}}', "c"),
        ("{{.Labels.none}}", "<no value>"),
        ("{{.Lists}} {{json .Lists}} {{len .Lists}}{{range .Lists}}x{{end}}", "[] null 0"),
        ("{{.Maps}} {{json .Maps}} {{if .Maps}}x{{end}}", "map[] null "),
        ("{{.State.Health}}", "<nil>"),
        ("{{if .State.Running}}up{{else}}down{{end}}", "up"),
        ("{{if .None}}a{{else if eq .Name \"/box\"}}b{{else}}c{{end}}", "b"),
        ("{{if and .State.Running (not .None)}}both{{end}}", "both"),
        ("{{or .None .Name}}", "/box"),
        ("{{and .None .Nothing.At.All}}", "[]"),
        ("{{eq .State.Pid 1 2 3}} {{ne .State.Pid 3}} {{lt 1 2}} {{ge 1 2}}", "true false true false"),
        ("{{.Name | upper | printf \"%-8s|\"}}", "/BOX    |"),
        ('{{printf "%d %05d %v %q %t %x %5.1f %%" 3 4 .Args "a" true 255 .Ratio}}',
         '3 00004 [a b] "a" true ff   0.5 %'),
        ('{{printf "%s" 3}} {{printf "%d"}}', "%!s(int=3) %!d(MISSING)"),
        ("{{slice .Name 1}} {{slice .Name 1 3}}", "box bo"),
        ('{{join (split "a-b" "-") "+"}} {{title "one two"}} {{lower "ABC"}}', "a+b One Two abc"),
        ('{{truncate "abcdef" 3}}|{{pad "x" 2 1}}|{{pad "" 2 1}}', "abc|  x |"),
        ("a  {{- .Name -}}  b {{/* a note */}}c", "a/boxb c"),
        ("{{$x := .Name}}{{range .Args}}{{$x = .}}{{end}}{{$x}}", "b"),
        ("{{$x := 1}}{{if true}}{{$x := 2}}{{end}}{{$x}}", "1"),
        ("{{with .State}}{{.Pid}} {{$.Name}}{{end}}", "3 /box"),
        ('{{.Label "x"}}{{.Label "none"}}', "y"),
        ("{{`raw \\n`}} {{\"tab\\t\"}} {{1.5}} {{true}}", "raw \\n tab\t 1.5 true"),
        ('{{print "a" 1 2 "b"}} {{println "a" 1}}', "a1 2b a 1\n"),
        ("no actions", "no actions"),
        ("", ""),
    ],
)  # fmt: skip
def test_what_people_write(template: str, made: str) -> None:
    assert Template(template).fill(BOX) == made


@pytest.mark.parametrize(
    ("template", "docker", "status"),
    [
        ("{{.Nam}}", ':1:2: executing "" at <.Nam>: map has no entry for key "Nam"', 1),
        ("\n {{.State.Nam}}", ':2:3: executing "" at <.State.Nam>: map has no entry', 1),
        ("{{.Name.First}}", "can't evaluate field First", 1),
        ("{{.State.Health.Status}}", "nil data; no entry for key 'Status'", 1),
        ("{{index .Args 5}}", "index out of range: 5", 1),
        ("{{index .Name.Foo 5}}", "can't evaluate field Foo", 1),
        ("{{range .Name}}{{end}}", "range can't iterate over /box", 1),
        ('{{eq .Name 1}}', "incompatible types for comparison", 1),
        ("{{join .Args}}", "wrong number of args for join", 1),
        ("{{.Name 3}}", "can't give argument to non-function .Name", 1),
        ('{{printf "%999999999d" 1}}', "the width 999999999 is too large", 1),
        ("{{pad .Name 999999999 0}}", "too many spaces", 1),
        ("{{.Name", ":1: unclosed action", 64),
        ("{{foo .}}", ':1: function "foo" not defined', 64),
        ("{{$x}}", 'undefined variable "$x"', 64),
        ("{{if .Name}}", "unexpected EOF", 64),
        ("{{range .Args}}{{else}}", "unexpected EOF", 64),
        ("{{end}}", "unexpected {{end}}", 64),
        ("{{else}}", "unexpected {{else}}", 64),
        ("{{if}}{{end}}", "missing value for if", 64),
        ("{{.Name |}}", "missing value for command", 64),
        ("{{.Name)}}", "unexpected {{)}}", 64),
        ("{{(.Name}}", "unclosed left paren", 64),
        ("{{.Name ; .Name}}", 'unexpected ";" in operand', 64),
    ],
)  # fmt: skip
def test_what_is_refused_and_in_go_s_words(template: str, docker: str, status: int) -> None:
    with pytest.raises(TemplateError) as found:
        Template(template).fill(BOX)
    assert docker in found.value.docker
    assert found.value.docker.startswith(("template parsing error: template: :", "missing value"))
    assert found.value.status == status
    assert found.value.message.startswith("--format: ") and found.value.remedy


@pytest.mark.parametrize("template", ["{{}}", '{{"\\q"}}', "{{'ab'}}", "{{template \"x\"}}",
                                      "{{.Name | 3}}", "{{$a, $b := .Args}}", "{{3.Foo}}",
                                      "(" * 5000, "{{" + "(" * 5000, "{{if 1}}" * 5000])  # fmt: skip
def test_what_else_is_refused(template: str) -> None:
    if template.startswith("("):
        assert Template(template).fill(BOX) == template
        return
    with pytest.raises(TemplateError):
        Template(template)


@pytest.mark.parametrize("seed", range(5))
def test_no_template_makes_a_traceback(seed: int) -> None:
    dice = random.Random(seed)
    words = ["{{", "}}", "{{-", "-}}", ".Name", ".State.Pid", ".", "$", "$x", ":=", "=", "|", "(", ")",
             " ", "if", "else", "end", "range", "with", "json", "index", "join", '"a"', "`", "'", "1",
             ",", "len", "eq", "and", "printf", '"%s%d"', "/*", "*/", "\n", "x", "nil", "slice",
             "split", "truncate", ".Ports", ".Label"]  # fmt: skip
    for _ in range(300):
        text = "".join(
            dice.choice(words) + dice.choice(["", " "]) for _ in range(dice.randrange(1, 14))
        )
        with contextlib.suppress(TemplateError):
            Template(text).fill(BOX)


COLUMNS = {"ID": "CONTAINER ID", "Names": "NAMES"}
ROWS = [{"ID": "0123", "Names": "box"}, {"ID": "4", "Names": "a-long-name\x1b[2J"}]


@pytest.mark.parametrize(
    ("format", "lines"),
    [
        ("", ["CONTAINER ID   NAMES", "0123           box"]),
        ("table", ["CONTAINER ID   NAMES", "0123           box"]),
        (
            r"table {{.Names}}\t{{upper .ID}}",
            ["NAMES             CONTAINER ID", "box               0123"],
        ),
        ("{{.Names}}={{.ID}}", ["box=0123", "a-long-name\x1b[2J=4"]),
        (r"{{.ID}}\n", ["0123", "", "4"]),
    ],
)
def test_lists(format: str, lines: list[str], capfdbinary: pytest.CaptureFixture) -> None:
    rows.show(ROWS, format, COLUMNS, "{{.ID}}\t{{.Names}}")
    assert capfdbinary.readouterr().out.decode().split("\n")[: len(lines)] == lines


def test_a_list_as_json_has_one_object_a_line(capfdbinary: pytest.CaptureFixture) -> None:
    rows.show([{**ROWS[0], "Label": len}], "json", COLUMNS, "")
    assert json.loads(capfdbinary.readouterr().out) == ROWS[0]


def test_a_terminal_is_not_commanded(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    rows.say("a\x1b[2J\tb\n")
    rows.say("\udcff \ud800\n")
    assert capfdbinary.readouterr().out == b"a\\x1b[2J\tb\n\\udcff \\ud800\n"
