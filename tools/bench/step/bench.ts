import { join, resolve } from 'node:path';
import { compileBundle, readBundleFolder } from '@provability-fabric/bundle';
import { nodeCrypto } from '@provability-fabric/evidence';
import {
  type IntentInput,
  initialState,
  loadBundle,
  type Principal,
  type State,
  stateDigest,
  step,
} from '@provability-fabric/policy';

const EVENTS = 100;
const SESSIONS = 200;
const PRINCIPAL: Principal = { id: 'agent', roles: ['support'], org: 'acme', tenant: 'acme', attributes: {} };

/** A whole `step`, intent and outcome, in sessions of 100 events: all checks, request building and digests included. */
export async function run(): Promise<void> {
  const crypto = nodeCrypto();
  const folder = join(resolve(import.meta.dirname, '../../..'), 'bundles', 'quickstart');
  const compiled = await compileBundle(await readBundleFolder(folder), crypto);
  if (!compiled.ok) throw new Error('the quickstart bundle does not compile');
  const bundle = loadBundle(compiled.bundle, crypto);
  const intents: number[] = [];
  const outcomes: number[] = [];
  const digests: number[] = [];
  let allowed = 0;
  for (let session = 0; session < SESSIONS; session += 1) {
    let state: State = initialState(bundle);
    const environment = { enforcement_mode: 'enforce', default_mode: null, overlay: null } as const;
    const { tenant, id } = PRINCIPAL;
    state = step(bundle, state, {
      kind: 'open',
      at: 0,
      tenant,
      session: `s${session}`,
      principal: id,
      environment,
      epoch: 1,
    }).state;
    for (let event = 0; event < EVENTS; event += 1) {
      const at = event * 700_000; // spaced so that the rate limit lets most through
      const input: IntentInput = {
        kind: 'intent',
        at,
        certificate_id: `c${event}`,
        principal: PRINCIPAL,
        capability: null,
        action: { kind: 'call', target: 'read_text_file', args: { path: `tickets/${event}.txt` } },
        epoch: 1,
        attributes: {},
      };
      const before = performance.now();
      const decided = step(bundle, state, input);
      intents.push(performance.now() - before);
      state = decided.state;
      if (decided.output.kind !== 'decision' || decided.output.effect !== 'allow') continue;
      allowed += 1;
      const result = {
        content: [{ type: 'text', text: `Ticket ${event}: please call back customer-${event}@x.example` }],
      };
      const settling = performance.now();
      state = step(bundle, state, {
        kind: 'outcome',
        at,
        certificate_id: input.certificate_id,
        outcome: 'done',
        result,
      }).state;
      outcomes.push(performance.now() - settling);
      const digesting = performance.now();
      stateDigest(bundle, state);
      digests.push(performance.now() - digesting);
    }
  }
  console.log(
    `step: ${SESSIONS} sessions of ${EVENTS} events, quickstart bundle, ${allowed} of ${intents.length} allowed`,
  );
  for (const [name, times] of [
    ['intent', intents],
    ['outcome', outcomes],
    ['state digest', digests],
  ] as const)
    print(name, times);
}

function print(name: string, times: number[]): void {
  const sorted = times.slice(Math.floor(times.length / 10)).sort((a, b) => a - b); // the first tenth warms up
  const at = (part: number) =>
    `${((sorted[Math.floor(part * (sorted.length - 1))] as number) * 1000).toFixed(1)} µs`;
  console.log(
    `  ${name.padEnd(14)} n ${sorted.length}, median ${at(0.5)}, p5 ${at(0.05)}, p95 ${at(0.95)}, p99 ${at(0.99)}`,
  );
}
