import { processSettings } from './config.ts';
import { run } from './run.ts';
import { processTerminal } from './terminal.ts';

const settings = processSettings();
process.exitCode = await run(
  process.argv.slice(2),
  processTerminal(settings),
  async () => (await import('@provability-fabric/fabric')).openGovernance(),
  settings,
);
