import { afterEach, describe, expect, it } from 'vitest';
import type { GuardedRoute, Route } from './route.ts';
import { RouteTable } from './route-table.ts';
import { ask } from './testing/clients.ts';
import { startListener, stopServers } from './testing/start-server.ts';

afterEach(stopServers);

const route = (method: 'GET' | 'POST', pattern: string): GuardedRoute => ({
  kind: 'guarded',
  method,
  pattern,
  serve: async ({ params, query }) => ({ status: 200, body: { params, query } }),
});
type Asked = Parameters<RouteTable['destinationOf']>[0];

describe('the route table', () => {
  it('sends a route that only the router knows nowhere', () => {
    const table = new RouteTable([route('GET', '/known')]);
    const asked = (url: string, method = 'GET') =>
      ({ is404: false, method, url, params: {}, routeOptions: { url } }) as Asked;
    expect(table.destinationOf(asked('/known')).kind).toBe('route');
    expect(table.destinationOf(asked('/added-by-a-plugin')).kind).toBe('nowhere');
    expect(table.destinationOf(asked('/known', 'POST')).kind).toBe('nowhere');
    expect(table.destinationOf(asked('/constructor')).kind).toBe('nowhere');
  });

  it('does not take two routes for one request', () => {
    const twice: readonly Route[] = [route('GET', '/a'), route('POST', '/a'), route('GET', '/a')];
    expect(() => new RouteTable(twice)).toThrow('expected one route for GET /a');
  });

  it.each([
    ['GET', '/things/1', 200],
    ['HEAD', '/things/1', 200],
    ['POST', '/things/1', 405],
    ['GET', '/things', 404],
    ['GET', '/things/', 404],
    ['GET', '//things/1', 404],
    ['GET', '/things//1', 404],
    ['GET', '/things/1/', 404],
    ['GET', '/things/a/b', 404],
    ['GET', '/./things/1', 404],
    ['GET', '/x/../things/1', 404],
    ['GET', '/%2e%2e/things/1', 404],
    ['GET', '/things%2f1', 404],
    ['GET', '/THINGS/1', 404],
    ['GET', '/things/1;a=b', 200],
    ['GET', '/things/%zz', 400],
    ['GET', 'http://evil.example/things/1', 200],
    ['GET', '/both', 200],
    ['POST', '/both', 200],
    ['DELETE', '/both', 405],
  ])('answers %s %s with %i', async (method, path, status) => {
    const routes = [route('GET', '/things/:id'), route('GET', '/both'), route('POST', '/both')];
    const { port } = await startListener(routes);
    const came = await ask(port, path, {
      method,
      token: 'agent-token',
      ...(method === 'POST' && { body: '{}' }),
    });
    expect(came.status).toBe(status);
    if (path === '/both' && status === 405) expect(came.headers.allow).toBe('GET, HEAD, POST');
  });

  it('is asked after escapes are undone, so that no spelling of a path goes round the guard', async () => {
    const { port } = await startListener([route('GET', '/things/:id')]);
    for (const path of ['/things/1', '/%74hings/1', '/things/%31'])
      expect((await ask(port, path)).status).toBe(401);
  });
});
