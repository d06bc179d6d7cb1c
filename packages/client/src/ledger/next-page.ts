import { ClientError } from '../errors.ts';

/**
 * The path of the next page out of a Link header (RFC 8288), relative to the base URL; null at the end. The
 * service wrote it, and the token goes where it leads: only to the same route of the same service.
 */
export function nextPage(link: string | null, base: URL, route: string): string | null {
  const target = link === null ? null : targetOf(link);
  if (target === null) return null;
  const here = `${base.href.replace(/\/$/, '')}${route}`;
  if (!URL.canParse(target, here)) throw elsewhere();
  const next = new URL(target, here);
  if (next.origin !== base.origin || next.username !== '' || next.password !== '') throw elsewhere();
  // A proxy may serve the ledger below a path of its own, which the ledger does not know.
  if (next.pathname !== new URL(here).pathname && next.pathname !== route) throw elsewhere();
  return `${route}${next.search}`;
}

/** The target of the first link whose relation is `next`. */
function targetOf(link: string): string | null {
  if (link.length > 8192) throw elsewhere();
  for (const [, target = '', parameters = ''] of link.matchAll(/<([^<>]*)>((?:;[^,<]*)?)/g))
    if (/;\s*rel="?(?:[a-z]+ )*next(?: [a-z]+)*"?\s*(?:;|$)/i.test(parameters)) return target;
  return null;
}

function elsewhere(): ClientError {
  return new ClientError('ANSWER_MALFORMED', 'expected the link to the next page to stay on its route');
}
