import { readFile } from 'node:fs/promises';
import { CommandError } from '@provability-fabric/command-line';
import type { Listen, Settings } from '@provability-fabric/configuration';
import type { Shell } from '../shell.ts';
import { reachableHost } from '../status/health.ts';
import type { Service } from './ask-service.ts';

export interface Typed {
  readonly name: string;
  /** The option that says where it is, for messages. */
  readonly flag: string;
  readonly url: string | undefined;
  readonly ca: string | undefined;
}

/** Where a service is: as it was typed, or where this environment has it listen. */
export async function serviceAt(
  shell: Shell,
  { tls }: Pick<Settings, 'tls'>,
  listen: Listen,
  { name, flag, url: given, ca }: Typed,
): Promise<Service> {
  const host = reachableHost(listen.host);
  const own = `${tls === null ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${listen.port}`;
  const typed = given ?? own;
  const url = URL.canParse(typed) ? new URL(typed) : undefined;
  const plain =
    url !== undefined && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';
  if (!plain || url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    const example = `such as http://fabric:${listen.port}`;
    throw new CommandError('INPUT_INVALID', `expected ${flag} as scheme, host and port, ${example}`);
  }
  return { name, url, ca: ca === undefined ? undefined : await readFile(shell.path(ca)) };
}

/** What comes is never repeated: it is a credential, or was meant to be one. */
export async function givenToken(
  shell: Shell,
  file: string | undefined,
  inEnvironment: { readonly name: string; readonly token: string | undefined },
): Promise<string | undefined> {
  const text = file === undefined ? inEnvironment.token : await readFile(shell.path(file), 'utf8');
  const token = text?.trim();
  if (token === undefined || token === '') {
    if (file === undefined) return undefined;
    throw new CommandError('INPUT_INVALID', `expected a token in ${file}, came nothing`);
  }
  if (token.length <= 8192 && /^[A-Za-z0-9._~+/=-]+$/.test(token)) return token;
  const where = file ?? inEnvironment.name;
  throw new CommandError('INPUT_INVALID', `expected a token of one line in ${where}, came something else`);
}
