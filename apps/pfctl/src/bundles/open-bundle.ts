import { readFile, stat } from 'node:fs/promises';
import { CommandError, systemCode } from '@provability-fabric/command-line';
import { nodeCrypto } from '@provability-fabric/evidence';
import { parseJsonBytes } from '@provability-fabric/kernel';
import {
  type CompiledBundle,
  type LoadedBundle,
  loadBundle,
  parseCompiledBundle,
} from '@provability-fabric/policy';
import type { Shell } from '../shell.ts';

/** A bundle from its folder, or as it was compiled. One that does not compile is invalid input, with every reason. */
export async function openBundle(shell: Shell, typed: string): Promise<LoadedBundle> {
  const found = await stat(shell.path(typed)).catch((error) => {
    const came = systemCode(error) === 'ENOENT' ? 'nothing there' : String(systemCode(error));
    throw new CommandError(
      'INPUT_INVALID',
      `${typed}: expected a bundle folder or a bundle.json, came ${came}`,
    );
  });
  if (!found.isDirectory()) return loadBundle(await readCompiled(shell, typed), nodeCrypto());
  // A compiled bundle needs no compiler, and the compiler is slow to load.
  const { requireCompiled } = await import('./compile-folder.ts');
  const { compiled } = await requireCompiled(shell, typed);
  return loadBundle(compiled.bundle, nodeCrypto());
}

async function readCompiled(shell: Shell, typed: string): Promise<CompiledBundle> {
  try {
    return parseCompiledBundle(parseJsonBytes(await readFile(shell.path(typed))));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new CommandError('INPUT_INVALID', `${typed}: expected a compiled bundle: ${message}`, {
      cause: error,
    });
  }
}
