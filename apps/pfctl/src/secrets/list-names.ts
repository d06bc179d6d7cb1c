import { field } from '@provability-fabric/kernel';
import { askPage, type SecretsService } from './ask-secrets.ts';

const PAGE = 1000;

/** All names that begin with the prefix, a page at a time, up to the limit. */
export async function listNames(
  at: SecretsService,
  prefix: string,
  limit: number,
): Promise<{ readonly names: readonly string[]; readonly more: boolean }> {
  const names: string[] = [];
  const query = new URLSearchParams({ tenant: at.tenant, limit: `${Math.min(PAGE, limit)}` });
  if (prefix !== '') query.set('prefix', prefix);
  let path: string | undefined = `/api/secrets?${query}`;
  while (path !== undefined && names.length < limit) {
    const { items, next }: Awaited<ReturnType<typeof askPage>> = await askPage(at, path);
    for (const one of items) {
      const name = field(one, 'name');
      if (typeof name === 'string') names.push(name);
    }
    path = next;
  }
  return { names: names.slice(0, limit), more: path !== undefined || names.length > limit };
}
