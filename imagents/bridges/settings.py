"""The face that environments of other packages have in common: BRIDGE:NAME(ARGUMENT=VALUE,...)."""

import ast
import dataclasses
import functools
import importlib
from typing import Any, ClassVar

from imagents.environments import Face
from imagents.errors import InputError, brief
from imagents.values import check


@dataclasses.dataclass(frozen=True)
class Bridged(Face):
    """An environment of another package, which is found when it is first needed.

    Attributes:
      package: what has to be installed; extra: the extra of imagents with which it comes.
      written: how people write the names of these environments.
    """

    workers: int = 0
    """Processes that step the copies, beside this one; 0 for none. The results are the same."""

    package: ClassVar[str] = ""
    extra: ClassVar[str] = ""
    written: ClassVar[str] = ""

    def __post_init__(self):
        check("workers", self.workers >= 0, self.workers, "a number of processes is needed, 0 for none")
        self.parts  # noqa: B018  # what cannot be read is refused now

    @property
    def title(self) -> str:
        return self.name.partition(":")[2]

    @property
    def parts(self) -> tuple[str, dict[str, Any]]:
        """The name that the package knows, and the arguments in brackets."""
        return split_name(self.name)

    @property
    def num_seats(self) -> int:
        return _num_seats(self)

    @property
    def keeps_best(self) -> bool:
        return self.num_seats == 1  # else it depends on the others, who learn, too

    def require(self):
        """The package.

        Raises:
          InputError: if it is not installed, with the line that installs it.
        """
        try:
            return importlib.import_module(self.package)
        except ModuleNotFoundError as error:
            if error.name != self.package.partition(".")[0]:
                raise
            raise InputError(
                f"{self.name} needs the package {error.name}: pip install -c constraints.txt -e .[{self.extra}]"
            ) from None


def split_name(name: str) -> tuple[str, dict[str, Any]]:
    """The parts of BRIDGE:NAME(ARGUMENT=VALUE,...): NAME and the arguments, of which each is a plain value.

    Raises:
      InputError: for anything else in the brackets; nothing is evaluated.
    """
    _, _, rest = name.partition(":")
    own, bracket, arguments = rest.partition("(")
    if not own:
        raise InputError(f"environment = {brief(name)}: a name is needed behind the colon")
    if not bracket:
        return own, {}
    try:
        call = ast.parse(f"f({arguments}", mode="eval").body
        is_call = isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and not call.args
        names = [keyword.arg for keyword in call.keywords] if is_call else [None]
        if not all(names) or len(set(names)) < len(names):
            raise ValueError
        return own, {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        raise InputError(
            f"environment = {brief(name)}: in the brackets ARGUMENT=VALUE, each a plain value of Python's, is needed, "
            "as in gymnasium:CartPole-v1(max_episode_steps=200)"
        ) from None


@functools.cache
def _num_seats(face: Bridged) -> int:
    from imagents.seats import close, num_seats

    environment = face.build(1, 0)
    count = num_seats(environment)
    close(environment)
    return count
