// Where messages of rotations may go. The address is a tenant's choice, so it must not lead to what only this host can reach:
// the metadata services of clouds above all, which hand out credentials to whoever asks from here.
import { lookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { SecretError } from '../../errors.ts';

export interface AddressRules {
  /** Whether `http` and `https` to this host itself are allowed. */
  readonly allowLoopback: boolean;
  /** Addresses, or ranges like `169.254.10.0/24`, that are allowed although they are refused otherwise. */
  readonly allowed: readonly string[];
}

const LOOPBACK = listOf(['127.0.0.0/8', '::1']);
const REFUSED = listOf([
  '0.0.0.0/8',
  '169.254.0.0/16',
  // Metadata services that are not link-local: Alibaba, Oracle, Azure.
  '100.100.100.200',
  '192.0.0.192',
  '168.63.129.16',
  '224.0.0.0/3',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
  // Metadata services: AWS, Google.
  'fd00:ec2::/32',
  'fd20:ce::/32',
  // IPv4 addresses in another dress, and the one of no host.
  '::/96',
  '64:ff9b::/96',
  '2002::/16',
]);

/** Throws ROTATION_INVALID. */
export function checkTargetUrl(text: unknown, rules: AddressRules): URL {
  const url = parsed(text);
  const host = hostOf(url);
  const isHere = host === 'localhost' || (isIP(host) !== 0 && isLoopback(host));
  const isPlainHere = url.protocol === 'http:' && isHere;
  if (url.protocol !== 'https:' && !isPlainHere) throw invalid('`https`, or `http` to localhost');
  if (isHere && !rules.allowLoopback) throw invalid('another host than this one: that is not allowed here');
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    throw invalid('no user, password, query or fragment');
  if (isIP(host) !== 0) requireAllowed(host, rules);
  return url;
}

/** Looks names up and refuses what they lead to; a name that says another thing later is asked for the last time here. */
export function guardedLookup(rules: AddressRules): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) {
        callback(error, []);
        return;
      }
      try {
        for (const { address } of addresses) requireAllowed(address, rules);
      } catch (refused) {
        callback(refused as Error, []);
        return;
      }
      const [first] = addresses;
      if (options.all === true || first === undefined) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}

function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

function requireAllowed(address: string, { allowLoopback, allowed }: AddressRules): void {
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  if (allowed.length > 0 && listOf(allowed).check(address, family)) return;
  if (isLoopback(address)) {
    if (allowLoopback) return;
    throw invalid('another host than this one: that is not allowed here');
  }
  if (REFUSED.check(address, family))
    throw invalid('no link-local, metadata or multicast address; the operator can allow it');
}

function isLoopback(address: string): boolean {
  return LOOPBACK.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

function listOf(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', bits] = range.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    list.addSubnet(address, bits === undefined ? (family === 'ipv6' ? 128 : 32) : Number(bits), family);
  }
  return list;
}

function parsed(text: unknown): URL {
  try {
    return new URL(typeof text === 'string' ? text : '');
  } catch {
    throw invalid('a URL like `https://target.example/rotation`');
  }
}

function invalid(expected: string): SecretError {
  return new SecretError('ROTATION_INVALID', `expected the address of the target to be ${expected}`);
}
