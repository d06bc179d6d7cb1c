import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Call } from '../../route.ts';
import { kvTarget } from './kv-path.ts';

const SETTINGS = { mount: 'secret', environment: 'production' };

function targetOf(path: string, mount = 'secret') {
  const identity = { principal: { tenant: 'acme' } };
  return kvTarget(SETTINGS, { identity, params: { mount, '*': path } } as unknown as Call);
}

describe('a path of KV', () => {
  it('is a name in the token’s tenant, or says whose it is after our environment', () => {
    expect(targetOf('db/primary')).toEqual({ tenant: 'acme', name: 'db/primary' });
    expect(targetOf('production/tenants/globex/db/x')).toEqual({ tenant: 'globex', name: 'db/x' });
    expect(targetOf('production/tenants')).toEqual({ tenant: 'acme', name: 'production/tenants' });
    expect(targetOf('production/tenants/')).toEqual({ tenant: 'acme', name: 'production/tenants/' });
    expect(() => targetOf('Production/tenants/acme/db')).toThrow('expected the environment `production`');
    expect(() => targetOf('db', 'secrets')).toThrow('expected the mount `secret`');
  });

  it('never names two secrets alike, and never a tenant that does not stand there', () => {
    const part = fc.constantFrom('production', 'staging', 'tenants', 'acme', 'globex', 'db', '..', '');
    const paths = fc.array(part, { maxLength: 6 }).map((parts) => parts.join('/'));
    fc.assert(
      fc.property(paths, paths, (one, other) => {
        const [a, b] = [one, other].map((path) => {
          try {
            return targetOf(path);
          } catch {
            return null;
          }
        });
        if (!a || !b) return;
        if (a.tenant !== 'acme') expect(one).toBe(`production/tenants/${a.tenant}/${a.name}`);
        const isSame = a.tenant === b.tenant && a.name === b.name;
        // The same secret only by its plain and its whole path.
        const whole = (path: string) => path.replace(/^production\/tenants\/acme\//, '');
        if (isSame && a.name !== '') expect(whole(one)).toBe(whole(other));
      }),
      { numRuns: 200 },
    );
  });
});
