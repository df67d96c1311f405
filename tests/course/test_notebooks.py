"""Every notebook runs top to bottom in a fresh kernel, and keeps the course's one rhythm.

Run with the exercises as a new learner has them (the reference does the work), and with the
solutions in their place; in `make test-more` with those twice in one kernel, as a learner does who
runs all again. Nothing of a run may stay on the machine.
"""

from __future__ import annotations

import os
import re
import shutil
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

WHY = "blocked: the notebooks need Jupyter (make setup)"
nbformat = pytest.importorskip("nbformat", reason=WHY)
nbclient = pytest.importorskip("nbclient", reason=WHY)

from minidocker.course import manifest  # noqa: E402  (after importorskip, on purpose)
from minidocker.grader.fixtures import WORKED  # noqa: E402
from minidocker.lab.saving import FOLD, FOLDED  # noqa: E402

REPOSITORY = Path(__file__).resolve().parents[2]
# What `make update` has put aside is a learner's own.
NOTEBOOKS = sorted(
    path for path in (REPOSITORY / "notebooks").glob("*.ipynb") if ".mine" not in path.name
)
RHYTHM = [
    "Where we are", "Predict", "Run", "See", "Build", "Break it", "In Docker", "Claims", "Recap",
]  # fmt: skip
VERDICTS = ("true", "half true", "false", "outdated")
SECONDS = 300  # for one cell, on a slow machine

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


# --- running -----------------------------------------------------------------------------------


class Running:
    """A notebook that runs in a course and a store of its own, while another one does."""

    def __init__(self, path: Path, mode: str, base: Path, shared_store: Path) -> None:
        self.path, self.mode, self.base = path, mode, base
        self.store = base / "store"
        self.shared_store = shared_store
        self.book = nbformat.NotebookNode()
        self.seconds = 0.0
        self.mounted: Counter[str] = Counter()

    def run(self) -> Running:
        """Copy the course, with the exercises as shipped or with the solutions, and run it."""
        course = self.base / "course"
        for name in ("notebooks", "solutions", manifest.FOLDER):
            shutil.copytree(REPOSITORY / name, course / name)
        source = "exercises" if self.mode == "reference" else "solutions"
        shutil.copytree(REPOSITORY / source, course / "exercises")
        for name in ("tests", "docs"):
            (course / name).symlink_to(REPOSITORY / name)
        shutil.copytree(self.shared_store, self.store, symlinks=True)
        before = _mounts(self.store)
        self.book = nbformat.read(course / "notebooks" / self.path.name, as_version=4)
        begin = time.monotonic()
        client = nbclient.NotebookClient(
            self.book, timeout=SECONDS, resources={"metadata": {"path": str(course / "notebooks")}},
            coalesce_streams=True,
        )  # fmt: skip
        if self.mode == "twice":
            with client.setup_kernel(env=self.environment()):
                for at, cell in [*enumerate(self.book.cells)] * 2:
                    client.execute_cell(cell, at)
        else:
            client.execute(env=self.environment())
        self.seconds = time.monotonic() - begin
        self.mounted = _mounts(self.store) - before
        return self

    def environment(self) -> dict[str, str]:
        """The environment of its kernel."""
        own = {
            "MINIDOCKER_ROOT": str(self.store),
            "IPYTHONDIR": str(self.base / "ipython"),
            "PYTHONPATH": str(REPOSITORY),
            "NO_COLOR": "1",
        }
        gone = ("MINIDOCKER_COURSE", "MINIDOCKER_EXERCISES")
        return {name: value for name, value in os.environ.items() if name not in gone} | own


