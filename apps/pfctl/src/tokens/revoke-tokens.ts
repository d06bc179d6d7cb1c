import { readFile } from 'node:fs/promises';
import type { Settings } from '@provability-fabric/configuration';
import { PfctlError } from '../errors.ts';
import { type DataFolder, findDataFolder } from '../evidence/data-folder.ts';
import type { Place } from '../output/options.ts';
import type { Shell } from '../shell.ts';
import { reachableHost } from '../status/health.ts';
import { createToken } from './create-token.ts';
import { type Ledger, postRevocation, type Revocation, type Revoked } from './post-revocation.ts';
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
    throw new PfctlError('INPUT_INVALID', `expected up to ${MOST} token ids (their \`jti\`), came ${came}`);
  }
  const settings = await shell.settings(options.env);
  const ledger = await ledgerAt(shell, settings, options);
  const revocation: Revocation = {
    token_ids: ids,
    reason: options.reason,
    ...(options.tenant === undefined ? {} : { tenant: options.tenant }),
  };
  const given = await givenToken(shell, options.tokenFile);
  if (given !== undefined) return postRevocation(ledger, given, revocation);

  const folder = await findDataFolder(shell, options);
  if (folder === undefined) {
    const mend = 'name a file with one (--token-file), set LEDGER_TOKEN, or name the data folder (--data)';
    throw new PfctlError(
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
      throw new PfctlError(
        'INPUT_INVALID',
        `expected --tenant, since ${folder.shown} has no record of \`${id}\` that says whose it is`,
      );
    }
    grouped.set(owner, [...(grouped.get(owner) ?? []), id]);
  }
  return grouped;
}

async function ledgerAt(shell: Shell, settings: Settings, { ledger, ca }: RevokeOptions): Promise<Ledger> {
  const { listenLedger, tls } = settings;
  const host = reachableHost(listenLedger.host);
  const own = `${tls === null ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${listenLedger.port}`;
  const typed = ledger ?? own;
  const url = URL.canParse(typed) ? new URL(typed) : undefined;
  const plain =
    url !== undefined && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';
  if (!plain || url.pathname !== '/' || url.search !== '' || url.hash !== '')
    throw new PfctlError(
      'INPUT_INVALID',
      'expected --ledger as scheme, host and port, such as http://ledger:3000',
    );
  return { url, ca: ca === undefined ? undefined : await readFile(shell.path(ca)) };
}

/** What comes is never repeated: it is a credential, or was meant to be one. */
async function givenToken(shell: Shell, file: string | undefined): Promise<string | undefined> {
  const text = file === undefined ? shell.terminal.ledgerToken : await readFile(shell.path(file), 'utf8');
  const token = text?.trim();
  if (token === undefined || token === '') {
    if (file === undefined) return undefined;
    throw new PfctlError('INPUT_INVALID', `expected a token in ${file}, came nothing`);
  }
  if (token.length <= 8192 && /^[A-Za-z0-9._~+/=-]+$/.test(token)) return token;
  const where = file ?? 'LEDGER_TOKEN';
  throw new PfctlError('INPUT_INVALID', `expected a token of one line in ${where}, came something else`);
}
