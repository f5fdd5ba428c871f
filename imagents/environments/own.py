"""The face of an environment that a researcher's own function makes."""

import dataclasses
import functools

from imagents.environments import Face
from imagents.errors import InputError
from imagents.own import trusted


@dataclasses.dataclass(frozen=True)
class OwnEnvironment(Face):
    """What your own function makes: any TF-Agents environment. It is called with the number of copies and the seed."""

    @property
    def title(self) -> str:
        return self.name

    @property
    def keeps_best(self) -> bool:
        return self.num_seats == 1  # else it depends on the others, who learn, too

    @property
    def num_seats(self) -> int:
        return _num_seats(self, trusted(self.name, "environment"))

    def build(self, batch_size: int, seed: int):
        from tf_agents.environments import tf_environment

        environment = trusted(self.name, "environment")(batch_size, seed)
        if not isinstance(environment, tf_environment.TFEnvironment):
            raise InputError(f"{self.name} made a {type(environment).__name__}: a TFEnvironment is needed")
        if environment.batch_size != batch_size:
            made = environment.batch_size
            raise InputError(f"{self.name} made {made} copies: {batch_size} side by side are needed")
        return environment


@functools.cache
def _num_seats(face: OwnEnvironment, function) -> int:
    from imagents.seats import close, num_seats

    del function  # another one may have come by the same name
    environment = face.build(1, 0)
    count = num_seats(environment)
    close(environment)
    return count
