import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommandError } from '@provability-fabric/command-line';
import { type EffectiveValue, type Problem, readEffectiveValues } from '@provability-fabric/configuration';
import type { Shell } from '../shell.ts';
import { checkOut } from './git-tree.ts';

type Read = Awaited<ReturnType<typeof readEffectiveValues>>;

/**
 * What an environment is compared with, in this order: another environment of that name, a folder (which holds
 * `config/<env>/`, or is such a folder itself), the state of this one at a git revision.
 */
export async function readBaseline(
  shell: Shell,
  environment: string,
  baseline: string,
): Promise<readonly EffectiveValue[]> {
  const read =
    (await ofEnvironment(shell, baseline)) ??
    (await ofFolder(shell, environment, baseline)) ??
    (await ofRevision(shell, environment, baseline));
  if (read.ok) return read.values;
  const problems = read.problems.map(
    (problem): Problem => ({ ...problem, file: `${baseline}: ${problem.file}` }),
  );
  throw await shell.refused(problems);
}

async function ofEnvironment({ root }: Shell, name: string): Promise<Read | undefined> {
  const known = /^[a-z0-9][a-z0-9-]{0,62}$/.test(name) && existsSync(join(root, 'config', name));
  return known ? readEffectiveValues(root, name) : undefined;
}

async function ofFolder(shell: Shell, environment: string, typed: string): Promise<Read | undefined> {
  const folder = shell.path(typed);
  // An empty name, as a variable that is not set leaves, is not the working directory.
  if (typed === '' || !(await stat(folder).catch(() => undefined))?.isDirectory()) return undefined;
  if (existsSync(join(folder, 'config', environment))) return readEffectiveValues(folder, environment);
  const isEnvironment = ['fabric.yaml', 'policy-config', 'upstreams.yaml'].some((name) =>
    existsSync(join(folder, name)),
  );
  if (!isEnvironment) return undefined;
  return inScratchFolder(async (scratch) => {
    await mkdir(join(scratch, 'config'));
    await symlink(folder, join(scratch, 'config', environment));
    return readEffectiveValues(scratch, environment);
  });
}

function ofRevision(shell: Shell, environment: string, revision: string): Promise<Read> {
  return inScratchFolder(async (scratch) => {
    const found = await checkOut(shell.root, revision, `config/${environment}`, scratch);
    if (found === 'no-such-revision') {
      throw new CommandError(
        'INPUT_INVALID',
        `expected --baseline to name an environment, a folder with a configuration or a git revision, came \`${revision}\``,
      );
    }
    if (found === 'nothing-there') {
      throw new CommandError(
        'INPUT_INVALID',
        `expected config/${environment} at \`${revision}\`, came nothing`,
      );
    }
    return readEffectiveValues(scratch, environment);
  });
}

async function inScratchFolder<Result>(work: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'pfctl-baseline-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
