import type { FastifyRequest } from 'fastify';
import type { Destination } from './guard.ts';

interface Route {
  readonly pattern: string;
  readonly allow: string;
  readonly kind: 'use-case' | 'operation';
}

const ROUTES: readonly Route[] = [
  { pattern: '/v1/authorize', allow: 'POST', kind: 'use-case' },
  { pattern: '/v1/outcome', allow: 'POST', kind: 'use-case' },
  { pattern: '/v1/sessions/:sid/prompt', allow: 'POST', kind: 'use-case' },
  { pattern: '/health', allow: 'GET, HEAD', kind: 'operation' },
  { pattern: '/livez', allow: 'GET, HEAD', kind: 'operation' },
  { pattern: '/readyz', allow: 'GET, HEAD', kind: 'operation' },
  { pattern: '/metrics', allow: 'GET, HEAD', kind: 'operation' },
];

/** Fails closed: what the router knows and this table does not goes nowhere. */
export function destinationOf(request: FastifyRequest): Destination {
  const { url: pattern } = request.routeOptions;
  if (!request.is404) {
    const route = ROUTES.find((candidate) => candidate.pattern === pattern);
    return route === undefined ? { kind: 'nowhere' } : { kind: route.kind };
  }
  const path = request.url.split('?', 1)[0] ?? '';
  const other = ROUTES.find((candidate) => matches(candidate.pattern, path));
  return other === undefined ? { kind: 'nowhere' } : { kind: 'wrong-method', allow: other.allow };
}

function matches(pattern: string, path: string): boolean {
  const wanted = pattern.split('/');
  const came = path.split('/');
  return (
    wanted.length === came.length &&
    wanted.every((part, at) => (part.startsWith(':') ? came[at] !== '' : part === came[at]))
  );
}
