import { type Digest, field, isJsonObject, type JsonValue } from '@provability-fabric/kernel';
import { EXPOSED_AT, type ExposureFact } from './checks/secrets/exposed.ts';
import { PolicyError } from './errors.ts';
import type { Capability, Environment, Input, OutcomeInput, Principal, UsageFact } from './input.ts';

const MAX_EXPOSED = 128;

/** An input read back from a record. Strict: a record is attacker-controlled until its root has been compared. */
export function parseInput(value: JsonValue): Input {
  const at = count(value, 'at');
  const kind = field(value, 'kind');
  switch (kind) {
    case 'open':
      return {
        kind,
        at,
        tenant: text(value, 'tenant'),
        session: text(value, 'session'),
        principal: text(value, 'principal'),
        environment: environment(field(value, 'environment')),
        epoch: count(value, 'epoch'),
      };
    case 'prompt':
      return { kind, at, text: text(value, 'text') };
    case 'intent': {
      const action = field(value, 'action');
      return {
        kind,
        at,
        certificate_id: text(value, 'certificate_id'),
        principal: principal(field(value, 'principal')),
        capability: capability(field(value, 'capability')),
        action: {
          kind: oneOf(action, 'kind', ['call', 'read']),
          target: text(action, 'target'),
          args: present(action, 'args'),
        },
        epoch: count(value, 'epoch'),
        attributes: present(value, 'attributes'),
        ...(field(value, 'usage') === undefined ? {} : { usage: usage(field(value, 'usage')) }),
        ...exposed(field(value, 'exposed')),
      };
    }
    case 'outcome':
      return {
        kind,
        at,
        certificate_id: text(value, 'certificate_id'),
        outcome: oneOf(value, 'outcome', ['done', 'failed', 'ambiguous']),
        result: present(value, 'result'),
        ...handles(field(value, 'handles')),
        ...exposed(field(value, 'exposed')),
      };
    case 'mode':
      return { kind, at, environment: environment(field(value, 'environment')) };
    case 'epoch':
      return { kind, at, epoch: count(value, 'epoch') };
    case 'tick':
      return { kind, at };
    case 'approval': {
      const approver = field(value, 'approver');
      return {
        kind,
        at,
        ticket: text(value, 'ticket'),
        approver: {
          id: text(approver, 'id'),
          roles: texts(approver, 'roles'),
          tenant: text(approver, 'tenant'),
        },
        decision: oneOf(value, 'decision', ['approve', 'deny']),
      };
    }
    default:
      return malformed('`kind` to be an input kind');
  }
}

/** One fact a clause: of two, which one counts would be the writer's choice. */
function usage(value: JsonValue | undefined): readonly UsageFact[] {
  if (!Array.isArray(value)) return malformed('`usage` to be a list');
  const facts = value.map((fact) => ({ clause: text(fact, 'clause'), used: count(fact, 'used') }));
  const clauses = new Set(facts.map(({ clause }) => clause));
  return clauses.size === facts.length ? facts : malformed('each clause once in `usage`');
}

/** Absent where the agent saw all of the result. */
function handles(value: JsonValue | undefined): Pick<OutcomeInput, 'handles'> {
  if (value === undefined) return {};
  const shown = text(value, 'shown');
  if (!/^[0-9a-f]{64}$/.test(shown)) malformed('`shown` to be a digest');
  return { handles: { ids: texts(value, 'ids'), shown: shown as Digest } };
}

/** Absent where nothing was found. */
function exposed(value: JsonValue | undefined): { readonly exposed?: readonly ExposureFact[] } {
  if (value === undefined) return {};
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_EXPOSED)
    return malformed(`\`exposed\` to be a list of 1 to ${MAX_EXPOSED}`);
  return {
    exposed: value.map((fact) => ({ where: oneOf(fact, 'where', EXPOSED_AT), name: text(fact, 'name') })),
  };
}

function principal(value: JsonValue | undefined): Principal {
  return {
    id: text(value, 'id'),
    roles: texts(value, 'roles'),
    org: text(value, 'org'),
    tenant: text(value, 'tenant'),
    attributes: present(value, 'attributes'),
  };
}

function capability(value: JsonValue | undefined): Capability | null {
  if (value === null) return null;
  return { id: text(value, 'id'), caps: texts(value, 'caps'), expires: count(value, 'expires') };
}

function environment(value: JsonValue | undefined): Environment {
  const mode = field(value, 'default_mode');
  const overlay = field(value, 'overlay');
  if (overlay !== null && typeof overlay !== 'string') malformed('`overlay` to be text or null');
  return {
    enforcement_mode: oneOf(value, 'enforcement_mode', ['shadow', 'monitor', 'enforce', 'disabled']),
    default_mode: mode === null ? null : oneOf(value, 'default_mode', ['shadow', 'monitor', 'enforce']),
    overlay,
  };
}

function malformed(expected: string): never {
  throw new PolicyError('INPUT_MALFORMED', `expected ${expected} in a decision input`);
}

function present(value: JsonValue | undefined, key: string): JsonValue {
  return (
    field(value, key) ?? (isJsonObject(value) && field(value, key) === null ? null : malformed(`\`${key}\``))
  );
}

function text(value: JsonValue | undefined, key: string): string {
  const found = field(value, key);
  return typeof found === 'string' ? found : malformed(`\`${key}\` to be text`);
}

function count(value: JsonValue | undefined, key: string): number {
  const found = field(value, key);
  return Number.isSafeInteger(found) && (found as number) >= 0
    ? (found as number)
    : malformed(`\`${key}\` to be a non-negative integer`);
}

function texts(value: JsonValue | undefined, key: string): readonly string[] {
  const found = field(value, key);
  const valid = Array.isArray(found) && found.every((item) => typeof item === 'string');
  return valid ? (found as readonly string[]) : malformed(`\`${key}\` to be a list of texts`);
}

function oneOf<const T extends string>(value: JsonValue | undefined, key: string, allowed: readonly T[]): T {
  const found = field(value, key);
  const match = allowed.find((candidate) => candidate === found);
  return match ?? malformed(`\`${key}\` to be one of ${allowed.join(', ')}`);
}
