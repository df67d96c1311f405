"""`minidocker class report`: a folder with the teacher's page and a page for each student."""

from __future__ import annotations

import datetime as dt
from argparse import Namespace
from pathlib import Path

from minidocker.classroom import marks as m
from minidocker.classroom.exporting import folder, open_class, write
from minidocker.classroom.pages.student import student_page
from minidocker.classroom.pages.teacher import file_of, teacher_page
from minidocker.errors import NotFound


def report(options: Namespace) -> int:
    """Write all pages anew."""
    room, store = open_class(options.file)
    found = store.all()
    if not found:
        raise NotFound("nothing is judged yet", "minidocker class grade SUBMISSIONS", 2)
    marks = m.of_class(room, found)
    place, now = Path(options.out), dt.datetime.now().astimezone()
    folder(place / "students")
    for mark in marks:
        text = student_page(room, mark, now)
        write(str(place / "students" / file_of(mark.student.login)), text.encode())
    write(str(place / "index.html"), teacher_page(room, marks, found).encode())
    print(f"{place / 'index.html'} is yours; {place / 'students'} has {len(marks)} pages, "
          "each for its own student.")  # fmt: skip
    return 0
