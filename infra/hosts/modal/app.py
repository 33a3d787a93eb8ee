"""Auricle on Modal (https://modal.com/docs): `modal deploy infra/hosts/modal/app.py` from the repository's root.

The secret `auricle` decides what runs. Modal's URL is open to everybody, so without a fleet it is the edge and its worker in
one container, and nobody gets in without a key (`AURICLE_KEYS`: records of `auricle keys create --record`). With
`AURICLE_FLEET_URL` and `AURICLE_FLEET_SECRET` it is a worker that registers with that edge; then let only the edge know the URL.
"""

from __future__ import annotations

import os
import subprocess

import modal

PORT = int(os.environ.get("AURICLE_PORT", "8081"))
GPU = os.environ.get("AURICLE_GPU", "L4")
REPOSITORY = os.environ.get("AURICLE_ROOT", ".")

app = modal.App("auricle")
image = modal.Image.from_dockerfile(
    f"{REPOSITORY}/infra/docker/worker-cuda.Dockerfile", context_dir=REPOSITORY, add_python="3.12"
).entrypoint([])
# Packs: `modal volume put auricle-models models/qwen2-audio qwen2-audio`.
models = modal.Volume.from_name("auricle-models", create_if_missing=True)


def command(environment: dict[str, str]) -> tuple[list[str], dict[str, str]]:
    """What is started, and its environment."""
    node = environment.get("AURICLE_NODE", "node")
    listening = {"HOST": "0.0.0.0", "PORT": str(PORT)}
    if environment.get("AURICLE_FLEET_URL"):
        return [node, "gpu-worker/main.ts"], listening
    if not environment.get("AURICLE_KEYS"):
        raise SystemExit("The secret auricle needs AURICLE_KEYS, or AURICLE_FLEET_URL and AURICLE_FLEET_SECRET.")
    return [node, "workers/local/main.ts"], listening


@app.function(
    image=image,
    gpu=GPU,
    volumes={"/models": models},
    secrets=[modal.Secret.from_name("auricle")],
    # The edge counts each container as one worker: with a fleet there is one.
    max_containers=1,
    scaledown_window=300,
    timeout=3600,
)
@modal.concurrent(max_inputs=64)
@modal.web_server(PORT, startup_timeout=600)
def serve() -> None:
    """Starts the server and returns; Modal sends requests once the port answers."""
    arguments, listening = command(dict(os.environ))
    environment = {**os.environ, **listening}
    if environment.get("AURICLE_FLEET_URL"):
        environment.setdefault("AURICLE_WORKER_URL", serve.get_web_url() or "")
    subprocess.Popen(arguments, cwd=environment.get("AURICLE_ROOT", "/app"), env=environment)
