"""The IPython extension of the course: %load_ext minidocker.lab

%%isolated    this cell in a fresh process, in new namespaces
%%shell       this cell as shell, in a fresh process
%%predict     a question before an experiment; %predict --show beside what happened
%%needs       this cell only where the machine has what it needs; else what it showed elsewhere
%lesson       where you are, and what comes next
%grade        check your exercise; %hint when you are stuck
%mine         your container so far, and the line that enters it
%%sayings     ten sentences about Docker: what you say of them; %sayings what was shown
%recall       one question of an earlier lesson; %why explain an order
"""

from __future__ import annotations

import contextlib
import os
import shlex
from typing import TYPE_CHECKING, Any

from IPython.core.getipython import get_ipython
from IPython.display import Markdown, display

from minidocker.course import manifest
from minidocker.course.printer import IN_NOTEBOOK
from minidocker.errors import MinidockerError
from minidocker.lab import cells, desk, elsewhere, isolated, predict, progress, recall, sayings
from minidocker.pictures.own_container import own_container
from minidocker.plan import own

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from minidocker.doctor.finding import Finding

show: Any = display  # untyped in IPython
markdown: Any = Markdown

STOPPED = "blocked: new namespaces need root. Start anew: make learn   (no room: sudo make learn)"


class Shown(Exception):
    """What went wrong stands above already."""

    def _render_traceback_(self) -> list[str]:
        return []


class CellBlocked(cells.CellFailed):
    """This machine or this user cannot do it; the message holds the line that fixes it."""


