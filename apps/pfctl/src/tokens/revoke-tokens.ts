import { CommandError } from '@provability-fabric/command-line';
import { type DataFolder, findDataFolder } from '../evidence/data-folder.ts';
import { givenToken, serviceAt } from '../http/service-address.ts';
import type { Place } from '../output/options.ts';
import type { Shell } from '../shell.ts';
import { createToken } from './create-token.ts';
import { postRevocation, type Revocation, type Revoked } from './post-revocation.ts';
import { readTokenRecords } from './token-records.ts';

export interface RevokeOptions extends Place {
  readonly reason: string;
  readonly tenant?: string;
  readonly ledger?: string;
  readonly ca?: string;
  readonly tokenFile?: string;
}

const MOST = 1000;
const OPERATOR_TTL_MS = 60_000;

/** Revokes tokens at the ledger: with the token that was given, otherwise with short ones of our own, one a tenant. */
export async function revokeTokens(
  shell: Shell,
  ids: readonly string[],
  options: RevokeOptions,
): Promise<Revoked> {
  const bad = ids.find((id) => !/^[A-Za-z0-9._:@/+-]{1,128}$/.test(id));
  if (bad !== undefined || ids.length > MOST) {
    const came = bad === undefined ? `${ids.length} of them` : `\`${bad.slice(0, 200)}\``;
    throw new CommandError('INPUT_INVALID', `expected up to ${MOST} token ids (their \`jti\`), came ${came}`);
  }
  const settings = await shell.settings(options.env);
  const typed = { name: 'the ledger', flag: '--ledger', url: options.ledger, ca: options.ca };
  const ledger = await serviceAt(shell, settings, settings.listenLedger, typed);
  const revocation: Revocation = {
    token_ids: ids,
    reason: options.reason,
    ...(options.tenant === undefined ? {} : { tenant: options.tenant }),
  };
  const given = await givenToken(shell, options.tokenFile, {
    name: 'LEDGER_TOKEN',
    token: shell.terminal.ledgerToken,
  });
  if (given !== undefined) return postRevocation(ledger, given, revocation);

  const folder = await findDataFolder(shell, options);
  if (folder === undefined) {
    const mend = 'name a file with one (--token-file), set LEDGER_TOKEN, or name the data folder (--data)';
    throw new CommandError(
      'NOT_READY',
      `expected an operator's token, or keys to sign one with, came neither; ${mend}`,
    );
  }
  const revoked: string[] = [];
  const unknown: string[] = [];
  for (const [tenant, token_ids] of await byTenant(folder, ids, options.tenant)) {
    const wish = {
      tenant,
      subject: 'operator',
      role: ['operator'],
      audience: 'ledger',
      cap: [],
      ttl: OPERATOR_TTL_MS,
    };
    const { token } = await createToken(folder, {
      ...wish,
      epoch: settings.epoch,
      now: shell.terminal.now(),
    });
    const answer = await postRevocation(ledger, token, { ...revocation, token_ids });
    revoked.push(...answer.revoked);
    unknown.push(...answer.unknown);
  }
  return { revoked, unknown };
}

/** An operator's token is of one tenant, so whose a token is must be known: from its record, or because it was said. */
async function byTenant(
  folder: DataFolder,
  ids: readonly string[],
  tenant: string | undefined,
): Promise<ReadonlyMap<string, readonly string[]>> {
  if (tenant !== undefined) return new Map([[tenant, ids]]);
  const { records } = await readTokenRecords(folder.path);
  const tenants = new Map(records.map((record) => [record.id, record.tenant]));
  const grouped = new Map<string, string[]>();
  for (const id of ids) {
    const owner = tenants.get(id);
    if (owner === undefined) {
      throw new CommandError(
        'INPUT_INVALID',
        `expected --tenant, since ${folder.shown} has no record of \`${id}\` that says whose it is`,
      );
    }
    grouped.set(owner, [...(grouped.get(owner) ?? []), id]);
  }
  return grouped;
}
