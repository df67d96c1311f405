"""One learner, one lesson, in a real browser: read, run, edit, save, grade, in light and in dark."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

import pytest

if importlib.util.find_spec("playwright"):  # without it the fixture `chromium` has the last word
    from playwright.sync_api import Locator, Page, expect

REPOSITORY = Path(__file__).resolve().parents[2]
NOTEBOOK = "01_pid_namespace.ipynb"
EXERCISE = "01_pid.py"
ORDER = "The four steps stand in an order that works"
UNSOLVED = {"not started", "fail", "pass"}  # init is a worked example: it is judged as it stands
GRADE, PARTS, LESSON = "%grade 01", "minidocker run --rm --mine", "%lesson 01"
ERROR = '[data-mime-type="application/vnd.jupyter.error"]'

# True when the kernel of a notebook waits for work, and this page is connected to it. What the page
# itself says is of no use: a notebook without a kernel is "idle" too, and then runs nothing.
IS_READY = """async name => {
    const sessions = await (await fetch("/api/sessions")).json();
    const session = sessions.find(session => session.path.endsWith(name));
    return session?.kernel.connections > 0 && session.kernel.execution_state === "idle";
}"""

# True when a notebook has run to its end, or has stopped at an error.
HAS_RUN = """([book, cells, error]) => {
    const prompts = [...book.querySelectorAll(".jp-CodeCell .jp-InputPrompt")];
    const done = prompts.filter(prompt => /^\\[\\d+\\]/.test(prompt.textContent));
    return done.length === cells || book.querySelector(error) !== null;
}"""

# Each text of the pictures with its contrast against the picture's paper, WCAG 2's formula.
CONTRASTS = """book => {
    const channels = colour => colour.match(/[\\d.]+/g).map(Number);
    const part = value => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
    const found = [];
    for (const picture of book.querySelectorAll("svg[role=img]")) {
        const paper = channels(getComputedStyle(picture.querySelector("rect")).fill);
        for (const text of picture.querySelectorAll("text")) {
            const style = getComputedStyle(text), opacity = Number(style.fillOpacity);
            const ink = channels(style.fill).map((c, i) => c * opacity + paper[i] * (1 - opacity));
            const [low, high] = [light(ink), light(paper)].sort((a, b) => a - b);
            found.push([text.textContent, (high + 0.05) / (low + 0.05)]);
        }
    }
    return found;
}"""


class Desk:
    """JupyterLab as somebody sees it who sits before it."""

    def __init__(self, page: Page, screenshots: Path) -> None:
        self.page, self.screenshots, self.shots = page, screenshots, 0
        self.book = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
        self.editor = page.locator(".jp-FileEditor:visible .cm-content")

    def look(self, name: str) -> None:
        """Keep a picture of the window."""
        self.shots += 1
        self.page.screenshot(path=self.screenshots / f"{self.shots:02}-{name}.png")

    def sit_down(self, number: str, name: str) -> None:
        """Go to the desk of a lesson, and wait for its notebook's kernel."""
        self.page.goto(self.page.url.replace("lesson-00", f"lesson-{number}"))
        expect(self.tab(name)).to_have_class(re.compile("lm-mod-current"))
        expect(self.book.locator(".jp-Spinner")).to_have_count(0)
        self.page.wait_for_function(IS_READY, arg=name, polling=300)
        expect(self.page.locator("#jp-bottom-panel")).to_contain_text("| Idle")

    def tab(self, name: str) -> Locator:
        """The tab of a file in the middle of the window."""
        return self.page.locator("#jp-main-dock-panel .lm-TabBar-tab", has_text=name)

    def menu(self, *words: str) -> None:
        """Choose from the menu bar."""
        self.page.locator(".lm-MenuBar-item", has_text=words[0]).click()
        for word in words[1:]:
            exactly = self.page.get_by_text(word, exact=True)
            self.page.locator(".lm-Menu-item").filter(has=exactly).click()

    def save(self, name: str) -> None:
        """Press Ctrl+S, and wait until the tab says that nothing is left to save."""
        self.page.keyboard.press("Control+s")
        expect(self.tab(name)).not_to_have_class(re.compile("jp-mod-dirty"))

    def cell(self, words: str) -> Locator:
        """The code cell with these words."""
        text = self.page.locator(".jp-InputArea-editor", has_text=words)
        return self.book.locator(".jp-CodeCell", has=text)

    def run(self, words: str) -> str:
        """Run a cell with Shift+Enter; return what stands below it then."""
        cell = self.cell(words)
        prompt = cell.locator(".jp-InputPrompt")
        before = prompt.text_content() or ""
        cell.locator(".jp-InputArea-editor").click()
        self.page.keyboard.press("Shift+Enter")
        expect(prompt).not_to_have_text(before)
        expect(prompt).to_have_text(re.compile(r"^\[\d+\]"))
        cell.scroll_into_view_if_needed()
        return self.printed(words)

    def printed(self, words: str) -> str:
        """Return all that stands below a cell: what it printed, and the links that follow."""
        return "\n".join(self.cell(words).locator(".jp-OutputArea-output").all_text_contents())

    def run_all(self, cells: int) -> None:
        """Run all cells, and wait for the last one."""
        self.menu("Run", "Run All Cells")
        book = self.book.element_handle()
        self.page.wait_for_function(HAS_RUN, arg=[book, cells, ERROR])

    def paste(self, text: str) -> None:
        """Replace all that stands in the editor."""
        self.page.evaluate("text => navigator.clipboard.writeText(text)", text)
        self.editor.click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.press("Control+v")

    def check_pictures(self) -> None:
        """Every word of the pictures can be read on the theme that is on."""
        contrasts = self.book.evaluate(CONTRASTS)
        assert len(contrasts) > 50
        assert [text for text, contrast in contrasts if contrast < 4.5] == []


