import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { performance } from 'node:perf_hooks';
import { createSandbox, type SandboxOptions } from './create-sandbox.ts';
import type { Sandbox, SandboxLimits, SandboxResult, SandboxRun } from './sandbox.ts';
import { makeWorkspace } from './workspace.ts';

function missingTool(): string | undefined {
  if (process.platform !== 'linux') return 'sandboxes are Linux';
  if (spawnSync('bwrap', ['--version']).error !== undefined) return 'bubblewrap is not installed';
  return undefined;
}

/** Why tests with a real sandbox are skipped; with `CI=true` they run and fail. */
export const NO_SANDBOX: string | undefined = process.env.CI === 'true' ? undefined : missingTool();

/** One of the engines that the same hostile tests run over. */
export interface EngineUnderTest {
  readonly name: 'bubblewrap' | 'podman';
  readonly options: Partial<SandboxOptions>;
  readonly missing: string | undefined;
  /** Entries of the root, by `ls`. */
  readonly root: RegExp;
}

/** It may be missing with `CI=true` too: bubblewrap is the engine that every host should have. */
function missingPodman(): string | undefined {
  if (process.getuid?.() !== 0) return 'podman is used by root only';
  for (const program of ['podman', 'runc']) {
    if (spawnSync(program, ['--version']).error !== undefined) return `${program} is not installed`;
  }
  return undefined;
}

const BUBBLEWRAP: EngineUnderTest = {
  name: 'bubblewrap',
  options: {},
  missing: NO_SANDBOX,
  root: /\/:\nbin\ndev\netc\n(lib.*\n)+proc\n(sbin\n)?tmp\nusr\nworkspace\n/,
};

const PODMAN: EngineUnderTest = {
  name: 'podman',
  options: { bubblewrap: '/nonexistent/bwrap' },
  missing: missingPodman(),
  root: /\/:\nbin\ndev\netc\ngate\n(lib.*\n)+proc\nrun\n(sbin\n)?sys\ntmp\nusr\nworkspace\n/,
};

export const ENGINES: readonly EngineUnderTest[] = [BUBBLEWRAP, PODMAN];

export const LIMITS: SandboxLimits = {
  timeoutMs: 10_000,
  memoryBytes: 256 * 1024 * 1024,
  pids: 32,
  cpus: 1,
  fileBytes: 64 * 1024 * 1024,
  diskBytes: 64 * 1024 * 1024,
  outputBytes: 1024 * 1024,
};

export function testSandbox(options: Partial<SandboxOptions> = {}): Sandbox {
  return createSandbox({ now: () => performance.now(), workspaces: tmpdir(), hidden: [], ...options });
}

type Rest = Partial<Omit<SandboxRun, 'limits'>> & { readonly limits?: Partial<SandboxLimits> };

/** One command in a workspace of its own, which `look` may see before it is gone. */
export async function runIn(
  sandbox: Sandbox,
  command: string | readonly string[],
  rest: Rest = {},
  look: (folder: string) => void = () => {},
): Promise<SandboxResult> {
  const workspace = await makeWorkspace(tmpdir());
  try {
    return await sandbox.run({
      folder: workspace.folder,
      commands: [command],
      readOnly: [],
      ...rest,
      limits: { ...LIMITS, ...rest.limits },
    });
  } finally {
    look(workspace.folder);
    await workspace.remove();
  }
}

/** How many processes of the machine have a word in their command line. */
export function processesNamed(word: string): number {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name) || name === String(process.pid)) return false;
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(word);
    } catch {
      return false;
    }
  }).length;
}
