# docker build -t valuecanvas/api:v1.0.0 .
FROM node:20.20-bookworm-slim AS build
WORKDIR /app
COPY . .
# `prepare` bundles the command lines; after it only what the bundles leave outside is needed.
RUN npm ci --no-audit --no-fund && npm prune --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:20.20-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
# Owned by root: the process can change nothing of what it runs.
COPY --from=build /app/package.json ./package.json
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/packages ./packages
COPY --from=build /app/apps ./apps
COPY --from=build /app/bundles ./bundles
COPY --from=build /app/config ./config
RUN install -d -o 65532 -g 65532 -m 0700 /var/lib/provability-fabric
USER 65532:65532
EXPOSE 3000 8080
VOLUME /var/lib/provability-fabric
ENTRYPOINT ["node", "/app/apps/fabric/bin/pf.mjs"]
CMD ["serve", "secrets", "--env", "production"]
