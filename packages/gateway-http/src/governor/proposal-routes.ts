import { GovernorError, type ProposalStatus } from '@provability-fabric/governor';
import { limitIn, oneOf, readQuery } from '../query.ts';
import type { Answer } from '../respond.ts';
import type { Call, GuardedRoute } from '../route.ts';
import { admitCaller, proposerToRead } from './access.ts';
import type { GovernorOptions } from './governor-routes.ts';
import { asObject, renderedProposal, renderedSummary } from './rendering.ts';
import { parseApprove, parseHash, parsePropose } from './request-shapes.ts';

/** As many as a store lists at most. */
const PROPOSALS = { most: 200, usual: 50 };
const STATUSES: readonly (ProposalStatus | 'all')[] = ['open', 'applied', 'refused', 'expired', 'all'];

/** What agents put forward, and people's word on it. */
export function proposalRoutes(options: GovernorOptions): readonly GuardedRoute[] {
  const guarded = { kind: 'guarded' } as const;
  return [
    { ...guarded, method: 'POST', pattern: '/v1/proposals', serve: (call) => propose(options, call) },
    { ...guarded, method: 'GET', pattern: '/v1/proposals', serve: (call) => list(options, call) },
    { ...guarded, method: 'GET', pattern: '/v1/proposals/:hash', serve: (call) => show(options, call) },
    {
      ...guarded,
      method: 'POST',
      pattern: '/v1/proposals/:hash/approve',
      serve: (call) => approve(options, call),
    },
  ];
}

async function propose({ governor, tenant }: GovernorOptions, call: Call): Promise<Answer> {
  const caller = admitCaller(call, 'propose', tenant);
  const proposed = await governor.propose(caller, parsePropose(call.body));
  return { status: 201, headers: { location: `/v1/proposals/${proposed.hash}` }, body: asObject(proposed) };
}

async function list({ governor, tenant }: GovernorOptions, call: Call): Promise<Answer> {
  admitCaller(call, 'read-proposals', tenant);
  const asked = readQuery(call.query, ['status', 'limit']);
  const status = oneOf('status', asked.status, { values: STATUSES, usual: 'open' });
  const limit = limitIn(asked.limit, PROPOSALS);
  const proposer = proposerToRead(call);
  const found = await governor.proposals({
    ...(status !== 'all' && { status }),
    limit: proposer === null ? limit : PROPOSALS.most,
  });
  const readable = found.filter((one) => proposer === null || one.proposer === proposer);
  return { status: 200, body: readable.slice(0, limit).map(renderedSummary) };
}

async function show({ governor, tenant }: GovernorOptions, call: Call): Promise<Answer> {
  admitCaller(call, 'read-proposals', tenant);
  readQuery(call.query, []);
  const hash = parseHash(call.params.hash);
  const found = await governor.proposal(hash);
  const proposer = proposerToRead(call);
  // Another's is not told from none.
  if (proposer !== null && found.proposer !== proposer)
    throw new GovernorError('PROPOSAL_UNKNOWN', `expected a proposal that is there, came \`${hash}\``);
  return { status: 200, body: renderedProposal(found) };
}

async function approve({ governor, tenant, log }: GovernorOptions, call: Call): Promise<Answer> {
  const caller = admitCaller(call, 'approve', tenant);
  const hash = parseHash(call.params.hash);
  const answer = await governor.approve(caller, hash, parseApprove(call.body));
  const details = { by: caller.principal, manifest: answer.manifest_hash, index: answer.audit_index };
  log({ level: 'info', event: 'change_applied', tags: ['GOVERNED_CHANGE'], latency_ms: 0, details });
  return { status: 200, body: asObject(answer) };
}
