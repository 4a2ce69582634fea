"""ONNX graphs of the ``sticks`` template: the layers that ship, and the weights of a file.

``sticks.onnx`` (made by scripts/sticks_graph.py) defines each kind of layer as a function, and has no nodes
and no weights. Serialised protocol buffers that follow one another are merged, repeated fields appended, so
a network is that file and a few bytes more: the calls of its layers, and its weights.

Sources: protobuf.dev, "Encoding"; onnx/onnx.proto, from which the numbers of the fields are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from dance_now.character.safetensors_file import AnyArray
from dance_now.core.errors import DanceNowError, MissingExtraError

if TYPE_CHECKING:
    import onnxruntime

LAYERS: Final = Path(__file__).with_name("sticks.onnx")
INPUT, OUTPUT = "picture", "drawn"
DOMAIN: Final = "dance_now"

_PROVIDERS: Final = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
_VARINT, _BYTES = 0, 2  # wire types
_MODEL_GRAPH: Final = 7
_GRAPH_NODE, _GRAPH_INITIALIZER = 1, 5
_NODE_INPUT, _NODE_OUTPUT, _NODE_OPERATOR, _NODE_DOMAIN = 1, 2, 4, 7
_TENSOR_DIMS, _TENSOR_TYPE, _TENSOR_NAME, _TENSOR_DATA = 1, 2, 8, 9
_FLOAT: Final = 1  # TensorProto.FLOAT


def network_graph(arrays: Mapping[str, AnyArray], layers: bytes) -> bytes:
    """The ONNX file of a network.

    Args:
        arrays: as ``SticksArrays`` has them of body or head, in the order of the layers.
        layers: the content of LAYERS.
    """
    calls: list[bytes] = []
    weights: list[bytes] = []
    outputs = (f"layer_{number}" for number in count())
    value = INPUT
    for operator, parameters in _layers(arrays):
        names = [f"weight_{len(weights) + number}" for number in range(len(parameters))]
        weights += [_tensor(name, array) for name, array in zip(names, parameters, strict=True)]
        output = OUTPUT if operator == "Last" else next(outputs)
        calls.append(_node(operator, [value, *names], output))
        value = output
    graph = [_field(_GRAPH_NODE, call) for call in calls]
    graph += [_field(_GRAPH_INITIALIZER, tensor) for tensor in weights]
    return layers + _field(_MODEL_GRAPH, b"".join(graph))


def _layers(arrays: Mapping[str, AnyArray]) -> Iterator[tuple[str, list[AnyArray]]]:
    """Each layer's function, and its parameters."""
    for name, array in arrays.items():
        if name == "blocks":
            yield from (("Block", list(block)) for block in array)
        elif name == "last":
            yield "Last", [array, arrays["last_bias"]]
        elif name != "last_bias":
            yield name.partition(".")[0].capitalize(), [array]


def _node(operator: str, inputs: Iterable[str], output: str) -> bytes:
    """A NodeProto with one output."""
    given = b"".join(_field(_NODE_INPUT, name.encode()) for name in inputs)
    named = _field(_NODE_OPERATOR, operator.encode()) + _field(_NODE_DOMAIN, DOMAIN.encode())
    return given + _field(_NODE_OUTPUT, output.encode()) + named


def _tensor(name: str, array: AnyArray) -> bytes:
    """A TensorProto of single precision."""
    dims = b"".join(_number(_TENSOR_DIMS, size) for size in array.shape)
    header = dims + _number(_TENSOR_TYPE, _FLOAT) + _field(_TENSOR_NAME, name.encode())
    return header + _field(_TENSOR_DATA, np.ascontiguousarray(array, "<f4").tobytes())


def _field(number: int, content: bytes) -> bytes:
    """A field of bytes: a string, or a message in a message."""
    return _varint(number << 3 | _BYTES) + _varint(len(content)) + content


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3 | _VARINT) + _varint(value)


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; all but the last byte have their highest bit set."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


class NetworkSession:
    """A network at work; may be called by several threads."""

    def __init__(
        self,
        arrays: Mapping[str, AnyArray],
        side: int,
        device: Literal["auto", "cpu", "cuda"] = "auto",
        threads: int = 0,
    ) -> None:
        """Loads a network.

        Args:
            arrays: as ``network_graph`` takes them.
            side: of the squares that it draws, pixels.
            device: what it runs on.
            threads: of the processor; 0 takes one for each core.

        Raises:
            DanceNowError: it does not run on this device.
            MissingExtraError: onnxruntime is not installed.
        """
        sizes = {"inputs": arrays["first"].shape[1], "height": side, "width": side}
        self._session = _open(network_graph(arrays, LAYERS.read_bytes()), sizes, device, threads)

    def __call__(self, picture: AnyArray) -> AnyArray:
        """(inputs, side, side) float32 -> (4, side, side) float32.

        Raises:
            DanceNowError: the network fails.
        """
        try:
            (drawn,) = self._session.run(None, {INPUT: picture[None]})
        except Exception as error:  # onnxruntime's own exception types share no public base class
            raise DanceNowError(f"The character's network failed ({type(error).__name__}).") from error
        result: AnyArray = np.nan_to_num(drawn[0], copy=False)
        return result


def _open(graph: bytes, sizes: Mapping[str, int], device: str, threads: int) -> onnxruntime.InferenceSession:
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingExtraError("onnxruntime", "onnx") from error
    onnxruntime.disable_telemetry_events()  # which its builds for Windows send
    available = onnxruntime.get_available_providers()
    if device == "auto":
        providers = [_PROVIDERS[kind] for kind in ("cuda", "cpu") if _PROVIDERS[kind] in available]
    elif _PROVIDERS[device] in available:
        providers = [_PROVIDERS[device]]
    else:
        raise DanceNowError(f"onnxruntime has no {device} here; it offers {', '.join(available)}.")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what goes wrong is raised
    options.intra_op_num_threads = threads
    for name, size in sizes.items():
        options.add_free_dimension_override_by_name(name, size)
    # Threads that wait busily win a little time and take the processor from everything beside them.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(graph, options, providers=providers)
    except Exception as error:  # onnxruntime's own exception types share no public base class
        raise DanceNowError(f"The character's network cannot be loaded ({type(error).__name__}).") from error
    if device != "auto" and _PROVIDERS[device] not in session.get_providers():
        # onnxruntime quietly takes the processor where a GPU's libraries do not load.
        raise DanceNowError(f"onnxruntime cannot use {device} here: look at its driver and libraries.")
    return session
