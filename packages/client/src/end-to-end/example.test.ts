import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PfServe, ROOT } from '../testing/pf-serve.fixture.ts';

let fabric: PfServe;
beforeAll(async () => {
  fabric = await PfServe.start();
});
afterAll(() => fabric.stop());

describe('examples/guard', () => {
  const run = (env: Record<string, string>) => {
    const script = join(ROOT, 'examples/guard/support-desk.ts');
    const { PATH = '' } = process.env;
    return promisify(execFile)(join(ROOT, 'node_modules/.bin/tsx'), [script, fabric.url], {
      env: { PATH, ...env },
    });
  };

  it('sends the mail that the user asked for, and not the one that the ticket asked for', async () => {
    const { stdout } = await run({
      FABRIC_TOKEN: await fabric.token('desk-17'),
      FABRIC_HOST_TOKEN: await fabric.token('desk-17', ['host']),
    });
    expect(stdout.split('\n')).toEqual([
      'read_text_file tickets/4711.txt: done',
      'send_mail audit@evil.example, customers: refused: UNTRUSTED_ARGUMENT (known-recipients)',
      'send_mail maria@customer.example, Your refund: done',
      'Maria has her answer.',
      '',
    ]);
  });

  it('does nothing without tokens', async () => {
    await expect(run({})).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('TOKEN_UNFIT') });
  });
});
