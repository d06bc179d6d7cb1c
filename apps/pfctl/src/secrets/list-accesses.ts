import type { JsonValue } from '@provability-fabric/kernel';
import { askPage, type SecretsService } from './ask-secrets.ts';

const PAGE = 1000;

export interface AccessWish {
  readonly secret: string | undefined;
  /** RFC 3339; null: open on that side. */
  readonly since: string | null;
  readonly until: string | null;
  readonly limit: number;
}

/** Newest first, a page at a time, up to the limit. */
export async function listAccesses(at: SecretsService, wish: AccessWish): Promise<readonly JsonValue[]> {
  const { secret, since, until, limit } = wish;
  const query = new URLSearchParams({ tenant: at.tenant, limit: `${Math.min(PAGE, limit)}` });
  if (secret !== undefined) query.set('secret', secret);
  if (since !== null) query.set('since', since);
  if (until !== null) query.set('until', until);
  const found: JsonValue[] = [];
  let path: string | undefined = `/admin/secrets/audit?${query}`;
  while (path !== undefined && found.length < limit) {
    const { items, next }: Awaited<ReturnType<typeof askPage>> = await askPage(at, path);
    found.push(...items);
    path = next;
  }
  return found.slice(0, limit);
}
