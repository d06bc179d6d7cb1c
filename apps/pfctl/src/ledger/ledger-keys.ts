import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CommandError, systemCode } from '@provability-fabric/command-line';
import { openKeyRing } from '@provability-fabric/evidence';
import type { Crypto, NoteVerifier } from '@provability-fabric/kernel';

/** What the ledger's signatures are held against. */
export interface LedgerKeys {
  /** The ledger's name, first line of its checkpoints. */
  readonly origin: string;
  readonly verifiers: readonly NoteVerifier[];
  /** Of the fabrics that ship into it, by DSSE keyid. */
  readonly evidenceKeys: ReadonlyMap<string, Uint8Array>;
}

const SUFFIX = '/ledger';

/** undefined where the folder has no key of a ledger. */
export async function findLedgerKeys(crypto: Crypto, folder: string): Promise<LedgerKeys | undefined> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  });
  const [file] = names.filter((name) => /^ledger\..+\.vk$/.test(name)).sort();
  if (file === undefined) return undefined;
  // A ledger's key bears its name, before the first `+` (C2SP signed-note).
  const [name = ''] = (await readFile(join(folder, file), 'utf8')).split('+');
  if (!name.endsWith(SUFFIX) || name === SUFFIX)
    throw new CommandError(
      'INPUT_INVALID',
      `expected ${join(folder, file)} to be the verifier key of a ledger, came one with another name`,
    );
  const ring = await openKeyRing(folder, { origin: name.slice(0, -SUFFIX.length), create: false, crypto });
  return { origin: name, verifiers: ring.ledgerVerifiers(), evidenceKeys: ring.evidenceKeys() };
}

export async function requireLedgerKeys(crypto: Crypto, folder: string): Promise<LedgerKeys> {
  const found = await findLedgerKeys(crypto, folder);
  if (found !== undefined) return found;
  throw new CommandError(
    'CANNOT_CHECK',
    `expected the ledger's verifier key \`ledger.<id>.vk\` in ${folder}, came none; name the folder that has it with --keys`,
  );
}
