import { twoRun } from './program.ts';

// npm run two-run -- [--pairs N] [--seed TEXT]: see HELP in arguments.ts.
process.exitCode = await twoRun(process.argv.slice(2), {
  say: (text) => process.stdout.write(`${text}\n`),
  complain: (text) => process.stderr.write(`${text}\n`),
});
