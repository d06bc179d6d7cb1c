// npm run bench: every figure with its machine, versions, n, median and spread, and the peer measured in the same run.
import { cpus } from 'node:os';
import { run as authorize } from './authorize/bench.ts';
import { run as compile } from './compile/bench.ts';
import { run as decisions } from './decisions/bench.ts';
import { run as governor } from './governor/bench.ts';
import { run as ledger } from './ledger/bench.ts';
import { run as mcpOverHttp } from './mcp-http/bench.ts';
import { run as permit } from './permit/index.ts';
import { run as replay } from './replay/bench.ts';
import { run as rotation } from './rotation/bench.ts';
import { run as secrets } from './secrets/bench.ts';
import { run as start } from './start/bench.ts';
import { run as step } from './step/bench.ts';

const [cpu] = cpus();
console.log(
  `${cpu?.model ?? 'unknown cpu'}, ${cpus().length} cores, Node ${process.version}, ${process.platform} ${process.arch}`,
);
console.log('single runs on a shared machine: trust ratios, not absolutes\n');
await permit();
// Each answers whether it reached what it has to.
const reached = [];
for (const bench of [
  step,
  replay,
  compile,
  decisions,
  authorize,
  mcpOverHttp,
  ledger,
  secrets,
  rotation,
  governor,
  start,
]) {
  console.log();
  reached.push(await bench());
}
if (reached.includes(false)) process.exitCode = 1;
