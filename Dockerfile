# The playbook command on glibc (Temporal's native module does not run on musl).
FROM node:20.20.2-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY scripts scripts
COPY src src
COPY integrations integrations
RUN npm run build && npm prune --omit=dev --ignore-scripts

FROM node:20.20.2-bookworm-slim
# Without certificates of its own the native module cannot open a TLS connection to Temporal.
RUN apt-get update \
  && apt-get install -y --no-install-recommends ca-certificates \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /app
# The last two keep a worker small: see bin/playbook.js.
ENV NODE_ENV=production PLAYBOOK_HOME=/data MALLOC_ARENA_MAX=2 NODE_OPTIONS=--max-semi-space-size=2
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY --from=build /app/integrations integrations
COPY package.json ./
COPY bin bin
RUN mkdir /data && chown node:node /data
VOLUME /data
USER node
ENTRYPOINT ["node", "/app/bin/playbook.js"]
CMD ["--help"]
