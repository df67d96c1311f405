"""The Dockerfile reader: lines, heredocs, words, variables, and what is refused with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from minidocker.build.dockerfile import FLAGS, REFUSED, Instruction, one_line, pairs, parse
from minidocker.build.ignore import Ignore
from minidocker.build.lines import read
from minidocker.build.substitute import Words
from minidocker.build.wrong import BuildError


def lines(text: str) -> list[str]:
    return [line.text for line in read(text).lines]


def steps(text: str) -> list[Instruction]:
    return parse("FROM base\n" + text).stages[0].steps


def refusal(text: str) -> BuildError:
    with pytest.raises(BuildError) as caught:
        parse(text)
    return caught.value


# Lines


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("FROM a\n\n# no\n  RUN x  \n", ["FROM a", "RUN x"]),
        ("RUN a \\\n  b", ["RUN a   b"]),
        ("RUN a \\   \n b", ["RUN a  b"]),
        ("RUN a \\\n# a comment\n\n  # another\n b", ["RUN a  b"]),
        ("RUN a \\", ["RUN a"]),
        ("RUN a \\\\\nRUN b", ["RUN a \\\\", "RUN b"]),
        ("RUN a # b", ["RUN a # b"]),
        ("\ufeffFROM a\r\nRUN b\r\n", ["FROM a", "RUN b"]),
        ("\\\nRUN a", ["RUN a"]),
        ("", []),
    ],
)
def test_lines_are_put_together(text: str, wanted: list[str]) -> None:
    assert lines(text) == wanted


def test_the_escape_directive_moves_the_continuation() -> None:
    found = read("# syntax=docker/dockerfile:1\n# escape=`\nRUN dir C:\\\nRUN a `\n b")
    assert found.directives == {"syntax": "docker/dockerfile:1", "escape": "`"}
    assert [line.text for line in found.lines] == ["RUN dir C:\\", "RUN a  b"]


@pytest.mark.parametrize("text", ["\n# escape=`\nRUN a `\n", "# hello\n# escape=`\nRUN a `\n"])
def test_a_directive_counts_before_everything_else_only(text: str) -> None:
    assert read(text).escape == "\\"


def test_directives_that_cannot_be_are_refused_with_their_line() -> None:
    assert "directive escape" in refusal("# escape=`\n# escape=`\nFROM a").message
    assert refusal("# syntax=x\n# escape=/\nFROM a").line == 2


def test_lines_have_the_number_where_they_begin() -> None:
    found = read("FROM a\n\nRUN b \\\n c\nRUN <<E\nx\nE\nUSER d\n").lines
    assert [line.number for line in found] == [1, 3, 5, 8]


def test_heredocs_are_taken_out_of_the_text() -> None:
    found = read("RUN <<EOF\na\n\nEOF\nCOPY <<-'A' <<\"B\" /x/\n\t1\n\tA\n2\nB\nUSER u").lines
    assert [h[:] for h in found[0].heredocs] == [("EOF", "a\n\n", True, False)]
    assert [h[:] for h in found[1].heredocs] == [("A", "1\n", False, True), ("B", "2\n", False, False)]
    assert found[2].text == "USER u"


@pytest.mark.parametrize("text", ["RUN cat <<<x", "RUN echo '<<E'", "ENV a=<<E", "RUN a<<E", "CMD <<E"])
def test_what_is_no_heredoc(text: str) -> None:
    assert read(text).lines[0].heredocs == []


def test_a_heredoc_without_an_end_is_refused_where_it_begins() -> None:
    problem = refusal("FROM a\nRUN <<EOF\nEOF2\n")
    assert problem.line == 2
    assert problem.docker == "unterminated heredoc: EOF"


# Instructions


def test_words_are_read_in_any_case() -> None:
    found = parse("arg V=1\nfrom a:$V As Build\nrun x\nFrom build")
    assert [(s.base, s.name) for s in found.stages] == [("a:$V", "build"), ("build", "")]
    assert found.head[0].word == "ARG"
    assert found.stages[0].steps[0].word == "RUN"


@pytest.mark.parametrize(
    ("text", "exec"),
    [
        ('CMD ["a", "b c"]', ["a", "b c"]), ("CMD a b", None), ("CMD ['a']", None),
        ('ENTRYPOINT [ "x" ]', ["x"]), ("CMD []", []), ('CMD [ -f x ] && echo "y"', None),
    ],
)  # fmt: skip
def test_json_and_shell_forms(text: str, exec: list[str] | None) -> None:
    assert steps(text)[0].exec == exec


def test_flags_are_taken_off() -> None:
    one = steps("RUN --mount=type=tmpfs,target=/t --mount=type=cache,target=/c --network=none a --b")[0]
    assert one.flags == [
        ("mount", "type=tmpfs,target=/t"), ("mount", "type=cache,target=/c"), ("network", "none"),
    ]  # fmt: skip
    assert one.rest == "a --b"
    assert steps("COPY --chown=a:b --link -- --x /y")[0].rest == "--x /y"


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("RUN x", 1, "before the first FROM"),
        ("FROM a\nFOO b", 2, "no instruction FOO"),
        ("FROM a b", 1, "neither an image"),
        ("FROM a AS 1x", 1, "no name for a stage"),
        ("FROM a AS x\nFROM b AS X", 2, "a stage x already"),
        ("FROM a\n\nCOPY --parents a b", 3, "COPY --parents is not built"),
        ("FROM a\nRUN --security=insecure x", 2, "RUN --security is not built"),
        ("FROM a\nADD --checksum=sha256:0 a b", 2, "ADD --checksum is not built"),
        ("FROM a\nRUN --speed=1 x", 2, "no flag --speed"),
        ("FROM a\nCOPY --from x y z", 2, "--from needs a value"),
        ("FROM a\nCOPY --from=x --from=y a b", 2, "--from twice"),
        ('FROM a\nCMD ["a", 1]', 2, "not of strings"),
        ("FROM a\nSHELL sh -c", 2, "SHELL wants a JSON list"),
        ('FROM a\nCMD ["\\ud800"]', 2, "half a character"),
        ("FROM a\nENV", 2, "ENV says nothing"),
        ("FROM a\nONBUILD FROM b", 2, "ONBUILD FROM cannot be"),
        ("FROM a\nONBUILD ONBUILD RUN b", 2, "ONBUILD ONBUILD cannot be"),
        ("FROM a\nONBUILD WHAT b", 2, "no instruction WHAT"),
        ("# only this", 0, "no FROM"),
        ("FROM a\nRUN b\nENV c=\0\n", 3, "NUL"),
    ],
)
def test_what_is_wrong_is_refused_with_its_line(text: str, line: int, says: str) -> None:
    problem = refusal(text)
    assert (problem.line, problem.status) == (line, 1)
    assert says in problem.message


def test_a_message_names_file_and_line() -> None:
    assert refusal("FROM a\nFOO b").at("Dockerfile").message.startswith("Dockerfile:2: there is no")


def test_a_trigger_is_an_instruction_by_itself() -> None:
    assert one_line("COPY --chown=1 . /x", 7) == Instruction(7, "COPY", [("chown", "1")], ". /x", None, [])


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("ENV a=1 b='2 3' c=4\\ 5", [("a", "1"), ("b", "'2 3'"), ("c", "4\\ 5")]),
        ("ENV a  b c", [("a", "b c")]),
        ("LABEL x=", [("x", "")]),
        ('LABEL "a b"="c"', [('"a b"', '"c"')]),
        ("ENV a b=c", [("a", "b=c")]),
    ],
)
def test_pairs(text: str, wanted: list[tuple[str, str]]) -> None:
    assert pairs(steps(text)[0], "\\") == wanted


def test_pairs_of_arg_may_lack_a_value() -> None:
    assert pairs(steps("ARG a b=1")[0], "\\", bare=True) == [("a", None), ("b", "1")]


@pytest.mark.parametrize("text", ["ENV a", "ENV a=1 b", "ENV =1"])
def test_pairs_that_are_none(text: str) -> None:
    with pytest.raises(BuildError):
        pairs(steps(text)[0], "\\")


# Variables

VALUES = {"x": "X", "empty": "", "path": "/a/b.tar.gz", "two": "1 2"}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("$x", "X"), ("${x}y", "Xy"), ("$xy", ""), ("$no-", "-"), ("\\$x", "$x"), ("'$x'", "$x"),
        ('"$x"', "X"), ('"\\$x"', "$x"), ('"a\\"b"', 'a"b'), ('"a\\b"', "a\\b"), ("a\\b", "ab"),
        ("${x:-d}", "X"), ("${no:-d}", "d"), ("${empty:-d}", "d"), ("${empty-d}", ""),
        ("${no-d}", "d"), ("${x:+d}", "d"), ("${empty:+d}", ""), ("${empty+d}", "d"),
        ("${no+d}", ""), ("${no:-$x}", "X"), ("${no:-${no:-e}}", "e"), ("${no:-'a b'}", "a b"),
        ("${path#*/}", "a/b.tar.gz"), ("${path##*/}", "b.tar.gz"), ("${path%.*}", "/a/b.tar"),
        ("${path%%.*}", "/a/b"), ("${path/a/c}", "/c/b.tar.gz"), ("${path//a/c}", "/c/b.tcr.gz"),
        ("${path/.tar.gz}", "/a/b"), ("$", "$"), ("a$", "a$"), ("$/", "$/"), ("$1", ""), ("a'b'c", "abc"),
        ("${x?no}", "X"), ("", ""), ('""', ""),
    ],
)  # fmt: skip
def test_variables_as_in_docker(text: str, wanted: str) -> None:
    assert Words(VALUES).word(text) == wanted


@pytest.mark.parametrize("text", ["${", "${x", "${}", "${x:}", "${x:=y}", "'a", '"a', "${x^}", "${no:?why}"])
def test_texts_that_are_no_words(text: str) -> None:
    with pytest.raises(BuildError) as caught:
        Words(VALUES, line=3).word(text)
    assert caught.value.line == 3


def test_an_error_of_the_dockerfile_says_its_own_words() -> None:
    with pytest.raises(BuildError, match="no: give me one"):
        Words(VALUES).word("${no:?give me one}")


def test_many_braces_in_one_another_end() -> None:
    with pytest.raises(BuildError, match="too many"):
        Words({}).word("${a:-" * 1000 + "}" * 1000)


def test_words_are_split_where_no_quotes_are() -> None:
    assert Words(VALUES).words('a $two "b c" $empty') == ["a", "1", "2", "b c"]


def test_a_heredoc_keeps_its_quotes() -> None:
    assert Words(VALUES).text("a '$x' \"b\" \\$x \\n ${no:-\"q\"}\n") == "a 'X' \"b\" $x \\n \"q\"\n"


def test_names_that_were_used_are_known() -> None:
    words = Words(VALUES)
    words.word("$x ${no:-$two}")
    assert words.used == {"x", "no", "two"}


def test_with_another_escape_a_backslash_is_nothing() -> None:
    assert Words({"x": "X"}, escape="`").word("C:\\$x `$x") == "C:\\X $x"


# What is ignored


@pytest.mark.parametrize(
    ("rules", "ignored", "kept"),
    [
        ("*.log", ["a.log"], ["b/a.log", "a.logs"]),
        ("**/*.log", ["a.log", "b/a.log", "b/c/a.log"], ["a.txt"]),
        ("node_modules", ["node_modules", "node_modules/a/b"], ["x/node_modules"]),
        ("**/node_modules/", ["node_modules/a", "x/node_modules/a"], ["x/node"]),
        ("/a", ["a"], ["b/a"]),
        ("a/*", ["a/b", "a/b/c"], ["a"]),
        ("*\n!keep", ["a", "b/c"], ["keep", "keep/x"]),
        ("docs\n!docs/*.md\ndocs/secret.md", ["docs/a", "docs/secret.md"], ["docs/b.md"]),
        ("a/**/z", ["a/z", "a/b/z", "a/b/c/z"], ["z"]),
        ("a/**", ["a/b", "a/b/c"], ["a", "b"]),
        ("# no\n\n  b  ", ["b"], ["# no", "a"]),
        ("te?t", ["test"], ["te/t", "tet"]),
        ("[a-c]x", ["ax", "cx"], ["dx"]),
        ("[^a]x", ["bx"], ["ax", "/x"]),
        ("[a--]x", ["ax", "-x"], ["bx"]),
        ("a\\*b", ["a*b"], ["axb"]),
        ("./a/../b", ["b"], ["a"]),
        ("a+b", ["a+b"], ["aab"]),
        ("", [], ["a"]),
    ],
)
def test_ignore_as_docker_does(rules: str, ignored: list[str], kept: list[str]) -> None:
    ignore = Ignore(rules)
    assert [path for path in ignored if not ignore.ignores(path)] == []
    assert [path for path in kept if ignore.ignores(path)] == []


def test_a_pattern_that_is_none_is_refused() -> None:
    with pytest.raises(BuildError, match=r"\.dockerignore:2"):
        Ignore("a\n[z-a]")


# The page


def test_the_page_names_every_instruction_and_flag() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs/dockerfile.md").read_text()
    for word, flags in FLAGS.items():
        assert f"`{word}`" in page, word
        for flag in flags:
            assert f"`--{flag}`" in page, (word, flag)
    for word, flag in REFUSED:
        row = next(line for line in page.splitlines() if line.startswith(f"| `{word}`"))
        assert f"`--{flag}`" in row.rsplit("|", 2)[1], (word, flag)


def test_variables_that_double_one_another_come_to_an_end() -> None:
    """A Dockerfile of twenty lines would take all memory of the machine."""

    def double(times: int, value: str = "a") -> str:
        return double(times - 1, Words({"A": value}).word("$A" * 8)) if times else value

    assert double(3) == "a" * 512
    with pytest.raises(BuildError, match="grows to more than"):
        double(20)
    assert len(Words({"A": "a" * 1000}).word("$A" * 1000)) == 1_000_000
    with pytest.raises(BuildError, match="grows to more than"):
        Words({"A": "a" * 10_000}).text('"${A:-x}"' * 1000)


def test_a_trigger_of_an_image_is_no_from() -> None:
    """What an image's configuration says has passed no reader of a Dockerfile."""
    assert one_line("RUN a", 7).number == 7
    for text, said in (("FROM a", "ONBUILD FROM cannot be"), ("RUN a\nRUN b", "is no instruction")):
        with pytest.raises(BuildError, match=said):
            one_line(text, 7)


def test_line_ends_of_windows_stay_in_a_file_and_not_in_a_command() -> None:
    text = "FROM x\r\nRUN <<E\r\na \\\r\nb\r\nE\r\nCOPY <<-F <<G /d/\r\n\tone\r\n\tF\r\ntwo\nG\r\nENV a=b \\\r\n c=d\r\n"
    run, copy, env = parse(text).stages[0].steps
    assert [doc.text for doc in run.heredocs] == ["a \\\nb\n"]
    assert [doc.text for doc in copy.heredocs] == ["one\r\n", "two\n"]
    assert env.rest == "a=b  c=d"
