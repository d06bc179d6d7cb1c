import { field, isJsonObject, type JsonValue } from '@provability-fabric/kernel';
import type { OutcomeKind } from '@provability-fabric/statements';
import type { Approver } from '../checks/holds/open-tickets.ts';
import { PolicyError } from '../errors.ts';
import type { Action, Principal } from '../input.ts';
import { parseInstant } from '../time/instant.ts';

/** One thing the agent did, and what came of it where it was let (CONTRACTS §5). */
export interface TraceEvent {
  readonly at: number;
  readonly action: Action;
  readonly outcome: OutcomeKind;
  readonly result: JsonValue;
  readonly epoch: number;
  /** Who has approved this very call before it is asked for; of use where it was held before. */
  readonly approved_by?: readonly Approver[];
}

/** A recorded session, as `pfctl replay` and `pfctl test` take it. */
export interface Trace {
  readonly session: string;
  readonly principal: Principal;
  readonly prompt: string | null;
  readonly events: readonly TraceEvent[];
  /** Whether nothing in it ought to be stopped; absent where nobody says. */
  readonly benign?: boolean;
}

const TRACE_MEMBERS = ['session', 'principal', 'prompt', 'events', 'benign'];
const PRINCIPAL_MEMBERS = ['id', 'roles', 'org', 'tenant', 'attributes'];
const EVENT_MEMBERS = ['at', 'action', 'tool', 'uri', 'args', 'outcome', 'result', 'epoch', 'approved_by'];
const APPROVER_MEMBERS = ['id', 'roles'];

/** Parses one trace from JSON; every refusal names the member, what was expected and what came. */
export function parseTrace(value: JsonValue): Trace {
  known(value, TRACE_MEMBERS, 'the trace');
  const prompt = field(value, 'prompt') ?? null;
  if (prompt !== null && typeof prompt !== 'string') malformed('`prompt` to be text', prompt);
  const principal = parsePrincipal(field(value, 'principal'));
  const events = field(value, 'events');
  if (!Array.isArray(events)) malformed('`events` to be a list', events);
  const benign = field(value, 'benign');
  if (benign !== undefined && typeof benign !== 'boolean') malformed('`benign` to be true or false', benign);
  return {
    session: text(value, 'session', 'the trace'),
    principal,
    prompt,
    events: (events as readonly JsonValue[]).map((event, index) =>
      parseEvent(event, `events[${index}]`, principal.tenant),
    ),
    ...(benign === undefined ? {} : { benign: benign as boolean }),
  };
}

function parsePrincipal(value: JsonValue | undefined): Principal {
  known(value, PRINCIPAL_MEMBERS, '`principal`');
  const tenant = text(value, 'tenant', '`principal`');
  return {
    id: text(value, 'id', '`principal`'),
    roles: roles(value, 'principal'),
    org: field(value, 'org') === undefined ? tenant : text(value, 'org', '`principal`'),
    tenant,
    attributes: field(value, 'attributes') ?? {},
  };
}

function roles(value: JsonValue | undefined, where: string): readonly string[] {
  const named = field(value, 'roles') ?? [];
  if (!Array.isArray(named) || named.some((role) => typeof role !== 'string')) {
    malformed(`\`${where}.roles\` to be a list of texts`, named);
  }
  return named as readonly string[];
}

function parseEvent(value: JsonValue, where: string, tenant: string): TraceEvent {
  known(value, EVENT_MEMBERS, where);
  const kind = field(value, 'action');
  if (kind !== 'call' && kind !== 'read') malformed(`\`${where}.action\` to be \`call\` or \`read\``, kind);
  const target = text(value, kind === 'call' ? 'tool' : 'uri', where);
  const outcome = field(value, 'outcome') ?? 'done';
  if (outcome !== 'done' && outcome !== 'failed' && outcome !== 'ambiguous') {
    malformed(`\`${where}.outcome\` to be done, failed or ambiguous`, outcome);
  }
  const epoch = field(value, 'epoch') ?? 1;
  if (!Number.isSafeInteger(epoch) || (epoch as number) < 0)
    malformed(`\`${where}.epoch\` to be a count`, epoch);
  const at = parseInstant(text(value, 'at', where));
  if (at === undefined) malformed(`\`${where}.at\` to be an RFC 3339 time`, field(value, 'at'));
  return {
    at: at as number,
    action: { kind: kind as 'call' | 'read', target, args: field(value, 'args') ?? {} },
    outcome: outcome as OutcomeKind,
    result: field(value, 'result') ?? null,
    epoch: epoch as number,
    ...parseApprovers(field(value, 'approved_by'), `${where}.approved_by`, tenant),
  };
}

function parseApprovers(
  value: JsonValue | undefined,
  where: string,
  tenant: string,
): Pick<TraceEvent, 'approved_by'> {
  if (value === undefined) return {};
  if (!Array.isArray(value)) return malformed(`\`${where}\` to be a list`, value);
  const approvers = (value as readonly JsonValue[]).map((approver) => {
    known(approver, APPROVER_MEMBERS, `\`${where}\``);
    return {
      id: text(approver, 'id', `\`${where}\``),
      roles: roles(approver, where),
      tenant,
    };
  });
  return { approved_by: approvers };
}

function known(value: JsonValue | undefined, members: readonly string[], where: string): void {
  if (!isJsonObject(value)) malformed(`${where} to be an object`, value);
  const stranger = Object.keys(value as object).find((key) => !members.includes(key));
  if (stranger !== undefined) malformed(`${where} to have only ${members.join(', ')}`, stranger);
}

function text(value: JsonValue | undefined, key: string, where: string): string {
  const found = field(value, key);
  if (typeof found !== 'string' || found === '') malformed(`\`${key}\` of ${where} to be text`, found);
  return found as string;
}

function malformed(expected: string, came: JsonValue | undefined): never {
  const shown =
    typeof came === 'object' && came !== null ? (Array.isArray(came) ? 'a list' : 'an object') : String(came);
  throw new PolicyError('TRACE_MALFORMED', `expected ${expected}, came \`${shown.slice(0, 80)}\``);
}
