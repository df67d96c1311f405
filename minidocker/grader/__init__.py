"""The grader: checks, the cell that learner code runs in, outcomes, hints and reports.

    manifest   reads the lessons                     subject    whose file is judged
    ground     what a cell stands on                 maker      asks the zygote for cells
    zygote     clones cells, outside of them         inside     what happens in a cell
    walls      what is around a cell                 cell       the check's end of a cell
    probe      looks at /proc from outside
    fixtures   `cell`, `machine`, `subject`          machine    where a check runs commands
    plugin     outcomes of a pytest run              judge      runs the checks
    outcomes   pass, fail, blocked, error …          messages   every sentence a check can say
    journal    the learner's record                  report     text and JSON
    edit       borrow                                commands   the verbs of the command line
    grading    grade, watch                          hinting    hint
"""
