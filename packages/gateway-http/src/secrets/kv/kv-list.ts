import type { Caller, SecretTarget } from '@provability-fabric/secrets';
import { RequestError } from '../../errors.ts';
import type { SecretUseCases } from '../ports.ts';

const PAGE = 1000;
const MAX_PAGES = 100;

/** What is directly in a folder: names, and folders with a `/` at their end. Each page is an access on record. */
export async function listFolder(
  secrets: SecretUseCases,
  caller: Caller,
  { tenant, name }: SecretTarget,
): Promise<readonly string[]> {
  const folder = name.replace(/\/$/, '');
  const prefix = folder === '' ? '' : `${folder}/`;
  const keys = new Set<string>();
  let cursor: string | null = null;
  for (let page = 0; page < MAX_PAGES; page++) {
    const asked = { prefix, limit: PAGE, ...(cursor !== null && { cursor }) };
    const came: Awaited<ReturnType<SecretUseCases['list']>> = await secrets.list(caller, tenant, asked);
    for (const found of came.names) {
      const rest = found.slice(prefix.length);
      const slash = rest.indexOf('/');
      keys.add(slash < 0 ? rest : rest.slice(0, slash + 1));
    }
    cursor = came.cursor;
    if (cursor === null) return [...keys].sort();
  }
  const detail = `expected at most ${MAX_PAGES * PAGE} secrets below one folder; list a folder further down`;
  throw new RequestError('SECRET_REQUEST_INVALID', detail);
}
