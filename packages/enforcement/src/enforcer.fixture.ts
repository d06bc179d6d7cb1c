import { createHash, randomBytes } from 'node:crypto';
import {
  asDigest,
  type Crypto,
  fromBase64,
  type JsonValue,
  parseEnvelope,
  parseJsonBytes,
} from '@provability-fabric/kernel';
import {
  BUNDLE_FORMAT,
  type CompiledBundle,
  type Environment,
  loadBundle,
  type Principal,
} from '@provability-fabric/policy';
import { decodeStatement, inputRoot, parseInputRecord, type Statement } from '@provability-fabric/statements';
import { MemoryJournal } from '@provability-fabric/testkit';
import { expect } from 'vitest';
import type { AuthorizeRequest } from './decide-request.ts';
import { Enforcer, type EnforcerOptions } from './enforcer.ts';
import type { ApprovalEvent, DecidedEvent, Journal, OverdueEvent } from './ports.ts';

export const crypto: Crypto = {
  sha256: (data) => new Uint8Array(createHash('sha256').update(data).digest()),
  verifyEd25519: () => true,
};
export const ME = { tenant: 'acme', principal: 'agent-1' };
const ZERO = asDigest('0'.repeat(64));
const PUBLIC = { level: 'public', compartments: [], integrity: 'trusted' } as const;
const SECRET = { level: 'secret', compartments: [], integrity: 'untrusted' } as const;
export const AGENT: Principal = { id: 'agent-1', roles: [], org: 'acme', tenant: 'acme', attributes: {} };

export function bundleOf(version: number, part: Partial<CompiledBundle> = {}): CompiledBundle {
  const tool = {
    once: false,
    returns: PUBLIC,
    fields: {},
    text: 'json' as const,
    clearance: PUBLIC,
    parameters: {},
  };
  const clause = {
    mode: 'enforce',
    severity: 'high',
    owner: 'o',
    expires: null,
    critical: false,
    description: '',
  } as const;
  const any = { tools: null, effects: null, label: null, args: null, principal: null };
  return {
    format: BUNDLE_FORMAT,
    name: 'fixture',
    version,
    owner: 'o',
    expires: null,
    tenants: ['acme', 'globex'],
    assurance: 'standard',
    default_mode: 'enforce',
    compiler: 'fixture',
    sources: {},
    constants: {},
    tools: {
      look: { ...tool, effect: 'read', clearance: null },
      read: { ...tool, effect: 'read', returns: SECRET },
      send: { ...tool, effect: 'egress' },
    },
    documents: [],
    stores: {},
    clauses: [
      { ...clause, id: 'all', kind: 'permit' },
      { ...clause, id: 'no-leak', kind: 'flow', rule: 'session_label', on: any },
      { ...clause, id: 'three', kind: 'limit', on: any, max: 3, window_ms: null, tolerance_ms: 0 },
    ],
    cedar: {
      format: 'provability-fabric/cedar/v1',
      schema: null,
      policies: [
        {
          id: 'all',
          effect: 'permit',
          annotations: [],
          principal: { op: 'any' },
          action: { op: 'any' },
          resource: { op: 'any' },
          conditions: [],
          line: 1,
          column: 1,
        },
      ],
    },
    automata: { format: 'provability-fabric/dfa/v2', automata: [] },
    hashes: { policy: ZERO, automata: ZERO, labeler: ZERO },
    ...part,
  };
}

const PEOPLE = { approvals: 1, approvers: { roles: ['finance'], ids: ['carol'] }, within_ms: 60_000 };

/** A bundle under which `send` waits for one of these people. */
export function holding(version = 1, part: object = {}): CompiledBundle {
  const base = bundleOf(version);
  const any = { tools: ['send'], effects: null, label: null, args: null, principal: null };
  const hold = {
    id: 'ask',
    kind: 'hold',
    mode: 'enforce',
    severity: 'high',
    owner: 'o',
    expires: null,
    critical: false,
    description: '',
    on: any,
    ...PEOPLE,
    ...part,
  } as CompiledBundle['clauses'][number];
  return { ...base, clauses: [...base.clauses, hold] };
}

/** What surrounds the fabrics of one test, and what they told their observers. */
export class World {
  journal = new MemoryJournal();
  now = 1_700_000_000_000;
  environment: Environment = { enforcement_mode: 'enforce', default_mode: null, overlay: null };
  epoch = 1;
  decided: DecidedEvent[] = [];
  overdue: OverdueEvent[] = [];
  approvals: ApprovalEvent[] = [];
  unavailable: unknown[] = [];

  /** A fabric as it is after a start; a second one on the same journal is a restart. */
  async start(bundle = bundleOf(1), over: Partial<EnforcerOptions> = {}): Promise<Enforcer> {
    const enforcer = this.open(bundle, over);
    await enforcer.recover();
    return enforcer;
  }

  /** A fabric that has not looked through its journal yet. */
  open(bundle = bundleOf(1), over: Partial<EnforcerOptions> = {}): Enforcer {
    return new Enforcer({
      crypto,
      signer: { keyid: 'evidence.test', sign: () => new Uint8Array(64) },
      random: { bytes: (length) => new Uint8Array(randomBytes(length)) },
      bundle: loadBundle(bundle, crypto),
      journal: this.journal,
      clock: { now: () => this.now },
      surroundings: { environment: () => this.environment, epoch: () => this.epoch },
      observer: {
        decided: (event) => void this.decided.push(event),
        settled: () => undefined,
        overdue: (event) => void this.overdue.push(event),
        approval: (event) => void this.approvals.push(event),
        unavailable: ({ cause }) => void this.unavailable.push(cause),
      },
      sessionIdleMs: 60_000,
      maxSessions: 100,
      ...over,
    });
  }

  /** A session's statements, each record held against the root that was signed. */
  async statements(session = 's', tenant = 'acme', journal: Journal = this.journal): Promise<Statement[]> {
    const found: Statement[] = [];
    for await (const { envelope, record } of journal.readSession(tenant, session)) {
      const { payloadType, payload } = parseEnvelope(parseJsonBytes(envelope));
      const statement = decodeStatement(payloadType, fromBase64(payload));
      const root = inputRoot(crypto, parseInputRecord(parseJsonBytes(record as Uint8Array) as JsonValue));
      expect(root).toBe(statement.input_root);
      found.push(statement);
    }
    return found;
  }
}

let requests = 0;

export function ask(target: string, more: Partial<AuthorizeRequest> = {}): AuthorizeRequest {
  const action = { kind: 'call', target, args: {} } as const;
  return {
    principal: AGENT,
    capability: null,
    session: 's',
    requestId: `${target}-${++requests}`,
    action,
    epoch: null,
    attributes: {},
    ...more,
  };
}
