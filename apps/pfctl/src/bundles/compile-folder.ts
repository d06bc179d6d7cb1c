import {
  type BundleSources,
  type CompiledSources,
  compileBundle,
  readBundleFolder,
} from '@provability-fabric/bundle';
import { CommandError } from '@provability-fabric/command-line';
import { nodeCrypto } from '@provability-fabric/evidence';
import type { Shell } from '../shell.ts';
import { formatFindings } from './findings.ts';

export interface CompiledFolder {
  readonly sources: BundleSources;
  readonly compiled: CompiledSources;
}

/** Compiles the bundle in a folder, whatever comes of it. */
export async function compileFolder(shell: Shell, typed: string): Promise<CompiledFolder> {
  const sources = await readBundleFolder(shell.path(typed));
  return { sources, compiled: await compileBundle(sources, nodeCrypto(), { now: shell.terminal.now() }) };
}

export type Compiled = Extract<CompiledSources, { ok: true }>;

/** The same for those who need it to compile: everything that is wrong is invalid input. */
export async function requireCompiled(
  shell: Shell,
  typed: string,
): Promise<{ readonly sources: BundleSources; readonly compiled: Compiled }> {
  const { sources, compiled } = await compileFolder(shell, typed);
  if (compiled.ok) return { sources, compiled };
  const findings = formatFindings(typed, sources, compiled.errors, 'error');
  throw new CommandError('INPUT_INVALID', `the bundle does not compile\n${findings}`);
}
