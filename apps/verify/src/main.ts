import { run } from './command-line.ts';

process.exitCode = run(process.argv.slice(2), process.stdout, process.stderr);
