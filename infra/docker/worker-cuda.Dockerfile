# The worker with ONNX Runtime's CUDA libraries: docker build -f infra/docker/worker-cuda.Dockerfile -t auricle-worker:cuda .
# Packs come from a volume at /models: those of the repository are made for CPUs.
FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The repository skips onnxruntime-node's download of its CUDA provider; here it is what is wanted.
RUN npm ci --omit=dev --no-audit --no-fund --onnxruntime-node-install=cuda12

FROM nvidia/cuda:12.8.1-cudnn-runtime-ubuntu24.04
WORKDIR /app
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8081 AURICLE_STORE=/data AURICLE_MODELS=/models AURICLE_EXECUTION_PROVIDER=cuda
COPY --from=dependencies /usr/local/bin/node /usr/local/bin/node
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json ./
COPY src ./src
COPY gpu-worker ./gpu-worker
RUN mkdir /data && chown ubuntu:ubuntu /data
USER ubuntu
VOLUME ["/data", "/models"]
EXPOSE 8081
HEALTHCHECK --interval=10s --timeout=3s --start-period=300s CMD ["node", "-e", "fetch('http://127.0.0.1:8081/healthz').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "gpu-worker/main.ts"]
