import { ledgerRoutes } from '../ledger/ledger-routes.ts';
import { createMetrics } from '../metrics.ts';
import type { GatewayEvent } from '../ports.ts';
import { FakeLedger } from './fake-ledger.ts';
import { startListener } from './start-server.ts';

export const NOW = 1_767_225_600_000;

/** The ledger's routes over a fake, with three egress certificates of each of two tenants. */
export async function startLedger() {
  const ledger = new FakeLedger();
  const events: GatewayEvent[] = [];
  const metrics = createMetrics();
  const log = (event: GatewayEvent) => events.push(event);
  const routes = ledgerRoutes({ reader: ledger, tokens: ledger, now: () => NOW, log, metrics });
  for (let i = 0; i < 6; i++) ledger.add(i % 2 ? 'globex' : 'acme', 'egress-certificate', `e${i}`, NOW + i);
  ledger.add('acme', 'permission-certificate', 'p1', NOW);
  return { ...(await startListener(routes)), ledger, events, metrics };
}