@pytest.fixture(scope="module")
def runs(
    request: pytest.FixtureRequest, shared_store: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[Running]]]:
    """All notebooks that are wanted, begun two at a time: a kernel waits more than it works.

    One at a time in the lab machine, where something else is judged beside.
    """
    patch = pytest.MonkeyPatch()
    patch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
    workers = ThreadPoolExecutor(1 if os.path.exists("/etc/minidocker-lab") else 2)
    started: dict[str, Future[Running]] = {}
    for item in request.session.items:
        if isinstance(item, pytest.Function) and "runs" in item.fixturenames:
            path, mode = item.callspec.params["path"], item.callspec.params["mode"]
            base = tmp_path_factory.mktemp(path.stem[:2])
            one = Running(path, mode, base, shared_store)
            started[item.name] = workers.submit(one.run)
    yield started
    workers.shutdown(cancel_futures=True)
    patch.undo()


def _mounts(store: Path) -> Counter[str]:
    """What is mounted where on the host; what others do in the temporary directory is left out."""
    found: Counter[str] = Counter()
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        point, kind = line.split()[4], line.partition(" - ")[2].split()[0]
        if point.startswith(str(store)) or not point.startswith(tempfile.gettempdir()):
            found[f"{kind} on {point}"] += 1
    return found


