import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** An `mcpServers` entry as MCP clients read it: the server's own command, prefixed by `pf run`. */
export function configurationToPaste(paths: {
  readonly bundleFolder: string;
  readonly workspace: string;
  readonly data: string;
}): string {
  const require = createRequire(import.meta.url);
  const pf = join(dirname(require.resolve('@provability-fabric/fabric/package.json')), 'bin', 'pf.mjs');
  const server = require.resolve('@modelcontextprotocol/server-filesystem/dist/index.js');
  const place = ['--bundle', paths.bundleFolder, '--data', paths.data];
  const run = ['run', ...place, '--tenant', 'acme', '--role', 'support'];
  const args = [pf, ...run, '--', process.execPath, server, paths.workspace];
  return JSON.stringify({ mcpServers: { files: { command: process.execPath, args } } }, null, 2);
}
