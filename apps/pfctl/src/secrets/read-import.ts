import { CommandError } from '@provability-fabric/command-line';
import {
  asSecretName,
  type ImportedSecret,
  readAwsExport,
  readVariables,
  readVaultExport,
  SecretError,
} from '@provability-fabric/secrets';
import { parse } from 'dotenv';
import type { Shell } from '../shell.ts';
import { textOf } from './read-fields.ts';

export interface ImportChoice {
  readonly from: 'env' | 'vault' | 'aws';
  /** The one secret that all goes into, or that the export is of. */
  readonly as?: string;
  readonly prefix: string;
  /** Taken away from the beginning of each name. */
  readonly strip: string;
}

/** What a file of another place holds, under the names that it is to have here. */
export async function readImport(
  shell: Shell,
  file: string,
  { from, as, prefix, strip }: ImportChoice,
): Promise<readonly ImportedSecret[]> {
  const text = await textOf(shell, file);
  try {
    switch (from) {
      case 'env': {
        const into = as === undefined ? ({ kind: 'each' } as const) : ({ kind: 'one', name: as } as const);
        return below(prefix, readVariables(parse(text), into));
      }
      case 'vault':
        return below(prefix, readVaultExport(text, { strip, ...(as === undefined ? {} : { name: as }) }));
      case 'aws':
        return below(prefix, readAwsExport(text, { strip }));
    }
  } catch (error) {
    if (error instanceof SecretError) throw new CommandError('INPUT_INVALID', `${file}: ${error.message}`);
    throw error;
  }
}

function below(prefix: string, found: readonly ImportedSecret[]): readonly ImportedSecret[] {
  return found.map(({ name, value }) => ({ name: asSecretName(`${prefix}${name}`), value }));
}
