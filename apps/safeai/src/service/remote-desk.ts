import { readFile } from 'node:fs/promises';
import { createGovernorClient, type GovernorClient } from '@provability-fabric/client';
import { CommandError } from '@provability-fabric/command-line';
import type { Desk, KillDesk } from '../governance.ts';
import type { Shell } from '../shell.ts';

const MAX_TOKEN = 8192;

/** A governor that runs somewhere else. The token is read from its file, and is in no message. */
export async function remoteGovernor(
  shell: Shell,
  url: string,
  tokenFile: string | undefined,
): Promise<GovernorClient> {
  const file = tokenFile ?? shell.terminal.settings.tokenFile;
  if (file === undefined) {
    const mend = 'name a file with one (--token-file or SAFEAI_TOKEN_FILE); `safeai token create` makes one';
    throw new CommandError('NOT_READY', `expected a token for the service, came none; ${mend}`);
  }
  const token = (await readFile(shell.path(file), 'utf8')).trim();
  if (token.length > MAX_TOKEN || !/^[A-Za-z0-9._~+/=-]+$/.test(token))
    throw new CommandError('INPUT_INVALID', `expected a token of one line in ${file}, came something else`);
  return createGovernorClient({ url, token, retries: 2 });
}

export async function remoteDesk(shell: Shell, url: string, tokenFile: string | undefined): Promise<Desk> {
  const governor = await remoteGovernor(shell, url, tokenFile);
  return { ...governor, close: async () => undefined };
}

export async function remoteKillDesk(
  shell: Shell,
  url: string,
  tokenFile: string | undefined,
): Promise<KillDesk> {
  const governor = await remoteGovernor(shell, url, tokenFile);
  return {
    state: async () => (await governor.status()).kill_switch,
    kill: (reason) => governor.kill(reason),
    revive: (reason) => governor.revive(reason),
    close: async () => undefined,
  };
}
