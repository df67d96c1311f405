"""What the checks of orders share: why a step fails in an order."""


def explained(message, needs):
    """Say what the kernel said to a step, and before it what is missing in this order.

    needs: (before, after, why), what must come before what.
    """
    order, step, text = message["order"], message["step"], message["text"]
    words = list(map(str, order)) if isinstance(order, list) else []
    done = words[: words.index(step) + 1] if step in words else []
    found = broken(done, needs)
    mine = [why for before, after, why in found if step in (before, after)]
    why = [*mine, *(why for _, _, why in found)]
    return f"{why[0]}. {text}" if why else text


def broken(done, needs):
    """Return what of the needs does not hold in these steps."""
    return [(before, after, why) for before, after, why in needs
            if after in done and before not in done[: done.index(after)]]  # fmt: skip
