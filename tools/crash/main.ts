// kill -9 at a random moment of 20,000 actions, ten times. After each: every answered action has its certificate, exactly
// once; no session has a gap; the log is consistent with every checkpoint that was ever shown; what was in flight is
// marked ambiguous; and a repeated request gets the first answer. Usage: npm run crash [-- ROUNDS ACTIONS SEED]
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { nodeCrypto } from '@provability-fabric/evidence';
import { verifyConsistencyForLog } from '@provability-fabric/kernel';
import { serviceLog } from '../../apps/fabric/src/observe/logger.ts';
import { openFabric } from '../../apps/fabric/src/wire.ts';
import { crashBundle, LIVE, SETTINGS } from './bundle.ts';
import { examine } from './examine.ts';
import { random } from './random.ts';

const [rounds = 10, actions = 20_000, seed = Date.now() % 1_000_000] = process.argv.slice(2).map(Number);

interface Said {
  readonly answered: Map<
    string,
    { readonly session: string; readonly requestId: string; readonly effect: string }
  >;
  readonly settled: Set<string>;
  readonly checkpoints: Set<string>;
}

/** Runs the worker until it has answered `killAfter` actions, then kills it without warning. */
function runAndKill(data: string, round: number, killAfter: number): Promise<Said> {
  const worker = spawn(
    process.execPath,
    ['--import', 'tsx', resolve(import.meta.dirname, 'worker.ts'), data, String(round), String(actions)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const said: Said = { answered: new Map(), settled: new Set(), checkpoints: new Set() };
  const watching = setInterval(() => {
    try {
      said.checkpoints.add(readFileSync(join(data, 'log', 'checkpoint'), 'utf8'));
    } catch {
      // none published yet
    }
  }, 20);
  createInterface({ input: worker.stdout }).on('line', (line) => {
    const [what, first = '', requestId = '', certificate = '', effect = ''] = line.split(' ');
    // A line cut short by the kill was not heard in full, so nobody was answered.
    if (what === 'answered' && (effect === 'allow' || effect === 'block'))
      said.answered.set(certificate, { session: first, requestId, effect });
    else if (what === 'settled' && first.length === 64) said.settled.add(first);
    if (said.answered.size === killAfter) worker.kill('SIGKILL');
  });
  return new Promise((done) =>
    worker.once('close', () => {
      clearInterval(watching);
      done(said);
    }),
  );
}

const next = random(seed);
const crypto = nodeCrypto();
let failures = 0;
const fail = (round: number, problem: string) => {
  failures += 1;
  console.error(`round ${round}: ${problem}`);
};
console.log(`${rounds} rounds of ${actions} actions, seed ${seed}`);
for (let round = 1; round <= rounds; round += 1) {
  const data = mkdtempSync(join(tmpdir(), 'pf-crash-'));
  const said = await runAndKill(data, round, 1 + Math.floor(next() * (actions - 1)));
  const started = performance.now();
  const log = serviceLog('crash', 'silent');
  const fabric = await openFabric({
    dataFolder: data,
    bundle: await crashBundle(),
    settings: SETTINGS,
    live: LIVE,
    database: null,
    log,
  });
  const recoveredMs = performance.now() - started;
  await fabric.sidecar.recovered;

  for (const note of said.checkpoints) {
    const shown = fabric.sidecar.journal.openCheckpoint(note);
    const size = fabric.sidecar.journal.size;
    if (shown.size > size) fail(round, `a checkpoint of size ${shown.size} was shown, the log has ${size}`);
    else if (shown.size > 0) {
      const proof = fabric.sidecar.journal.consistencyProof(shown.size, size);
      const sides = {
        oldSize: shown.size,
        oldRoot: shown.root,
        newSize: size,
        newRoot: fabric.sidecar.journal.rootAt(size),
        proof,
      };
      const check = verifyConsistencyForLog(crypto, sides);
      if (!check.ok) fail(round, `the log contradicts a checkpoint that was shown: ${check.reason}`);
    }
  }

  const found = await examine(fabric.sidecar.journal.scan());
  for (const problem of found.problems) fail(round, problem);
  for (const [certificate, { effect }] of said.answered) {
    if (found.permissions.get(certificate) !== effect)
      fail(round, `answered ${effect}, certified ${found.permissions.get(certificate)}: ${certificate}`);
  }
  for (const certificate of said.settled)
    if (!found.outcomes.get(certificate)?.includes('done'))
      fail(round, `settled but not certified: ${certificate}`);
  for (const [certificate, effect] of found.permissions) {
    if (effect === 'allow' && !found.outcomes.has(certificate))
      fail(round, `allowed, and its outcome is neither known nor ambiguous: ${certificate}`);
  }
  const ambiguous = [...found.outcomes.values()].filter((outcomes) => outcomes.includes('ambiguous')).length;

  const [certificate, last] = [...said.answered].at(-1) ?? [];
  if (certificate !== undefined && last !== undefined) {
    const number = Number(last.requestId.split('-')[1]);
    const principal = { id: 'agent', roles: [], org: 'acme', tenant: 'acme', attributes: {} };
    const target = number % 10 === 9 ? 'forbidden' : 'act';
    const action = { kind: 'call', target, args: { number } } as const;
    const again = await fabric.sidecar.enforcer.authorize({
      principal,
      capability: null,
      session: last.session,
      requestId: last.requestId,
      action,
      epoch: null,
      attributes: {},
    });
    if (again.certificateId !== certificate || again.effect !== last.effect)
      fail(round, 'a repeated request got another answer');
  }
  const size = fabric.sidecar.journal.size;
  await fabric.close();
  rmSync(data, { recursive: true });
  console.log(
    `round ${round}: ${said.answered.size} answered and all certified, ${size} statements, ${said.checkpoints.size} checkpoints shown, ` +
      `${ambiguous} in flight marked ambiguous, back in ${Math.round(recoveredMs)} ms`,
  );
}
console.log(failures === 0 ? 'nothing was lost, nothing is double' : `${failures} failures`);
process.exitCode = failures === 0 ? 0 : 1;
