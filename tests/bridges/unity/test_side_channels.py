"""What a scene is told by side channels, as bytes: written by Unity's own package with the same values."""

import pytest

from imagents.bridges.unity import side_channels
from imagents.errors import InputError

ENGINE = "2c3451e97e4fea11b238784f4387d1f7"
PARAMETERS = "1e894c530f81ea11a9d0822485860400"
PROPERTIES = "d0f7cc607e4fea11b238784f4387d1f7"


def test_the_engine_is_set_value_by_value():
    values = {"width": 84, "height": 80, "quality_level": 5, "time_scale": 20, "target_frame_rate": -1,
              "capture_frame_rate": 60}  # fmt: skip
    messages = ["0c000000" "00000000" "54000000" "50000000", "08000000" "01000000" "05000000",
                "08000000" "02000000" "0000a041", "08000000" "03000000" "ffffffff",
                "08000000" "04000000" "3c000000"]  # fmt: skip
    assert side_channels.engine(values).hex() == "".join(ENGINE + message for message in messages)


def test_parameters_and_properties_are_floats_by_name():
    name = "07000000" + b"gravity".hex()
    assert side_channels.parameters({"gravity": 9.5}).hex() == PARAMETERS + "13000000" + name + "00000000" + "00001841"
    assert side_channels.properties({"gravity": 9.5}).hex() == PROPERTIES + "0f000000" + name + "00001841"


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (lambda: side_channels.engine({"speed": 1}), "engine: 'speed' is none of width, height, quality_level"),
        (lambda: side_channels.engine({"width": 1}), "engine: width and height are set together"),
        (lambda: side_channels.parameters({"größe": 1}), "'größe': a name in ASCII is needed"),
    ],
)
def test_what_cannot_be_told_is_one_sentence(told, said):
    with pytest.raises(InputError, match=said):
        told()