class Magics:
    """The magics of the course, and what they remember in one kernel: lesson, predictions."""

    def __init__(self) -> None:
        self.tree = progress.tree()
        self.number = ""
        self.told: set[str] = set()  # what is missing here, and was said already
        self.blocked = False  # whether the last cell that needs something was blocked
        self.predictions = predict.Predictions(
            os.path.join(self.tree, ".minidocker", "predictions.jsonl")
        )

    def isolated(self, line: str, cell: str) -> None:
        """Run this cell in a fresh process, in new namespaces.

            %%isolated --pid --fork
            os.getpid()                      1: the cell is the first process of its namespace

        The options are those of unshare(1), and have the same letters:

            --pid -p --mount -m --uts -u --net -n --ipc -i --cgroup -C --time -T --user -U
            --fork -f           the cell runs in a child; with --pid that child is PID 1
            --mount-proc        a new /proc for the new pid namespace (needs --mount and --fork)
            --map-root-user -r  be root in the new user namespace
            --sh                the cell is shell, not Python
            --status N          the exit status that you expect; another one is an error

        Nothing happens in the notebook's own process: it has a dozen threads, and the kernel
        lets no process with threads enter some namespaces. So the cell does not see the
        notebook's variables. Hand values over as arguments, "%%isolated --sh -- {pid}": they are
        sys.argv[1:], or $1 in shell. Ready for use are `os`, `proc` (reads /proc), `kernel` (the
        system calls) and the kernel's constants, such as CLONE_NEWPID.

        Output comes while the cell runs. Interrupting the cell (■, or I I on the keyboard) ends
        all its processes. What still runs when the cell is done is ended too.
        """
        words = shlex.split(line)
        try:
            options = isolated.parse(words)
        except SystemExit:  # argparse has printed what is wrong, or the help
            return
        if options.flags and not options.user and os.geteuid():
            raise CellBlocked(STOPPED)
        source = cells.shell_text(cell) if options.sh else cell
        self._stream(words, source, options.status)

    def shell(self, line: str, cell: str) -> None:
        """Run this cell as shell, in a fresh process: %%isolated --sh without new namespaces.

            %%shell
            minidocker run base ps

        `minidocker` is the command of this course, with the notebook's own Python. As in any
        shell, the exit status is the last command's; one that is not 0 is an error of this cell,
        unless you expect it: "%%shell --status 1". Values go in as arguments: "%%shell -- {pid}"
        makes $1. Interrupting the cell ends all its processes.
        """
        self.isolated(f"--sh {line}", cell)

    def predict(self, line: str, cell: str | None = None) -> predict.Comparison | None:
        """Say what will happen before you try it.

            %%predict getpid                     a name, for later
            What does getpid() say now?          the question
            a) 1                                 the choices, if any
            b) the same as before
            answer: b sure                       yours, and whether you are sure, or guess

            %predict --show getpid               what you said
            %predict --show getpid b             the same beside what happened

        Guessing is the point: who predicts first remembers better, also when it was wrong.
        Answers are kept in .minidocker/predictions.jsonl, in your own copy of the course, and
        are never graded. A cell without an answer stops nothing.
        """
        words = line.split()
        if cell is not None:
            try:
                print(self.predictions.ask(line.strip() or "unnamed", cell))
            except predict.BadAnswer as problem:
                print(problem)
            except OSError as problem:
                print(f"your answer could not be kept: {problem}")
            return None
        words = [word for word in words if word != "--show"]
        if not words:
            print("which one? Such as: %predict --show getpid")
            return None
        blocked, self.blocked = self.blocked, False
        try:
            return self.predictions.show(words[0], " ".join(words[1:]), evidence=not blocked)
        except LookupError as problem:
            print(problem.args[0])
            return None

    def needs(self, line: str, cell: str | None = None) -> None:
        """Run this cell where the machine has what it needs; else show what it did elsewhere.

            %%needs memory pids           the doctor's words, see: minidocker doctor
            %needs memory pids cpu        what this notebook will lack here, and where it runs

        The second line may be another magic, such as %%isolated. A cell that is *blocked* stops
        nothing: the rest of the notebook runs. A result from another machine is labelled as such.
        """
        lacking = elsewhere.gaps(line.split())
        if cell is None:
            print(elsewhere.summary(lacking, self.tree, self.number))
            self.told |= {gap.id for gap in lacking}
            return
        self.blocked = bool(lacking)
        if lacking:
            self._elsewhere(lacking[0], line, cell)
            return
        shell: Any = get_ipython()
        if not shell.run_cell(cell, store_history=False).success:
            raise Shown

    def _elsewhere(self, gap: Finding, line: str, cell: str) -> None:
        """Say why a cell is blocked, once in full, and show its reference result."""
        result = elsewhere.result(self.tree, self.number, line, cell)
        if gap.id in self.told:
            print(f"blocked, as above: {gap.title}")
        else:
            print(f"blocked: {gap.title}: {gap.seen}; {gap.fix}")
        self.told.add(gap.id)
        if result:
            print(result.label)
            for bundle in result.outputs:
                show(bundle, raw=True)

    def lesson(self, line: str) -> None:
        """Show where you are, and what comes next.

            %lesson 01        this notebook is lesson 01: its place on the course map, its question,
                              your progress, the machine, and the next command
            %lesson           your progress, the machine, the next command, the next lesson's desk

        After "%lesson 01" the magics %grade and %hint know which exercise you mean.
        The same in a terminal: minidocker
        """
        try:
            if line.strip():
                before = self.number
                self.number = progress.lesson_number(self.tree, line.strip())
                show(progress.picture(self.tree, self.number))
                print(progress.question(self.tree, self.number))
                if before not in ("", self.number):  # asked for in another lesson's notebook
                    self._desk(self.number)
        except MinidockerError as problem:
            print(f"{problem}\n  try: {problem.remedy}")
            return
        self._minidocker()
        if not line.strip() and self.number:
            self._desk(f"{int(self.number) + 1:02}")

    def _desk(self, number: str) -> None:
        """Show the way to a lesson's desk: its notebook, its exercise and a terminal."""
        where = desk.address(number)
        if where and progress.is_written(self.tree, number):
            show(markdown(f"[lesson {number}, with its exercise and a terminal]({where})"))

    def grade(self, line: str) -> None:
        """Check your exercise file, and say what the kernel showed.

            %grade            the exercise of this notebook
            %grade 00 01      these lessons

        The checks run your functions in a cell of their own and look at the kernel from
        outside. So printing the right words helps nothing, and a mistake hurts nothing.
        The same in a terminal: minidocker grade 01
        """
        names = self._named(line)
        self._minidocker("grade", *names, colour=True)
        self._links(names)

    def hint(self, line: str) -> None:
        """Show the next hint for the check that failed last; three for each, the last is code.

            %hint             for the exercise of this notebook
            %hint 01          for lesson 01

        Hints are counted, and cost nothing. After three different tries there is more: our lines in
        mixed order, then yours and ours compared, call by call. In a terminal: minidocker hint 01
        """
        self._minidocker("hint", *self._named(line))

    def recall(self, line: str) -> None:
        """Ask one question of an earlier lesson, and take your answer.

            %recall           the question: one that you got wrong comes first
            %recall getpid b  your answer to the question of that name, beside what was so

        It comes from the lesson before, the third or the seventh before. Nobody grades it.
        """
        try:
            number = self.number or "00"
            old = recall.old_question(self.tree, number, self.predictions)
            named = {one.question.name: one for one in recall.near(self.tree, number)}
        except MinidockerError as problem:
            print(f"{problem}\n  try: {problem.remedy}")
            return
        name, _, letter = line.strip().partition(" ")
        letter = letter.strip().rstrip(").").lower()
        old = named.get(name, old)
        if old is None:
            print("there is no earlier lesson to ask about")
        elif name != old.question.name or letter not in old.question.choices:
            print(old.ask())
        else:
            self.predictions.recall(old.question, letter)
            print(old.answered(letter))

    def why(self, line: str) -> None:
        """Explain an order: "why does this come before that?", then see our answer beside yours.

            %why                       the question of this lesson
            %why only children move    your answer in a few words, and ours

        Nobody grades it. The same in a terminal: minidocker why 01
        """
        first, _, rest = line.strip().partition(" ")
        named = first.isascii() and first.isdecimal() and len(first) == 2
        words = (first, rest.strip()) if named else (self.number, line.strip())
        if not words[0]:
            print("which lesson is this? Run the first cell: %lesson 01")
            return
        self._minidocker("why", *filter(None, words))

    def mine(self, line: str) -> None:
        """Show your container so far: the functions of a run, lit where they are yours.

            %mine             the walls of a run in their order, and whose functions they have

        Below it stands the line that opens a shell in a container of your own functions.
        The same in a terminal: minidocker mine
        """
        try:
            with contextlib.chdir(self.tree):
                show(own_container(*own.so_far()))
        except MinidockerError as problem:
            print(f"{problem}\n  try: {problem.remedy}")
            return
        print(f"a shell in there: {own.ENTER}")

    def _links(self, names: list[str]) -> None:
        """Show the way to each exercise, and the magic that gives a hint."""
        try:
            course = manifest.load(self.tree)
            lessons = {one.id: one for one in (course.named(name)[0] for name in names)}
        except MinidockerError:
            return
        lines = [f"[{one.exercise}](../{one.exercise}) · a hint: `%hint {one.number}`"
                 for one in lessons.values()]  # fmt: skip
        show(markdown("  \n".join(lines)))

    def _minidocker(self, *words: str, colour: bool = False) -> None:
        """Run `minidocker WORDS…` in the learner's tree and show its output as it comes."""
        setting = "export FORCE_COLOR=1; " if colour and "NO_COLOR" not in os.environ else ""
        where = f"cd {shlex.quote(self.tree)}; export {IN_NOTEBOOK}=1; "
        text = f"{where}{setting}{shlex.join(['minidocker', *words])}"
        cells.stream(["--sh"], cells.shell_text(text), _write)

    def _named(self, line: str) -> list[str]:
        """Return the lessons that a line names, or this notebook's own."""
        return shlex.split(line) or [word for word in [self.number] if word]

    def _stream(self, words: list[str], source: str, expected: int) -> None:
        printed: list[str] = []

        def write(text: str) -> None:
            printed[:] = [text]
            _write(text)

        status = cells.stream(words, source, write)
        if printed and not printed[0].endswith("\n"):
            _write("\n")
        if status or not printed:
            _write(f"[{cells.told(status)}]\n")
        if status != expected:
            ended = cells.told(status)
            raise cells.CellFailed(f"this cell ended with {ended}; expected: {expected}")

    def register(self, shell: InteractiveShell) -> None:
        """Make the magics known to IPython."""
        register: Any = shell.register_magic_function  # its type differs from release to release
        for kind, functions in (
            ("cell", (self.isolated, self.shell)),
            ("line", (self.lesson, self.grade, self.hint, self.mine, self.recall, self.why)),
            ("line_cell", (self.predict, self.needs)),
        ):
            for function in functions:
                register(function, kind, function.__name__)
        register(sayings.magic(self), "line_cell", "sayings")


def _write(text: str) -> None:
    print(text, end="", flush=True)
