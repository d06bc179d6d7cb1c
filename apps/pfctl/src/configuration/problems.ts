import { stat } from 'node:fs/promises';
import { isAbsolute, relative } from 'node:path';
import { type Problem, readEnvironment } from '@provability-fabric/configuration';

/** What keeps a fabric from starting with this environment. */
export async function problemsOf(root: string, environment: string): Promise<readonly Problem[]> {
  const read = await readEnvironment(root, environment);
  if (!read.ok) return read.problems;
  const { bundleDirectory } = read.settings;
  const near = bundleDirectory === null ? '' : relative(root, bundleDirectory);
  // A path elsewhere is the other machine's: production is checked before it is deployed.
  if (near === '' || near.startsWith('..') || isAbsolute(near)) return [];
  const found = await stat(bundleDirectory as string).catch(() => undefined);
  if (found !== undefined) return [];
  return [
    {
      file: `config/${environment}/fabric.yaml`,
      line: null,
      column: null,
      message: `\`bundle\`: expected a bundle's folder, came nothing at \`${near}\`; pfctl init writes one`,
    },
  ];
}
