import { CommandError } from '@provability-fabric/command-line';
import { askObject, askPage, pathOf, type SecretsService } from './ask-secrets.ts';

export interface WantedSecret {
  readonly name: string;
  readonly value: Readonly<Record<string, string>>;
}

export interface ImportResult {
  readonly name: string;
  readonly result: 'written' | 'left as it is' | 'would be written' | 'would be left as it is';
}

interface ImportChoice {
  readonly overwrite: boolean;
  readonly dryRun: boolean;
}

/** One after the other, each whole. Throws at the first that cannot be had: what was written before stays. */
export async function importSecrets(
  at: SecretsService,
  wanted: readonly WantedSecret[],
  { overwrite, dryRun }: ImportChoice,
  onDone: (count: number) => void,
): Promise<readonly ImportResult[]> {
  const results: ImportResult[] = [];
  for (const secret of wanted) {
    const isThere = overwrite ? false : await exists(at, secret.name);
    if (isThere)
      results.push({ name: secret.name, result: dryRun ? 'would be left as it is' : 'left as it is' });
    else if (dryRun) results.push({ name: secret.name, result: 'would be written' });
    else {
      await askObject(at, {
        method: 'PUT',
        path: `/api/secrets/${pathOf(secret.name)}?${new URLSearchParams({ tenant: at.tenant })}`,
        // Somebody may have made it since it was asked for.
        body: { value: secret.value, description: 'imported', ...(overwrite ? {} : { cas: 0 }) },
      });
      results.push({ name: secret.name, result: 'written' });
    }
    onDone(results.length);
  }
  return results;
}

/** By its versions, so that no value is read for it. */
async function exists(at: SecretsService, name: string): Promise<boolean> {
  const path = `/admin/secrets/versions/${encodeURIComponent(at.tenant)}/${pathOf(name)}`;
  try {
    await askPage(at, path);
    return true;
  } catch (error) {
    if (error instanceof CommandError && error.message.includes('SECRET_NOT_FOUND')) return false;
    throw error;
  }
}
