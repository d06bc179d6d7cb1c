// Reserves without end, some at a time, and says of each what was answered. Waits to be killed.
import { writeSync } from 'node:fs';
import { fileUsage } from './file-usage.ts';

const [folder = '', run = ''] = process.argv.slice(2);
const usage = fileUsage(folder);
const budget = { clause: 'c', unit: 'calls', key: 'tenant', amount: 1, window_ms: null, tolerance_ms: 0 };

async function reserving(lane: number): Promise<void> {
  for (let index = 0; ; index += 1) {
    const certificateId = `${run}-${lane}-${index}`;
    const { release } = await usage.reserve({ tenant: 'acme', certificateId, at: 1, charges: [budget] });
    if (index % 3 === 2) await release(['c']);
    else writeSync(1, 'answered\n');
  }
}

await Promise.all(Array.from({ length: 8 }, (_, lane) => reserving(lane)));
