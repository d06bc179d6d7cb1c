import { createServer } from 'node:net';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildPrograms } from './built-programs.fixture.ts';
import { Deployment } from './fabric-services.fixture.ts';
import { compiledBundle } from './pf-process.fixture.ts';

beforeAll(buildPrograms);

// As a rollout that is cancelled, or a supervisor that gives up, ends a program that has hardly begun.
describe.concurrent('pf serve that is told to stop while it starts', () => {
  it('leaves no PostgreSQL running, and the next start goes on from there', async () => {
    const deployment = new Deployment({ bundle: await compiledBundle('everything') });
    const first = deployment.serve();
    await first.logged('postgres_started');
    first.kill('SIGTERM');
    expect(await first.ended).toEqual({ code: 0, signal: null });
    await first.logged('shutting_down');
    expect(deployment.postgres()).toEqual([]);

    const second = deployment.serve();
    await second.url('ledger');
    expect(await second.stop()).toEqual({ code: 0, signal: null });
    expect(deployment.postgres()).toEqual([]);
  }, 60_000);

  it('does not go on waiting for a database that does not answer', async () => {
    const deployment = new Deployment({ bundle: await compiledBundle('everything') });
    const DATABASE_URL = `postgresql://fabric@127.0.0.1:${await closedPort()}/ledger`;
    const program = deployment.serve([], { env: { DATABASE_URL } });
    await program.logged('ledger_awaited');
    const asked = performance.now();
    program.kill('SIGTERM');
    const { code } = await program.ended;
    expect(code).toBe(1);
    expect(program.err.text).toContain('LEDGER_UNAVAILABLE');
    expect(performance.now() - asked).toBeLessThan(5_000);
  }, 60_000);
});

/** Of this machine, and nobody listens there. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('expected a port');
  return address.port;
}
