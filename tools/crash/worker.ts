// The process that is killed: acts through the fabric and says on stdout what it was answered, line by line.
import { writeSync } from 'node:fs';
import { serviceLog } from '../../apps/fabric/src/observe/logger.ts';
import { openFabric } from '../../apps/fabric/src/wire.ts';
import { crashBundle, LIVE, SETTINGS } from './bundle.ts';

const [dataFolder = '', round = '0', total = '0'] = process.argv.slice(2);
const SESSIONS = 64;

const fabric = await openFabric({
  dataFolder,
  bundle: await crashBundle(),
  settings: SETTINGS,
  live: LIVE,
  database: null,
  log: serviceLog('crash-worker', 'silent'),
});
const principal = { id: 'agent', roles: [], org: 'acme', tenant: 'acme', attributes: {} };
let next = 0;

/** One agent: asks, and reports the outcome of what it was allowed, until all actions are done. */
async function agent(session: string): Promise<void> {
  for (let number = next++; number < Number(total); number = next++) {
    const requestId = `${round}-${number}`;
    const target = number % 10 === 9 ? 'forbidden' : 'act';
    const answer = await fabric.sidecar.enforcer.authorize({
      principal,
      capability: null,
      session,
      requestId,
      action: { kind: 'call', target, args: { number } },
      epoch: null,
      attributes: {},
    });
    writeSync(1, `answered ${session} ${requestId} ${answer.certificateId} ${answer.effect}\n`);
    if (answer.effect !== 'allow') continue;
    await fabric.sidecar.enforcer.settle(
      { tenant: principal.tenant, principal: principal.id },
      session,
      answer.certificateId,
      'done',
      { number },
    );
    writeSync(1, `settled ${answer.certificateId}\n`);
  }
}

await Promise.all(Array.from({ length: SESSIONS }, (_, index) => agent(`s${index}`)));
await fabric.close();
writeSync(1, 'finished\n');
