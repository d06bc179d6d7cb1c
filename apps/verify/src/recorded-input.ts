import {
  type Crypto,
  type Digest,
  digestJson,
  field,
  JsonError,
  type JsonObject,
  type JsonValue,
} from '@provability-fabric/kernel';
import { type Input, PolicyError, parseInput } from '@provability-fabric/policy';
import { type InputRecord, inputOf, inputRoot, type Statement } from '@provability-fabric/statements';
import { differences, strangers } from './difference.ts';
import type { Failures } from './failure.ts';
import type { ReadEntry } from './verify-entry.ts';

/**
 * What `step` took; or the change of bundle, which has no input of its own: the whole history is folded anew.
 */
export type Recorded = Input | { readonly kind: 'bundle'; readonly at: number };

/**
 * The input in an entry's record, once the record's root and everything that the statement says of its input
 * agree. undefined where they do not: such a record is somebody else's, or the statement lies.
 */
export function recordedInput(
  crypto: Crypto,
  { statement, place }: ReadEntry,
  record: InputRecord,
  bundle: Digest | undefined,
  failures: Failures,
): Recorded | undefined {
  const root = inputRoot(crypto, record);
  if (root !== statement.input_root) {
    failures.add(
      'RECORD_ROOT',
      place,
      `expected a record with the root ${statement.input_root}, came ${root}`,
    );
    return undefined;
  }
  try {
    const leaves = leavesOf(record);
    const input = parse(leaves);
    const facts = {
      ...input,
      bundle: bundle ?? null,
      state_before: statement.state.before,
    } as unknown as JsonObject;
    const claims = claimsOf(crypto, input);
    const problems = [
      ...differences(facts, leaves),
      ...strangers(facts, leaves),
      ...differences(claims, picked(statement, claims)),
    ];
    for (const problem of problems) failures.add('RECORD_CONTENT', place, problem);
    return problems.length === 0 ? input : undefined;
  } catch (error) {
    if (!(error instanceof PolicyError || error instanceof JsonError || error instanceof RecordProblem))
      throw error;
    failures.add('RECORD_CONTENT', place, error.message);
    return undefined;
  }
}

class RecordProblem extends Error {}

/**
 * Only these two members are split. The path is the writer's word: `__proto__` must never come to be a key.
 */
const PATH = /^\/(?:(?:action|principal)\/)?[a-z]+(?:_[a-z]+)*$/;

function leavesOf(record: InputRecord): JsonObject {
  let before = '/';
  for (const { path } of record.leaves) {
    // A member that is there as a whole has no parts besides; in this order they would stand next to each other.
    if (!PATH.test(path) || path <= before || path.startsWith(`${before}/`)) {
      throw new RecordProblem('expected the leaves of one input, in the order of their paths, each once');
    }
    before = path;
  }
  return inputOf(record);
}

function parse(leaves: JsonObject): Recorded {
  if (field(leaves, 'kind') !== 'bundle') return parseInput(leaves);
  const at = field(leaves, 'at');
  if (!Number.isSafeInteger(at) || (at as number) < 0)
    throw new RecordProblem('expected a time in `at` of a change of bundle');
  return { kind: 'bundle', at: at as number };
}

/** What the statement of an input must say, however it was decided. */
function claimsOf(crypto: Crypto, input: Recorded): JsonObject {
  switch (input.kind) {
    case 'intent': {
      const { principal, action, certificate_id } = input;
      return {
        type: 'permission-certificate',
        certificate_id,
        principal: { id: principal.id, roles: principal.roles, org: principal.org },
        action: { kind: action.kind, target: action.target, args_digest: digestJson(crypto, action.args) },
      };
    }
    case 'outcome': {
      const { certificate_id, outcome, result } = input;
      const result_digest = result === null ? null : digestJson(crypto, result);
      return { type: 'outcome-certificate', certificate_id, outcome, result_digest };
    }
    case 'open': {
      const { kind, tenant, session, epoch, environment } = input;
      return { type: 'session-record', kind, tenant, session, epoch, mode: environment.enforcement_mode };
    }
    case 'mode':
      return { type: 'session-record', kind: 'mode', mode: input.environment.enforcement_mode };
    case 'epoch':
      return { type: 'session-record', kind: 'epoch', epoch: input.epoch };
    default:
      return { type: 'session-record', kind: input.kind };
  }
}

function picked(statement: Statement, claims: JsonObject): JsonObject {
  const members = statement as unknown as JsonObject;
  const found: Record<string, JsonValue> = {};
  for (const name of Object.keys(claims)) {
    const value = field(members, name);
    if (value !== undefined) found[name] = value;
  }
  return found;
}
