import { type Digest, digestOf, utf8 } from '@provability-fabric/kernel';
import type { FileChange } from '../change.ts';
import { GovernorError } from '../errors.ts';
import type { SandboxDemand } from '../policy/plan.ts';
import { SANDBOX_TIERS, type SandboxEnd } from '../sandbox/sandbox.ts';
import type { GovernorParts } from './ports.ts';
import type { Attempt } from './refusals.ts';

/**
 * Runs a manifest's tests on a private copy of the tree as it is after the change, and answers the copy's digest. Throws TESTS_FAILED, SANDBOX_UNAVAILABLE
 * where what the policy demands cannot be had, and KILLED where the kill switch ended them.
 */
export async function runTests(
  parts: GovernorParts,
  attempt: Attempt,
  {
    changes,
    tests,
    demand,
  }: {
    readonly changes: readonly FileChange[];
    readonly tests: readonly string[];
    readonly demand: SandboxDemand;
  },
): Promise<Digest | null> {
  if (tests.length === 0) return null;
  const { sandbox, workspaces, tree, kill, observer, crypto } = parts;
  await requireTier(parts, demand);
  const workspace = await workspaces.make();
  const { folder } = workspace;
  const ending = new AbortController();
  const stop = kill.onChange(({ active }) => {
    if (active) ending.abort();
  });
  try {
    const copy = await tree.copyInto(folder, changes);
    kill.check();
    const { tier: _tier, readOnly, ...limits } = demand;
    const result = await sandbox.run({ folder, commands: tests, limits, readOnly, signal: ending.signal });
    attempt.sandbox = result;
    attempt.outputDigest = digestOf(crypto, utf8(JSON.stringify([result.stdout, result.stderr])));
    observer.sandboxed(result);
    kill.check();
    if (result.rc === 0 && result.end === 'exited') return copy.digest;
    throw new GovernorError('TESTS_FAILED', failure(result.commands, tests.length, result));
  } finally {
    stop();
    // Tests can leave a hundred thousand files: nobody waits for these with the tree locked. What is left goes at the next start.
    workspace.remove().catch(() => undefined);
  }
}

async function requireTier({ sandbox }: GovernorParts, { tier }: SandboxDemand): Promise<void> {
  const ability = await sandbox.ability();
  if (SANDBOX_TIERS.indexOf(ability.tier) >= SANDBOX_TIERS.indexOf(tier) && ability.tier !== 'none') return;
  const missing = ability.missing.length === 0 ? '' : `: ${ability.missing.join('; ')}`;
  throw new GovernorError(
    'SANDBOX_UNAVAILABLE',
    `expected a sandbox of tier \`${tier}\` for the tests, came \`${ability.tier}\`${missing}`,
  );
}

const WHY: Readonly<Record<Exclude<SandboxEnd, 'exited'>, string>> = {
  'timed-out': 'its time was up',
  'output-limit': 'it wrote more output than the policy lets it',
  'disk-limit': 'it wrote more to the disk than the policy lets it',
  'memory-limit': 'it took more memory than the policy lets it',
  killed: 'it was ended',
};

function failure(
  begun: number,
  all: number,
  { rc, end }: { readonly rc: number; readonly end: SandboxEnd },
): string {
  const why = end === 'exited' ? `exit code ${rc}` : WHY[end];
  return `expected all ${all} tests to pass in the sandbox, number ${begun} did not: ${why}`;
}
