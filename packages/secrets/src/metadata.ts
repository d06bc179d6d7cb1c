import { SecretError } from './errors.ts';
import type { SecretMetadata } from './provider.ts';

export const DEFAULT_METADATA: SecretMetadata = {
  sensitivity: 'medium',
  tags: {},
  maxVersions: 10,
  casRequired: false,
};

const SENSITIVITIES: readonly string[] = ['low', 'medium', 'high', 'critical'];
const MAX_TAGS = 32;
const TAG = /^[^\p{C}]{1,128}$/u;
const MOST_VERSIONS = 100;

/** What is named changes, the rest stays; tags change as a whole. Throws SECRET_REQUEST_INVALID. */
export function changedMetadata(current: SecretMetadata, change: Partial<SecretMetadata>): SecretMetadata {
  const { sensitivity, tags, maxVersions, casRequired } = change;
  if (sensitivity !== undefined && !SENSITIVITIES.includes(sensitivity))
    throw invalid('`sensitivity` to be `low`, `medium`, `high` or `critical`');
  if (maxVersions !== undefined && !isWithin(maxVersions, 1, MOST_VERSIONS))
    throw invalid(`\`maxVersions\` to be a whole number from 1 to ${MOST_VERSIONS}`);
  if (casRequired !== undefined && typeof casRequired !== 'boolean')
    throw invalid('`casRequired` to be true or false');
  return {
    sensitivity: sensitivity ?? current.sensitivity,
    tags: tags === undefined ? current.tags : checkedTags(tags),
    maxVersions: maxVersions ?? current.maxVersions,
    casRequired: casRequired ?? current.casRequired,
  };
}

function checkedTags(tags: unknown): SecretMetadata['tags'] {
  if (typeof tags !== 'object' || tags === null || Array.isArray(tags))
    throw invalid('`tags` to be an object');
  const entries = Object.entries(tags);
  if (entries.length > MAX_TAGS) throw invalid(`at most ${MAX_TAGS} tags, got \`${entries.length}\``);
  for (const [key, content] of entries)
    if (!TAG.test(key) || typeof content !== 'string' || !TAG.test(content))
      throw invalid('tags of 1 to 128 characters without control characters');
  return Object.fromEntries(entries);
}

function isWithin(value: unknown, least: number, most: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most;
}

function invalid(expected: string): SecretError {
  return new SecretError('SECRET_REQUEST_INVALID', `expected ${expected}`);
}
