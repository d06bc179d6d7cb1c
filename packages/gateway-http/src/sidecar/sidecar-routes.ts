import { RequestError } from '../errors.ts';
import type { GuardedRoute, Route, StreamRoute } from '../route.ts';
import { type ApprovalOptions, approvalRoutes } from './approvals/approval-routes.ts';
import { atOwner } from './at-owner.ts';
import { authorize } from './authorize.ts';
import { authzenRoutes } from './authzen/authzen-routes.ts';
import { outcome } from './outcome.ts';
import type { AuthzenOptions, McpMount } from './ports.ts';
import { prompt } from './prompt.ts';
import { sessionToActIn } from './session-access.ts';

export interface SidecarOptions extends AuthzenOptions, ApprovalOptions {
  /** Absent: no MCP over HTTP. */
  readonly mcp?: McpMount;
}

/** What agents and their hosts ask of the sidecar. */
export function sidecarRoutes(options: SidecarOptions): readonly Route[] {
  const { enforcer, forwarder, mcp } = options;
  const asking: readonly GuardedRoute[] = [
    {
      kind: 'guarded',
      method: 'POST',
      pattern: '/v1/authorize',
      serve: (call) =>
        atOwner(call, forwarder, { path: '/v1/authorize', body: call.body }, () =>
          authorize(enforcer, call.identity, call.body),
        ),
    },
    {
      kind: 'guarded',
      method: 'POST',
      pattern: '/v1/outcome',
      serve: (call) =>
        atOwner(call, forwarder, { path: '/v1/outcome', body: call.body }, () =>
          outcome(enforcer, call.identity, call.body),
        ),
    },
    {
      kind: 'guarded',
      method: 'POST',
      pattern: '/v1/sessions/:sid/prompt',
      serve(call) {
        const { sid = '' } = call.params;
        const path = `/v1/sessions/${encodeURIComponent(sid)}/prompt`;
        return atOwner(call, forwarder, { path, body: call.body }, () =>
          prompt(enforcer, call.identity, sid, call.body),
        );
      },
    },
  ];
  return [
    ...asking,
    ...approvalRoutes(options),
    ...authzenRoutes(options),
    ...(mcp === undefined ? [] : [mcpRoute(mcp)]),
  ];
}

function mcpRoute(mount: McpMount): StreamRoute {
  return {
    kind: 'stream',
    methods: ['GET', 'POST', 'DELETE'],
    pattern: '/mcp/:upstream',
    async serve({ params: { upstream = '' }, ...exchange }) {
      if (!mount.upstreams.includes(upstream))
        throw new RequestError(
          'NOT_FOUND',
          `expected one of the upstreams ${mount.upstreams.join(', ')}, came another`,
        );
      sessionToActIn(exchange.identity, undefined);
      await mount.handle({ ...exchange, upstream });
    },
  };
}
