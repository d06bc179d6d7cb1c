import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createRotationScheduler } from './create-rotation-scheduler.ts';
import { RotationPolicies } from './policies.ts';
import type { RotatingProvider } from './ports.ts';
import { openRotating } from './rotating.fixture.ts';

const ROOT = resolve(import.meta.dirname, '../../../..');
const PROGRAM = join(ROOT, 'examples/secret-rotation/application-startup.ts');

/** Step 5.1 of the deployment runbook, where it is type-checked with all else. */
function sample(provider: RotatingProvider) {
  const scheduler = createRotationScheduler(provider);
  scheduler.start();

  // Schedule for each tenant
  scheduler.scheduleRotation({
    tenantId: 'acme-corp',
    secretKey: 'database_credentials',
    policy: RotationPolicies.DATABASE_CREDENTIALS,
    cronSchedule: '0 2 */90 * *', // Every 90 days at 2 AM
  });
  return scheduler;
}

/** The same as the runbook prints it. */
const PRINTED = `
const scheduler = createRotationScheduler(provider)
scheduler.start()

// Schedule for each tenant
scheduler.scheduleRotation({
  tenantId: 'acme-corp',
  secretKey: 'database_credentials',
  policy: RotationPolicies.DATABASE_CREDENTIALS,
  cronSchedule: '0 2 */90 * *' // Every 90 days at 2 AM
})
`;
const IMPORTED =
  "import { createRotationScheduler, RotationPolicies } from './secrets/SecretRotationScheduler'";

/** But for layout and what a formatter adds. */
const words = (text: string) => text.replace(/[\s;,]+/g, ' ').trim();

describe("the runbook's sample", () => {
  it('stands in the example and here as it is', async () => {
    const example = words(await readFile(PROGRAM, 'utf8'));
    expect(example).toContain(words(IMPORTED));
    expect(example).toContain(words(PRINTED));
    const [, here = ''] = (await readFile(import.meta.filename, 'utf8')).split('function sample(');
    expect(words(here)).toContain(words(PRINTED));
  });

  it('schedules', async () => {
    const { provider } = await openRotating();
    const scheduler = sample(provider);
    await new Promise((scheduled) => scheduler.on('job-scheduled', scheduled));
    await scheduler.stop();
  });

  it('runs: every 90 days, with a warning, and a rotation that rotates', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', PROGRAM], {
      cwd: ROOT,
    });
    expect(stdout).toMatch(/next: \d{4}-\d\d-\d\dT02:00:00\.000Z/);
    expect(stdout).toContain('it is read as every 90 days at 02:00 UTC');
    expect(stdout).toContain('grace: the password has changed');
  });
});
