import { isJsonObject, type JsonValue } from '@provability-fabric/kernel';
import {
  type ExposureFact,
  type IntentInput,
  type OutcomeInput,
  UNCHECKED,
  WITHHELD_SECRET,
  withheldSecret,
} from '@provability-fabric/policy';
import type { AuthorizeRequest } from '../decide-request.ts';
import { EnforcementError } from '../errors.ts';
import type { SecretBroker } from './ports.ts';

/** A request without what it held of secrets, and the fact that it did. */
export type SearchedRequest = AuthorizeRequest & Pick<IntentInput, 'exposed'>;

/** A name that any target may have. */
const WITHHELD_TARGET = 'withheld';

/**
 * Looks for values of secrets in what an agent wants to send out. What held one goes on no record. Throws
 * SECRETS_UNAVAILABLE where it cannot be looked: then nothing is decided.
 */
export async function searchedRequest(
  broker: SecretBroker | undefined,
  request: AuthorizeRequest,
): Promise<SearchedRequest> {
  if (broker === undefined) return request;
  const { principal, action, attributes, beside = null } = request;
  const namesIn = async (value: JsonValue): Promise<readonly string[]> => {
    try {
      return (await broker.exposedIn(principal.tenant, value)).map(({ name }) => name);
    } catch (cause) {
      const problem = 'it could not be made sure that no secret is exposed, so nothing was done; retry later';
      throw new EnforcementError('SECRETS_UNAVAILABLE', problem, { cause });
    }
  };
  const all = await namesIn([action.target, action.args, attributes, beside]);
  if (all.length === 0) return request;
  const exposed: ExposureFact[] = [];
  for (const [where, value] of [
    ['target', action.target],
    ['arguments', action.args],
    ['attributes', attributes],
    ['message', beside],
  ] as const)
    for (const name of await namesIn(value)) exposed.push({ where, name });
  // In pieces that only together are one.
  if (exposed.length === 0) for (const name of all) exposed.push({ where: 'arguments', name });
  return withheld(request, exposed);
}

/** For whoever has guessed too often: nothing is looked at, and so nothing told. */
export function unsearchedRequest(request: AuthorizeRequest): SearchedRequest {
  return withheld(
    request,
    (['target', 'arguments'] as const).map((where) => ({ where, name: UNCHECKED })),
  );
}

function withheld(request: AuthorizeRequest, exposed: readonly ExposureFact[]): SearchedRequest {
  const { action } = request;
  const inTarget = exposed.some(({ where }) => where === 'target');
  return {
    ...request,
    action: { ...action, target: inTarget ? WITHHELD_TARGET : action.target, args: WITHHELD_SECRET },
    attributes: {},
    exposed,
  };
}

/** A result as it goes on record and to the agent. That something has happened is recorded even where nobody can look. */
export async function searchedResult(
  broker: SecretBroker | undefined,
  tenant: string,
  result: JsonValue,
): Promise<Pick<OutcomeInput, 'result' | 'exposed'>> {
  if (broker === undefined || result === null) return { result };
  const names = await broker.exposedIn(tenant, result).then(
    (found) => found.map(({ name }) => name),
    () => [UNCHECKED],
  );
  if (names.length === 0) return { result };
  return { result: withheldSecret(result), exposed: names.map((name) => ({ where: 'result', name })) };
}

/** Whether something that nobody decides about, and that goes on no record, must not pass. */
export async function holdsSecret(
  broker: SecretBroker | undefined,
  tenant: string,
  value: JsonValue,
): Promise<boolean> {
  if (broker === undefined || isEmpty(value)) return false;
  const found = await broker.exposedIn(tenant, value).catch(() => undefined);
  return found === undefined || found.length > 0;
}

function isEmpty(value: JsonValue): boolean {
  return value === null || (isJsonObject(value) && Object.keys(value).length === 0);
}
