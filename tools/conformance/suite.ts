import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What the suite found in one check, without times, ids and ports, which differ from run to run. */
export interface Check {
  readonly id: string;
  readonly status: string;
  readonly problem: string;
}

/** By scenario, its checks in order. */
export type SuiteResult = ReadonlyMap<string, readonly Check[]>;

const SUITE = join(
  dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/conformance/package.json')),
  'dist/index.js',
);
const SUITE_TIMEOUT_MS = 300_000;

/** Runs all server scenarios of the official suite that hold for a version of the protocol. */
export async function runSuite(url: string, specVersion: string): Promise<SuiteResult> {
  const folder = await mkdtemp(join(tmpdir(), 'pf-conformance-'));
  try {
    await runProcess([
      ...['--import', new URL('./glob-on-node-20.mjs', import.meta.url).href, SUITE, 'server'],
      ...['--url', url, '--suite', 'all', '--spec-version', specVersion, '--output-dir', folder],
    ]);
    const found = new Map<string, readonly Check[]>();
    for (const name of (await readdir(folder)).sort()) {
      const checks = JSON.parse(await readFile(join(folder, name, 'checks.json'), 'utf8')) as RawCheck[];
      found.set(scenarioOf(name), checks.map(checkOf));
    }
    return found;
  } finally {
    await rm(folder, { recursive: true });
  }
}

interface RawCheck {
  readonly id: string;
  readonly status: string;
  readonly errorMessage?: string;
}

/** Folders are called `server-SCENARIO-TIME`. */
function scenarioOf(folder: string): string {
  return folder.replace(/^server-/, '').replace(/-\d{4}-\d\d-\d\dT.*$/, '');
}

function checkOf({ id, status, errorMessage = '' }: RawCheck): Check {
  return { id, status, problem: errorMessage.replace(/127\.0\.0\.1:\d+/g, 'HOST') };
}

/** Its exit code says whether all checks passed; here it only matters that it ran to its end. */
async function runProcess(args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, args, {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: SUITE_TIMEOUT_MS,
  });
  const code = await new Promise((resolve) => child.once('exit', resolve));
  if (code !== 0 && code !== 1)
    throw new Error(`expected the conformance suite to end by itself, got ${code}`);
}