@pytest.mark.needs("root")
@pytest.mark.parametrize("mode", ["reference", "solutions", pytest.param("twice", marks=pytest.mark.more)])
@each_notebook
def test_a_notebook_runs_top_to_bottom(
    path: Path, mode: str, runs: dict[str, Future[Running]], request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    ran = runs[request.node.name].result()
    book, store = ran.book, ran.store
    with capsys.disabled():
        print(f"\n  {path.name} with the {mode}: {ran.seconds:.1f} s", end="")
    assert _holders(str(store)) == []
    assert ran.mounted == Counter()
    assert [path.name for path in store.glob("containers/*") if path.name != "names"] == []
    verdict = _printed(book, "grade")
    outcomes = set(
        re.findall(r"^  . (not started|pass|fail|blocked|error) ", verdict, re.MULTILINE)
    )
    if mode != "reference":
        assert {"pass"} <= outcomes <= {"pass", "blocked"}, verdict
    else:
        assert {"not started"} <= outcomes <= {"not started", "fail", "blocked", "pass"}, verdict
        passed = re.findall(r"^  . pass +\d+/\d+  (.*?)(?:  \[\w+\])?$", verdict, re.MULTILINE)
        assert set(passed) <= _may_pass_untouched(path), verdict
    _check_pictures(book)


def _may_pass_untouched(path: Path) -> set[str]:
    """The titles of checks about worked examples and repairs alone: judged as the starter has them."""
    lesson = manifest.load(REPOSITORY).lesson(path.stem[:2])
    worked = {function.name for function in lesson.functions if function.rung in WORKED}
    return {check.title for check in lesson.checks if worked >= set(check.functions)}


def _printed(book: nbformat.NotebookNode, cell_id: str) -> str:
    """Return what a cell printed, without colours."""
    cell = next(cell for cell in book.cells if cell.id == cell_id)
    text = "".join(item.text for item in cell.outputs if item.output_type == "stream")
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def _check_pictures(book: nbformat.NotebookNode) -> None:
    """At least two pictures; each one has a title, a description and a table in text."""
    pictures = [
        output.data
        for cell in book.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if "image/svg+xml" in output.get("data", {})
    ]
    assert len(pictures) >= 2
    for data in pictures:
        assert 'role="img"' in data["image/svg+xml"]
        assert re.search(r"<title[^>]*>[^<]+</title><desc[^>]*>[^<]+</desc>", data["image/svg+xml"])
        # a table; an x-ray is told section by section
        assert "---" in data["text/plain"] or "\nnamespaces:\n" in data["text/plain"]


def _holders(word: str) -> list[str]:
    """The processes that know a word: in their environment, command line or mounts."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        if int(name) == os.getpid():
            continue
        text = b""
        for file in ("environ", "cmdline", "mountinfo"):
            try:
                text += Path(f"/proc/{name}/{file}").read_bytes()
            except OSError:
                continue
        if word.encode() in text:
            found.append(text[:200].replace(b"\0", b" ").decode(errors="replace"))
    return found


# --- reading -----------------------------------------------------------------------------------


@pytest.fixture
def book(path: Path) -> nbformat.NotebookNode:
    """The notebook as it is in git."""
    return nbformat.read(path, as_version=nbformat.NO_CONVERT)


def test_every_lesson_has_its_notebook() -> None:
    assert [path.name for path in NOTEBOOKS] == [
        os.path.basename(lesson.notebook) for lesson in manifest.load(REPOSITORY).lessons
    ]


@each_notebook
def test_it_is_valid_and_stripped(book: nbformat.NotebookNode) -> None:
    nbformat.validate(book)
    assert (book.nbformat, book.nbformat_minor) == (4, 5)
    assert book.metadata.kernelspec.name == "python3"
    for cell in book.cells:
        folded = {FOLD: True} if cell.id in FOLDED else {}  # what is for some learners only
        assert cell.metadata == folded, cell.id
        if cell.cell_type == "code":
            assert cell.outputs == [], cell.id
            assert cell.execution_count is None, cell.id


@each_notebook
def test_reading_and_writing_it_changes_nothing(path: Path, book: nbformat.NotebookNode) -> None:
    """Who edits a notebook with a program must not find the whole file changed."""
    written = nbformat.writes(book, version=nbformat.NO_CONVERT) + "\n"
    assert path.read_text(encoding="utf-8") == written


@each_notebook
def test_the_files_of_other_projects_are_of_a_version(book: nbformat.NotebookNode) -> None:
    text = next(cell.source for cell in book.cells if cell.id == "docker-source")
    first = text.partition("\n- ")[0]
    for project in re.findall(r"^- \*\*([^*]+)\*\*", text, re.MULTILINE):
        assert re.search(rf"\b{re.escape(project)} \d+(\.\d+)?[,)]", first), project


@each_notebook
def test_the_manual_pages_that_it_names_are_in_debian_12(book: nbformat.NotebookNode) -> None:
    """Newer man-pages split proc(5) and prctl(2); tar(5) comes with no package that we ask for."""
    for cell in book.cells:
        assert not re.search(r"proc_pid_|2const|man 5 tar\b", cell.source), cell.id


@each_notebook
def test_its_cells_have_ids_that_say_something(book: nbformat.NotebookNode) -> None:
    ids = [cell.id for cell in book.cells]
    assert len(set(ids)) == len(ids)
    for name in ids:
        assert re.fullmatch(r"[a-z]+(-[a-z0-9]+)*", name), name
        assert not re.fullmatch(r"[0-9a-f]{8}", name), f"{name}: a random id"


@each_notebook
def test_it_keeps_the_rhythm(book: nbformat.NotebookNode) -> None:
    text = "\n".join(cell.source for cell in book.cells if cell.cell_type == "markdown")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == RHYTHM


@each_notebook
def test_its_code_comes_in_small_pieces(book: nbformat.NotebookNode) -> None:
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    sizes = {cell.id: len(cell.source.splitlines()) for cell in code}
    assert statistics.median(sizes.values()) <= 4
    assert max(sizes.values()) <= 20, sizes
    for cell in code:
        assert max(map(len, cell.source.splitlines())) <= 110, cell.id
    kinds = "".join(cell.cell_type[0] for cell in book.cells)
    assert "cccc" not in kinds, "four code cells without prose between them"


@each_notebook
def test_what_a_later_cell_looks_at_lives_while_a_learner_reads(book: nbformat.NotebookNode) -> None:
    """Ten minutes, where one cell starts a sleeper and another one uses it."""
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    for at, cell in enumerate(code):
        for name, seconds in re.findall(r"^(\w+) = .*\bstart\(.*\bsleep (\d+)\b", cell.source, re.MULTILINE):
            for later in code[at + 1 :]:
                if re.search(rf"^{name} = ", later.source, re.MULTILINE):
                    break
                assert int(seconds) >= 600 or not re.search(rf"\b{name}\b", later.source), (
                    f"{cell.id} starts {name} for {seconds} s, and {later.id} uses it")


@each_notebook
def test_it_asks_the_question_of_the_manifest(book: nbformat.NotebookNode, path: Path) -> None:
    lesson = manifest.load(REPOSITORY).lesson(path.stem[:2])
    first = next(cell.source for cell in book.cells if "question" in cell.id)
    assert lesson.question in first
    assert f"(../{lesson.exercise})" in first
    assert f"%lesson {lesson.number}" in "".join(cell.source for cell in book.cells[:3])
    assert f"# {lesson.number} · {lesson.title}" in book.cells[0].source
    asks = "\n%recall" in next(cell.source for cell in book.cells if cell.cell_type == "code")
    assert asks == (lesson.number != "00"), "the first cell asks one old question"
    assert lesson.why.startswith("Why ") and lesson.why.endswith("?") and lesson.because
    assert "%why" in [cell.source for cell in book.cells]


@each_notebook
def test_every_prediction_is_shown_again_after_the_experiment(book: nbformat.NotebookNode) -> None:
    asked: dict[str, set[str]] = {}
    shown: list[str] = []
    for cell in book.cells:
        if found := re.match(r"%%predict (\S+)\n", cell.source):
            asked[found[1]] = set(re.findall(r"^([a-z])\) ", cell.source, re.MULTILINE))
            assert re.search(r"^answer:$", cell.source, re.MULTILINE), f"{cell.id} is answered"
        elif found := re.match(r"%predict --show (\S+) (\S+)", cell.source):
            assert found[1] in asked, f"{cell.id} comes before its question"
            assert found[2] in asked[found[1]], f"{cell.id} shows no choice of its question"
            shown.append(found[1])
    assert shown
    assert sorted(shown) == sorted(asked)


@each_notebook
def test_each_claim_has_a_verdict_and_an_experiment(book: nbformat.NotebookNode) -> None:
    kinds = [(cell.cell_type, cell.source) for cell in book.cells]
    begin = next(at for at, (_, text) in enumerate(kinds) if text.startswith("## Claims"))
    end = next(at for at, (_, text) in enumerate(kinds) if text.startswith("## Recap"))
    heads = {
        at: found[0] for at in range(begin, end)
        if (found := re.search(r"^### .*$", kinds[at][1], re.MULTILINE))
    }  # fmt: skip
    # Three fit into the time of a lesson; those that can wait say so.
    assert 1 <= sum(not head.startswith("### More: ") for head in heads.values()) <= 3
    for at, head in heads.items():
        assert re.fullmatch(rf'### (More: )?".*": \*\*({"|".join(VERDICTS)})\*\*', head)
        experiment = kinds[at + 1]
        assert experiment[0] == "code"
        assert re.search(r"^ *assert ", experiment[1], re.MULTILINE), kinds[at][1]


@each_notebook
def test_it_ends_with_your_container_so_far(book: nbformat.NotebookNode, path: Path) -> None:
    last = book.cells[-1].source
    assert last == ("%lesson" if path.stem.startswith("00") else "%mine")


@each_notebook
def test_its_links_lead_somewhere(book: nbformat.NotebookNode) -> None:
    for cell in book.cells:
        if cell.cell_type == "markdown":
            for target in re.findall(r"\]\(([^)#]+)", cell.source):
                if not target.startswith("https://"):
                    assert (REPOSITORY / "notebooks" / target).exists(), f"{cell.id}: {target}"


@each_notebook
def test_every_image_has_words_in_its_place(book: nbformat.NotebookNode) -> None:
    for cell in book.cells:
        if cell.cell_type == "markdown":
            assert "![](" not in cell.source, cell.id
            for tag in re.findall(r"<img[^>]*>", cell.source):
                assert re.search(r'alt="[^"]+"', tag), f"{cell.id}: {tag}"
            assert cell.get("attachments") is None, f"{cell.id} carries a file"
