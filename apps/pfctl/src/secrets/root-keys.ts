import { randomBytes } from 'node:crypto';
import { CommandError } from '@provability-fabric/command-line';
import {
  asSecretTenant,
  changeRootKey,
  createEmbeddedProvider,
  type RootKeyChange,
  type RootKeySource,
  RootKeys,
  rootKeyFromFile,
  rootKeyFromPassphraseFile,
  SecretError,
  type SecretRows,
} from '@provability-fabric/secrets';
import { openSecretRows } from '@provability-fabric/storage';
import { changeLedger } from '../ledger/open-ledger.ts';
import type { Place } from '../output/options.ts';
import type { Shell } from '../shell.ts';

/** A root key as it was named: a file with it, or one with the passphrase that it is made of. */
export function namedKey(
  shell: Shell,
  flag: '--from' | '--to',
  file: string | undefined,
  passphrase: string | undefined,
): RootKeySource {
  if ((file === undefined) === (passphrase === undefined)) {
    const came = file === undefined ? 'none' : 'both';
    throw new CommandError('INPUT_INVALID', `expected either ${flag} or ${flag}-passphrase, came ${came}`);
  }
  if (file !== undefined) return rootKeyFromFile(shell.path(file));
  return rootKeyFromPassphraseFile(shell.path(passphrase as string));
}

export function changeRootKeyOf(
  shell: Shell,
  place: Place,
  from: RootKeySource,
  to: RootKeySource,
): Promise<RootKeyChange> {
  return unsealed(shell, place, [from, to], async (rows, rootKeys) => {
    const [only, ...others] = await rows.rootKeys();
    // The change was made before, and nobody heard of its end.
    if (others.length === 0 && only !== undefined && (await isOpenedBy(to, rows)))
      return { from: [], to: only.rootKeyId, rewrapped: 0 };
    return changeRootKey({ rows, rootKeys, random: randomBytes }, to);
  });
}

export function rekeyTenantOf(
  shell: Shell,
  place: Place,
  tenant: string,
  from: RootKeySource,
): Promise<{ readonly secrets: number }> {
  return unsealed(shell, place, [from], async (rows, rootKeys) => {
    const provider = createEmbeddedProvider({ rows, rootKeys, clock: Date.now, random: randomBytes });
    return provider.rekeyTenant(asSecretTenant(tenant));
  });
}

async function isOpenedBy(key: RootKeySource, rows: SecretRows): Promise<boolean> {
  const opened = new RootKeys({ rows, random: randomBytes }).unseal(key);
  return opened.then(
    () => true,
    () => false,
  );
}

/** With the first of the keys that opens the store: after an interrupted change that may be the new one. */
async function unsealed<Result>(
  shell: Shell,
  place: Place,
  keys: readonly RootKeySource[],
  work: (rows: SecretRows, rootKeys: RootKeys) => Promise<Result>,
): Promise<Result> {
  return changeLedger(shell, place, async (database) => {
    const rows = openSecretRows({ database });
    if ((await rows.rootKeys()).length === 0)
      throw new CommandError(
        'NOT_READY',
        'expected a store of secrets that has a root key, came one that was never opened',
      );
    const rootKeys = new RootKeys({ rows, random: randomBytes });
    try {
      await rootKeys.unseal(keys[0] as RootKeySource).catch(async (error: unknown) => {
        if (keys[1] === undefined) throw error;
        await rootKeys.unseal(keys[1]);
      });
      return await work(rows, rootKeys);
    } catch (error) {
      if (error instanceof SecretError) throw new CommandError('DENIED', error.message, { cause: error });
      throw error;
    }
  });
}
