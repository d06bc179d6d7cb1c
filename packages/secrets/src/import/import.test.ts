import { describe, expect, it } from 'vitest';
import { SecretError } from '../errors.ts';
import { readAwsExport } from './aws-export.ts';
import { readVariables } from './variables.ts';
import { readVaultExport } from './vault-export.ts';

const CANARY = 'canary-4f8c1e';

/** As the command prints it, shortened. */
function printed(fields: Record<string, unknown>) {
  return {
    request_id: 'f2b6a0a9-6a45-95a6-52b1-6d1cbb1f0c3e',
    lease_id: '',
    lease_duration: 0,
    renewable: false,
    data: { data: fields, metadata: { created_time: '2024-11-29T10:00:00.123456789Z', version: 3 } },
    warnings: null,
  };
}

function refusal(work: () => unknown): string {
  try {
    work();
    return 'none';
  } catch (error) {
    expect(`${error} ${(error as Error).stack} ${(error as Error).cause}`).not.toContain(CANARY);
    return error instanceof SecretError ? error.code : String(error);
  }
}

describe('exports of Vault', () => {
  it('refuses what is no export, and repeats nothing of it', () => {
    for (const text of [
      `${CANARY}`,
      `"${CANARY}"`,
      '[]',
      '{}',
      JSON.stringify([printed({ v: CANARY }), printed({ v: CANARY })]),
      JSON.stringify({ data: CANARY }),
      JSON.stringify(printed({ v: CANARY })),
      JSON.stringify([{ path: 'a', data: { data: null, metadata: {} } }]),
      JSON.stringify({ a: { v: CANARY }, '/a/': { v: CANARY } }),
    ])
      expect(
        refusal(() => readVaultExport(text)),
        text,
      ).toBe('SECRET_REQUEST_INVALID');
    for (const path of ['../t2/db', `${CANARY}?version=1`, 'a b', ''])
      expect(refusal(() => readVaultExport(JSON.stringify({ [path]: { v: '1' } })))).toBe(
        'SECRET_NAME_INVALID',
      );
    for (const value of [null, [CANARY], { deeper: CANARY }, 1.5, 2 ** 53])
      expect(refusal(() => readVaultExport(JSON.stringify({ a: { v: value } })))).toBe(
        'SECRET_VALUE_INVALID',
      );
  });

  it('reads one secret under the name that is given', () => {
    const text = JSON.stringify(printed({ username: 'u', port: 5432, tls: true }));
    expect(readVaultExport(text, { name: 'db/primary' })).toEqual([
      { name: 'db/primary', value: { username: 'u', port: '5432', tls: 'true' } },
    ]);
  });

  it('reads lists and maps, in the order of their names, without what stands before them', () => {
    const strip = 'secret/data/production/tenants/acme/';
    const expected = [
      { name: 'api', value: { k: '2' } },
      { name: 'db/primary', value: { k: '1' } },
    ];
    const list = [
      { path: `${strip}db/primary`, ...printed({ k: '1' }) },
      { path: `${strip}api`, data: { k: '2' } },
    ];
    expect(readVaultExport(JSON.stringify(list), { strip })).toEqual(expected);
    const map = { 'db/primary': { k: '1', _fabric: '{"of":"another place"}' }, '/api/': printed({ k: '2' }) };
    expect(readVaultExport(JSON.stringify(map))).toEqual(expected);
  });
});

describe('exports of AWS', () => {
  const one = (Name: string, SecretString: unknown) => ({
    ARN: 'arn:…',
    Name,
    SecretString,
    VersionStages: [],
  });

  it('refuses batches that are not whole, binary secrets and doubles', () => {
    for (const entry of [
      {
        SecretValues: [one('a', '{"k":"1"}')],
        Errors: [{ SecretId: 'b', ErrorCode: 'AccessDeniedException' }],
      },
      { SecretValues: 'a' },
      { ...one('a', undefined), SecretBinary: CANARY },
      [one('a', '{"k":"1"}'), one('a', '{"k":"2"}')],
      { SecretValues: [] },
    ])
      expect(refusal(() => readAwsExport(JSON.stringify(entry)))).toBe('SECRET_REQUEST_INVALID');
  });

  it('reads single secrets and batches, and plain texts as one field', () => {
    const strip = 'valuecanvas/production/tenants/acme/';
    const batch = {
      SecretValues: [one(`${strip}db/primary`, '{"k":"1","n":7}'), one(`${strip}plain`, '12345')],
    };
    expect(readAwsExport(JSON.stringify([batch, one('zeta', '"quoted"')]), { strip })).toEqual([
      { name: 'db/primary', value: { k: '1', n: '7' } },
      { name: 'plain', value: { value: '12345' } },
      { name: 'zeta', value: { value: '"quoted"' } },
    ]);
  });
});

describe('variables of an .env file', () => {
  it('become the fields of one secret', () => {
    const variables = { DB_USER: 'u', DB_PASSWORD: '' };
    expect(readVariables(variables, { kind: 'one', name: 'app/env' })).toEqual([
      { name: 'app/env', value: variables },
    ]);
  });

  it('become a secret each', () => {
    expect(readVariables({ B: '2', A: '1' }, { kind: 'each', below: 'app' })).toEqual([
      { name: 'app/A', value: { value: '1' } },
      { name: 'app/B', value: { value: '2' } },
    ]);
  });

  it('are refused under names that no field has, whole', () => {
    expect(refusal(() => readVariables({ A: '1', _HIDDEN: CANARY }, { kind: 'one', name: 'a' }))).toBe(
      'SECRET_VALUE_INVALID',
    );
    expect(refusal(() => readVariables({ A: '1', _HIDDEN: CANARY }, { kind: 'each' }))).toBe(
      'SECRET_NAME_INVALID',
    );
  });
});
