import { SecretError } from '../errors.ts';
import type { SecretPlace, SecretTenant } from '../names.ts';
import type { SecretProvider } from '../provider.ts';
import type { LiveValue } from './secrets.ts';

const PAGE = 100;
/** Secrets read at a time. */
const ABREAST = 8;

/** The current value, the staged one, and those that were replaced less than `liveForMs` ago. */
export async function liveValuesOf(
  provider: SecretProvider,
  place: SecretPlace,
  now: number,
  liveForMs: number,
): Promise<readonly LiveValue[]> {
  const { name } = place;
  const found: LiveValue[] = [];
  const staged = await absentAsNull(provider.staged(place));
  if (staged !== null) found.push({ name, version: 0, fields: staged.value });
  const description = await absentAsNull(provider.describe(place));
  let replacedAt: number | null = null;
  for (const { version, createdAt, state } of description?.versions ?? []) {
    const live = replacedAt === null || now - replacedAt < liveForMs;
    // A version that was deleted may be valid at its target all the same, but nobody can read it here.
    const stored = live && isReadable(state) ? await absentAsNull(provider.read(place, version)) : null;
    if (stored !== null) found.push({ name, version, fields: stored.value });
    replacedAt = createdAt;
  }
  return found;
}

export async function* liveValuesOfTenant(
  provider: SecretProvider,
  tenant: SecretTenant,
  clock: () => number,
  liveForMs: number,
): AsyncGenerator<LiveValue, void, undefined> {
  let cursor: string | null = null;
  do {
    const request = { prefix: '', limit: PAGE, ...(cursor !== null && { cursor }) };
    const page = await provider.list(tenant, request);
    for (let at = 0; at < page.names.length; at += ABREAST) {
      const some = page.names.slice(at, at + ABREAST);
      const found = await Promise.all(
        some.map((name) => liveValuesOf(provider, { tenant, name }, clock(), liveForMs)),
      );
      yield* found.flat();
    }
    cursor = page.cursor;
  } while (cursor !== null);
}

function isReadable(state: string): boolean {
  return state === 'current' || state === 'previous';
}

/** It may go while we walk. */
async function absentAsNull<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof SecretError && GONE.has(error.code)) return null;
    throw error;
  }
}

const GONE: ReadonlySet<string> = new Set([
  'SECRET_NOT_FOUND',
  'SECRET_VERSION_NOT_FOUND',
  'SECRET_DELETED',
  'SECRET_DESTROYED',
]);
