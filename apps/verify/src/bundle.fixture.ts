import { digestJson, type JsonValue } from '@provability-fabric/kernel';
import { type CompiledBundle, type LoadedBundle, loadBundle } from '@provability-fabric/policy';
import { nodeCrypto } from './node-crypto.ts';

export const crypto = nodeCrypto();

const PUBLIC = { level: 'public', compartments: [], integrity: 'trusted' };
const TICKET = { level: 'internal', compartments: [], integrity: 'untrusted' };
const CUSTOMER = { level: 'confidential', compartments: ['tenant:{tenant}'], integrity: 'trusted' };
const ANY = { tools: null, effects: null, label: null, args: null, principal: null };

const ANYONE = {
  principal: { op: 'any' },
  action: { op: 'any' },
  resource: { op: 'any' },
  conditions: [],
  line: 1,
  column: 1,
};
const POLICIES = [{ ...ANYONE, id: 'allow-all', effect: 'permit', annotations: [] }];
const GUARD = {
  op: '>',
  left: {
    op: '.',
    left: { op: '.', left: { op: 'variable', name: 'context' }, attribute: 'args' },
    attribute: 'amount',
  },
  right: { op: 'long', value: '10' },
};
const FORBID = {
  ...ANYONE,
  id: 'not-too-much',
  effect: 'forbid',
  annotations: [],
  resource: { op: 'equals', entity: { type: 'Tool', id: 'pay' } },
  conditions: [{ kind: 'when', body: GUARD }],
};

function clause(part: { id: string; kind: string } & Record<string, unknown>) {
  return {
    mode: 'enforce',
    severity: 'medium',
    owner: 'o@acme.example',
    expires: null,
    critical: false,
    description: '',
    ...part,
  };
}

function tool(part: object) {
  const rest = { fields: {}, text: 'json', clearance: null, parameters: {} };
  return { effect: 'read', once: false, returns: PUBLIC, ...rest, ...part };
}

/** A desk that reads tickets and customers' files, may mail, pay a little and never delete. */
export function deskBundle(part: Record<string, unknown> = {}): LoadedBundle {
  const stay = { from: 0, in: [], not_in: [], full: null, to: 0, action: null, violation: null };
  const automata = {
    format: 'provability-fabric/dfa/v2',
    automata: [
      {
        clause: 'no-delete',
        initial: 0,
        states: 1,
        classes: [{ on: { ...ANY, tools: ['delete_file'] }, unknown: 'in' }],
        register: null,
        transitions: [
          { ...stay, at: 'asked', in: [0], violation: 'TRACE_FORBIDDEN' },
          { ...stay, at: 'asked', not_in: [0] },
          { ...stay, at: 'done' },
        ],
      },
    ],
  };
  const hash = (value: unknown) => digestJson(crypto, value as JsonValue);
  const ir = {
    format: 'provability-fabric/bundle/v1',
    name: 'desk',
    version: 1,
    owner: 'o@acme.example',
    expires: null,
    tenants: ['acme', 'globex'],
    assurance: 'standard',
    default_mode: 'enforce',
    compiler: 'fixture',
    sources: { 'bundle.yaml': hash('the yaml') },
    constants: { desks: ['desk@acme.example'] },
    tools: {
      read_ticket: tool({ returns: TICKET }),
      read_customer: tool({ returns: CUSTOMER }),
      send_mail: tool({
        effect: 'egress',
        once: true,
        clearance: TICKET,
        parameters: {
          '/to': {
            from: [{ kind: 'prompt' }, { kind: 'constant', set: 'desks' }],
            endorse: [{ kind: 'prompt' }],
            trusted: false,
            same_tenant: false,
            member_of: null,
            stores: null,
            optional: false,
          },
        },
      }),
      delete_file: tool({ effect: 'admin' }),
      pay: tool({ effect: 'admin' }),
    },
    documents: [{ uri: 'kb://*', label: PUBLIC }],
    stores: {},
    clauses: [
      clause({ id: 'allow-all', kind: 'permit' }),
      clause({ id: 'not-too-much', kind: 'permit', severity: 'high' }),
      clause({
        id: 'no-delete',
        kind: 'trace',
        severity: 'critical',
        pattern: { kind: 'never', never: { ...ANY, tools: ['delete_file'] } },
      }),
      clause({ id: 'no-leak', kind: 'flow', rule: 'session_label', on: ANY }),
      clause({ id: 'vouched', kind: 'flow', rule: 'parameters', on: ANY }),
      clause({
        id: 'few-mails',
        kind: 'limit',
        on: { ...ANY, tools: ['send_mail'] },
        max: 2,
        window_ms: 60_000,
        tolerance_ms: 0,
      }),
    ],
    cedar: { format: 'provability-fabric/cedar/v1', policies: [...POLICIES, FORBID], schema: null },
    automata,
    hashes: { policy: hash('policy'), automata: hash(automata), labeler: hash('labeler') },
    ...part,
  };
  return loadBundle(ir as unknown as CompiledBundle, crypto);
}
