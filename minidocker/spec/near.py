"""The word that is near to one that is none: "did you mean …?"."""

from __future__ import annotations

TYPE_CHECKING = False  # typing costs 5 ms of each start; type checkers read this as True
if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word that `word` was meant to be, by one slip of the hand; "" for none.

    A slip is a letter too many, one too few, another one, or two exchanged; a long word may have
    two. What begins a single known word means that one. Case and the dashes in front do not count.
    """
    plain = bare(word)
    known = list(dict.fromkeys(known))
    begun = [one for one in known if len(plain) > 2 and bare(one).startswith(plain)]
    if len(begun) == 1:
        return begun[0]
    allowed = 0 if len(plain) < 3 else 1 if len(plain) < 8 else 2
    slips, best = min(
        ((distance(plain, bare(one)), one) for one in known if len(bare(one)) > 1),
        default=(99, ""),
    )
    return best if slips <= allowed else ""


def bare(word: str) -> str:
    """Return a word without the dashes in front, in small letters."""
    return word.lstrip("-").lower()


def distance(one: str, other: str) -> int:
    """Count the slips between two words (Damerau and Levenshtein)."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        above, row = row, [i]
        for j, theirs in enumerate(other, 1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (letter != theirs))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == theirs:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before = above
    return row[-1]
