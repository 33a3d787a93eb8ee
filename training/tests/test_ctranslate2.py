"""The reader of CTranslate2 binaries, on a file written here."""

import struct
from pathlib import Path

import numpy as np
import pytest

from training.base.ctranslate2 import read_variables


def text(value: str) -> bytes:
    return struct.pack("<H", len(value) + 1) + value.encode() + b"\0"


def write_model(path: Path, version: int) -> np.ndarray:
    values = np.arange(6, dtype=np.float16).reshape(2, 3)
    variable = text("encoder/weight") + struct.pack("<BIIBI", 2, 2, 3, 4, values.nbytes) + values.tobytes()
    header = struct.pack("<I", version) + text("WhisperSpec") + struct.pack("<II", 3, 1)
    path.write_bytes(header + variable + struct.pack("<I", 1) + text("decoder/weight") + text("encoder/weight"))
    return values


def test_reads_variables_and_aliases(tmp_path: Path) -> None:
    values = write_model(tmp_path / "model.bin", version=6)
    read = read_variables(tmp_path / "model.bin")
    assert list(read) == ["encoder/weight", "decoder/weight"]
    assert np.array_equal(read["encoder/weight"], values)
    assert read["decoder/weight"] is read["encoder/weight"]


def test_refuses_another_version(tmp_path: Path) -> None:
    write_model(tmp_path / "model.bin", version=5)
    with pytest.raises(ValueError, match="version 5"):
        read_variables(tmp_path / "model.bin")
