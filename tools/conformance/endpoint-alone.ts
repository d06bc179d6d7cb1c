import { randomBytes, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createMcpEndpoint, type Decider } from '@provability-fabric/gateway-mcp';
import type { RunningServer } from './conformance-server.ts';

/** What is measured or tested: something that stands before the server at `url`, itself reached at another. */
export type StartFabric = (upstreamUrl: string) => Promise<RunningServer>;

/** The endpoint on a plain HTTP server, before a decider that allows everything. */
export const startEndpointAlone: StartFabric = async (upstreamUrl) => {
  const endpoint = createMcpEndpoint<null>({
    upstreams: new Map([
      ['server', { kind: 'http', url: upstreamUrl, authorization: 'none', prefix: '' } as const],
    ]),
    deciderFor: () => fakeDecider(),
    events: { emit: () => {} },
    about: () => ({}),
    newRequestId: randomUUID,
    newSessionId: () => randomBytes(24).toString('base64url'),
    secret: async () => '',
    now: () => performance.now(),
  });
  const http = createServer((request, response) => {
    const exchange = { upstream: 'server', caller: null, callerKey: '', authorization: undefined };
    void endpoint.handle({ ...exchange, request, response });
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp/server`,
    async stop() {
      await endpoint.close();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
};

/** Allows everything and records nothing: what the transport alone costs and changes. */
function fakeDecider(): Decider {
  return {
    decide: async ({ requestId }) => ({ effect: 'allow', certificateId: requestId }),
    settle: async () => ({}),
    mayEverCall: () => true,
    hiding: () => undefined,
  };
}
