"""What a scene is told besides actions: Unity's side channels, of which each message has its channel's UUID in front.

Source: mlagents_envs/side_channel/ of https://github.com/Unity-Technologies/ml-agents.
"""

import struct
import uuid
from collections.abc import Mapping

from imagents.errors import InputError

_ENGINE = uuid.UUID("e951342c-4f7e-11ea-b238-784f4387d1f7")
_PARAMETERS = uuid.UUID("534c891e-810f-11ea-a9d0-822485860400")
_PROPERTIES = uuid.UUID("60ccf7d0-4f7e-11ea-b238-784f4387d1f7")
_OF_ENGINE = {  # the number of a value, and how it is packed
    "quality_level": (1, "<ii"),
    "time_scale": (2, "<if"),
    "target_frame_rate": (3, "<ii"),
    "capture_frame_rate": (4, "<ii"),
}
_FLOAT = 0  # the kind of a parameter


def engine(values: Mapping[str, float]) -> bytes:
    """Messages that set the engine: width and height, together, quality_level, time_scale, target_frame_rate,
    capture_frame_rate.

    Raises:
      InputError: for another name.
    """
    sides = ("width", "height")
    for name in values:
        if name not in (*sides, *_OF_ENGINE):
            raise InputError(f"engine: {name!r} is none of {', '.join((*sides, *_OF_ENGINE))}")
    if ("width" in values) != ("height" in values):
        raise InputError("engine: width and height are set together, and one of them is missing")
    found = [struct.pack("<iii", 0, *(int(values[side]) for side in sides))] if "width" in values else []
    for name, (number, packing) in _OF_ENGINE.items():
        if name in values:
            found.append(struct.pack(packing, number, (int if packing == "<ii" else float)(values[name])))
    return b"".join(_message(_ENGINE, each) for each in found)


def parameters(values: Mapping[str, float]) -> bytes:
    """Messages that set parameters of the environment."""
    return b"".join(
        _message(_PARAMETERS, _text(name) + struct.pack("<if", _FLOAT, value)) for name, value in values.items()
    )


def properties(values: Mapping[str, float]) -> bytes:
    """Messages that set float properties, for scenes that have a channel for these."""
    return b"".join(_message(_PROPERTIES, _text(name) + struct.pack("<f", value)) for name, value in values.items())


def _message(channel: uuid.UUID, content: bytes) -> bytes:
    return channel.bytes_le + struct.pack("<i", len(content)) + content


def _text(name: str) -> bytes:
    try:
        encoded = name.encode("ascii")
    except UnicodeEncodeError:
        raise InputError(f"{name!r}: a name in ASCII is needed, as Unity has it") from None
    return struct.pack("<i", len(encoded)) + encoded
