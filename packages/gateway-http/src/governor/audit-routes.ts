import { RequestError } from '../errors.ts';
import { limitIn, readQuery } from '../query.ts';
import type { Answer } from '../respond.ts';
import type { Call, GuardedRoute } from '../route.ts';
import { admitCaller } from './access.ts';
import type { GovernorOptions } from './governor-routes.ts';
import { asJson, asObject } from './rendering.ts';

const RECORDS = { most: 1000, usual: 50 };

/** The last records, and whether all of them hold. */
export function auditRoutes(options: GovernorOptions): readonly GuardedRoute[] {
  const get = { kind: 'guarded', method: 'GET' } as const;
  return [
    { ...get, pattern: '/v1/audit', serve: (call) => list(options, call) },
    // Before any `:n`, whatever router reads this list.
    { ...get, pattern: '/v1/audit/verify', serve: (call) => verify(options, call) },
    { ...get, pattern: '/v1/audit/:n', serve: (call) => last(options, call) },
  ];
}

async function list(options: GovernorOptions, call: Call): Promise<Answer> {
  admitCaller(call, 'audit', options.tenant);
  return records(options, limitIn(readQuery(call.query, ['limit']).limit, RECORDS));
}

async function last(options: GovernorOptions, call: Call): Promise<Answer> {
  admitCaller(call, 'audit', options.tenant);
  readQuery(call.query, []);
  const { n = '' } = call.params;
  const count = /^[1-9]\d{0,3}$/.test(n) ? Number(n) : 0;
  if (count >= 1 && count <= RECORDS.most) return records(options, count);
  throw new RequestError(
    'REQUEST_MALFORMED',
    `expected how many of the last records, from 1 to ${RECORDS.most}, or \`verify\`, came another text`,
  );
}

async function records({ governor }: GovernorOptions, count: number): Promise<Answer> {
  const found = await governor.auditLast(count);
  return { status: 200, body: { count: found.length, records: found.map(asJson) } };
}

/** 200 also where it does not hold: that is the answer. */
async function verify({ governor, tenant }: GovernorOptions, call: Call): Promise<Answer> {
  admitCaller(call, 'audit', tenant);
  readQuery(call.query, []);
  return { status: 200, body: asObject(await governor.auditVerify()) };
}
