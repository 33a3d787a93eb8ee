"""A small builder of ONNX graphs: typed inputs and outputs, named nodes, weights in chosen external files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

MICROSOFT = "com.microsoft"
ELEMENT_TYPES = {
    np.dtype(np.float32): TensorProto.FLOAT,
    np.dtype(np.float16): TensorProto.FLOAT16,
    np.dtype(np.float64): TensorProto.DOUBLE,
    np.dtype(np.int64): TensorProto.INT64,
    np.dtype(np.int32): TensorProto.INT32,
    np.dtype(np.uint8): TensorProto.UINT8,
    np.dtype(np.int8): TensorProto.INT8,
}
INLINE_BYTES = 1024  # smaller constants stay in the graph itself


@dataclass(frozen=True)
class Weight:
    """A tensor that is computed when its file is written, `pieces` of it at a time: a model of any size fits."""

    shape: tuple[int, ...]
    dtype: np.dtype
    pieces: Callable[[], Iterable[np.ndarray]]

    @classmethod
    def of(cls, values: np.ndarray) -> Weight:
        """A tensor that is there already."""
        return cls(values.shape, values.dtype, lambda: [values])

    @property
    def nbytes(self) -> int:
        """Bytes of the whole tensor."""
        return int(np.prod(self.shape)) * self.dtype.itemsize

    def astype(self, dtype: type) -> Weight:
        """The same tensor in another type."""
        return Weight(self.shape, np.dtype(dtype), lambda: (piece.astype(dtype) for piece in self.pieces()))

    def tobytes(self) -> bytes:
        """All of it at once, in C order."""
        return b"".join(piece.tobytes() for piece in self.pieces())


class ExternalFile:
    """A file of raw tensors, in the order in which they come; nothing is computed before `save`.

    Graphs put only what has `smallest` bytes or more into it.
    """

    def __init__(self, name: str, alignment: int = 64, smallest: int = INLINE_BYTES) -> None:
        self.name = name
        self.alignment = alignment
        self.smallest = smallest
        self.size = 0
        self.places: dict[str, tuple[int, int]] = {}
        self._weights: list[tuple[int, Weight]] = []

    def append(self, tensor: str, values: np.ndarray | Weight) -> tuple[int, int]:
        """Takes `tensor` in (the same tensor only once) and gives (offset, length)."""
        if tensor not in self.places:
            weight = Weight.of(values) if isinstance(values, np.ndarray) else values
            padding = -self.size % self.alignment
            self._weights.append((padding, weight))
            self.places[tensor] = (self.size + padding, weight.nbytes)
            self.size += padding + weight.nbytes
        return self.places[tensor]

    def save(self, folder: Path) -> str:
        """Writes the file into `folder`, whole or not at all, and gives its SHA-256."""
        partial, digest = folder / f"{self.name}.partial", hashlib.sha256()
        with partial.open("wb") as file:
            for padding, weight in self._weights:
                file.write(b"\0" * padding)
                digest.update(b"\0" * padding)
                for piece in weight.pieces():
                    data = np.ascontiguousarray(piece).reshape(-1).view(np.uint8)
                    file.write(data)
                    digest.update(data)
        if partial.stat().st_size != self.size:
            raise ValueError(f"{self.name}: {partial.stat().st_size} bytes were written instead of {self.size}")
        partial.rename(folder / self.name)
        return digest.hexdigest()


class Graph:
    """An ONNX graph under construction; every method that makes a value returns its name.

    `precision` is what it computes in, f32 or f16; inputs and outputs are what they are declared to be.
    """

    def __init__(self, name: str, precision: type = np.float32) -> None:
        self.name = name
        self.precision = np.dtype(precision)
        self.inputs: list[onnx.ValueInfoProto] = []
        self.outputs: list[onnx.ValueInfoProto] = []
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: dict[str, TensorProto] = {}
        self.files: list[ExternalFile] = []

    def input(self, name: str, dtype: type, shape: list[int | str]) -> str:
        """Declares an input; a string in `shape` is a dimension known only at run time."""
        self.inputs.append(helper.make_tensor_value_info(name, ELEMENT_TYPES[np.dtype(dtype)], shape))
        return name

    def output(self, name: str, dtype: type, shape: list[int | str]) -> str:
        """Declares the value `name` an output."""
        self.outputs.append(helper.make_tensor_value_info(name, ELEMENT_TYPES[np.dtype(dtype)], shape))
        return name

    def constant(self, name: str, values: np.ndarray | Weight, file: ExternalFile | None = None) -> str:
        """A weight: in `file` when it is large and one is given, inside the graph otherwise."""
        if name in self.initializers:
            return name
        tensor = TensorProto(name=name, data_type=ELEMENT_TYPES[values.dtype], dims=values.shape)
        if file is None or values.nbytes < file.smallest:
            tensor.raw_data = values.tobytes()
        else:
            offset, length = file.append(name, values)
            tensor.data_location = TensorProto.EXTERNAL
            for key, value in (("location", file.name), ("offset", offset), ("length", length)):
                tensor.external_data.add(key=key, value=str(value))
            if file not in self.files:
                self.files.append(file)
        self.initializers[name] = tensor
        return name

    def integers(self, *values: int) -> str:
        """A constant int64 vector, shared by all that ask for the same one."""
        return self.constant("integers_" + "_".join(map(str, values)), np.array(values, np.int64))

    def cast(self, source: str, name: str, dtype: type) -> str:
        """`source` in another type."""
        return self.node("Cast", [source], name, to=ELEMENT_TYPES[np.dtype(dtype)])

    def node(
        self,
        operator: str,
        inputs: list[str],
        outputs: str | list[str],
        domain: str = "",
        **attributes: object,
    ) -> str:
        """Adds a node named after its first output, and returns that output."""
        names = [outputs] if isinstance(outputs, str) else outputs
        self.nodes.append(helper.make_node(operator, inputs, names, name=f"/{names[0]}", domain=domain, **attributes))
        return names[0]

    def branch(self, name: str, operator: str, inputs: list[str], domain: str, **attributes: object) -> onnx.GraphProto:
        """A subgraph of one node over values of this graph, for a branch of an If; its output is `name`."""
        node = helper.make_node(operator, inputs, [name], name=f"/{name}", domain=domain, **attributes)
        return helper.make_graph(
            [node], name, [], [helper.make_tensor_value_info(name, ELEMENT_TYPES[self.precision], None)]
        )

    def model(self) -> onnx.ModelProto:
        """The finished model, its large weights only referred to."""
        graph = helper.make_graph(self.nodes, self.name, self.inputs, self.outputs, list(self.initializers.values()))
        opsets = [helper.make_opsetid("", 20), helper.make_opsetid(MICROSOFT, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=10, producer_name="auricle")

    def save(self, folder: Path, file_name: str) -> None:
        """Writes the model; its external files are saved by whoever made them, once all graphs are built."""
        (folder / file_name).write_bytes(self.model().SerializeToString(deterministic=True))
