"""Reads CTranslate2's `model.bin`, version 6: a header, then named tensors, then aliases of them."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

import numpy as np

DTYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}


def read_variables(path: Path) -> dict[str, np.ndarray]:
    """Every tensor of the file by its CTranslate2 name, in its stored type; aliases point to the same array."""
    with path.open("rb") as file:
        version = _unpack(file, "<I")
        if version != 6:
            raise ValueError(f"{path}: CTranslate2 binary version {version}, this reader knows 6")
        _text(file)  # the specification's name, "WhisperSpec"
        _unpack(file, "<I")  # its revision
        variables = dict(_variable(file) for _ in range(_unpack(file, "<I")))
        for _ in range(_unpack(file, "<I")):
            alias = _text(file)
            variables[alias] = variables[_text(file)]
    return variables


def _variable(file: BinaryIO) -> tuple[str, np.ndarray]:
    name = _text(file)
    rank = _unpack(file, "<B")
    shape = struct.unpack(f"<{rank}I", file.read(4 * rank))
    dtype = DTYPES[_unpack(file, "<B")]
    size = _unpack(file, "<I")
    return name, np.frombuffer(file.read(size), dtype).reshape(shape)


def _unpack(file: BinaryIO, layout: str) -> int:
    return struct.unpack(layout, file.read(struct.calcsize(layout)))[0]


def _text(file: BinaryIO) -> str:
    return file.read(_unpack(file, "<H"))[:-1].decode()
