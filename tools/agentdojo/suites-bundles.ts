import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { draftBundle, parseToolDescriptions } from '@provability-fabric/bundle';
import type { Suite } from './corpus.ts';
import { applyReview, parseReview, type ReviewLine } from './review.ts';

export type Files = ReadonlyMap<string, string>;

export const BUNDLE = 'bundle.yaml';

/** What `pfctl bundle draft` writes for a suite's tools. */
export function draftOf(suite: Suite): Files {
  return draftBundle(`agentdojo-${suite.name}`, 'acme', parseToolDescriptions(suite.tools));
}

/** The reviewed lines that were written for a suite; none where nobody has reviewed it. */
export function reviewOf(suite: string): readonly ReviewLine[] {
  const path = join(import.meta.dirname, 'reviewed', `${suite}.yaml`);
  return existsSync(path) ? parseReview(readFileSync(path, 'utf8')) : [];
}

export function withReview(draft: Files, review: readonly ReviewLine[]): Files {
  return changed(draft, (text) => applyReview(text, review).bundleYaml);
}

/** The files with another bundle.yaml. */
export function changed(files: Files, change: (bundleYaml: string) => string): Files {
  return new Map(files).set(BUNDLE, change(files.get(BUNDLE) ?? ''));
}
