"""The messages are those of Unity's own package, byte by byte."""

import json
import pathlib

import pytest
from google.protobuf import json_format

from imagents.bridges.unity.messages import Message

RECORDED = json.loads((pathlib.Path(__file__).parents[2] / "data" / "unity_messages.json").read_text())


@pytest.mark.parametrize("way", ["from_unity", "to_unity"])
def test_messages_are_read_and_written_as_unitys_own_package_does(way):
    fields, recorded = RECORDED[way]["fields"], bytes.fromhex(RECORDED[way]["bytes"])
    message = Message.FromString(recorded)
    assert json_format.MessageToDict(message, preserving_proto_field_name=True) == fields
    assert json_format.ParseDict(fields, Message()).SerializeToString(deterministic=True) == recorded
