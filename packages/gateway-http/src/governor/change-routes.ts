import type { Answer } from '../respond.ts';
import type { Call, GuardedRoute } from '../route.ts';
import { admitCaller } from './access.ts';
import type { GovernorOptions } from './governor-routes.ts';
import { asObject } from './rendering.ts';
import { parseApply, parseRollback, parseWhole } from './request-shapes.ts';

/** What is done with one change. */
export function changeRoutes(options: GovernorOptions): readonly GuardedRoute[] {
  const post = { kind: 'guarded', method: 'POST' } as const;
  return [
    { ...post, pattern: '/v1/verify', serve: (call) => verify(options, call) },
    { ...post, pattern: '/v1/policy/plan', serve: (call) => plan(options, call) },
    { ...post, pattern: '/v1/apply', serve: (call) => apply(options, call) },
    { ...post, pattern: '/v1/rollback', serve: (call) => rollback(options, call) },
  ];
}

async function verify({ governor, tenant }: GovernorOptions, call: Call): Promise<Answer> {
  const caller = admitCaller(call, 'verify', tenant);
  return { status: 200, body: asObject(await governor.verify(caller, parseWhole(call.body))) };
}

/** A plan that blocks is an answer like the other: nothing was to be done. */
async function plan({ governor, tenant }: GovernorOptions, call: Call): Promise<Answer> {
  const caller = admitCaller(call, 'plan', tenant);
  return { status: 200, body: asObject(await governor.plan(caller, parseWhole(call.body))) };
}

/** Goes on where its client leaves: what became of it is on record. */
async function apply({ governor, tenant, log }: GovernorOptions, call: Call): Promise<Answer> {
  const caller = admitCaller(call, 'apply', tenant);
  const answer = await governor.apply(caller, parseApply(call));
  const details = { by: caller.principal, manifest: answer.manifest_hash, index: answer.audit_index };
  log({ level: 'info', event: 'change_applied', tags: ['GOVERNED_CHANGE'], latency_ms: 0, details });
  return { status: 200, body: asObject(answer) };
}

async function rollback({ governor, tenant, log }: GovernorOptions, call: Call): Promise<Answer> {
  const caller = admitCaller(call, 'rollback', tenant);
  const answer = await governor.rollback(caller, parseRollback(call.body));
  const details = { by: caller.principal, manifest: answer.reverted_hash, index: answer.audit_index };
  log({ level: 'warn', event: 'change_rolled_back', tags: ['GOVERNED_CHANGE'], latency_ms: 0, details });
  return { status: 200, body: asObject(answer) };
}
