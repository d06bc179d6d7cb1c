import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { corpusFolder, readSuites } from './corpus.ts';
import { inPage } from './page.ts';
import { report } from './report.ts';
import { draftOf, reviewOf, withReview } from './suites-bundles.ts';

// `npm run agentdojo`            prints the figures
// `npm run agentdojo -- --write` writes them into docs/reference/agentdojo.md, and the reviewed bundles into bundles/

const ROOT = resolve(import.meta.dirname, '../..');

async function main(args: readonly string[]): Promise<number> {
  const folder = corpusFolder();
  if (folder === undefined) {
    process.stderr.write('expected the corpus `agentdojo`; point PF_CORPORA at the folder that holds it\n');
    return 4;
  }
  if (args.includes('--write')) writeBundles(folder);
  const figures = await report(folder);
  process.stdout.write(figures);
  if (args.includes('--write')) {
    const page = join(ROOT, 'docs/reference/agentdojo.md');
    writeFileSync(page, inPage(readFileSync(page, 'utf8'), figures));
  }
  return 0;
}

function writeBundles(folder: string): void {
  for (const suite of readSuites(folder)) {
    const review = reviewOf(suite.name);
    if (review.length === 0) continue;
    for (const [file, text] of withReview(draftOf(suite), review)) {
      const path = join(ROOT, 'bundles', `agentdojo-${suite.name}`, file);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    }
  }
}

process.exitCode = await main(process.argv.slice(2));
