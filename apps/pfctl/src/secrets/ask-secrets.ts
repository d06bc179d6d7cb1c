import { CommandError, systemCode } from '@provability-fabric/command-line';
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from '@provability-fabric/kernel';
import { type Asking, askService, refusedBy, type Service } from '../http/ask-service.ts';
import { givenToken, serviceAt } from '../http/service-address.ts';
import type { Shell } from '../shell.ts';
import { tokenTenant } from './token-tenant.ts';

export interface SecretsPlace {
  readonly env: string;
  readonly url?: string;
  readonly ca?: string;
  readonly tokenFile?: string;
  readonly tenant?: string;
}

/** The service that is asked, on whose behalf, and about whose secrets. */
export interface SecretsService {
  readonly service: Service;
  readonly token: string;
  readonly tenant: string;
}

/** A full page of names, or one value. */
const MAX_BYTES = 4 * 1024 * 1024;

/** No token is signed here in somebody's name: whoever may read secrets was given one. */
export async function secretsAt(shell: Shell, place: SecretsPlace): Promise<SecretsService> {
  const token = await givenToken(shell, place.tokenFile, {
    name: 'SECRETS_TOKEN',
    token: shell.terminal.secretsToken,
  }).catch((error: unknown) => {
    const came = systemCode(error) === 'ENOENT' ? 'nothing there' : systemCode(error);
    if (came === undefined) throw error;
    const mend = 'write one with `pfctl token create --audience secrets … --raw`';
    throw new CommandError('INPUT_INVALID', `${place.tokenFile}: expected a token, came ${came}; ${mend}`);
  });
  if (token === undefined) {
    const mend =
      'name a file with one (--token-file), or set SECRETS_TOKEN; `pfctl token create --audience secrets` makes one';
    throw new CommandError('NOT_READY', `expected a token for the secrets service, came none; ${mend}`);
  }
  const settings = await shell.settings(place.env);
  const typed = { name: 'the secrets service', flag: '--url', url: place.url, ca: place.ca };
  const service = await serviceAt(shell, settings, settings.listenSecrets, typed);
  return { service, token, tenant: place.tenant ?? tokenTenant(token) };
}

type Request = Pick<Asking, 'method' | 'path'> & { readonly body?: JsonValue };

/** What the service answers where it answers well; null for an answer without a body. */
export async function askSecrets(at: SecretsService, request: Request): Promise<JsonValue> {
  return (await exchange(at, request)).said;
}

async function exchange(
  { service, token }: SecretsService,
  request: Request,
): Promise<{ readonly said: JsonValue; readonly next: string | undefined }> {
  const { method, path, body } = request;
  const answered = await askService(service, {
    method,
    path,
    token,
    maxBytes: MAX_BYTES,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const { next } = answered;
  if (answered.status === 204) return { said: null, next };
  const said = answered.status >= 200 && answered.status < 300 ? read(answered.text) : undefined;
  if (said !== undefined) return { said, next };
  const refused = refusedBy(service, answered, 'the secrets service to do it');
  // What is not there, or stands otherwise than the request says, was refused like what is not allowed.
  if (answered.status === 404 || answered.status === 409)
    throw new CommandError('DENIED', refused.message.replace(/^expected .*?, but /, ''));
  throw refused;
}

export async function askObject(at: SecretsService, request: Request): Promise<JsonObject> {
  const said = await askSecrets(at, request);
  if (isJsonObject(said)) return said;
  throw new CommandError(
    'NOT_READY',
    `expected an object from ${at.service.url.origin}, came something else`,
  );
}

export interface ListPage {
  readonly items: readonly JsonValue[];
  /** The path of the next page. */
  readonly next: string | undefined;
}

export async function askPage(at: SecretsService, path: string): Promise<ListPage> {
  const { said, next } = await exchange(at, { method: 'GET', path });
  if (Array.isArray(said)) return { items: said, next };
  throw new CommandError('NOT_READY', `expected a list from ${at.service.url.origin}, came something else`);
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*(?:\/[A-Za-z0-9][A-Za-z0-9._-]*)*$/;

/** A name as the rest of a path. Checked here too: in a URL `..` leads to another route, written as `%2e%2e` as well. */
export function pathOf(name: string): string {
  if (NAME.test(name)) return name;
  throw new CommandError(
    'INPUT_INVALID',
    `expected a secret name like \`db/primary\`, came \`${name.slice(0, 80)}\``,
  );
}

function read(text: string): JsonValue | undefined {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}
