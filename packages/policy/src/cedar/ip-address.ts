const MAX_TEXT = 43; // the longest: eight groups of four digits and /128
const OCTET = /^(?:0|[1-9][0-9]{0,2})$/;
const GROUP = /^[0-9A-Fa-f]{1,4}$/;
const PREFIX = /^(?:0|[1-9][0-9]{0,2})$/;

/** Cedar's `ipaddr`: an IPv4 or IPv6 address, or a range of them. */
export class CedarIpAddress {
  readonly kind = 'ipaddr';

  constructor(
    readonly version: 4 | 6,
    /** As written: host bits stay, so `10.0.0.1/8` is not `10.0.0.0/8`. */
    readonly address: bigint,
    readonly prefix: number,
  ) {}

  equals(other: CedarIpAddress): boolean {
    return this.version === other.version && this.address === other.address && this.prefix === other.prefix;
  }

  isInRange(other: CedarIpAddress): boolean {
    if (this.version !== other.version || this.prefix < other.prefix) return false;
    const hostBits = BigInt(width(other.version) - other.prefix);
    return this.address >> hostBits === other.address >> hostBits;
  }

  isLoopback(): boolean {
    return this.isInRange(this.version === 4 ? LOOPBACK_4 : LOOPBACK_6);
  }

  isMulticast(): boolean {
    return this.isInRange(this.version === 4 ? MULTICAST_4 : MULTICAST_6);
  }
}

const LOOPBACK_4 = new CedarIpAddress(4, 127n << 24n, 8);
const LOOPBACK_6 = new CedarIpAddress(6, 1n, 128);
const MULTICAST_4 = new CedarIpAddress(4, 224n << 24n, 4);
const MULTICAST_6 = new CedarIpAddress(6, 0xffn << 120n, 8);

/**
 * The problem as a string if the text is no address. IPv4 within IPv6 is none: two readers would see two
 * addresses.
 */
export function parseIpAddress(text: string): CedarIpAddress | string {
  const problem = 'expected an IP address or range like `10.0.0.0/8` or `fe80::/10`';
  if (text.length > MAX_TEXT) return problem;
  const slash = text.indexOf('/');
  const address = slash < 0 ? text : text.slice(0, slash);
  const version = address.includes(':') ? 6 : 4;
  const value = version === 4 ? parseIpv4(address) : parseIpv6(address);
  if (value === undefined) return problem;
  if (slash < 0) return new CedarIpAddress(version, value, width(version));
  const prefix = text.slice(slash + 1);
  if (!PREFIX.test(prefix) || Number(prefix) > width(version)) {
    return `expected a prefix from 0 to ${width(version)}`;
  }
  return new CedarIpAddress(version, value, Number(prefix));
}

function width(version: 4 | 6): number {
  return version === 4 ? 32 : 128;
}

function parseIpv4(text: string): bigint | undefined {
  const octets = text.split('.');
  if (octets.length !== 4) return undefined;
  let value = 0;
  for (const octet of octets) {
    if (!OCTET.test(octet) || Number(octet) > 255) return undefined;
    value = value * 256 + Number(octet);
  }
  return BigInt(value);
}

function parseIpv6(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const groups = head ?? [];
  if (tail) {
    // `::` stands for at least one group of zeros.
    const missing = 8 - groups.length - tail.length;
    if (missing < 1) return undefined;
    for (let i = 0; i < missing; i++) groups.push('0');
    groups.push(...tail);
  }
  if (groups.length !== 8) return undefined;
  let value = 0n;
  for (const group of groups) {
    if (!GROUP.test(group)) return undefined;
    value = (value << 16n) | BigInt(`0x${group}`);
  }
  return value;
}