@pytest.fixture
def desk(page: Page, screenshots: Path) -> Desk:
    return Desk(page, screenshots)


@pytest.mark.needs("root")
def test_a_learner_does_lesson_01_in_the_browser(desk: Desk, course: Path) -> None:
    path = course / "notebooks" / NOTEBOOK
    desk.sit_down("01", NOTEBOOK)
    all_on_one_screen(desk)
    desk.look("opened")
    desk.run(LESSON)  # the kernel answers, whatever the page says of it
    desk.run_all(len(code_cells(path)))
    desk.look("ran")
    assert desk.book.locator(ERROR).all_text_contents() == []
    desk.save(NOTEBOOK)
    assert path.read_text() == (REPOSITORY / "notebooks" / NOTEBOOK).read_text()
    prompts = desk.book.locator(".jp-CodeCell .jp-InputPrompt").all_text_contents()
    assert [text for text in prompts if not re.match(r"\[\d+\]", text)] == []
    verdict = desk.printed(GRADE)
    assert re.search(f"not started +0/1 +{ORDER}", verdict)
    assert outcomes(verdict) == UNSOLVED

    edit_the_exercise(desk, course)

    assert f"spawn() ../exercises/{EXERCISE}," in desk.run(PARTS)
    assert re.search(r"01 +finished +(\d+)/\1 ", desk.run(LESSON))
    desk.check_pictures()
    desk.look("light")
    desk.menu("Settings", "Theme", "JupyterLab Dark")
    expect(desk.page.locator('body[data-jp-theme-light="false"]')).to_be_attached()
    desk.check_pictures()
    desk.look("dark")
    desk.cell(GRADE).scroll_into_view_if_needed()
    desk.look("dark-grade")


def all_on_one_screen(desk: Desk) -> None:
    """Notebook on the left, exercise above a terminal on the right, the list of files away."""
    expect(desk.page.locator(".jp-Terminal:visible")).to_have_count(1)
    expect(desk.editor).to_be_visible()
    book, file, shell = (
        desk.page.locator(f"{what}:visible").bounding_box()
        for what in (".jp-NotebookPanel", ".jp-FileEditor", ".jp-Terminal")
    )
    assert book and file and shell
    assert book["x"] + book["width"] <= file["x"] + 10 and file["y"] + file["height"] <= shell["y"]
    assert book["width"] > 600 and file["width"] > 450 and shell["height"] > 200
    expect(desk.page.locator(".jp-DirListing-item:visible")).to_have_count(0)


def edit_the_exercise(desk: Desk, course: Path) -> None:
    """From the notebook into the editor: first a mistake, then the solution; graded each time."""
    file, solution = course / "exercises" / EXERCISE, course / "solutions" / EXERCISE
    desk.book.get_by_role("link", name=f"exercises/{EXERCISE}").last.click()
    desk.editor.locator(".cm-line", has_text="SPAWN_ORDER = ").click()
    desk.page.keyboard.press("End")
    desk.page.keyboard.press("Shift+Home")
    desk.page.keyboard.type('SPAWN_ORDER = ["fork", "unshare", "child", "return"]')
    desk.look("edited")
    desk.save(EXERCISE)
    assert '\nSPAWN_ORDER = ["fork", "unshare", "child", "return"]\n' in file.read_text()
    desk.tab(NOTEBOOK).click()
    verdict = desk.run(GRADE)
    assert re.search(f"fail +0/1 +{ORDER}", verdict)
    assert outcomes(verdict) == UNSOLVED
    assert "Warning" not in verdict  # Python has its thoughts on the holes that still stand
    desk.look("failed")

    desk.tab(EXERCISE).click()
    desk.paste(solution.read_text())
    desk.save(EXERCISE)
    assert file.read_text() == solution.read_text()
    desk.tab(NOTEBOOK).click()
    assert outcomes(desk.run(GRADE)) == {"pass"}
    desk.look("passed")


def code_cells(path: Path) -> list[dict]:
    """The code cells of a notebook's file."""
    return [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]


def outcomes(verdict: str) -> set[str]:
    """The outcomes that a grade's lines begin with."""
    return set(re.findall(r"^ *. (not started|pass|fail|blocked|error)[ ,]", verdict, re.MULTILINE))
