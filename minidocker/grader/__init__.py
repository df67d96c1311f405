"""The grader: what judges a learner's file, and what it says.

    judge      runs the checks, as pytest in this process    plugin     outcomes of a pytest run
    fixtures   `subject`, `cell`, `machine` for a check      bound      one bound for a whole check
    cell       the check's end of a cell (see chamber)       line       what a cell says, checked
    probe      looks at processes from outside               files      looks at files from outside
    machine    where a check runs commands                   scenes_*   what several lessons share
    grading    grade, watch                                  hinting    hint
    standing   where a learner is                            after_hints, compare_calls   the rest
"""
