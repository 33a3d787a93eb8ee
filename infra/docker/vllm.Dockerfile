# vLLM that hears: its own image leaves out what reads audio files, for their licences. docker build -f infra/docker/vllm.Dockerfile -t auricle-vllm:0.32.0 .
# The version whose answers the edge's adapter was recorded from.
FROM vllm/vllm-openai:v0.32.0
RUN uv pip install --system "vllm[audio]==0.32.0"
