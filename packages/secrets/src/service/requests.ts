import { SecretError } from '../errors.ts';
import { changedMetadata, DEFAULT_METADATA } from '../metadata.ts';
import { asNamePrefix } from '../names.ts';
import type { ListRequest, SecretMetadata, WriteOptions } from '../provider.ts';
import { checkWords } from '../version-id.ts';
import type { ListQuery, WriteRequest } from './secrets.ts';

const MAX_VERSIONS = 100;
const DEFAULT_PAGE = 100;
const MAX_PAGE = 1000;

/** Throws SECRET_REQUEST_INVALID or SECRET_NAME_INVALID. */
export function checkedList(query: ListQuery): ListRequest {
  const { prefix = '', limit = DEFAULT_PAGE, cursor } = query;
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > MAX_PAGE)
    throw invalid(`a limit from 1 to ${MAX_PAGE}`);
  return { prefix: asNamePrefix(prefix), limit, ...(cursor !== undefined && { cursor }) };
}

export function checkedWords(request: Omit<WriteRequest, 'value'>, author: string): WriteOptions {
  const { cas, description, metadata } = request;
  if (cas !== undefined && (!Number.isSafeInteger(cas) || cas < 0))
    throw invalid('`cas` to be a version, or 0');
  const words = { author, ...(description !== undefined && { description }) };
  checkWords(words);
  if (metadata !== undefined) checkedChange(metadata);
  return { ...words, ...(cas !== undefined && { cas }), ...(metadata !== undefined && { metadata }) };
}

export function checkedChange(change: Partial<SecretMetadata>): Partial<SecretMetadata> {
  changedMetadata(DEFAULT_METADATA, change);
  return change;
}

export function checkedVersions(versions: readonly number[]): readonly number[] {
  const numbers = [...new Set(versions)];
  const fits = numbers.length >= 1 && numbers.length <= MAX_VERSIONS;
  if (!fits || numbers.some((version) => !Number.isSafeInteger(version) || version < 1))
    throw invalid(`1 to ${MAX_VERSIONS} versions by number`);
  return numbers;
}

function invalid(expected: string): SecretError {
  return new SecretError('SECRET_REQUEST_INVALID', `expected ${expected}`);
}
