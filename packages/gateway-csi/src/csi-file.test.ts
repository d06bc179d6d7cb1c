import { describe, expect, it } from 'vitest';
import { parseCsiFile } from './csi-file.ts';

const FILE = `
issuer: https://kubernetes.default.svc.cluster.local
keys:
  url: https://kubernetes.default.svc/openid/v1/jwks
  ca_file: /var/run/ca.crt
rules:
  - { namespace: production, service_account: valuecanvas, tenant: platform, names: [db/] }
`;

describe('csi.yaml', () => {
  it.each([
    ['a key that it does not know', `${FILE}audiences: x\n`],
    ['a key twice', `${FILE}issuer: x\n`],
    ['no issuer', FILE.replace(/issuer.*/, '')],
    ['no keys', FILE.replace(/keys:\n.*\n.*\n/, '')],
    ['keys from two places', FILE.replace('  ca_file', '  file: /a\n  ca_file')],
    ['a relative socket', `${FILE}socket: x.sock\n`],
    ['a rule with a tenant missing', FILE.replace('tenant: platform, ', '')],
    ['a limit out of range', `${FILE}max_mounts: 0\n`],
    ['an alias', `${FILE}audience: &a x\nsocket: *a\n`],
    ['no YAML', '{'],
    ['nothing', ''],
  ])('is refused with %s', (_, text) => {
    expect(() => parseCsiFile(text)).toThrow(expect.objectContaining({ code: 'CSI_FILE_INVALID' }));
  });

  it('has defaults for what can have one', () => {
    expect(parseCsiFile(FILE)).toEqual({
      socketPath: '/var/run/secrets-store-csi-providers/provability-fabric.sock',
      issuer: 'https://kubernetes.default.svc.cluster.local',
      audience: 'provability-fabric',
      keys: {
        kind: 'url',
        url: 'https://kubernetes.default.svc/openid/v1/jwks',
        caFile: '/var/run/ca.crt',
      },
      maxMounts: 16,
      timeoutMs: 10_000,
      rules: [{ namespace: 'production', serviceAccount: 'valuecanvas', tenant: 'platform', names: ['db/'] }],
    });
    expect(parseCsiFile(FILE.replace(/keys:\n.*\n.*\n/, 'keys: { file: /k.json }\n')).keys).toEqual({
      kind: 'file',
      path: '/k.json',
    });
  });
});
