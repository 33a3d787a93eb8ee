# The edge on Node. Build from the repository's root: docker build -f infra/docker/edge.Dockerfile -t auricle-edge .
FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --no-audit --no-fund

FROM node:24-bookworm-slim
WORKDIR /app
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8080 AURICLE_METRICS_PORT=9090 AURICLE_LOG_LEVEL=info
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json ./
COPY src ./src
COPY workers ./workers
COPY web ./web
USER node
EXPOSE 8080 9090
HEALTHCHECK --interval=10s --timeout=3s CMD ["node", "-e", "fetch('http://127.0.0.1:8080/healthz').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# No shell between: SIGTERM reaches the process, which ends what it has.
CMD ["node", "workers/local/main.ts"]
