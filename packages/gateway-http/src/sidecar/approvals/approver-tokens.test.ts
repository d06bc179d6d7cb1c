import { afterEach, expect, it } from 'vitest';
import { ask, callBody } from '../../testing/clients.ts';
import { startServer, stopServers } from '../../testing/start-server.ts';

afterEach(stopServers);

it('an approver’s token acts in no session: two of them could approve each other’s calls', async () => {
  const { port } = await startServer();
  const came = await ask(port, '/v1/authorize', { token: 'approver-token', body: callBody('look') });
  expect([came.status, came.code]).toEqual([403, 'FORBIDDEN']);
});
