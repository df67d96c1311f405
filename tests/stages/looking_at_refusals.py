"""What the checks share about calls that the kernel refuses: an error must come out."""

from minidocker.course.outcomes import Fail


def errors_come_out(cell, function, args, words, pretended=()):
    """Let the kernel refuse each of these calls in turn: the function must not go on in silence.

    A call that the function never makes is not asked for.
    """
    with cell("refused", function=function, args=args, words=words,
              pretended=list(pretended)) as one:  # fmt: skip
        silent = one.expect("results")["silent"]
        if silent:
            raise Fail("MD9018", name=function, word=silent[0],
                       ran=f"{function}(…), while the kernel refuses {silent[0]} with EPERM",
                       expected="the OSError comes out of it", kernel="it returned")  # fmt: skip
