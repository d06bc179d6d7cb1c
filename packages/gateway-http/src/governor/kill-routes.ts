import { readQuery } from '../query.ts';
import type { Answer } from '../respond.ts';
import type { Call, GuardedRoute } from '../route.ts';
import { admitCaller } from './access.ts';
import type { GovernorOptions } from './governor-routes.ts';
import { asObject } from './rendering.ts';
import { parseReason } from './request-shapes.ts';

/** How the governor is, and the switch that stops it. */
export function killRoutes(options: GovernorOptions): readonly GuardedRoute[] {
  const post = { kind: 'guarded', method: 'POST' } as const;
  return [
    { kind: 'guarded', method: 'GET', pattern: '/v1/status', serve: (call) => status(options, call) },
    { ...post, pattern: '/v1/kill', serve: (call) => kill(options, call) },
    { ...post, pattern: '/v1/revive', serve: (call) => revive(options, call) },
  ];
}

async function status({ governor, tenant }: GovernorOptions, call: Call): Promise<Answer> {
  admitCaller(call, 'status', tenant);
  readQuery(call.query, []);
  return { status: 200, body: asObject(await governor.status()) };
}

async function kill({ governor, tenant, log }: GovernorOptions, call: Call): Promise<Answer> {
  const caller = admitCaller(call, 'kill', tenant);
  const state = await governor.kill(caller, parseReason(call.body));
  const details = { by: caller.principal, sources: state.sources.join(',') };
  log({ level: 'warn', event: 'governor_killed', tags: ['KILL_SWITCH'], latency_ms: 0, details });
  return { status: 200, body: asObject(state) };
}

/** 200 also where another source still holds it: the state says so. */
async function revive({ governor, tenant, log }: GovernorOptions, call: Call): Promise<Answer> {
  const caller = admitCaller(call, 'kill', tenant);
  const state = await governor.revive(caller, parseReason(call.body));
  const details = { by: caller.principal, sources: state.sources.join(',') };
  log({ level: 'warn', event: 'governor_revived', tags: ['KILL_SWITCH'], latency_ms: 0, details });
  return { status: 200, body: asObject(state) };
}
