import { describe, expect, it } from 'vitest';
import { readGovernorSettings } from './governor-settings.ts';

const CANARY = 'canary-of-thirty-two-bytes-and-more';

describe('what the environment says of the governor is refused', () => {
  it.each([
    [{ SAFEAI_JWT_REVOKED_FILE: '/data/revoked' }, 'SAFEAI_JWT_REVOKED_FILE: expected a key of the issuer'],
    [{ SAFEAI_JWT_ISSUER: 'idp' }, 'SAFEAI_JWT_ISSUER: expected a key of the issuer'],
    [{ SAFEAI_JWT_AUDIENCE: 'governor' }, 'SAFEAI_JWT_AUDIENCE: expected a key of the issuer'],
    [{ SAFEAI_JWT_PRIVATE_KEY: CANARY }, 'SAFEAI_JWT_PRIVATE_KEY: expected a key of the issuer'],
    [{ SAFEAI_JWT_SECRET: CANARY }, 'expected SAFEAI_JWT_ALGORITHM=HS256 beside it'],
    [{ SAFEAI_JWT_ALGORITHM: 'HS256' }, 'SAFEAI_JWT_SECRET: expected at least 32 bytes'],
    [
      { SAFEAI_JWT_ALGORITHM: 'HS256', SAFEAI_JWT_SECRET: CANARY, SAFEAI_JWT_PUBLIC_KEY: '/keys/idp.pem' },
      'expected SAFEAI_JWT_SECRET alone',
    ],
    [{ SAFEAI_JWT_ALGORITHM: 'RS256', SAFEAI_JWT_SECRET: CANARY }, 'came 0'],
    [{ SAFEAI_JWT_ALGORITHM: 'none', SAFEAI_JWT_PUBLIC_KEY: '/k' }, 'expected RS256, EdDSA, HS256'],
    [{ SAFEAI_ENABEL: 'off' }, 'did you mean `SAFEAI_ENABLE`?'],
    [{ REDIS_URL: `http://:${CANARY}@cache` }, 'REDIS_URL: expected an address'],
  ])('%j', (variables, problem) => {
    let message = '';
    try {
      readGovernorSettings(variables);
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toContain(problem);
    expect(message).not.toContain(CANARY);
  });
});

it('the deployment guide names a secret beside the key of RS256, and the key counts', () => {
  const { jwt } = readGovernorSettings({
    SAFEAI_JWT_ALGORITHM: 'RS256',
    SAFEAI_JWT_SECRET: CANARY,
    SAFEAI_JWT_PUBLIC_KEY: '/keys/idp.pem',
    SAFEAI_JWT_PRIVATE_KEY: CANARY,
  });
  expect(jwt).toMatchObject({ algorithm: 'RS256', publicKey: '/keys/idp.pem' });
  expect(jwt).not.toHaveProperty('secret');
});
