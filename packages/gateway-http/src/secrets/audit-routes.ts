import { instantIn, limitIn, nextLink, readQuery } from '../query.ts';
import type { Answer } from '../respond.ts';
import type { Call, GuardedRoute } from '../route.ts';
import { callerOf, tenantOf } from './caller.ts';
import type { SecretAccessReader, SecretUseCases } from './ports.ts';
import { renderedAccess } from './rendering.ts';

interface Options {
  readonly secrets: SecretUseCases;
  readonly audit: SecretAccessReader;
}

const PATH = '/admin/secrets/audit';
const PAGE = { most: 1000, usual: 100 };

export function auditRoutes(options: Options): readonly GuardedRoute[] {
  return [
    { kind: 'guarded', method: 'GET', pattern: '/admin/secrets/audit', serve: (call) => list(options, call) },
  ];
}

/** Who did what, newest first; whoever looks is on record too. */
async function list({ secrets, audit }: Options, call: Call): Promise<Answer> {
  const asked = readQuery(call.query, ['tenant', 'secret', 'since', 'until', 'limit', 'cursor']);
  const { secret, cursor } = asked;
  const limit = limitIn(asked.limit, PAGE);
  const since = instantIn('since', asked.since);
  const until = instantIn('until', asked.until);
  const query = {
    ...(secret !== undefined && { secret }),
    ...(since !== undefined && { since }),
    ...(until !== undefined && { until }),
  };
  const paging = { limit, ...(cursor !== undefined && { cursor }) };
  const target = { tenant: tenantOf(call, asked.tenant), name: secret ?? '' };
  const { rows, next } = await secrets.perform(callerOf(call), 'audit', target, ({ tenant }) =>
    audit.list({ tenant }, query, paging),
  );
  const link = next === null ? {} : { link: nextLink(PATH, { ...asked, limit: `${limit}`, cursor: next }) };
  return { status: 200, headers: link, body: rows.map(renderedAccess) };
}
