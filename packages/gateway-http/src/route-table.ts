import type { FastifyRequest } from 'fastify';
import type { Route } from './route.ts';

/** Where a request goes. */
export type Destination =
  | { readonly kind: 'route'; readonly route: Route }
  | { readonly kind: 'wrong-method'; readonly allow: string }
  | { readonly kind: 'nowhere' };

const NOWHERE: Destination = { kind: 'nowhere' };

/** The one list of what a listener serves: routes are registered from it, and the guard asks it. */
export class RouteTable {
  readonly routes: readonly Route[];
  /** By method and pattern. */
  readonly #known = new Map<string, Destination>();
  readonly #allowed = new Map<string, Set<string>>();

  constructor(routes: readonly Route[]) {
    this.routes = routes;
    for (const route of routes) {
      const allowed = this.#allowed.get(route.pattern) ?? new Set();
      for (const method of methodsOf(route)) {
        const key = `${method} ${route.pattern}`;
        if (this.#known.has(key)) throw new Error(`expected one route for ${key}, came two`);
        this.#known.set(key, { kind: 'route', route });
        allowed.add(method);
      }
      this.#allowed.set(route.pattern, allowed);
    }
  }

  /** Fails closed: what the router knows and this table does not goes nowhere. */
  destinationOf(request: FastifyRequest): Destination {
    // A reader that cuts the fragment off and one that does not would see two paths.
    if (request.url.includes('#')) return NOWHERE;
    if (!request.is404) {
      const { url: pattern = '' } = request.routeOptions;
      if (pattern.includes(':') && hasEmptyPart(request.params)) return NOWHERE;
      return this.#known.get(`${request.method} ${pattern}`) ?? NOWHERE;
    }
    const path = request.url.split('?', 1)[0] ?? '';
    for (const [pattern, allowed] of this.#allowed)
      if (matches(pattern, path)) return { kind: 'wrong-method', allow: [...allowed].join(', ') };
    return NOWHERE;
  }
}

/** Every GET answers HEAD as well, but for streams: there is nothing to say about one before it flows. */
export function methodsOf(route: Route): readonly string[] {
  if (route.kind === 'stream') return route.methods;
  return route.method === 'GET' ? ['GET', 'HEAD'] : [route.method];
}

/** To the router `/things/` is a thing without a name. What a `*` stands for, its route looks at. */
function hasEmptyPart(params: unknown): boolean {
  return Object.entries(params as Record<string, string>).some(([name, part]) => part === '' && name !== '*');
}

function matches(pattern: string, path: string): boolean {
  const wanted = pattern.split('/');
  const came = path.split('/');
  if (wanted.at(-1) === '*') {
    wanted.pop();
    if (came.length <= wanted.length) return false;
    came.length = wanted.length;
  }
  return (
    wanted.length === came.length &&
    wanted.every((part, at) => (part.startsWith(':') ? came[at] !== '' : part === came[at]))
  );
}
