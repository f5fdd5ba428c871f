"""What a user did wrong, told in one sentence."""

import numbers


class InputError(ValueError):
    """Bad input: the message names the value and what would be right, and nothing was done yet.

    Commands print it and end with status 2. Any other exception is a fault of imagents, and shows its trace.
    """


def check_seed(seed: int) -> None:
    """Raises an InputError for what is no seed."""
    if not isinstance(seed, numbers.Integral) or isinstance(seed, bool) or seed < 0:
        raise InputError(f"seed = {seed!r}: a whole number of at least 0 is needed")
