import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { isIP } from 'node:net';

// X.509 for tests, written by hand: certificates kept in files would expire, and a tool to make them may be missing.

export interface Certified {
  /** PEM, as are both. */
  readonly certificate: Buffer;
  readonly key: Buffer;
}

export interface Authority extends Certified {
  issue(name: string, host?: string): Certified;
}

const OID = {
  commonName: '550403',
  organization: '55040a',
  ecdsaWithSha256: '2a8648ce3d040302',
  basicConstraints: '551d13',
  subjectAltName: '551d11',
};
const ALGORITHM = sequence(oid(OID.ecdsaWithSha256));

let serial = 1;

/** One that signs certificates of servers and clients, all for an hour. */
export function certificateAuthority(name: string): Authority {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const constraints = extension(OID.basicConstraints, sequence(tlv(0x01, Buffer.from([0xff]))));
  const own = certify(name, pair.publicKey, { name, key: pair.privateKey }, constraints);
  return {
    ...pem(own, pair.privateKey),
    issue(subject, host = '127.0.0.1') {
      const leaf = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const address = isIP(host)
        ? tlv(0x87, Buffer.from(host.split('.').map(Number)))
        : tlv(0x82, Buffer.from(host));
      const names = extension(OID.subjectAltName, sequence(address));
      return pem(certify(subject, leaf.publicKey, { name, key: pair.privateKey }, names), leaf.privateKey);
    },
  };
}

function certify(
  subject: string,
  publicKey: KeyObject,
  issuer: { readonly name: string; readonly key: KeyObject },
  extensions: Buffer,
): Buffer {
  const hour = 3_600_000;
  const tbs = sequence(
    tlv(0xa0, integer(2)),
    integer(serial++),
    ALGORITHM,
    distinguishedName(issuer.name),
    sequence(time(Date.now() - hour), time(Date.now() + hour)),
    distinguishedName(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    tlv(0xa3, sequence(extensions)),
  );
  const signature = tlv(0x03, Buffer.concat([Buffer.from([0]), sign('sha256', tbs, issuer.key)]));
  return sequence(tbs, ALGORITHM, signature);
}

function pem(der: Buffer, key: KeyObject): Certified {
  const lines = der.toString('base64').replace(/.{64}/g, '$&\n');
  const certificate = Buffer.from(`-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`);
  return { certificate, key: Buffer.from(key.export({ type: 'pkcs8', format: 'pem' })) };
}

function distinguishedName(name: string): Buffer {
  const attribute = (type: string, value: string) =>
    tlv(0x31, sequence(oid(type), tlv(0x0c, Buffer.from(value))));
  return sequence(attribute(OID.commonName, name), attribute(OID.organization, 'acme'));
}

function extension(type: string, value: Buffer): Buffer {
  return sequence(oid(type), tlv(0x04, value));
}

function time(ms: number): Buffer {
  const text = new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, '');
  return tlv(0x18, Buffer.from(text));
}

function integer(value: number): Buffer {
  return tlv(0x02, Buffer.from([value >> 8, value & 0xff].slice(value < 0x80 ? 1 : 0)));
}

function oid(hexText: string): Buffer {
  return tlv(0x06, Buffer.from(hexText, 'hex'));
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tlv(0x30, Buffer.concat(parts));
}

function tlv(tag: number, value: Buffer): Buffer {
  const { length } = value;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), value]);
}
