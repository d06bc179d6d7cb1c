// Replays one trace twice on this Node and once on Node 22 and compares the printed bytes.
import { execFileSync } from 'node:child_process';

const args = [
  'apps/pfctl/bin/pfctl.mjs',
  'replay',
  '--bundle',
  'bundles/quickstart',
  '--trace',
  'examples/traces',
  '--format',
  'json',
];

function run(command, prefix) {
  try {
    return execFileSync(command, [...prefix, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      maxBuffer: 1 << 28,
    });
  } catch (error) {
    if (error.status === 2) return error.stdout; // some events are refused, as they should be
    throw error;
  }
}

const first = run(process.execPath, []);
const again = run(process.execPath, []);
const other = run('npx', ['--yes', '-p', 'node@22', 'node']);
if (first.length === 0 || !first.equals(again) || !first.equals(other)) {
  console.error('expected the same bytes from every replay');
  process.exit(1);
}
console.log(`${first.length} bytes, the same twice on ${process.version} and on Node 22`);
