import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { corpusFolder, readSuites } from './corpus.ts';
import { figuresIn } from './page.ts';
import { report } from './report.ts';
import { applyReview } from './review.ts';
import { BUNDLE, draftOf, reviewOf, withReview } from './suites-bundles.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const MAX_REVIEWED = 30;

const folder = corpusFolder();
if (folder === undefined && process.env.CI === 'true') {
  throw new Error('expected the corpus `agentdojo`; point PF_CORPORA at the folder that holds it');
}

describe.skipIf(folder === undefined)(
  'docs/reference/agentdojo.md (skipped without the corpus agentdojo; point PF_CORPORA at its folder)',
  () => {
    const corpus = folder ?? '';

    it('holds the figures that `npm run agentdojo` prints', async () => {
      const page = readFileSync(join(ROOT, 'docs/reference/agentdojo.md'), 'utf8');
      expect(figuresIn(page)).toBe((await report(corpus)).trim());
    }, 600_000);

    it('speaks of the bundles that are here: the draft and at most 30 reviewed lines', () => {
      for (const suite of readSuites(corpus)) {
        const review = reviewOf(suite.name);
        if (review.length === 0) continue;
        const draft = draftOf(suite);
        const files = withReview(draft, review);
        for (const [file, text] of files) {
          const path = join(ROOT, 'bundles', `agentdojo-${suite.name}`, file);
          expect(readFileSync(path, 'utf8')).toBe(text);
        }
        const { changed } = applyReview(draft.get(BUNDLE) ?? '', review);
        expect(Math.max(review.length, changed)).toBeLessThanOrEqual(MAX_REVIEWED);
        expect((files.get(BUNDLE) ?? '').match(/ # reviewed$/gm)).toHaveLength(changed);
      }
    });
  },
);
