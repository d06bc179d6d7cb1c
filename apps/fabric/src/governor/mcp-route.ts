import type { GovernorOperation, Identity, Route } from '@provability-fabric/gateway-http';
import { admitCaller } from '@provability-fabric/gateway-http';
import {
  type ChangeDesk,
  type DeskClient,
  type DeskOperation,
  governorMcpRoute,
} from '@provability-fabric/gateway-mcp';
import { GovernorError } from '@provability-fabric/governor';
import { VERSION } from '../version.ts';

/** An agent asks for what became of its own by the right to propose. */
const DOOR: Readonly<Record<DeskOperation, GovernorOperation>> = {
  propose: 'propose',
  plan: 'plan',
  check: 'propose',
  status: 'status',
};

/** The governor as an MCP server at /mcp: whoever may not plan, propose or ask for the status sees no tool for it. */
export function mcpRoute(desk: ChangeDesk, tenant: string, failed: (error: unknown) => void): Route {
  const serve = governorMcpRoute({ desk, name: 'safeai', version: VERSION, failed });
  return {
    kind: 'stream',
    methods: ['POST'],
    pattern: '/mcp',
    serve: ({ identity, request, response }) => serve(clientOf(identity, tenant), request, response),
  };
}

function clientOf(identity: Identity, tenant: string): DeskClient {
  const { id } = identity.principal;
  return {
    caller: { principal: id, actor: 'mcp' },
    may(operation) {
      try {
        admitCaller({ identity }, DOOR[operation], tenant, 'mcp');
        return true;
      } catch (error) {
        if (error instanceof GovernorError) return false;
        throw error;
      }
    },
  };
}
