import { describe, expect, it } from 'vitest';
import { ACCESS, PLATFORM_ROLE, SECRET_ROLES } from './access-table.ts';
import { type Claimant, checkAccess } from './check-access.ts';
import type { SecretOperation } from './operations.ts';

const OPERATIONS = Object.keys(ACCESS) as SecretOperation[];

function may(claimant: Partial<Claimant>, operation: SecretOperation, tenant = 'acme'): boolean {
  try {
    checkAccess({ tenant: 'acme', principal: 'alice', roles: [], ...claimant }, operation, tenant);
    return true;
  } catch (error) {
    expect(error).toMatchObject({ code: 'SECRET_FORBIDDEN' });
    return false;
  }
}

describe('who may do what', () => {
  it('gives nothing for how a principal is called, to nobody, or to roles of something else', () => {
    for (const operation of OPERATIONS) {
      for (const principal of ['admin-alice', 'system', 'system:rotation', 'root', 'platform-secrets-admin'])
        expect(may({ principal }, operation)).toBe(false);
      for (const role of [
        'admin',
        'ROLE_ADMIN',
        'Secrets-Admin',
        'secrets-admin ',
        'operator',
        'constructor',
        '',
      ])
        expect(may({ roles: [role] }, operation)).toBe(false);
      expect(may({ principal: '', roles: ['secrets-admin', PLATFORM_ROLE] }, operation)).toBe(false);
    }
  });

  it('gives a role of one tenant nothing in another, nor a token without a tenant', () => {
    for (const operation of OPERATIONS)
      for (const role of SECRET_ROLES) {
        expect(may({ roles: [role] }, operation, 'other')).toBe(false);
        expect(may({ roles: [role] }, operation, 'Acme')).toBe(false);
        expect(may({ roles: [role], tenant: null }, operation)).toBe(false);
        expect(may({ roles: [role], tenant: '' }, operation)).toBe(false);
      }
  });

  it('is this table and no other', () => {
    const allowed = Object.fromEntries(
      SECRET_ROLES.map((role) => [
        role,
        OPERATIONS.filter((operation) => may({ roles: [role] }, operation)).join(' '),
      ]),
    );
    expect(allowed).toEqual({
      'secrets-admin': OPERATIONS.join(' '),
      'secrets-editor': OPERATIONS.filter(
        (operation) => !['delete', 'destroy', 'remove'].includes(operation),
      ).join(' '),
      'secrets-operator': 'read mount compare list describe write',
      'secrets-viewer': 'read mount compare list describe',
      auditor: 'list describe audit',
      'secrets-sidecar': 'use fingerprint',
    });
  });

  it('gives the platform role what an admin has, in any tenant', () => {
    for (const operation of OPERATIONS)
      for (const tenant of ['acme', 'other']) {
        expect(may({ roles: [PLATFORM_ROLE] }, operation, tenant)).toBe(true);
        expect(may({ roles: [PLATFORM_ROLE], tenant: null }, operation, tenant)).toBe(true);
      }
  });

  it('refuses an operation that is not in the table', () => {
    for (const operation of ['toString', 'export'])
      expect(may({ roles: ['secrets-admin'] }, operation as SecretOperation)).toBe(false);
  });
});
