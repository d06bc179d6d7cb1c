// npm run bench: every figure with its machine, versions, n, median and spread, and the peer measured in the same run.
import { cpus } from 'node:os';
import { run as permit } from './permit/index.ts';
import { run as step } from './step/bench.ts';

const [cpu] = cpus();
console.log(
  `${cpu?.model ?? 'unknown cpu'}, ${cpus().length} cores, Node ${process.version}, ${process.platform} ${process.arch}`,
);
console.log('single runs on a shared machine: trust ratios, not absolutes\n');
await permit();
await step();
