"""What a user did wrong, told in one sentence."""


class InputError(ValueError):
    """Bad input: the message names the value and what would be right, and nothing was done yet.

    Commands print it and end with status 2. Any other exception is a fault of imagents, and shows its trace.
    """
