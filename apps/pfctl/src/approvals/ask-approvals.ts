import { CommandError, systemCode } from '@provability-fabric/command-line';
import { field, isJsonObject, type JsonObject, type JsonValue, parseJson } from '@provability-fabric/kernel';
import { askService, refusedBy, type Service } from '../http/ask-service.ts';
import { givenToken, serviceAt } from '../http/service-address.ts';
import type { Shell } from '../shell.ts';

export interface ApprovalPlace {
  readonly env: string;
  readonly url?: string;
  readonly ca?: string;
  readonly tokenFile?: string;
}

/** The fabric that is asked, and on whose behalf. */
export interface Approvers {
  readonly service: Service;
  readonly token: string;
}

/** An approver is a person: no token is signed here in somebody's name. */
export async function approversAt(shell: Shell, place: ApprovalPlace): Promise<Approvers> {
  const token = await givenToken(shell, place.tokenFile, {
    name: 'APPROVER_TOKEN',
    token: shell.terminal.approverToken,
  }).catch((error: unknown) => {
    const came = systemCode(error) === 'ENOENT' ? 'nothing there' : systemCode(error);
    if (came === undefined) throw error;
    const mend = 'write one with `pfctl token create … --role approver --raw`';
    throw new CommandError('INPUT_INVALID', `${place.tokenFile}: expected a token, came ${came}; ${mend}`);
  });
  if (token === undefined) {
    const mend = 'name a file with one (--token-file), or set APPROVER_TOKEN';
    throw new CommandError('NOT_READY', `expected a token with the role approver, came none; ${mend}`);
  }
  const settings = await shell.settings(place.env);
  const typed = { name: 'the fabric', flag: '--url', url: place.url, ca: place.ca };
  return { service: await serviceAt(shell, settings, settings.listen, typed), token };
}

/** A thousand tickets, or the arguments of one call. */
const MAX_BYTES = 8 * 1024 * 1024;

export async function listHeld({ service, token }: Approvers): Promise<readonly JsonObject[]> {
  const answered = await askService(service, {
    method: 'GET',
    path: '/v1/approvals?limit=1000',
    token,
    maxBytes: MAX_BYTES,
  });
  const held = answered.status === 200 ? read(answered.text) : undefined;
  if (!Array.isArray(held) || !held.every((one) => isHeld(one)))
    throw refusedBy(service, answered, 'a list of what is held');
  return held as readonly JsonObject[];
}

export async function showHeld({ service, token }: Approvers, ticket: string): Promise<JsonObject> {
  const answered = await askService(service, {
    method: 'GET',
    path: pathOf(ticket),
    token,
    maxBytes: MAX_BYTES,
  });
  const held = answered.status === 200 ? read(answered.text) : undefined;
  if (!isHeld(held) || field(held, 'args') === undefined) throw refused(service, answered);
  return held as JsonObject;
}

export async function decide(
  { service, token }: Approvers,
  ticket: string,
  decision: 'approve' | 'deny',
  session: string | undefined,
): Promise<JsonObject> {
  const body = JSON.stringify({ decision, ...(session === undefined ? {} : { session }) });
  const answered = await askService(service, { method: 'POST', path: pathOf(ticket), token, body });
  const said = answered.status === 200 ? read(answered.text) : undefined;
  if (!isJsonObject(said) || typeof said.status !== 'string') throw refused(service, answered);
  return said;
}

/** What is not there, or decided otherwise, was refused: the same as not being allowed to. */
function refused(
  service: Service,
  answered: { readonly status: number; readonly text: string },
): CommandError {
  const problem = refusedBy(service, answered, 'a fabric that holds actions');
  return answered.status === 404 || answered.status === 409
    ? new CommandError('DENIED', problem.message.replace(/^expected .*?, but /, ''))
    : problem;
}

function pathOf(ticket: string): string {
  if (!/^[0-9a-f]{32}$/.test(ticket)) {
    throw new CommandError(
      'INPUT_INVALID',
      'expected a ticket of 32 digits 0-9 a-f, as `pfctl approvals list` shows',
    );
  }
  return `/v1/approvals/${ticket}`;
}

/** With every digit of an argument as it is. */
function read(text: string): JsonValue | undefined {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

function isHeld(one: JsonValue | undefined): boolean {
  return typeof field(one, 'ticket') === 'string' && isJsonObject(field(one, 'action'));
}
