import { afterEach, describe, expect, it } from 'vitest';
import { ask, callBody } from './testing/clients.ts';
import { Crowd, noRoomFor } from './testing/crowd.ts';
import { startServer, stopServers } from './testing/start-server.ts';

const CROWD = 10_000;
const noRoom = noRoomFor(CROWD);
const crowds: Crowd[] = [];

afterEach(async () => {
  await Promise.all(crowds.splice(0).map((crowd) => crowd.leave()));
  await stopServers();
});

function gather(port: number): Crowd {
  const crowd = new Crowd(port, CROWD);
  crowds.push(crowd);
  return crowd;
}

const authorize = (port: number, id: string) =>
  ask(port, '/v1/authorize', { token: 'agent-token', body: callBody('read', id) });

describe.skipIf(noRoom !== undefined && process.env.CI !== 'true')(
  `10,000 connections ${noRoom ?? ''}`,
  () => {
    it('beyond the limit are refused, no more than the limit is ever held, and the server answers afterwards', async () => {
      const { port, server } = await startServer({ headersTimeoutMs: 1000, requestTimeoutMs: 2000 });
      const crowd = gather(port);
      await expect.poll(() => crowd.count.ended + crowd.count.open, { timeout: 15_000 }).toBe(CROWD);
      // Those that wait to be accepted look open to a client: they are told once their turn comes.
      await expect.poll(() => crowd.count.ended, { timeout: 15_000 }).toBeGreaterThanOrEqual(CROWD - 1024);
      // Those that were let in say no more: their time runs out, and their places are free.
      await expect.poll(() => crowd.count.open, { timeout: 10_000 }).toBe(0);
      expect((await authorize(port, 'after')).status).toBe(200);
      await server.close();
    });

    it('within a raised limit are all held while others are served, and end when their time is up', async () => {
      const limits = { maxConnections: CROWD + 100, headersTimeoutMs: 8000, requestTimeoutMs: 9000 };
      const { port } = await startServer(limits);
      const crowd = gather(port);
      await expect.poll(() => crowd.count.open, { timeout: 15_000, interval: 20 }).toBe(CROWD);
      const began = performance.now();
      expect((await authorize(port, 'meanwhile')).status).toBe(200);
      expect(performance.now() - began).toBeLessThan(2000);
      await expect.poll(() => crowd.count.open, { timeout: 20_000 }).toBe(0);
      expect((await authorize(port, 'after')).status).toBe(200);
    });
  },
);
