# Deep Health as an image: the service, its model and nothing else. Build: docker build -t deep-health:0.1.0 .
# The base is pinned by tag; put the digest behind it (@sha256:...) for builds that have to be the same to the byte.

FROM node:24.21.0-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# No package's install script runs: none is needed. onnxruntime brings its library for every system; one stays.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
 && find node_modules/onnxruntime-node/bin -mindepth 3 -maxdepth 3 \
      ! -path "*/linux/$(node -p process.arch)" -exec rm -rf {} +

FROM node:24.21.0-bookworm-slim
LABEL org.opencontainers.image.title="Deep Health" \
      org.opencontainers.image.description="Chest film triage beside the PACS. Research use, not a medical device." \
      org.opencontainers.image.licenses="Apache-2.0"
# The service needs node alone; npm and yarn are more to attack. /data is the one place that it writes to.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack \
           /usr/local/bin/yarn /usr/local/bin/yarnpkg /opt/yarn-* \
 && mkdir /data && chown 1000:1000 /data
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY package.json LICENSE NOTICE ./
COPY bin bin
COPY config config
COPY src src
COPY models models
COPY deploy/health.mjs deploy/health.mjs
COPY deploy/compose/ris deploy/compose/ris
ENV NODE_ENV=production \
    DEEP_HEALTH_CONFIG=/etc/deep-health/deep-health.yaml
USER 1000:1000
VOLUME /data
EXPOSE 8104
STOPSIGNAL SIGTERM
# Alive, not ready: a service whose database is away must not be killed for it.
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "deploy/health.mjs", "http://127.0.0.1:8104/livez"]
ENTRYPOINT ["node", "bin/deep-health.mjs"]
CMD ["serve"]
