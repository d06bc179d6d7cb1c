// The official conformance suite against a server, directly and through the fabric: the same results, check by check.
// Prints a table; exit 1 on any difference.
import { compare, differences, table } from './compare.ts';
import { startConformanceServer } from './conformance-server.ts';
import { type StartFabric, startEndpointAlone } from './endpoint-alone.ts';
import { startPfServe } from './pf-serve.ts';
import { runSuite } from './suite.ts';

const SPEC_VERSIONS = ['2025-06-18', '2025-11-25'];

/** The exit code. */
async function runConformance(startFabric: StartFabric): Promise<number> {
  let exitCode = 0;
  for (const specVersion of SPEC_VERSIONS) {
    const server = await startConformanceServer();
    const fabric = await startFabric(server.url);
    try {
      const without = await runSuite(server.url, specVersion);
      const comparisons = compare(without, await runSuite(fabric.url, specVersion));
      console.log(`\nMCP ${specVersion}: ${comparisons.length} scenarios\n\n${table(comparisons)}`);
      for (const comparison of comparisons) {
        if (comparison.isSame) continue;
        exitCode = 1;
        console.log(`\n${comparison.scenario}:\n${differences(comparison).join('\n')}`);
      }
      if (comparisons.length === 0) exitCode = 1;
    } finally {
      await fabric.stop();
      await server.stop();
    }
  }
  return exitCode;
}

// `--endpoint` leaves the fabric's own listener and decisions out.
const alone = process.argv.includes('--endpoint');
process.exitCode = await runConformance(alone ? startEndpointAlone : startPfServe);
