"""The messages of Unity ML-Agents' protocol, version 1.5, made from their field numbers; no generated code.

Source: the files in protobuf-definitions/ of https://github.com/Unity-Technologies/ml-agents (Apache-2.0). Enumerations
are written as the int32 that they are on the wire, and parts of a oneof as fields.
"""

import re

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

SERVICE = "communicator_objects.UnityToExternalProto"  # whose one method, Exchange, takes a message and returns one
VERSION = "1.5.0"  # of the protocol; the same major number is understood

STEP, RESET = 0, 1  # commands
OK, CLOSE = 200, 400  # statuses
PNG = 1  # how an observation is compressed

_PACKAGE = "communicator_objects"
_FIELDS = """
UnityMessageProto: 1 HeaderProto header; 2 UnityOutputProto unity_output; 3 UnityInputProto unity_input
HeaderProto: 1 int32 status; 2 string message
UnityOutputProto: 1 UnityRLOutputProto rl_output; 2 UnityRLInitializationOutputProto rl_initialization_output
UnityInputProto: 1 UnityRLInputProto rl_input; 2 UnityRLInitializationInputProto rl_initialization_input
UnityRLInitializationInputProto: 1 int32 seed; 2 string communication_version; 3 string package_version;
    4 UnityRLCapabilitiesProto capabilities; 5 int32 num_areas
UnityRLInitializationOutputProto: 1 string name; 2 string communication_version; 3 string log_path;
    5 BrainParametersProto* brain_parameters; 7 string package_version; 8 UnityRLCapabilitiesProto capabilities
UnityRLCapabilitiesProto: 1 bool baseRLCapabilities; 2 bool concatenatedPngObservations;
    3 bool compressedChannelMapping; 4 bool hybridActions; 5 bool trainingAnalytics;
    6 bool variableLengthObservation; 7 bool multiAgentGroups
BrainParametersProto: 3 int32* vector_action_size_deprecated; 6 int32 vector_action_space_type_deprecated;
    7 string brain_name; 8 bool is_training; 9 ActionSpecProto action_spec
ActionSpecProto: 1 int32 num_continuous_actions; 2 int32 num_discrete_actions; 3 int32* discrete_branch_sizes;
    4 string* action_descriptions
UnityRLInputProto: 1 ListAgentActionProto+ agent_actions; 4 int32 command; 5 bytes side_channel
ListAgentActionProto: 1 AgentActionProto* value
AgentActionProto: 1 float* vector_actions_deprecated; 4 float value; 6 float* continuous_actions;
    7 int32* discrete_actions
UnityRLOutputProto: 2 ListAgentInfoProto+ agentInfos; 3 bytes side_channel
ListAgentInfoProto: 1 AgentInfoProto* value
AgentInfoProto: 7 float reward; 8 bool done; 9 bool max_step_reached; 10 int32 id; 11 bool* action_mask;
    13 ObservationProto* observations; 14 int32 group_id; 15 float group_reward
ObservationProto: 1 int32* shape; 2 int32 compression_type; 3 bytes compressed_data; 4 FloatData float_data;
    5 int32* compressed_channel_mapping; 6 int32* dimension_properties; 7 int32 observation_type; 8 string name
FloatData: 1 float* data
"""  # TYPE* is a list of them, TYPE+ a dictionary of them by name


def _classes() -> dict[str, type]:
    file = descriptor_pb2.FileDescriptorProto(name="unity.proto", package=_PACKAGE, syntax="proto3")
    for name, fields in re.findall(r"^(\w+):((?:.|\n )*)", _FIELDS, re.MULTILINE):
        message = file.message_type.add(name=name)
        for field in fields.split(";"):
            number, kind, own = field.split()
            _add(message, int(number), kind, own)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    names = [message.name for message in file.message_type]
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}")) for name in names}


def _add(message: descriptor_pb2.DescriptorProto, number: int, kind: str, name: str) -> None:
    field = message.field.add(name=name, number=number, label=1)
    plain = kind.rstrip("*+")
    field.label = field.LABEL_REPEATED if plain != kind else field.LABEL_OPTIONAL
    if kind.endswith("+"):
        entry = message.nested_type.add(name=f"{name[0].upper()}{name[1:]}Entry")
        entry.options.map_entry = True
        _add(entry, 1, "string", "key")
        _add(entry, 2, plain, "value")
        plain = f"{message.name}.{entry.name}"
    if plain.endswith(("Proto", "Data", "Entry")):
        field.type, field.type_name = field.TYPE_MESSAGE, f".{_PACKAGE}.{plain}"
    else:
        field.type = getattr(field, f"TYPE_{plain.upper()}")


MESSAGES = _classes()  # by their names
Message = MESSAGES["UnityMessageProto"]
