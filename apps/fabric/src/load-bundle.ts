import { readFile, stat } from 'node:fs/promises';
import { compileBundle, formatCompileError, readBundleFolder } from '@provability-fabric/bundle';
import { nodeCrypto } from '@provability-fabric/evidence';
import { parseJsonBytes } from '@provability-fabric/kernel';
import { type CompiledBundle, parseCompiledBundle } from '@provability-fabric/policy';
import { FabricError } from './errors.ts';

/** From a bundle's folder, or from a compiled `bundle.json`. One that does not compile is never activated. */
export async function loadBundleFrom(path: string): Promise<CompiledBundle> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) {
    throw new FabricError(
      'BUNDLE_MISSING',
      `expected a bundle folder or bundle.json at \`${path}\`, found nothing; \`pfctl init NAME\` writes one`,
    );
  }
  if (found.isFile()) return readCompiledBundle(path);
  const compiled = await compileBundle(await readBundleFolder(path), nodeCrypto());
  if (compiled.ok) return compiled.bundle;
  const problems = compiled.errors.map(formatCompileError).join('\n');
  throw new FabricError(
    'BUNDLE_INVALID',
    `the bundle \`${path}\` does not compile, so nothing was started:\n${problems}`,
  );
}

async function readCompiledBundle(path: string): Promise<CompiledBundle> {
  try {
    return parseCompiledBundle(parseJsonBytes(await readFile(path)));
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new FabricError('BUNDLE_INVALID', `expected a compiled bundle in \`${path}\`: ${problem}`, {
      cause,
    });
  }
}
