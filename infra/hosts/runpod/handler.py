"""A worker of ours behind RunPod's job queue (https://docs.runpod.io/serverless): `python handler.py` in its image.

A job's input is a request: `{"openai_route": "/v1/chat/completions", "openai_input": {...}}`, as RunPod's own OpenAI
route (`https://api.runpod.ai/v2/ENDPOINT/openai/v1`) makes it, or `{"path": ..., "body": ...}`. The answer is the worker's, as JSON; of a
streamed answer each event, as it comes. Locally: `python handler.py --rp_serve_api`, or `--test_input '{"input": {...}}'`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import runpod

ROOT = Path(os.environ.get("AURICLE_ROOT", "/app"))
PORT = int(os.environ.get("AURICLE_PORT", "8081"))
URL = f"http://127.0.0.1:{PORT}"
START_SECONDS = float(os.environ.get("AURICLE_START_SECONDS", "600"))
# What a caller may ask; nothing else of the worker's is for them.
ROUTES = {"/v1/chat/completions", "/v1/models"}


def start_worker() -> subprocess.Popen:
    """Starts the worker; returns when it says that it is ready."""
    environment = {**os.environ, "HOST": "127.0.0.1", "PORT": str(PORT)}
    worker = subprocess.Popen(
        [os.environ.get("AURICLE_NODE", "node"), "gpu-worker/main.ts"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + START_SECONDS
    for line in worker.stdout:
        print(line, end="", file=sys.stderr)
        if '"event":"ready"' in line:
            return worker
        if time.monotonic() > deadline:
            break
    worker.kill()
    raise SystemExit("the worker ended before it was ready")


async def handler(job: dict) -> AsyncIterator[object]:
    """Asks the worker what the job asks. Errors are the worker's own, as OpenAI's clients read them."""
    asked = job["input"]
    path = asked.get("openai_route") or asked.get("path") or "/v1/chat/completions"
    body = asked.get("openai_input", asked.get("body"))
    if path not in ROUTES:
        yield {"error": {"message": f"There is nothing at {path} here.", "type": "invalid_request_error", "param": None, "code": "not_found"}}
        return
    method = "GET" if path == "/v1/models" else "POST"
    headers = {"x-request-id": f"runpod-{job['id']}"}
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as session,
        session.request(method, URL + path, json=None if method == "GET" else body, headers=headers) as response,
    ):
        if not response.headers.get("content-type", "").startswith("text/event-stream"):
            yield json.loads(await response.text())
            return
        event = b""
        async for line in response.content:
            event += line
            if line == b"\n":
                yield event.decode()
                event = b""


if __name__ == "__main__":
    start_worker()
    runpod.serverless.start(
        {
            "handler": handler,
            # /run and /runsync get all events of a streamed answer at once.
            "return_aggregate_stream": True,
            "concurrency_modifier": lambda _current: int(os.environ.get("AURICLE_SLOTS", "8")),
        }
    )
