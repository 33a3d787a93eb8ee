"""Writes a GGUF in another format: `requantize_gguf.py SOURCE TARGET Q8_0|Q4_0`.

llama.cpp runs some formats faster than others; it is to be measured with the same bits as ours and with its fastest.
One-dimensional tensors (norms) stay as they are.
"""

import sys
from pathlib import Path

import gguf

source, target, format_name = sys.argv[1:]
wanted = gguf.GGMLQuantizationType[format_name]
reader = gguf.GGUFReader(source)
partial = Path(f"{target}.partial")
writer = gguf.GGUFWriter(partial, reader.fields["general.architecture"].contents())
for name, field in reader.fields.items():
    if name.startswith("GGUF.") or name in ("general.architecture", "general.file_type"):
        continue
    element = field.types[-1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
    writer.add_key_value(name, field.contents(), field.types[0], sub_type=element)
for tensor in reader.tensors:
    if len(tensor.shape) == 1:
        writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
        continue
    values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
    writer.add_tensor(tensor.name, gguf.quants.quantize(values, wanted), raw_dtype=wanted)
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
partial.rename(target)
